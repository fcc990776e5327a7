"""Writes ONNX files without the package: messages of protocol buffers, field by field."""

import struct

import numpy

TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7, "bool": 9, "float64": 11, "float16": 10}


def varint(value):
    value &= 0xFFFFFFFFFFFFFFFF
    result = b""
    while value > 127:
        result += bytes([value & 127 | 128])
        value >>= 7
    return result + bytes([value])


def number(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    value = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(value)) + value


def tensor(array, name=""):
    array = numpy.asarray(array)
    dims = b"".join(number(1, extent) for extent in array.shape)
    return dims + number(2, TYPES[str(array.dtype)]) + (data(8, name) if name else b"") + data(9, array.tobytes())


def texts(words, name):
    """A tensor of texts."""
    return number(1, len(words)) + number(2, 8) + b"".join(data(6, word) for word in words) + data(8, name)


def external(array, location, offset, name="outside"):
    """A tensor whose bytes lie in another file."""
    entries = {"location": location, "offset": str(offset), "length": str(array.nbytes)}
    dims = b"".join(number(1, extent) for extent in array.shape)
    places = b"".join(data(13, data(1, key) + data(2, value)) for key, value in entries.items())
    return dims + number(2, TYPES[str(array.dtype)]) + data(8, name) + places + number(14, 1)


class Graph(bytes):
    """A message that is an attribute of an If."""


def attribute(name, value):
    if isinstance(value, Graph):
        return data(1, name) + data(6, value) + number(20, 5)
    if isinstance(value, str):
        return data(1, name) + data(4, value) + number(20, 3)
    if isinstance(value, float):
        return data(1, name) + varint(2 << 3 | 5) + struct.pack("<f", value) + number(20, 1)
    if isinstance(value, int):
        return data(1, name) + number(3, value) + number(20, 2)
    if value and isinstance(value[0], str):
        return data(1, name) + b"".join(data(9, item) for item in value) + number(20, 8)
    return data(1, name) + b"".join(number(8, item) for item in value) + number(20, 7)


def node(op, inputs, outputs, domain="", name="", **attributes):
    result = b"".join(data(1, item) for item in inputs) + b"".join(data(2, item) for item in outputs)
    result += data(3, name) if name else b""
    result += data(4, op) + b"".join(data(5, attribute(key, value)) for key, value in attributes.items())
    return result + (data(7, domain) if domain else b"")


def value_info(name, kind, shape):
    dims = b""
    for extent in shape:
        dims += data(1, data(2, extent) if isinstance(extent, str) else number(1, extent) if extent else b"")
    return data(1, name) + data(2, data(1, number(1, kind) + data(2, dims)))


class Writer:
    """A graph with one input `x`; its output is that of the last node, or `outputs`."""

    def __init__(self, shape, opset=13, kind=1):
        self.opset = opset
        self.inputs = [("x", kind, list(shape))]
        self.outputs = []
        self.nodes, self.initializers, self.functions = [], [], []
        self.metadata = {}
        self.values = []  # of the constants, in their order
        self.last = "x"

    def constant(self, array):
        name = f"k{len(self.values)}"
        self.values.append(numpy.asarray(array))
        self.initializers.append(tensor(array, name))
        return name

    def raw_constant(self, name, message):
        self.initializers.append(message)

    def node(self, op, inputs, outputs, **options):
        options.setdefault("name", f"{inputs[0]}/{op}")
        self.nodes.append(node(op, inputs, outputs, **options))
        self.last = outputs[0]
        return outputs[0]

    def subgraph(self, nodes, output):
        return Graph(b"".join(data(1, node(*item)) for item in nodes) + data(2, "branch") + data(12, data(1, output)))

    def function(self, name, inputs, outputs, nodes):
        message = data(1, name) + b"".join(data(4, item) for item in inputs) + b"".join(data(5, item) for item in outputs)
        self.functions.append(message + b"".join(data(7, node(*item)) for item in nodes) + data(10, "local"))

    def bytes(self):
        graph = b"".join(data(1, item) for item in self.nodes) + data(2, "graph")
        graph += b"".join(data(5, item) for item in self.initializers)
        graph += b"".join(data(11, value_info(*item)) for item in self.inputs)
        graph += b"".join(data(12, data(1, name)) for name in self.outputs or [self.last])
        return (
            number(1, 8) + data(2, "test") + data(7, graph) + data(8, number(2, self.opset))
            + b"".join(data(14, data(1, key) + data(2, value)) for key, value in self.metadata.items())
            + b"".join(data(25, item) for item in self.functions)
        )  # fmt: skip
