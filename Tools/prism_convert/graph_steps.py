"""Writes the steps of a base as the nodes of a graph card, for bases that are not Prism's own."""

import numpy

from .architectures import WINDOWS
from .errors import ConversionError

EPSILON = 1e-5  # of a batch norm where neither the step nor the convention says another


def node_names(architecture):
    """A name for every step's value: its run-time name, else that of its module, else its kind and place."""
    taken = set(architecture.tensors()) | {"input", "logits", "output"}
    result = []
    for index, step in enumerate(architecture.steps):
        name = step.value or (step.module if step.kind != "scale" else "") or f"{step.kind}_{index}"
        if name in taken:
            name = f"{name}.{step.kind}"
        while name in taken:
            name = f"{name}_{index}"
        taken.add(name)
        result.append(name)
    return result


def graph(architecture, size, padding, epsilon):
    """The member `graph` of the card; `size` is that of the image, `padding` that of strided convolutions."""
    same = padding == "same"
    sizes = architecture.sizes(*size, same)
    if min(min(pair) for pair in sizes.values()) < 1:
        raise ConversionError(f"an image of {size[0]}×{size[1]} is too small for {architecture.title}")
    names = node_names(architecture)
    nodes = []
    for index, (step, name) in enumerate(zip(architecture.steps, names)):
        sources = ["input" if i < 0 else names[i] for i in step.inputs]
        tensors = [tensor for tensor, _ in step.tensors(architecture.input_channels(step))]
        primitive, attributes = primitive_of(step, architecture, sizes[step.inputs[0]], same, epsilon)
        node = {"name": name, "primitive": primitive, "inputs": sources + tensors}
        if attributes:
            node["attributes"] = attributes
        nodes.append(node)
    return {"nodes": nodes, "output": names[-1]}


def primitive_of(step, architecture, extents, same, epsilon):
    """The primitive of a step and its attributes."""
    kind = step.kind
    if kind in WINDOWS:
        attributes = window(step, extents, same)
        if kind == "conv":
            channels = architecture.input_channels(step)
            if step.groups > 1 and step.groups == channels == step.channels:
                return "depthwise_convolution", attributes
            return "convolution", attributes | ({"groups": step.groups} if step.groups > 1 else {})
        return kind, attributes
    if kind == "batch_norm":
        return "batch_normalization", {"epsilon": step.epsilon or epsilon or EPSILON}
    if kind == "layer_norm":
        return "layer_normalization", {"epsilon": step.epsilon}
    if kind == "activation":
        return step.function, {}
    if kind == "squeeze":
        return "adaptive_average_pool", {"height": 1, "width": 1}
    if kind == "scale":
        return "multiply", {}
    return {"add": "add", "multiply": "multiply", "concat": "concatenate"}[kind], {}


def window(step, extents, same):
    """Kernel, stride and padding (top, left, bottom, right)."""
    if step.pads:
        padding = [step.pads[0], step.pads[0], step.pads[1], step.pads[1]]
    elif same and step.kind == "conv":
        pairs = [same_padding(step, extent) for extent in extents]
        padding = [pairs[0][0], pairs[1][0], pairs[0][1], pairs[1][1]]
    else:
        padding = [step.pad] * 4
    result = {"kernel": [step.kernel] * 2}
    if step.stride > 1:
        result["stride"] = [step.stride] * 2
    if any(padding):
        result["padding"] = padding
    return result


def same_padding(step, extent):
    """TensorFlow's `same` padding before and after, for this extent."""
    total = max((-(-extent // step.stride) - 1) * step.stride + step.kernel - extent, 0)
    return [total // 2, total - total // 2]


def shaped(architecture, tensors):
    """The tensors with the shapes that the nodes take: vectors for scales, 1×1 kernels for linear layers."""
    return {name: numpy.reshape(tensors[name], shape) for name, shape in architecture.tensors().items()}
