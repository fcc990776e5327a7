"""Frames of the worker's protocol: a length, a header of JSON, and as many bytes as the header says.

The length is that of the header, 4 bytes, little-endian. The header is an object; its member `bytes` is the length of the
payload that follows it. Members that would make it longer than it may be stand as JSON in the payload, from version 2 on; its
member `aside` says where.
"""

import json
import struct

#: The versions that are understood.
VERSIONS = (1, 2)
HEADER_LIMIT = 1 << 20
PAYLOAD_LIMIT = 1 << 31

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class BrokenStream(Exception):
    """What was read is no frame."""


def frame(header: dict, payload: bytes = b"") -> bytes:
    """A header with its length; the payload is written after it."""
    if payload:
        header = {**header, "bytes": len(payload)}
    text = _encode(header).encode()
    if len(text) > HEADER_LIMIT:
        raise BrokenStream(f"a header of {len(text)} bytes is longer than {HEADER_LIMIT}")
    return struct.pack("<I", len(text)) + text


def write(stream, header: dict, payload: bytes = b"") -> None:
    """Writes a frame and sends it off."""
    stream.write(frame(header, payload))
    if payload:
        stream.write(payload)
    stream.flush()


def read(stream) -> tuple[dict, bytes] | None:
    """The next frame, or None at the end of the stream."""
    start = stream.read(4)
    if not start:
        return None
    (length,) = struct.unpack("<I", _whole(start, 4))
    if length > HEADER_LIMIT:
        raise BrokenStream(f"a header of {length} bytes is longer than {HEADER_LIMIT}")
    try:
        header = json.loads(_whole(stream.read(length), length))
    except ValueError as error:
        raise BrokenStream(f"a header is no JSON: {error}") from error
    if not isinstance(header, dict):
        raise BrokenStream("a header is no object")
    size = header.get("bytes", 0)
    if not isinstance(size, int) or not 0 <= size <= PAYLOAD_LIMIT:
        raise BrokenStream(f"a payload of {size} bytes")
    payload = _whole(stream.read(size), size) if size else b""
    return _with_aside(header, payload), payload


def _with_aside(header: dict, payload: bytes) -> dict:
    """The header with the members that stand in the payload."""
    try:
        for name, place in header.pop("aside", {}).items():
            start, size = place["offset"], place["bytes"]
            if not 0 <= start <= start + size <= len(payload):
                raise ValueError(f"{name} is outside")
            header[name] = json.loads(payload[start : start + size])
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise BrokenStream(f"what stands aside cannot be read: {error}") from error
    return header


def _whole(data: bytes, length: int) -> bytes:
    if len(data) != length:
        raise BrokenStream("a frame is cut off")
    return data
