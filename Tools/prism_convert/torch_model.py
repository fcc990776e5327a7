"""Reads a torchvision model: the base by the names and shapes of its tensors, and a head of linear layers.

A state dict has tensors but no structure. What it does not hold (activations between linear layers, pooling,
preprocessing) is known where the model is torchvision's own, and asked for or assumed aloud where it is not.
"""

import dataclasses
import math
import re

import numpy

from .architectures import SUPPORTED, architectures
from .errors import ConversionError
from .flatfile import names
from .heads import name_head
from .model import Model
from .torch_files import open_file

HEAD_ACTIVATIONS = ("relu", "relu6", "silu", "sigmoid", "tanh", "none")
DEFAULT_SIZES = {"efficientnet_v2_s": 384, "efficientnet_v2_m": 480, "efficientnet_v2_l": 480}
HEAD_EPSILON = 1e-5
VGG16_GAPS = (("classifier.0", "classifier\\.3"), ("classifier.3", "classifier\\.6"))


def read(path, options):
    """The model in a torch checkpoint or safetensors file."""
    state, labels, modules = open_file(path)
    state = {modern_name(name): value for name, value in state.items()}
    architecture, prefix = recognise(state)
    tensors = {name: state.pop(prefix + name.removeprefix("features.")) for name in architecture.tensors()}
    size = options.input_size or (DEFAULT_SIZES.get(architecture.name, 224),) * 2
    notes = []
    head, weights = read_head(architecture, prefix, state, size, options, notes)
    tensors.update(name_head(architecture.name, head, weights))
    return Model(
        architecture=architecture,
        framework="torch",
        tensors=tensors,
        head=head,
        output="",
        size=tuple(size),
        padding="symmetric",
        epsilon=architecture.epsilons.get("torch"),
        preprocessing=[],
        resize="bilinear_antialias",
        labels=labels,
        notes=notes,
    )


def modern_name(name):
    """Old DenseNet checkpoints write `norm.1` for `norm1`."""
    return re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", name)


# The base.


def recognise(state):
    """The architecture whose every tensor is there under one prefix, and that prefix, up to the features."""
    refuse_others(state)
    best = None
    for architecture in architectures():
        expected = {name.removeprefix("features."): shape for name, shape in architecture.tensors().items()}
        stem, shape = next(iter(expected.items()))
        for name, value in state.items():
            if not (name == stem or name.endswith("." + stem)) or value.shape != shape:
                continue
            prefix = name[: len(name) - len(stem)]
            wrong = problems(state, prefix, expected)
            if not wrong:
                return architecture, prefix
            if best is None or len(wrong) / len(expected) < best[0]:
                best = (len(wrong) / len(expected), architecture, wrong)
    if best and best[0] < 0.5:
        raise ConversionError(f"the checkpoint is not quite {best[1].title}: {names(best[2], 4)}")
    start = names(state, 3)
    raise ConversionError(f"the checkpoint ({start}) is not of a supported architecture ({SUPPORTED})")


def problems(state, prefix, expected):
    """What is missing, misshapen or unexpected among the tensors with this prefix."""
    result = []
    for name, shape in expected.items():
        value = state.get(prefix + name)
        if value is None:
            result.append(f"{prefix}{name} is missing")
        elif value.shape != shape:
            result.append(f"{prefix}{name} has shape {value.shape}, not {shape}")
    # A prefix that ends with `features.` holds nothing else; another one may hold the head as well.
    if prefix.endswith("features."):
        extra = (n for n in state if n.startswith(prefix) and n[len(prefix) :] not in expected)
        result += [f"{name} is unexpected" for name in extra]
    return result


RESNETS = {
    ("basic", (2, 2, 2, 2)): "ResNet-18",
    ("basic", (3, 4, 6, 3)): "ResNet-34",
    ("bottleneck", (3, 4, 6, 3)): "ResNet-50",
    ("bottleneck", (3, 4, 23, 3)): "ResNet-101",
    ("bottleneck", (3, 8, 36, 3)): "ResNet-152",
}

OTHERS = (
    (r"(^|\.)features\.\d+\.block\.2\.fc1\.", "MobileNetV3"),
    (r"(^|\.)conv_stem\.weight$", "a model of the timm library"),
    (r"(^|\.)_conv_stem\.weight$", "an EfficientNet of the efficientnet_pytorch library"),
    (r"(^|\.)patch_embed\.|(^|\.)conv_proj\.|class_token", "a vision transformer"),
    (r"(^|\.)Mixed_5b\.|(^|\.)inception4a\.", "an Inception network"),
    (r"(^|\.)features\.\d+\.squeeze\.weight$", "SqueezeNet"),
    (r"(^|\.)stage2\.0\.branch2\.", "ShuffleNet"),
    (r"(^|\.)features\.\d+\.\d+\.layer_scale$", "ConvNeXt"),
    (r"(^|\.)features\.1\.0\.block\.1\.fc1\.", "the first EfficientNet"),
    (r"(^|\.)features\.1\.running_mean$", "VGG with batch normalisation"),
    (r"(^|\.)features\.34\.weight$", "VGG19"),
)


def refuse_others(state):
    """Names well-known architectures that are not supported."""
    kinds = {"1": set(), "2": set(), "3": set(), "4": set()}
    deep = False
    for name in state:
        found = re.search(r"(?:^|\.)layer([1-4])\.(\d+)\.conv([123])\.weight$", name)
        if found:
            kinds[found.group(1)].add(found.group(2))
            deep = deep or found.group(3) == "3"
    counts = tuple(len(kinds[stage]) for stage in "1234")
    if all(counts):
        found = RESNETS.get(("bottleneck" if deep else "basic", counts), "a ResNet")
        raise ConversionError(f"the checkpoint is {found}, which is not supported ({SUPPORTED} are)")
    for pattern, what in OTHERS:
        if any(re.search(pattern, name) for name in state):
            raise ConversionError(f"the checkpoint is {what}, which is not supported ({SUPPORTED} of torchvision are)")


# The head.


@dataclasses.dataclass
class Part:
    """A linear layer or batch norm of the head."""

    name: str
    tensors: dict

    @property
    def kind(self):
        return "batch_norm" if "running_mean" in self.tensors else "dense"

    @property
    def inputs(self):
        return self.tensors["weight"].shape[-1]

    @property
    def outputs(self):
        return self.tensors["weight"].shape[0]

    @property
    def parent(self):
        return self.name.rpartition(".")[0]

    @property
    def index(self):
        last = self.name.rpartition(".")[2]
        return int(last) if last.isdigit() else None


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
        keys = set(part.tensors)
        weight = part.tensors.get("weight")
        if part.kind == "batch_norm":
            good = keys <= {"weight", "bias", "running_mean", "running_var"} and "running_var" in keys
            good = good and all(value.ndim == 1 for value in part.tensors.values())
            if good and "weight" not in keys:
                count = part.tensors["running_mean"].size
                part.tensors["weight"] = numpy.ones(count, "float32")
                part.tensors["bias"] = numpy.zeros(count, "float32")
        else:
            good = weight is not None and weight.ndim == 2 and keys <= {"weight", "bias"}
        if not good:
            shapes = ", ".join(f"{key} {tuple(value.shape)}" for key, value in part.tensors.items())
            raise ConversionError(f"layer {part.name} ({shapes}) is not supported in a head")
    return list(parts.values())


def in_order(parts, features):
    """The parts in the order of the data: by the numbers in their names, and so that their sizes fit."""
    parts = sorted(parts, key=lambda part: natural(part.name))
    orders = []

    def extend(order, left, width):
        if len(orders) > 1:
            return
        if not left:
            orders.append(order)
        for part in left:
            first = not any(
                numbered(part.name, other.name) and natural(other.name) < natural(part.name) for other in left
            )
            if first and part.inputs == width:
                extend([*order, part], [other for other in left if other is not part], part.outputs)

    extend([], parts, features)
    if len(orders) == 1:
        return orders[0]
    found = names(f"{part.name} {part.inputs}→{part.outputs}" for part in parts)
    why = "fit together in more than one order" if orders else f"are not one chain from {features} features"
    raise ConversionError(f"the layers of the head ({found}) {why}")


def read_head(architecture, prefix, state, size, options, notes):
    """The card's head and its weights by index."""
    if prefix.endswith("features."):
        # The classifier that a wrapped torchvision model still carries is not its head when there is another one.
        state = without_replaced_classifier(state, prefix.removesuffix("features."))
    parts = head_parts(state)
    if not any(part.kind == "dense" for part in parts):
        raise ConversionError("the checkpoint has no classification head: it ends with its features")
    height, width = architecture.feature_size(*size, same=False)
    if min(height, width) < 1:
        raise ConversionError(f"an image of {size[0]}×{size[1]} is too small for {architecture.name}")
    channels = architecture.channels
    first = {part.inputs for part in parts}
    vgg = architecture.name == "vgg16"
    head = []
    if channels in first:
        head.append({"kind": "global_average_pool"})
        features = channels
        if vgg:
            notes.append("global average pooling is assumed between the base and the head")
    elif vgg and channels * 49 in first:
        head += [{"kind": "adaptive_average_pool", "size": [7, 7]}, {"kind": "flatten"}]
        features = channels * 49
    elif channels * height * width in first:
        head.append({"kind": "flatten"})
        features = channels * height * width
    else:
        side = max(math.isqrt(count // channels) for count in first)
        hint = f" (an image of another size? its map would be {side}×{side})" if side * side * channels in first else ""
        raise ConversionError(
            f"no layer of the head takes the {channels} channels of the base, or its map of {height}×{width}{hint}"
        )
    parts = in_order(parts, features)
    if parts[-1].kind != "dense":
        raise ConversionError(f"the head ends with {parts[-1].name}, which is not a linear layer")
    known = VGG16_GAPS if vgg else ()
    between = activations_between(parts, options.head_activation, known)
    weights = {}
    functions = iter(between)
    for position, part in enumerate(parts):
        if part.kind == "dense":
            weights[len(head)] = {
                "weight": part.tensors["weight"],
                "bias": part.tensors.get("bias", numpy.zeros(part.outputs, "float32")),
            }
            head.append({"kind": "dense", "units": part.outputs, "activation": "linear"})
        else:
            weights[len(head)] = part.tensors
            head.append({"kind": "batch_norm", "epsilon": HEAD_EPSILON})
        if position + 1 < len(parts):
            for function in next(functions):
                if head[-1]["kind"] == "dense" and head[-1]["activation"] == "linear":
                    head[-1]["activation"] = function
                else:
                    head.append({"kind": "activation", "function": function})
    return head, weights


def without_replaced_classifier(state, wrapper):
    """Drops nothing unless two heads take the features and only one of them can be used."""
    if not wrapper:
        return state
    inside = {name for name in state if name.startswith(wrapper + "classifier")}
    outside = set(state) - inside
    if inside and outside:
        raise ConversionError(
            f"there are two heads, {names(sorted(inside), 2)} and {names(sorted(outside), 2)}: remove the unused one"
        )
    return state


def activations_between(parts, option, known):
    """For every two neighbours, the activations between them: torch state dicts do not say.

    In a Sequential the numbers tell how many layers without tensors stand between two with. Between two linear layers
    an activation stands in one such gap; where there are several, the option has one name for each. `known` are pairs
    of names between which torchvision itself has a ReLU.
    """
    functions, gaps = {}, []
    for position, (one, other) in enumerate(zip(parts, parts[1:])):
        if any(one.name.endswith(a) and re.search(rf"(^|\.){b}(\.0)?$", other.name) for a, b in known):
            functions[position] = "relu"
        elif one.parent != other.parent or one.index is None or other.index is None or other.index - one.index > 1:
            gaps.append(position)
    given = option.split(",") if option else []
    for name in given:
        if name not in HEAD_ACTIVATIONS:
            raise ConversionError(f"--head-activation {name}: there are {', '.join(HEAD_ACTIVATIONS)}")
    if gaps and not given:
        places = names(f"{parts[p].name} and {parts[p + 1].name}" for p in gaps)
        raise ConversionError(
            f"a state dict does not say which activation stands between {places}: "
            f"--head-activation says it ({', '.join(HEAD_ACTIVATIONS)})"
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
    functions.update(zip(gaps, given))
    return [
        [functions[position]] if functions.get(position, "none") != "none" else []
        for position in range(len(parts) - 1)
    ]


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
