"""The graph card: a network as a list of nodes over channels-last values, with the tensors they take.

Readers of ONNX, Keras and torch append nodes; `finish` makes of them what the card wants: norms and biases found again
among multiplications and additions, the head as a chain of its own, nothing that is not used.
"""

import dataclasses
import math
import re

import numpy

from . import limits
from .errors import ConversionError

INPUT = "input"
NODES = 20_000  # that a card may have
RESERVED = {INPUT, "logits"}

# Activations of one value that a head may have, by primitive.
HEAD_FUNCTIONS = {
    "relu": "relu", "relu6": "relu6", "silu": "silu", "sigmoid": "sigmoid", "tanh": "tanh", "hard_swish": "hard_swish",
}  # fmt: skip


@dataclasses.dataclass(eq=False)
class CardNode:
    """One primitive. `shape` is that of its value for one picture, without the batch."""

    name: str
    primitive: str
    inputs: list
    attributes: dict
    shape: tuple

    def json(self):
        result = {"name": self.name, "primitive": self.primitive, "inputs": self.inputs}
        return result | ({"attributes": self.attributes} if self.attributes else {})


@dataclasses.dataclass
class CardGraph:
    """The nodes in the order of computation, and the tensors by name."""

    shape: tuple  # height, width and channels of the input
    nodes: list = dataclasses.field(default_factory=list)
    tensors: dict = dataclasses.field(default_factory=dict)
    aliases: dict = dataclasses.field(default_factory=dict)
    names: set = dataclasses.field(default_factory=lambda: set(RESERVED))
    shapes: dict = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        self.shapes[INPUT] = self.shape

    def unique(self, wanted):
        """A name that nothing else has."""
        wanted = re.sub(r"[\x00-\x1f\x7f]", "", wanted) or "node"
        name, count = wanted, 1
        while name in self.names:
            count += 1
            name = f"{wanted}_{count}"
        self.names.add(name)
        return name

    def tensor(self, wanted, value):
        """Puts a tensor into the file; its name."""
        name = self.unique(wanted)
        self.tensors[name] = numpy.asarray(value, dtype="float32")
        return name

    def append(self, name, primitive, inputs, shape, /, **attributes):
        """Appends a node; the name of its value. Attributes that are None are left out."""
        name = self.unique(name)
        attributes = {key: value for key, value in attributes.items() if value is not None}
        for key, value in attributes.items():
            if isinstance(value, float) and not math.isfinite(value):
                raise ConversionError(f"node {name} ({primitive}): its {key} is {value}, which is no number to compute with")
        self.nodes.append(CardNode(name, primitive, list(inputs), attributes, tuple(shape)))
        self.shapes[name] = tuple(shape)
        return name

    # What convolutions and the like have in common, for every reader.

    def convolution(self, name, x, weight, bias, shape, window):
        """A convolution; one whose every channel is alone is depthwise. `window` has kernel, stride, padding, groups."""
        inputs = [x, self.tensor(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.tensor(f"{name}.bias", bias))
        groups = window.pop("groups", 1)
        channels = self.shapes[x][-1]
        if groups == channels == weight.shape[0] and groups > 1:
            return self.append(name, "depthwise_convolution", inputs, shape, **window)
        return self.append(name, "convolution", inputs, shape, groups=groups if groups > 1 else None, **window)

    def dense(self, name, x, weight, bias):
        inputs = [x, self.tensor(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.tensor(f"{name}.bias", bias))
        return self.append(name, "dense", inputs, (weight.shape[0],))

    def batch_norm(self, name, x, parts, epsilon):
        """`parts` are weight, bias, running_mean and running_var."""
        inputs = [x] + [self.tensor(f"{name}.{part}", parts[part]) for part in NORM_PARTS]
        return self.append(name, "batch_normalization", inputs, self.shapes[x], epsilon=epsilon)


NORM_PARTS = ("weight", "bias", "running_mean", "running_var")
NEUTRAL_EPSILON = 1 / 1024  # and one that a float32 takes from 1 without rounding


def neutral_norm(weight, bias, epsilon):
    """The parts of a batch norm that only scales and shifts."""
    parts = {"weight": weight, "bias": bias, "running_mean": numpy.zeros(len(bias)), "running_var": numpy.full(len(bias), 1 - epsilon)}
    return {name: numpy.asarray(value, "float32") for name, value in parts.items()}


def window(kernel, stride=(1, 1), padding=(0, 0, 0, 0), dilation=(1, 1)):
    """The attributes of a window; what is the default is left out. Padding is top, left, bottom, right."""
    result = {"kernel": list(kernel)}
    if tuple(stride) != (1, 1):
        result["stride"] = list(stride)
    if any(padding):
        result["padding"] = list(padding)
    if tuple(dilation) != (1, 1):
        result["dilation"] = list(dilation)
    return result


# Passes over a finished graph.


class Finisher:
    """Makes the card's graph and head of the nodes up to the logits."""

    def __init__(self, graph, logits):
        limits.check(len(graph.nodes), NODES, "the graph has too many nodes")
        self.graph = graph
        self.logits = logits
        self.index()

    def index(self):
        self.makers = {node.name: node for node in self.graph.nodes}
        self.users = {}
        for node in self.graph.nodes:
            for name in node.inputs:
                self.users.setdefault(name, []).append(node)

    def sole(self, name):
        """The node that makes a value which only one other node uses."""
        users = self.users.get(name, ())
        return self.makers.get(name) if len(users) == 1 and name != self.logits else None

    def drop(self, node, name):
        """Takes a node out; those that used its value use another one."""
        self.graph.nodes.remove(node)
        for other in self.graph.nodes:
            other.inputs = [name if item == node.name else item for item in other.inputs]
        self.logits = name if self.logits == node.name else self.logits
        self.graph.aliases = {key: name if value == node.name else value for key, value in self.graph.aliases.items()}

    def run(self):
        """The head, its tensors by the card's names, and the name of the features or of the logits."""
        self.prune()
        self.merge_hard()
        self.merge_layer_norm()
        self.merge_affine()
        self.merge_padding()
        self.prune()
        head = self.head()
        self.prune()
        return head

    def prune(self):
        """Drops nodes and tensors that nothing needs."""
        needed = {self.logits}
        kept = []
        for node in reversed(self.graph.nodes):
            if node.name in needed:
                needed.update(node.inputs)
                kept.append(node)
        self.graph.nodes = kept[::-1]
        self.graph.tensors = {name: value for name, value in self.graph.tensors.items() if name in needed}
        names = {node.name for node in kept}
        self.graph.aliases = {key: value for key, value in self.graph.aliases.items() if value in names and key not in names}
        self.index()

    # Norms and biases.

    def vector(self, node):
        """The constant of a node of arithmetic that has one number for each channel, or None."""
        if len(node.inputs) != 2 or node.inputs[0] in self.graph.tensors:
            return None
        value = self.graph.tensors.get(node.inputs[1])
        channels = node.shape[-1] if node.shape else 0
        if value is None or node.shape != self.graph.shapes[node.inputs[0]]:
            return None
        return value if value.shape == (channels,) else None

    def merge_affine(self):
        """A vector that is added after a convolution is its bias; multiplied and added ones are a batch norm."""
        for node in list(self.graph.nodes):
            if node.primitive != "add":
                continue
            offset = self.vector(node)
            before = self.sole(node.inputs[0]) if offset is not None else None
            if before is None:
                continue
            if before.primitive in ("convolution", "depthwise_convolution", "dense"):
                self.merge_bias(before, node, offset)
            elif before.primitive == "multiply" and self.vector(before) is not None:
                self.merge_norm(before, node, offset)

    def merge_bias(self, before, node, offset):
        graph = self.graph
        if len(before.inputs) == 2:
            before.inputs.append(graph.tensor(f"{before.name}.bias", offset))
        else:
            graph.tensors[before.inputs[2]] = graph.tensors[before.inputs[2]] + offset
        self.drop(node, before.name)
        self.index()

    def merge_norm(self, scale, node, offset):
        graph = self.graph
        parts = neutral_norm(self.vector(scale), offset, NEUTRAL_EPSILON)
        node.primitive, node.attributes = "batch_normalization", {"epsilon": NEUTRAL_EPSILON}
        node.inputs = [scale.inputs[0], *(graph.tensor(f"{node.name}.{part}", parts[part]) for part in NORM_PARTS)]
        graph.nodes.remove(scale)
        self.index()

    def merge_layer_norm(self):
        """A scale and an offset after a layer normalisation that has none are its own."""
        graph = self.graph
        for primitive, position, neutral in (("multiply", 1, 1.0), ("add", 2, 0.0)):
            for node in list(graph.nodes):
                value = self.vector(node) if node.primitive == primitive else None
                before = self.sole(node.inputs[0]) if value is not None else None
                if before is None or before.primitive != "layer_normalization":
                    continue
                if numpy.all(graph.tensors[before.inputs[position]] == neutral) and (
                    position == 2 or numpy.all(graph.tensors[before.inputs[2]] == 0)
                ):
                    graph.tensors[before.inputs[position]] = value
                    self.drop(node, before.name)
                    self.index()

    def merge_hard(self):
        """relu6(x + 3) / 6 is the hard sigmoid, and x times it hard swish."""
        graph = self.graph
        for node in list(graph.nodes):
            if node.primitive != "multiply":
                continue
            if self.scalar(node, 1 / 6):
                clipped = self.sole(node.inputs[0])
                shifted = self.sole(clipped.inputs[0]) if clipped is not None and clipped.primitive == "relu6" else None
                if shifted is not None and shifted.primitive == "add" and self.scalar(shifted, 3):
                    node.primitive, node.attributes, node.inputs = "hard_sigmoid", {}, shifted.inputs[:1]
                    self.index()
                continue
            for gate, x in (node.inputs, node.inputs[::-1]):
                found = self.sole(gate)
                if found is not None and found.primitive == "hard_sigmoid" and not found.attributes and found.inputs == [x]:
                    node.primitive, node.inputs = "hard_swish", [x]
                    self.prune()
                    break

    def scalar(self, node, value):
        """Whether a node of arithmetic has this one number as its constant."""
        constant = self.graph.tensors.get(node.inputs[1]) if len(node.inputs) == 2 else None
        return constant is not None and constant.size == 1 and math.isclose(float(constant.reshape(-1)[0]), value, rel_tol=1e-6)

    def merge_padding(self):
        """Zeros around the map of a convolution are its padding; those around one without negative numbers a maximum's."""
        for node in list(self.graph.nodes):
            if node.primitive not in ("convolution", "depthwise_convolution", "max_pool"):
                continue
            before = self.sole(node.inputs[0])
            if before is None or before.primitive != "pad":
                continue
            amounts = [before.attributes.get(side, 0) for side in ("top", "left", "bottom", "right")]
            if node.primitive == "max_pool" and not self.zeros_are_neutral(before, node, amounts):
                continue
            own = node.attributes.get("padding", [0, 0, 0, 0])
            node.attributes["padding"] = [a + b for a, b in zip(own, amounts)]
            node.inputs[0] = before.inputs[0]
            self.graph.nodes.remove(before)
            self.index()

    def zeros_are_neutral(self, pad, pool, amounts):
        """Whether a maximum over zeros around a map is that over the map alone: no window is of zeros only."""
        source = self.makers.get(pad.inputs[0])
        high, wide = pool.attributes["kernel"]
        small = max(amounts[0], amounts[2]) < high and max(amounts[1], amounts[3]) < wide
        plain = "padding" not in pool.attributes and "dilation" not in pool.attributes
        return small and plain and source is not None and source.primitive in ("relu", "relu6", "sigmoid", "hard_sigmoid")

    # The head.

    def head(self):
        """Takes the chain after the last pool off the nodes: the items of the card's head and their tensors.

        Where there is no such chain the head is empty, and the graph's output are the logits.
        """
        chain, name = [], self.logits
        while True:
            node = self.makers.get(name)
            if node is None or (name != self.logits and len(self.users.get(name, ())) != 1):
                return [], {}
            chain.append(node)
            begins = self.begins(node)
            name = node.inputs[0]
            if begins is not None:
                break
            if not self.continues(node):
                return [], {}
        if begins == "concat":
            name = self.makers[name].inputs[0]
        if len(self.graph.shapes[name]) != 3 or name == INPUT:
            return [], {}
        items, tensors = self.items(begins, node, chain[-2::-1])
        if items is None:
            return [], {}
        self.logits = name
        return items, tensors

    def begins(self, node):
        """Where a head may begin: the kind of its first item."""
        shape = self.graph.shapes.get(node.inputs[0], ())
        if len(shape) != 3 or node.primitive == "concatenate":
            pools = [self.makers.get(name) for name in node.inputs] if node.primitive == "concatenate" else ()
            kinds = [self.begins(pool) if pool else None for pool in pools]
            if set(kinds) == {"global_average_pool", "global_max_pool"} and pools[0].inputs[0] == pools[1].inputs[0]:
                return "concat"
            return None
        attributes = node.attributes
        whole = attributes.get("axes") in ([1, 2], [-3, -2])
        if node.primitive == "adaptive_average_pool" and shape[:2] != (1, 1):
            return "global_average_pool" if attributes == {"height": 1, "width": 1} else None
        if node.primitive in ("global_average_pool", "global_max_pool"):
            return node.primitive
        if node.primitive == "mean" and whole:
            return "global_average_pool"
        if node.primitive == "reduce_max" and whole:
            return "global_max_pool"
        if node.primitive == "flatten_channels_first" or node.primitive == "reshape" and shape[:2] == (1, 1):
            return "flatten" if shape[:2] != (1, 1) else None
        return None

    def continues(self, node):
        """Whether a node may stand in a head: a vector in, a vector out (or a map of one place)."""
        shape = self.graph.shapes.get(node.inputs[0], ())
        flat = len(shape) == 1 or len(shape) == 3 and shape[:2] == (1, 1)
        if not flat:
            return False
        if node.primitive == "convolution":
            return node.attributes == {"kernel": [1, 1]}
        return self.function(node) is not None or node.primitive in (
            "dense", "batch_normalization", "layer_normalization", "reshape", "flatten_channels_first",
        )  # fmt: skip

    @staticmethod
    def function(node):
        """The head's name of an activation, or None."""
        attributes = node.attributes
        if node.primitive in HEAD_FUNCTIONS:
            return HEAD_FUNCTIONS[node.primitive]
        if node.primitive == "gelu":
            return "gelu_tanh" if attributes.get("approximation") == "tanh" else "gelu"
        if node.primitive == "hard_sigmoid":
            usual = math.isclose(attributes.get("slope", 1 / 6), 1 / 6, rel_tol=1e-6) and attributes.get("offset", 0.5) == 0.5
            return "hard_sigmoid" if usual else None
        if node.primitive == "elu" and attributes.get("alpha", 1) == 1:
            return "elu"
        if node.primitive == "leaky_relu" and math.isclose(attributes.get("slope", 0.01), 0.01, rel_tol=1e-6):
            return "leaky_relu"
        return None

    def items(self, begins, first, chain):
        """The items of the head and their tensors, or None where the chain does not end with a linear layer."""
        graph, items, tensors = self.graph, [], {}
        if begins == "concat":
            order = [self.begins(self.makers[name]) for name in first.inputs]
            order = "max_average" if order[0] == "global_max_pool" else "average_max"
            items.append({"kind": "global_concat_pool", "order": order})
        else:
            items.append({"kind": begins})
        taken = ({node.name for node in graph.nodes} | set(graph.tensors)) - {node.name for node in chain}
        for node in chain:
            name = head_name(node, taken)
            parts = [graph.tensors[name] for name in node.inputs[1:] if name in graph.tensors]
            function = self.function(node)
            if node.primitive in ("dense", "convolution"):
                weight = parts[0].reshape(parts[0].shape[0], -1)
                bias = parts[1] if len(parts) > 1 else numpy.zeros(len(weight), "float32")
                items.append({"kind": "dense", "name": name, "units": len(weight), "activation": "linear"})
                tensors |= {f"{name}.weight": weight, f"{name}.bias": bias}
            elif node.primitive == "batch_normalization":
                items.append({"kind": "batch_norm", "name": name, "epsilon": node.attributes["epsilon"]})
                tensors |= {f"{name}.{part}": value for part, value in zip(NORM_PARTS, parts)}
            elif node.primitive == "layer_normalization":
                items.append({"kind": "layer_norm", "name": name, "epsilon": node.attributes["epsilon"]})
                tensors |= {f"{name}.weight": parts[0], f"{name}.bias": parts[1]}
            elif function and items[-1]["kind"] == "dense" and items[-1]["activation"] == "linear":
                items[-1]["activation"] = function
            elif function:
                items.append({"kind": "activation", "function": function})
        if items[-1]["kind"] != "dense" or items[-1]["activation"] != "linear":
            return None, None
        return items, tensors


def head_name(node, taken):
    """The layer's name: `fc` of `fc.gemm`, where nothing else is called so."""
    path, _, last = node.name.rpartition(".")
    name = path if path and last in OPERATORS and path not in taken | RESERVED else node.name
    taken.add(name)
    return name


OPERATORS = ("gemm", "mat_mul", "conv", "batch_normalization", "layer_normalization", "linear", "add", "mul")


def default_layer(graph, output, head):
    """The last map before the last global pool or flatten."""
    nodes = {node.name: node for node in graph.nodes}

    def unpooled(name):
        found = name
        while found in nodes and nodes[found].primitive in ("max_pool", "average_pool"):
            found = nodes[found].inputs[0]
        return found if found != INPUT else name

    if head:
        return unpooled(output) if head[0]["kind"] == "flatten" else output
    maps = [node for node in graph.nodes if len(node.shape) == 3]
    for wanted in (lambda s: s[0] > 1 and s[1] > 1, lambda s: s[0] * s[1] > 1, lambda s: True):
        found = [node.name for node in maps if wanted(node.shape)]
        if found:
            return unpooled(found[-1])
    raise ConversionError("the network has no map of features: Prism explains networks of convolutions")
