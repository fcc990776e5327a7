"""The page at the end of a run: what was done, what the model said, what failed, and some maps."""

import base64
import collections
import html
import os
import pathlib
import time

from . import files
from .progress import Progress, duration
from .run import Run, unexplained
from .sources import png
from .survey import left_out

#: Shards whose columns are counted; of more than these, evenly spread ones.
COUNTED = 2000
#: Maps that are shown.
SHOWN = 24
#: The largest side of a map that is shown.
SIDE = 160

STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; color: #1b1f24; margin: 2rem; max-width: 64rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2rem; } .grey { color: #57606a; }
table { border-collapse: collapse; } th, td { text-align: left; padding: .2rem 1.2rem .2rem 0; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
.bar { background: #d0d7de; height: .6rem; min-width: 1px; }
ul.maps { list-style: none; padding: 0; display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(10rem, 1fr)); }
.maps img { width: 100%; display: block; border: 1px solid #b4bac2; image-rendering: auto; }
.maps span { overflow-wrap: anywhere; font-size: .85rem; }
"""


def write(run: Run, progress: Progress | None = None) -> str:
    """Writes the page and its numbers; the path of the page."""
    facts = gathered(run)
    if os.path.exists(path := run.path("survey", "survey.json")):
        facts["survey"] = surveyed(files.read_json(path)) | {"left": left_out(run.manifest["request"])}
    if progress:
        facts["last"] = {
            "inputs": progress.inputs, "seconds": round(progress.seconds, 3), "evaluations": progress.evaluations,
        }  # fmt: skip
    with files.WholeFile(run.path("summary.json")) as file:
        file.write((files.canonical(facts) + "\n").encode())
    path = run.path("summary.html")
    with files.WholeFile(path) as file:
        file.write(page(run, facts).encode())
    return path


def gathered(run: Run) -> dict:
    """The numbers of the page, from the records of shards and the small columns of some of them."""
    records = list(run.done())
    failed = [failure for record in records for failure in record["failed"]]
    step = -(-len(records) // COUNTED) or 1
    labels: collections.Counter = collections.Counter()
    sums: collections.Counter = collections.Counter()
    counted = 0
    methods: collections.Counter = collections.Counter()
    for record in records[::step]:
        last = None
        for address, method, label, probability in _columns(run, record["shard"]):
            methods[method] += 1
            if address != last:
                last = address
                counted += 1
                labels[label] += 1
                sums[label] += probability or 0
    return {
        "inputs": run.manifest["inputs"],
        "done": sum(record["inputs"] for record in records),
        "rows": sum(record["rows"] for record in records),
        "evaluations": sum(record["evaluations"] for record in records),
        "bytes": sum(record["size"] for record in records),
        "shards": run.shards,
        "missing": len(run.remaining()),
        "failed": failed,
        "explained": sum(record["inputs"] - len(unexplained(record["failed"])) for record in records),
        "counted": counted,
        "methods": dict(sorted(methods.items())),
        "labels": [
            {"label": label, "inputs": count, "probability": sums[label] / count} for label, count in labels.most_common()
        ],
    }


def _columns(run: Run, shard: int):
    import pyarrow.parquet as parquet

    table = parquet.read_table(run.data_path(shard), columns=["address", "method", "prediction", "probability"])
    return zip(*(table.column(name).to_pylist() for name in table.column_names), strict=True)


def page(run: Run, facts: dict) -> str:
    manifest = run.manifest
    whole = facts["missing"] == 0
    title = f"Explanations of {facts['done']:,} inputs".replace(",", " ")
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style></head>",
        f"<body><main><h1>{title}</h1>",
        f'<p class="grey">{html.escape(pathlib.Path(manifest["model"]["name"]).stem)} · '
        f'{html.escape(", ".join(m["name"] for m in manifest["request"]["methods"]))} · Prism {html.escape(manifest["prism"])}</p>',
    ]
    if not whole:
        lines.append(f"<p><strong>{facts['missing']} of {facts['shards']} shards are missing.</strong> The same command does them.</p>")
    rows = [
        ("Inputs", number(facts["inputs"])),
        ("Explained", number(facts["explained"])),
        ("Failed", number(facts["done"] - facts["explained"])),
        ("Rows", number(facts["rows"])),
        ("Evaluations of the model", number(facts["evaluations"])),
        ("Stored", size(facts["bytes"])),
        ("Shards", number(facts["shards"])),
    ]
    if last := facts.get("last"):
        rate = last["inputs"] / max(last["seconds"], 1e-9)
        rows.append(("Last call", f"{number(last['inputs'])} inputs in {duration(last['seconds'])}, {rate:.1f} a second"))
    lines.append("<table>")
    lines += [f'<tr><th scope="row">{name}</th><td class="number">{value}</td></tr>' for name, value in rows]
    lines.append("</table>")
    lines += _labels(facts)
    lines += _survey(facts)
    lines += _failures(facts)
    lines += _maps(run)
    stamp = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
    lines.append(
        f'<p class="grey">Results: shards/*.parquet, one row an input, method and label. {stamp} UTC.</p></main></body></html>'
    )
    return "\n".join(lines) + "\n"


def _labels(facts: dict):
    if not facts["labels"]:
        return
    most = facts["labels"][0]["inputs"]
    part = "" if facts["counted"] == facts["explained"] else f" (of {number(facts['counted'])} inputs)"
    yield f"<h2>What the model says{part}</h2><table>"
    yield '<tr><th scope="col">Label</th><th scope="col" class="number">Inputs</th><th scope="col"></th>'
    yield '<th scope="col" class="number">Mean probability</th></tr>'
    for entry in facts["labels"][:30]:
        width = 12 * entry["inputs"] / most
        yield (
            f'<tr><td>{html.escape(str(entry["label"]))}</td><td class="number">{number(entry["inputs"])}</td>'
            f'<td style="width:12rem"><div class="bar" style="width:{width:.2f}rem"></div></td>'
            f'<td class="number">{100 * entry["probability"]:.1f} %</td></tr>'
        )
    yield "</table>"
    if len(facts["labels"]) > 30:
        yield f'<p class="grey">and {len(facts["labels"]) - 30} more labels</p>'


def surveyed(told: dict) -> dict:
    """What the page says of a survey: its advice, and the highest score of every label."""
    return {
        "inputs": told["inputs"],
        "method": told["method"],
        "alarm": told["alarm"],
        "advice": told["advice"],
        "labels": [
            {"label": label["label"], "inputs": label["inputs"], "groups": len(label["groups"]),
             "score": max((group["score"] for group in label["groups"]), default=0)}
            for label in told["labels"]
        ],
    }  # fmt: skip


def _survey(facts: dict):
    """What the explanations of some inputs give away together."""
    told = facts.get("survey")
    if not told:
        return
    yield f"<h2>What they give away together</h2><p>{html.escape(told['advice'])}</p><table>"
    yield '<tr><th scope="col">Label</th><th scope="col" class="number">Inputs</th><th scope="col" class="number">Groups</th>'
    yield f'<th scope="col" class="number">Suspicion (alarm at {told["alarm"]:g})</th></tr>'
    for entry in sorted(told["labels"], key=lambda entry: -entry["score"]):
        yield (
            f'<tr><td>{html.escape(entry["label"])}</td><td class="number">{number(entry["inputs"])}</td>'
            f'<td class="number">{entry["groups"]}</td><td class="number">{entry["score"]:.2f}</td></tr>'
        )
    left = f" without the run's {', '.join(told['left'])}" if told["left"] else ""
    yield (
        f'</table><p class="grey">{number(told["inputs"])} inputs by {html.escape(told["method"] + left)}, under the label that the model says '
        'first. <a href="survey/survey.html">The survey</a> shows the groups.</p>'
    )


def _failures(facts: dict):
    if not facts["failed"]:
        return
    parts = len(facts["failed"]) - len(unexplained(facts["failed"]))
    yield "<h2>What failed</h2>" + (f"<p>{number(parts)} × a method failed where others did not.</p>" if parts else "") + "<table>"
    yield '<tr><th scope="col">Input</th><th scope="col">Why</th><th scope="col" class="number">Attempts</th></tr>'
    for entry in facts["failed"][:100]:
        yield (
            f'<tr><td>{html.escape(entry["address"])}</td><td>{html.escape(_reason(entry))}</td>'
            f'<td class="number">{entry["attempts"]}</td></tr>'
        )
    yield "</table>"
    if len(facts["failed"]) > 100:
        yield f'<p class="grey">and {len(facts["failed"]) - 100} more: summary.json has them all</p>'


def _reason(entry: dict) -> str:
    return f"{entry['method']}: {entry['error']}" if entry.get("method") else entry["error"]


def _maps(run: Run):
    """Some maps of shards that are spread evenly."""
    import pyarrow.parquet as parquet

    done = sorted(run.done_shards())
    step = -(-len(done) // SHOWN) or 1
    each = -(-SHOWN // max(1, len(done[::step])))
    items = []
    for shard in done[::step]:
        file = parquet.ParquetFile(run.data_path(shard))
        if file.num_row_groups == 0:
            continue
        rows = next(file.iter_batches(batch_size=each, row_groups=[0])).to_pylist()
        for row in rows[:each]:
            if row["map"]:
                items.append((row, base64.b64encode(picture(row)).decode()))
    if items:
        yield '<h2>Some of the maps</h2><p class="grey">red for, blue against; each as strong as its strongest point</p>'
        yield '<ul class="maps">'
        for row, data in items[:SHOWN]:
            words = f"{row['address']} · {row['method']} · {row['label']}"
            if row["start"] is not None:
                words += f" · {row['start']:g}–{row['end']:g} s"
            yield f'<li><img alt="" loading="lazy" src="data:image/png;base64,{data}"><span>{html.escape(words)}</span></li>'
        yield "</ul>"


def picture(row: dict) -> bytes:
    """A map as a small PNG."""
    import numpy

    kind = {"float32": "<f4", "float16": "<f2"}[row["type"]]
    values = numpy.frombuffer(row["map"], kind).astype("f4").reshape(row["height"], row["width"])
    step = max(1, -(-max(values.shape) // SIDE))
    values = values[::step, ::step]
    most = float(numpy.abs(values).max()) or 1.0
    share = numpy.clip(values / most, -1, 1)[..., None]
    red, blue, white = (numpy.array(c, "f4") for c in ((178, 24, 43), (33, 102, 172), (247, 247, 247)))
    colours = numpy.where(share > 0, white + share * (red - white), white - share * (blue - white))
    pixels = numpy.rint(colours).astype("u1")
    height, width = pixels.shape[:2]
    rows = b"".join(b"\0" + line.tobytes() for line in pixels)
    return png(width, height, rows, colours=3)


def number(value: int) -> str:
    return f"{value:,}".replace(",", " ")


def size(value: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"
