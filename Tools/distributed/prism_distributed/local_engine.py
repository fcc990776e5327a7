"""No engine: one process does all shards, one after the other."""

from collections.abc import Callable

from .engine import EngineOptions
from .run import Outcome, Run
from .runner import Runner
from .worker import WorkerOptions


def run(run: Run, worker: WorkerOptions, options: EngineOptions, shards: list[int], tell: Callable[[Outcome], None]) -> None:
    runner = Runner(run, worker)
    try:
        for outcome in runner.outcomes(shards):
            tell(outcome)
    finally:
        runner.close()
