"""Bases that are not Prism's own and become graph cards: laid out from the names and shapes of a checkpoint's tensors.

Names are torchvision's. What tensors do not tell (strides, the functions between layers) is what torchvision, timm and
transformers have for a family; a checkpoint with one tensor more or less than that is of no family.
"""

import functools
import re

from .architectures import Architecture, Builder, densenet, divisible_by_8, efficientnet_v2_block


class NotOfFamily(Exception):
    """The checkpoint begins like a family and goes on otherwise; the message says where."""


def count(state, pattern):
    """How many numbers from 0 (or 1) on the pattern's group takes in the names."""
    found = {int(match.group(1)) for match in (re.match(pattern, name) for name in state) if match}
    return len(found) if found and found in (set(range(len(found))), set(range(1, len(found) + 1))) else 0


# ResNet: He et al., "Deep Residual Learning for Image Recognition", with the stride in the 3×3 convolution.

RESNETS = {
    (False, (2, 2, 2, 2)): "resnet18", (False, (3, 4, 6, 3)): "resnet34", (True, (3, 4, 6, 3)): "resnet50",
    (True, (3, 4, 23, 3)): "resnet101", (True, (3, 8, 36, 3)): "resnet152",
}  # fmt: skip


def resnet(shapes):
    """ResNet, ResNeXt, Wide ResNet and SE-ResNet, of any depth, width and number of groups."""
    b = Builder()
    stem = shapes["conv1.weight"]
    if len(stem) != 4:
        axes = len(stem) - 2
        raise NotOfFamily(
            f"its first convolution is over {axes} ax{'i' if axes == 1 else 'e'}s, not over rows and columns; networks of sequences and "
            "volumes are not supported, as ONNX neither"
        )
    if stem[2:] != (7, 7):
        raise NotOfFamily(
            f"its first convolution is {stem[2]}×{stem[3]}: the tensors of a ResNet for small pictures do not say "
            "its strides; export it as ONNX"
        )
    x = b.conv(-1, "conv1", stem[0], kernel=7, stride=2)
    x = b.activation(b.batch_norm(x, "bn1"), "relu", value="relu")
    x = b.max_pool(x, 3, 2, 1, value="maxpool")
    deep = "layer1.0.conv3.weight" in shapes
    depths = tuple(count(shapes, rf"layer{stage}\.(\d+)\.conv1\.weight") for stage in (1, 2, 3, 4))
    for stage, depth in enumerate(depths, start=1):
        for index in range(depth):
            x = residual_block(b, x, shapes, f"layer{stage}.{index}", 2 if index == 0 and stage > 1 else 1, deep)
    if not all(depths):
        raise NotOfFamily("a ResNet has four stages")
    name = RESNETS.get((deep, depths), f"resnet of {'-'.join(map(str, depths))} blocks")
    widths = shapes["layer1.0.conv2.weight"]
    if widths[1] != shapes["layer1.0.conv1.weight"][0]:
        name = name.replace("resnet", "resnext")
    elif deep and widths[0] != 64:
        name = f"wide {name}"
    if "layer1.0.se.fc1.weight" in shapes:
        name = f"se-{name}"
    return Architecture(name, tuple(b.steps), f"layer4.{depths[3] - 1}", {"torch": 1e-5}, native=False)


def residual_block(b, start, shapes, name, stride, deep):
    """A basic block of two 3×3 convolutions, or a bottleneck of 1×1, 3×3 and 1×1."""
    x = start
    kernels = (1, 3, 1) if deep else (3, 3)
    for number, kernel in enumerate(kernels, start=1):
        shape = shapes.get(f"{name}.conv{number}.weight", (0, 1, 0, 0))
        groups = b.channels(x) // shape[1] if shape[1] else 1
        strided = stride if kernel == 3 and (deep or number == 1) else 1
        x = b.conv(x, f"{name}.conv{number}", shape[0], kernel=kernel, stride=strided, groups=groups)
        x = b.batch_norm(x, f"{name}.bn{number}", value=f"{name}.bn{number}")
        if number < len(kernels):
            x = b.activation(x, "relu", value=f"{name}.relu{number}")
    if f"{name}.se.fc1.weight" in shapes:
        x = gated(b, x, f"{name}.se", ("fc1", "fc2"), shapes[f"{name}.se.fc1.weight"][0], "relu")
    if f"{name}.downsample.0.weight" in shapes:
        start = b.conv(start, f"{name}.downsample.0", b.channels(x), stride=stride)
        start = b.batch_norm(start, f"{name}.downsample.1", value=f"{name}.downsample")
    elif stride > 1 or b.channels(start) != b.channels(x):
        raise NotOfFamily(f"{name} has no downsample.0")
    x = b.add(start, x, value=f"{name}.sum")
    return b.activation(x, "relu", value=name)


def gated(b, x, name, layers, hidden, function, gate="sigmoid"):
    """Squeeze and excitation by two 1×1 convolutions with biases."""
    s = b.squeeze(x, value=f"{name}.avgpool")
    s = b.activation(b.conv(s, f"{name}.{layers[0]}", hidden, bias=True), function, value=f"{name}.activation")
    s = b.activation(b.conv(s, f"{name}.{layers[1]}", b.channels(x), bias=True), gate, value=f"{name}.gate")
    return b.multiply(x, s, value=name)


# VGG: Simonyan and Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition".


# torchvision's: how many convolutions of 64, 128, 256, 512 and 512 channels.
VGGS = {(1, 1, 2, 2, 2): "vgg11", (2, 2, 2, 2, 2): "vgg13", (2, 2, 3, 3, 3): "vgg16", (2, 2, 4, 4, 4): "vgg19"}


def is_own_vgg(architecture):
    """Whether a network of 3×3 convolutions and poolings is none of the published ones, but somebody's own."""
    if not architecture.name.startswith("vgg"):
        return False
    stages, widths = [0], set()
    for step in architecture.steps:
        if step.kind == "conv":
            stages[-1] += 1
            widths.add((len(stages), step.channels))
        elif step.kind == "max_pool":
            stages.append(0)
    return tuple(stages[:-1]) not in VGGS or widths != {(1, 64), (2, 128), (3, 256), (4, 512), (5, 512)}


def vgg(shapes):
    """VGG of any configuration, with batch normalisation or without."""
    b = Builder()
    x, index, convolutions = -1, 0, 0
    last = ""
    numbers = {int(name.split(".")[1]) for name in shapes if re.match(r"features\.\d+\.weight$", name)}
    normal = "features.1.running_mean" in shapes
    end = max(numbers, default=-1)
    while index <= end:
        shape = shapes.get(f"features.{index}.weight", ())
        if len(shape) == 4:
            if shape[2:] != (3, 3):
                raise NotOfFamily(f"features.{index} is no 3×3 convolution")
            convolutions += 1
            x = b.conv(x, f"features.{index}", shape[0], kernel=3, bias=True)
            if normal:
                index += 1
                x = b.batch_norm(x, f"features.{index}")
            index += 1
            last = f"features.{index}"
            x = b.activation(x, "relu", value=last)
        elif b.steps and b.steps[-1].kind == "activation":
            x = b.max_pool(x, 2, 2, 0, value=f"features.{index}")
        else:
            raise NotOfFamily(f"features.{index} follows no convolution, and a pooling there is no VGG's")
        index += 1
    x = b.max_pool(x, 2, 2, 0, value=f"features.{index}")
    pools = sum(step.kind == "max_pool" for step in b.steps)
    if pools != 5:
        raise NotOfFamily(f"a VGG has 5 poolings, this one would have {pools}")
    name = f"vgg{convolutions + 3}{'_bn' if normal else ''}"
    return Architecture(name, tuple(b.steps), last, {"torch": 1e-5} if normal else {}, native=False)


# DenseNet: Huang et al., "Densely Connected Convolutional Networks".


def any_densenet(shapes):
    """DenseNet of any depth and growth."""
    blocks = count(shapes, r"features\.denseblock(\d+)\.")
    layers = [count(shapes, rf"features\.denseblock{block}\.denselayer(\d+)\.") for block in range(1, blocks + 1)]
    growth = shapes.get("features.denseblock1.denselayer1.conv2.weight", (0,))[0]
    known = {(6, 12, 32, 32): 169, (6, 12, 48, 32): 201, (6, 12, 36, 24): 161, (6, 12, 24, 16): 121}
    name = f"densenet{known.get(tuple(layers), ' of ' + '-'.join(map(str, layers)) + ' layers')}"
    base = densenet(name, layers, growth, shapes["features.conv0.weight"][0])
    return replace_native(base)


def replace_native(base):
    return Architecture(base.name, base.steps, base.layer, base.epsilons, native=False)


# EfficientNet: Tan and Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks".

EFFICIENTNET = (
    (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3), (6, 112, 3, 1, 5), (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)  # fmt: skip
# Width and depth as tenths, and the side of the picture.
EFFICIENTNETS = {
    "b0": (10, 10, 224), "b1": (10, 11, 240), "b2": (11, 12, 288), "b3": (12, 14, 300), "b4": (14, 18, 380),
    "b5": (16, 22, 456), "b6": (18, 26, 528), "b7": (20, 31, 600),
}  # fmt: skip


@functools.cache
def efficientnet(size):
    """EfficientNet B0 to B7."""
    width, depth, _ = EFFICIENTNETS[size]

    def filters(number):
        scaled = number * width / 10
        rounded = max(8, int(scaled + 4) // 8 * 8)
        return rounded + 8 if rounded < 0.9 * scaled else rounded

    b = Builder()
    x = b.conv_norm(-1, "features.0", filters(32), "silu", kernel=3, stride=2)
    for stage, (expansion, channels, repeats, first_stride, kernel) in enumerate(EFFICIENTNET, start=1):
        for repeat in range(-(-repeats * depth // 10)):
            name, start = f"features.{stage}.{repeat}", x
            stride = first_stride if repeat == 0 else 1
            before, inner = b.channels(x), 0
            if expansion > 1:
                x = b.conv_norm(x, f"{name}.block.0", before * expansion, "silu")
                inner = 1
            hidden = b.channels(x)
            x = b.conv_norm(
                x, f"{name}.block.{inner}", hidden, "silu", kernel=kernel, stride=stride, groups=hidden
            )
            x = gated(b, x, f"{name}.block.{inner + 1}", ("fc1", "fc2"), max(1, before // 4), "silu")
            skip = stride == 1 and before == filters(channels)
            last = f"{name}.block.{inner + 2}"
            x = b.conv_norm(x, last, filters(channels), "", value=None if skip else name)
            if skip:
                x = b.add(x, start, value=name)
    b.conv_norm(x, "features.8", 4 * filters(320), "silu")
    epsilons = {"torch": 1e-3 if size in ("b5", "b6", "b7") else 1e-5}
    return Architecture(f"efficientnet_{size}", tuple(b.steps), "features.8", epsilons, native=False)


def any_efficientnet(shapes):
    """The one of EfficientNet's sizes with these tensors."""
    for size in EFFICIENTNETS:
        base = efficientnet(size)
        tensors = base.tensors()
        if len(tensors) == len(shapes) and all(shapes.get(name, (0,))[0] == shape[0] for name, shape in tensors.items()):
            return base
    raise NotOfFamily("as an EfficientNet it is none of B0 to B7")


# EfficientNetV2: Tan and Le, "EfficientNetV2: Smaller Models and Faster Training"; timm's own sizes (rw_t, rw_s, rw_m).

EFFICIENTNET_V2_STRIDES = (1, 2, 2, 2, 1, 2, 1)


def any_efficientnet_v2(shapes):
    """EfficientNetV2 of any depth and width: fused blocks, then inverted ones that are gated."""
    b = Builder()
    x = b.conv_norm(-1, "features.0", shapes["features.0.0.weight"][0], "silu", kernel=3, stride=2)
    stages = count(shapes, r"features\.(\d+)\.0\.block\.0\.0\.weight")
    if stages not in (6, 7) or "features.1.0.block.1.fc1.weight" in shapes:
        raise NotOfFamily("an EfficientNetV2 has six or seven stages, and fused blocks first")
    for stage, first_stride in enumerate(EFFICIENTNET_V2_STRIDES[:stages], start=1):
        for repeat in range(count(shapes, rf"features\.{stage}\.(\d+)\.block\.0\.0\.weight")):
            name, stride = f"features.{stage}.{repeat}", first_stride if repeat == 0 else 1
            last = max(i for i in range(4) if f"{name}.block.{i}.0.weight" in shapes)
            hidden = shapes[f"{name}.block.0.0.weight"][0] if last > 0 else None
            gate = shapes[f"{name}.block.2.fc1.weight"][0] if last > 1 else None
            kernel = shapes[f"{name}.block.{1 if gate else 0}.0.weight"][2]
            channels = shapes[f"{name}.block.{last}.0.weight"][0]
            x = efficientnet_v2_block(b, x, name, hidden, channels, stride, gate, kernel)
    top = f"features.{stages + 1}"
    b.conv_norm(x, top, shapes[f"{top}.0.weight"][0], "silu")
    return Architecture(f"efficientnet_v2 of {stages} stages", tuple(b.steps), top, {"torch": 1e-5}, native=False)


# MobileNetV3: Howard et al., "Searching for MobileNetV3".

# Kernel, expanded and output channels, squeeze and excitation, hard swish, stride.
MOBILENETS_V3 = {
    "large": (
        (3, 16, 16, 0, 0, 1), (3, 64, 24, 0, 0, 2), (3, 72, 24, 0, 0, 1), (5, 72, 40, 1, 0, 2), (5, 120, 40, 1, 0, 1),
        (5, 120, 40, 1, 0, 1), (3, 240, 80, 0, 1, 2), (3, 200, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1), (3, 184, 80, 0, 1, 1),
        (3, 480, 112, 1, 1, 1), (3, 672, 112, 1, 1, 1), (5, 672, 160, 1, 1, 2), (5, 960, 160, 1, 1, 1), (5, 960, 160, 1, 1, 1),
    ),
    "small": (
        (3, 16, 16, 1, 0, 2), (3, 72, 24, 0, 0, 2), (3, 88, 24, 0, 0, 1), (5, 96, 40, 1, 1, 2), (5, 240, 40, 1, 1, 1),
        (5, 240, 40, 1, 1, 1), (5, 120, 48, 1, 1, 1), (5, 144, 48, 1, 1, 1), (5, 288, 96, 1, 1, 2), (5, 576, 96, 1, 1, 1),
        (5, 576, 96, 1, 1, 1),
    ),
}  # fmt: skip


@functools.cache
def mobilenet_v3(size):
    """MobileNetV3 large or small, of width 1."""
    b = Builder()
    x = b.conv_norm(-1, "features.0", 16, "hard_swish", kernel=3, stride=2)
    rows = MOBILENETS_V3[size]
    for index, (kernel, hidden, channels, squeezes, hard, stride) in enumerate(rows, start=1):
        name, start, inner = f"features.{index}", x, 0
        function = "hard_swish" if hard else "relu"
        skip = stride == 1 and b.channels(x) == channels
        if hidden != b.channels(x):
            x = b.conv_norm(x, f"{name}.block.0", hidden, function)
            inner = 1
        x = b.conv_norm(x, f"{name}.block.{inner}", hidden, function, kernel=kernel, stride=stride, groups=hidden)
        if squeezes:
            inner += 1
            x = gated(b, x, f"{name}.block.{inner}", ("fc1", "fc2"), divisible_by_8(hidden // 4), "relu", "hard_sigmoid")
        x = b.conv_norm(x, f"{name}.block.{inner + 1}", channels, "", value=None if skip else name)
        if skip:
            x = b.add(x, start, value=name)
    top = f"features.{len(rows) + 1}"
    b.conv_norm(x, top, 6 * b.channels(x), "hard_swish")
    return Architecture(f"mobilenet_v3_{size}", tuple(b.steps), top, {"torch": 1e-3}, native=False)


def any_mobilenet_v3(shapes):
    """The large or the small one."""
    for size in MOBILENETS_V3:
        base = mobilenet_v3(size)
        if len(base.tensors()) == len(shapes):
            return base
    raise NotOfFamily("as a MobileNetV3 it is neither large nor small")


# ConvNeXt: Liu et al., "A ConvNet for the 2020s".

CONVNEXTS = {
    ((3, 3, 9, 3), 96): "convnext_tiny", ((3, 3, 27, 3), 96): "convnext_small", ((3, 3, 27, 3), 128): "convnext_base",
    ((3, 3, 27, 3), 192): "convnext_large",
}  # fmt: skip
LAYER_NORM_EPSILON = 1e-6


def convnext(shapes):
    """ConvNeXt of any depth and width."""
    b = Builder()
    stem = shapes["features.0.0.weight"]
    x = b.conv(-1, "features.0.0", stem[0], kernel=4, stride=4, pad=0, bias=True)
    x = b.layer_norm(x, "features.0.1", LAYER_NORM_EPSILON, value="features.0")
    depths = tuple(count(shapes, rf"features\.{stage}\.(\d+)\.block\.0\.weight") for stage in (1, 3, 5, 7))
    for number, depth in zip((1, 3, 5, 7), depths):
        if number > 1:
            name = f"features.{number - 1}"
            x = b.layer_norm(x, f"{name}.0", LAYER_NORM_EPSILON)
            channels = shapes.get(f"{name}.1.weight", (0,))[0]
            x = b.conv(x, f"{name}.1", channels, kernel=2, stride=2, pad=0, bias=True, value=name)
        for index in range(depth):
            name, start, channels = f"features.{number}.{index}", x, b.channels(x)
            x = b.conv(x, f"{name}.block.0", channels, kernel=7, groups=channels, bias=True)
            x = b.layer_norm(x, f"{name}.block.2", LAYER_NORM_EPSILON)
            x = b.activation(b.conv(x, f"{name}.block.3", 4 * channels, bias=True), "gelu")
            x = b.conv(x, f"{name}.block.5", channels, bias=True)
            if f"{name}.layer_scale" in shapes:
                x = b.scale(x, f"{name}.layer_scale")
            x = b.add(start, x, value=name)
    if not all(depths):
        raise NotOfFamily("a ConvNeXt has four stages")
    name = CONVNEXTS.get((depths, stem[0]), f"convnext of {'-'.join(map(str, depths))} blocks")
    return Architecture(name, tuple(b.steps), f"features.7.{depths[3] - 1}", {}, native=False)


# A tensor that a family has, the names that are its base's, and what lays it out. Those of a family with `features.` are
# written without it here: a base that was taken out of its model has other names before them.
FAMILIES = (
    ("layer1.0.conv1.weight", r"(conv1|bn1|layer[1-4])\.", "", resnet),
    ("denseblock1.denselayer1.norm1.weight", r"(conv0|norm0|norm5|denseblock\d+|transition\d+)\.", "features.", any_densenet),
    ("1.0.block.1.fc1.weight", r"\d+\.", "features.", any_efficientnet),
    ("4.0.block.2.fc1.weight", r"\d+\.", "features.", any_efficientnet_v2),
    ("4.block.2.fc1.weight", r"\d+\.", "features.", any_mobilenet_v3),
    ("1.0.block.5.weight", r"\d+\.", "features.", convnext),
    ("2.weight", r"\d+\.\w+$", "features.", vgg),
    ("3.weight", r"\d+\.\w+$", "features.", vgg),
    ("4.weight", r"\d+\.\w+$", "features.", vgg),
)


def lay_out(state):
    """Every base of a family that the checkpoint begins like: the architecture (or why it is none), the prefix before
    its names (`features.` included, as of Prism's own), and the shapes of its tensors by torchvision's names."""
    seen = set()
    for mark, pattern, start, build in FAMILIES:
        for name in state:
            if not (name == mark or name.endswith("." + mark)):
                continue
            prefix = name[: len(name) - len(mark)]
            if prefix in seen or build is vgg and state[name].ndim != 4:
                continue
            shapes = {
                start + key[len(prefix) :]: tuple(value.shape)
                for key, value in state.items()
                if key.startswith(prefix) and re.match(pattern, key[len(prefix) :])
            }
            try:
                yield build(shapes), prefix, shapes
            except NotOfFamily as error:
                if build is not vgg or prefix.endswith("features."):  # Others have layers of these names as well.
                    yield error, prefix, shapes
            except KeyError as error:
                yield NotOfFamily(f"{error.args[0]} is missing"), prefix, shapes
            else:
                seen.add(prefix)
