#!/usr/bin/env python3
"""Small pictures in which it is known which pixels tell the classes apart, after the sets of XAI-TRIS (Clark et al. 2024).

Usage: Tools/scenes/xai_tris.py FOLDER [--scenario linear] [--noise white] [--strength 0.3] [--counts 1200,300,300] [--seed 0]

Two classes: a T of four cells stands for `t`, an L for `l`, on a grid of 8 × 8 cells of 8 × 8 pixels: 64 × 64 pixels.

  linear           The T is in the upper left, the L in the lower right; each is added to the noise.
  multiplicative   The same places; the noise is damped under the shape instead.
  rotated          Added at any of the cells, turned by a multiple of 90°: no pixel by itself tells anything.
  xor              Both shapes, added or subtracted: `t` when their signs agree, `l` when not.

The noise is white, or correlated by a Gaussian of a cell and a half. Shape and noise are brought to the same energy before
they are mixed: strength × shape + (1 - strength) × noise.

The folder then holds training|validation|testing/NAME.png (8 bit, grey), index.csv (path, split, label) and
masks/LABEL/NAME.png, 0 and 255. Where places are fixed, the shape of the other class is part of the truth: that it is not there
is evidence as good as that the own one is. `masks-own/LABEL/NAME.png` has the shape that is there alone.
"""

import argparse
import pathlib
import sys

import numpy

from common import SPLITS, draw, whole_folder, write_picture, write_table

SCENARIOS = ("linear", "multiplicative", "rotated", "xor")
CELLS, CELL = 8, 8
SHAPES = {"t": [(0, 0), (0, 1), (0, 2), (1, 1)], "l": [(0, 0), (1, 0), (2, 0), (2, 1)]}
PLACES = {"t": (1, 1), "l": (4, 4)}


def grid(shape: str, place, turns: int = 0) -> numpy.ndarray:
    """`[8, 8]`, 1 in the cells of a shape."""
    cells = numpy.zeros((3, 3))
    for row, column in SHAPES[shape]:
        cells[row, column] = 1
    cells = numpy.rot90(cells, turns)
    cells = cells[cells.any(axis=1)][:, cells.any(axis=0)]
    output = numpy.zeros((CELLS, CELLS))
    output[place[0] : place[0] + cells.shape[0], place[1] : place[1] + cells.shape[1]] = cells
    return output


def enlarged(cells: numpy.ndarray) -> numpy.ndarray:
    return numpy.kron(cells, numpy.ones((CELL, CELL)))


def gaussian(values: numpy.ndarray, deviation: float) -> numpy.ndarray:
    """Blurred, as if the picture went on around its edges."""
    frequency = numpy.fft.fftfreq(len(values))
    response = numpy.exp(-2 * (numpy.pi * deviation * frequency) ** 2)
    return numpy.fft.ifft2(numpy.fft.fft2(values) * response[:, None] * response[None]).real


def unit(values: numpy.ndarray) -> numpy.ndarray:
    return values / numpy.linalg.norm(values)


def picture(scenario: str, noise: str, strength: float, label: str, random):
    """`[64, 64]` bytes, the truth, and the shapes that are there."""
    background = random.standard_normal((CELLS * CELL, CELLS * CELL))
    if noise == "correlated":
        background = gaussian(background, 1.5 * CELL)
    background = unit(background)
    both = enlarged(grid("t", PLACES["t"]) + grid("l", PLACES["l"]))
    own = enlarged(grid(label, PLACES[label]))
    truth = both
    if scenario == "rotated":
        own = enlarged(grid(label, random.integers(0, CELLS - 2, 2), random.integers(4)))
        truth = own
    if scenario == "multiplicative":
        values = background * (1 - strength * gaussian(own, 1))
    elif scenario == "xor":
        first = random.choice([-1, 1])
        second = first if label == "t" else -first
        signed = enlarged(first * grid("t", PLACES["t"]) + second * grid("l", PLACES["l"]))
        own = both
        values = strength * unit(gaussian(signed, 1)) + (1 - strength) * background
    else:
        values = strength * unit(gaussian(own, 1)) + (1 - strength) * background
    values = values / abs(values).max() * 127
    return numpy.rint(128 + values).astype(numpy.uint8), truth > 0, own > 0


def main(words=None) -> int:
    parser = argparse.ArgumentParser(prog="xai_tris.py", description="Makes small pictures with known evidence.")
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--scenario", choices=SCENARIOS, default="linear")
    parser.add_argument("--noise", choices=("white", "correlated"), default="white")
    parser.add_argument("--strength", type=float, help="0.05 to 1 (0.3; 0.8 for multiplicative)")
    parser.add_argument("--counts", default="1200,300,300", help="training, validation and testing pictures")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    usual = 0.8 if options.scenario == "multiplicative" else 0.3
    strength = usual if options.strength is None else options.strength
    try:
        counts = [int(count) for count in options.counts.split(",")]
    except ValueError:
        counts = []
    if len(counts) != 3 or min(counts) < 0 or not 0.05 <= strength <= 1:
        parser.error("--counts takes three numbers, --strength is from 0.05 to 1")
    index = []
    with whole_folder(options.folder) as folder:
        for split, count in zip(SPLITS, counts):
            for number in range(count):
                name, label = f"{split}-{number:05d}", "tl"[number % 2]
                random = draw(options.seed, options.scenario, options.noise, name)
                values, truth, own = picture(options.scenario, options.noise, strength, label, random)
                write_picture(folder / split / f"{name}.png", values)
                write_picture(folder / "masks" / label / f"{name}.png", truth)
                write_picture(folder / "masks-own" / label / f"{name}.png", own)
                index.append((f"{split}/{name}.png", split, label))
        write_table(folder / "index.csv", ["path", "split", "label"], index)
        rows = [(path, f"masks/{label}/{path.rpartition('/')[2]}", label) for path, _, label in index]
        write_table(folder / "masks.csv", ["path", "mask", "target"], rows)
    print(f"xai_tris: {len(index)} pictures in {options.folder}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
