#!/usr/bin/env python3
"""Shows what can be told of the labels of a scenes data set without looking at the objects.

Usage: scenes_check.py FOLDER   (what Tools/scenes/scenes.sh made)

A linear classifier learns on the training split from a few numbers per picture, in three ways: the colours of the whole
picture, the colours of what lies outside all objects' boxes with its grain, and the corners of the picture. The mean over
labels of the area under the ROC curve on the other splits is printed with a 95 % bootstrap interval over pictures, and the
label that is told best. Colours are part of the evidence: fruit is often red. Background and corners must give nothing
away, and do so only where a shortcut was planted. Exits with 1 when one of the two tells a label with more than 0.6, and by
more than four standard errors, which no label does by chance.
"""

import csv
import multiprocessing
import pathlib
import sys

import numpy
from PIL import Image

from common import SPLITS

LIMIT = 0.6
CORNER, CELLS = 28, 4  # of a picture of 224 pixels
WAYS = ("colours", "background", "corners")


def histogram(pixels: numpy.ndarray) -> numpy.ndarray:
    """Shares of 4 × 4 × 4 colours of `[N, 3]` bytes."""
    codes = (pixels // 64).astype(int) @ numpy.array([16, 4, 1])
    return numpy.bincount(codes, minlength=64) / max(len(codes), 1)


def features(task) -> list[numpy.ndarray]:
    """The numbers of each way, for a picture and the boxes of its objects."""
    path, boxes = task
    values = numpy.asarray(Image.open(path).convert("RGB"))
    outside = numpy.ones(values.shape[:2], bool)
    for left, top, width, height in boxes:
        outside[top : top + height, left : left + width] = False
    # The mark is no object; what is at the corners is looked at apart.
    side = CORNER * len(values) // 224
    for rows in (slice(0, side), slice(-side, None)):
        for columns in (slice(0, side), slice(-side, None)):
            outside[rows, columns] = False
    pixels = values[outside]
    grain = numpy.diff(values.astype(float), axis=1)[outside[:, 1:] & outside[:, :-1]]
    background = [*histogram(pixels), *(grain.std(axis=0) if len(grain) else numpy.zeros(3))]
    corners = []
    for part in (values[:side, :side], values[:side, -side:], values[-side:, :side], values[-side:, -side:]):
        small = Image.fromarray(part).resize((CELLS, CELLS), Image.Resampling.BOX)
        corners += [*(numpy.asarray(small).ravel() / 255), *(part.reshape(-1, 3).std(axis=0) / 255)]
        corners += list(histogram(part.reshape(-1, 3)))
    return [histogram(values.reshape(-1, 3)), numpy.array(background), numpy.array(corners)]


def load(folder: pathlib.Path):
    """Labels, splits `[N]`, truths `[N, K]` and the numbers `[N, F]` of each way."""
    with open(folder / "index.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    boxes = {row["path"]: [] for row in rows}
    with open(folder / "objects.csv", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["path"] in boxes and row["stamp"] != "planted mark":
                boxes[row["path"]].append([int(row[key]) for key in ("left", "top", "width", "height")])
    labels = sorted({label for row in rows for label in row["labels"].split("|") if label})
    truths = numpy.array([[label in row["labels"].split("|") for label in labels] for row in rows])
    with multiprocessing.Pool() as pool:
        found = pool.map(features, [(folder / row["path"], boxes[row["path"]]) for row in rows], chunksize=32)
    splits = numpy.array([row["split"] for row in rows])
    return labels, splits, truths, [numpy.array(way) for way in zip(*found)]


def scores(rows, truths, others, strength=30.0):
    """What a ridge regression on standardised numbers says of other rows, `[M, K]`."""
    mean, deviation = rows.mean(axis=0), rows.std(axis=0) + 1e-6
    rows, others = (rows - mean) / deviation, (others - mean) / deviation
    weights = numpy.linalg.solve(rows.T @ rows + strength * numpy.eye(rows.shape[1]), rows.T @ (truths - truths.mean(axis=0)))
    return others @ weights


def areas(truths, values) -> numpy.ndarray:
    """Area under the ROC curve of each label, `[K]`; ties count half, a label of one kind is not a number."""
    output = []
    for truth, value in zip(truths.T, values.T):
        _, inverse, counts = numpy.unique(value, return_inverse=True, return_counts=True)
        ranks = (numpy.cumsum(counts) - (counts - 1) / 2)[inverse]
        positive, negative = truth.sum(), (~truth).sum()
        area = (ranks[truth].sum() - positive * (positive + 1) / 2) / max(positive * negative, 1)
        output.append(area if positive and negative else numpy.nan)
    return numpy.array(output)


def chance(truths) -> numpy.ndarray:
    """The standard error of each label's area where nothing is told, `[K]`."""
    positive, negative = truths.sum(axis=0), (~truths).sum(axis=0)
    return numpy.sqrt((len(truths) + 1) / (12 * numpy.maximum(positive * negative, 1)))


def interval(truths, values, resamples=200):
    random = numpy.random.default_rng(0)
    means = []
    for _ in range(resamples):
        chosen = random.integers(len(truths), size=len(truths))
        means.append(numpy.nanmean(areas(truths[chosen], values[chosen])))
    return numpy.percentile(means, [2.5, 97.5])


def main() -> int:
    if len(sys.argv) != 2 or not (pathlib.Path(sys.argv[1]) / "objects.csv").is_file():
        print("usage: scenes_check.py FOLDER (with index.csv and objects.csv in it)", file=sys.stderr)
        return 2
    labels, splits, truths, ways = load(pathlib.Path(sys.argv[1]))
    told = []
    training = splits == SPLITS[0]
    for name, rows in zip(WAYS, ways):
        for split in SPLITS[1:]:
            chosen = splits == split
            if not chosen.any():
                continue
            values = scores(rows[training], truths[training], rows[chosen])
            area = areas(truths[chosen], values)
            if numpy.isnan(area).all():
                continue
            low, high = interval(truths[chosen], values)
            best = int(numpy.nanargmax(area))
            print(
                f"{name:11s} {split:11s} mean area {numpy.nanmean(area):.3f} [{low:.3f}, {high:.3f}], "
                f"{labels[best]} {area[best]:.3f}"
            )
            if name != WAYS[0]:
                limits = numpy.maximum(LIMIT, 0.5 + 4 * chance(truths[chosen]))
                told += [(label, name, split) for label, one, limit in zip(labels, area, limits) if one > limit]
    for label, way, split in told:
        print(f"scenes_check: {label} is told by the {way} in {split} (above {LIMIT})", file=sys.stderr)
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
