"""The wire format of protocol buffers: fields by number, nothing else. No schema is needed and nothing is executed."""

import struct

from .errors import ConversionError

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


class Malformed(Exception):
    """The bytes are no message."""


def varint(data, at):
    """A number of seven bits a byte, and where it ends."""
    result = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result & 0xFFFFFFFFFFFFFFFF, at
        shift += 7


def fields(data):
    """Number, wire type and value of each field; values of bytes are views into `data`."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = varint(data, at)
        elif kind in (FIXED64, FIXED32):
            end = at + (8 if kind == FIXED64 else 4)
            value, at = data[at:end], end
        elif kind == BYTES:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            raise Malformed
        if at > len(data) or number == 0:
            raise Malformed
        yield number, kind, value


def signed(value):
    """A number as int64."""
    return value - (1 << 64) if value >= 1 << 63 else value


class Message:
    """The fields of a message by number."""

    def __init__(self, data, what="the file"):
        self.values = {}
        try:
            for number, kind, value in fields(memoryview(data)):
                self.values.setdefault(number, []).append((kind, value))
        except (Malformed, IndexError) as error:
            raise ConversionError(f"{what} is damaged or no ONNX model") from error

    def bytes(self, number):
        """The bytes of a field, empty where it is missing."""
        found = [value for kind, value in self.values.get(number, ()) if kind == BYTES]
        return found[-1] if found else b""

    def text(self, number):
        return bytes(self.bytes(number)).decode("utf-8", "replace")

    def texts(self, number):
        return [bytes(value).decode("utf-8", "replace") for kind, value in self.values.get(number, ()) if kind == BYTES]

    def messages(self, number):
        return [Message(value) for kind, value in self.values.get(number, ()) if kind == BYTES]

    def has(self, number):
        return number in self.values

    def integers(self, number):
        """Numbers, packed or not."""
        result = []
        for kind, value in self.values.get(number, ()):
            if kind == VARINT:
                result.append(signed(value))
            elif kind == BYTES:
                at = 0
                while at < len(value):
                    try:
                        item, at = varint(value, at)
                    except Malformed as error:
                        raise ConversionError("the file is damaged or no ONNX model") from error
                    result.append(signed(item))
        return result

    def integer(self, number, default=0):
        return (self.integers(number) or [default])[-1]

    def floats(self, number, wide=False):
        """Floating-point numbers, packed or not."""
        kind_of_one, letter, size = (FIXED64, "d", 8) if wide else (FIXED32, "f", 4)
        result = []
        for kind, value in self.values.get(number, ()):
            if kind == kind_of_one or kind == BYTES and len(value) % size == 0:
                result += struct.unpack(f"<{len(value) // size}{letter}", value)
        return result
