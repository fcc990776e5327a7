#!/usr/bin/env python3
"""Shows that loudness, length and bandwidth alone do not tell the real from the synthetic files of a voice data set.

Usage: voices_check.py FOLDER   (what Tools/voices/voices.sh made, or any folder of training|validation|testing/real|fake)

Two classifiers (logistic regression, and gradient-boosted trees, which see what is not linear) learn on the training
split from a few numbers per file; the area under the ROC curve on the other splits is printed with a 95 % bootstrap
interval. Near 0.5 means that the numbers give nothing away. Exits with 1 when the giveaways exceed 0.6.
"""

import pathlib
import sys
import wave

import numpy
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

SPLITS = ["training", "validation", "testing"]
LIMIT = 0.6
FEATURES = ["loudness", "length", "leading silence", "trailing silence", "f1%", "f99%", "low edge", "high edge"]


def features(path: pathlib.Path) -> list[float]:
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0
    frame = rate // 50
    level = 10 * numpy.log10((samples[: len(samples) // frame * frame].reshape(-1, frame) ** 2).mean(axis=1) + 1e-12)
    loud = numpy.flatnonzero(level > numpy.percentile(level, 95) - 30)
    blocks = numpy.lib.stride_tricks.sliding_window_view(samples, 512)[::256]
    power = (abs(numpy.fft.rfft(blocks * numpy.hanning(512), axis=1)) ** 2).sum(axis=0)
    frequency = numpy.arange(257) * rate / 512
    share = numpy.cumsum(power) / power.sum()
    decibel = 10 * numpy.log10(power / power.max() + 1e-12)
    wide = numpy.flatnonzero(decibel > -50)
    return [
        10 * numpy.log10((samples**2).mean() + 1e-12),  # dBFS
        len(samples) / rate,  # s
        loud[0] * 0.02,
        (len(level) - 1 - loud[-1]) * 0.02,
        numpy.interp(0.01, share, frequency),  # Hz: below it lies 1 % of the power
        numpy.interp(0.99, share, frequency),
        frequency[wide[0]],  # Hz: the lowest and the highest that is within 50 dB of the strongest
        frequency[wide[-1]],
    ]


def load(folder: pathlib.Path, split: str) -> tuple[numpy.ndarray, numpy.ndarray]:
    rows, labels = [], []
    for label in ["real", "fake"]:
        for path in sorted((folder / split / label).glob("*.wav")):
            rows.append(features(path))
            labels.append(label == "fake")
    return numpy.array(rows), numpy.array(labels)


def interval(labels: numpy.ndarray, scores: numpy.ndarray) -> tuple[float, float]:
    random = numpy.random.default_rng(0)
    values = []
    while len(values) < 1000:
        chosen = random.integers(len(labels), size=len(labels))
        if 0 < labels[chosen].sum() < len(labels):
            values.append(roc_auc_score(labels[chosen], scores[chosen]))
    return tuple(numpy.percentile(values, [2.5, 97.5]))


def main() -> int:
    if len(sys.argv) != 2 or not (pathlib.Path(sys.argv[1]) / "training").is_dir():
        print("usage: voices_check.py FOLDER (with training, validation and testing in it)", file=sys.stderr)
        return 2
    data = {split: load(pathlib.Path(sys.argv[1]), split) for split in SPLITS}
    for split, (rows, labels) in data.items():
        print(f"{split}: {(~labels).sum()} real, {labels.sum()} fake")
    print("\nmean and standard deviation, training")
    rows, labels = data["training"]
    for index, name in enumerate(FEATURES):
        real, fake = rows[~labels, index], rows[labels, index]
        print(f"  {name:17s} real {real.mean():9.3f} ± {real.std():7.3f}   fake {fake.mean():9.3f} ± {fake.std():7.3f}")

    worst = 0.0
    print("\narea under the ROC curve from these numbers alone")
    for name, model in [
        ("logistic regression", make_pipeline(StandardScaler(), LogisticRegression())),
        ("boosted trees", HistGradientBoostingClassifier(random_state=0)),
    ]:
        model.fit(*data["training"])
        for split in SPLITS[1:]:
            rows, labels = data[split]
            scores = model.predict_proba(rows)[:, 1]
            area = roc_auc_score(labels, scores)
            low, high = interval(labels, scores)
            worst = max(worst, area)
            print(f"  {name:20s} {split:10s} {area:.3f} [{low:.3f}, {high:.3f}]")
    if worst > LIMIT:
        print(f"voices_check: more than {LIMIT}: something that is not the voice tells the classes apart", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
