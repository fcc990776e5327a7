"""A shard's results as a Parquet file: one row an input, method, label and passage, in the order of the inputs.

The same results are the same bytes: rows are put in groups by their number alone, and nothing of them depends on time or
place.
"""

import time

import pyarrow
import pyarrow.parquet as parquet

from . import files
from .explainer import Failure, Result
from .run import Outcome, Run, unexplained

SCHEMA = pyarrow.schema(
    [
        pyarrow.field("address", pyarrow.string(), nullable=False),
        pyarrow.field("sha256", pyarrow.string(), nullable=False),
        pyarrow.field("key", pyarrow.string(), nullable=False),
        pyarrow.field("method", pyarrow.string(), nullable=False),
        pyarrow.field("label", pyarrow.string()),
        pyarrow.field("start", pyarrow.float64()),
        pyarrow.field("end", pyarrow.float64()),
        pyarrow.field("prediction", pyarrow.string()),
        pyarrow.field("probability", pyarrow.float64()),
        pyarrow.field("height", pyarrow.int32()),
        pyarrow.field("width", pyarrow.int32()),
        pyarrow.field("type", pyarrow.string()),
        pyarrow.field("map", pyarrow.binary()),
        pyarrow.field("diagnostics", pyarrow.string()),
    ]
)
PICTURES = pyarrow.schema(
    [
        pyarrow.field("address", pyarrow.string(), nullable=False),
        pyarrow.field("name", pyarrow.string(), nullable=False),
        pyarrow.field("type", pyarrow.string()),
        pyarrow.field("bytes", pyarrow.binary(), nullable=False),
    ]
)
#: Rows of a group: what is in memory of a file that is written.
GROUP = 64
#: What of an explanation has a column of its own, or means nothing here.
ELSEWHERE = {"method", "window", "files"}


class Table:
    """A Parquet file that is written in groups."""

    def __init__(self, path: str, schema: pyarrow.Schema):
        self._file = files.WholeFile(path)
        self._schema = schema
        self._rows: list[dict] = []
        self.count = 0
        self._writer = parquet.ParquetWriter(
            self._file, schema, compression="zstd", compression_level=1,
            use_dictionary=[f.name for f in schema if f.name in ("method", "label", "prediction", "type")],
            write_statistics=[f.name for f in schema if f.name not in ("map", "bytes", "diagnostics")],
        )  # fmt: skip

    def add(self, row: dict) -> None:
        self._rows.append(row)
        self.count += 1
        if len(self._rows) == GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._rows:
            self._writer.write_table(pyarrow.Table.from_pylist(self._rows, self._schema), row_group_size=GROUP)
            self._rows.clear()

    def commit(self) -> tuple[str, int]:
        """Writes the file; its SHA-256 and size."""
        self._flush()
        self._writer.close()
        self._file.commit()
        return self._file.sha256, self._file.size

    def abort(self) -> None:
        # Nothing more is to be written, not even when the writer goes.
        self._writer.is_open = False
        self._file.abort()


class ShardWriter:
    """Takes the answers of a shard in any order, and writes them in that of the inputs."""

    def __init__(self, run: Run, shard: int, entries: list[dict], node: str):
        self._run = run
        self._shard = shard
        self._entries = entries
        self._node = node
        self._waiting: dict[int, Result | Failure] = {}
        self._next = 0
        self._failed: list[dict] = []
        self._evaluations = 0
        self._explaining = 0.0
        self._start = time.monotonic()
        self._table = Table(run.data_path(shard), SCHEMA)
        self._pictures = None
        if run.manifest["pictures"]:
            try:
                self._pictures = Table(run.pictures_path(shard), PICTURES)
            except OSError:
                self._table.abort()
                raise

    @property
    def is_complete(self) -> bool:
        return self._next == len(self._entries)

    def add(self, position: int, answer: Result | Failure) -> None:
        self._waiting[position] = answer
        while self._next in self._waiting:
            self._write(self._entries[self._next]["address"], self._waiting.pop(self._next))
            self._next += 1

    def finish(self) -> Outcome:
        """Writes the data, then what says that they are there; where that fails, nothing is left beside the files."""
        try:
            return self._finish()
        except BaseException:
            self.abort()
            raise

    def _finish(self) -> Outcome:
        digest, size = self._table.commit()
        record = {"shard": self._shard, "rows": self._table.count, "sha256": digest, "failed": self._failed}
        if self._pictures:
            record["pictures"], more = self._pictures.commit()
            size += more
        record |= {"inputs": len(self._entries), "evaluations": self._evaluations, "size": size}
        files.write_json(self._run.done_path(self._shard), record)
        return Outcome(
            shard=self._shard, inputs=len(self._entries), rows=self._table.count, failed=len(unexplained(self._failed)),
            evaluations=self._evaluations, seconds=time.monotonic() - self._start, explaining=self._explaining,
            node=self._node, size=size,
        )  # fmt: skip

    def abort(self) -> None:
        self._table.abort()
        if self._pictures:
            self._pictures.abort()

    def _write(self, address: str, answer: Result | Failure) -> None:
        if isinstance(answer, Failure):
            self._failed.append({"address": address, "error": answer.error, "attempts": answer.attempts})
            return
        for row in rows(address, answer):
            self._table.add(row)
        for failure in answer.header["document"].get("failures", []):
            self._failed.append(
                {"address": address, "method": failure.get("method"), "error": failure.get("reason"), "attempts": 1}
            )
        self._evaluations += answer.header.get("evaluations", 0)
        self._explaining += answer.header.get("seconds", 0)
        for picture in answer.header.get("pictures", []) if self._pictures else []:
            start = picture["offset"]
            self._pictures.add(
                {"address": address, "name": picture["name"], "type": picture.get("type"),
                 "bytes": answer.payload[start : start + picture["bytes"]]}
            )  # fmt: skip


def rows(address: str, answer: Result) -> list[dict]:
    """The rows of an input."""
    header = answer.header
    document = header["document"]
    top = (document.get("predictions") or [{}])[0]
    maps = header.get("maps", [])
    result = []
    for number, explanation in enumerate(document.get("explanations", [])):
        start, end = explanation.get("window") or (None, None)
        row = {
            "address": address,
            "sha256": header["digest"],
            "key": header["key"],
            "method": explanation["method"],
            "label": (explanation.get("target") or {}).get("label"),
            "start": start,
            "end": end,
            "prediction": top.get("label"),
            "probability": top.get("probability"),
            "diagnostics": files.canonical({k: v for k, v in explanation.items() if k not in ELSEWHERE}),
        }
        if maps:
            each = maps[number]
            row["height"], row["width"] = each["shape"]
            row["type"] = each["type"]
            row["map"] = answer.payload[each["offset"] : each["offset"] + each["bytes"]]
        result.append(row)
    return result
