"""Makes shards that `prism shard` has written the files that the engines write: the same rows, the same bytes."""

import contextlib
import hashlib
import json
import os

from . import files
from .errors import RunError
from .run import Run
from .sink import SCHEMA, Table


def collect(run: Run) -> int:
    """Turns the shards of a run that `prism shard` has done; how many there were.

    A shard's old files go when what says that it is done names the new one, so that a call which is killed is repeated.
    """
    count = 0
    for shard in sorted(run.done_shards()):
        record = files.read_json(run.done_path(shard))
        if "maps" in record:
            files.write_json(run.done_path(shard), turned(run, record))
            count += 1
        for ending in ("jsonl", "maps"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(part(run, shard, ending))
    return count


def part(run: Run, shard: int, ending: str) -> str:
    """The path of a file of `prism shard`."""
    return run.path("shards", f"{run.shard_name(shard)}.{ending}")


def turned(run: Run, record: dict) -> dict:
    """Writes the Parquet file of a shard; the record that names it."""
    shard = record["shard"]
    for ending, noted in (("jsonl", record["sha256"]), ("maps", record["maps"]["sha256"])):
        with open(part(run, shard, ending), "rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != noted:
                raise RunError(f"{file.name} is not what was written: remove {run.done_path(shard)}, and do the shard again")
    table = Table(run.data_path(shard), SCHEMA)
    try:
        with open(part(run, shard, "jsonl"), encoding="utf-8") as lines, open(part(run, shard, "maps"), "rb") as maps:
            for line in lines:
                row = json.loads(line)
                start, size = row.pop("offset"), row.pop("bytes")
                if start is not None:
                    maps.seek(start)
                    row["map"] = maps.read(size)
                table.add({**row, "diagnostics": files.canonical(row["diagnostics"])})
        digest, size = table.commit()
    except BaseException:
        table.abort()
        raise
    return {name: record[name] for name in ("shard", "inputs", "rows", "failed", "evaluations")} | {"sha256": digest, "size": size}
