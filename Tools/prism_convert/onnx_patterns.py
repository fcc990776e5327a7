"""Finds what exporters take apart: SiLU, hard swish, GELU, layer normalisation. Each becomes one node again.

A pattern is a tree of operators. In it a word stands for any value, the same one each time; a word with `$` for a
constant; a number for a constant of that one value. The factors of a product and the terms of a sum may come in any
order.
"""

import dataclasses
import math

import numpy

from .errors import ConversionError
from .onnx_fold import plain_number

COMMUTATIVE = {"Add", "Mul", "Max", "Min"}


def gelu_forms():
    """0.5 · x · (1 + erf(x / √2)), and the form with tanh, as products in any order."""
    root = math.sqrt(2)
    cubes = (("Pow", "x", 3.0), ("Mul", "x", ("Mul", "x", "x")), ("Mul", "x", ("Pow", "x", 2.0)))
    inner = math.sqrt(2 / math.pi)
    bells = [(("Add", ("Erf", scaled), 1.0), "none") for scaled in (("Div", "x", root), ("Mul", "x", 1 / root))]
    for cube in cubes:
        sums = (("Add", "x", ("Mul", cube, 0.044715)), ("Mul", "x", ("Add", 1.0, ("Mul", ("Mul", "x", "x"), 0.044715))))
        bells += [(("Add", ("Tanh", ("Mul", total, inner)), 1.0), "tanh") for total in sums]
    for bell, approximation in bells:
        for product in (("Mul", ("Mul", "x", bell), 0.5), ("Mul", "x", ("Mul", bell, 0.5)), ("Mul", ("Mul", "x", 0.5), bell)):
            yield product, "Gelu", {"approximate": approximation}


def hard_forms():
    six = ("Relu6", ("Add", "x", 3.0))
    yield ("Div", ("Mul", "x", six), 6.0), "HardSwish", {}
    yield ("Mul", ("Mul", "x", six), 1 / 6), "HardSwish", {}
    yield ("Mul", "x", ("Div", six, 6.0)), "HardSwish", {}
    yield ("Mul", "x", ("Mul", six, 1 / 6)), "HardSwish", {}
    for one in (("Div", six, 6.0), ("Mul", six, 1 / 6)):
        yield one, "HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}


LINEAR = 15  # from here a softplus is its argument, to the last bit of a float

PATTERNS = [
    (("Mul", "x", ("Sigmoid", "x")), "Swish", {}),
    (("Min", ("Relu", "x"), 6.0), "Relu6", {}),
    (("Max", ("Min", "x", 6.0), 0.0), "Relu6", {}),
    (("Where", ("Greater", "x", "$threshold"), "x", ("Softplus", "x")), "Softplus", {}),
    *hard_forms(),
    *gelu_forms(),
]  # fmt: skip


def deviation():
    mean = ("ReduceMean", "x")
    return ("Sub", "x", mean)


def normal_forms():
    """(x − mean) / √(variance + ε)."""
    d = deviation()
    for square in (("Pow", d, 2.0), ("Mul", d, d)):
        root = ("Sqrt", ("Add", ("ReduceMean", square), "$epsilon"))
        yield ("Div", d, root)
        yield ("Mul", d, ("Reciprocal", root))


class Rewriter:
    """The nodes of a folded graph, which patterns replace one by one."""

    def __init__(self, folder):
        self.folder = folder
        self.constants = folder.constants
        self.nodes = folder.nodes
        self.renamed = {}
        self.makers = {}

    def run(self, outputs):
        """Rewrites the nodes and drops those that nothing needs; the outputs' names after that."""
        self.simplify()
        for index, node in enumerate(self.nodes):
            self.nodes[index] = self.rewritten(node)
            for output in self.nodes[index].outputs:
                self.makers[output] = self.nodes[index]
        outputs = [self.renamed.get(name, name) for name in outputs]
        self.prune(outputs)
        return outputs

    def prune(self, outputs):
        """Drops the nodes that no output needs."""
        needed = set(outputs)
        kept = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                needed.update(node.inputs)
                kept.append(node)
        self.nodes = self.folder.nodes = kept[::-1]

    def simplify(self):
        """Drops what does nothing."""
        kept = []
        for node in self.nodes:
            node.inputs = [self.renamed.get(name, name) for name in node.inputs]
            if self.passes(node):
                self.renamed[node.output] = node.inputs[0]
            else:
                kept.append(node)
        self.nodes = kept

    def passes(self, node):
        """Whether a node gives on its first input unchanged."""
        shapes, op = self.folder.shapes, node.op
        if op == "Dropout" and len(node.inputs) > 2 and node.inputs[2] and bool(numpy.any(self.folder.needed(node, 2, "mode"))):
            raise ConversionError(f"{node} is in training mode: export the model in evaluation mode")
        if op in ("Identity", "Dropout", "StopGradient", "CastLike"):
            return True
        if op == "Cast":
            return node.attributes.get("to", 1) in (1, 10, 11, 16)
        same = shapes.get(node.inputs[0]) == shapes.get(node.output)
        if op in ("Reshape", "Flatten", "Expand", "Squeeze", "Unsqueeze", "Slice", "Concat", "Tile") and same:
            return op != "Slice" or all(step > 0 for *_, step in self.folder.slices(node, shapes[node.inputs[0]]))
        if op == "AveragePool" and same:
            return max(node.attributes["kernel_shape"]) == 1
        return op in ("Pad", "Resize") and same and not (op == "Pad" and any(map(any, self.folder.pads(node, len(shapes[node.output])))))

    def rewritten(self, node):
        """The node, or the one that a pattern makes of it and of nodes before it."""
        if node.op == "Clip" and self.folder.bounds(node) == (0, 6):
            return dataclasses.replace(node, op="Relu6", inputs=node.inputs[:1], attributes={})
        if node.op in ("QuickGelu", "Swish"):
            alpha = node.attributes.get("alpha", 1.702 if node.op == "QuickGelu" else 1.0)
            kind, attributes = ("Swish", {}) if alpha == 1 else ("QuickGelu", {"alpha": alpha})
            return dataclasses.replace(node, op=kind, inputs=node.inputs, attributes=attributes)
        if node.op == "HardSigmoid":
            node.attributes = {"alpha": node.attributes.get("alpha", 0.2), "beta": node.attributes.get("beta", 0.5)}
        if node.op == "Mul":
            found = self.match(("Mul", "x", ("HardSigmoid", "x")), node, {})
            if found and self.is_usual(found["HardSigmoid"]):
                return dataclasses.replace(node, op="HardSwish", inputs=[found["x"]], attributes={})
        for pattern, op, attributes in PATTERNS:
            if pattern[0] == node.op:
                found = self.match(pattern, node, {})
                if op == "Softplus" and found and float(found["$threshold"].reshape(-1)[0]) < LINEAR:
                    found = None  # Above so small a threshold a softplus is not yet its argument.
                if found:
                    return dataclasses.replace(node, op=op, inputs=[found["x"]], attributes=dict(attributes))
        return self.normalised(node) or node

    @staticmethod
    def is_usual(node):
        """Whether a hard sigmoid is the one of hard swish."""
        return abs(node.attributes["alpha"] - 1 / 6) < 1e-6 and abs(node.attributes["beta"] - 0.5) < 1e-6

    def normalised(self, node):
        """Layer normalisation over the last axis, without its scale and offset, which follow as plain nodes."""
        for pattern in normal_forms():
            found = self.match(pattern, node, {}) if pattern[0] == node.op else None
            if not found:
                continue
            rank = len(self.folder.shapes[found["x"]])
            means = [self.makers[name] for name in found["means"]]
            if all(self.folder.reduction(mean, rank) == ([rank - 1], True) for mean in means):
                epsilon = plain_number(found["$epsilon"].reshape(-1)[0])
                return dataclasses.replace(node, op="LayerNormalization", inputs=[found["x"]], attributes={"epsilon": epsilon, "axis": -1})
        return None

    # Matching.

    def match(self, pattern, node, found):
        """What the words of a pattern stand for when its root is this node, or None."""
        op, *parts = pattern
        if node.op != op:
            return None
        found = found | {op: node}
        if op == "ReduceMean":
            found["means"] = [*found.get("means", []), node.output]
            return self.match_all(parts, node.inputs[:1], found)
        if len(node.inputs) != len(parts):
            return None
        result = self.match_all(parts, node.inputs, found)
        if result is None and op in COMMUTATIVE and len(parts) == 2:
            result = self.match_all(parts[::-1], node.inputs, found)
        return result

    def match_all(self, parts, names, found):
        for part, name in zip(parts, names):
            found = self.match_value(part, name, found)
            if found is None:
                return None
        return found

    def match_value(self, part, name, found):
        constant = self.constants.get(name)
        if isinstance(part, float):
            fits = constant is not None and constant.size == 1 and numpy.isclose(float(constant.reshape(-1)[0]), part, rtol=1e-4)
            return found if fits else None
        if isinstance(part, tuple):
            maker = self.makers.get(name)
            return self.match(part, maker, found) if maker else None
        if part.startswith("$"):
            return found | {part: constant} if constant is not None and constant.size == 1 else None
        if constant is not None or found.get(part, name) != name:
            return None
        return found | {part: name}
