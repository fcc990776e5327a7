"""Reads an ONNX model: preprocessing at its front, a network as a graph card (or a base that Prism knows), its output."""

import numpy

from . import onnx_fold, onnx_metadata
from .account import HALF
from .errors import ConversionError
from .flatfile import names
from .graph_card import Finisher
from .graph_model import graph_model
from .onnx_file import open_file
from .onnx_names import readable
from .onnx_patterns import Rewriter
from .onnx_translate import Translator

CHANNELS = (1, 3, 4)
FLOATS = (1, 10, 11, 16)
BYTES = 2
ACTIVATIONS = {"Softmax": "softmax", "LogSoftmax": "softmax", "Sigmoid": "sigmoid"}
SHAPES = ("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Identity")
INVERSE = {("Exp", "LogSoftmax"), ("Log", "Softmax")}  # of which the second one alone tells the logits
NO_LOGITS = {"ArgMax", "TopK", "Hardmax", "NonMaxSuppression", "Greater", "ArgMin"}
AFFINE = {"Sub": "subtract", "Add": "add", "Mul": "multiply", "Div": "divide"}


def read(path, options, said, account):
    """The model in an ONNX file; `said` is what files beside it say."""
    file = open_file(path)
    model, origin = read_file(file, options, said)
    account.say("size", origin)
    for topic in ("base", "head"):
        account.say(topic, "the model's operators")
    if file.is_half:
        account.assume("base", HALF.format("the model's operators"))
    model.account = account
    model.said = onnx_metadata.read(file, model, said)
    return model


def read_file(file, options, said=None):
    """The model, and what told the size of its input."""
    notes = []
    name, shape = image_input(file)
    shape, channel_axis, origin = fixed(file, shape, options, said)
    folder = onnx_fold.fold(file, {name: shape})
    output = taken = chosen_output(file, folder, options, notes)
    rewriter = Rewriter(folder)
    (output,) = rewriter.run([output])
    output, activation = without_activation(folder, output)
    rewriter.prune([output])
    reader = Preprocessed(folder, name, channel_axis, shape)
    start, operations = reader.read()
    translator = Translator(folder, readable(folder.nodes), output)
    translator.start(start, reader.shape, reader.channel_axis)
    translator.run(reader.rest())
    if output not in translator.views:
        raise ConversionError("the model's output does not depend on its input")
    finisher = Finisher(translator.graph, translator.logits(output))
    model = graph_model(
        finisher, framework="onnx", output=activation, size=translator.graph.shape[:2], preprocessing=operations,
        notes=notes,
    )  # fmt: skip
    model.source_output, model.taken_output = output, taken
    model.takes_bytes = file.graph.inputs[0][1] == BYTES
    return model, origin


# Input and output.


def image_input(file):
    """Name and shape of the one input that is a picture."""
    inputs = file.graph.inputs
    if len(inputs) != 1:
        found = names((name for name, _, _ in inputs), 4) or "none"
        raise ConversionError(f"the model has {len(inputs)} inputs ({found}), one image is supported")
    name, kind, shape = inputs[0]
    if kind not in (*FLOATS, BYTES):
        raise ConversionError(f"the input {name} is of the type {kind} of ONNX; floats and bytes are supported")
    if not shape or len(shape) != 4:
        raise ConversionError(f"the input {name} has the shape {shape}, an image has four axes")
    return name, shape


def fixed(file, shape, options, said):
    """The input's shape for one picture at the size in question, which axis the channels are, and what told the size."""
    name = file.graph.inputs[0][0]
    first, last = shape[1], shape[3]
    if first in CHANNELS and (last not in CHANNELS or shape[2] in (None, last) or first == 3):
        axis = 1
    elif last in CHANNELS:
        axis = 3
    elif first is None and last is None:
        axis, channels = told_by_nodes(file.graph, name)
        shape = [*shape[:axis], channels, *shape[axis + 1 :]]
    else:
        raise ConversionError(f"the input {name} has the shape {shape}: 1, 3 or 4 channels are supported")
    rows, columns = [index for index in (1, 2, 3) if index != axis]
    extents, origin = [shape[rows], shape[columns]], "the file"
    given = options.input_size
    if given:
        for extent, wanted in zip(extents, given):
            if extent not in (None, wanted) and options.log_mel:
                raise ConversionError(
                    f"--log-mel gives {given[0]}×{given[1]} levels, the file fixes the input at {extents[0]}×{extents[1]}: "
                    "change seconds or frames"
                )
            if extent not in (None, wanted):
                raise ConversionError(
                    f"the file fixes the input at {extents[0]}×{extents[1]}: leave --input-size out, or export the model "
                    "with axes of any length"
                )
        extents, origin = list(given), "--input-size"
    if None in extents and said and said.size:
        extents, origin = [extent or own for extent, own in zip(extents, said.size)], said.origin
    if None in extents:
        raise ConversionError("the model takes images of any size: --input-size says which one to use")
    result = [1, 0, 0, 0]
    result[axis], result[rows], result[columns] = shape[axis], *extents
    return tuple(result), axis, origin


def told_by_nodes(graph, name):
    """The axis of the channels and their number, where the input's shape leaves both open."""
    weights = [graph.constants.get(node.inputs[1]) for node in graph.nodes if node.op == "Conv" and len(node.inputs) > 1]
    groups = next((node.attributes.get("group", 1) for node in graph.nodes if node.op == "Conv"), 1)
    first = weights[0] if weights else None
    channels = first.shape[1] * groups if first is not None and first.ndim == 4 else 3
    axis, users = 1, [node for node in graph.nodes if name in node.inputs and node.op not in ("Shape", "Size")]
    while len(users) == 1 and (users[0].op in AFFINE or users[0].op in ("Cast", "Identity", "Transpose")):
        if users[0].op == "Transpose":
            axis = 3 if list(users[0].attributes.get("perm") or []) == [0, 3, 1, 2] else 1
            break
        users = [node for node in graph.nodes if users[0].output in node.inputs]
    return axis, channels if channels in CHANNELS else 3


def chosen_output(file, folder, options, notes):
    """The output that is the logits: the only one, or the only vector among them, or that of the option."""
    makers = {name: node for node in file.graph.nodes for name in node.outputs}
    outputs = list(dict.fromkeys(unpacked(makers, name) for name in file.graph.outputs))
    some = names((name for name in file.graph.outputs), 4)
    if not outputs:
        raise ConversionError("the model has no output")
    wanted = getattr(options, "output_value", None)
    if wanted:
        if wanted not in folder.shapes:
            raise ConversionError(folder.failed.get(wanted, f"--output-value {wanted}: the model has no such value; its outputs are {some}"))
        return wanted
    vectors = [name for name in outputs if name in folder.shapes and is_vector(folder.shapes[name])]
    if len(vectors) == 1 or len(outputs) == 1:
        output = (vectors or outputs)[0]
        if output in folder.failed:
            raise ConversionError(decided(makers, output) or folder.failed[output])
        if len(outputs) > 1:
            notes.append(f"of the outputs {some} {output} is taken")
        return output
    if not vectors and outputs[0] in folder.failed:
        raise ConversionError(decided(makers, outputs[0]) or folder.failed[outputs[0]])
    raise ConversionError(f"the model has the outputs {names(outputs, 6)}: --output-value says which are the logits")


def unpacked(makers, name):
    """The value of which a ZipMap makes a dictionary, or the value itself."""
    node = makers.get(name)
    return node.inputs[0] if node is not None and node.op == "ZipMap" and node.inputs else name


def decided(makers, name):
    """Why an output is no logits that a node picks among them, with the value that it picks from; None for another output."""
    while name in makers:
        node = makers[name]
        if node.op in NO_LOGITS:
            return no_logits(node)
        place = {"ArrayFeatureExtractor": 1, "Gather": 1}.get(node.op, 0)
        follows = node.op in (*SHAPES, "Cast", "ArrayFeatureExtractor", "Gather", "LabelEncoder") and len(node.inputs) > place
        name = node.inputs[place] if follows else ""
    return None


def no_logits(node):
    return f"{node} makes the output: --output-value {node.inputs[0]} takes the value before it"


def is_vector(shape):
    return len(shape) >= 2 and sum(extent > 1 for extent in shape) <= 1


def without_activation(folder, output):
    """The name of the logits, and what squashes them: softmax, sigmoid, or empty where the model ends with logits."""
    makers = {name: node for node in folder.nodes for name in node.outputs}
    name = output
    while name in makers:
        node = makers[name]
        if node.op in NO_LOGITS:
            raise ConversionError(no_logits(node))
        if (node.op, getattr(makers.get(node.inputs[0]), "op", "")) in INVERSE:
            name = node.inputs[0]
            continue
        if node.op in ACTIVATIONS:
            check_axis(folder, node)
            return node.inputs[0], ACTIVATIONS[node.op]
        if node.op not in SHAPES or not is_vector(folder.shapes.get(node.inputs[0], ())):
            break
        name = node.inputs[0]
    return output, ""


def check_axis(folder, node):
    """A softmax must be over the labels."""
    shape = folder.shapes[node.output]
    axis = node.attributes.get("axis", -1 if folder.opset >= 13 else 1) % len(shape)
    over = shape[axis:] if folder.opset < 13 else shape[axis : axis + 1]
    if node.op != "Sigmoid" and numpy.prod(over) != numpy.prod(shape):
        raise ConversionError(f"{node} is over axis {axis} of {list(shape)}, which is not that of the labels")


# Preprocessing.


class Preprocessed:
    """The nodes between the input and the network that are arithmetic with constants: they go into the card's input."""

    def __init__(self, folder, name, channel_axis, shape):
        self.folder = folder
        self.name = name
        self.channel_axis = channel_axis
        self.shape = shape
        self.taken = set()

    def read(self):
        """The name of the value that the network takes, and the operations before it."""
        operations = []
        while True:
            users = [node for node in self.folder.nodes if self.name in node.inputs]
            operation = self.operation(users[0]) if len(users) == 1 else None
            if operation is None:
                return self.name, operations
            operations += operation
            self.taken.add(id(users[0]))
            self.name = users[0].output

    def rest(self):
        """The nodes of the network."""
        return [node for node in self.folder.nodes if id(node) not in self.taken]

    def operation(self, node):
        """What a node does to pixels as Preprocessing.apply takes it, or None."""
        if node.op == "Transpose":
            return self.transposed(node)
        if node.op in ("Gather", "Slice"):
            return self.reordered(node)
        if node.op not in AFFINE or len(node.inputs) != 2:
            return None
        kind = AFFINE[node.op]
        reversed_ = node.inputs[1] == self.name
        constant = self.folder.constants.get(node.inputs[0 if reversed_ else 1])
        if constant is None or constant.dtype.kind not in "fiu" or not self.is_plain(constant):
            return None
        constant = constant.astype("float64").reshape(-1)
        constant = float(constant[0]) if constant.size == 1 else [float(value) for value in constant]
        if kind == "add":
            return [("add", constant)]
        if kind == "subtract":
            return [("multiply", -1.0), ("add", constant)] if reversed_ else [("add", (-numpy.asarray(constant)).tolist())]
        if numpy.any(numpy.asarray(constant) == 0) or kind == "divide" and reversed_:
            return None
        return [(kind, constant)]

    def transposed(self, node):
        """A change of the layout does nothing to pixels; rows must stay before columns."""
        order = node.attributes.get("perm") or []
        axis = order.index(self.channel_axis) if self.channel_axis in order else 0
        rest = [item for item in order if item != self.channel_axis]
        if len(order) != 4 or axis == 0 or rest != sorted(rest):
            return None
        self.shape, self.channel_axis = tuple(self.shape[item] for item in order), axis
        return []

    def reordered(self, node):
        """Channels in another order: BGR for RGB."""
        channels = self.shape[self.channel_axis]
        order = None
        if node.op == "Gather" and node.attributes.get("axis", 0) % 4 == self.channel_axis:
            indices = self.folder.needed(node, 1, "indices")
            order = [int(index) % channels for index in indices] if indices.ndim == 1 else None
        elif node.op == "Slice":
            turned = [item for item in self.folder.slices(node, self.shape) if item[1:] != (0, self.shape[item[0]], 1)]
            if turned == [(self.channel_axis, channels - 1, -1, -1)]:
                order = list(range(channels))[::-1]
        return [("permute", order)] if order and sorted(order) == list(range(channels)) else None

    def is_plain(self, constant):
        """Whether a constant is one number, or one for each channel along the channels' axis."""
        if constant.size == 1:
            return True
        axis = self.channel_axis - len(self.shape)
        channels = self.shape[self.channel_axis]
        return constant.size == channels > 1 and constant.ndim >= -axis and constant.shape[axis] == channels
