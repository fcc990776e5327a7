"""Translates the calls of a Keras graph into the few operations that bases and heads are made of.

Dropout, augmentation and other layers that do nothing at inference disappear; an activation that is an option of a
layer becomes an operation of its own; preprocessing becomes affine operations. What is left has no translation and is
refused by name.
"""

import base64
import dataclasses

import numpy

from .errors import ConversionError
from .keras_graph import AUGMENTATION, Node, flatten, is_keras
from .preprocessing import mode_operations

INACTIVE = AUGMENTATION | {
    "Dropout", "SpatialDropout1D", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout",
    "ActivityRegularization", "Identity", "Cast",
}

ACTIVATIONS = {
    "linear": "linear",
    "relu": "relu",
    "relu6": "relu6",
    "silu": "silu",
    "swish": "silu",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "softmax": "softmax",
    "gelu": "gelu",
    "elu": "elu",
    "hard_sigmoid": "hard_sigmoid",
    "hard_silu": "hard_swish",
    "hard_swish": "hard_swish",
}

# Layers that may stand as the activation of another one, with what reads them.
LAYERS = {"ReLU": "rectifier", "LeakyReLU": "leaky", "ELU": "elu", "Softmax": "softmax"}

# Calls that are an activation: operations of Keras 3 and functions of TensorFlow.
ACTIVATION_CALLS = {
    "Relu": "relu", "Relu6": "relu6", "Silu": "silu", "Sigmoid": "sigmoid", "Tanh": "tanh",
    "nn.relu": "relu", "nn.relu6": "relu6", "nn.silu": "silu", "nn.swish": "silu", "nn.sigmoid": "sigmoid",
    "math.sigmoid": "sigmoid", "nn.tanh": "tanh", "math.tanh": "tanh", "nn.softmax": "softmax",
}  # fmt: skip

# Layers of maps, which must all have the same format.
FORMATTED = frozenset(
    """Conv2D DepthwiseConv2D SeparableConv2D MaxPooling2D AveragePooling2D GlobalAveragePooling2D GlobalMaxPooling2D ZeroPadding2D
    UpSampling2D Cropping2D""".split()
)

# Calls that are arithmetic with a constant, or join two tensors.
ARITHMETIC = {
    "Add": "add", "Subtract": "subtract", "Multiply": "multiply", "TrueDivide": "divide", "Divide": "divide",
    "math.add": "add", "__operators__.add": "add", "math.subtract": "subtract", "math.multiply": "multiply",
    "math.truediv": "divide", "math.divide": "divide", "nn.bias_add": "add",
}  # fmt: skip

# The preprocess_input of each Keras application, by its module.
PREPROCESS_INPUT = {
    "mobilenet_v2": "tf", "mobilenet": "tf", "resnet_v2": "tf", "inception_v3": "tf", "xception": "tf",
    "vgg16": "caffe", "vgg19": "caffe", "resnet": "caffe", "resnet50": "caffe", "densenet": "torch",
    "efficientnet_v2": "none", "efficientnet": "none", "mobilenet_v3": "none",
}  # fmt: skip


@dataclasses.dataclass(eq=False)
class Op:
    """An operation on one or two earlier ones."""

    kind: str  # as in architectures.Step, or input pad dense flatten reshape pool dropout affine resize
    inputs: list
    node: Node
    function: str = ""  # of an activation
    rate: float = 0.0  # of a dropout
    operations: list = dataclasses.field(default_factory=list)  # of an affine one
    options: dict = dataclasses.field(default_factory=dict)
    users: list = dataclasses.field(default_factory=list)

    def __str__(self):
        return str(self.node)


class Translator:
    """Translates node by node, inputs first."""

    def __init__(self, graph, weights, preprocess=None):
        self.graph = graph
        self.weights = weights
        self.preprocess = preprocess  # stands for a preprocess_input that cannot be identified
        self.preprocess_used = False
        self.ops = []
        self.done = {}  # id of a node → its operation
        self.refused = {}  # id of a node → why it has no translation
        self.formats = {
            node.config["data_format"]
            for node in graph.nodes
            if node.kind in FORMATTED and node.config.get("data_format")
        }
        if len(self.formats) > 1:
            raise ConversionError("the model mixes channels_first and channels_last layers, which is not supported: export it as ONNX")

    @property
    def channels_first(self):
        return self.formats == {"channels_first"}

    def translate(self):
        """All operations; the last one is the model's output."""
        for node in self.graph.nodes:
            try:
                self.done[id(node)] = self.translate_node(node)
            except ConversionError as error:
                # It may still stand in a graph card; in a base or a head of Prism's own it cannot.
                inputs = [self.done[id(source)] for source in node.inputs]
                self.done[id(node)] = self.append("other", inputs, node)
                self.refused[id(node)] = str(error)  # Not itself: it would keep the file open.
        output = self.done[id(self.graph.output)]
        for op in self.ops:
            for source in op.inputs:
                source.users.append(op)
        return output

    def append(self, kind, inputs, node, **fields):
        op = Op(kind, list(inputs), node, **fields)
        self.ops.append(op)
        return op

    def translate_node(self, node):
        inputs = [self.done[id(source)] for source in node.inputs]
        kind, config = node.kind, node.config
        if kind == "InputLayer":
            return self.append("input", [], node)
        if kind == "Dropout":
            return self.append("dropout", inputs, node, rate=float(config.get("rate", 0)))
        if kind in INACTIVE or (kind == "TFOpLambda" and config.get("function") == "cast"):
            if len(inputs) > 1:
                raise ConversionError(f"{node} joins {len(inputs)} values, which is not supported")
            return inputs[0]
        method = getattr(self, f"node_{kind}", None)
        if method:
            return method(node, inputs)
        if kind == "TFOpLambda":
            kind = config.get("function", "")
        if kind in ACTIVATION_CALLS:
            return self.append("activation", inputs, node, function=ACTIVATION_CALLS[kind])
        if kind in ARITHMETIC:
            return self.arithmetic(node, inputs, ARITHMETIC[kind])
        raise ConversionError(f"{node} is not supported")

    # Layers with weights.

    def node_Conv2D(self, node, inputs):
        config = node.config
        options = self.window(node, config["kernel_size"], config["strides"])
        options |= dict(groups=config.get("groups", 1), bias=config.get("use_bias", True))
        op = self.append("conv", inputs, node, options=options)
        return self.activated(op, config.get("activation"))

    def node_DepthwiseConv2D(self, node, inputs):
        config = node.config
        if config.get("depth_multiplier", 1) != 1:
            raise ConversionError(f"{node}: depth_multiplier {config['depth_multiplier']} is not supported")
        options = self.window(node, config["kernel_size"], config["strides"])
        options |= dict(groups="depthwise", bias=config.get("use_bias", True))
        op = self.append("conv", inputs, node, options=options)
        return self.activated(op, config.get("activation"))

    def node_BatchNormalization(self, node, inputs):
        axis = node.config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) else axis
        options = dict(epsilon=node.config.get("epsilon", 1e-3), axis=axis)
        options["map_axes"] = (1, -3) if self.channels_first else (-1, 3)
        return self.append("batch_norm", inputs, node, options=options)

    node_SyncBatchNormalization = node_BatchNormalization

    def node_Dense(self, node, inputs):
        op = self.append("dense", inputs, node, options=dict(units=node.config["units"]))
        return self.activated(op, node.config.get("activation"))

    # Activations.

    def activated(self, op, activation):
        function = self.function(op.node, activation)
        return op if function == "linear" else self.append("activation", [op], op.node, function=function)

    def function(self, node, activation):
        """The name of an activation, however it was written."""
        if activation is None:
            return "linear"
        if isinstance(activation, dict):
            kind, config = activation.get("class_name"), activation.get("config")
            if kind in LAYERS:
                return getattr(self, LAYERS[kind])(node, config or {})
            activation = config if isinstance(config, str) else kind
        name = activation_name(node, activation)
        if name not in ACTIVATIONS:
            raise ConversionError(f"{node}: activation {activation} is not supported")
        if name == "hard_sigmoid" and self.weights is not None and self.weights.is_keras_2:
            # A head's has the slope of Keras 3; a graph card states one.
            raise ConversionError(f"{node}: hard_sigmoid has the slope of Keras 2 there")
        return ACTIVATIONS[name]

    def rectifier(self, node, config):
        if config.get("negative_slope") or config.get("threshold"):
            raise ConversionError(f"{node}: a ReLU with a slope or a threshold is not supported")
        maximum = config.get("max_value")
        if maximum is not None and maximum != 6:
            raise ConversionError(f"{node}: a ReLU with the maximum {maximum} is not supported")
        return "relu" if maximum is None else "relu6"

    def elu(self, node, config):
        if plain(config.get("alpha", 1.0)) != 1:
            raise ConversionError(f"{node}: an ELU with the alpha {config['alpha']} is not supported")
        return "elu"

    def leaky(self, node, config):
        if abs(leaky_slope(config) - 0.01) > 1e-9:
            raise ConversionError(f"{node}: a LeakyReLU with the slope {leaky_slope(config)} is not supported, 0.01 is")
        return "leaky_relu"

    def softmax(self, node, config):
        if config.get("axis", -1) != -1:
            raise ConversionError(f"{node}: a softmax along axis {config['axis']} is not supported")
        return "softmax"

    def node_Activation(self, node, inputs):
        function = self.function(node, node.config.get("activation"))
        return inputs[0] if function == "linear" else self.append("activation", inputs, node, function=function)

    def node_ReLU(self, node, inputs):
        return self.append("activation", inputs, node, function=self.rectifier(node, node.config))

    def node_ELU(self, node, inputs):
        return self.append("activation", inputs, node, function=self.elu(node, node.config))

    def node_LeakyReLU(self, node, inputs):
        return self.append("activation", inputs, node, function=self.leaky(node, node.config))

    def node_LayerNormalization(self, node, inputs):
        axis = node.config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        if node.config.get("rms_scaling"):
            raise ConversionError(f"{node}: rms_scaling is not supported")
        options = dict(epsilon=node.config.get("epsilon", 1e-3), axis=axis)
        return self.append("layer_norm", inputs, node, options=options)

    def node_CenterCrop(self, node, inputs):
        size = (node.config["height"], node.config["width"])
        return self.append("crop", inputs, node, options=dict(size=size))

    def node_Softmax(self, node, inputs):
        return self.append("activation", inputs, node, function=self.softmax(node, node.config))

    # Pooling, padding, shapes, joining.

    def window(self, node, kernel, strides):
        config = node.config
        dilation = set(flatten([config.get("dilation_rate", 1)]))
        if dilation != {1}:
            raise ConversionError(f"{node}: dilation is not supported")
        kernel, strides = (list(item) if isinstance(item, (list, tuple)) else [item] * 2 for item in (kernel, strides))
        if config.get("padding", "valid") not in ("same", "valid"):
            raise ConversionError(f"{node}: padding {config['padding']} is not supported")
        return dict(kernel=kernel, strides=strides, padding=config.get("padding", "valid"))

    def pool(self, kind, node, inputs):
        size = node.config.get("pool_size", 2)
        return self.append(kind, inputs, node, options=self.window(node, size, node.config.get("strides") or size))

    def node_MaxPooling2D(self, node, inputs):
        return self.pool("max_pool", node, inputs)

    def node_AveragePooling2D(self, node, inputs):
        return self.pool("average_pool", node, inputs)

    def node_GlobalAveragePooling2D(self, node, inputs):
        return self.append("squeeze", inputs, node)

    def node_GlobalMaxPooling2D(self, node, inputs):
        return self.append("global_max_pool", inputs, node)

    def node_ZeroPadding2D(self, node, inputs):
        padding = node.config.get("padding", 1)
        if isinstance(padding, int):
            padding = [padding, padding]
        padding = [[item, item] if isinstance(item, int) else list(item) for item in padding]
        return self.append("pad", inputs, node, options=dict(padding=padding))

    def node_Flatten(self, node, inputs):
        first = node.config.get("data_format") == "channels_first"
        if first and not self.channels_first:
            raise ConversionError(f"{node} is channels_first behind channels_last layers, which is not supported: export the model as ONNX")
        # Keras brings the channels of channels_first maps behind the columns, unless the layer takes them for rows.
        return self.append("flatten", inputs, node, options=dict(as_they_are=self.channels_first and not first))

    def node_Reshape(self, node, inputs):
        shape = node.config.get("target_shape", [])
        if sum(extent != 1 for extent in shape) > 1:
            raise ConversionError(f"{node} to {tuple(shape)} is not supported")
        return self.append("reshape", inputs, node)

    def node_Concatenate(self, node, inputs):
        axis = node.config.get("axis", -1)
        if axis not in ((1,) if self.channels_first else (-1, 3)):
            raise ConversionError(f"{node}: axis {axis} is not supported")
        return self.append("concat", inputs, node)

    # Preprocessing.

    def affine(self, node, inputs, operations):
        return self.append("affine", inputs, node, operations=operations)

    def node_Rescaling(self, node, inputs):
        operations = [("multiply", plain(node.config["scale"]))]
        offset = plain(node.config.get("offset", 0))
        if numpy.any(numpy.asarray(offset) != 0):
            operations.append(("add", offset))
        return self.affine(node, inputs, operations)

    def node_Normalization(self, node, inputs):
        if node.config.get("invert"):
            raise ConversionError(f"{node}: invert is not supported")
        mean, variance = plain(node.config.get("mean")), plain(node.config.get("variance"))
        if mean is None or variance is None:
            weights = self.weights.of(node.layer)
            if not {"mean", "variance"} <= weights.keys():
                raise ConversionError(f"{node} has no mean and variance: it was never adapted")
            mean, variance = weights["mean"], weights["variance"]
        mean, variance = (numpy.asarray(item, dtype=float).reshape(-1) for item in (mean, variance))
        if max(mean.size, variance.size) > 4:
            raise ConversionError(f"{node} has numbers for each place of the picture, where one for each channel is supported")
        deviation = numpy.maximum(numpy.sqrt(variance), 1e-7)
        return self.affine(node, inputs, [("add", -mean), ("divide", deviation)])

    def node_Resizing(self, node, inputs):
        config = node.config
        if config.get("pad_to_aspect_ratio"):
            raise ConversionError(f"{node}: filling up to the aspect ratio is not supported")
        if config.get("antialias"):
            raise ConversionError(f"{node}: antialias is not supported inside a model: resize before it")
        method = config.get("interpolation", "bilinear")
        if method not in ("bilinear", "nearest"):
            raise ConversionError(f"{node}: interpolation {method} is not supported")
        options = dict(size=(config["height"], config["width"]), method=method)
        options["centre"] = bool(config.get("crop_to_aspect_ratio"))
        return self.append("resize", inputs, node, options=options)

    def arithmetic(self, node, inputs, operation):
        """x + 1, 1 − x and so on; or the sum or product of two tensors, as layers and as operators."""
        if len(inputs) == 2 and operation in ("add", "multiply"):
            return self.append(operation, inputs, node)
        if len(inputs) != 1:
            raise ConversionError(f"{node} of {len(inputs)} tensors is not supported")
        arguments = list(node.arguments)
        arguments += [node.keywords[key] for key in ("x", "y", "x1", "x2", "bias") if key in node.keywords]
        if len(arguments) != 2 or isinstance(arguments[0], list) and any(isinstance(a, Node) for a in arguments[0]):
            raise ConversionError(f"{node} is not supported with these arguments")
        reversed_ = isinstance(arguments[1], Node)
        constant = numpy.asarray(arguments[0] if reversed_ else arguments[1], dtype=float)
        self.check_channels(node, constant)
        if operation == "add":
            operations = [("add", constant)]
        elif operation == "multiply":
            operations = [("multiply", constant)]
        elif operation == "subtract":
            operations = [("multiply", -1.0), ("add", constant)] if reversed_ else [("add", -constant)]
        elif reversed_:
            raise ConversionError(f"{node} divides by the image")
        else:
            operations = [("divide", constant)]
        return self.affine(node, inputs, operations)

    def check_channels(self, node, constant):
        """A constant is one number, or one per channel along the channel axis."""
        if constant.size == 1 or node.config.get("function") == "nn.bias_add":
            return
        axis = -3 if self.channels_first else -1
        if constant.ndim < -axis or constant.shape[axis] != constant.size:
            raise ConversionError(f"{node} with a constant of shape {constant.shape} is not supported")

    def getitem(self, node, inputs, index):
        """Either the channels backwards, or one channel, which a Stack then puts in another order."""
        index = list(index) if isinstance(index, (list, tuple)) else [index]
        channel_axis = 1 if self.channels_first else 3
        full = []
        for item in index:
            if is_ellipsis(item):
                full += [None] * (5 - len(index))
            else:
                full.append(item)
        full += [None] * (4 - len(full))
        if len(full) == 4 and all(is_full_slice(item) for axis, item in enumerate(full) if axis != channel_axis):
            item = full[channel_axis]
            if isinstance(item, int):
                return self.append("channel", inputs, node, options=dict(channel=item % 3))
            if is_full_slice(item, step=-1):
                return self.affine(node, inputs, [("permute", [2, 1, 0])])
        raise ConversionError(f"{node}: only a reversal of the channels is supported")

    def node_GetItem(self, node, inputs):
        return self.getitem(node, inputs, node.arguments[1] if len(node.arguments) > 1 else node.keywords.get("key"))

    def node_SlicingOpLambda(self, node, inputs):
        return self.getitem(node, inputs, node.keywords.get("slice_spec", []))

    def node_Stack(self, node, inputs):
        axis = node.config.get("axis", node.keywords.get("axis"))
        sources = {id(op.inputs[0]) for op in inputs if op.kind == "channel"}
        if axis not in ((1, -3) if self.channels_first else (-1, 3)) or len(inputs) != 3 or len(sources) != 1:
            raise ConversionError(f"{node} is not supported")
        if any(op.kind != "channel" for op in inputs):
            raise ConversionError(f"{node} is not supported")
        order = [op.options["channel"] for op in inputs]
        self.ops = [op for op in self.ops if op not in inputs]
        return self.affine(node, inputs[0].inputs, [("permute", order)])

    def node_Lambda(self, node, inputs):
        """Python code is never run; a preprocess_input of Keras is recognised by its name and module."""
        function, module = node.config.get("function"), str(node.config.get("module") or "")
        name = ""
        if isinstance(function, dict):
            name = function.get("config")
            name = name if isinstance(name, str) else ""
            module = str(function.get("module") or module)
            name = name or code_text(function.get("config", {}).get("code"))
        elif isinstance(function, str):
            name = function
        elif isinstance(function, list) and function:
            name = code_text(function[0])
        if "preprocess_input" in name:
            family = module.rsplit(".", 1)[-1]
            if "applications" in module and family in PREPROCESS_INPUT:
                return self.affine(node, inputs, mode_operations(PREPROCESS_INPUT[family]))
            if self.preprocess:
                self.preprocess_used = True
                return self.affine(node, inputs, mode_operations(self.preprocess))
            raise ConversionError(f"{node} calls a preprocess_input of an unknown model: --preprocess says which")
        raise ConversionError(f"{node} is Python code and is not run; it is not supported")


def activation_name(node, activation):
    """The name of an activation; a function of one's own is refused, whatever it is called."""
    package, _, name = str(activation).rpartition(">")
    given = node.config.get("activation")
    is_function = isinstance(given, dict) and given.get("class_name") == "function" and given.get("registered_name") == "function"
    if package and not is_keras(package) or is_function:
        raise ConversionError(
            f"{node}: the activation {activation} is a function of one's own, whose code is not in the file: use Keras's own, or "
            "export the model as ONNX"
        )
    return name.rsplit(".", 1)[-1].lower()


def leaky_slope(config):
    return float(plain(config.get("negative_slope", config.get("alpha", 0.3))))


def code_text(code):
    """The readable parts of marshalled code, for looking at names; it is never unmarshalled."""
    try:
        return base64.b64decode(code or "").decode("latin-1")
    except (ValueError, TypeError):
        return ""


def plain(value):
    """A number or list, out of Keras's wrappings for arrays."""
    if isinstance(value, dict):
        return plain(value.get("config", {}).get("value", value.get("value")))
    return value


def is_ellipsis(item):
    return item == "..." or isinstance(item, dict) and item.get("class_name") == "__ellipsis__"


def is_full_slice(item, step=None):
    if item is None:
        return step is None
    if isinstance(item, dict):
        item = item.get("config", item)
        steps = (None, 1) if step is None else (step,)
        return item.get("start") is None and item.get("stop") is None and item.get("step") in steps
    return False
