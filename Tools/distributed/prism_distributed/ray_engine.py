"""Ray Data: a dataset of shards' numbers goes through a pool of actors, each with a worker's process.

What passes through Ray are numbers of shards and a line about each finished one: inputs are read where they are needed, and
results are written where they are made. There is no shuffle. Ray restarts dead actors and repeats their blocks; what
was done of them is seen by its file.
"""

import contextlib
import json
import logging
import tempfile
from collections.abc import Callable

from .bundle import bundled, sent, staged
from .engine import EngineOptions, grouped
from .errors import RunError
from .run import Outcome, Run
from .runner import Runner
from .worker import WorkerOptions


class ShardActor:
    """An actor of the pool."""

    def __init__(self, folder: str, worker: WorkerOptions):
        from ray.util import get_node_ip_address
        from ray.util.metrics import Counter

        self._runner = Runner(Run(folder), worker, node=get_node_ip_address())
        self._runner.start()
        self._inputs = Counter("prism_inputs", "Inputs that were explained")
        self._evaluations = Counter("prism_evaluations", "Forward passes of the model")

    def __call__(self, batch: dict):
        for outcome in self._runner.outcomes(json.loads(batch["shards"][0])):
            # Counters take no zero.
            if outcome.inputs and not outcome.known:
                self._inputs.inc(outcome.inputs)
            if outcome.evaluations and not outcome.known:
                self._evaluations.inc(outcome.evaluations)
            yield {"outcome": [outcome.json()]}


def start(worker: WorkerOptions, options: EngineOptions, folder: str) -> None:
    """Connects to a cluster, or starts one on this machine; the package goes with the job."""
    import ray

    if ray.is_initialized():
        return
    modules = [staged(folder)]
    if options.ship:
        modules.append(bundled(worker, folder))
    environment = {"py_modules": modules}
    settings = dict(options.settings)
    # Without an address Ray would join whatever runs on this machine.
    settings["address"] = options.address or "local"
    if not options.address:
        settings.setdefault("include_dashboard", False)
    ray.init(runtime_env=environment, log_to_driver=False, logging_level=logging.WARNING, **settings)


def processors() -> int:
    """The processors of the cluster that Ray may give."""
    import ray

    return int(ray.cluster_resources().get("CPU", 0))


def run(run: Run, worker: WorkerOptions, options: EngineOptions, shards: list[int], tell: Callable[[Outcome], None]) -> None:
    try:
        import ray
        from ray.data import ActorPoolStrategy, DataContext
    except ImportError as error:
        raise RunError(f"Ray is not installed ({error}): pip install -r Tools/distributed/requirements-engines.txt") from error
    with contextlib.ExitStack() as stack:
        if not ray.is_initialized():
            start(worker, options, stack.enter_context(tempfile.TemporaryDirectory(prefix="prism-")))
            stack.callback(ray.shutdown)
        context = DataContext.get_current()
        context.enable_progress_bars = options.bars
        if not options.bars:
            # What it calls errors comes here as an exception, which is told in a line.
            logging.getLogger("ray.data").setLevel(logging.CRITICAL)
        workers = options.workers or processors() // worker.threads
        if workers < 1:
            raise RunError(f"the cluster has {processors()} processors, and a worker takes {worker.threads}: lower --threads")
        groups = grouped(shards, workers)
        workers = min(workers, len(groups))
        dataset = ray.data.from_items([{"shards": json.dumps(group)} for group in groups], override_num_blocks=len(groups))
        dataset = dataset.map_batches(
            ShardActor,
            fn_constructor_args=(run.folder, sent(worker) if options.ship else worker),
            compute=ActorPoolStrategy(min_size=1, max_size=workers, initial_size=workers, max_tasks_in_flight_per_actor=2),
            batch_size=1,
            num_cpus=worker.threads,
        )
        for row in dataset.iter_rows():
            tell(Outcome.of(row["outcome"]))

