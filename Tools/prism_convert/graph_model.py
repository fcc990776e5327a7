"""What a finished graph card is for the converter: the model with its head, tensors and default layer."""

import dataclasses

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


def graph_model(finisher, framework, output, size, preprocessing, notes, resize="bilinear_antialias", family=""):
    """The model of a graph whose passes have not run yet."""
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
