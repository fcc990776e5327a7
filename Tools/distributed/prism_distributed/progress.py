"""The line on the console: inputs, evaluations, time left."""

import sys
import time

from .run import Outcome


class Progress:
    """Counts what is done of a run."""

    def __init__(self, inputs: int, shards: int, quiet: bool = False, stream=None):
        """`inputs` and `shards` are what is left to do."""
        self._inputs = inputs
        self._shards = shards
        self._quiet = quiet
        self._stream = stream or sys.stderr
        self._start = time.monotonic()
        self._last = 0.0
        self._seen: set[int] = set()
        self.inputs = self.rows = self.failed = self.evaluations = self.size = 0
        self.explaining = 0.0

    def tell(self, outcome: Outcome) -> bool:
        """Counts a shard once, however often it is told; says whether it is new."""
        if outcome.shard in self._seen:
            return False
        self._seen.add(outcome.shard)
        self.inputs += outcome.inputs
        self.rows += outcome.rows
        self.failed += outcome.failed
        self.evaluations += outcome.evaluations
        self.explaining += outcome.explaining
        self.size += outcome.size
        now = time.monotonic()
        interval = 0.5 if self._stream.isatty() else 10
        if not self._quiet and (now - self._last >= interval or len(self._seen) == self._shards):
            self._last = now
            self._show()
        return True

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._start

    def line(self) -> str:
        rate = self.inputs / max(self.seconds, 1e-9)
        left = (self._inputs - self.inputs) / rate if rate > 0 else 0
        failures = f", {self.failed} failed" if self.failed else ""
        return (
            f"{self.inputs} of {self._inputs} inputs{failures}, {self.evaluations} evaluations, {rate:.1f} inputs/s, "
            f"{duration(left)} left"
        )

    def _show(self) -> None:
        if self._stream.isatty():
            self._stream.write("\r\x1b[K" + self.line())
            if len(self._seen) == self._shards:
                self._stream.write("\n")
        else:
            self._stream.write(self.line() + "\n")
        self._stream.flush()


def duration(seconds: float) -> str:
    """A time for people: 42 s, 3 min 5 s, 2 h 10 min, 4 d 3 h."""
    whole = round(seconds)
    for size, unit, smaller, part in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")
    return f"{whole} s"
