"""A survey of a finished run: what some of its inputs' explanations give away together, as `prism survey` finds it.

The inputs are those of each label that the model says first whose digests come first: the same ones whoever draws them.
"""

import collections
import csv
import heapq
import os
import pathlib
import re
import subprocess

from . import files
from .errors import RunError
from .run import Run
from .worker import WorkerOptions, find_program, packaged

#: Inputs a label, where nobody says how many.
INPUTS = 100
#: The most labels; those that are said most often.
LABELS = 20


def write(run: Run, worker: WorkerOptions, count: int) -> dict:
    """Surveys some inputs of a run, in OUTPUT/survey; what was found."""
    folder = run.path("survey")
    os.makedirs(os.path.join(folder, "inputs"), exist_ok=True)
    table = os.path.join(folder, "inputs.csv")
    drawn = sample(run, count)
    if not drawn:
        raise RunError("there is nothing to survey: no input was explained")
    rows = [
        (place(run, digest, shard, address, folder), label)
        for label, entries in sorted(drawn.items())
        for digest, shard, address in entries
    ]
    # What an earlier survey of other inputs has begun.
    pathlib.Path(folder, "survey.journal").unlink(missing_ok=True)
    # Whether inputs have one label or several the model's file says: a table of the wrong kind is refused at once.
    for heading in ("label", "labels"):
        with open(table, "w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([("path", heading), *rows])
        words = command(worker, run.manifest["request"], table, folder)
        done = subprocess.run(words, env=run.pinned(worker).environment(), capture_output=True, text=True)
        if done.returncode in (0, 3):
            break
    if done.returncode not in (0, 3):
        reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise RunError(f"the results are written, but the survey failed: {reason.removeprefix('prism: ')}")
    return files.read_json(os.path.join(folder, "survey.json"))


def left_out(asked: dict) -> list[str]:
    """What was chosen for the run that `prism survey` does not take, by its names in a request."""
    method = {name for name, value in asked["methods"][0].items() if value is not None}
    return sorted(method - {"name", "layer", "samples"}) + [name for name in ("targets", "windows") if asked.get(name) is not None]


def command(worker: WorkerOptions, asked: dict, table: str, folder: str) -> list[str]:
    """The command line of the survey, by the first method of the run."""
    method, pictures, sound = asked["methods"][0], asked.get("pictures", {}), asked.get("sound", {})
    words = [
        find_program(worker.program), "survey", "--model", worker.model, "--data", table, "--split", "all", "--method", method["name"],
        "--output", folder, "--threads", str(os.cpu_count() or 1),
    ]  # fmt: skip
    choices = {
        "--layer": method.get("layer"), "--samples": method.get("samples"), "--seed": asked.get("seed"),
        "--range": pictures.get("range"), "--window-level": pictures.get("window"), "--frame": pictures.get("frame"),
        "--weights": worker.weights or packaged("weights"),
    }  # fmt: skip
    # Of sounds a request says everything, and a model of pictures takes no choice of them.
    usual = {"channel": "mix", "verdict": "mean"}
    choices |= {f"--{name}": sound[name] for name, value in usual.items() if sound.get(name, value) != value}
    for name, value in choices.items():
        words += [name, str(value)] if value is not None else []
    words += ["--allow-damaged"] if sound.get("allowsDamage") else []
    for limit in worker.limits:
        words += ["--limit", limit]
    return words


def sample(run: Run, count: int) -> dict[str, list[tuple[str, int, str]]]:
    """Digests, shards and addresses of some inputs, by the label that the model says first."""
    import pyarrow.parquet as parquet

    seen: collections.Counter = collections.Counter()
    # The largest digest first: what is thrown out when a smaller one comes.
    kept: dict[str, list[tuple[int, str, int, str]]] = collections.defaultdict(list)
    for record in run.done():
        table = parquet.read_table(run.data_path(record["shard"]), columns=["address", "sha256", "prediction"])
        last = None
        for address, digest, label in zip(*(column.to_pylist() for column in table.columns), strict=True):
            if address == last or not label:
                continue
            last = address
            seen[label] += 1
            entry = (-int(digest, 16), digest, record["shard"], address)
            (heapq.heappushpop if len(kept[label]) >= count else heapq.heappush)(kept[label], entry)
    return {label: sorted(entry[1:] for entry in kept[label]) for label, _ in seen.most_common(LABELS)}


def place(run: Run, digest: str, shard: int, address: str, folder: str) -> str:
    """The path of an input; one that is no file of a folder is written beside the survey."""
    source = run.manifest["source"]
    if source["kind"] == "folder":
        return os.path.join(source["root"], address)
    entry = next(entry for entry in run.entries(shard) if entry["address"] == address)
    path = os.path.join(folder, "inputs", f"{digest[:12]}-" + re.sub(r"[^\w.-]+", "-", run.source.name(entry))[-100:])
    with files.WholeFile(path) as file:
        file.write(run.source.read(entry))
    return path
