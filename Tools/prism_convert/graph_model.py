"""What a finished graph card is for the converter: the model with its head, tensors and default layer."""

import dataclasses

from .graph_card import INPUT, default_layer
from .model import Model


@dataclasses.dataclass(frozen=True)
class GraphArchitecture:
    """Stands where a known base stands otherwise."""

    layer: str
    count: int  # of nodes
    image_channels: int
    name: str = "graph"
    width: float = 1.0

    @property
    def title(self):
        return f"a graph of {self.count} nodes"


def graph_model(finisher, framework, output, size, preprocessing, notes):
    """The model of a graph whose passes have not run yet."""
    head, head_tensors = finisher.run()
    graph = finisher.graph
    layer = default_layer(graph, finisher.logits, head)
    architecture = GraphArchitecture(layer, len(graph.nodes), graph.shape[2])
    if not head:
        notes.append("no chain of layers follows a last pool, so that the model has no head that can be trained")
    return Model(
        architecture=architecture,
        framework=framework,
        tensors=graph.tensors | head_tensors,
        head=head,
        output=output,
        size=tuple(size),
        padding="symmetric",
        epsilon=None,
        preprocessing=preprocessing,
        resize="bilinear_antialias",
        aliases=aliases(graph, head),
        notes=notes,
        graph={"nodes": [node.json() for node in graph.nodes], "output": finisher.logits},
        logits=graph.shapes[finisher.logits][-1],
    )


def aliases(graph, head):
    """The source's names of maps that keep their own name."""
    maps = {node.name for node in graph.nodes if len(node.shape) == 3 and node.name != INPUT}
    return {alias: name for alias, name in graph.aliases.items() if name in maps and alias != name}
