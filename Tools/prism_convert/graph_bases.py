"""Recognises the bases that Prism knows in a graph: each step of an architecture is one node, and nothing is left.

Exporters fold batch norms into convolutions. Where a base has a norm, a convolution with a bias stands for both, and
the norm that is written only shifts.
"""

from .architectures import architectures
from .errors import ConversionError
from .graph_card import INPUT, NORM_PARTS, neutral_norm
from .graph_steps import same_padding

KINDS = {
    "conv": ("convolution", "depthwise_convolution"), "batch_norm": ("batch_normalization",), "max_pool": ("max_pool",),
    "average_pool": ("average_pool",), "squeeze": ("adaptive_average_pool",), "add": ("add",), "multiply": ("multiply",),
    "concat": ("concatenate",),
}  # fmt: skip


class Mismatch(Exception):
    """The graph is not this architecture."""


class Match:
    """An architecture laid over the nodes of a graph."""

    def __init__(self, architecture, graph, output):
        self.architecture, self.graph = architecture, graph
        self.makers = {node.name: node for node in graph.nodes}
        self.users = {}
        for node in graph.nodes:
            for name in node.inputs:
                self.users.setdefault(name, []).append(node)
        self.names = []  # the value of each step
        self.folded = set()  # steps that are norms inside the convolution before them
        self.bound = set()
        self.paddings = {"same", "symmetric"}
        self.epsilons = set()
        for step in architecture.steps:
            self.names.append(self.bind(step))
        if self.names[-1] != output or len(self.bound) != len(graph.nodes) or len(self.epsilons) > 1:
            raise Mismatch

    def value(self, index):
        return INPUT if index < 0 else self.names[index]

    def bind(self, step):
        """The name of the value that a step makes."""
        if step.kind == "concat":
            return self.bind_concat(step)
        source = self.value(step.inputs[0])
        if step.kind == "batch_norm" and self.is_folded(step, source):
            self.folded.add(len(self.names))
            return source
        fitting = [node for node in self.users.get(source, ()) if self.fits(node, step)]
        if len(fitting) != 1:
            raise Mismatch
        self.bound.add(fitting[0].name)
        if step.kind == "batch_norm":
            self.epsilons.add(fitting[0].attributes["epsilon"])
        return fitting[0].name

    def is_folded(self, step, source):
        before = self.makers.get(source)
        has_bias = before is not None and before.primitive in KINDS["conv"] and len(before.inputs) == 3
        return has_bias and not self.architecture.steps[step.inputs[0]].bias

    def fits(self, node, step):
        if step.kind == "activation":
            return node.primitive == step.function and not node.attributes
        if node.primitive not in KINDS[step.kind] or node.shape[-1] != step.channels:
            return False
        if step.kind in ("add", "multiply"):
            return set(node.inputs) == {self.value(i) for i in step.inputs}
        if step.kind == "squeeze":
            return node.attributes == {"height": 1, "width": 1}
        return step.kind == "batch_norm" or self.window_fits(node, step)

    def window_fits(self, node, step):
        """Kernel, stride, groups, bias and padding of a convolution or a pool."""
        attributes = node.attributes
        if attributes["kernel"] != [step.kernel] * 2 or attributes.get("stride", [1, 1]) != [step.stride] * 2:
            return False
        if "dilation" in attributes or attributes.get("counts_padding") or attributes.get("groups"):
            return False
        if step.kind == "conv":
            depthwise = node.primitive == "depthwise_convolution"
            if depthwise != (step.groups > 1) or step.bias and len(node.inputs) < 3:
                return False
        actual = attributes.get("padding", [0, 0, 0, 0])
        symmetric = [step.pad] * 4
        if step.kind != "conv" or step.stride == 1:
            return actual == symmetric
        rows, columns = self.graph.shapes[node.inputs[0]][:2]
        same = [same_padding(step, extent) for extent in (rows, columns)]
        allowed = {"symmetric"} if actual == symmetric else set()
        if actual == [same[0][0], same[1][0], same[0][1], same[1][1]]:
            allowed.add("same")
        self.paddings &= allowed
        return bool(self.paddings)

    def bind_concat(self, step):
        """A join of two is one node, or the beginning of a join of more."""
        wanted = [leaf for index in step.inputs for leaf in self.leaves(self.value(index))]
        last = self.value(step.inputs[1])
        for node in self.users.get(last, ()):
            if node.primitive == "concatenate" and "axis" not in node.attributes and self.leaves(node.name) == wanted:
                self.bound.add(node.name)
                return node.name
        raise Mismatch

    def leaves(self, name):
        node = self.makers.get(name)
        if node is None or node.primitive != "concatenate":
            return [name]
        return [leaf for source in node.inputs for leaf in self.leaves(source)]

    # What comes of it.

    def padding(self):
        strided = any(step.kind == "conv" and step.stride > 1 for step in self.architecture.steps)
        return "same" if strided and "symmetric" not in self.paddings else "symmetric"

    def epsilon(self):
        """The norms' epsilon; where all are folded, the library's."""
        if self.epsilons:
            return next(iter(self.epsilons))
        return self.architecture.epsilons.get("torch")

    def tensors(self):
        """The base's tensors by torchvision's names."""
        result, graph = {}, self.graph
        for index, (step, name) in enumerate(zip(self.architecture.steps, self.names)):
            node = self.makers[name]
            if index in self.folded:
                bias = graph.tensors[node.inputs[2]]
                parts = neutral_norm(bias * 0 + 1, bias, self.epsilon())
            elif step.kind == "batch_norm":
                parts = dict(zip(NORM_PARTS, (graph.tensors[tensor] for tensor in node.inputs[1:])))
            elif step.kind == "conv":
                parts = {"weight": graph.tensors[node.inputs[1]]}
                if step.bias:
                    parts["bias"] = graph.tensors[node.inputs[2]]
            else:
                continue
            result |= {f"{step.module}.{part}": value for part, value in parts.items()}
        return result

    def aliases(self):
        """The graph's names, and the source's for them, of the base's values."""
        runtime = {name: step.value for step, name in zip(self.architecture.steps, self.names) if step.value}
        return {alias: runtime[name] for alias, name in self.graph.aliases.items() if name in runtime}


def recognise(graph, output):
    """The base that a graph is, or None."""
    shape = graph.shape
    if shape[2] != 3:
        return None
    for architecture in architectures():
        try:
            found = Match(architecture, graph, output)
            expected = architecture.tensors()
            if {name: value.shape for name, value in found.tensors().items()} == expected:
                return found
        except (Mismatch, ConversionError):
            continue
    return None
