"""What a graph card computes, by its definition in numpy: the reference for the converter's tests."""

import math

import numpy


def windows(x, attributes, fill):
    """The places under a window: [N, h, w, C, kH, kW] of [N, H, W, C]."""
    kernel = attributes["kernel"]
    rows, columns = attributes.get("stride", [1, 1])
    top, left, bottom, right = attributes.get("padding", [0, 0, 0, 0])
    high, wide = attributes.get("dilation", [1, 1])
    x = numpy.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    reach = ((kernel[0] - 1) * high + 1, (kernel[1] - 1) * wide + 1)
    view = numpy.lib.stride_tricks.sliding_window_view(x, reach, axis=(1, 2))
    return view[:, ::rows, ::columns, :, ::high, ::wide]


def convolution(x, weight, bias, attributes):
    groups = attributes.get("groups", 1)
    result = []
    for part, own in zip(numpy.split(x, groups, axis=3), numpy.split(weight, groups)):
        if own.shape[2:] == (1, 1) and attributes.get("stride", [1, 1]) == [1, 1] and not any(attributes.get("padding", [0])):
            result.append(part @ own[:, :, 0, 0].T)
        else:
            result.append(numpy.tensordot(windows(part, attributes, 0), own, axes=((3, 4, 5), (1, 2, 3))))
    result = numpy.concatenate(result, axis=3)
    return result if bias is None else result + bias


def depthwise(x, weight, bias, attributes):
    result = numpy.einsum("nhwcij,cij->nhwc", windows(x, attributes, 0), weight[:, 0])
    return result if bias is None else result + bias


def average_pool(x, attributes):
    padding = attributes.get("padding", [0, 0, 0, 0])
    total = windows(x, attributes, 0).sum(axis=(4, 5))
    counted = numpy.ones_like(x[:1, :, :, :1])
    if attributes.get("counts_padding"):
        below, beside = attributes.get("uncounted", [0, 0])
        top, left, bottom, right = padding
        counted = numpy.pad(counted, ((0, 0), (top, bottom - below), (left, right - beside), (0, 0)), constant_values=1)
        counted = numpy.pad(counted, ((0, 0), (0, below), (0, beside), (0, 0)))
        attributes = attributes | {"padding": [0, 0, 0, 0]}
    return total / windows(counted, attributes, 0).sum(axis=(4, 5))


def resize(x, attributes):
    for axis, count in ((1, attributes["height"]), (2, attributes["width"])):
        extent = x.shape[axis]
        place = numpy.arange(count, dtype=float)
        coordinates = attributes.get("coordinates", "half_pixel")
        if coordinates == "half_pixel":
            place = (place + 0.5) * extent / count - 0.5
        elif coordinates == "asymmetric":
            place = place * extent / count
        else:
            place = place * (extent - 1) / max(count - 1, 1)
        if attributes["method"] == "nearest":
            up = attributes.get("rounding") == "round_prefer_floor"
            index = numpy.ceil(place - 0.5) if up else numpy.floor(place + 1e-6)
            x = numpy.take(x, numpy.clip(index.astype(int), 0, extent - 1), axis)
            continue
        place = numpy.clip(place, 0, extent - 1)
        low = numpy.floor(place).astype(int)
        part = (place - low).reshape([-1 if i == axis else 1 for i in range(4)])
        x = numpy.take(x, low, axis) * (1 - part) + numpy.take(x, numpy.minimum(low + 1, extent - 1), axis) * part
    return x


def softmax(x):
    x = numpy.exp(x - x.max(-1, keepdims=True))
    return x / x.sum(-1, keepdims=True)


def gelu(x, approximation="none"):
    if approximation == "tanh":
        return 0.5 * x * (1 + numpy.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + erf(x / math.sqrt(2)))


erf = numpy.vectorize(math.erf, otypes=[float])


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


UNARY = {
    "relu": lambda x: numpy.maximum(x, 0),
    "relu6": lambda x: numpy.clip(x, 0, 6),
    "silu": lambda x: x * sigmoid(x),
    "sigmoid": sigmoid,
    "tanh": numpy.tanh,
    "hard_swish": lambda x: x * numpy.clip(x / 6 + 0.5, 0, 1),
    "hard_sigmoid": lambda x, slope=1 / 6, offset=0.5: numpy.clip(slope * x + offset, 0, 1),
    "gelu": gelu,
    "gelu_tanh": lambda x: gelu(x, "tanh"),
    "elu": lambda x, alpha=1: numpy.where(x > 0, x, alpha * numpy.expm1(numpy.minimum(x, 0))),
    "leaky_relu": lambda x, slope=0.01: numpy.where(x > 0, x, slope * x),
    "clip": lambda x, low=None, high=None: numpy.clip(x, low, high),
    "power": lambda x, exponent: x**exponent,
    "erf": erf,
    "softplus": lambda x: numpy.logaddexp(x, 0),
    "exponential": numpy.exp,
    "logarithm": numpy.log,
    "square_root": numpy.sqrt,
    "absolute": numpy.abs,
    "softmax": softmax,
    "log_softmax": lambda x: numpy.log(softmax(x)),
    "linear": lambda x: x,
}
BINARY = {
    "add": numpy.add,
    "subtract": numpy.subtract,
    "multiply": numpy.multiply,
    "divide": numpy.divide,
    "maximum": numpy.maximum,
    "minimum": numpy.minimum,
}


def layer_norm(x, scale, offset, epsilon):
    mean = x.mean(-1, keepdims=True)
    variance = ((x - mean) ** 2).mean(-1, keepdims=True)
    return (x - mean) / numpy.sqrt(variance + epsilon) * scale + offset


def evaluate(primitive, inputs, attributes):
    x = inputs[0]
    if primitive in UNARY:
        return UNARY[primitive](x, **attributes)
    if primitive in BINARY:
        return BINARY[primitive](x, inputs[1])
    if primitive in ("convolution", "depthwise_convolution"):
        function = convolution if primitive == "convolution" else depthwise
        return function(x, inputs[1], inputs[2] if len(inputs) > 2 else None, attributes)
    if primitive == "dense":
        assert x.ndim == 2, x.shape
        return x @ inputs[1].T + (inputs[2] if len(inputs) > 2 else 0)
    if primitive == "batch_normalization":
        scale, offset, mean, variance = inputs[1:]
        return (x - mean) / numpy.sqrt(variance + attributes["epsilon"]) * scale + offset
    if primitive == "layer_normalization":
        return layer_norm(x, inputs[1], inputs[2], attributes["epsilon"])
    if primitive == "prelu":
        return numpy.where(x > 0, x, inputs[1] * x)
    if primitive == "max_pool":
        return windows(x, attributes, -numpy.inf).max(axis=(4, 5))
    if primitive == "average_pool":
        return average_pool(x, attributes)
    if primitive == "adaptive_average_pool":
        assert attributes == {"height": 1, "width": 1}
        return x.mean(axis=(1, 2), keepdims=True)
    if primitive in ("global_average_pool", "global_max_pool"):
        return x.mean(axis=(1, 2)) if primitive == "global_average_pool" else x.max(axis=(1, 2))
    if primitive in ("mean", "sum", "reduce_max"):
        function = {"mean": numpy.mean, "sum": numpy.sum, "reduce_max": numpy.max}[primitive]
        return function(x, axis=tuple(attributes["axes"]), keepdims=attributes.get("keeps_dimensions", False))
    if primitive == "concatenate":
        return numpy.concatenate(inputs, axis=attributes.get("axis", -1))
    if primitive == "slice":
        index = [slice(None)] * x.ndim
        index[attributes["axis"]] = slice(attributes["start"], attributes["end"], attributes.get("step", 1))
        return x[tuple(index)]
    if primitive == "pad":
        top, left, bottom, right = (attributes.get(side, 0) for side in ("top", "left", "bottom", "right"))
        return numpy.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    if primitive == "reshape":
        return x.reshape([len(x), *attributes["shape"][1:]])
    if primitive == "flatten_channels_first":
        return x.transpose(0, 3, 1, 2).reshape(len(x), -1)
    if primitive == "transpose":
        return x.transpose(attributes["axes"])
    if primitive == "shuffle_channels":
        split = x.reshape(*x.shape[:-1], attributes["groups"], -1)
        return split.swapaxes(-1, -2).reshape(x.shape)
    if primitive == "resize":
        return resize(x, attributes)
    raise AssertionError(primitive)


def head(card, tensors, x):
    for item in card["head"]:
        kind = item["kind"]
        own = {part: tensors.get(f"{item.get('name')}.{part}") for part in ("weight", "bias", "running_mean", "running_var")}
        if kind == "global_average_pool":
            x = x.mean(axis=(1, 2))
        elif kind == "global_max_pool":
            x = x.max(axis=(1, 2))
        elif kind == "global_concat_pool":
            both = [x.max(axis=(1, 2)), x.mean(axis=(1, 2))]
            x = numpy.concatenate(both if item.get("order", "max_average") == "max_average" else both[::-1], axis=1)
        elif kind == "flatten":
            x = evaluate("flatten_channels_first", [x], {})
        elif kind == "dense":
            x = UNARY[item.get("activation", "linear")](x @ own["weight"].T + own["bias"])
        elif kind == "batch_norm":
            parts = [own[part] for part in ("weight", "bias", "running_mean", "running_var")]
            x = evaluate("batch_normalization", [x, *parts], item)
        elif kind == "layer_norm":
            x = layer_norm(x, own["weight"], own["bias"], item["epsilon"])
        elif kind == "activation":
            x = UNARY[item["function"]](x)
        else:
            raise AssertionError(kind)
    return x


def run(card, tensors, image):
    """The logits [N, K] of an image [N, H, W, C] that is preprocessed already; every value must be finite."""
    tensors = {name: value.astype("float64") for name, value in tensors.items()}
    values = {"input": image.astype("float64")}
    used = set()
    for node in card["graph"]["nodes"]:
        assert node["name"] not in values and node["name"] not in tensors, node
        inputs = []
        for name in node["inputs"]:
            assert name in values or name in tensors, (node, name)
            inputs.append(values[name] if name in values else tensors[name])
            used.add(name)
        value = evaluate(node["primitive"], inputs, node.get("attributes", {}))
        assert len(value) == len(image), node
        assert numpy.isfinite(value).all(), node
        values[node["name"]] = value
    output = card["graph"]["output"]
    used.add(output)
    for item in card["head"]:
        used |= {name for name in tensors if item.get("name") and name.startswith(item["name"] + ".")}
    unused = (set(values) | set(tensors)) - used - {"input"}
    assert not unused, unused
    default = card["layers"]["default"]
    assert values[default].ndim == 4, default
    for alias, name in card["layers"]["aliases"].items():
        assert name in values and alias not in values, alias
    return head(card, tensors, values[output])
