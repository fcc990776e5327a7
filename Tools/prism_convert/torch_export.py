"""A torch module as a graph card: code that `--module` names makes it, a state dict fills it, torch.export lays it out.

This is the one reader that runs code, and only that which `--module` names. What torch.export gives is written in the
operators of ONNX, so that everything behind is the same.
"""

import importlib
import math
import operator
import re

import numpy

from . import onnx_model, torch_files, torch_library
from .errors import ConversionError
from .onnx_file import File, Graph, Node

OPSET = 18
FLOAT = 1

UNARY = {
    "relu": "Relu", "silu": "Swish", "sigmoid": "Sigmoid", "tanh": "Tanh", "hardswish": "HardSwish", "mish": "Mish",
    "exp": "Exp", "log": "Log", "sqrt": "Sqrt", "abs": "Abs", "neg": "Neg", "reciprocal": "Reciprocal", "erf": "Erf",
}  # fmt: skip
SAME = {
    "dropout", "feature_dropout", "alpha_dropout", "contiguous", "clone", "alias", "detach", "to", "_to_copy", "type_as",
    "lift_fresh_copy", "identity", "view_as_real", "requires_grad",
}  # fmt: skip
BINARY = {"add": "Add", "sub": "Sub", "mul": "Mul", "div": "Div", "maximum": "Max", "minimum": "Min"}
SHAPES = {"view", "reshape", "_unsafe_view", "flatten", "squeeze", "unsqueeze", "unflatten", "view_as", "reshape_as"}
PADDINGS = {"replicate": "edge", "circular": "wrap"}
REGIONS = {"wrap_with_set_grad_enabled": 1, "wrap_with_autocast": 4}  # by the place of their graph among the arguments
ATTENTION = re.compile(r"attn|attention", re.IGNORECASE)
REDUCTIONS = {"mean": "ReduceMean", "sum": "ReduceSum", "amax": "ReduceMax", "amin": "ReduceMin"}


def read(path, options, said, account):
    """The model of the module that `--module` names, with the weights of a file."""
    torch = needed_torch()
    checkpoint = torch_files.open_file(path, options, account)
    built = torch_library.build(torch, options, checkpoint, said)
    module, said = built.module, built.said
    size = options.input_size or (said.size if said else None)
    if not size:
        raise ConversionError("a module takes images of any size: --input-size says which one to use")
    file = exported(torch, module, size, built.channels)
    model, _ = onnx_model.read_file(file, options, said)
    model.framework, model.squashed, model.said, model.labels = "module", model.output, said, checkpoint.labels
    outputs = file.graph.outputs
    place = outputs.index(model.taken_output) if model.taken_output in outputs else None
    model.run = lambda x: run(torch, module, x, place)
    if options.input_size:
        account.say("size", "--input-size")
    else:
        (account.assume if said.assumed else account.say)("size", said.origin)
    (account.assume if built.assumed else account.say)("base", "; ".join([built.origin, *built.assumed]))
    account.say("head", "the module")
    model.account = account
    return model


def run(torch, module, x, place):
    """What the module makes of one image [1, H, W, C]: the output at this place among its tensors."""
    if place is None:
        raise ConversionError("--verify compares what the module gives, and --output-value names a value inside it")
    with torch.no_grad():
        result = module(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))
    tensors = [leaf for leaf in torch.utils._pytree.tree_leaves(result) if isinstance(leaf, torch.Tensor)]
    return tensors[place].reshape(-1).double().numpy()


def needed_torch():
    try:
        return importlib.import_module("torch")
    except ImportError as error:
        raise ConversionError("--module runs in an environment with torch, which is not installed here") from error


def exported(torch, module, size, channels=None):
    """The module at one size as a file of ONNX would hold it."""
    first = next((p.shape[1] for p in module.parameters() if p.ndim == 4), 3)
    failed = None
    for channels in [channels] if channels else dict.fromkeys((first, 3)):  # The first weight may be that of a filter for each channel.
        example = torch.zeros(1, channels, *size)
        try:
            return Exporter(torch, laid_out(torch, module, example)).file(tuple(example.shape))
        except NotExported as error:
            failed = failed or error
    raise ConversionError(f"torch.export refuses the module: {failed}") from failed


class NotExported(Exception):
    """torch.export did not take the module with an example."""


def laid_out(torch, module, example):
    """What torch.export makes of the module, without what torch writes on the terminal where it fails."""
    try:
        with torch_library.quiet():
            return torch.export.export(module, (example,))
    except Exception as error:
        raise NotExported((str(error).splitlines() or ["no reason"])[0]) from error


class Exporter:
    """Writes the nodes of an exported program in the operators of ONNX."""

    def __init__(self, torch, program):
        self.torch = torch
        self.program = program
        self.nodes, self.constants = [], {}
        self.lists = {}  # name of a node that gives several values → their names
        self.scope = ""
        self.label = ""

    def file(self, shape):
        signature = self.program.graph_signature
        open_regions(self.program.graph_module)
        stored = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        constants = getattr(signature, "inputs_to_lifted_tensor_constants", {})
        for node in self.program.graph.nodes:
            if node.op == "placeholder" and node.name in stored:
                name = stored[node.name]
                value = self.program.state_dict.get(name)
                value = self.program.constants.get(name) if value is None else value
                self.constants[node.name] = self.array(value)
            elif node.op == "placeholder" and node.name in constants:
                self.constants[node.name] = self.array(self.program.constants[constants[node.name]])
            elif node.op == "call_function":
                self.call(node)
        (image,) = signature.user_inputs
        (last,) = self.program.graph.find_nodes(op="output")
        results = zip(signature.output_specs, last.args[0])
        outputs = [item.name for spec, item in results if spec.kind.name == "USER_OUTPUT" and hasattr(item, "name")]
        graph = Graph(self.nodes, self.constants, [(image, FLOAT, list(shape))], outputs)
        return File(graph, OPSET, "torch.export", {})

    @staticmethod
    def array(value):
        return value.detach().cpu().contiguous().numpy()

    # Writing nodes.

    def node(self, op, inputs, output, **attributes):
        attributes = {key: value for key, value in attributes.items() if value is not None}
        node = Node(op, list(inputs), [output] if isinstance(output, str) else output, attributes, self.label, scope=self.scope)
        self.nodes.append(node)
        return output

    def constant(self, value, kind="float32"):
        name = f"constant_{len(self.constants)}"
        self.constants[name] = numpy.asarray(value, dtype=kind)
        return name

    def value(self, item):
        """The name of an argument, a number as a constant."""
        if isinstance(item, self.torch.fx.Node):
            return item.name
        return self.constant(item)

    def call(self, node):
        if node.target is operator.getitem:
            source, index = node.args
            if not node.users:
                return
            if source.name not in self.lists:
                raise ConversionError(f"{source.name}[{index}] is not supported")
            self.node("Identity", [self.lists[source.name][index]], node.name)
            return
        text = getattr(node.target, "_schema", None)
        text = text.name.split("::")[-1] if text else getattr(node.target, "__name__", str(node.target))
        kind = text.rstrip("_") if not text.startswith("__") else text
        stack = list((node.meta.get("nn_module_stack") or {}).values())
        self.scope = str(stack[-1][0]) if stack else ""
        self.label = f"{self.scope or node.name} of the module"
        arguments = Arguments(node)
        if kind.startswith("_assert") or not node.users and "val" not in node.meta or self.known(node):
            return
        if kind in SAME:
            self.node("Identity", [node.args[0].name], node.name)
        elif kind in UNARY:
            self.node(UNARY[kind], [node.args[0].name], node.name)
        elif kind in BINARY:
            self.binary(BINARY[kind], node, arguments)
        elif kind in REDUCTIONS:
            self.reduced(REDUCTIONS[kind], node, arguments)
        elif kind in SHAPES:
            self.node("Reshape", [node.args[0].name, self.constant(list(node.meta["val"].shape), "int64")], node.name)
        else:
            method = getattr(self, f"aten_{kind}", None)
            if method is None:
                of_attention = any(ATTENTION.search(f"{path} {kind}") for path, kind in stack)
                raise ConversionError(f"{self.label}: {node.target} is not supported{', in a layer that is called attention' * of_attention}")
            method(node, arguments)

    def known(self, node):
        """Computes a node that does not depend on the picture, such as the standardisation of weights."""
        torch = self.torch
        tags = getattr(node.target, "tags", None)
        if tags is None or torch.Tag.nondeterministic_seeded in tags:
            return False
        if any(item.name not in self.constants for item in node.all_input_nodes):
            return False
        fetch = lambda item: torch.from_numpy(numpy.array(self.constants[item.name]))  # noqa: E731
        arguments, keywords = torch.fx.node.map_arg((node.args, dict(node.kwargs)), fetch)
        with torch.no_grad():
            result = node.target(*arguments, **keywords)
        if isinstance(result, torch.Tensor):
            self.constants[node.name] = self.array(result)
            return True
        if not isinstance(result, (list, tuple)) or not all(isinstance(item, torch.Tensor) for item in result):
            return False
        self.lists[node.name] = [f"{node.name}.{index}" for index in range(len(result))]
        self.constants |= dict(zip(self.lists[node.name], map(self.array, result)))
        return True

    def binary(self, op, node, arguments):
        one, other = self.value(node.args[0]), self.value(node.args[1])
        alpha = arguments.get("alpha", 1)
        if alpha != 1:
            other = self.node("Mul", [other, self.constant(alpha)], f"{node.name}.scaled")
        if arguments.get("rounding_mode"):
            raise ConversionError(f"{self.label} divides with rounding, which is not supported")
        self.node(op, [one, other], node.name)

    def reduced(self, op, node, arguments):
        axes = arguments.get("dim")
        axes = list(range(node.args[0].meta["val"].ndim)) if axes is None else axes
        axes = axes if isinstance(axes, (list, tuple)) else [axes]
        self.node(op, [node.args[0].name], node.name, axes=list(axes), keepdims=int(bool(arguments.get("keepdim", False))))

    def aten_var(self, node, a):
        self.variance(node, a, node.name)

    def variance(self, node, a, output):
        """The mean of the squares of what is left of a mean, or a little more where torch corrects for that mean."""
        shape, axes = node.args[0].meta["val"].shape, a.get("dim")
        axes = list(range(len(shape))) if not axes else list(axes) if isinstance(axes, (list, tuple)) else [axes]
        count = math.prod(shape[axis] for axis in axes)
        correction = a.get("correction", 1 if a.get("unbiased", True) else 0)
        mean = self.node("ReduceMean", [node.args[0].name], f"{node.name}.mean", axes=axes, keepdims=1)
        centred = self.node("Sub", [node.args[0].name, mean], f"{node.name}.centred")
        square = self.node("Mul", [centred, centred], f"{node.name}.square")
        last = output if not correction else f"{node.name}.biased"
        self.node("ReduceMean", [square], last, axes=axes, keepdims=int(bool(a.get("keepdim", False))))
        if correction:
            if count <= correction:
                raise ConversionError(f"{self.label}: the variance of {count} numbers is not defined")
            self.node("Mul", [last, self.constant(count / (count - correction))], output)
        return output

    def aten_std(self, node, a):
        self.node("Sqrt", [self.variance(node, a, f"{node.name}.variance")], node.name)

    def aten_var_mean(self, node, a):
        shape = node.args[0].meta["val"].shape
        axes = a.get("dim")
        axes = list(range(len(shape))) if not axes else list(axes)
        keeps = int(bool(a.get("keepdim", False)))
        variance = self.variance(node, a, f"{node.name}.variance")
        self.lists[node.name] = [variance, self.node("ReduceMean", [node.args[0].name], f"{node.name}.1", axes=axes, keepdims=keeps)]

    def aten_rsqrt(self, node, a):
        root = self.node("Sqrt", [node.args[0].name], f"{node.name}.root")
        self.node("Reciprocal", [root], node.name)

    def aten_addcmul(self, node, a):
        product = self.node("Mul", [a.get("tensor1").name, a.get("tensor2").name], f"{node.name}.product")
        if a.get("value", 1) != 1:
            product = self.node("Mul", [product, self.constant(a.get("value"))], f"{node.name}.scaled")
        self.node("Add", [node.args[0].name, product], node.name)

    def aten_repeat(self, node, a):
        rank = node.args[0].meta["val"].ndim
        repeats = list(a.get("repeats"))
        x, extra = node.args[0].name, len(repeats) - rank
        if extra:
            x = self.node("Unsqueeze", [x, self.constant(list(range(extra)), "int64")], f"{node.name}.same")
        self.node("Tile", [x, self.constant(repeats, "int64")], node.name)

    def aten_clamp_max(self, node, a):
        self.clipped(node, None, a.get("max"))

    def aten_scaled_dot_product_attention(self, node, a):
        raise ConversionError(f"{self.label}: attention, a product of two values that depend on the picture, is not supported")

    aten_bmm = aten_baddbmm = aten_scaled_dot_product_attention

    # Weights.

    def aten_conv2d(self, node, a):
        each = two if node.args[0].meta["val"].ndim == 4 else one
        padding = a.get("padding", 0)
        automatic = {"same": "SAME_UPPER", "valid": "VALID"}.get(padding) if isinstance(padding, str) else None
        pads = None if automatic else each(padding) * 2
        inputs = [node.args[0].name, a.get("weight").name] + ([a.get("bias").name] if a.get("bias") is not None else [])
        self.node(
            "Conv", inputs, node.name, strides=each(a.get("stride", 1)), dilations=each(a.get("dilation", 1)),
            group=a.get("groups", 1), pads=pads, auto_pad=automatic,
        )  # fmt: skip

    aten_conv1d = aten_conv2d

    def aten_convolution(self, node, a):
        if a.get("transposed"):
            raise ConversionError(f"{self.label}: transposed convolutions are not supported")
        self.aten_conv2d(node, a)

    def aten_batch_norm(self, node, a):
        if a.get("training") or a.get("running_mean") is None:
            raise ConversionError(f"{self.label}: a batch norm without running statistics is not supported")
        count = node.args[0].meta["val"].shape[1]
        weight = a.get("weight").name if a.get("weight") is not None else self.constant(numpy.ones(count))
        bias = a.get("bias").name if a.get("bias") is not None else self.constant(numpy.zeros(count))
        inputs = [node.args[0].name, weight, bias, a.get("running_mean").name, a.get("running_var").name]
        self.node("BatchNormalization", inputs, node.name, epsilon=a.get("eps"))

    def optional(self, item):
        return [item.name] if item is not None else []

    def aten_layer_norm(self, node, a):
        shape = a.get("normalized_shape")
        inputs = [node.args[0].name, *self.optional(a.get("weight")), *self.optional(a.get("bias"))]
        if a.get("weight") is None and a.get("bias") is not None:
            raise ConversionError(f"{self.label}: a layer norm with an offset and no scale is not supported")
        self.node("LayerNormalization", inputs, node.name, axis=-len(shape), epsilon=a.get("eps", 1e-5))

    def aten_group_norm(self, node, a):
        count = node.args[0].meta["val"].shape[1]
        weight = self.optional(a.get("weight")) or [self.constant(numpy.ones(count))]
        bias = self.optional(a.get("bias")) or [self.constant(numpy.zeros(count))]
        inputs = [node.args[0].name, *weight, *bias]
        self.node("GroupNormalization", inputs, node.name, num_groups=a.get("num_groups"), epsilon=a.get("eps", 1e-5))

    def aten_instance_norm(self, node, a):
        if not a.get("use_input_stats", True):
            raise ConversionError(f"{self.label}: an instance norm with running statistics is not supported")
        count = node.args[0].meta["val"].shape[1]
        weight = self.optional(a.get("weight")) or [self.constant(numpy.ones(count))]
        bias = self.optional(a.get("bias")) or [self.constant(numpy.zeros(count))]
        self.node("InstanceNormalization", [node.args[0].name, *weight, *bias], node.name, epsilon=a.get("eps", 1e-5))

    def aten_linear(self, node, a):
        weight = self.node("Transpose", [a.get("weight").name], f"{node.name}.weight", perm=[1, 0])
        bias = a.get("bias")
        product = self.node("MatMul", [node.args[0].name, weight], f"{node.name}.product" if bias is not None else node.name)
        if bias is not None:
            self.node("Add", [product, bias.name], node.name)

    def aten_matmul(self, node, a):
        self.node("MatMul", [self.value(node.args[0]), self.value(node.args[1])], node.name)

    def aten_prelu(self, node, a):
        slope = self.constants[a.get("weight").name].reshape([-1] + [1] * (node.meta["val"].ndim - 2))
        self.node("PRelu", [node.args[0].name, self.constant(slope)], node.name)

    # Activations.

    def aten_relu6(self, node, a):
        self.clipped(node, 0.0, 6.0)

    def aten_hardtanh(self, node, a):
        self.clipped(node, a.get("min_val", -1.0), a.get("max_val", 1.0))

    def aten_clamp(self, node, a):
        self.clipped(node, a.get("min"), a.get("max"))

    def aten_clamp_min(self, node, a):
        self.clipped(node, a.get("min"), None)

    def clipped(self, node, low, high):
        bounds = [self.constant(low) if low is not None else "", self.constant(high) if high is not None else ""]
        self.node("Clip", [node.args[0].name, *bounds], node.name)

    def aten_hardsigmoid(self, node, a):
        self.node("HardSigmoid", [node.args[0].name], node.name, alpha=1 / 6, beta=0.5)

    def aten_gelu(self, node, a):
        self.node("Gelu", [node.args[0].name], node.name, approximate=a.get("approximate", "none"))

    def aten_elu(self, node, a):
        if a.get("scale", 1) != 1 or a.get("input_scale", 1) != 1:
            raise ConversionError(f"{self.label}: a scaled ELU is not supported")
        self.node("Elu", [node.args[0].name], node.name, alpha=float(a.get("alpha", 1.0)))

    def aten_selu(self, node, a):
        self.node("Selu", [node.args[0].name], node.name)

    def aten_leaky_relu(self, node, a):
        self.node("LeakyRelu", [node.args[0].name], node.name, alpha=float(a.get("negative_slope", 0.01)))

    def aten_softplus(self, node, a):
        if a.get("beta", 1) != 1:
            raise ConversionError(f"{self.label}: a softplus with beta {a.get('beta')} is not supported")
        self.node("Softplus", [node.args[0].name], node.name)

    def aten_pow(self, node, a):
        self.node("Pow", [self.value(node.args[0]), self.value(node.args[1])], node.name)

    def aten_square(self, node, a):
        self.node("Pow", [node.args[0].name, self.constant(2.0)], node.name)

    def aten_rsub(self, node, a):
        self.node("Sub", [self.value(node.args[1]), node.args[0].name], node.name)

    def aten_softmax(self, node, a):
        self.node("Softmax", [node.args[0].name], node.name, axis=a.get("dim"))

    aten__softmax = aten_softmax

    def aten_log_softmax(self, node, a):
        self.node("LogSoftmax", [node.args[0].name], node.name, axis=a.get("dim"))

    # Pools.

    def window(self, a):
        kernel = two(a.get("kernel_size"))
        stride = a.get("stride")
        return dict(
            kernel_shape=kernel, strides=two(stride) if stride else kernel, pads=two(a.get("padding", 0)) * 2,
            ceil_mode=int(bool(a.get("ceil_mode", False))),
        )  # fmt: skip

    def aten_max_pool2d(self, node, a):
        self.node("MaxPool", [node.args[0].name], node.name, dilations=two(a.get("dilation", 1)), **self.window(a))

    def aten_max_pool2d_with_indices(self, node, a):
        self.aten_max_pool2d(node, a)
        self.lists[node.name] = [node.name]

    def aten_avg_pool2d(self, node, a):
        if a.get("divisor_override"):
            raise ConversionError(f"{self.label}: divisor_override is not supported")
        include = int(bool(a.get("count_include_pad", True)))
        self.node("AveragePool", [node.args[0].name], node.name, count_include_pad=include, **self.window(a))

    def aten_adaptive_avg_pool2d(self, node, a):
        self.node("AdaptiveAveragePool", [node.args[0].name], node.name, size=list(node.meta["val"].shape[2:]))

    def aten_adaptive_avg_pool1d(self, node, a):
        if node.meta["val"].shape[-1] != 1:
            raise ConversionError(f"{self.label}: adaptive pooling of one axis to more than 1 is not supported")
        self.node("ReduceMean", [node.args[0].name], node.name, axes=[-1], keepdims=1)

    def aten_adaptive_max_pool2d(self, node, a):
        self.lists[node.name] = [node.name]
        if tuple(node.meta["val"][0].shape[2:]) != (1, 1):
            raise ConversionError(f"{self.label}: adaptive maximum pooling to more than 1×1 is not supported")
        self.node("GlobalMaxPool", [node.args[0].name], node.name)

    def aten_max(self, node, a):
        if len(node.args) > 1 and isinstance(node.args[1], self.torch.fx.Node):
            self.node("Max", [node.args[0].name, node.args[1].name], node.name)
            return
        self.lists[node.name] = [node.name]
        self.reduced("ReduceMax", node, a)

    def aten_linalg_vector_norm(self, node, a):
        if a.get("ord", 2) != 2:
            raise ConversionError(f"{self.label}: a norm of order {a.get('ord')} is not supported")
        self.reduced("ReduceL2", node, a)

    # Shapes and parts.

    def aten_permute(self, node, a):
        self.node("Transpose", [node.args[0].name], node.name, perm=[int(d) % len(a.get("dims")) for d in a.get("dims")])

    def aten_transpose(self, node, a):
        rank = node.args[0].meta["val"].ndim
        order = list(range(rank))
        one, other = a.get("dim0") % rank, a.get("dim1") % rank
        order[one], order[other] = other, one
        self.node("Transpose", [node.args[0].name], node.name, perm=order)

    def aten_cat(self, node, a):
        self.node("Concat", [item.name for item in node.args[0]], node.name, axis=a.get("dim", 0))

    def aten_stack(self, node, a):
        axis = a.get("dim", 0)
        parts = []
        for index, item in enumerate(node.args[0]):
            axes = self.constant([axis], "int64")
            parts.append(self.node("Unsqueeze", [item.name, axes], f"{node.name}.{index}"))
        self.node("Concat", parts, node.name, axis=axis)

    def parts(self, node, a, axis):
        """Several values, as long as torch says that they are."""
        outputs = [f"{node.name}.{index}" for index in range(len(node.meta["val"]))]
        sizes = self.constant([value.shape[axis] for value in node.meta["val"]], "int64")
        self.node("Split", [node.args[0].name, sizes], outputs, axis=axis)
        self.lists[node.name] = outputs

    def aten_split(self, node, a):
        self.parts(node, a, a.get("dim", 0))

    aten_split_with_sizes = aten_chunk = aten_tensor_split = aten_split

    def aten_unbind(self, node, a):
        axis = a.get("dim", 0)
        self.lists[node.name] = [
            self.node("Gather", [node.args[0].name, self.constant(index, "int64")], f"{node.name}.{index}", axis=axis)
            for index in range(len(node.meta["val"]))
        ]

    def aten_slice(self, node, a):
        last = (1 << 62) if a.get("end") is None else a.get("end")
        numbers = [[a.get("start") or 0], [last], [a.get("dim", 0)], [a.get("step", 1)]]
        self.node("Slice", [node.args[0].name, *(self.constant(item, "int64") for item in numbers)], node.name)

    def aten_narrow(self, node, a):
        start = a.get("start")
        numbers = [[start], [start + a.get("length")], [a.get("dim")]]
        self.node("Slice", [node.args[0].name, *(self.constant(item, "int64") for item in numbers)], node.name)

    def aten_select(self, node, a):
        self.node("Gather", [node.args[0].name, self.constant(a.get("index"), "int64")], node.name, axis=a.get("dim"))

    def aten_index(self, node, a):
        """Places of one axis that are known; a picture's own places are not."""
        given = [(axis, index) for axis, index in enumerate(a.get("indices")) if index is not None]
        index = self.constants.get(given[0][1].name) if len(given) == 1 else None
        if index is None or index.ndim != 1 or index.dtype.kind != "i":
            raise ConversionError(f"{self.label}: indices of several axes, or that depend on the picture, are not supported")
        self.node("Gather", [node.args[0].name, given[0][1].name], node.name, axis=given[0][0])

    def aten_index_select(self, node, a):
        self.node("Gather", [node.args[0].name, a.get("index").name], node.name, axis=a.get("dim"))

    def aten_flip(self, node, a):
        axes = list(a.get("dims"))
        numbers = [[-1] * len(axes), [-(1 << 62)] * len(axes), axes, [-1] * len(axes)]
        self.node("Slice", [node.args[0].name, *(self.constant(item, "int64") for item in numbers)], node.name)

    def aten_expand(self, node, a):
        self.node("Expand", [node.args[0].name, self.constant(list(node.meta["val"].shape), "int64")], node.name)

    aten_expand_as = aten_expand

    def aten_pad(self, node, a):
        pad, rank = list(a.get("pad")), node.meta["val"].ndim
        begins, ends = [0] * rank, [0] * rank
        for index in range(len(pad) // 2):
            begins[rank - 1 - index], ends[rank - 1 - index] = pad[2 * index], pad[2 * index + 1]
        value = a.get("value")
        inputs = [node.args[0].name, self.constant(begins + ends, "int64"), self.constant(0.0 if value is None else value)]
        mode = a.get("mode", "constant")
        self.node("Pad", inputs, node.name, mode=PADDINGS.get(mode, mode))

    aten_constant_pad_nd = aten_pad

    def aten_pixel_shuffle(self, node, a):
        self.node("DepthToSpace", [node.args[0].name], node.name, blocksize=a.get("upscale_factor"), mode="CRD")

    def aten_pixel_unshuffle(self, node, a):
        n, c, h, w = node.args[0].meta["val"].shape
        factor = a.get("downscale_factor")
        extents = [n, c, h // factor, factor, w // factor, factor]
        split = self.node("Reshape", [node.args[0].name, self.constant(extents, "int64")], f"{node.name}.split")
        turned = self.node("Transpose", [split], f"{node.name}.turned", perm=[0, 1, 3, 5, 2, 4])
        self.node("Reshape", [turned, self.constant(list(node.meta["val"].shape), "int64")], node.name)

    def aten_channel_shuffle(self, node, a):
        n, c, h, w = node.meta["val"].shape
        groups = a.get("groups")
        split = self.node("Reshape", [node.args[0].name, self.constant([n, groups, c // groups, h, w], "int64")], f"{node.name}.split")
        turned = self.node("Transpose", [split], f"{node.name}.turned", perm=[0, 2, 1, 3, 4])
        self.node("Reshape", [turned, self.constant([n, c, h, w], "int64")], node.name)

    aten_native_channel_shuffle = aten_channel_shuffle

    def aten_upsample_nearest2d(self, node, a):
        self.resized(node, mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")

    def aten_upsample_bilinear2d(self, node, a):
        coordinates = "align_corners" if a.get("align_corners") else "half_pixel"
        self.resized(node, mode="linear", coordinate_transformation_mode=coordinates)

    def resized(self, node, **attributes):
        before, after = node.args[0].meta["val"].shape, node.meta["val"].shape
        lists = [item for item in node.args[1:] if isinstance(item, (list, tuple))]
        factors = next((item for item in lists if any(isinstance(f, float) for f in item)), None)
        exact = all(math.isclose(f * b, n) for f, b, n in zip(factors or (), before[2:], after[2:]))
        if not exact and not attributes["coordinate_transformation_mode"] == "align_corners":
            raise ConversionError(f"{self.label} resizes by {list(factors)}, which is no whole number of pixels here")
        self.node("Resize", [node.args[0].name, "", "", self.constant(list(after), "int64")], node.name, **attributes)


def open_regions(module):
    """Puts what stands under `with torch.no_grad()`, or under an autocast that is switched off, among the other nodes."""
    graph = module.graph
    for node in [node for node in graph.nodes if str(node.target) in REGIONS]:
        place = REGIONS[str(node.target)]
        if place > 1 and node.args[2]:
            raise ConversionError("the module computes a part in another precision (autocast), which is not supported")
        inner = getattr(module, node.args[place].target)
        open_regions(inner)
        placeholders = [item for item in inner.graph.nodes if item.op == "placeholder"]
        with graph.inserting_before(node):
            results = graph.graph_copy(inner.graph, dict(zip(placeholders, node.args[place + 1 :])))
        for user in list(node.users):
            user.replace_all_uses_with(results[user.args[1]])
            graph.erase_node(user)
        graph.erase_node(node)


class Arguments:
    """The arguments of a call by the names of its schema, with their defaults."""

    def __init__(self, node):
        schema = getattr(node.target, "_schema", None)
        self.values = {}
        for index, argument in enumerate(schema.arguments if schema else ()):
            if index < len(node.args):
                self.values[argument.name] = node.args[index]
            elif argument.name in node.kwargs:
                self.values[argument.name] = node.kwargs[argument.name]
            elif argument.has_default_value():
                self.values[argument.name] = argument.default_value

    def get(self, name, default=None):
        value = self.values.get(name)
        return default if value is None else value


def one(item):
    """The number for the one axis there is."""
    return list(item) if isinstance(item, (list, tuple)) else [item]


def two(item):
    """Numbers for rows and columns."""
    item = list(item) if isinstance(item, (list, tuple)) else [item]
    return item * 2 if len(item) == 1 else item
