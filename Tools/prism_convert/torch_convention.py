"""What the tensors of a torch base do not say: the picture's size, padding and epsilon; and who says it."""

import dataclasses
import re

from . import families, torch_structure
from .errors import ConversionError, UnknownNetwork

SIZES = {"efficientnet_v2_s": 384, "efficientnet_v2_m": 480, "efficientnet_v2_l": 480}
SIZES |= {f"efficientnet_{name}": row[2] for name, row in families.EFFICIENTNETS.items()}
NAME_KEYS = ("arch", "model", "architecture", "model_name")
SIZE_KEYS = ("img_size", "image_size", "input_size", "crop_size", "resolution", "image_resolution", "im_size", "size")


def choose_size(architecture, checkpoint, options, said, account):
    """Height and width: the option's, those of files beside the weights or of the checkpoint's own settings."""
    if options.input_size:
        account.say("size", "--input-size")
        return tuple(options.input_size)
    if said and said.size:
        account.say("size", said.origin)
        return tuple(said.size)
    for key in SIZE_KEYS:
        size = extents(checkpoint.settings.get(key))
        if size:
            account.say("size", f"{key} in the checkpoint")
            return size
    side = SIZES.get(architecture.name, 224)
    account.assume("size", "nothing says it; --input-size")
    return (side, side)


def extents(value):
    if isinstance(value, (list, tuple)) and len(value) == 3 and value[0] in (1, 3):
        value = value[1:]
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value, value)
    good = isinstance(value, (list, tuple)) and len(value) == 2
    good = good and all(isinstance(item, int) and not isinstance(item, bool) and 32 <= item <= 4096 for item in value)
    return tuple(value) if good else None


def choose_convention(base, naming_, checkpoint, options, said, account):
    """Padding and epsilon of the base: of its modules, of the library's configuration, of the option, else torchvision's."""
    architecture = base.architecture
    padding, epsilon, origin = "symmetric", architecture.epsilons.get("torch"), ""
    known = convention_of(naming_, said, options, checkpoint, architecture)
    if known:
        padding, epsilon, origin = known
    if checkpoint.modules:
        old = {new.rpartition(".")[0]: name.rpartition(".")[0] for new, name in naming_.names.items()}

        def module_name(step):
            key = next(iter(name for name, _ in step.tensors(1)))
            return old.get(base.names.get(key, "").rpartition(".")[0], "")

        seen, pads = torch_structure.base_problems(architecture, checkpoint.modules, module_name)
        if seen is not None:
            epsilon, origin = seen, "the modules of the pickled model"
        padding = pads or padding
    if options.epsilon is not None:
        epsilon, origin = options.epsilon, "--epsilon"
    if options.padding:
        padding, origin = options.padding, f"{origin} and --padding" if origin == "--epsilon" else "--padding"
    if not architecture.epsilons:
        epsilon = None
    if origin:
        account.say("convention", origin)
    elif naming_.library == "timm" and naming_.family in ("efficientnet", "mobilenet_v2", "mobilenet_v3"):
        raise ConversionError(
            "these are timm's names, and its models with and without tf_ in their names have the same tensors: "
            "--architecture NAME says which one it is (or --padding and --epsilon)"
        )
    elif architecture.epsilons:
        account.assume("convention", "torchvision's; a state dict does not say them: --epsilon, --padding")
    return padding, epsilon


# What transformers' configurations may say otherwise than the networks that are known here.
USUAL = {
    "resnet": {"downsample_in_bottleneck": (False,), "downsample_in_first_stage": (False,), "hidden_act": ("relu",)},
    "mobilenet_v2": {"hidden_act": ("relu6",), "output_stride": (32,), "finegrained_output": (True,), "first_layer_is_expansion": (True,)},
    "efficientnet": {"hidden_act": ("swish", "silu"), "pooling_type": ("mean",), "strides": ([1, 2, 2, 2, 1, 2, 1],)},
    "convnext": {"hidden_act": ("gelu",)},
}


# timm's networks that share the tensors of another one: blurred or averaged strides, another epsilon or activation.
UNLIKE = r"blur|resnetaa|resnextaa|seresnextaa|convnext_xxlarge|test_convnext|_clip"


def check_configuration(naming_, said):
    """Refuses a network of transformers that is configured otherwise than the one whose tensors it has."""
    name = said.architecture if said else None
    if name and re.search(UNLIKE, name):
        raise UnknownNetwork(f"config.json: {name} has the tensors of another network but computes otherwise: export it as ONNX")
    if naming_.library != "transformers" or not said:
        return
    for key, values in USUAL.get(naming_.family, {}).items():
        if said.config.get(key, values[0]) not in values:
            origin = "config.json" if "config.json" in said.origin else said.origin
            raise UnknownNetwork(f"{origin}: {key} is {said.config[key]}, {values[0]} is supported: export it as ONNX")


def check_name(architecture, checkpoint, options, said):
    """Refuses a name of another network than the one whose tensors there are, or of one that computes otherwise."""
    names = [("--architecture", options.architecture)]
    names += [(f"{key} in the checkpoint", checkpoint.settings.get(key)) for key in NAME_KEYS]
    for origin, name in names:
        if isinstance(name, str) and re.search(UNLIKE, name.lower()):
            raise UnknownNetwork(f"{origin}: {name} has the tensors of another network but computes otherwise: export it as ONNX")
    told = [("--architecture", options.architecture)]
    told += [(f"{said.origin}: architecture", said.architecture)] if said and not options.architecture else []
    for origin, name in told:
        if name and not is_name_of(name, architecture):
            raise UnknownNetwork(f"{origin} {name}: the tensors are those of {architecture.title}")


def is_name_of(name, architecture):
    """Whether a name, such as `tf_efficientnetv2_b0.in1k`, is one of the network, such as efficientnet_v2_b0."""
    name, own = (re.sub(r"[_\-\s]", "", text.lower()) for text in (name, architecture.name.partition(" of ")[0]))
    return own in name


def with_transformers_padding(base, naming_, said):
    """EfficientNet of transformers pads as Keras does for a picture of even sizes, whatever the size is."""
    if naming_.library != "transformers" or naming_.family != "efficientnet":
        return base
    odd = said.config.get("depthwise_padding", ()) if said else ()
    steps, block = [], -1
    for step in base.architecture.steps:
        block += step.kind == "conv" and step.groups > 1
        if step.kind == "conv" and step.stride > 1 and not (step.groups > 1 and block in odd):
            step = dataclasses.replace(step, pads=(step.kernel // 2 - 1 if step.groups > 1 else 0, step.kernel // 2))
        steps.append(step)
    return dataclasses.replace(base, architecture=dataclasses.replace(base.architecture, steps=tuple(steps)))


def convention_of(naming_, said, options, checkpoint, architecture):
    """Padding and epsilon by the name of the model in its library, and who says it; `None` where nobody does."""
    name = options.architecture or (said.architecture if said else None)
    origin = "--architecture" if options.architecture else said.origin if said else ""
    if not name and naming_.library == "timm":
        name = next((checkpoint.settings[key] for key in NAME_KEYS if isinstance(checkpoint.settings.get(key), str)), None)
        origin = "the name in the checkpoint"
    if naming_.library == "transformers" and naming_.family in ("mobilenet_v2", "efficientnet"):
        config = said.config if said else {}
        mobile = naming_.family == "mobilenet_v2"
        epsilon = config.get("layer_norm_eps" if mobile else "batch_norm_eps", 1e-3)
        padding = "same" if mobile and config.get("tf_padding", True) else "symmetric"
        return padding, float(epsilon), said.origin if config else "transformers' defaults"
    if naming_.library == "efficientnet_pytorch":
        return "same", 1e-3, "efficientnet_pytorch's own"
    if naming_.library == "timm" and naming_.family in ("efficientnet", "mobilenet_v2", "mobilenet_v3"):
        if not name:
            return None
        return ("same", 1e-3, origin) if "tf_" in name else ("symmetric", 1e-5, origin)
    if naming_.library:
        return "symmetric", architecture.epsilons.get("torch"), f"{naming_.library}'s own"
    return None
