"""What the scripts that train a default model share: running the command, its runs' best epochs, measures and tables."""

import csv
import json
import pathlib
import shutil
import subprocess


def run(prism, *arguments):
    return subprocess.run([prism, *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout


def train(prism, path, *arguments):
    """Trains a run unless it is there; goes on with one that was interrupted."""
    path.parent.mkdir(parents=True, exist_ok=True)
    checkpoint = path.with_suffix(".checkpoint")
    if not path.exists() or checkpoint.exists():
        resume = ["--resume"] if checkpoint.exists() else []
        run(prism, "train", *arguments, "--half", "--output", path, *resume)
    return path


def best_epoch(path):
    """The row of the learning curve that was kept, and how many there are."""
    with path.with_suffix(".curve.csv").open() as file:
        rows = list(csv.DictReader(file))
    return next(row for row in rows if row["best"] == "1"), len(rows)


def evaluation(prism, path, data, split):
    """What `prism evaluate` says of a split: measures with intervals, and each label's."""
    output = path.parent / f"{path.stem}.{split}"
    run(prism, "evaluate", "--model", path, "--data", data, "--split", split, "--output", output)
    return json.loads((output / "evaluation.json").read_text())["evaluation"]


def shown(measure):
    return "{value:.3f} ({low:.3f} to {high:.3f})".format(**measure)


def table(header, rows):
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def publish(path, name):
    """Puts the chosen run into Weights."""
    for suffix in (".safetensors", ".curve.png", ".curve.csv"):
        shutil.copyfile(path.with_suffix(suffix), pathlib.Path("Weights") / f"{name}{suffix}")
