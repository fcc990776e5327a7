"""Recognises the base of a torch checkpoint by the names and shapes of its tensors."""

import dataclasses
import re

from . import families
from .architectures import SUPPORTED, Architecture, architectures
from .errors import ConversionError, UnknownNetwork
from .flatfile import names


@dataclasses.dataclass
class Base:
    """A recognised base and where its tensors are."""

    architecture: Architecture
    prefix: str  # before the base's tensors, `features.` included for those that have it
    names: dict  # of the architecture's tensors in the checkpoint

    @property
    def wrapper(self):
        """What stands before the whole model of the library."""
        return self.prefix.removesuffix("features.") if self.prefix.endswith("features.") else self.prefix


def choose_base(state, options, account):
    """The base of the checkpoint; of several, that of the option, or the one that is no average or teacher."""
    refuse_others(state)
    found = list(bases(state))
    chosen = found
    listed = names(repr(base.prefix) for base in found)
    if options.weights:
        chosen = [base for base in found if base.prefix.startswith(options.weights)]
        if not chosen:
            raise ConversionError(f"there is no base under {options.weights} (--weights): there is {listed}")
    elif len(found) > 1:
        chosen = [base for base in found if not re.search(r"ema|teacher|shadow|target|momentum|average", base.prefix)]
    if len(chosen) != 1:
        raise ConversionError(f"there are {len(found)} bases, under {listed}: --weights says which one to take")
    (base,) = chosen
    others = [other for other in found if other is not base]
    if options.weights:
        account.say("weights", "--weights", base.prefix)
    elif others:
        account.assume("weights", f"there is also {names(other.prefix for other in others)}: --weights", base.prefix)
    for other in others:
        drop = differing(other.prefix, base.prefix)
        for name in [name for name in state if name.startswith(drop)]:
            del state[name]
    return base


def differing(one, other):
    """The first names of a prefix, up to where another one differs."""
    parts = []
    for a, b in zip(one.split("."), [*other.split("."), ""]):
        parts.append(a)
        if a != b:
            break
    return ".".join(parts) + "."


def bases(state):
    """Every base whose every tensor is there, by its prefix; raises what is wrong with the nearest if there is none."""
    nearest = Nearest()
    found = {}
    for base in (*own_bases(state, nearest), *family_bases(state, nearest)):
        # A shallow network may be the beginning of a deep one.
        if base.prefix not in found or len(base.names) > len(found[base.prefix].names):
            found[base.prefix] = base
    if not found:
        raise nearest.error(state)
    return list(found.values())


class Nearest:
    """The network that a checkpoint is nearest to, and what is wrong with it."""

    def __init__(self):
        self.share, self.title, self.wrong = 1.0, "", []

    def see(self, share, title, wrong):
        if share < self.share:
            self.share, self.title, self.wrong = share, title, wrong

    def error(self, state):
        if self.share < 0.5:
            return UnknownNetwork(f"the checkpoint is not quite {self.title}: {names(self.wrong, 4)}")
        return UnknownNetwork(
            f"the checkpoint ({names(state, 3)}) is not of a supported architecture ({SUPPORTED}, and the families "
            f"{FAMILIES}){without_statistics(state)}: export the model as ONNX"
        )


def without_statistics(state):
    """A word on norms that are no batch norms, where there is nothing else."""
    has_norms = any(re.search(r"(^|\.)(bn\d|norm\d|downsample\.1)\.weight$", name) for name in state)
    if not has_norms or any(name.endswith("running_mean") for name in state):
        return ""
    return "; its norms keep no mean and variance, as group norms do"


def own_bases(state, nearest):
    """Prism's own."""
    for architecture in architectures():
        expected = {name.removeprefix("features."): shape for name, shape in architecture.tensors().items()}
        stem, shape = next(iter(expected.items()))
        for name, value in state.items():
            if not (name == stem or name.endswith("." + stem)) or not same_stem(value.shape, shape):
                continue
            prefix = name[: len(name) - len(stem)]
            wrong = problems(state, prefix, expected, stem)
            if wrong:
                nearest.see(len(wrong) / len(expected), architecture.title, wrong)
            else:
                yield Base(architecture, prefix, placed(architecture, prefix))


def family_bases(state, nearest):
    """Those of families, which become graphs."""
    for base, prefix, shapes in families.lay_out(state):
        if isinstance(base, families.NotOfFamily):
            hint = "" if "ONNX" in str(base) else ": export it as ONNX"
            nearest.see(0.2, "a network that is known by its tensors", [f"{base}{hint}"])
            continue
        wrong = differences(base, shapes)
        if wrong:
            nearest.see(len(wrong) / len(shapes), base.title, wrong)
        else:
            yield Base(base, prefix, placed(base, prefix))


def placed(architecture, prefix):
    """The architecture's tensors by their names in the checkpoint."""
    return {name: prefix + name.removeprefix("features.") for name in architecture.tensors()}


FAMILIES = "resnet, resnext, vgg, densenet, efficientnet, efficientnet_v2, mobilenet_v3, convnext"


def same_stem(shape, expected):
    """Whether a stem fits, for pictures of one, three or four channels."""
    return len(shape) == 4 and (shape[0], *shape[2:]) == (expected[0], *expected[2:]) and shape[1] in (1, 3, 4)


def problems(state, prefix, expected, stem):
    """What is missing, misshapen or unexpected among the tensors with this prefix."""
    result = []
    for name, shape in expected.items():
        value = state.get(prefix + name)
        if value is None:
            result.append(f"{prefix}{name} is missing")
        elif value.shape != shape and name != stem:
            result.append(f"{prefix}{name} has shape {value.shape}, not {shape}")
    # A prefix that ends with `features.` holds nothing else; another one may hold the head as well.
    if prefix.endswith("features."):
        extra = (n for n in state if n.startswith(prefix) and n[len(prefix) :] not in expected)
        result += [f"{name} is unexpected" for name in extra]
    return result


def differences(architecture, shapes):
    """As `problems`, for a base that was laid out from the shapes; a linear layer may stand for a 1×1 convolution."""
    expected = architecture.tensors()
    result = [f"{name} is missing" for name in expected if name not in shapes]
    result += [f"{name} is unexpected" for name in shapes if name not in expected]
    first = next(iter(expected))
    for name, shape in expected.items():
        if name in shapes and squeezed(shapes[name]) != squeezed(shape) and name != first:
            result.append(f"{name} has shape {shapes[name]}, not {shape}")
    if first in shapes and not same_stem(shapes[first], expected[first]):
        result.append(f"{first} has shape {shapes[first]}, not {expected[first]}")
    return result


def squeezed(shape):
    return tuple(extent for extent in shape if extent != 1)


def with_stem(base, state):
    """The base with as many channels of the picture as its first convolution takes."""
    channels = state[next(iter(base.names.values()))].shape[1]
    if channels == 3:
        return base
    architecture = dataclasses.replace(base.architecture, image_channels=channels, native=False)
    return dataclasses.replace(base, architecture=architecture)


OTHERS = (
    (r"(^|\.)patch_embed\.|(^|\.)conv_proj\.|class_token|cls_token", "a vision transformer"),
    (r"(^|\.)Mixed_5b\.|(^|\.)inception4a\.", "an Inception network"),
    (r"(^|\.)features\.\d+\.squeeze\.weight$", "SqueezeNet"),
    (r"(^|\.)stage2\.0\.branch2\.", "ShuffleNet"),
    (r"(^|\.)trunk_output\.block1\.", "RegNet"),
    (r"(^|\.)layers\.8\.0\.layers\.0\.weight$", "MNASNet"),
    (r"(^|\.)mlp\.grn\.", "ConvNeXt V2"),
    (r"(^|\.)norm_pre\.", "a network whose last norm stands before its pooling"),
    (r"(^|\.)stage\d\.\d\.branches\.", "HRNet"),
    (r"(^|\.)layer1\.0\.conv2\.fc1\.", "ResNeSt"),
    (r"(^|\.)blocks\.\d\.\d\.ghost1\.", "GhostNet"),
    (r"(^|\.)repnet\.|(^|\.)rbr_dense\.", "RepVGG"),
    (
        r"(^|\.)down\d*\.maxpool_conv\.|(^|\.)decoder\.blocks\.|(^|\.)segmentation_head\.|(^|\.)aux_classifier\.|"
        r"(^|\.)classifier\.0\.convs\.\d|(^|\.)classifier\.low_classifier\.", "a segmentation network",
    ),
    (r"(^|\.)model\.22\.dfl\.|(^|\.)rpn\.head\.|(^|\.)fpn\.inner_blocks\.|(^|\.)head\.classification_head\.", "a detection network"),
)


# Tensors of low rank that are added to weights: LoRA and its like, and what the library peft keeps beside them. The weight of
# its base_layer lies right there; that of DLA is a sequence.
ADAPTERS = (
    r"(^|\.)(lora_[AB]|lora_embedding_[AB]|hada_w[12]_[ab]|lokr_w[12]|ia3_l|modules_to_save|original_module)(\.|$)|"
    r"(^|\.)base_layer\.(weight|bias)$"
)


def refuse_others(state):
    """Names well-known architectures that are not supported by their names alone."""
    if any(re.search(ADAPTERS, name) for name in state):
        raise ConversionError(
            "the checkpoint holds adapters (LoRA or its like) that are not merged: save the state dict of model.merge_and_unload()"
        )
    for pattern, what in OTHERS:
        if any(re.search(pattern, name) for name in state):
            kind = ConversionError if what.endswith(("transformer", "segmentation network", "detection network")) else UnknownNetwork
            raise kind(f"the checkpoint is {what}, which is not supported as a checkpoint: export it as ONNX")


def stage_aliases(architecture):
    """The names of stages that users type: the last block of each."""
    result = {}
    for step in architecture.steps:
        found = re.match(r"(layer\d+|features\.\d+)\.\d+$", step.value)
        if found:
            result[found.group(1)] = step.value
    return {alias: value for alias, value in result.items() if all(step.value != alias for step in architecture.steps)}
