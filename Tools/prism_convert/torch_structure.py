"""What a whole pickled torch model says of its structure: the chain of layers behind its base.

The order of calls is known in a Sequential and in the classes of torchvision; what another class does in its forward
pass is Python code, which is not in the file.
"""

from .errors import ConversionError

ACTIVATIONS = {
    "ReLU": "relu", "ReLU6": "relu6", "SiLU": "silu", "Swish": "silu", "MemoryEfficientSwish": "silu",
    "Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax", "LogSoftmax": "softmax", "Hardswish": "hard_swish",
    "Hardsigmoid": "hard_sigmoid", "GELU": "gelu", "ELU": "elu", "LeakyReLU": "leaky_relu",
    # timm's and transformers' classes.
    "SwishMe": "silu", "SiLUActivation": "silu", "HardSwish": "hard_swish", "HardSwishMe": "hard_swish",
    "HardSigmoid": "hard_sigmoid", "HardSigmoidMe": "hard_sigmoid", "GELUActivation": "gelu", "GELUTanh": "gelu_tanh",
}  # fmt: skip
NOTHING = ("Identity", "Flatten", "Squeeze", "Dropout2d", "FullySharded")
DROPOUTS = ("Dropout", "AlphaDropout", "Dropout1d")

# What torchvision's classes call one after another: children by name, and operations that are no modules.
TORCHVISION = {
    "MobileNetV2": ("features", "*average", "classifier"),
    "EfficientNet": ("features", "avgpool", "*flatten", "classifier"),
    "DenseNet": ("features", "*relu", "*average", "classifier"),
    "VGG": ("features", "avgpool", "*flatten", "classifier"),
    "ConvNeXt": ("features", "avgpool", "classifier"),
    "ResNet": ("*base", "avgpool", "*flatten", "fc"),
}


class Unknown(Exception):
    """The order of calls is not in the file; the message names the class."""


def chain(modules, base, behind):
    """What follows the base, as a list of items; `base` is the name of its module, and `behind` are layers in that module
    which are no longer the base's.

    An item is the record of a layer with its name, or the name of an operation that is no module (`*relu`).
    """
    items = list(calls(modules.root, "", base))
    places = [i for i, item in enumerate(items) if item == "*base"]
    if len(places) != 1:
        raise Unknown("the base is not called once")
    return [*behind, *items[places[0] + 1 :]]


def calls(record, name, base):
    """The layers of a module in the order of their calls."""
    children = {key: child for key, child in children_of(record).items()}
    is_torchvision = record.path.startswith("torchvision") and record.kind in TORCHVISION
    if name == base and not (is_torchvision and "*base" in TORCHVISION[record.kind]):
        yield "*base"
    elif is_torchvision:
        for part in TORCHVISION[record.kind]:
            if part == "*base" and name != base:
                raise Unknown(f"{name} ({record.kind})")
            if part.startswith("*"):
                yield part
            elif part in children:
                yield from calls(children[part], join(name, part), base)
            else:
                raise Unknown(f"{record.kind} without {part}")
    elif record.kind in ("Sequential", "DataParallel", "DistributedDataParallel", "OptimizedModule", "AveragedModel"):
        for key, child in children.items():
            yield from calls(child, join(name, key), base)
    elif record.kind == "AdaptiveConcatPool2d" or not children:
        yield (name, record)
    else:
        raise Unknown(f"{name or 'the model'} ({record.kind})")


def children_of(record):
    from .torch_modules import Modules

    return Modules.children(record)


def join(name, part):
    return f"{name}.{part}" if name else part


def function_of(name, record):
    """The activation that a layer is, or `None` for another layer; refuses one with unusual parameters."""
    function = ACTIVATIONS.get(record.kind)
    attributes = record.attributes()
    if function == "leaky_relu" and abs(attributes.get("negative_slope", 0.01) - 0.01) > 1e-12:
        raise ConversionError(f"layer {name} (LeakyReLU) has the slope {attributes['negative_slope']}, 0.01 is supported")
    if function == "elu" and attributes.get("alpha", 1.0) != 1:
        raise ConversionError(f"layer {name} (ELU) has the alpha {attributes['alpha']}, 1 is supported")
    if function == "softmax" and attributes.get("dim") not in (None, 1, -1):
        raise ConversionError(f"layer {name} ({record.kind}) is over the axis {attributes['dim']}, that of the labels is 1")
    if function == "gelu" and attributes.get("approximate", "none") == "tanh":
        return "gelu_tanh"
    return function


def base_problems(architecture, modules, module_name):
    """The epsilon of the base's batch norms, and the padding; refuses layers that are set otherwise than the base's.

    `module_name` gives a step's module in the file.
    """
    epsilons, paddings = {}, set()
    for step in architecture.steps:
        record = modules.find(module_name(step)) if step.kind in ("conv", "batch_norm", "layer_norm") else None
        if record is None:
            continue
        attributes = record.attributes()
        if attributes.get("padding_mode", "zeros") != "zeros":
            raise ConversionError(f"layer {module_name(step)} pads by {attributes['padding_mode']}, zeros are supported")
        if step.kind == "layer_norm":
            if attributes.get("eps", step.epsilon) != step.epsilon:
                raise ConversionError(
                    f"layer {module_name(step)} has the epsilon {attributes['eps']}, {architecture.title} has {step.epsilon}"
                )
            continue
        if step.kind == "batch_norm":
            if isinstance(attributes.get("eps"), float):
                epsilons.setdefault(attributes["eps"], module_name(step))
            continue
        if record.kind == "Conv2dSame" or attributes.get("padding") == "same":
            paddings.add("same")
        elif step.stride > 1 and pair(attributes.get("padding")) == (step.pad,) * 2:
            paddings.add("symmetric")
        for key, expected in (("stride", step.stride), ("dilation", 1), ("padding", step.pad)):
            value = pair(attributes.get(key))
            if value and value != (expected, expected) and not (key == "padding" and record.kind == "Conv2dSame"):
                raise ConversionError(
                    f"layer {module_name(step)} has the {key} {list(value)}, {architecture.title} has {expected}"
                )
    if len(epsilons) > 1:
        (one, first), (other, second) = list(epsilons.items())[:2]
        raise ConversionError(f"{first} and {second} have the epsilons {one} and {other}: one for all is supported")
    if len(paddings) > 1:
        raise ConversionError("the base pads some strided layers on both sides and some as TensorFlow does")
    return next(iter(epsilons), None), next(iter(paddings), None)


def pair(value):
    if isinstance(value, int):
        return (value, value)
    return tuple(value) if isinstance(value, (list, tuple)) and len(value) == 2 else None

