"""Translates the nodes of a folded ONNX graph into those of a graph card."""


import numpy

from .errors import ConversionError
from .graph_card import CardGraph, window
from .views import BATCH, Arranger, View, fresh, joined, size, unify

UNARY = {
    "Relu": "relu", "Relu6": "relu6", "Swish": "silu", "Sigmoid": "sigmoid", "Tanh": "tanh", "HardSwish": "hard_swish",
    "Erf": "erf", "Softplus": "softplus", "Exp": "exponential", "Log": "logarithm", "Sqrt": "square_root", "Abs": "absolute",
}  # fmt: skip
BINARY = {"Add": "add", "Sub": "subtract", "Mul": "multiply", "Div": "divide", "Max": "maximum", "Min": "minimum", "Sum": "add"}
SHAPES = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Expand", "DepthToSpace", "SpaceToDepth"}
SWAPPED = ("add", "multiply", "maximum", "minimum")
SHORTEST = 1e-12  # a vector that is shorter is zero, and stays so when it is divided by its length
MIRRORED = 64  # rows or columns of a border that repeats what is inside
FEW_PARTS = 8  # of the channels, which are summed as slices


def outer(one, other):
    """The axes of a result of two views, each the longer one."""
    return [a if joined([a]) or BATCH in a else b for a, b in zip(one.axes, other.axes)]


class Translator:
    """Translates node by node; every value of ONNX is a view of a value of the card."""

    def __init__(self, folder, names, final):
        self.folder = folder
        self.constants = folder.constants
        self.names = names  # id of a node → readable name
        self.final = final  # the name of the logits
        self.views = {}
        self.graph = None
        self.users = {}
        for node in folder.nodes:
            for name in node.inputs:
                self.users.setdefault(name, []).append(node)

    def start(self, name, shape, channel_axis):
        """The network's input of this shape in the source, whose channels lie on the given axis."""
        rows, columns = [axis for axis in range(1, 4) if axis != channel_axis]
        axes = [(BATCH,), *(fresh(extent) for extent in shape[1:])]
        order = [rows, columns, channel_axis]
        self.graph = CardGraph(tuple(shape[axis] for axis in order))
        self.arranger = Arranger(self.graph)
        self.views[name] = View("input", axes, [axes[axis] for axis in order])

    def run(self, nodes):
        for node in nodes:
            if node.op == "MatMul" and self.attends(node):  # Whatever else there is, this is what the network is refused for.
                raise ConversionError(f"{node} of two values that depend on the picture (attention) is not supported")
        for node in nodes:
            method = getattr(self, f"op_{node.op}", None)
            if node.op in UNARY:
                view = self.unary(node, UNARY[node.op])
            elif node.op in BINARY:
                view = self.several(node, BINARY[node.op])
            elif method is None:
                raise ConversionError(f"{node} is not supported")
            else:
                view = method(node)
            found = view if isinstance(view, list) else [view]
            for output, item in zip(node.outputs, found):
                if item is None:
                    continue
                self.views[output] = item
                if item.value != "input" and node.op not in SHAPES:
                    self.graph.aliases.setdefault(output, item.value)

    def logits(self, name):
        """The name of the value [N, K] that a value of ONNX is."""
        view = self.views[name]
        if BATCH not in view.axes[0] or len(view.axes[0]) > 1 or sum(1 for axis in view.axes[1:] if axis) > 1:
            raise ConversionError(f"the output {name} has the shape {list(view.shape)}: a classifier's has one axis of labels")
        return self.arranger.arrange(view, [tuple(joined(view.axes))], "logits.flat")

    # Reading inputs.

    def view(self, node, position=0):
        name = node.inputs[position]
        if name not in self.views:
            raise ConversionError(f"{node}: its input {name!r} is a constant, which is not supported there")
        return self.views[name]

    def constant(self, node, position, what="weight"):
        value = self.optional(node, position)
        if value is None:
            raise ConversionError(f"{node} has no {what}")
        return value

    def optional(self, node, position):
        value = self.folder.optional(node, position)
        if value is None:
            return None
        if value.dtype.kind not in "fiu":
            raise ConversionError(f"{node}: its input {node.inputs[position]!r} is not of numbers")
        return value.astype("float32")

    def name(self, node):
        return self.names[id(node)]

    def emit(self, node, primitive, inputs, shape, /, **attributes):
        return self.graph.append(self.name(node), primitive, inputs, shape, **attributes)

    def arrange(self, view, wanted, node):
        return self.arranger.arrange(view, wanted, self.name(node))

    @staticmethod
    def batched(view, node):
        if tuple(view.axes[0]) != (BATCH,):
            raise ConversionError(f"{node} mixes pictures of a batch, which is not supported")

    def image(self, view, node):
        """The value [N, H, W, C] of a view with channels first; of one spatial axis the width is 1."""
        self.batched(view, node)
        if len(view.axes) not in (3, 4):
            raise ConversionError(f"{node} of a tensor of {len(view.axes)} axes is not supported")
        rows, columns = view.axes[2], view.axes[3] if len(view.axes) == 4 else ()
        return self.arrange(view, [rows, columns, view.axes[1]], node)

    @staticmethod
    def image_view(value, extents, rank):
        """The view with channels first of a value of these rows, columns and channels."""
        rows, columns, channels = (fresh(extent) for extent in extents)
        axes = [(BATCH,), channels, rows, columns][:rank]
        return View(value, axes, [rows, columns, channels])

    # One value.

    def unary(self, node, primitive, /, **attributes):
        view = self.view(node)
        return view.with_value(self.emit(node, primitive, [view.value], self.graph.shapes[view.value], **attributes))

    def op_HardSigmoid(self, node):
        return self.unary(node, "hard_sigmoid", slope=node.attributes["alpha"], offset=node.attributes["beta"])

    def op_Gelu(self, node):
        return self.unary(node, "gelu", approximation="tanh" if node.attributes.get("approximate") == "tanh" else None)

    def op_QuickGelu(self, node):
        """x · sigmoid(alpha · x), which is silu(alpha · x) / alpha."""
        alpha = node.attributes["alpha"]
        if alpha == 0:
            return self.scaled(self.view(node), 0.5, node)
        view = self.scaled(self.view(node), alpha, node)
        return self.scaled(self.unary_of(node, view, "silu"), 1 / alpha, node)

    def op_Elu(self, node):
        return self.unary(node, "elu", alpha=node.attributes.get("alpha", 1.0))

    def op_Celu(self, node):
        alpha = node.attributes.get("alpha", 1.0)
        if alpha == 1:
            return self.unary(node, "elu", alpha=1.0)
        if alpha <= 0:
            raise ConversionError(f"{node} with alpha {alpha} is not supported")
        view = self.scaled(self.view(node), 1 / alpha, node)
        return self.scaled(self.unary_of(node, view, "elu", alpha=1.0), alpha, node)

    def op_LeakyRelu(self, node):
        return self.unary(node, "leaky_relu", slope=node.attributes.get("alpha", 0.01))

    def op_Selu(self, node):
        alpha = node.attributes.get("alpha", 1.6732632423543772)
        view = self.unary(node, "elu", alpha=alpha)
        return self.scaled(view, node.attributes.get("gamma", 1.0507009873554805), node)

    def op_Mish(self, node):
        view = self.view(node)
        shape = self.graph.shapes[view.value]
        value = self.emit(node, "softplus", [view.value], shape)
        value = self.emit(node, "tanh", [value], shape)
        return view.with_value(self.emit(node, "multiply", [view.value, value], shape))

    def op_Clip(self, node):
        low, high = self.folder.bounds(node)
        if low == 0 and high is None:
            return self.unary(node, "relu")
        if low is None and high is None:
            return self.view(node)
        return self.unary(node, "clip", low=low, high=high)

    def op_Neg(self, node):
        return self.scaled(self.view(node), -1.0, node)

    def op_Reciprocal(self, node):
        view = self.view(node)
        one = self.graph.tensor(f"{self.name(node)}.constant", [1.0])
        return view.with_value(self.emit(node, "divide", [one, view.value], self.graph.shapes[view.value]))

    def op_Pow(self, node):
        exponent = self.constant(node, 1, "exponent")
        if exponent.size != 1:
            raise ConversionError(f"{node} with {exponent.size} exponents is not supported")
        return self.unary(node, "power", exponent=float(exponent.reshape(-1)[0]))

    def scaled(self, view, factor, node):
        shape = self.graph.shapes[view.value]
        constant = self.graph.tensor(f"{self.name(node)}.constant", [factor])
        return view.with_value(self.emit(node, "multiply", [view.value, constant], shape))

    def op_PRelu(self, node):
        view, slope = self.view(node), self.constant(node, 1, "slope")
        if slope.size == 1:
            return self.unary(node, "leaky_relu", slope=float(slope.reshape(-1)[0]))
        view = self.channels_last(view, slope.ndim == 1 and len(view.axes) == 2 and 1 or self.only_axis(view, slope, node), node)
        slope = self.graph.tensor(f"{self.name(node)}.weight", slope.reshape(-1))
        return view.with_value(self.emit(node, "prelu", [view.value, slope], self.graph.shapes[view.value]))

    @staticmethod
    def only_axis(view, constant, node):
        """The one axis along which a constant has more than one number."""
        axes = [axis + len(view.axes) - constant.ndim for axis, extent in enumerate(constant.shape) if extent > 1]
        if len(axes) != 1:
            raise ConversionError(f"{node} with a constant of shape {list(constant.shape)} is not supported")
        return axes[0]

    def channels_last(self, view, axis, node):
        """The view over a value whose last axis is one axis of the source."""
        last = tuple(view.axes[axis])
        if view.base and view.base[-1] == last:
            return view
        rest = [tuple(a for a in part if a not in last) for part in view.base]
        if len(view.base) > 1 and not joined([part for part, old in zip(rest, view.base) if part != old]):
            rest.remove(())  # The axis that moves leaves no hole.
        base = [*rest, last]
        return View(self.arrange(view, base, node), view.axes, base)

    # Two values.

    def several(self, node, primitive):
        """Arithmetic of two or more values, of which one may be a constant."""
        result, at = None, 0
        while at < len(node.inputs):
            name = node.inputs[at]
            one = self.views.get(name)
            if one is None:
                one = self.constant(node, at, "constant")
            result = one if result is None else self.pair(node, primitive, result, one)
            at += 1
        return result

    def op_Mean(self, node):
        total = self.several(node, "add")
        if not isinstance(total, View):
            raise ConversionError(f"{node} of constants is not supported")
        return self.scaled(total, 1 / len(node.inputs), node)

    def pair(self, node, primitive, one, other):
        if isinstance(one, View) and isinstance(other, View):
            return self.two_views(node, primitive, one, other)
        if isinstance(one, View):
            return self.with_constant(node, primitive, one, other)
        if primitive in SWAPPED:
            return self.with_constant(node, primitive, other, one)
        view, constant = self.aligned(node, other, one)
        return view.with_value(self.emit(node, primitive, [constant, view.value], tuple(map(size, view.base))))

    def with_constant(self, node, primitive, view, constant):
        """Subtraction and division become addition and multiplication where the constant is one number for a channel."""
        if primitive in ("maximum", "minimum") and constant.size == 1:
            bound = float(constant.reshape(-1)[0])
            if primitive == "maximum" and bound == 0:
                return self.unary_of(node, view, "relu")
            return self.unary_of(node, view, "clip", **{"low" if primitive == "maximum" else "high": bound})
        if primitive == "subtract":
            primitive, constant = "add", -constant
        elif primitive == "divide":
            if not constant.all():
                raise ConversionError(f"{node} divides by zero")
            primitive, constant = "multiply", (1 / constant.astype("float64")).astype("float32")
        view, tensor = self.aligned(node, view, constant)
        return view.with_value(self.emit(node, primitive, [view.value, tensor], tuple(map(size, view.base))))

    def unary_of(self, node, view, primitive, /, **attributes):
        return view.with_value(self.emit(node, primitive, [view.value], self.graph.shapes[view.value], **attributes))

    def aligned(self, node, view, constant):
        """A tensor that broadcasts with the view's value as a constant does with the source's tensor; the view of the result."""
        wanted = f"{self.name(node)}.constant"
        if constant.size == 1 and constant.ndim <= len(view.axes):
            return view, self.graph.tensor(wanted, constant.reshape(1))
        view = self.widened(node, view, constant.shape)
        shape = (1,) * (len(view.axes) - constant.ndim) + constant.shape
        fits = all(extent in (1, size(axis)) for extent, axis in zip(shape, view.axes))
        if len(shape) != len(view.axes) or not fits:
            raise ConversionError(f"{node}: a constant of shape {list(constant.shape)} for {list(view.shape)} is not supported")
        atoms = joined(view.axes)
        split = [a.size if extent > 1 else 1 for extent, axis in zip(shape, view.axes) for a in axis if a is not BATCH]
        order = [atoms.index(atom) for atom in joined(view.base)]
        value = constant.reshape(split).transpose(order)
        extents, at = [], 0
        pieces = []
        for axis in view.base:
            part = value.shape[at : at + len(axis)]
            at += len(axis)
            whole = size(axis) if any(extent > 1 for extent in part) else 1
            pieces += [atom.size if whole > 1 else 1 for atom in axis]
            extents.append(whole)
        value = numpy.broadcast_to(value, pieces).reshape(extents)
        while value.ndim > 1 and value.shape[0] == 1:
            value = value.reshape(value.shape[1:])
        if value.ndim == len(view.base) and len(view.base) > 0 and value.ndim > 1:
            value = value[None]  # The batch.
        return view, self.graph.tensor(wanted, value)

    def widened(self, node, view, shape):
        """A view with room for the axes that are 1 and longer in a constant of this shape: the last axes of its value."""
        axes = [()] * (len(shape) - len(view.axes)) + view.axes
        shape = (1,) * (len(axes) - len(shape)) + tuple(shape)
        new = {index: fresh(extent) for index, (axis, extent) in enumerate(zip(axes, shape)) if not axis and extent > 1}
        if not new or BATCH not in axes[0]:
            return view
        x = self.arrange(view, [*view.base, *[()] * len(new)], node)
        return View(x, [new.get(index, axis) for index, axis in enumerate(axes)], [*view.base, *new.values()])

    def two_views(self, node, primitive, one, other):
        rank = max(len(one.axes), len(other.axes))
        one, other = (view.with_axes([()] * (rank - len(view.axes)) + view.axes) for view in (one, other))
        if any((BATCH in a) != (BATCH in b) for a, b in zip(one.axes, other.axes)):
            raise ConversionError(f"{node} mixes pictures of a batch, which is not supported")
        one, other = unify(one, other, node)
        axes = outer(one, other)
        atoms = set(joined(axes))
        first = max((one, other), key=lambda view: (len(joined(view.axes)) == len(atoms), size(joined(view.axes))))
        if set(joined(first.axes)) == atoms:
            layout = first.base
        elif rank == 4:
            layout = [axes[2], axes[3], axes[1]]
        else:
            layout = axes[1:]
        layout = self.even(layout, [set(joined(view.axes)) for view in (one, other)])
        values = []
        for view in (one, other):
            own = set(joined(view.axes))
            values.append(self.arrange(view, [tuple(atom for atom in axis if atom in own) for axis in layout], node))
        value = self.emit(node, primitive, values, tuple(size(axis) for axis in layout))
        return View(value, axes, layout)

    @staticmethod
    def even(layout, owners):
        """The layout with axes split where one of the two has a part of them only."""
        result = []
        for axis in layout:
            groups = []
            for atom in axis:
                kind = tuple(atom in own for own in owners)
                if groups and groups[-1][0] == kind:
                    groups[-1][1].append(atom)
                else:
                    groups.append((kind, [atom]))
            result += [tuple(atoms) for _, atoms in groups] or [()]
        return result

    # Weights.

    def window(self, node, view, kernel):
        shape = view.shape
        strides, dilations, begins, ends, extents = self.folder.window(node, shape, list(kernel))
        return strides, dilations, begins, ends, extents

    @staticmethod
    def two(values, filler):
        """Numbers of rows and columns; of one axis the columns have the filler."""
        return [*values, filler][:2]

    def op_Conv(self, node):
        view, weight, bias = self.view(node), self.constant(node, 1), self.optional(node, 2)
        if weight.ndim not in (3, 4):
            raise ConversionError(f"{node} of {weight.ndim - 2} axes is not supported")
        strides, dilations, begins, ends, extents = self.window(node, view, weight.shape[2:])
        x = self.image(view, node)
        options = window(
            self.two(weight.shape[2:], 1), self.two(strides, 1),
            [*self.two(begins, 0), *self.two(ends, 0)], self.two(dilations, 1),
        )  # fmt: skip
        options["groups"] = node.attributes.get("group", 1)
        shape = (*self.two(extents, 1), weight.shape[0])
        weight = weight if weight.ndim == 4 else weight[..., None]
        return self.image_view(self.graph.convolution(self.name(node), x, weight, bias, shape, options), shape, len(view.axes))

    def op_Gemm(self, node):
        weight = self.constant(node, 1) * node.attributes.get("alpha", 1.0)
        weight = weight if node.attributes.get("transB") else weight.T
        bias = self.optional(node, 2)
        if bias is not None:
            bias = numpy.broadcast_to(bias * node.attributes.get("beta", 1.0), (1, len(weight))).reshape(-1)
        return self.linear(node, weight, bias)

    def op_MatMul(self, node):
        if node.inputs[0] in self.constants:
            raise ConversionError(f"{node} of a constant and a value is not supported")
        if node.inputs[1] not in self.constants:
            return self.weighted_sum(node, self.view(node), self.view(node, 1))
        weight = self.constant(node, 1)
        if weight.ndim != 2:
            raise ConversionError(f"{node} with a weight of {weight.ndim} axes is not supported")
        return self.linear(node, weight.T, None)

    def attends(self, node):
        """Whether a product is one of matrices that both depend on the picture."""
        if any(name in self.constants for name in node.inputs):
            return False
        one, other = (self.folder.shapes[name] for name in node.inputs)
        return min(len(one), len(other)) < 3 or one[-2] > 1 and other[-1] > 1

    def weighted_sum(self, node, one, other):
        """A matrix times a vector, both of which depend on the picture, as GCNet has it: a product and a sum."""
        if not one.axes[-2]:
            one, axis, kept = one.with_axes([*one.axes[:-2], one.axes[-1], one.axes[-2]]), len(other.axes) - 2, other
        else:
            other, axis, kept = other.with_axes([*other.axes[:-2], other.axes[-1], other.axes[-2]]), len(one.axes) - 1, one
        product = self.two_views(node, "multiply", one, other)
        return self.reduced(node, product, [axis + len(product.axes) - len(kept.axes)], "sum")

    def linear(self, node, weight, bias):
        """A matrix over the last axis, [O, I]; over more than one vector it is a convolution of 1×1."""
        view = self.view(node)
        self.batched(view, node)
        name, last = self.name(node), tuple(view.axes[-1])
        if weight.shape[1] != size(last):
            raise ConversionError(f"{node}: its weight takes {weight.shape[1]} features, there are {size(last)}")
        if len(view.axes) == 2:
            if len(view.base) == 3 and list(last) == joined(view.base) and len([axis for axis in view.base if axis]) > 1:
                # A map that was flattened with its channels last: the weight's columns are brought to channels first.
                grid = numpy.arange(size(last)).reshape([size(axis) for axis in view.base])
                weight = weight[:, grid.transpose(2, 0, 1).reshape(-1)]
                x = self.graph.append(f"{name}.flatten", "flatten_channels_first", [view.value], (size(last),))
            else:
                x = self.arrange(view, [last], node)
            output = fresh(len(weight))
            return View(self.graph.dense(name, x, weight, bias), [(BATCH,), output], [output])
        output = fresh(len(weight))
        if len(view.base) == 3 and view.base[-1] == last:
            base = view.base[:-1]
        else:
            base = [tuple(joined(view.axes[1:-2])), tuple(view.axes[-2])] if len(view.axes) > 3 else [tuple(view.axes[1]), ()]
        x = self.arrange(view, [*base, last], node)
        shape = (*(size(axis) for axis in base), len(weight))
        value = self.graph.convolution(name, x, weight[:, :, None, None], bias, shape, window([1, 1]))
        return View(value, [*view.axes[:-1], output], [*base, output])

    # Norms.

    def op_BatchNormalization(self, node):
        if node.attributes.get("spatial", 1) != 1:
            raise ConversionError(f"{node} has statistics for each place, which is not supported")
        # Before opset 14 a norm that gives its statistics is one that computes them.
        if node.attributes.get("training_mode") or self.folder.opset < 14 and any(node.outputs[1:]):
            raise ConversionError(f"{node} is in training mode: export the model in evaluation mode")
        view = self.view(node)
        self.batched(view, node)
        parts = [self.constant(node, i, "statistics") for i in range(1, 5)]
        if any(part.shape != (view.shape[1],) for part in parts):
            raise ConversionError(f"{node}: its statistics do not fit {view.shape[1]} channels")
        view = self.channels_last(view, 1, node)
        parts = dict(zip(("weight", "bias", "running_mean", "running_var"), parts))
        epsilon = node.attributes.get("epsilon", 1e-5)
        return view.with_value(self.graph.batch_norm(self.name(node), view.value, parts, epsilon))

    def op_LayerNormalization(self, node):
        view = self.view(node)
        axis = node.attributes.get("axis", -1) % len(view.axes)
        if axis != len(view.axes) - 1:
            return self.over_axes(node, view, range(axis, len(view.axes)))
        view = self.channels_last(view, axis, node)
        channels = view.shape[axis]
        scale = self.optional(node, 1) if len(node.inputs) > 1 else None
        offset = self.optional(node, 2) if len(node.inputs) > 2 else None
        name = self.name(node)
        inputs = [
            view.value,
            self.graph.tensor(f"{name}.weight", numpy.ones(channels) if scale is None else scale.reshape(-1)),
            self.graph.tensor(f"{name}.bias", numpy.zeros(channels) if offset is None else offset.reshape(-1)),
        ]
        shape = self.graph.shapes[view.value]
        epsilon = node.attributes.get("epsilon", 1e-5)
        return view.with_value(self.emit(node, "layer_normalization", inputs, shape, epsilon=epsilon))

    def over_axes(self, node, view, axes):
        """Normalisation over several axes, by its definition, and then a scale and an offset."""
        view = self.standardised(node, view, list(axes), node.attributes.get("epsilon", 1e-5))
        for position, primitive in ((1, "multiply"), (2, "add")):
            constant = self.optional(node, position) if len(node.inputs) > position else None
            if constant is not None:
                view = self.with_constant(node, primitive, view, constant)
        return view

    def standardised(self, node, view, axes, epsilon):
        mean = self.reduced(node, view, axes, "mean")
        centred = self.two_views(node, "subtract", view, mean)
        square = self.two_views(node, "multiply", centred, centred)
        variance = self.with_constant(node, "add", self.reduced(node, square, axes, "mean"), numpy.float32([epsilon]))
        return self.two_views(node, "divide", centred, self.unary_of(node, variance, "square_root"))

    def op_InstanceNormalization(self, node):
        view = self.view(node)
        result = self.standardised(node, view, list(range(2, len(view.axes))), node.attributes.get("epsilon", 1e-5))
        for position, primitive in ((1, "multiply"), (2, "add")):
            constant = self.constant(node, position).reshape([-1] + [1] * (len(view.axes) - 2))
            result = self.with_constant(node, primitive, result, constant)
        return result

    def op_GroupNormalization(self, node):
        view, groups = self.view(node), node.attributes["num_groups"]
        shape = view.shape
        split = view.reshaped([shape[0], groups, shape[1] // groups, *shape[2:]])
        result = self.standardised(node, split, list(range(2, len(split.axes))), node.attributes.get("epsilon", 1e-5))
        result = result.with_axes([result.axes[0], result.axes[1] + result.axes[2], *result.axes[3:]])
        for position, primitive in ((1, "multiply"), (2, "add")):
            constant = self.constant(node, position)
            if constant.size == groups:
                constant = numpy.repeat(constant, shape[1] // groups)
            result = self.with_constant(node, primitive, result, constant.reshape([-1] + [1] * (len(shape) - 2)))
        return result

    def op_LRN(self, node):
        """x / (bias + alpha / size · Σ x²)^beta, the sum over neighbouring channels, as a convolution of the squares."""
        view = self.view(node)
        x = self.image(view, node)
        shape, attributes, name = self.graph.shapes[x], node.attributes, self.name(node)
        channels, width = shape[-1], attributes["size"]
        index = numpy.arange(channels)
        near = index[None] - index[:, None]
        near = (near >= -((width - 1) // 2)) & (near <= width // 2)
        weight = near.astype("float32")[:, :, None, None] * (attributes.get("alpha", 1e-4) / width)
        square = self.emit(node, "multiply", [x, x], shape)
        bias = numpy.full(channels, attributes.get("bias", 1.0))
        total = self.graph.convolution(f"{name}.sum", square, weight, bias, shape, window([1, 1]))
        total = self.emit(node, "power", [total], shape, exponent=attributes.get("beta", 0.75))
        return self.image_view(self.emit(node, "divide", [x, total], shape), shape, len(view.axes))

    def op_LpNormalization(self, node):
        view = self.view(node)
        axis = node.attributes.get("axis", -1) % len(view.axes)
        order = node.attributes.get("p", 2)
        if order not in (1, 2):
            raise ConversionError(f"{node} of order {order} is not supported")
        if order == 2:
            length = self.length(node, view, [axis], SHORTEST**2)
        else:
            length = self.reduced(node, self.unary_of(node, view, "absolute"), [axis], "sum")
            length = self.unary_of(node, length, "clip", low=SHORTEST)
        return self.two_views(node, "divide", view, length)

    def length(self, node, view, axes, least=None):
        """The root of the sum of squares, which is at least `least`."""
        total = self.reduced(node, self.two_views(node, "multiply", view, view), axes, "sum")
        total = total if least is None else self.unary_of(node, total, "clip", low=least)
        return self.unary_of(node, total, "square_root")

    def softmax(self, node, primitive):
        view = self.view(node)
        axis = node.attributes.get("axis", -1 if self.folder.opset >= 13 else 1) % len(view.axes)
        if self.folder.opset < 13 and any(extent > 1 for extent in view.shape[axis + 1 :]):
            raise ConversionError(f"{node} over several axes at once is not supported")
        if not view.axes[axis]:  # Over one number it is 1, whatever that is.
            nothing = self.scaled(view, 0.0, node)
            return nothing if primitive == "log_softmax" else self.with_constant(node, "add", nothing, numpy.ones(1, "float32"))
        view = self.channels_last(view, axis, node)
        return view.with_value(self.emit(node, primitive, [view.value], self.graph.shapes[view.value]))

    def op_Softmax(self, node):
        return self.softmax(node, "softmax")

    def op_LogSoftmax(self, node):
        return self.softmax(node, "log_softmax")

    # Pools and reductions.

    def pool_of(self, node, average):
        view, attributes = self.view(node), node.attributes
        if attributes.get("storage_order") or len(node.outputs) > 1 and node.outputs[1] in self.users:
            raise ConversionError(f"{node}: the places of its maxima are used, which is not supported")
        kernel = list(attributes["kernel_shape"])
        strides, dilations, begins, ends, extents = self.window(node, view, kernel)
        x = self.image(view, node)
        rows, columns, channels = self.graph.shapes[x]
        inside = (rows, columns)[: len(kernel)]
        # Ceil mode reaches beyond the padding: by so much at the end.
        beyond = [
            max(0, (count - 1) * stride + (k - 1) * d + 1 - (extent + begin + end))
            for count, stride, k, d, extent, begin, end in zip(extents, strides, kernel, dilations, inside, begins, ends)
        ]
        ends = [end + more for end, more in zip(ends, beyond)]
        padding = [*self.two(begins, 0), *self.two(ends, 0)]
        shape = (*self.two(extents, 1), channels)
        if kernel == list(inside) and not any(padding) and len(kernel) == 2:
            if average:
                return self.image_view(self.mean_of_map(node, x), shape, len(view.axes))
            return self.reduced(node, view, [2, 3], "max")
        options = window(self.two(kernel, 1), self.two(strides, 1), padding, self.two(dilations, 1))
        if average and any(padding) and attributes.get("count_include_pad"):
            options["counts_padding"] = True
            if any(beyond):
                options["uncounted"] = self.two(beyond, 0)
        value = self.emit(node, "average_pool" if average else "max_pool", [x], shape, **options)
        return self.image_view(value, shape, len(view.axes))

    def op_MaxPool(self, node):
        return self.pool_of(node, average=False)

    def op_AveragePool(self, node):
        return self.pool_of(node, average=True)

    def mean_of_map(self, node, x):
        return self.emit(node, "adaptive_average_pool", [x], (1, 1, self.graph.shapes[x][-1]), height=1, width=1)

    def op_GlobalAveragePool(self, node):
        view = self.view(node)
        x = self.image(view, node)
        return self.image_view(self.mean_of_map(node, x), (1, 1, self.graph.shapes[x][-1]), len(view.axes))

    def op_AdaptiveAveragePool(self, node):
        """torch's, which ONNX has no operator for."""
        view = self.view(node)
        x = self.image(view, node)
        rows, columns = node.attributes["size"]
        if [rows, columns] == list(self.graph.shapes[x][:2]):
            return view
        shape = (rows, columns, self.graph.shapes[x][-1])
        return self.image_view(self.emit(node, "adaptive_average_pool", [x], shape, height=rows, width=columns), shape, 4)

    def op_GlobalMaxPool(self, node):
        view = self.view(node)
        return self.reduced(node, view, list(range(2, len(view.axes))), "max")

    def reduction(self, node, kind):
        view = self.view(node)
        axes, keep = self.folder.reduction(node, len(view.axes))
        if kind == "length":
            view = self.length(node, view, axes)
        elif kind == "min":
            view = self.scaled(self.reduced(node, self.scaled(view, -1.0, node), axes, "max"), -1.0, node)
        else:
            view = self.reduced(node, view, axes, kind)
        return view if keep else view.with_axes([axis for index, axis in enumerate(view.axes) if index not in axes])

    def op_ReduceMean(self, node):
        return self.reduction(node, "mean")

    def op_ReduceSum(self, node):
        return self.reduction(node, "sum")

    def op_ReduceMax(self, node):
        return self.reduction(node, "max")

    def op_ReduceMin(self, node):
        return self.reduction(node, "min")

    def op_ReduceL2(self, node):
        return self.reduction(node, "length")

    def op_ReduceSumSquare(self, node):
        view = self.view(node)
        axes, keep = self.folder.reduction(node, len(view.axes))
        view = self.reduced(node, self.two_views(node, "multiply", view, view), axes, "sum")
        return view if keep else view.with_axes([axis for index, axis in enumerate(view.axes) if index not in axes])

    def reduced(self, node, view, axes, kind):
        """The mean, sum or maximum over some axes, which stay as 1."""
        if any(BATCH in view.axes[axis] for axis in axes):
            raise ConversionError(f"{node} mixes pictures of a batch, which is not supported")
        gone = joined([view.axes[axis] for axis in axes])
        kept = [() if index in axes else axis for index, axis in enumerate(view.axes)]
        if not gone:
            return view.with_axes(kept)
        parts = self.parts_of_channels(view, gone)
        if parts:
            return self.over_parts(node, view, parts, kept, kind)
        owners = [set(gone)]
        base = self.even(view.base, owners)
        x = self.arrange(view, base, node)
        numbers = [index for index, axis in enumerate(base) if axis and axis[0] in owners[0]]
        left = [() if index in numbers else axis for index, axis in enumerate(base)]
        whole = len(base) == 3 and set(numbers) >= {index for index in (0, 1) if base[index]} and 2 not in numbers
        if whole and kind == "mean":
            return View(self.mean_of_map(node, x), kept, left)
        if whole:
            numbers = [0, 1]
        shape = tuple(size(axis) for axis in left)
        primitive = {"mean": "mean", "sum": "sum", "max": "reduce_max"}[kind]
        value = self.emit(node, primitive, [x], shape, axes=[index + 1 for index in numbers], keeps_dimensions=True)
        return View(value, kept, left)

    @staticmethod
    def parts_of_channels(view, gone):
        """The number of parts where the atoms that go are the first ones of the last axis, and few; else 0."""
        last = list(view.base[-1]) if view.base else []
        count = size(gone)
        leading = last[: len(gone)]
        if len(last) > len(gone) and set(leading) == set(gone) and count <= FEW_PARTS:
            return count
        return 0

    def over_parts(self, node, view, parts, kept, kind):
        """A reduction over parts of the channels: slices, which are added or compared."""
        shape = self.graph.shapes[view.value]
        each = shape[-1] // parts
        shape = (*shape[:-1], each)
        primitive = "maximum" if kind == "max" else "add"
        name, result = self.name(node), None
        for part in range(parts):
            one = self.graph.append(
                f"{name}.slice", "slice", [view.value], shape, axis=len(shape), start=part * each, end=(part + 1) * each
            )
            result = one if result is None else self.emit(node, primitive, [result, one], shape)
        gone = view.base[-1][: len(view.base[-1]) - len(self.tail(view.base[-1], each))]
        base = [*view.base[:-1], tuple(atom for atom in view.base[-1] if atom not in gone)]
        found = View(result, kept, base)
        return self.scaled(found, 1 / parts, node) if kind == "mean" else found

    @staticmethod
    def tail(axis, extent):
        """The last atoms of an axis that have this extent together."""
        at = len(axis)
        while size(axis[at:]) < extent:
            at -= 1
        return axis[at:]

    # Slices and joins.

    def sliced(self, node, view, axis, start, end, step=1):
        """A part of one axis."""
        extent = view.shape[axis]
        count = len(range(start, end, step))
        if step < 1:
            raise ConversionError(f"{node} turns an axis around, which is not supported")
        if count == extent:
            return view
        if BATCH in view.axes[axis]:
            raise ConversionError(f"{node} takes pictures out of a batch, which is not supported")
        atoms = tuple(view.axes[axis])
        place, after = self.place(view, atoms)
        if place is None or step > 1 and after:
            kept = [tuple(a for a in part if a not in atoms) for part in view.base]
            if () in kept and () not in view.base:
                kept.remove(())
            base = [*kept, atoms]
            view = View(self.arrange(view, base, node), view.axes, base)
            place, after = len(base) - 1, ()
        rest = size(after)
        part = fresh(count)
        base = [*view.base[:place], (*part, *after), *view.base[place + 1 :]]
        last = start + (count - 1) * step + 1
        value = self.emit(
            node, "slice", [view.value], tuple(size(axis_) for axis_ in base),
            axis=place + 1, start=start * rest, end=last * rest, step=step if step > 1 else None,
        )  # fmt: skip
        axes = [*view.axes[:axis], part, *view.axes[axis + 1 :]]
        return View(value, axes, base)

    @staticmethod
    def place(view, atoms):
        """The axis of the value that begins with these atoms, and the atoms behind them there."""
        for index, axis in enumerate(view.base):
            if axis[: len(atoms)] == atoms and atoms:
                return index, axis[len(atoms) :]
        return None, ()

    def op_Slice(self, node):
        view = self.view(node)
        for axis, start, end, step in self.folder.slices(node, view.shape):
            if step < 0 and BATCH not in view.axes[axis]:
                view = self.runs(node, view, axis, numpy.arange(start, end, step))
            else:
                view = self.sliced(node, view, axis, start, end, step)
        return view

    def op_Split(self, node):
        view = self.view(node)
        axis, sizes = self.folder.splits(node, view.shape)
        result, start = [], 0
        for output, extent in zip(node.outputs, sizes):
            used = output in self.users or output == self.final
            result.append(self.sliced(node, view, axis, start, start + extent) if used else None)
            start += extent
        return result

    def op_Gather(self, node):
        view, indices = self.view(node), self.folder.needed(node, 1, "indices")
        axis = node.attributes.get("axis", 0) % len(view.axes)
        extent = view.shape[axis]
        flat = [int(index) % extent for index in indices.reshape(-1)]
        if not flat:
            raise ConversionError(f"{node} picks nothing")
        if indices.ndim > 1 and len(view.axes) == 1 and flat == list(range(extent)):
            return self.in_shape(node, indices.shape)
        if indices.ndim > 1:
            raise ConversionError(f"{node} with indices of {indices.ndim} axes is not supported")
        if flat == list(range(flat[0], flat[0] + len(flat))):
            view = self.sliced(node, view, axis, flat[0], flat[-1] + 1)
        else:
            view = self.picked(node, view, axis, flat)
        return view if indices.ndim else view.with_axes([a for index, a in enumerate(view.axes) if index != axis])

    def op_Compress(self, node):
        view = self.view(node)
        return self.runs(node, view, node.attributes["axis"] % len(view.axes), self.folder.compressed(node))

    def op_GatherND(self, node):
        view = self.view(node)
        axis, indices = self.folder.picked(node)
        return self.picked(node, view, axis, [int(index) % view.shape[axis] for index in indices])

    def picked(self, node, view, axis, places):
        """Channels or features in any order, as a matrix of ones and zeros."""
        if axis == 1 and len(view.axes) == 4:
            return self.selected(node, view, places)
        last, count = tuple(view.axes[axis]), view.shape[axis]
        if not last or BATCH in last:
            raise ConversionError(f"{node} picks places in any order, which is not supported")
        if not view.base or view.base[-1] != last or len(view.base) not in (1, 3):
            return self.runs(node, view, axis, numpy.array(places))
        weight = numpy.eye(count, dtype="float32")[places]
        if len(view.base) == 1:
            value = self.graph.dense(self.name(node), view.value, weight, None)
        else:
            shape = (*self.graph.shapes[view.value][:2], len(places))
            value = self.graph.convolution(self.name(node), view.value, weight[:, :, None, None], None, shape, window([1, 1]))
        part = fresh(len(places))
        return View(value, [part if index == axis else atoms for index, atoms in enumerate(view.axes)], [*view.base[:-1], part])

    def op_Tile(self, node):
        """Copies side by side, where one axis is repeated."""
        repeats = [int(count) for count in self.folder.needed(node, 1, "repeats").reshape(-1)]
        axes = [axis for axis, count in enumerate(repeats) if count > 1]
        if not any(self.view(node).axes[axis] for axis in axes):
            return self.op_Expand(node)
        if len(axes) != 1 or repeats[axes[0]] > FEW_PARTS:
            raise ConversionError(f"{node} repeats by {repeats}, which is not supported")
        return self.joined_views(node, [self.view(node)] * repeats[axes[0]], axes[0])

    def selected(self, node, view, channels):
        """Channels in any order, −1 for zeros, as a convolution of ones and zeros."""
        x = self.image(view, node)
        rows, columns, count = self.graph.shapes[x]
        weight = numpy.zeros((len(channels), count, 1, 1), "float32")
        for to, of in enumerate(channels):
            if of >= 0:
                weight[to, of] = 1
        shape = (rows, columns, len(channels))
        return self.image_view(self.graph.convolution(self.name(node), x, weight, None, shape, window([1, 1])), shape, 4)

    def op_Concat(self, node):
        views = [self.view(node, position) for position in range(len(node.inputs))]
        return self.joined_views(node, views, node.attributes["axis"] % len(views[0].axes))

    def joined_views(self, node, views, axis):
        """Views one after the other along an axis."""
        if any(BATCH in view.axes[axis] for view in views):
            raise ConversionError(f"{node} joins pictures of a batch, which is not supported")
        for _ in range(2):
            for index in range(1, len(views)):
                views[0], views[index] = unify(views[0], views[index], node, skip=axis)
        first, own = views[0], tuple(views[0].axes[axis])
        base = list(first.base)
        if own and own in base:
            place = base.index(own)
        elif len(first.axes) == 4 and tuple(first.axes[0]) == (BATCH,):
            base = [first.axes[2], first.axes[3], first.axes[1]]
            place = {2: 0, 3: 1, 1: 2}[axis]
        else:
            base = [tuple(a for a in part if a not in own) for part in base]
            place = max(len(base) - 1, 0)
            base.insert(place, own)
        values = []
        for view in views:
            wanted = [view.axes[axis] if index == place else part for index, part in enumerate(base)]
            values.append(self.arrange(view, wanted, node))
        total = fresh(sum(view.shape[axis] for view in views))
        base[place] = total
        shape = tuple(size(part) for part in base)
        place = place + 1 - (len(base) + 1)
        value = self.emit(node, "concatenate", values, shape, axis=place if place != -1 else None)
        axes = [total if index == axis else part for index, part in enumerate(first.axes)]
        return View(value, axes, base)

    # Shapes.

    def op_Reshape(self, node):
        return self.in_shape(node, self.folder.shapes[node.output])

    op_Flatten = op_Reshape

    def in_shape(self, node, shape):
        view = self.view(node)
        found = view.reshaped(shape)
        if found is not None:
            return found
        self.batched(view, node)
        if shape[0] != 1:
            raise ConversionError(f"{node} mixes pictures of a batch, which is not supported")
        value = self.arrange(view, view.axes[1:], node)
        value = self.emit(node, "reshape", [value], shape[1:], shape=[0, *shape[1:]])
        base = [fresh(extent) for extent in shape[1:]]
        return View(value, [(BATCH,), *base], base)

    def op_Transpose(self, node):
        view = self.view(node)
        order = node.attributes.get("perm") or list(range(len(view.axes)))[::-1]
        return view.with_axes([view.axes[axis] for axis in order])

    def op_Squeeze(self, node):
        view = self.view(node)
        axes = self.folder.option(node, "axes", 1)
        if axes is None:
            axes = [axis for axis, atoms in enumerate(view.axes) if not atoms]
        axes = {int(axis) % len(view.axes) for axis in axes}
        if any(view.axes[axis] for axis in axes):
            raise ConversionError(f"{node} takes away the batch, which is not supported")
        return view.with_axes([atoms for axis, atoms in enumerate(view.axes) if axis not in axes])

    def op_Unsqueeze(self, node):
        view = self.view(node)
        axes = [int(axis) for axis in self.folder.option(node, "axes", 1)]
        rank = len(view.axes) + len(axes)
        axes, rest = {axis % rank for axis in axes}, iter(view.axes)
        return view.with_axes([() if axis in axes else next(rest) for axis in range(rank)])

    def op_Expand(self, node):
        """Repetition, which arithmetic does by itself; elsewhere zeros are added."""
        view, shape = self.view(node), self.folder.shapes[node.output]
        view = view.with_axes([()] * (len(shape) - len(view.axes)) + view.axes)
        users = self.users.get(node.output, ())
        if users and all(self.broadcasts(user, node.output, shape) for user in users):
            return view
        zeros = View("", [(BATCH,) if BATCH in axis else fresh(extent) for axis, extent in zip(view.axes, shape)], [])
        one, zeros = unify(view, zeros, node)
        axes = outer(one, zeros)
        layout = [axes[2], axes[3], axes[1]] if len(axes) == 4 else axes[1:]
        own = set(joined(one.axes))
        x = self.arrange(one, [tuple(atom for atom in axis if atom in own) for axis in layout], node)
        extents = tuple(size(axis) for axis in layout)
        tensor = self.graph.tensor(f"{self.name(node)}.constant", numpy.zeros((1, *extents)))
        return View(self.emit(node, "add", [x, tensor], extents), axes, layout)

    def broadcasts(self, user, name, shape):
        others = [self.folder.shapes.get(item) for item in user.inputs if item != name]
        return user.op in BINARY and any(other is not None and tuple(other) == tuple(shape) for other in others)

    def op_DepthToSpace(self, node):
        view, block = self.view(node), node.attributes["blocksize"]
        _, c, h, w = view.shape
        if node.attributes.get("mode", "DCR") == "DCR":
            split = view.reshaped([1, block, block, c // block**2, h, w])
            n, b1, b2, c1, h1, w1 = split.axes
        else:
            split = view.reshaped([1, c // block**2, block, block, h, w])
            n, c1, b1, b2, h1, w1 = split.axes
        return split.with_axes([n, c1, h1 + b1, w1 + b2])

    def op_SpaceToDepth(self, node):
        view, block = self.view(node), node.attributes["blocksize"]
        _, c, h, w = view.shape
        split = view.reshaped([1, c, h // block, block, w // block, block])
        n, c1, h1, b1, w1, b2 = split.axes
        return split.with_axes([n, b1 + b2 + c1, h1, w1])

    def op_Pad(self, node):
        view = self.view(node)
        mode = node.attributes.get("mode", "constant")
        pads = self.folder.pads(node, len(view.axes))
        for axis, (before, after) in enumerate(pads):
            if before < 0 or after < 0:  # What is cut off.
                view = self.sliced(node, view, axis, max(-before, 0), view.shape[axis] - max(-after, 0))
        pads = [(max(before, 0), max(after, 0)) for before, after in pads]
        if mode != "constant":
            return self.mirrored(node, view, mode, pads)
        value = float(self.folder.option(node, "value", 2, [0])[0] or 0)
        axes = [axis for axis, pair in enumerate(pads) if any(pair)]
        if not axes:
            return view
        if len(view.axes) != 4:
            raise ConversionError(f"{node} pads {pads}, which is not supported")
        channels = [axis for axis in axes if view.base[-1] and tuple(view.axes[axis]) == view.base[-1]]
        if channels:
            return self.padded_channels(node, view, pads, axes, value)
        return self.padded_map(node, view, pads, value)

    def mirrored(self, node, view, mode, pads):
        """A border that repeats what is inside: slices of it, side by side."""
        if mode not in ("reflect", "edge", "wrap"):
            raise ConversionError(f"{node} pads by {mode}, which is not supported")
        for axis, (before, after) in enumerate(pads):
            extent = view.shape[axis]
            if before + after > MIRRORED or mode != "edge" and max(before, after) > extent - (mode == "reflect"):
                raise ConversionError(f"{node} pads an axis of {extent} by {before} and {after}, which is not supported")
            if not before and not after:
                continue
            view = self.runs(node, view, axis, numpy.pad(numpy.arange(extent), (before, after), mode=mode))
        return view

    def runs(self, node, view, axis, places):
        """Places of one axis in any order: slices of those that follow each other, side by side."""
        breaks = numpy.flatnonzero(numpy.diff(places) != 1) + 1
        if len(breaks) >= 2 * MIRRORED:
            raise ConversionError(f"{node} picks places in {len(breaks) + 1} pieces, which is not supported")
        parts = [self.sliced(node, view, axis, int(part[0]), int(part[-1]) + 1) for part in numpy.split(places, breaks)]
        return parts[0] if len(parts) == 1 else self.joined_views(node, parts, axis)

    def padded_channels(self, node, view, pads, axes, value):
        if axes != [1] or value != 0 or tuple(view.axes[1]) != view.base[-1]:
            raise ConversionError(f"{node} pads channels and more, which is not supported")
        before, after = pads[1]
        return self.selected(node, view, [-1] * before + list(range(view.shape[1])) + [-1] * after)

    def padded_map(self, node, view, pads, value):
        if len(view.base) != 3:
            raise ConversionError(f"{node} pads a tensor that is no map")
        amounts = []
        for place in (0, 1):
            found = [axis for axis in range(1, 4) if view.base[place] and tuple(view.axes[axis]) == view.base[place]]
            amounts.append(pads[found[0]] if found else (0, 0))
        if sum(map(sum, amounts)) != sum(map(sum, pads)):
            raise ConversionError(f"{node} pads an axis that is no row or column")
        (top, bottom), (left, right) = amounts
        rows, columns, channels = self.graph.shapes[view.value]
        shape = (rows + top + bottom, columns + left + right, channels)
        base = [fresh(extent) for extent in shape]
        table = {tuple(view.base[i]): base[i] for i in range(3)}
        axes = [axis if BATCH in axis or not axis else table[tuple(axis)] for axis in view.axes]
        users = self.users.get(node.output, ())
        if value != 0:
            pool = users[0] if len(users) == 1 and users[0].op == "MaxPool" else None
            if pool is None or value > -1e4:
                raise ConversionError(f"{node} pads with {value:g}, zeros are supported")
            return self.into_pool(node, pool, view, pads)
        sides = {"top": top, "left": left, "bottom": bottom, "right": right}
        padded = self.emit(node, "pad", [view.value], shape, **{key: number or None for key, number in sides.items()})
        return View(padded, axes, base)

    def into_pool(self, node, pool, view, pads):
        """What is padded with −∞ before a maximum is the padding of the maximum itself."""
        own = pool.attributes.get("pads") or [0, 0, 0, 0]
        if pool.attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID") or tuple(view.axes[1]) != view.base[2]:
            raise ConversionError(f"{node} before {pool} is not supported")
        (top, bottom), (left, right) = pads[2], pads[3]
        pool.attributes["pads"] = [own[0] + top, own[1] + left, own[2] + bottom, own[3] + right]
        pool.attributes["auto_pad"] = "NOTSET"
        return view

    def op_Resize(self, node):
        view, attributes = self.view(node), node.attributes
        shape = self.folder.shapes[node.output]
        x = self.image(view, node)
        if len(shape) != 4 or shape[1] != view.shape[1]:
            raise ConversionError(f"{node} resizes more than rows and columns, which is not supported")
        mode = attributes.get("mode", "nearest")
        if mode not in ("nearest", "linear", "bilinear"):
            raise ConversionError(f"{node} resizes by {mode}, nearest and linear are supported")
        old = node.op == "Upsample" or self.folder.opset < 11
        default = "asymmetric" if old else "half_pixel"
        coordinates = attributes.get("coordinate_transformation_mode", default)
        known = {"half_pixel": None, "pytorch_half_pixel": None, "asymmetric": "asymmetric", "align_corners": "align_corners"}
        if coordinates == "half_pixel_symmetric":
            coordinates = "half_pixel"
        whole = all(to % extent == 0 for to, extent in zip(shape[2:], view.shape[2:]))
        if coordinates == "tf_half_pixel_for_nn" and mode == "nearest" and attributes.get("nearest_mode") == "floor" and whole:
            coordinates = "asymmetric"  # Repetition, of a whole number of times.
        if coordinates not in known or attributes.get("antialias") or attributes.get("exclude_outside"):
            raise ConversionError(f"{node} resizes with {coordinates} coordinates or antialiasing, which is not supported")
        if coordinates == "pytorch_half_pixel" and min(shape[2:]) == 1 and min(view.shape[2:]) > 1:
            raise ConversionError(f"{node} resizes to one row or column, which is not supported")
        # The card's factor is that of the sizes; a file's own may differ where sizes are rounded.
        sizes = None if old else self.folder.option(node, "sizes", 3)
        scales = None if sizes else self.folder.option(node, "scales", 1 if old else 2)
        if scales and coordinates != "align_corners":
            exact = all(abs(scale * extent - to) < 1e-3 for scale, extent, to in zip(scales[-2:], view.shape[2:], shape[2:]))
            if not exact:
                raise ConversionError(f"{node} resizes by {scales[-2:]}, which is no whole number of pixels here")
        rounding = None
        if mode == "nearest" and not old:
            nearest = attributes.get("nearest_mode", "round_prefer_floor")
            if nearest not in ("floor", "round_prefer_floor"):
                raise ConversionError(f"{node} rounds by {nearest}, which is not supported")
            rounding = "round_prefer_floor" if nearest == "round_prefer_floor" else None
        extents = (*shape[2:], shape[1])
        method = "nearest" if mode == "nearest" else "bilinear"
        value = self.emit(
            node, "resize", [x], extents, height=shape[2], width=shape[3], method=method, coordinates=known[coordinates], rounding=rounding
        )
        return self.image_view(value, extents, 4)

    op_Upsample = op_Resize
