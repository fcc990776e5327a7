"""Writes any Keras network of known layers as a graph card, where it is no base that Prism knows."""

import math

import numpy

from .errors import ConversionError
from .graph_card import CardGraph, Finisher, window
from .keras_graph import AUGMENTATION, Node, flatten
from .keras_ops import LAYERS, activation_name, leaky_slope, plain

INACTIVE = AUGMENTATION | {
    "Dropout", "SpatialDropout2D", "GaussianDropout", "GaussianNoise", "AlphaDropout", "ActivityRegularization", "Identity",
    "Cast", "StochasticDepth", "DropPath", "FixedDropout", "InputLayer",
}  # fmt: skip

# Name of an activation → primitive and attributes.
ACTIVATIONS = {
    "relu": ("relu", {}), "relu6": ("relu6", {}), "silu": ("silu", {}), "swish": ("silu", {}), "sigmoid": ("sigmoid", {}),
    "tanh": ("tanh", {}), "softmax": ("softmax", {}), "log_softmax": ("log_softmax", {}), "gelu": ("gelu", {}),
    "elu": ("elu", {"alpha": 1.0}), "hard_swish": ("hard_swish", {}), "hard_silu": ("hard_swish", {}),
    "softplus": ("softplus", {}), "selu": ("selu", {}), "mish": ("mish", {}), "exponential": ("exponential", {}), "leaky_relu": ("leaky_relu", {"slope": 0.2}),
}  # fmt: skip
CALLS = {
    "Relu": "relu", "Relu6": "relu6", "Silu": "silu", "Sigmoid": "sigmoid", "Tanh": "tanh",
    "HardSwish": "hard_swish", "HardSilu": "hard_swish", "HardSigmoid": "hard_sigmoid",
    "nn.relu": "relu", "nn.relu6": "relu6", "nn.silu": "silu", "nn.swish": "silu", "nn.sigmoid": "sigmoid",
    "math.sigmoid": "sigmoid", "nn.tanh": "tanh", "math.tanh": "tanh", "nn.softmax": "softmax", "Softplus": "softplus",
    "math.softplus": "softplus",
}  # fmt: skip
JOINS = {"Add": "add", "Multiply": "multiply", "Maximum": "maximum", "Minimum": "minimum", "Average": "add", "Subtract": "subtract"}
ARITHMETIC = {
    "TrueDivide": "divide", "Divide": "divide", "math.add": "add", "__operators__.add": "add", "math.subtract": "subtract",
    "math.multiply": "multiply", "math.truediv": "divide", "math.divide": "divide", "nn.bias_add": "add", **JOINS,
}  # fmt: skip
SELU = (1.6732632423543772, 1.0507009873554805)  # its alpha and its scale
REDUCTIONS = {"Mean": "mean", "math.reduce_mean": "mean", "Max": "reduce_max", "math.reduce_max": "reduce_max"}
LAST_REFUSED = {primitive for primitive, _ in ACTIVATIONS.values()} | {"hard_sigmoid", "clip"}


class Network:
    """Translates node by node from the first one behind the preprocessing."""

    def __init__(self, graph, weights, start, size, channels, keras_3):
        self.source = graph
        self.weights = weights
        self.keras_3 = keras_3
        self.graph = CardGraph((*size, channels))
        self.values = {id(node): "input" for node in start}
        self.flattened = {}  # value → the same with its channels first, and the order of its features
        self.activation = ""
        self.at = None  # the node that is translated

    def finisher(self):
        """The translated graph up to the logits."""
        for node in self.source.nodes:
            if id(node) not in self.values:
                self.at = node
                self.values[id(node)] = self.translate(node)
        self.at = None
        logits = self.values[id(self.source.output)]
        logits = self.without_activation(logits)
        last = next((node for node in self.graph.nodes if node.name == logits), None)
        if last is not None and last.primitive in LAST_REFUSED:
            raise ConversionError(f"the last activation {last.primitive} is not supported: softmax, sigmoid or none are")
        if len(self.graph.shapes[logits]) != 1:
            raise ConversionError("the model's output is no vector of labels")
        unused = self.weights.unused()
        if unused:
            raise ConversionError(f"the weights {', '.join(unused[:4])} belong to no layer that is used")
        return Finisher(self.graph, logits)

    def without_activation(self, name):
        """The value before the last softmax or sigmoid, which is the card's output."""
        while True:
            node = next((node for node in self.graph.nodes if node.name == name), None)
            if node is None or node.primitive not in ("softmax", "sigmoid", "log_softmax", "reshape"):
                return name
            source = node.inputs[0]
            if node.primitive == "reshape":
                if len(self.graph.shapes[source]) != 1:
                    return name
            else:
                self.activation = "sigmoid" if node.primitive == "sigmoid" else "softmax"
                return self.flat(source)
            name = source

    def flat(self, name):
        shape = self.graph.shapes[name]
        if len(shape) == 1 or max(shape[:-1]) > 1:
            return name
        return self.graph.append("logits.reshape", "reshape", [name], shape[-1:], shape=[0, shape[-1]])

    # Common parts.

    def translate(self, node):
        inputs = [self.values[id(source)] for source in node.inputs]
        kind = node.kind
        if kind in INACTIVE:
            if len(inputs) > 1:
                raise ConversionError(f"{node} joins {len(inputs)} values, which is not supported")
            return inputs[0]
        if kind == "TFOpLambda":
            kind = node.config.get("function", "")
        if kind == "cast":
            return inputs[0]
        if kind in ("Gelu", "nn.gelu"):
            return self.gelu(node, inputs[0], approximate=kind == "Gelu")
        if kind in CALLS:
            return self.activated(node, inputs[0], CALLS[kind])
        method = getattr(self, f"node_{kind}", None)
        if method is not None:
            return method(node, inputs)
        if kind in ("LeakyRelu", "nn.leaky_relu", "Elu", "nn.elu"):
            return self.sloped(node, inputs[0], kind)
        if kind in REDUCTIONS:
            return self.reduced(node, inputs[0], REDUCTIONS[kind])
        if kind in ARITHMETIC:
            return self.arithmetic(node, inputs, ARITHMETIC[kind])
        raise ConversionError(f"{node} is not supported")

    def shape(self, name):
        return self.graph.shapes[name]

    def emit(self, node, primitive, inputs, shape, /, suffix="", **attributes):
        return self.graph.append(node.layer.name + suffix, primitive, inputs, shape, **attributes)

    def take(self, node, **shapes):
        """The layer's weights, which must have these shapes; those named None are left out."""
        found = self.weights.of(node.layer)
        wanted = {name: tuple(shape) for name, shape in shapes.items() if shape is not None}
        for name, shape in wanted.items():
            if name not in found:
                raise ConversionError(f"the weights do not fit the model: {node.layer.name}/{name} is missing")
            if found[name].shape != shape:
                raise ConversionError(
                    f"the weights do not fit the model: {node.layer.name}/{name} has shape {found[name].shape}, not {shape}"
                )
        extra = sorted(set(found) - set(wanted))
        if extra:
            raise ConversionError(f"the weights do not fit the model: {node.layer.name}/{extra[0]} is unexpected")
        return found

    def map_of(self, node, name):
        if len(self.shape(name)) != 3:
            raise ConversionError(f"{node} of a value of {len(self.shape(name))} axes is not supported")
        if node.config.get("data_format") == "channels_first":
            raise ConversionError(f"{node} is channels_first, which is supported for Prism's own bases alone")
        return self.shape(name)

    def window(self, node, name, kernel, strides, dilation=1):
        """The attributes of a window, and the rows and columns of its result."""
        kernel, strides, dilation = (pair(item) for item in (kernel, strides, dilation))
        reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation)]
        extents = self.map_of(node, name)[:2]
        padding = node.config.get("padding", "valid")
        if padding not in ("same", "valid"):
            raise ConversionError(f"{node}: padding {padding} is not supported")
        befores, afters, result = [], [], []
        for extent, k, stride in zip(extents, reach, strides):
            total = max((-(-extent // stride) - 1) * stride + k - extent, 0) if padding == "same" else 0
            befores.append(total // 2)
            afters.append(total - total // 2)
            result.append((extent + total - k) // stride + 1)
        if min(result) < 1:
            raise ConversionError(f"{node} has nothing left at this input size")
        return window(kernel, strides, [*befores, *afters], dilation), result

    def function(self, node, activation):
        """Primitive and attributes of an activation, however it was written; None for none."""
        if activation is None:
            return None
        if isinstance(activation, dict):
            kind, config = activation.get("class_name"), activation.get("config")
            if kind in LAYERS:
                return getattr(self, LAYERS[kind])(node, config or {})
            activation = config if isinstance(config, str) else kind
        name = activation_name(node, activation)
        if name == "linear":
            return None
        if name == "hard_sigmoid":
            # Keras 2 had the slope of Theano.
            return "hard_sigmoid", {} if self.keras_3 else {"slope": 0.2, "offset": 0.5}
        if name not in ACTIVATIONS:
            raise ConversionError(f"{node}: activation {activation} is not supported")
        return ACTIVATIONS[name]

    def activated(self, node, name, activation, suffix=""):
        found = activation if isinstance(activation, tuple) else self.function(node, activation)
        if found is None:
            return name
        primitive, attributes = found
        shape, own = self.shape(name), node.layer.name + suffix
        if primitive == "selu":
            value = self.graph.append(f"{own}.elu", "elu", [name], shape, alpha=SELU[0])
            return self.graph.append(own, "multiply", [value, self.graph.tensor(f"{own}.constant", [SELU[1]])], shape)
        if primitive == "mish":
            value = self.graph.append(f"{own}.softplus", "softplus", [name], shape)
            value = self.graph.append(f"{own}.tanh", "tanh", [value], shape)
            return self.graph.append(own, "multiply", [name, value], shape)
        return self.graph.append(own, primitive, [name], shape, **attributes)

    def gelu(self, node, name, approximate):
        """A call of GELU, which keras.ops approximates by tanh unless it is told not to, and TensorFlow does not."""
        given = [node.config, node.keywords, {"approximate": node.arguments[1]} if len(node.arguments) > 1 else {}]
        approximate = next((item["approximate"] for item in given if "approximate" in item), approximate)
        return self.activated(node, name, ("gelu", {"approximation": "tanh" if approximate else None}))

    @staticmethod
    def argument(node, names, default):
        """An argument of a call, by one of its names or in the second place."""
        for given in (node.config, node.keywords):
            for name in names:
                if name in given:
                    return plain(given[name])
        return plain(node.arguments[1]) if len(node.arguments) > 1 else default

    def sloped(self, node, name, kind):
        """A call of a leaky ReLU or an ELU."""
        if kind in ("Elu", "nn.elu"):
            return self.activated(node, name, ("elu", {"alpha": float(self.argument(node, ("alpha",), 1.0))}))
        return self.activated(node, name, ("leaky_relu", {"slope": float(self.argument(node, ("negative_slope", "alpha"), 0.2))}))

    def reduced(self, node, name, primitive):
        """A call of a mean or a maximum over some axes."""
        shape = self.shape(name)
        axes = self.argument(node, ("axis",), None)
        axes = sorted(int(axis) % (len(shape) + 1) for axis in (axes if isinstance(axes, (list, tuple)) else [axes] if axes is not None else [0]))
        if 0 in axes:
            raise ConversionError(f"{node} mixes pictures of a batch, which is not supported")
        keeps = bool(node.config.get("keepdims", node.keywords.get("keepdims", False)))
        result = tuple(1 if axis + 1 in axes else extent for axis, extent in enumerate(shape) if keeps or axis + 1 not in axes)
        if primitive == "mean" and axes == [1, 2] and len(shape) == 3:
            if keeps:
                return self.emit(node, "adaptive_average_pool", [name], result, height=1, width=1)
            return self.emit(node, "global_average_pool", [name], result)
        return self.emit(node, primitive, [name], result, axes=axes, keeps_dimensions=keeps or None)

    def layer(self, node, activation):
        """The suffix of a layer's own value where its activation is a value of its own."""
        return "" if self.function(node, activation) is None else ".linear"

    def rectifier(self, node, config):
        slope, maximum, threshold = config.get("negative_slope") or 0, config.get("max_value"), config.get("threshold") or 0
        if threshold or slope and maximum is not None:
            raise ConversionError(f"{node}: a ReLU with a threshold, or with a slope and a maximum, is not supported")
        if slope:
            return "leaky_relu", {"slope": float(slope)}
        if maximum is None:
            return "relu", {}
        return ("relu6", {}) if maximum == 6 else ("clip", {"low": 0.0, "high": float(maximum)})

    def leaky(self, node, config):
        return "leaky_relu", {"slope": leaky_slope(config)}

    def elu(self, node, config):
        return "elu", {"alpha": float(plain(config.get("alpha", 1.0)))}

    def softmax(self, node, config):
        """Over the channels of a map, whose axis counts the batch."""
        if config.get("axis", -1) != -1:
            raise ConversionError(f"{node}: a softmax along axis {config['axis']} is not supported as an activation")
        return "softmax", {}

    # Layers with weights.

    def convolution(self, node, name, weight, bias, attributes, extents):
        config = node.config
        suffix = self.layer(node, config.get("activation"))
        shape = (*extents, weight.shape[0])
        value = self.graph.convolution(node.layer.name + suffix, name, weight, bias, shape, attributes)
        return self.activated(node, value, config.get("activation"))

    def node_Conv2D(self, node, inputs):
        config, (name,) = node.config, inputs
        groups, filters = config.get("groups", 1), config["filters"]
        attributes, extents = self.window(node, name, config["kernel_size"], config.get("strides", 1), config.get("dilation_rate", 1))
        channels, kernel = self.shape(name)[-1], attributes["kernel"]
        bias = (filters,) if config.get("use_bias", True) else None
        found = self.take(node, kernel=(*kernel, channels // groups, filters), bias=bias)
        attributes["groups"] = groups
        return self.convolution(node, name, found["kernel"].transpose(3, 2, 0, 1), found.get("bias"), attributes, extents)

    def depthwise(self, node, name):
        """Weight, attributes and extents of a depthwise convolution; the weight is [C · multiplier, 1, kH, kW]."""
        config = node.config
        strides, dilation = config.get("strides", 1), config.get("dilation_rate", 1)
        attributes, extents = self.window(node, name, config["kernel_size"], strides, dilation)
        channels, multiplier = self.shape(name)[-1], config.get("depth_multiplier", 1)
        attributes["groups"] = channels
        return (*attributes["kernel"], channels, multiplier), attributes, extents

    def node_DepthwiseConv2D(self, node, inputs):
        shape, attributes, extents = self.depthwise(node, inputs[0])
        count = shape[2] * shape[3]
        found = self.take(node, kernel=shape, bias=(count,) if node.config.get("use_bias", True) else None)
        weight = found["kernel"].transpose(2, 3, 0, 1).reshape(count, 1, *shape[:2])
        return self.convolution(node, inputs[0], weight, found.get("bias"), attributes, extents)

    def node_SeparableConv2D(self, node, inputs):
        shape, attributes, extents = self.depthwise(node, inputs[0])
        count, filters = shape[2] * shape[3], node.config["filters"]
        bias = (filters,) if node.config.get("use_bias", True) else None
        found = self.take(node, kernel=shape, pointwise_kernel=(1, 1, count, filters), bias=bias)
        weight = found["kernel"].transpose(2, 3, 0, 1).reshape(count, 1, *shape[:2])
        depthwise = f"{node.layer.name}.depthwise"
        value = self.graph.convolution(depthwise, inputs[0], weight, None, (*extents, count), attributes)
        weight = found["pointwise_kernel"].transpose(3, 2, 0, 1)
        return self.convolution(node, value, weight, found.get("bias"), window([1, 1]), extents)

    def node_Dense(self, node, inputs):
        (name,), units, config = inputs, node.config["units"], node.config
        shape = self.shape(name)
        found = self.take(node, kernel=(shape[-1], units), bias=(units,) if config.get("use_bias", True) else None)
        weight, suffix = found["kernel"].T, self.layer(node, config.get("activation"))
        if len(shape) == 3:
            return self.convolution(node, name, weight[:, :, None, None], found.get("bias"), window([1, 1]), shape[:2])
        if len(shape) != 1:
            raise ConversionError(f"{node} of a value of {len(shape)} axes is not supported")
        order = self.flattened.get(name)
        if order is not None:
            name, weight = order[0], weight[:, order[1]]
        value = self.graph.dense(node.layer.name + suffix, name, weight, found.get("bias"))
        return self.activated(node, value, config.get("activation"))

    def node_BatchNormalization(self, node, inputs):
        config, name = node.config, inputs[0]
        self.last_axis(node, name)
        channels = (self.shape(name)[-1],)
        scale, centre = config.get("scale", True), config.get("center", True)
        found = self.take(
            node, moving_mean=channels, moving_variance=channels, gamma=channels if scale else None, beta=channels if centre else None
        )
        parts = {
            "weight": found.get("gamma", numpy.ones(channels)), "bias": found.get("beta", numpy.zeros(channels)),
            "running_mean": found["moving_mean"], "running_var": found["moving_variance"],
        }  # fmt: skip
        epsilon = config.get("epsilon", 1e-3)
        return self.in_both_orders(
            node, name, parts, lambda label, value, parts: self.graph.batch_norm(label, value, parts, epsilon)
        )

    node_SyncBatchNormalization = node_BatchNormalization

    def in_both_orders(self, node, name, parts, make):
        """A norm; of a flattened map also with the channels first, as what follows may take it."""
        value = make(node.layer.name, name, parts)
        if name in self.flattened:
            first, order = self.flattened[name]
            parts = {part: numbers[order] for part, numbers in parts.items()}
            self.flattened[value] = make(f"{node.layer.name}.channels_first", first, parts), order
        return value

    def last_axis(self, node, name):
        axis = node.config.get("axis", -1)
        axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
        if axis not in (-1, len(self.shape(name))):
            raise ConversionError(f"{node} along axis {axis} is not supported")

    def node_LayerNormalization(self, node, inputs):
        config, name = node.config, inputs[0]
        self.last_axis(node, name)
        if config.get("rms_scaling"):
            raise ConversionError(f"{node}: rms_scaling is not supported")
        channels = (self.shape(name)[-1],)
        found = self.take(
            node, gamma=channels if config.get("scale", True) else None, beta=channels if config.get("center", True) else None
        )
        parts = {"weight": found.get("gamma", numpy.ones(channels)), "bias": found.get("beta", numpy.zeros(channels))}

        def make(label, value, parts):
            tensors = [self.graph.tensor(f"{label}.{part}", numbers) for part, numbers in parts.items()]
            return self.graph.append(
                label, "layer_normalization", [value, *tensors], self.shape(value), epsilon=config.get("epsilon", 1e-3)
            )

        return self.in_both_orders(node, name, parts, make)

    def node_GroupNormalization(self, node, inputs):
        """Each group of channels by its own mean and variance over the map, then a scale and an offset for each channel."""
        config, name = node.config, inputs[0]
        self.last_axis(node, name)
        shape = self.shape(name)
        channels, groups = shape[-1], config.get("groups", 32)
        groups = channels if groups == -1 else groups
        if not 0 < groups <= channels or channels % groups:
            raise ConversionError(f"{node} makes {groups} groups of {channels} channels")
        scale, offset = ((channels,) if config.get(part, True) else None for part in ("scale", "center"))
        found = self.take(node, gamma=scale, beta=offset)
        split = (*shape[:-1], groups, channels // groups)
        axes = [axis + 1 for axis in range(len(split)) if axis != len(split) - 2]
        value = self.emit(node, "reshape", [name], split, suffix=".groups", shape=[0, *split])
        value = self.standardised(node, value, axes, config.get("epsilon", 1e-3), centred=True)
        value = self.emit(node, "reshape", [value], shape, suffix=".joined", shape=[0, *shape])
        return self.scaled(node, value, found.get("gamma"), found.get("beta"))

    def node_RMSNormalization(self, node, inputs):
        """Divided by the root of the mean square of the channels."""
        self.last_axis(node, inputs[0])
        shape = self.shape(inputs[0])
        found = self.take(node, scale=shape[-1:])
        value = self.standardised(node, inputs[0], [len(shape)], node.config.get("epsilon", 1e-6), centred=False)
        return self.scaled(node, value, found["scale"], None)

    def standardised(self, node, name, axes, epsilon, centred):
        shape = self.shape(name)
        one = tuple(1 if axis + 1 in axes else extent for axis, extent in enumerate(shape))
        if centred:
            mean = self.emit(node, "mean", [name], one, suffix=".mean", axes=axes, keeps_dimensions=True)
            name = self.emit(node, "subtract", [name, mean], shape, suffix=".centred")
        square = self.emit(node, "multiply", [name, name], shape, suffix=".square")
        square = self.emit(node, "mean", [square], one, suffix=".variance", axes=axes, keeps_dimensions=True)
        square = self.emit(node, "add", [square, self.graph.tensor(f"{node.layer.name}.epsilon", [epsilon])], one, suffix=".sum")
        root = self.emit(node, "square_root", [square], one, suffix=".root")
        return self.emit(node, "divide", [name, root], shape, suffix=".standardised")

    def scaled(self, node, name, scale, offset):
        """A factor and an offset for each channel, where there are such."""
        for primitive, constant in (("multiply", scale), ("add", offset)):
            if constant is not None:
                tensor = self.graph.tensor(f"{node.layer.name}.constant", constant)
                name = self.emit(node, primitive, [name, tensor], self.shape(name))
        return name

    def node_UnitNormalization(self, node, inputs):
        """x divided by its length along the channels."""
        axis, name = node.config.get("axis", -1), inputs[0]
        axis = axis[0] if isinstance(axis, (list, tuple)) and len(axis) == 1 else axis
        shape = self.shape(name)
        if axis not in (-1, len(shape)):
            raise ConversionError(f"{node} along axis {axis} is not supported")
        square = self.emit(node, "multiply", [name, name], shape, suffix=".square")
        one = (*shape[:-1], 1)
        length = self.emit(node, "sum", [square], one, suffix=".sum", axes=[len(shape)], keeps_dimensions=True)
        # What is shorter is zero and stays so.
        length = self.emit(node, "clip", [length], one, suffix=".clip", low=1e-24 if self.keras_3 else 1e-12)
        length = self.emit(node, "square_root", [length], one, suffix=".length")
        return self.emit(node, "divide", [name, length], shape)

    def node_LayerScale(self, node, inputs):
        """ConvNeXt's own layer: a factor for each channel."""
        channels = (self.shape(inputs[0])[-1],)
        found = self.weights.of(node.layer)
        if len(found) != 1 or next(iter(found.values())).shape != channels:
            raise ConversionError(f"{node}: its weights do not fit {channels[0]} channels")
        tensor = self.graph.tensor(f"{node.layer.name}.weight", next(iter(found.values())))
        return self.emit(node, "multiply", [inputs[0], tensor], self.shape(inputs[0]))

    def node_CustomScaleLayer(self, node, inputs):
        """InceptionResNet's own layer: the first value and a share of the second."""
        if len(inputs) != 2 or self.shape(inputs[0]) != self.shape(inputs[1]):
            raise ConversionError(f"{node} is not supported with these inputs")
        shape = self.shape(inputs[0])
        tensor = self.graph.tensor(f"{node.layer.name}.constant", [float(node.config.get("scale", 1.0))])
        scaled = self.emit(node, "multiply", [inputs[1], tensor], shape, suffix=".scaled")
        return self.emit(node, "add", [inputs[0], scaled], shape)

    def node_Normalization(self, node, inputs):
        config = node.config
        mean, variance = config.get("mean"), config.get("variance")
        if mean is None:
            found = self.weights.of(node.layer)
            mean, variance = found.get("mean"), found.get("variance")
        if config.get("invert"):
            raise ConversionError(f"{node}: invert is not supported")
        if mean is None or variance is None:
            raise ConversionError(f"{node} has no mean and variance: it was never adapted")
        mean, variance = (numpy.asarray(plain(item), dtype=float).reshape(-1) for item in (mean, variance))
        std = numpy.maximum(numpy.sqrt(variance), 1e-7)
        return self.affine(node, inputs[0], [("multiply", 1 / std), ("add", -mean / std)])

    def node_Rescaling(self, node, inputs):
        scale, offset = (numpy.asarray(node.config.get(key, 0), dtype=float).reshape(-1) for key in ("scale", "offset"))
        return self.affine(node, inputs[0], [("multiply", scale), ("add", offset)])

    def affine(self, node, name, operations):
        shape = self.shape(name)
        for primitive, constant in operations:
            if constant.size not in (1, shape[-1]):
                raise ConversionError(f"{node} with {constant.size} values for {shape[-1]} channels is not supported")
            tensor = self.graph.tensor(f"{node.layer.name}.constant", constant)
            name = self.emit(node, primitive, [name, tensor], shape)
        return name

    # Activations.

    def node_Activation(self, node, inputs):
        return self.activated(node, inputs[0], node.config.get("activation"))

    def node_ReLU(self, node, inputs):
        return self.activated(node, inputs[0], self.rectifier(node, node.config))

    def node_LeakyReLU(self, node, inputs):
        return self.activated(node, inputs[0], self.leaky(node, node.config))

    def node_ELU(self, node, inputs):
        return self.activated(node, inputs[0], self.elu(node, node.config))

    def node_PReLU(self, node, inputs):
        shape = self.shape(inputs[0])
        shared = node.config.get("shared_axes") or []
        if len(shape) == 3 and sorted(shared) != [1, 2]:
            raise ConversionError(f"{node} with a slope for each place is not supported")
        found = self.take(node, alpha=(*[1] * (len(shape) - 1), shape[-1]))
        tensor = self.graph.tensor(f"{node.layer.name}.weight", found["alpha"].reshape(-1))
        return self.emit(node, "prelu", [inputs[0], tensor], shape)

    def node_Softmax(self, node, inputs):
        axis = node.config.get("axis", -1)
        if axis not in (-1, len(self.shape(inputs[0]))):
            raise ConversionError(f"{node} along axis {axis} is not supported")
        return self.activated(node, inputs[0], "softmax")

    # Pools and shapes.

    def pool(self, node, name, primitive):
        size = node.config.get("pool_size", 2)
        attributes, extents = self.window(node, name, size, node.config.get("strides") or size)
        rows, columns, channels = self.shape(name)
        if primitive == "average_pool" and attributes == {"kernel": [rows, columns], "stride": [rows, columns]}:
            return self.emit(node, "adaptive_average_pool", [name], (1, 1, channels), height=1, width=1)
        return self.emit(node, primitive, [name], (*extents, channels), **attributes)

    def node_MaxPooling2D(self, node, inputs):
        return self.pool(node, inputs[0], "max_pool")

    def node_AveragePooling2D(self, node, inputs):
        return self.pool(node, inputs[0], "average_pool")

    def node_GlobalAveragePooling2D(self, node, inputs):
        channels = self.map_of(node, inputs[0])[-1]
        if node.config.get("keepdims"):
            return self.emit(node, "adaptive_average_pool", inputs, (1, 1, channels), height=1, width=1)
        return self.emit(node, "global_average_pool", inputs, (channels,))

    def node_GlobalMaxPooling2D(self, node, inputs):
        channels = self.map_of(node, inputs[0])[-1]
        keeps = bool(node.config.get("keepdims"))
        shape = (1, 1, channels) if keeps else (channels,)
        return self.emit(node, "reduce_max", inputs, shape, axes=[1, 2], keeps_dimensions=keeps or None)

    def node_ZeroPadding2D(self, node, inputs):
        rows, columns, channels = self.map_of(node, inputs[0])
        (top, bottom), (left, right) = borders(node.config.get("padding", 1))
        sides = {"top": top, "left": left, "bottom": bottom, "right": right}
        shape = (rows + top + bottom, columns + left + right, channels)
        return self.emit(node, "pad", inputs, shape, **{side: count or None for side, count in sides.items()})

    def node_Cropping2D(self, node, inputs):
        name = inputs[0]
        self.map_of(node, name)
        for axis, (before, after) in enumerate(borders(node.config.get("cropping", 0))):
            if before or after:
                shape = list(self.shape(name))
                end = shape[axis] - after
                shape[axis] = end - before
                name = self.emit(node, "slice", [name], shape, axis=axis + 1, start=before, end=end)
        return name

    def node_UpSampling2D(self, node, inputs):
        rows, columns, channels = self.map_of(node, inputs[0])
        high, wide = pair(node.config.get("size", 2))
        method = node.config.get("interpolation", "nearest")
        if method not in ("nearest", "bilinear"):
            raise ConversionError(f"{node}: interpolation {method} is not supported")
        extents = (rows * high, columns * wide)
        # Repetition is the nearest place without an offset.
        coordinates = "asymmetric" if method == "nearest" else None
        return self.emit(
            node, "resize", inputs, (*extents, channels), height=extents[0], width=extents[1], method=method, coordinates=coordinates
        )

    def node_Flatten(self, node, inputs):
        shape = self.shape(inputs[0])
        if node.config.get("data_format") == "channels_first":
            raise ConversionError(f"{node} is channels_first behind channels_last layers, which is not supported: export the model as ONNX")
        if len(shape) == 1:
            return inputs[0]
        return self.flatten(node, inputs[0], shape)

    def flatten(self, node, name, shape):
        """Rows, columns, channels in a row. What follows a map may take it with its channels first."""
        count = math.prod(shape)
        value = self.emit(node, "reshape", [name], (count,), shape=[0, count])
        if len(shape) == 3 and max(shape[:2]) > 1:
            first = self.emit(node, "flatten_channels_first", [name], (count,), suffix=".channels_first")
            grid = numpy.arange(count).reshape(shape)
            self.flattened[value] = first, grid.transpose(2, 0, 1).reshape(-1)
        return value

    def node_Reshape(self, node, inputs):
        shape = self.shape(inputs[0])
        target = list(node.config.get("target_shape") or node.keywords.get("newshape") or [])
        count = math.prod(shape)
        if -1 in target:
            target[target.index(-1)] = count // max(1, math.prod(extent for extent in target if extent != -1))
        if math.prod(target) != count:
            raise ConversionError(f"{node} makes {tuple(target)} of {shape}")
        if tuple(target) == shape:
            return inputs[0]
        source = self.graph.nodes[-1] if self.graph.nodes else None
        if source is not None and source.name == inputs[0] and source.primitive == "global_average_pool" and target[:2] == [1, 1]:
            # The mean that squeezes and excites stays a map of one place.
            return self.emit(node, "adaptive_average_pool", source.inputs, target, height=1, width=1)
        if len(target) == 1:
            return self.flatten(node, inputs[0], shape)
        return self.emit(node, "reshape", inputs, target, shape=[0, *target])

    def node_Permute(self, node, inputs):
        axes = list(node.config["dims"])
        shape = self.shape(inputs[0])
        return self.emit(node, "transpose", inputs, [shape[axis - 1] for axis in axes], axes=[0, *axes])

    def node_Concatenate(self, node, inputs):
        axis, rank = node.config.get("axis", -1), len(self.shape(inputs[0]))
        axis = axis if axis < 0 else axis - rank - 1
        shapes = [list(self.shape(name)) for name in inputs]
        if not -rank <= axis < 0 or any(len(shape) != rank for shape in shapes):
            raise ConversionError(f"{node} along axis {axis} is not supported")
        shape = shapes[0].copy()
        shape[axis] = sum(other[axis] for other in shapes)
        return self.emit(node, "concatenate", inputs, shape, axis=axis if axis != -1 else None)

    # Arithmetic.

    def arithmetic(self, node, inputs, primitive):
        if len(inputs) == 1:
            return self.with_constant(node, inputs[0], primitive)
        if node.kind == "Average":
            total = self.joined(node, inputs, "add", ".sum")
            tensor = self.graph.tensor(f"{node.layer.name}.constant", [1 / len(inputs)])
            return self.emit(node, "multiply", [total, tensor], self.shape(total))
        return self.joined(node, inputs, primitive)

    def joined(self, node, inputs, primitive, suffix=""):
        result = inputs[0]
        for name in inputs[1:]:
            one, other = self.shape(result), self.shape(name)
            if len(one) != len(other):
                raise ConversionError(f"{node} of values of {len(one)} and {len(other)} axes is not supported")
            shape = numpy.broadcast_shapes(one, other)
            result = self.emit(node, primitive, [result, name], shape, suffix=suffix)
        return result

    def with_constant(self, node, name, primitive):
        arguments = list(node.arguments)
        arguments += [node.keywords[key] for key in ("x", "y", "x1", "x2", "bias") if key in node.keywords]
        if len(arguments) != 2 or sum(isinstance(item, Node) for item in flatten(arguments)) != 1:
            raise ConversionError(f"{node} is not supported with these arguments")
        reversed_ = isinstance(arguments[1], Node)
        constant = numpy.asarray(plain(arguments[0] if reversed_ else arguments[1]), dtype=float)
        shape = self.shape(name)
        if constant.size not in (1, shape[-1]) or constant.size > 1 and constant.shape[-1] != constant.size:
            raise ConversionError(f"{node} with a constant of shape {constant.shape} is not supported")
        constant = constant.reshape(-1)
        if reversed_ and primitive in ("subtract", "divide"):
            tensor = self.graph.tensor(f"{node.layer.name}.constant", constant)
            return self.emit(node, primitive, [tensor, name], shape)
        if primitive == "subtract":
            primitive, constant = "add", -constant
        elif primitive == "divide":
            if not constant.all():
                raise ConversionError(f"{node} divides by zero")
            primitive, constant = "multiply", 1 / constant
        return self.affine(node, name, [(primitive, constant)])


def pair(item):
    return list(item) if isinstance(item, (list, tuple)) else [item, item]


def borders(item):
    """Before and after, for rows and columns."""
    return [pair(part) for part in pair(item)]
