"""Runs whose inputs all fail in the same way: a fault of the request, which no worker has found when it was prepared."""

from .errors import RunError
from .run import Outcome, Run, unexplained

#: Inputs that fail for one reason, the first of a run, before it is stopped.
ENOUGH = 16


class Alike:
    """Listens to a run from its beginning, until an input is explained or two fail for different reasons.

    What is wrong with a file is told with the file's name, so that damaged files are not alike. A run that was begun is gone
    on with, whatever its inputs: whoever gives the same command again wants it.
    """

    def __init__(self, run: Run):
        self._run = run
        self._count = 0
        self._reason: str | None = None
        self._listens = not run.done_shards()

    def tell(self, outcome: Outcome) -> None:
        """Counts a shard; ends the run where there is more to do and nothing else is to be expected."""
        if not self._listens:
            return
        failed = unexplained(self._run.record(outcome.shard)["failed"]) if outcome.failed == outcome.inputs else []
        reasons = {failure["error"] for failure in failed} | ({self._reason} if self._reason else set())
        if len(failed) < outcome.inputs or len(reasons) > 1:
            self._listens = False
            return
        self._reason = next(iter(reasons), None)
        self._count += outcome.inputs
        if self._count < ENOUGH:
            return
        self._listens = False
        if self._run.remaining():
            raise RunError(
                f"all of the first {self._count} inputs failed, and the run was stopped: {self._reason} (take another folder for "
                "another request; the same command goes on all the same)"
            )
