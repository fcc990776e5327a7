"""The shards as a Delta table, in place: `OUTPUT/shards` gets a log, and no data are written twice.

Each commit carries transactions of the run's own name, one a shard: a shard whose transaction is in the table is not added
again, whoever was killed between the table and the note of it.
"""

import time
from collections.abc import Iterable

from .errors import RunError, told
from .run import Run

#: Shards of a commit.
BATCH = 100


def commit(run: Run, shards: Iterable[int] | None = None) -> int:
    """Adds shards that are done and not in the table yet; how many were added."""
    try:
        from deltalake.exceptions import DeltaError
    except ImportError as error:
        raise RunError(f"deltalake is not installed ({error}): pip install deltalake") from error
    place = run.path("shards")
    try:
        return _commit(run, place, shards)
    except DeltaError as error:
        raise RunError(f"the Delta table in {place} takes no shards: {told(error)}") from error


def _commit(run: Run, place: str, shards: Iterable[int] | None) -> int:
    from deltalake import CommitProperties, DeltaTable, Transaction
    from deltalake.transaction import AddAction, create_table_with_add_actions

    from .sink import SCHEMA

    name = f"prism-{run.manifest['list'][:16]}"
    table = DeltaTable(place) if DeltaTable.is_deltatable(place) else None
    candidates = sorted(run.done_shards() if shards is None else shards)
    missing = [s for s in candidates if table is None or table.transaction_version(f"{name}-{s}") is None]
    for start in range(0, len(missing), BATCH):
        batch = missing[start : start + BATCH]
        actions = [_action(AddAction, run, shard) for shard in batch]
        properties = CommitProperties(app_transactions=[Transaction(f"{name}-{shard}", 1) for shard in batch])
        if table is None:
            create_table_with_add_actions(
                place, _delta(SCHEMA), actions, mode="error", partition_by=[], commit_properties=properties
            )
        else:
            table.create_write_transaction(
                actions, mode="append", schema=_delta(SCHEMA), partition_by=[], commit_properties=properties
            )
        table = DeltaTable(place)
    return len(missing)


def _delta(schema):
    from deltalake import Schema

    return Schema.from_arrow(schema)


def _action(kind, run: Run, shard: int):
    import os

    path = run.data_path(shard)
    record = {"numRecords": _rows(path)}
    import json

    return kind(
        path=os.path.basename(path), size=os.path.getsize(path), partition_values={},
        modification_time=int(time.time() * 1000), data_change=True, stats=json.dumps(record),
    )  # fmt: skip


def _rows(path: str) -> int:
    import pyarrow.parquet as parquet

    return parquet.read_metadata(path).num_rows
