"""Readable names for the nodes of ONNX files, as the framework called its layers."""

import re

INSIDE = {"batchnorm", "Tensordot"}  # of TensorFlow's layers


def torch_path(name):
    """`layer1.0.conv1` of torch's `/layer1/layer1.0/conv1/Conv`: the path of the module, without the operator."""
    path = ""
    for part in name.strip("/").split("/")[:-1]:
        path = part if not path or part.startswith(path + ".") else f"{path}.{part}"
    return path


def plain_path(name, common):
    """`block1_conv1` of tf2onnx's `model/block1_conv1/BiasAdd`."""
    parts = [part for part in name.split(":")[0].split("/") if part]
    if common and parts and parts[0] == common:
        parts = parts[1:]
    parts = parts[:-1]
    while len(parts) > 1 and parts[-1] in INSIDE:
        parts.pop()
    return ".".join(parts)


def operator(node):
    """The operator in words: `hard_swish`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", node.op).lower()


def readable(nodes):
    """A name for each node, by its id: that of the module where it alone makes it up, else with the operator."""
    slashed = [node.name for node in nodes if "/" in node.name]
    firsts = {name.split("/")[0] for name in slashed}
    common = firsts.pop() if len(firsts) == 1 and slashed else ""
    torch = any(node.scope or node.name.startswith("/") for node in nodes)
    paths = {}
    for node in nodes:
        if node.scope:
            path = node.scope
        elif node.name.startswith("/"):
            path = torch_path(node.name)
        else:
            path = plain_path(node.name or node.output, common)
        paths[id(node)] = path
    counts = {}
    for path in paths.values():
        counts[path] = counts.get(path, 0) + 1
    parents = set()
    for path in counts:
        pieces = path.split(".")
        parents.update(".".join(pieces[:end]) for end in range(1, len(pieces)))
    last = {path: node for node in nodes if (path := paths[id(node)])}
    result = {}
    for node in nodes:
        path = paths[id(node)]
        # TensorFlow's layers have their activation inside: the last node is what the layer gives.
        whole = counts[path] == 1 if torch else last.get(path) is node
        alone = path and whole and path not in parents
        result[id(node)] = path if alone else f"{path}.{operator(node)}" if path else operator(node)
    return result
