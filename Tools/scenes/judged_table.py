#!/usr/bin/env python3
"""Prints what `prism judge` found as a Markdown table, methods in the order of mIoU, baselines among them.

Usage: Tools/scenes/judged_table.py [--measures pointing,hit,iou,inside] [--seconds] JUDGE.json[,OTHERS.json …] [MORE.json …]

Several documents are of the same methods' maps of several models, such as the cases of XAI-TRIS: then a cell is the mean over
them, without an interval, and the last column says of how many of them the method was shown to be better than both baselines.
Documents joined by commas are of one model and the same inputs by different methods, and count as one.
"""

import argparse
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from training_runs import table

TITLES = {"pointing": "pointing game", "hit": "hit rate", "iou": "mIoU", "inside": "inside", "seconds": "ms a map"}


def cells(document, measures):
    """For every method its measures, `(value, low, high)` each; and whether it beats the baselines."""
    values = {}
    for entry in document["overall"]:
        low, high = entry["interval"] or (None, None)
        values.setdefault(entry["method"], {})[entry["measure"]] = (entry["value"], low, high)
    unbeaten = {entry["method"]: entry["baselines"] for entry in document["ranking"]["notBetterThan"]}
    return values, {method for method, baselines in unbeaten.items() if not baselines}


def read(paths):
    """The documents of one model and the same inputs, as one."""
    documents = [json.loads(pathlib.Path(path).read_text()) for path in paths.split(",")]
    first = documents[0]
    known = {method["name"] for method in first["methods"]}
    for other in documents[1:]:
        if [other[part] for part in ("model", "data", "inputs")] != [first[part] for part in ("model", "data", "inputs")]:
            sys.exit(f"judged_table: {paths} are not of the same inputs")
        new = {method["name"] for method in other["methods"]} - known
        first["methods"] += [method for method in other["methods"] if method["name"] in new]
        first["overall"] += [entry for entry in other["overall"] if entry["method"] in new]
        first["ranking"]["notBetterThan"] += [e for e in other["ranking"]["notBetterThan"] if e["method"] in new]
        known |= new
    return first


def shown(name, value, low, high):
    if name == "seconds":
        return f"{1000 * value:.0f}" if value >= 0.0095 else f"{1000 * value:.1f}"
    return f"{value:.3f}" + (f" ({low:.3f} to {high:.3f})" if low is not None else "")


def main(words=None) -> int:
    parser = argparse.ArgumentParser(prog="judged_table.py", description=__doc__.splitlines()[0])
    parser.add_argument("documents", nargs="+", metavar="JUDGE.json")
    parser.add_argument("--measures", default="pointing,hit,iou,inside")
    parser.add_argument("--seconds", action="store_true", help="a column of time too")
    options = parser.parse_args(words)
    measures = options.measures.split(",") + (["seconds"] if options.seconds else [])
    documents = [read(paths) for paths in options.documents]
    titles = {method["name"]: method["title"] for document in documents for method in document["methods"]}
    baselines = {method["name"] for document in documents for method in document["methods"] if method["baseline"]}
    found = [cells(document, measures) for document in documents]
    rows = []
    for method, title in titles.items():
        of = [values[method] for values, _ in found if method in values]
        if not of or measures[0] not in of[0]:
            continue
        row = []
        for measure in measures:
            if len(of) == 1:
                row.append(shown(measure, *of[0][measure]))
            else:
                row.append(shown(measure, sum(one[measure][0] for one in of) / len(of), None, None))
        wins = sum(method in better for _, better in found)
        if method in baselines:
            verdict = "baseline"
        elif len(documents) == 1:
            verdict = "yes" if wins else "no"
        else:
            verdict = f"{wins} of {len(of)}"
        order = sum(one["iou"][0] for one in of) / len(of)
        rows.append((order, [f"*{title}*" if method in baselines else title, *row, verdict]))
    rows.sort(key=lambda row: -row[0])
    print(table(["method", *(TITLES[measure] for measure in measures), "beats both"], [row for _, row in rows]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
