"""No engine: one process does all shards, one after the other."""

import contextlib
from collections.abc import Callable

from .engine import EngineOptions
from .run import Outcome, Run
from .runner import Runner
from .worker import WorkerOptions


def run(run: Run, worker: WorkerOptions, options: EngineOptions, shards: list[int], tell: Callable[[Outcome], None]) -> None:
    runner = Runner(run, worker)
    try:
        # Where telling fails, the files that were begun go at once.
        with contextlib.closing(runner.outcomes(shards)) as outcomes:
            for outcome in outcomes:
                tell(outcome)
    finally:
        runner.close()
