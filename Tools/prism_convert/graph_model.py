"""What a finished graph card is for the converter: the model with its head, tensors and default layer."""

import dataclasses

from .errors import ConversionError
from .graph_bases import recognise
from .graph_card import INPUT, default_layer
from .heads import name_head
from .model import Model


@dataclasses.dataclass(frozen=True)
class GraphArchitecture:
    """Stands where a known base stands otherwise."""

    layer: str
    count: int  # of nodes
    image_channels: int
    family: str = ""  # the name that the source gives its base
    name: str = "graph"
    width: float = 1.0

    @property
    def title(self):
        return f"a graph of {self.count} nodes"


SQUASHING = ("softmax", "sigmoid", "hard_sigmoid", "exponential")
# What leaves values that are made of probabilities alone what they are.
POINTWISE = (
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "clip", "relu", "relu6", "power", "square_root", "absolute", "reshape",
    "flatten_channels_first", "transpose", "slice", "concatenate", "mean", "sum", "reduce_max", "max_pool", "average_pool",
    "adaptive_average_pool", "global_average_pool", "global_max_pool",
)  # fmt: skip


def picks(node, tensors):
    """Whether a matrix only picks features, in any order."""
    if node.primitive not in ("dense", "convolution") or len(node.inputs) != 2:
        return False
    weight = tensors[node.inputs[1]]
    weight = weight.reshape(len(weight), -1)
    return bool(((weight == 0) | (weight == 1)).all() and (weight.sum(axis=1) == 1).all())


def refuse_probabilities(graph, logits, framework):
    """Refuses a network that ends with probabilities which something changes: what the card calls logits would be none."""
    made = {}  # value → the node that squashes it
    for node in graph.nodes:
        sources = [made.get(name) for name in node.inputs if name not in graph.tensors]
        if node.primitive in SQUASHING:
            made[node.name] = node
        elif (node.primitive in POINTWISE or picks(node, graph.tensors)) and sources and all(sources):
            made[node.name] = sources[0]
    squashing = made.get(logits)
    if squashing is None:
        return
    names = [alias for alias, value in graph.aliases.items() if value == squashing.inputs[0]]
    hint = f"--output-value {names[-1]} takes the value before it" if names and framework == "onnx" else "save the model without what stands behind its logits"
    raise ConversionError(
        f"the output is neither logits nor their softmax or sigmoid: {squashing.name} ({squashing.primitive}) stands before its end; {hint}"
    )


def graph_model(finisher, framework, output, size, preprocessing, notes, resize="bilinear_antialias", family=""):
    """The model of a graph whose passes have not run yet."""
    if not output:
        refuse_probabilities(finisher.graph, finisher.logits, framework)
    head, head_tensors = finisher.run()
    graph = finisher.graph
    common = dict(
        framework=framework, head=head, output=output, size=tuple(size), preprocessing=preprocessing,
        resize=resize, notes=notes,
    )  # fmt: skip
    base = recognise(graph, finisher.logits) if head else None
    if base is not None:
        return known(base, head_tensors, common)
    layer = default_layer(graph, finisher.logits, head)
    if not head:
        notes.append("no chain of layers follows a last pool, so that the model has no head that can be trained")
    return Model(
        architecture=GraphArchitecture(layer, len(graph.nodes), graph.shape[2], family),
        tensors=graph.tensors | head_tensors,
        padding="symmetric",
        epsilon=None,
        aliases=aliases(graph),
        graph={"nodes": [node.json() for node in graph.nodes], "output": finisher.logits},
        logits=graph.shapes[finisher.logits][-1],
        **common,
    )


def known(base, head_tensors, common):
    """The model of a graph that is one of Prism's own bases."""
    head = common["head"]
    weights = {}
    for index, item in enumerate(head):
        name = item.pop("name", None)
        if name:
            weights[index] = {key.rpartition(".")[2]: value for key, value in head_tensors.items() if key.rpartition(".")[0] == name}
    tensors = base.tensors()
    tensors.update(name_head(base.architecture.name, head, weights))
    return Model(
        architecture=base.architecture, tensors=tensors, padding=base.padding(), epsilon=base.epsilon(), aliases=base.aliases(), **common
    )


def aliases(graph):
    """The source's names of maps that keep their own name."""
    maps = {node.name for node in graph.nodes if len(node.shape) == 3 and node.name != INPUT}
    return {alias: name for alias, name in graph.aliases.items() if name in maps and alias != name}
