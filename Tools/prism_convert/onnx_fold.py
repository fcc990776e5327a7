"""Fixes an ONNX graph at one size of the input: constants are computed, and every value has a shape.

What is left are the nodes that depend on the input. The batch is 1 here; what comes of the graph works for any.
"""

import dataclasses
import math

import numpy

from . import limits
from .errors import ConversionError
from .onnx_file import STANDARD_DOMAINS, TYPES, Graph, Node, shortest

BEFORE = "convert the model as it was before it was optimised or quantised"
LARGEST = float(numpy.finfo("float32").max)
INTEGERS = ("QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger")
ONNX_MICROSOFT = "com.microsoft"

UNARY = {
    "Abs": numpy.abs, "Ceil": numpy.ceil, "Cos": numpy.cos, "Exp": numpy.exp, "Floor": numpy.floor, "Log": numpy.log,
    "Neg": numpy.negative, "Not": numpy.logical_not, "Reciprocal": numpy.reciprocal, "Round": numpy.round,
    "Sign": numpy.sign, "Sin": numpy.sin, "Sqrt": numpy.sqrt, "Tanh": numpy.tanh,
    "Relu": lambda x: numpy.maximum(x, 0), "Sigmoid": lambda x: 1 / (1 + numpy.exp(-x)),
    "Softplus": lambda x: numpy.logaddexp(x, 0), "Identity": lambda x: x, "Erf": lambda x: numpy.vectorize(math.erf)(x).astype(x.dtype),
}  # fmt: skip


def divided(x, y):
    """Division as ONNX has it: of integers towards zero."""
    if x.dtype.kind in "iu":
        return (numpy.sign(x) * numpy.sign(y) * (numpy.abs(x) // numpy.maximum(numpy.abs(y), 1))).astype(x.dtype)
    return x / y


BINARY = {
    "Add": numpy.add, "Sub": numpy.subtract, "Mul": numpy.multiply, "Div": divided, "Pow": numpy.power,
    "Mod": numpy.mod, "And": numpy.logical_and, "Or": numpy.logical_or, "Xor": numpy.logical_xor,
    "Equal": numpy.equal, "Greater": numpy.greater, "GreaterOrEqual": numpy.greater_equal, "Less": numpy.less,
    "LessOrEqual": numpy.less_equal, "MatMul": numpy.matmul,
}  # fmt: skip
SEVERAL = {"Max": numpy.maximum, "Min": numpy.minimum, "Sum": numpy.add}

REDUCTIONS = {
    "ReduceMean": numpy.mean, "ReduceSum": numpy.sum, "ReduceMax": numpy.max, "ReduceMin": numpy.min,
    "ReduceProd": numpy.prod, "ReduceL1": lambda x, **o: numpy.abs(x).sum(**o),
    "ReduceL2": lambda x, **o: numpy.sqrt(numpy.square(x).sum(**o)),
    "ReduceSumSquare": lambda x, **o: numpy.square(x).sum(**o),
    "ReduceLogSumExp": lambda x, **o: numpy.log(numpy.exp(x).sum(**o)),
}  # fmt: skip

# Operators whose result has the shape of their inputs together.
POINTWISE = {
    *UNARY, *BINARY, *SEVERAL, "BatchNormalization", "Celu", "Clip", "Elu", "Gelu", "HardSigmoid", "HardSwish",
    "LayerNormalization", "InstanceNormalization", "GroupNormalization", "LeakyRelu", "LogSoftmax", "LpNormalization",
    "LRN", "Mean", "Mish", "PRelu", "QuickGelu", "Selu", "Softmax", "Swish", "ThresholdedRelu", "Where", "Cast", "CastLike", "Dropout",
} - {"MatMul"}  # fmt: skip


class Folder:
    """Walks the nodes in order."""

    def __init__(self, file, shapes):
        self.opset = file.opset
        self.constants = dict(file.graph.constants)
        self.shapes = dict(shapes)
        self.nodes = []
        self.failed = {}  # value → why it cannot be had
        self.spent = 0

    # Reading a node's inputs.

    def constant(self, name):
        return self.constants.get(name) if name else None

    def shape(self, name, node):
        if name in self.constants:
            return self.constants[name].shape
        if name not in self.shapes:
            raise ConversionError(f"{node} takes {name!r}, which no earlier node makes")
        return self.shapes[name]

    def needed(self, node, position, what):
        """A constant input that must be there."""
        value = self.optional(node, position)
        if value is None:
            raise ConversionError(f"{node}: its {what} depends on the picture or is missing, which is not supported")
        return value

    def optional(self, node, position):
        if position >= len(node.inputs) or not node.inputs[position]:
            return None
        name = node.inputs[position]
        if name not in self.constants:
            raise ConversionError(f"{node}: its input {name!r} depends on the picture, which is not supported")
        return self.constants[name]

    def option(self, node, name, position, default=None):
        """What is an attribute in old opsets and an input in new ones, as a list of numbers."""
        if name in node.attributes:
            value = node.attributes[name]
            return list(value) if isinstance(value, list) else [value]
        value = self.optional(node, position)
        return default if value is None else [plain_number(item) for item in numpy.asarray(value).reshape(-1)]

    # The walk.

    def run(self, nodes):
        """Walks on where a node is not supported: its values may not be needed."""
        for node in nodes:
            why = next((self.failed[name] for name in node.inputs if name in self.failed), None)
            try:
                if why is None:
                    self.visit(node)
            except ConversionError as error:
                why = str(error)
            if why is not None:
                self.failed |= {name: why for name in node.outputs if name}

    def visit(self, node):
        if node.domain not in STANDARD_DOMAINS and not (node.domain == ONNX_MICROSOFT and node.op in POINTWISE):
            hint = f": {BEFORE}" if node.domain == ONNX_MICROSOFT else ""
            raise ConversionError(f"{node} is of the domain {node.domain}, which is not supported{hint}")
        if "Quantize" in node.op or node.op in INTEGERS:
            known = node.op == "DequantizeLinear" and all(name in self.constants for name in node.inputs if name)
            if not known:
                raise ConversionError(f"{node} computes with integers, which is not supported: {BEFORE}")
        if node.op == "If":
            self.branch(node)
            return
        try:
            self.step(node)
        except (ValueError, IndexError, TypeError, KeyError, ZeroDivisionError, AttributeError) as error:
            what = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise ConversionError(f"{node} is not valid: {what}") from error

    def step(self, node):
        known = all(name in self.constants for name in node.inputs if name)
        if node.op == "Constant" or known:
            self.evaluate(node)
        elif node.op in ("Shape", "Size"):
            stand_in = numpy.broadcast_to(numpy.int8(0), self.shape(node.inputs[0], node))
            self.constants[node.output] = self.compute(node, [stand_in])
        else:
            for output, shape in zip(node.outputs, self.infer(node)):
                shape = tuple(int(extent) for extent in shape)
                if any(extent < 1 for extent in shape):
                    raise ConversionError(f"{node} has nothing left at this input size: its result is {list(shape)}")
                limits.check(4 * math.prod(shape), limits.TENSOR_BYTES, f"the result of {node} is too large, in bytes")
                self.shapes[output] = shape
            self.nodes.append(node)

    def branch(self, node):
        """An If whose condition is known is the branch that is taken."""
        condition = self.constant(node.inputs[0])
        if condition is None:
            raise ConversionError(f"{node} depends on the picture, which is not supported")
        taken = node.attributes["then_branch" if bool(condition.reshape(-1)[0]) else "else_branch"]
        # Other branches may have the same names inside.
        own = {name for inner in taken.nodes for name in inner.outputs if name} | set(taken.constants)
        prefix = f"{node.output}/"
        renamed = lambda names: [prefix + name if name in own else name for name in names]  # noqa: E731
        self.constants |= {prefix + name: value for name, value in taken.constants.items()}
        for inner in taken.nodes:
            if any(isinstance(value, Graph) for value in inner.attributes.values()):
                raise ConversionError(f"{node} holds {inner}, a branch in a branch, which is not supported")
        self.run([dataclasses.replace(inner, inputs=renamed(inner.inputs), outputs=renamed(inner.outputs)) for inner in taken.nodes])
        self.run([Node("Identity", [inner], [outer], {}, node.name) for inner, outer in zip(renamed(taken.outputs), node.outputs)])

    # Constants.

    def evaluate(self, node):
        values = [self.constant(name) for name in node.inputs]
        found = self.compute(node, values)
        if found is None:
            raise ConversionError(f"{node} of constants is not supported")
        found = found if isinstance(found, list) else [found]
        for name, value in zip(node.outputs, found):
            value = numpy.asarray(value)
            self.spent += value.nbytes
            limits.check(self.spent, limits.TENSOR_BYTES, f"the constants up to {node} are too large, in bytes")
            self.constants[name] = value

    def compute(self, node, values):
        """The result of a node of constants, or None where it is not known how."""
        op, attributes = node.op, node.attributes
        with numpy.errstate(all="ignore"):
            if op in ("Dropout", "StopGradient"):
                return values[0]
            if op in UNARY:
                return UNARY[op](values[0])
            if op in BINARY:
                value = BINARY[op](values[0], values[1])
                return value.astype(values[0].dtype) if op == "Pow" else value
            if op in SEVERAL:
                result = values[0]
                for value in values[1:]:
                    result = SEVERAL[op](result, value)
                return result
            if op in REDUCTIONS:
                axes, keep = self.reduction(node, values[0].ndim)
                return REDUCTIONS[op](values[0], axis=tuple(axes), keepdims=keep).astype(values[0].dtype)
            method = getattr(self, f"compute_{op}", None)
            return method(node, values, attributes) if method else None

    def compute_Constant(self, node, values, attributes):
        for name, kind in (("value_float", "<f4"), ("value_floats", "<f4"), ("value_int", "<i8"), ("value_ints", "<i8")):
            if name in attributes:
                return numpy.array(attributes[name], kind)
        if not isinstance(attributes.get("value"), numpy.ndarray):
            raise ConversionError(f"{node} has no value that is an array of numbers")
        return attributes["value"]

    def compute_CumSum(self, node, values, attributes):
        axis = int(values[1].reshape(-1)[0])
        if attributes.get("exclusive"):
            return None
        turned = numpy.flip(values[0], axis) if attributes.get("reverse") else values[0]
        result = numpy.cumsum(turned, axis, dtype=values[0].dtype)
        return numpy.flip(result, axis) if attributes.get("reverse") else result

    def compute_ScatterElements(self, node, values, attributes):
        if attributes.get("reduction", "none") != "none":
            return None
        result = values[0].copy()
        numpy.put_along_axis(result, values[1], values[2], attributes.get("axis", 0))
        return result

    def compute_ConstantOfShape(self, node, values, attributes):
        shape = [int(extent) for extent in values[0]]
        limits.check(8 * math.prod(shape), limits.TENSOR_BYTES, f"{node} is too large, in bytes")
        value = numpy.asarray(attributes.get("value", numpy.zeros(1, "float32"))).reshape(-1)
        return numpy.full(shape, value[0], value.dtype)

    def compute_Shape(self, node, values, attributes):
        shape = values[0].shape
        return numpy.array(shape[attributes.get("start", 0) : attributes.get("end", len(shape))], "int64")

    def compute_Size(self, node, values, attributes):
        return numpy.array(values[0].size, "int64")

    def compute_Cast(self, node, values, attributes):
        kind = attributes.get("to", 1)
        return values[0].astype(TYPES.get(kind, "<f4"))

    def compute_CastLike(self, node, values, attributes):
        return values[0].astype(values[1].dtype)

    def compute_Gather(self, node, values, attributes):
        return numpy.take(values[0], values[1].astype("int64"), axis=attributes.get("axis", 0))

    def compute_Concat(self, node, values, attributes):
        return numpy.concatenate(values, axis=attributes.get("axis", 0))

    def compute_Unsqueeze(self, node, values, attributes):
        return values[0].reshape(self.unsqueezed(node, values[0].shape))

    def compute_Squeeze(self, node, values, attributes):
        return values[0].reshape(self.squeezed(node, values[0].shape))

    def compute_Reshape(self, node, values, attributes):
        return values[0].reshape(self.reshaped(node, values[0].shape))

    def compute_Flatten(self, node, values, attributes):
        return values[0].reshape(self.flattened(node, values[0].shape))

    def compute_Transpose(self, node, values, attributes):
        return values[0].transpose(attributes.get("perm"))

    def compute_Slice(self, node, values, attributes):
        index = [slice(None)] * values[0].ndim
        for axis, start, end, step in self.slices(node, values[0].shape):
            index[axis] = slice(start, end if end >= 0 else None, step)
        return values[0][tuple(index)]

    def compute_Split(self, node, values, attributes):
        axis, sizes = self.splits(node, values[0].shape)
        return numpy.split(values[0], numpy.cumsum(sizes)[:-1], axis=axis)

    def compute_Range(self, node, values, attributes):
        start, limit, step = (value.reshape(-1)[0] for value in values)
        limits.check(abs((limit - start) / step), limits.TENSOR_BYTES // 8, f"{node} is too long")
        return numpy.arange(start, limit, step).astype(values[0].dtype)

    def compute_Where(self, node, values, attributes):
        return numpy.where(*values)

    def compute_Expand(self, node, values, attributes):
        return numpy.broadcast_to(values[0], self.expanded(node, values[0].shape)).copy()

    def compute_Tile(self, node, values, attributes):
        limits.check(math.prod(int(n) for n in values[1]) * values[0].nbytes, limits.TENSOR_BYTES, f"{node} is too large")
        return numpy.tile(values[0], [int(n) for n in values[1]])

    def compute_Clip(self, node, values, attributes):
        low, high = self.bounds(node)
        return numpy.clip(values[0], low, high)

    def compute_Conv(self, node, values, attributes):
        """Of one place alone, as codes of places have it."""
        weight = values[1]
        if math.prod(weight.shape[2:]) != 1 or attributes.get("group", 1) != 1 or any(attributes.get("pads") or ()):
            return None
        if any(stride != 1 for stride in attributes.get("strides") or ()):
            return None
        result = numpy.moveaxis(numpy.tensordot(weight.reshape(weight.shape[:2]), values[0], (1, 1)), 0, 1)
        return result if len(values) < 3 or values[2] is None else result + values[2].reshape([-1] + [1] * (result.ndim - 2))

    def compute_Gemm(self, node, values, attributes):
        a = values[0].T if attributes.get("transA") else values[0]
        b = values[1].T if attributes.get("transB") else values[1]
        result = attributes.get("alpha", 1.0) * (a @ b)
        return result + attributes.get("beta", 1.0) * values[2] if len(values) > 2 else result

    def compute_DequantizeLinear(self, node, values, attributes):
        """Weights that are kept as integers: (x − zero) · scale, along an axis where there are several scales."""
        x, scale = values[0].astype("float32"), values[1].astype("float32")
        zero = values[2].astype("float32") if len(values) > 2 and values[2] is not None else numpy.zeros_like(scale)
        if attributes.get("block_size"):
            return None
        if scale.size > 1:
            shape = [1] * x.ndim
            shape[attributes.get("axis", 1) % x.ndim] = scale.size
            scale, zero = scale.reshape(shape), zero.reshape(shape)
        return (x - zero) * scale

    def compute_Pad(self, node, values, attributes):
        mode, pads = attributes.get("mode", "constant"), self.pads(node, values[0].ndim)
        if mode not in ("constant", "reflect", "edge", "wrap") or min(min(pair) for pair in pads) < 0:
            return None
        extents = [extent + sum(pair) for extent, pair in zip(values[0].shape, pads)]
        limits.check(math.prod(extents) * values[0].itemsize, limits.TENSOR_BYTES, f"{node} is too large, in bytes")
        if mode != "constant":
            return numpy.pad(values[0], pads, mode=mode)
        return numpy.pad(values[0], pads, constant_values=self.option(node, "value", 2, [0])[0])

    def compute_BatchNormalization(self, node, values, attributes):
        """Of weights, which some networks standardise whenever they run: those of a training pass are the weights' own."""
        x, scale, offset, *running = (value.astype("float64") for value in values)
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        trains = attributes.get("training_mode") or self.opset < 14 and any(node.outputs[1:])
        mean, variance = (x.mean(axes), x.var(axes)) if trains else running
        shape = [-1 if axis == 1 else 1 for axis in range(x.ndim)]
        mean, variance, scale, offset = (part.reshape(shape) for part in (mean, variance, scale, offset))
        result = (x - mean) / numpy.sqrt(variance + attributes.get("epsilon", 1e-5)) * scale + offset
        return [result.astype(values[0].dtype)]

    def compute_LayerNormalization(self, node, values, attributes):
        x = values[0].astype("float64")
        axes = tuple(range(attributes.get("axis", -1) % x.ndim, x.ndim))
        result = (x - x.mean(axes, keepdims=True)) / numpy.sqrt(x.var(axes, keepdims=True) + attributes.get("epsilon", 1e-5))
        result = result * (1 if values[1] is None else values[1]) + (values[2] if len(values) > 2 and values[2] is not None else 0)
        return [result.astype(values[0].dtype)]

    # What attributes and inputs say.

    def bounds(self, node):
        """The limits of a Clip; None for none."""
        low = self.option(node, "min", 1, [None])[0]
        high = self.option(node, "max", 2, [None])[0]
        low = None if low is not None and low <= -LARGEST else low
        high = None if high is not None and high >= LARGEST else high
        if any(bound is not None and not math.isfinite(bound) for bound in (low, high)) or None not in (low, high) and low > high:
            raise ConversionError(f"{node} keeps nothing between {low} and {high}")
        return low, high

    def reduction(self, node, rank):
        """The axes of a reduction, none of them negative, and whether they stay as 1."""
        axes = self.option(node, "axes", 1)
        if not axes:
            axes = [] if node.attributes.get("noop_with_empty_axes") else range(rank)
        return sorted(int(axis) % rank for axis in axes), bool(node.attributes.get("keepdims", 1))

    def unsqueezed(self, node, shape):
        axes = [int(axis) for axis in self.option(node, "axes", 1, [])]
        rank = len(shape) + len(axes)
        axes, rest = {axis % rank for axis in axes}, iter(shape)
        return [1 if axis in axes else next(rest) for axis in range(rank)]

    def squeezed(self, node, shape):
        axes = self.option(node, "axes", 1)
        if axes is None:
            axes = [axis for axis, extent in enumerate(shape) if extent == 1]
        axes = {int(axis) % len(shape) for axis in axes}
        if any(shape[axis] != 1 for axis in axes):
            raise ConversionError(f"{node} takes away an axis that is longer than 1")
        return [extent for axis, extent in enumerate(shape) if axis not in axes]

    def reshaped(self, node, shape):
        wanted = [int(extent) for extent in self.option(node, "shape", 1, [])]
        if not node.attributes.get("allowzero"):
            wanted = [shape[axis] if extent == 0 else extent for axis, extent in enumerate(wanted)]
        count = math.prod(shape)
        if wanted.count(-1) == 1:
            rest = math.prod(extent for extent in wanted if extent != -1)
            wanted[wanted.index(-1)] = count // rest if rest else 0
        if math.prod(wanted) != count or any(extent < 0 for extent in wanted):
            raise ConversionError(
                f"{node} makes {wanted} of {list(shape)}: the file is made for another input size, or for another batch "
                "than one picture (--input-size says the size)"
            )
        return wanted

    def flattened(self, node, shape):
        axis = node.attributes.get("axis", 1)
        axis = axis + len(shape) if axis < 0 else axis
        return [math.prod(shape[:axis]), math.prod(shape[axis:])]

    def slices(self, node, shape):
        """Axis, start, end and step of every sliced axis, within the extents."""
        starts = [int(v) for v in self.option(node, "starts", 1)]
        ends = [int(v) for v in self.option(node, "ends", 2)]
        axes = self.option(node, "axes", 3) or range(len(starts))
        steps = self.option(node, "steps", 4) or [1] * len(starts)
        result = []
        for axis, start, end, step in zip(axes, starts, ends, steps):
            axis = int(axis) % len(shape)
            result.append((axis, *slice(start, end, int(step)).indices(shape[axis])))
        return result

    def splits(self, node, shape):
        """Axis and extents of a Split's parts."""
        axis = node.attributes.get("axis", 0) % len(shape)
        sizes = self.option(node, "split", 1)
        if sizes is None:
            count = node.attributes.get("num_outputs", len(node.outputs))
            each = -(-shape[axis] // count)
            sizes = [min(each, shape[axis] - i * each) for i in range(count)]
        if sum(sizes) != shape[axis]:
            raise ConversionError(f"{node} splits {shape[axis]} into {sizes}")
        return axis, [int(size) for size in sizes]

    def expanded(self, node, shape):
        wanted = [int(extent) for extent in self.needed(node, 1, "shape").reshape(-1)]
        return list(numpy.broadcast_shapes(shape, tuple(wanted)))

    def pads(self, node, rank):
        """Before and after, for each axis."""
        pads = [int(v) for v in self.option(node, "pads", 1)]
        axes = self.option(node, "axes", 3) or range(rank)
        result = [(0, 0)] * rank
        for index, axis in enumerate(axes):
            result[int(axis) % rank] = (pads[index], pads[index + len(pads) // 2])
        return result

    def window(self, node, shape, kernel):
        """Kernel, stride, padding and dilation of a window over the last axes, and the extents of its result."""
        rank = len(kernel)
        attributes = node.attributes
        strides = list(attributes.get("strides") or [1] * rank)
        dilations = list(attributes.get("dilations") or [1] * rank)
        pads = list(attributes.get("pads") or [0] * (2 * rank))
        automatic = attributes.get("auto_pad", "NOTSET")
        if not len(shape) - 2 == rank == len(strides) == len(dilations) == len(pads) // 2:
            raise ConversionError(f"{node}: its window does not fit a map of {len(shape) - 2} axes")
        if min(*strides, *dilations, *kernel) < 1 or min(pads) < 0:
            raise ConversionError(f"{node}: its window, stride or padding is not valid")
        begins, ends, extents = [], [], []
        for axis in range(rank):
            extent, stride = shape[2 + axis], strides[axis]
            reach = (kernel[axis] - 1) * dilations[axis] + 1
            if automatic in ("SAME_UPPER", "SAME_LOWER"):
                total = max((-(-extent // stride) - 1) * stride + reach - extent, 0)
                begin = total // 2 if automatic == "SAME_UPPER" else total - total // 2
                end = total - begin
            elif automatic == "VALID":
                begin = end = 0
            else:
                begin, end = pads[axis], pads[axis + rank]
            room = extent + begin + end - reach
            count = room // stride + 1
            if attributes.get("ceil_mode") and room % stride and count * stride < extent + begin:
                count += 1
            begins.append(begin)
            ends.append(end)
            extents.append(count)
        return strides, dilations, begins, ends, extents

    # Shapes.

    def infer(self, node):
        """The shapes of a node's outputs."""
        op = node.op
        if op in POINTWISE:
            if op in ("LayerNormalization", "BatchNormalization", "InstanceNormalization", "GroupNormalization", "Clip"):
                return [self.shape(node.inputs[0], node)]
            count = 1 if op in ("Dropout", "CastLike") else len(node.inputs)
            return [numpy.broadcast_shapes(*(self.shape(name, node) for name in node.inputs[:count]))]
        shapes = [self.shape(name, node) if name else None for name in node.inputs]
        if op in REDUCTIONS:
            axes, keep = self.reduction(node, len(shapes[0]))
            pairs = enumerate(shapes[0])
            return [[1 if axis in axes else extent for axis, extent in pairs if keep or axis not in axes]]
        method = getattr(self, f"infer_{op}", None)
        if method is None:
            raise ConversionError(f"{node} is not supported")
        return method(node, shapes)

    def infer_Conv(self, node, shapes):
        x, weight = shapes[0], self.needed(node, 1, "weight").shape
        groups = node.attributes.get("group", 1)
        if len(weight) != len(x) or groups < 1 or weight[1] * groups != x[1] or weight[0] % groups:
            raise ConversionError(f"{node}: its weight {list(weight)} does not fit {list(x)} in {groups} groups")
        if list(node.attributes.get("kernel_shape") or weight[2:]) != list(weight[2:]):
            raise ConversionError(f"{node}: its kernel_shape {node.attributes['kernel_shape']} is not that of its weight {list(weight)}")
        bias = self.constant(node.inputs[2]) if len(node.inputs) > 2 else None
        if bias is not None and bias.shape != (weight[0],):
            raise ConversionError(f"{node}: its bias {list(bias.shape)} does not fit its weight {list(weight)}")
        return [[x[0], weight[0], *self.window(node, x, list(weight[2:]))[-1]]]

    def pooled(self, node, shapes):
        return [[*shapes[0][:2], *self.window(node, shapes[0], list(node.attributes["kernel_shape"]))[-1]]]

    infer_MaxPool = infer_AveragePool = infer_LpPool = pooled

    def globally(self, node, shapes):
        return [[*shapes[0][:2], *[1] * (len(shapes[0]) - 2)]]

    def infer_AdaptiveAveragePool(self, node, shapes):
        return [[*shapes[0][:2], *node.attributes["size"]]]

    infer_GlobalAveragePool = infer_GlobalMaxPool = globally

    def infer_Gemm(self, node, shapes):
        weight = self.needed(node, 1, "weight").shape
        if node.attributes.get("transA") or len(weight) != 2 or len(shapes[0]) != 2:
            raise ConversionError(f"{node} of {list(shapes[0])} and {list(weight)} is not supported")
        return [[shapes[0][0], weight[0 if node.attributes.get("transB") else 1]]]

    def infer_MatMul(self, node, shapes):
        return [numpy.matmul(*(numpy.broadcast_to(numpy.int8(0), shape) for shape in shapes)).shape]

    def infer_Reshape(self, node, shapes):
        return [self.reshaped(node, shapes[0])]

    def infer_Flatten(self, node, shapes):
        return [self.flattened(node, shapes[0])]

    def infer_Unsqueeze(self, node, shapes):
        return [self.unsqueezed(node, shapes[0])]

    def infer_Squeeze(self, node, shapes):
        return [self.squeezed(node, shapes[0])]

    def infer_Transpose(self, node, shapes):
        order = node.attributes.get("perm") or range(len(shapes[0]))[::-1]
        return [[shapes[0][axis] for axis in order]]

    def infer_Concat(self, node, shapes):
        axis = node.attributes["axis"] % len(shapes[0])
        result = list(shapes[0])
        for shape in shapes[1:]:
            if len(shape) != len(result) or any(a != b for i, (a, b) in enumerate(zip(shape, result)) if i != axis):
                raise ConversionError(f"{node} joins {list(shapes[0])} and {list(shape)}")
        result[axis] = sum(shape[axis] for shape in shapes)
        return [result]

    def infer_Slice(self, node, shapes):
        result = list(shapes[0])
        for axis, start, end, step in self.slices(node, shapes[0]):
            result[axis] = len(range(start, end, step))
        return [result]

    def infer_Split(self, node, shapes):
        axis, sizes = self.splits(node, shapes[0])
        return [[*shapes[0][:axis], size, *shapes[0][axis + 1 :]] for size in sizes]

    def infer_Gather(self, node, shapes):
        axis = node.attributes.get("axis", 0) % len(shapes[0])
        indices = self.needed(node, 1, "indices")
        return [[*shapes[0][:axis], *indices.shape, *shapes[0][axis + 1 :]]]

    def infer_Compress(self, node, shapes):
        if "axis" not in node.attributes:
            raise ConversionError(f"{node} of all axes at once is not supported")
        axis = node.attributes["axis"] % len(shapes[0])
        return [[*shapes[0][:axis], len(self.compressed(node)), *shapes[0][axis + 1 :]]]

    def compressed(self, node):
        """The places that a Compress keeps."""
        return numpy.flatnonzero(self.needed(node, 1, "condition"))

    def infer_GatherND(self, node, shapes):
        """Where it picks along one axis alone, as torch's exporter writes it."""
        axis, indices = self.picked(node)
        return [[*shapes[0][:axis], len(indices), *shapes[0][axis + 1 :]]]

    def picked(self, node):
        """The axis of a GatherND and its places on it."""
        indices, axis = self.needed(node, 1, "indices"), node.attributes.get("batch_dims", 0)
        if axis or indices.ndim != 2 or indices.shape[1] != 1:
            raise ConversionError(f"{node} picks along several axes, which is not supported")
        return axis, indices.reshape(-1)

    def infer_Tile(self, node, shapes):
        return [[extent * int(count) for extent, count in zip(shapes[0], self.needed(node, 1, "repeats").reshape(-1))]]

    def infer_Expand(self, node, shapes):
        return [self.expanded(node, shapes[0])]

    def infer_Pad(self, node, shapes):
        pads = self.pads(node, len(shapes[0]))
        return [[extent + before + after for extent, (before, after) in zip(shapes[0], pads)]]

    def infer_Resize(self, node, shapes):
        return [resized(self, node, shapes[0])]

    infer_Upsample = infer_Resize

    def infer_DepthToSpace(self, node, shapes):
        n, c, h, w = shapes[0]
        block = node.attributes["blocksize"]
        return [[n, c // block**2, h * block, w * block]]

    def infer_SpaceToDepth(self, node, shapes):
        n, c, h, w = shapes[0]
        block = node.attributes["blocksize"]
        return [[n, c * block**2, h // block, w // block]]


def plain_number(item):
    """A number of Python's; a float32 is the decimal number that was meant."""
    return shortest(item) if item.dtype == numpy.float32 else item.item()


def resized(folder, node, shape):
    """The shape after a Resize, from its sizes or its factors."""
    old = node.op == "Upsample" or folder.opset < 11
    sizes = None if old else folder.option(node, "sizes", 3)
    axes = [int(axis) % len(shape) for axis in node.attributes.get("axes") or range(len(shape))]
    result = list(shape)
    if sizes:
        if node.attributes.get("keep_aspect_ratio_policy", "stretch") != "stretch":
            raise ConversionError(f"{node} keeps the proportions, which is not supported")
        for axis, extent in zip(axes, sizes):
            result[axis] = int(extent)
        return result
    scales = folder.option(node, "scales", 1 if old else 2)
    for axis, scale in zip(axes, scales):
        result[axis] = math.floor(shape[axis] * scale + 1e-6)
    return result


def fold(file, shapes):
    """The nodes that depend on the inputs, the constants, and the shapes of all values."""
    folder = Folder(file, shapes)
    folder.run(file.graph.nodes)
    return folder
