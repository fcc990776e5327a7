"""Reads an ONNX file: its nodes, attributes and constants. Needs numpy alone; nothing of the file is executed."""

import dataclasses
import heapq
import pathlib
import re

import numpy

from . import limits
from .errors import ConversionError
from .kinds import LFS
from .protobuf import Message

# TensorProto.DataType → numpy; bfloat16 (16) is read by hand.
TYPES = {
    1: "<f4", 2: "u1", 3: "i1", 4: "<u2", 5: "<i2", 6: "<i4", 7: "<i8", 9: "?", 10: "<f2", 11: "<f8", 12: "<u4", 13: "<u8",
}  # fmt: skip
BFLOAT16, STRING = 16, 8
HALVES = (10, BFLOAT16)
STANDARD_DOMAINS = ("", "ai.onnx")
OPSETS = range(7, 26)


@dataclasses.dataclass(eq=False)
class Node:
    """One operator. `inputs` and `outputs` are names of tensors; an input that is left out is empty."""

    op: str
    inputs: list
    outputs: list
    attributes: dict
    name: str = ""
    domain: str = ""
    scope: str = ""  # the module that it comes from, where torch tells

    def __str__(self):
        return f"node {self.name or self.outputs[0]} ({self.op})"

    @property
    def output(self):
        return self.outputs[0]


@dataclasses.dataclass
class Graph:
    """A graph of operators."""

    nodes: list
    constants: dict  # name → array
    inputs: list  # (name, type of the elements, shape with None where it is open)
    outputs: list  # names


@dataclasses.dataclass
class File:
    graph: Graph
    opset: int
    producer: str
    metadata: dict

    @property
    def is_half(self):
        """Whether it computes in half precision."""
        halves = {name for name, value in self.graph.constants.items() if value.dtype == numpy.float16}
        return any(kind in HALVES for _, kind, _ in self.graph.inputs) or any(
            node.op != "Cast" and not halves.isdisjoint(node.inputs) for node in self.graph.nodes
        )


class Reader:
    """Turns messages into nodes and arrays; the memory for arrays is bounded."""

    def __init__(self, path):
        self.path = path
        self.budget = limits.Budget()
        self.nodes = 0

    def array(self, message, what):
        """A TensorProto."""
        name = message.text(8) or what
        shape = tuple(message.integers(1))
        if any(extent < 0 for extent in shape) or len(shape) > 16:
            raise ConversionError(f"tensor {name} has no valid shape")
        kind = message.integer(2)
        if kind == STRING:  # Names of labels beside a network.
            return numpy.array(message.texts(6), object)
        if kind not in TYPES and kind != BFLOAT16:
            raise ConversionError(f"tensor {name} is of a type that is not supported (number {kind} of ONNX)")
        count = 1
        for extent in shape:
            count *= extent
        self.budget.take(count, name)
        dtype = numpy.dtype("<u2" if kind == BFLOAT16 else TYPES[kind])
        if message.integer(14) == 1:
            data = self.external(message, name, count * dtype.itemsize)
        elif message.has(9):
            data = message.bytes(9)
        else:
            return self.listed(message, kind, dtype, count, name).reshape(shape)
        if len(data) != count * dtype.itemsize:
            raise ConversionError(f"tensor {name} has {len(data)} bytes where {count * dtype.itemsize} are needed")
        value = numpy.frombuffer(data, dtype)
        if kind == BFLOAT16:
            value = (value.astype("<u4") << 16).view("<f4")
        return value.reshape(shape)

    @staticmethod
    def listed(message, kind, dtype, count, name):
        """The elements of a tensor in a field of its own for each type."""
        if kind == 1:
            values = numpy.array(message.floats(4), "<f4")
        elif kind == 11:
            values = numpy.array(message.floats(10, wide=True), "<f8")
        elif kind == 7:
            values = numpy.array(message.integers(7), "<i8")
        elif kind in (12, 13):
            values = numpy.array(message.integers(11)).astype(dtype)
        else:
            values = numpy.array(message.integers(5), "<i8")
            values = values.astype("<u2").view("<f2") if kind == 10 else values.astype(dtype)
        if values.size != count:
            raise ConversionError(f"tensor {name} has {values.size} elements where {count} are needed")
        return values

    def external(self, message, name, length):
        """The bytes of a tensor that lies in a file beside the model, and nowhere else."""
        entries = {entry.text(1): entry.text(2) for entry in message.messages(13)}
        location = entries.get("location", "")
        folder = self.path.parent.resolve()
        file = (folder / location).resolve()
        if not location or pathlib.PurePath(location).is_absolute() or not file.is_relative_to(folder):
            raise ConversionError(f"tensor {name} lies in {location or 'no file'}, outside of the model's folder")
        if not file.is_file():
            raise ConversionError(f"tensor {name} lies in {location}, which is missing beside the model")
        start = entries.get("offset", "0")
        said = entries.get("length", str(length))
        if not start.isdigit() or not said.isdigit() or int(said) != length:
            raise ConversionError(f"tensor {name}: its place in {location} is not valid")
        with file.open("rb") as stream:
            if stream.read(len(LFS)) == LFS:
                raise ConversionError(f"{location} beside the model is a pointer of Git LFS, not the file itself: `git lfs pull` fetches it")
            if int(start) + length > file.stat().st_size:
                raise ConversionError(f"tensor {name} ends behind the end of {location}: the file is cut short")
            stream.seek(int(start))
            return stream.read(length)

    def attribute(self, message, what):
        """Name and value of an AttributeProto."""
        name, kind = message.text(1), message.integer(20)
        if message.text(21):
            raise ConversionError(f"{what}: attribute {name} refers to a function's, which is not supported")
        if kind == 1:
            value = shortest((message.floats(2) or [0.0])[-1])
        elif kind == 2:
            value = message.integer(3)
        elif kind == 3:
            value = message.text(4)
        elif kind == 4:
            value = self.array(Message(message.bytes(5)), what)
        elif kind == 5:
            value = self.graph(Message(message.bytes(6)))
        elif kind == 6:
            value = [shortest(item) for item in message.floats(7)]
        elif kind == 7:
            value = message.integers(8)
        elif kind == 8:
            value = message.texts(9)
        else:
            raise ConversionError(f"{what}: attribute {name} is of a kind that is not supported")
        return name, value

    def node(self, message):
        self.nodes += 1
        limits.check(self.nodes, limits.MEMBERS, f"{self.path} has too many nodes")
        node = Node(message.text(4), message.texts(1), message.texts(2), {}, message.text(3), message.text(7))
        if not node.op or not node.outputs:
            raise ConversionError(f"{self.path} is damaged: a node has no operator or no output")
        for entry in message.messages(9):
            if entry.text(1) == "pkg.torch.onnx.name_scopes":
                node.scope = scope(entry.text(2))
        node.attributes = dict(self.attribute(item, str(node)) for item in message.messages(5))
        return node

    def graph(self, message):
        if message.values.get(15):
            raise ConversionError(f"{self.path} holds sparse tensors, which are not supported")
        constants = {}
        for item in message.messages(5):
            constants[item.text(8)] = self.array(item, "without a name")
        inputs = [value_info(item) for item in message.messages(11)]
        outputs = [item.text(1) for item in message.messages(12)]
        nodes = [self.node(item) for item in message.messages(1)]
        return Graph(nodes, constants, [item for item in inputs if item[0] not in constants], outputs)


def shortest(value):
    """A float32 as the decimal number that was meant: 1e-05 for 9.99999974e-06."""
    return float(str(numpy.float32(value)))


def scope(text):
    """The innermost module in torch's list of names, such as ['', 'layer1', 'layer1.0', 'layer1.0.conv1', 'conv2d']."""
    names = re.findall(r"'([^']*)'", text)
    return names[-2] if len(names) > 1 else ""


def value_info(message):
    """Name, element type and shape of a graph's input."""
    tensor = Message(Message(message.bytes(2)).bytes(1))
    shape = None
    if tensor.has(2):
        dimensions = Message(tensor.bytes(2)).messages(1)
        shape = [d.integer(1) if d.has(1) and d.integer(1) > 0 else None for d in dimensions]
    return message.text(1), tensor.integer(1), shape


def looks_like_onnx(start):
    """Whether a file that begins so may be a model: its first field is the version, a small number."""
    return len(start) > 4 and start[0] == 0x08 and 0 < start[1] < 0x40 and start[2] in (0x12, 0x1A, 0x22, 0x3A, 0x42)


def open_file(path):
    """The model in an ONNX file."""
    limits.check_file(path)
    message = Message(path.read_bytes(), str(path))
    if not message.has(7):
        raise ConversionError(f"{path} is no ONNX model: it holds no graph")
    if len(message.values[7]) > 1:
        raise ConversionError(f"{path} is damaged: it holds {len(message.values[7])} graphs, as files that were joined do")
    opsets = {item.text(1): item.integer(2) for item in message.messages(8)}
    opset = max((version for domain, version in opsets.items() if domain in STANDARD_DOMAINS), default=0)
    if opset not in OPSETS:
        raise ConversionError(
            f"{path} is of ONNX's opset {opset}; those from {OPSETS[0]} to {OPSETS[-1]} are read: export the model again, or bring it "
            "to one of them with onnx.version_converter"
        )
    reader = Reader(path)
    graph = reader.graph(Message(message.bytes(7), str(path)))
    if message.has(25):
        inline(graph, [Function(item, reader) for item in message.messages(25)])
    graph.nodes = in_order(graph, path)
    metadata = {item.text(1): item.text(2) for item in message.messages(14)}
    producer = f"{message.text(2)} {message.text(3)}".strip()
    return File(graph, opset, producer, metadata)


def in_order(graph, path):
    """The nodes with every value made before it is used; refuses values that are made twice, and cycles."""
    makers = {}
    given = {name for name, _, _ in graph.inputs} | set(graph.constants)
    for node in graph.nodes:
        for name in node.outputs:
            if name and (name in makers or name in given):
                raise ConversionError(f"{path} is damaged: the value {name!r} is made twice, by {node} as well")
            makers[name] = node
    users, missing = {}, {}
    for index, node in enumerate(graph.nodes):
        sources = {id(makers[name]) for name in used(node) if name in makers}
        missing[index] = len(sources)
        for source in sources:
            users.setdefault(source, []).append(index)
    ready = [index for index, count in missing.items() if not count]
    result = []
    while ready:
        node = graph.nodes[heapq.heappop(ready)]
        result.append(node)
        for index in users.get(id(node), ()):
            missing[index] -= 1
            if not missing[index]:
                heapq.heappush(ready, index)
    if len(result) < len(graph.nodes):
        left = next(graph.nodes[index] for index, count in missing.items() if count)
        raise ConversionError(f"{path} is damaged: {left} needs a result of its own")
    return result


def used(node):
    """The names of the values that a node uses, also inside of its branches."""
    yield from (name for name in node.inputs if name)
    for value in node.attributes.values():
        if isinstance(value, Graph):
            for inner in value.nodes:
                yield from used(inner)
            yield from value.outputs


class Function:
    """A model's own operator, which is a graph without constants of its own."""

    def __init__(self, message, reader):
        self.key = (message.text(10), message.text(1))
        self.inputs, self.outputs = message.texts(4), message.texts(5)
        self.nodes = [reader.node(item) for item in message.messages(7)]


def inline(graph, functions, depth=0):
    """Puts the nodes of functions in the place of their calls."""
    table = {function.key: function for function in functions}
    result, calls = [], 0
    for node in graph.nodes:
        function = table.get((node.domain, node.op))
        if function is None:
            result.append(node)
            continue
        calls += 1
        names = dict(zip(function.inputs, node.inputs + [""] * len(function.inputs)))
        names |= dict(zip(function.outputs, node.outputs))
        prefix = f"{node.output}/"  # which no other node has, as names of nodes may repeat
        for inner in function.nodes:
            renamed = lambda name: name and names.get(name, prefix + name)  # noqa: E731
            result.append(
                dataclasses.replace(
                    inner, inputs=[renamed(n) for n in inner.inputs], outputs=[renamed(n) for n in inner.outputs],
                    name=prefix + (inner.name or inner.op),
                )
            )  # fmt: skip
    limits.check(len(result), limits.MEMBERS, "the model has too many nodes")
    graph.nodes = result
    if calls:
        if depth > 16:
            raise ConversionError("the model's functions call each other without an end")
        inline(graph, functions, depth + 1)
