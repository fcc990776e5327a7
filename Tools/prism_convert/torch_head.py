"""The head of a torch checkpoint: linear layers and norms in their order, and what stands between them.

Whole pickled models say it. A state dict has tensors alone: what it does not hold is known where the model is one of a
library's own, asked for where it changes every answer, and assumed aloud otherwise.
"""

import dataclasses
import math
import re

import numpy

from . import torch_structure
from .errors import ConversionError
from .flatfile import names

FUNCTIONS = (
    "relu", "relu6", "silu", "sigmoid", "tanh", "gelu", "elu", "leaky_relu", "hard_swish", "hard_sigmoid", "none",
)  # fmt: skip
POOLINGS = ("average", "max", "max+average", "average+max", "flatten")
EPSILON = 1e-5  # torch's default for norms
NORMS = ("batch_norm", "layer_norm")


@dataclasses.dataclass
class Part:
    """A linear layer or norm of the head."""

    name: str
    tensors: dict
    window: tuple = ()  # of a layer that is written as a convolution: its rows and columns

    @property
    def kind(self):
        if "running_mean" in self.tensors:
            return "batch_norm"
        return "dense" if self.tensors["weight"].ndim > 1 else "layer_norm"

    @property
    def inputs(self):
        first = self.tensors["running_mean" if self.kind == "batch_norm" else "weight"]
        return first.shape[-1]

    @property
    def outputs(self):
        return self.tensors["running_mean" if self.kind == "batch_norm" else "weight"].shape[0]

    @property
    def parent(self):
        return self.name.rpartition(".")[0]

    @property
    def index(self):
        last = self.name.rpartition(".")[2]
        return int(last) if last.isdigit() else None

    def weights(self):
        """The tensors as the card's head has them."""
        if self.kind == "dense":
            zero = numpy.zeros(self.outputs, "float32")
            return {"weight": self.tensors["weight"], "bias": self.tensors.get("bias", zero)}
        return self.tensors


def natural(name):
    """A key that sorts the numbers in names as numbers."""
    pieces = re.split(r"(\d+)", name)
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces if piece]


def numbered(one, other):
    """Whether two names differ first in a number, so that their order is told."""
    for a, b in zip(natural(one), natural(other)):
        if a != b:
            return a[0] >= 0 and b[0] >= 0
    return False


def head_parts(state):
    """The layers outside of the base, from their tensors."""
    parts = {}
    for name, value in state.items():
        module, _, part = name.rpartition(".")
        if part == "num_batches_tracked":
            continue
        parts.setdefault(module, Part(module, {})).tensors[part] = value
    for part in parts.values():
        complete(part)
    return list(parts.values())


def complete(part):
    """Checks what a layer is, and gives a norm without scale and offset the neutral ones."""
    tensors, keys = part.tensors, set(part.tensors)
    weight = tensors.get("weight")
    if "running_mean" in keys:
        good = keys <= {"weight", "bias", "running_mean", "running_var"} and "running_var" in keys
        good = good and all(value.ndim == 1 for value in tensors.values())
        if good:
            tensors.setdefault("weight", numpy.ones(tensors["running_mean"].size, "float32"))
            tensors.setdefault("bias", numpy.zeros(tensors["running_mean"].size, "float32"))
    elif weight is not None and weight.ndim == 1:
        good = keys == {"weight", "bias"} and tensors["bias"].shape == weight.shape and weight.size > 1
    else:
        good = weight is not None and keys <= {"weight", "bias"}
        good = good and (weight.ndim == 2 or weight.ndim == 4)
        if good and weight.ndim == 4:  # A linear layer written as a convolution of the whole map.
            part.window = weight.shape[2:]
            tensors["weight"] = weight.reshape(weight.shape[0], -1)
    if not good:
        raise ConversionError(unknown_layer(part))


def unknown_layer(part):
    """Why a layer cannot stand in a head, by its tensors."""
    shapes = ", ".join(f"{key} {tuple(value.shape)}" for key, value in part.tensors.items())
    if not part.name:
        return (
            f"the tensors {shapes} belong to no layer, and may change what the network says: take them out of the checkpoint if "
            "they do not, or export the model as ONNX"
        )
    what = " (GeM pooling?)" if set(part.tensors) == {"p"} else ""
    return f"layer {part.name} ({shapes}){what} is not supported in a head: export the model as ONNX"


def orders(parts, features):
    """The orders of the parts that names and sizes allow; two are enough to know that there is more than one."""
    parts = sorted(parts, key=lambda part: natural(part.name))
    found = []

    def extend(order, left, width):
        if len(found) > 1:
            return
        if not left:
            found.append(order)
        for part in left:
            first = not any(
                numbered(part.name, other.name) and natural(other.name) < natural(part.name) for other in left
            )
            if first and part.inputs == width:
                extend([*order, part], [other for other in left if other is not part], part.outputs)

    extend([], parts, features)
    return found


# What stands before the head.


@dataclasses.dataclass
class Pooling:
    """One way from the map of features to a vector."""

    name: str
    items: list
    features: int


def poolings(architecture, size, padding):
    """The ways that there are, the usual first."""
    height, width = architecture.feature_size(*size, same=padding == "same")
    if min(height, width) < 1:
        raise ConversionError(f"an image of {size[0]}×{size[1]} is too small for {architecture.title}")
    channels = architecture.channels
    flat = [{"kind": "flatten"}]
    result = [
        Pooling("average", [{"kind": "global_average_pool"}], channels),
        Pooling("max", [{"kind": "global_max_pool"}], channels),
        Pooling("max+average", [{"kind": "global_concat_pool", "order": "max_average"}], 2 * channels),
        Pooling("average+max", [{"kind": "global_concat_pool", "order": "average_max"}], 2 * channels),
    ]
    if architecture.name.startswith("vgg"):
        result.append(Pooling("flatten", [{"kind": "adaptive_average_pool", "size": [7, 7]}, *flat], channels * 49))
    if not architecture.name.startswith("vgg") or (height, width) != (7, 7):
        result.append(Pooling("flatten", flat, channels * height * width))
    return result


def choose_head(parts, ways, option, architecture):
    """The parts in their order, and the ways of pooling that fit the first."""
    fitting = []
    for way in ways:
        if option and way.name != option:
            continue
        found = orders(parts, way.features)
        if found:
            fitting.append((way, found))
    if not fitting:
        raise ConversionError(no_chain(parts, [way for way in ways if not option or way.name == option], architecture))
    (way, found), *others = fitting
    if len(found) > 1:
        listed = names(f"{part.name} {part.inputs}→{part.outputs}" for part in parts)
        raise ConversionError(f"the layers of the head ({listed}) fit together in more than one order")
    return found[0], [way, *(other for other, _ in others)]


def no_chain(parts, ways, architecture):
    """Why no order of the parts is a head."""
    listed = names(f"{part.name} {part.inputs}→{part.outputs}" for part in parts)
    widths = sorted({way.features for way in ways})
    first = {part.inputs for part in parts}
    if first & set(widths):
        heads = {part.parent or part.name for part in parts if part.inputs in widths}
        if len(heads) > 1:
            return (
                f"there are {len(heads)} heads on the features (the layers {listed} are not one chain): "
                f"--head says which one is used: {names(sorted(heads))}"
            )
        return f"the layers of the head ({listed}) are not one chain from {widths[0]} features"
    channels = architecture.channels
    side = max((math.isqrt(count // channels) for count in first), default=0)
    hint = f" (an image of another size? its map would be {side}×{side})" if side * side * channels in first else ""
    return f"no layer of the head ({listed}) takes the {channels} channels of the base, or its map{hint}"


# Between the layers.


def gaps_of(parts, known):
    """Places between neighbours where something without tensors may stand, and what is known of the others.

    In a Sequential the numbers tell how many layers without tensors stand between two with. `known` are pairs of names
    between which the library itself has a ReLU, or nothing.
    """
    functions, gaps = {}, []
    for position, (one, other) in enumerate(zip(parts, parts[1:])):
        function = next(
            (f for a, b, f in known if re.search(rf"(^|\.){a}$", one.name) and re.search(rf"(^|\.){b}$", other.name)), None
        )
        if function:
            functions[position] = [function] if function != "none" else []
        elif one.parent != other.parent or one.index is None or other.index is None or other.index - one.index > 1:
            gaps.append(position)
    return functions, gaps


def fill_gaps(parts, functions, gaps, option):
    """The activation of every gap, from the option."""
    given = option.split(",") if option else []
    for name in given:
        if name not in FUNCTIONS:
            raise ConversionError(f"--head-activation {name}: there are {', '.join(FUNCTIONS)}")
    if gaps and not given:
        places = names(f"{parts[p].name} and {parts[p + 1].name}" for p in gaps)
        raise ConversionError(
            f"a state dict does not say which activation stands between {places}: "
            f"--head-activation says it ({', '.join(FUNCTIONS)})"
        )
    if len(given) == 1 and len(gaps) > 1:
        if crowded(parts, gaps):
            raise ConversionError(
                f"there are {len(gaps)} places for an activation in the head: give --head-activation one name for "
                f"each, such as {','.join((['relu', 'none'] * len(gaps))[: len(gaps)])}"
            )
        given = given * len(gaps)
    if len(given) != len(gaps):
        raise ConversionError(f"--head-activation has {len(given)} names for {len(gaps)} places")
    for gap, name in zip(gaps, given):
        functions[gap] = [] if name == "none" else [name]
    return [functions.get(position, []) for position in range(len(parts) - 1)]


def crowded(parts, gaps):
    """Whether two places lie between the same two linear layers, so that one name would not say which is meant."""
    linear = 0
    used = set()
    for position, part in enumerate(parts):
        linear += part.kind == "dense"
        if position in gaps:
            if linear in used:
                return True
            used.add(linear)
    return False


# The chain.


class Chain:
    """The card's head under construction."""

    def __init__(self):
        self.head, self.weights = [], {}

    def add(self, item):
        self.head.append(dict(item))

    def part(self, part, epsilon=EPSILON):
        self.weights[len(self.head)] = part.weights()
        if part.kind == "dense":
            self.head.append({"kind": "dense", "units": part.outputs, "activation": "linear"})
        else:
            self.head.append({"kind": part.kind, "epsilon": epsilon})

    def function(self, name):
        last = self.head[-1] if self.head else {}
        if last.get("kind") == "dense" and last["activation"] == "linear":
            last["activation"] = name
        else:
            self.add({"kind": "activation", "function": name})

    def end(self):
        """Takes off what follows the last linear layer: the function, which the card says as its output."""
        function = ""
        while self.head and self.head[-1]["kind"] in ("dropout", "activation"):
            item = self.head.pop()
            function = item.get("function", function)
        if not self.head or self.head[-1]["kind"] != "dense":
            raise ConversionError("the head does not end with a linear layer")
        if self.head[-1]["activation"] != "linear":
            function, self.head[-1]["activation"] = self.head[-1]["activation"], "linear"
        if function not in ("", "softmax", "sigmoid"):
            raise ConversionError(f"the last activation {function} is not supported: softmax, sigmoid or none are")
        return function


def from_structure(items, parts, channels, extents):
    """The head as a whole pickled model says it: the functions before it on the map, the chain and the last function.

    `channels` and `extents` are those of the base's map.
    """
    reader = StructureReader(parts, channels, extents)
    for item in items:
        if isinstance(item, str):
            reader.operation(item)
        else:
            reader.layer(*item)
    if reader.table:
        raise torch_structure.Unknown(f"{names(reader.table)} is not called")
    if reader.held:
        raise ConversionError(on_the_map(*reader.held[0]))
    return reader.on_map, reader.chain, reader.chain.end()


def on_the_map(part, record):
    return f"layer {part.name} ({record.kind}) works on the map of features, as no head of a card does: export the model as ONNX"


class StructureReader:
    """Follows the calls behind the base."""

    def __init__(self, parts, channels, extents):
        self.table = {part.name: part for part in parts}
        self.channels, self.extents = channels, extents
        self.chain, self.on_map = Chain(), []
        self.held = []  # layers on the map that are the same behind its mean
        self.pooled = False
        self.features = 0  # once it is pooled

    def operation(self, name):
        """Something that is called and is no module."""
        if name == "*average":
            self.pool({"kind": "global_average_pool"})
        elif name == "*relu":
            self.function("*relu", "relu")
        elif not self.pooled:
            self.flatten()

    def layer(self, name, record):
        function = torch_structure.function_of(name, record)
        pooling = pooling_of(name, record)
        if pooling:
            self.pool(pooling)
        elif record.kind == "Flatten":
            self.flatten()
        elif record.kind in torch_structure.DROPOUTS:
            if self.pooled:
                self.chain.add({"kind": "dropout", "rate": float(record.attributes().get("p", 0.0))})
        elif record.kind in torch_structure.NOTHING:
            return
        elif function:
            self.function(name, function)
        elif name in self.table:
            self.part(self.table.pop(name), record)
        else:
            raise ConversionError(f"layer {name} ({record.kind}) is not supported in a head: export the model as ONNX")

    def pool(self, item):
        if self.pooled:
            return  # One element stays what it is.
        if self.held and item["kind"] != "global_average_pool":
            raise ConversionError(on_the_map(*self.held[0]))
        self.chain.add(item)
        if item["kind"].startswith("global"):
            self.pooled, self.features = True, self.channels * (2 if item["kind"] == "global_concat_pool" else 1)
        else:
            self.extents = item["size"]
        held, self.held = self.held, []
        for part, record in held:
            self.part(part, record)

    def flatten(self):
        if self.pooled:
            return
        if self.held:
            raise ConversionError(on_the_map(*self.held[0]))
        self.chain.add({"kind": "flatten"})
        self.pooled, self.features = True, self.channels * self.extents[0] * self.extents[1]

    def function(self, name, function):
        if self.held:
            raise ConversionError(on_the_map(*self.held[0]))
        if self.pooled:
            self.chain.function(function)
        else:
            self.on_map.append(function)

    def part(self, part, record):
        if not self.pooled and self.takes_whole_map(part, record):
            self.flatten()
        if not self.pooled:
            if not is_linear_at_every_place(part, record):
                raise ConversionError(on_the_map(part, record))
            self.held.append((part, record))
            return
        if part.inputs != self.features:
            raise ConversionError(f"layer {part.name} ({record.kind}) takes {part.inputs} features, and {self.features} come to it")
        self.chain.part(part, record.attributes().get("eps", EPSILON))
        self.features = part.outputs

    def takes_whole_map(self, part, record):
        """Whether a convolution without padding is as large as the map, and not one place of it."""
        attributes = record.attributes()
        pads = torch_structure.pair(attributes.get("padding", 0))
        plain = pads == (0, 0) and attributes.get("groups", 1) == 1 and torch_structure.pair(attributes.get("dilation", 1)) == (1, 1)
        return bool(part.window) and plain and tuple(part.window) == tuple(self.extents) and not self.held


def is_linear_at_every_place(part, record):
    """Whether a layer gives the same before the mean of the map as behind it: a 1×1 convolution or a batch norm."""
    if part.kind == "batch_norm":
        return True
    attributes = record.attributes()
    settings = [torch_structure.pair(attributes.get(key, usual)) for key, usual in (("stride", 1), ("padding", 0))]
    return tuple(part.window) == (1, 1) and settings == [(1, 1), (0, 0)] and attributes.get("groups", 1) == 1


def pooling_of(name, record):
    """The pooling that a layer is, or `None`."""
    size = torch_structure.pair(record.attributes().get("output_size"))
    if record.kind == "AdaptiveConcatPool2d":
        return {"kind": "global_concat_pool", "order": "max_average"}
    if record.kind == "AdaptiveAvgPool2d":
        if size == (1, 1):
            return {"kind": "global_average_pool"}
        if size:
            return {"kind": "adaptive_average_pool", "size": list(size)}
    elif record.kind == "AdaptiveMaxPool2d" and size == (1, 1):
        return {"kind": "global_max_pool"}
    elif record.kind not in ("AdaptiveMaxPool2d",):
        return None
    raise ConversionError(f"layer {name} ({record.kind}) to {record.attributes().get('output_size')} is not supported")
