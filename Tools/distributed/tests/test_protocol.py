"""Frames, whole and broken."""

import io
import random
import struct
import unittest

import support  # noqa: F401 (finds the package)
from prism_distributed import protocol


class ProtocolTest(unittest.TestCase):
    def test_a_frame_comes_back(self):
        stream = io.BytesIO()
        protocol.write(stream, {"kind": "explain", "name": "Zürich.png"}, b"\0\1\2")
        protocol.write(stream, {"kind": "end"})
        stream.seek(0)
        self.assertEqual(protocol.read(stream), ({"kind": "explain", "name": "Zürich.png", "bytes": 3}, b"\0\1\2"))
        self.assertEqual(protocol.read(stream), ({"kind": "end"}, b""))
        self.assertIsNone(protocol.read(stream))

    def test_what_is_no_frame_is_refused(self):
        whole = io.BytesIO()
        protocol.write(whole, {"kind": "x"}, b"1234")
        cases = {
            "a long header": struct.pack("<I", (1 << 20) + 1),
            "no JSON": struct.pack("<I", 4) + b"nope",
            "no object": struct.pack("<I", 2) + b"[]",
            "a negative payload": struct.pack("<I", 12) + b'{"bytes":-1}',
            "a payload of text": struct.pack("<I", 13) + b'{"bytes":"a"}',
            "half a length": b"\1\0",
            "half a header": whole.getvalue()[:8],
            "half a payload": whole.getvalue()[:-1],
        }
        for name, data in cases.items():
            with self.subTest(name), self.assertRaises(protocol.BrokenStream):
                protocol.read(io.BytesIO(data))

    def test_what_stands_aside_comes_back_in_the_header(self):
        document = '{"input":"π"}'.encode()
        aside = {"document": {"offset": 3, "bytes": len(document)}}
        stream = io.BytesIO()
        protocol.write(stream, {"kind": "result", "aside": aside}, b"\0\1\2" + document)
        stream.seek(0)
        header, payload = protocol.read(stream)
        self.assertEqual(header, {"kind": "result", "document": {"input": "π"}, "bytes": 3 + len(document)})
        self.assertEqual(payload[:3], b"\0\1\2")
        for broken in (
            [], 1, {"document": 1}, {"document": {"offset": 3}}, {"document": {"offset": 3, "bytes": 100}},
            {"document": {"offset": -1, "bytes": 4}}, {"document": {"offset": 5, "bytes": -2}}, {"document": {"offset": 0, "bytes": 3}},
            {"document": {"offset": "3", "bytes": 1}}, {"document": None},
        ):  # fmt: skip
            with self.subTest(broken), self.assertRaises(protocol.BrokenStream):
                stream = io.BytesIO()
                protocol.write(stream, {"kind": "result", "aside": broken}, b"\0\1\2" + document)
                stream.seek(0)
                protocol.read(stream)

    def test_a_header_that_is_too_long_is_not_sent(self):
        with self.assertRaises(protocol.BrokenStream):
            protocol.frame({"name": "x" * (1 << 20)})

    def test_any_bytes_end_in_frames_or_an_error(self):
        draw = random.Random(0)
        for _ in range(2000):
            stream = io.BytesIO(struct.pack("<I", draw.randrange(12)) + draw.randbytes(draw.randrange(40)))
            try:
                while protocol.read(stream):
                    pass
            except protocol.BrokenStream:
                pass


if __name__ == "__main__":
    unittest.main()
