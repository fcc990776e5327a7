"""The convolutional bases Prism knows, each as a list of steps with torchvision's names.

This list is the one description that everything else is read from: which tensors a checkpoint must hold and how
large they are, how a Keras graph is recognised layer by layer, and which run-time value a Keras layer is.
"""

import dataclasses
import functools


@dataclasses.dataclass(frozen=True)
class Step:
    """One operation. `inputs` are indices of earlier steps, -1 is the image."""

    # conv batch_norm layer_norm activation max_pool average_pool squeeze add multiply scale concat
    kind: str
    inputs: tuple
    channels: int  # of the output
    module: str = ""  # prefix of the step's tensors
    value: str = ""  # the run-time name of the step's output, where it has one
    kernel: int = 1
    stride: int = 1
    pad: int = 0  # on each side, where padding is symmetric
    pads: tuple | None = None  # before and after, where they differ whatever the convention
    groups: int = 1
    bias: bool = False
    function: str = ""
    epsilon: float | None = None  # of a layer norm, or of a batch norm that has its own

    def tensors(self, input_channels):
        """Name and shape of each of the step's tensors, as torch lays them out."""
        if self.kind == "conv":
            shape = (self.channels, input_channels // self.groups, self.kernel, self.kernel)
            yield f"{self.module}.weight", shape
            if self.bias:
                yield f"{self.module}.bias", (self.channels,)
        elif self.kind == "batch_norm":
            for part in ("weight", "bias", "running_mean", "running_var"):
                yield f"{self.module}.{part}", (self.channels,)
        elif self.kind == "layer_norm":
            yield f"{self.module}.weight", (self.channels,)
            yield f"{self.module}.bias", (self.channels,)
        elif self.kind == "scale":
            yield self.module, (self.channels,)


@dataclasses.dataclass(frozen=True)
class Architecture:
    """A convolutional base."""

    name: str
    steps: tuple
    layer: str  # default target of the CAM family
    epsilons: dict  # batch-norm epsilon by framework; empty without batch norm
    width: float = 1.0
    native: bool = True  # one of Prism's own; any other is written as a graph card
    image_channels: int = 3

    @property
    def title(self):
        return self.name if self.width == 1.0 else f"{self.name} of width {self.width:g}"

    @property
    def channels(self):
        """Channels of the feature map."""
        return self.steps[-1].channels

    def input_channels(self, step):
        return self.image_channels if step.inputs[0] < 0 else self.steps[step.inputs[0]].channels

    def tensors(self):
        """Name → shape of every tensor of the base, in the order of the model."""
        return {
            name: shape for step in self.steps for name, shape in step.tensors(self.input_channels(step))
        }

    def feature_size(self, height, width, same):
        """Height and width of the feature map for an image of this size."""
        return self.sizes(height, width, same)[len(self.steps) - 1]

    def sizes(self, height, width, same):
        """Height and width of every step's output; those of the image are at -1."""
        sizes = {-1: (height, width)}
        for index, step in enumerate(self.steps):
            height, width = sizes[step.inputs[0]]
            if step.kind == "squeeze":
                height, width = 1, 1
            elif step.kind == "multiply":
                height, width = max(sizes[i] for i in step.inputs)
            elif step.kind in WINDOWS:
                height, width = (output_size(step, extent, same) for extent in (height, width))
            sizes[index] = (height, width)
        return sizes


WINDOWS = ("conv", "max_pool", "average_pool")


def output_size(step, extent, same):
    """Height or width after a window. Only convolutions know TensorFlow's `same` padding."""
    if step.pads:
        return (extent + sum(step.pads) - step.kernel) // step.stride + 1
    if same and step.kind == "conv":
        return -(-extent // step.stride)
    return (extent + 2 * step.pad - step.kernel) // step.stride + 1


class Builder:
    """Appends steps; every method returns the index of the step it appended."""

    def __init__(self):
        self.steps = []

    def _append(self, kind, inputs, channels, **options):
        self.steps.append(Step(kind, tuple(inputs), channels, **options))
        return len(self.steps) - 1

    def channels(self, x):
        return 3 if x < 0 else self.steps[x].channels

    def conv(self, x, module, channels, kernel=1, stride=1, groups=1, bias=False, value="", pad=None):
        pad = (kernel - 1) // 2 if pad is None else pad
        options = dict(kernel=kernel, stride=stride, pad=pad, groups=groups, bias=bias)
        return self._append("conv", [x], channels, module=module, value=value, **options)

    def batch_norm(self, x, module, value=""):
        return self._append("batch_norm", [x], self.channels(x), module=module, value=value)

    def layer_norm(self, x, module, epsilon, value=""):
        return self._append("layer_norm", [x], self.channels(x), module=module, value=value, epsilon=epsilon)

    def scale(self, x, name, value=""):
        """A product with one number a channel, the tensor of that name."""
        return self._append("scale", [x], self.channels(x), module=name, value=value)

    def activation(self, x, function, value=""):
        return self._append("activation", [x], self.channels(x), function=function, value=value)

    def conv_norm(self, x, module, channels, function, value=None, **options):
        """torchvision's Conv2dNormActivation: `.0` the convolution, `.1` the norm, the activation after them."""
        x = self.conv(x, f"{module}.0", channels, **options)
        value = value or module
        if not function:
            return self.batch_norm(x, f"{module}.1", value=value)
        x = self.batch_norm(x, f"{module}.1", value=f"{module}.1")
        return self.activation(x, function, value=value)

    def max_pool(self, x, kernel, stride, pad, value):
        options = dict(kernel=kernel, stride=stride, pad=pad, value=value)
        return self._append("max_pool", [x], self.channels(x), **options)

    def average_pool(self, x, value):
        return self._append("average_pool", [x], self.channels(x), kernel=2, stride=2, value=value)

    def squeeze(self, x, value):
        return self._append("squeeze", [x], self.channels(x), value=value)

    def add(self, x, y, value):
        return self._append("add", [x, y], self.channels(x), value=value)

    def multiply(self, x, y, value):
        return self._append("multiply", [x, y], self.channels(x), value=value)

    def concat(self, x, y, value=""):
        return self._append("concat", [x, y], self.channels(x) + self.channels(y), value=value)


def divisible_by_8(number):
    """MobileNet's rounding: to a multiple of 8, never more than 10 % down."""
    rounded = max(8, int(number + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * number else rounded


MOBILENET_WIDTHS = (1.0, 0.35, 0.5, 0.75, 1.3, 1.4)


def mobilenet_v2(width):
    b = Builder()
    x = b.conv_norm(-1, "features.0", divisible_by_8(32 * width), "relu6", kernel=3, stride=2)
    index = 1
    for expansion, channels, repeats, first_stride in (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    ):
        channels = divisible_by_8(channels * width)
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            name, start, inner = f"features.{index}", x, 0
            hidden = b.channels(x) * expansion
            skip = stride == 1 and b.channels(x) == channels
            if expansion != 1:
                x = b.conv_norm(x, f"{name}.conv.0", hidden, "relu6")
                inner = 1
            x = b.conv_norm(
                x, f"{name}.conv.{inner}", hidden, "relu6", kernel=3, stride=stride, groups=hidden
            )
            x = b.conv(x, f"{name}.conv.{inner + 1}", channels)
            norm = f"{name}.conv.{inner + 2}"
            x = b.batch_norm(x, norm, value=norm if skip else name)
            if skip:
                x = b.add(start, x, value=name)
            index += 1
    last = divisible_by_8(1280 * max(1.0, width))
    b.conv_norm(x, f"features.{index}", last, "relu6")
    epsilons = {"keras": 1e-3, "torch": 1e-5}
    return Architecture("mobilenet_v2", tuple(b.steps), f"features.{index}", epsilons, width)


# Fused block or not, expansion, stride, input and output channels, repeats.
EFFICIENTNET_V2 = {
    "s": (
        (True, 1, 1, 24, 24, 2),
        (True, 4, 2, 24, 48, 4),
        (True, 4, 2, 48, 64, 4),
        (False, 4, 2, 64, 128, 6),
        (False, 6, 1, 128, 160, 9),
        (False, 6, 2, 160, 256, 15),
    ),
    "m": (
        (True, 1, 1, 24, 24, 3),
        (True, 4, 2, 24, 48, 5),
        (True, 4, 2, 48, 80, 5),
        (False, 4, 2, 80, 160, 7),
        (False, 6, 1, 160, 176, 14),
        (False, 6, 2, 176, 304, 18),
        (False, 6, 1, 304, 512, 5),
    ),
    "l": (
        (True, 1, 1, 32, 32, 4),
        (True, 4, 2, 32, 64, 7),
        (True, 4, 2, 64, 96, 7),
        (False, 4, 2, 96, 192, 10),
        (False, 6, 1, 192, 224, 19),
        (False, 6, 2, 224, 384, 25),
        (False, 6, 1, 384, 640, 7),
    ),
    "b": (
        (True, 1, 1, 32, 16, 1),
        (True, 4, 2, 16, 32, 2),
        (True, 4, 2, 32, 48, 2),
        (False, 4, 2, 48, 96, 3),
        (False, 6, 1, 96, 112, 5),
        (False, 6, 2, 112, 192, 8),
    ),
}

# The smaller ones scale one table: width and depth, as tenths to stay exact.
EFFICIENTNET_V2_SCALES = {"b0": (10, 10), "b1": (10, 11), "b2": (11, 12), "b3": (12, 14)}


def efficientnet_v2_block(b, x, name, hidden, channels, stride, gate, kernel=3):
    """A block: one convolution where there is no hidden width, a fused one where there is no gate, else an inverted one."""
    start, skip = x, stride == 1 and b.channels(x) == channels
    last, options = None if skip else name, dict(kernel=kernel, stride=stride)
    if hidden is None:
        x = b.conv_norm(x, f"{name}.block.0", channels, "silu", value=last, **options)
    elif gate is None:
        x = b.conv_norm(x, f"{name}.block.0", hidden, "silu", **options)
        x = b.conv_norm(x, f"{name}.block.1", channels, "", value=last)
    else:
        x = b.conv_norm(x, f"{name}.block.0", hidden, "silu")
        x = b.conv_norm(x, f"{name}.block.1", hidden, "silu", groups=hidden, **options)
        inner = f"{name}.block.2"
        s = b.squeeze(x, value=f"{inner}.avgpool")
        s = b.conv(s, f"{inner}.fc1", gate, bias=True)
        s = b.activation(s, "silu", value=f"{inner}.activation")
        s = b.conv(s, f"{inner}.fc2", hidden, bias=True)
        s = b.activation(s, "sigmoid", value=f"{inner}.scale_activation")
        x = b.multiply(x, s, value=inner)
        x = b.conv_norm(x, f"{name}.block.3", channels, "", value=last)
    return b.add(x, start, value=name) if skip else x


def efficientnet_v2(size):
    width, depth = EFFICIENTNET_V2_SCALES.get(size, (10, 10))

    def filters(count):
        return max(8, (count * width + 40) // 80 * 8)

    stages = EFFICIENTNET_V2["b" if size in EFFICIENTNET_V2_SCALES else size]
    b = Builder()
    x = b.conv_norm(-1, "features.0", filters(stages[0][3]), "silu", kernel=3, stride=2)
    for stage, (fused, expansion, first_stride, _, channels, repeats) in enumerate(stages, start=1):
        channels = filters(channels)
        for repeat in range(-(-repeats * depth // 10)):
            before, stride = b.channels(x), first_stride if repeat == 0 else 1
            name, hidden = f"features.{stage}.{repeat}", None if fused and expansion == 1 else before * expansion
            x = efficientnet_v2_block(b, x, name, hidden, channels, stride, None if fused else max(1, before // 4))
    top = f"features.{len(stages) + 1}"
    b.conv_norm(x, top, filters(1280), "silu")
    epsilons = {"keras": 1e-3, "torch": 1e-3}
    return Architecture(f"efficientnet_v2_{size}", tuple(b.steps), top, epsilons)


def vgg16():
    b = Builder()
    x, index = -1, 0
    for channels, repeats in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(repeats):
            x = b.conv(x, f"features.{index}", channels, kernel=3, bias=True, value=f"features.{index}")
            x = b.activation(x, "relu", value=f"features.{index + 1}")
            index += 2
        x = b.max_pool(x, 2, 2, 0, value=f"features.{index}")
        index += 1
    return Architecture("vgg16", tuple(b.steps), "features.29", {})


def densenet(name, layers_of, growth, start):
    """DenseNet with so many layers in its blocks; `start` are the channels of its stem."""
    b = Builder()
    x = b.conv(-1, "features.conv0", start, kernel=7, stride=2, value="features.conv0")
    x = b.batch_norm(x, "features.norm0", value="features.norm0")
    x = b.activation(x, "relu", value="features.relu0")
    x = b.max_pool(x, 3, 2, 1, value="features.pool0")
    for block, layers in enumerate(layers_of, start=1):
        for layer in range(1, layers + 1):
            prefix, before = f"features.denseblock{block}.denselayer{layer}", x
            x = b.batch_norm(x, f"{prefix}.norm1", value=f"{prefix}.norm1")
            x = b.activation(x, "relu", value=f"{prefix}.relu1")
            x = b.conv(x, f"{prefix}.conv1", 4 * growth, value=f"{prefix}.conv1")
            x = b.batch_norm(x, f"{prefix}.norm2", value=f"{prefix}.norm2")
            x = b.activation(x, "relu", value=f"{prefix}.relu2")
            x = b.conv(x, f"{prefix}.conv2", growth, kernel=3, value=prefix)
            x = b.concat(before, x, value=f"features.denseblock{block}" if layer == layers else "")
        if block < len(layers_of):
            prefix = f"features.transition{block}"
            x = b.batch_norm(x, f"{prefix}.norm", value=f"{prefix}.norm")
            x = b.activation(x, "relu", value=f"{prefix}.relu")
            x = b.conv(x, f"{prefix}.conv", b.channels(x) // 2, value=f"{prefix}.conv")
            x = b.average_pool(x, value=prefix)
    x = b.batch_norm(x, "features.norm5", value="features.norm5")
    b.activation(x, "relu", value="features.relu5")
    epsilons = {"keras": 1.001e-5, "torch": 1e-5}
    return Architecture(name, tuple(b.steps), "features.relu5", epsilons, native=name == "densenet121")


@functools.cache
def architectures():
    """Every base that can be recognised."""
    sizes = ("s", "m", "l", "b0", "b1", "b2", "b3")
    return (
        *(mobilenet_v2(width) for width in MOBILENET_WIDTHS),
        *(efficientnet_v2(size) for size in sizes),
        vgg16(),
        densenet("densenet121", (6, 12, 24, 16), 32, 64),
    )


def architecture(name, width=1.0):
    """The base of that name, as in a model card."""
    return next(a for a in architectures() if a.name == name and a.width == width)


SUPPORTED = "mobilenet_v2, efficientnet_v2 s, m, l and b0 to b3, vgg16, densenet121"
