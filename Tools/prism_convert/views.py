"""Where the axes of a tensor of another framework lie in a channels-last value of the card.

Frameworks transpose, split and join axes; most of that moves nothing but names. A view says of a value of the card
which of its axes, or parts of them, are the axes of the source's tensor, so that transpositions and reshapes cost
nothing until an operation needs its axes in a certain place.
"""

import dataclasses
import math

from .errors import ConversionError


class Atom:
    """A part of an axis that is not split further."""

    def __init__(self, size):
        self.size = size

    def __repr__(self):
        return f"<{self.size}>"


BATCH = Atom(1)


def fresh(extent):
    """The atoms of a new axis: none where it is 1."""
    return (Atom(extent),) if extent > 1 else ()


def size(atoms):
    return math.prod(atom.size for atom in atoms)


def joined(axes):
    """All atoms of some axes in their order, without the batch."""
    return [atom for axis in axes for atom in axis if atom is not BATCH]


@dataclasses.dataclass
class View:
    """`axes` are those of the source's tensor, `base` those of the card's value behind the batch, each as atoms."""

    value: str
    axes: list
    base: list

    @property
    def shape(self):
        return tuple(size(axis) for axis in self.axes)

    def replaced(self, atom, parts):
        """The same with an atom split into parts."""
        split = lambda axis: tuple(p for a in axis for p in (parts if a is atom else (a,)))  # noqa: E731
        return View(self.value, [split(axis) for axis in self.axes], [split(axis) for axis in self.base])

    def with_axes(self, axes):
        return View(self.value, [tuple(axis) for axis in axes], self.base)

    def with_value(self, value):
        return View(value, self.axes, self.base)

    def reshaped(self, shape):
        """The view with other axes over the same elements in the same order, or None where it cannot be said."""
        view = self
        left = [atom for axis in self.axes for atom in axis]
        axes = []
        for extent in shape:
            taken, need = [], extent
            if need == 1 and left and left[0] is BATCH:
                taken.append(left.pop(0))
            while need > 1:
                if not left:
                    return None
                atom = left.pop(0)
                if atom is not BATCH and atom.size > need:
                    if atom.size % need:
                        return None
                    parts = (Atom(need), Atom(atom.size // need))
                    view = view.replaced(atom, parts)
                    axes = [tuple(p for a in axis for p in (parts if a is atom else (a,))) for axis in axes]
                    left.insert(0, parts[1])
                    atom = parts[0]
                if need % atom.size:
                    return None
                taken.append(atom)
                need //= atom.size
            axes.append(tuple(taken))
        if left:
            return None
        return view.with_axes(axes)


def factors(one, other):
    """The sizes into which two sequences of atoms with the same product can both be split, or None."""
    result = []
    a, b = [atom.size for atom in one], [atom.size for atom in other]
    while a and b:
        step = min(a[0], b[0])
        if a[0] % step or b[0] % step:
            return None
        result.append(step)
        for sizes in (a, b):
            sizes[0] //= step
            if sizes[0] == 1:
                sizes.pop(0)
    return result


def refine(view, axis, sizes):
    """The view with the atoms of one axis split into these sizes."""
    sizes = list(sizes)
    for atom in [atom for atom in view.axes[axis] if atom is not BATCH]:
        parts, product = [], 1
        while product < atom.size:
            parts.append(sizes.pop(0))
            product *= parts[-1]
        if len(parts) > 1:
            view = view.replaced(atom, tuple(Atom(part) for part in parts))
    return view


def unify(one, other, what, skip=None):
    """Two views of equal rank whose axes have the same atoms wherever neither is 1."""
    for axis in range(len(one.axes)):
        a, b = joined([one.axes[axis]]), joined([other.axes[axis]])
        if axis == skip or not a or not b or all(x is y for x, y in zip(a, b)) and len(a) == len(b):
            continue
        if size(a) != size(b):
            raise ConversionError(f"{what} joins axes of {size(a)} and {size(b)}")
        sizes = factors(a, b)
        if sizes is None:
            raise ConversionError(f"{what} joins axes that are split in different ways, which is not supported")
        one, other = refine(one, axis, sizes), refine(other, axis, sizes)
        for x, y in zip(joined([one.axes[axis]]), joined([other.axes[axis]])):
            other = other.replaced(y, (x,))
    return one, other


class Arranger:
    """Brings the atoms of a view into a wanted order, with as little work as possible."""

    def __init__(self, graph):
        self.graph = graph
        self.made = {}  # value and wanted axes → value

    def arrange(self, view, wanted, name):
        """The name of a value whose axes behind the batch are the wanted ones, made of the same atoms."""
        key = view.value, tuple(tuple(axis) for axis in view.base), tuple(tuple(axis) for axis in wanted)
        if key not in self.made:
            self.made[key] = self.arranged(view, wanted, name)
        return self.made[key]

    def arranged(self, view, wanted, name):
        wanted = [tuple(atom for atom in axis if atom is not BATCH) for axis in wanted]
        shape = tuple(size(axis) for axis in wanted)
        if wanted == view.base:
            return view.value
        before, after = joined(view.base), joined(wanted)
        if set(before) != set(after) or len(before) != len(after):
            raise ConversionError(f"{name} repeats or loses a part of its input, which is not supported")
        if before == after:
            return self.reshape(view.value, shape, name)
        pieces = runs(view.base, after)
        if len(view.base) == 3 and len(wanted) == 1 and after == joined([view.base[2], view.base[0], view.base[1]]):
            return self.graph.append(f"{name}.flatten", "flatten_channels_first", [view.value], shape)
        if len(wanted) == len(view.base) and wanted[:-1] == view.base[:-1] and len(pieces) >= 2:
            last = runs(view.base[-1:], after)
            if len(last) == 2 and list(wanted[-1]) == [*last[1], *last[0]]:
                groups = size(last[0])
                return self.graph.append(f"{name}.shuffle", "shuffle_channels", [view.value], shape, groups=groups)
        split = [size(piece) for piece in pieces]
        value = self.reshape(view.value, tuple(split), name)
        order = sorted(range(len(pieces)), key=lambda i: after.index(pieces[i][0]))
        value = self.graph.append(
            f"{name}.transpose", "transpose", [value], tuple(split[i] for i in order), axes=[0] + [i + 1 for i in order]
        )
        return self.reshape(value, shape, name)

    def reshape(self, value, shape, name):
        if self.graph.shapes[value] == shape:
            return value
        return self.graph.append(f"{name}.reshape", "reshape", [value], shape, shape=[0, *shape])


def runs(base, after):
    """The atoms of `base` in groups that stay together in `after`; no group spans two axes."""
    place = {atom: index for index, atom in enumerate(after)}
    result = []
    for axis in base:
        group = []
        for atom in axis:
            if group and place[atom] != place[group[-1]] + 1:
                result.append(group)
                group = []
            group.append(atom)
        if group:
            result.append(group)
    return result
