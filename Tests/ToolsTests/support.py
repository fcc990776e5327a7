"""What the converter's tests share."""

import contextlib
import io
import json
import pathlib
import struct
import sys
import tempfile
import unittest

import numpy

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "Tools"
sys.path.insert(0, str(TOOLS))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from prism_convert.cli import main


class ConverterTest(unittest.TestCase):
    """Runs the command in a folder of its own."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)
        self.output = self.folder / "out" / "model.safetensors"

    def run_converter(self, source, *options):
        """Exit status, standard output and standard error."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = main([str(source), "--output", str(self.output), *map(str, options)])
        return status, out.getvalue(), err.getvalue()

    def convert(self, source, *options):
        """Card and tensors of a conversion that must succeed."""
        status, _, err = self.run_converter(source, *options)
        self.assertEqual(status, 0, err)
        return read_flat(self.output)

    def assert_refused(self, source, pattern, *options):
        """The conversion fails with one clear line and leaves nothing behind."""
        status, out, err = self.run_converter(source, *options)
        self.assertEqual((status, out), (1, ""), err)
        self.assertRegex(err, pattern)
        self.assertEqual(err.count("\n"), 1, err)
        self.assertTrue(err.startswith("convert: "), err)
        self.assertFalse(self.output.exists())
        if self.output.parent.exists():
            self.assertEqual(list(self.output.parent.iterdir()), [])
        return err


def read_flat(path):
    """Card and tensors of a flat weight file, read without any library, with its layout checked."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    start = 8 + length
    assert start % 64 == 0, start
    header = json.loads(data[8:start])
    card = json.loads(header.pop("__metadata__")["prism"])
    tensors, end = {}, 0
    for name, entry in header.items():
        begin, stop = entry["data_offsets"]
        assert begin == end, name
        end = stop
        kind = {"F32": "<f4", "F16": "<f2"}[entry["dtype"]]
        value = numpy.frombuffer(data[start + begin : start + stop], kind)
        tensors[name] = value.reshape(entry["shape"])
    assert start + end == len(data)
    return card, tensors
