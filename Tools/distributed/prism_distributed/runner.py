"""What a node does: takes numbers of shards, and leaves files."""

import collections
import functools
import gc
import socket
from collections.abc import Iterable, Iterator

from .errors import RunError, told
from .explainer import Explainer, Input
from .run import Outcome, Run, unexplained
from .worker import WorkerOptions


class Runner:
    """A worker with a run's shards."""

    def __init__(self, run: Run, options: WorkerOptions, node: str | None = None):
        """`node` is how the driver is told where a shard was done; the host's name unless given."""
        self._run = run
        header = {"kind": "explain"} | {name: run.manifest[name] for name in ("request", "maps", "pictures")}
        self._explainer = Explainer(run.pinned(options), header, run.check)
        self._node = node or socket.gethostname()
        # What is loaded by now stays, and need not be looked at with the garbage of every answer.
        gc.freeze()

    def start(self) -> None:
        """Starts the worker before the first shard comes."""
        self._explainer.worker  # noqa: B018 (a property that starts it)

    def close(self) -> None:
        self._explainer.close()

    def outcomes(self, shards: Iterable[int]) -> Iterator[Outcome]:
        """Does shards one after the other, the next one's first inputs beside the last one's last ones."""
        import pyarrow

        try:
            yield from self._outcomes(shards)
        except (OSError, pyarrow.ArrowException) as error:
            # Engines bring errors of this package to the driver, and these may be of any node.
            raise RunError(f"{self._node}: {told(error)}") from error

    def _outcomes(self, shards: Iterable[int]) -> Iterator[Outcome]:
        from .sink import ShardWriter

        writers: dict[int, ShardWriter] = {}
        finished: collections.deque[Outcome] = collections.deque()

        def inputs() -> Iterator[Input]:
            for shard in shards:
                if self._run.is_done(shard):
                    finished.append(known(self._run, shard))
                    continue
                entries = self._run.entries(shard)
                if entries:
                    self._run.source.check(entries[0])
                writer = ShardWriter(self._run, shard, entries, self._node)
                if writer.is_complete:
                    # A plan of prism shard may have more shards than inputs.
                    finished.append(writer.finish())
                    continue
                writers[shard] = writer
                for position, entry in enumerate(entries):
                    load = functools.partial(self._run.source.read, entry)
                    yield Input(shard, position, self._run.source.name(entry), load)

        try:
            for item, answer in self._explainer.explain(inputs()):
                writers[item.shard].add(item.position, answer)
                if writers[item.shard].is_complete:
                    finished.append(writers.pop(item.shard).finish())
                while finished:
                    yield finished.popleft()
            yield from finished
        finally:
            for writer in writers.values():
                writer.abort()


def known(run: Run, shard: int) -> Outcome:
    """The outcome of a shard that an earlier attempt has done."""
    record = run.record(shard)
    return Outcome(
        shard=shard, inputs=record["inputs"], rows=record["rows"], failed=len(unexplained(record["failed"])),
        evaluations=record["evaluations"], seconds=0, explaining=0, known=True, size=record["size"],
    )  # fmt: skip
