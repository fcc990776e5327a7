"""Weights that a checkpoint keeps as factors: those of weight norm, spectral norm and pruning, multiplied out.

At inference each is one fixed tensor, and a file without the factors would hold that one.
"""

import numpy

from .errors import ConversionError

# The names of the factors of `weight`, by torch's older functions and by its newer parametrizations.
WEIGHT_NORM = (("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1"))
SPECTRAL_NORM = (
    ("weight_orig", "weight_u", "weight_v"),
    ("parametrizations.weight.original", "parametrizations.weight.0._u", "parametrizations.weight.0._v"),
)
PRUNED = (("weight_orig", "weight_mask"),)


def multiply_out(state):
    """The state with the weights in the places of their factors."""
    rules = [(names, direction) for names in WEIGHT_NORM]
    rules += [(names, spectral) for names in SPECTRAL_NORM]
    rules += [(names, numpy.multiply) for names in PRUNED]
    result = dict(state)
    for names, product in rules:
        for name in [name for name in result if name == names[0] or name.endswith("." + names[0])]:
            layer = name[: len(name) - len(names[0])]
            factors = [result.get(layer + part) for part in names]
            if any(value is None for value in factors) or layer + "weight" in result:
                continue
            try:
                weight = product(*(value.astype("float64") for value in factors)).astype("float32")
            except ValueError as error:
                raise ConversionError(f"the factors of {layer}weight do not fit each other") from error
            taken = [layer + part for part in names]
            result = {
                (layer + "weight" if key == name else key): (weight if key == name else value)
                for key, value in result.items() if key == name or key not in taken
            }  # fmt: skip
    return result


def direction(lengths, values):
    """Weight norm: the length along the axes that `lengths` has, times a direction."""
    axes = tuple(axis for axis in range(values.ndim) if not lengths.ndim or lengths.shape[axis] == 1)
    return lengths * (values / numpy.sqrt((values**2).sum(axes, keepdims=bool(lengths.ndim))))


def spectral(weight, left, right):
    """Spectral norm: divided by the largest singular value, which the vectors give."""
    return weight / (left @ (weight.reshape(weight.shape[0], -1) @ right))
