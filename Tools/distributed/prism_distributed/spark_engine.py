"""Spark: a data frame of shards' numbers goes through `mapInArrow`, each partition with a worker's process.

A worker outlives its partition where Spark keeps its Python processes, and serves the next one. What passes through Spark
are numbers of shards and a line about each finished one; there is no shuffle. Spark repeats lost tasks; what was done of
them is seen by its file.
"""

import contextlib
import dataclasses
import json
import os
import sys
import tempfile
import threading
from collections.abc import Callable

from .bundle import model_file, staged, zipped
from .engine import EngineOptions, grouped
from .errors import RunError
from .run import Outcome, Run
from .runner import Runner
from .worker import WorkerOptions, find_program

#: How paths begin that are looked up among the files that Spark has sent.
SENT = "spark:"

_runner: tuple[tuple[str, WorkerOptions], Runner] | None = None


def leased(folder: str, worker: WorkerOptions) -> Runner:
    """The runner of this Python process, which the last partition may have left."""
    global _runner
    key = (folder, worker)
    if _runner and _runner[0] == key:
        return _runner[1]
    if _runner:
        _runner[1].close()
    _runner = (key, Runner(Run(folder), worker))
    return _runner[1]


def partition(batches, folder: str, worker: WorkerOptions, tell: Callable[[str], None]):
    """What `mapInArrow` does with a partition."""
    import pyarrow

    shards = (shard for batch in batches for group in batch.column(0).to_pylist() for shard in json.loads(group))
    for outcome in leased(folder, received(worker)).outcomes(shards):
        text = outcome.json()
        tell(text)
        yield pyarrow.RecordBatch.from_pydict({"outcome": [text]})


def received(worker: WorkerOptions) -> WorkerOptions:
    """The options with the places to which Spark has sent the program and the model."""
    from pyspark import SparkFiles

    def place(path):
        return SparkFiles.get(path[len(SENT) :]) if path and path.startswith(SENT) else path

    return dataclasses.replace(worker, program=place(worker.program), model=place(worker.model))


def session(options: EngineOptions, worker: WorkerOptions):
    """A session of a cluster, or of this machine."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    if not options.address or options.address.startswith("local"):
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    count = options.workers or max(1, (os.cpu_count() or 1) // worker.threads)
    builder = (
        SparkSession.builder.appName("prism")
        .master(options.address or f"local[{count * worker.threads},8]")
        .config("spark.task.cpus", worker.threads)
        .config("spark.task.maxFailures", 8)
        .config("spark.ui.enabled", "false")
        .config("spark.log.level", "ERROR")
        .config("spark.ui.showConsoleProgress", str(options.bars).lower())
        .config("spark.python.worker.reuse", "true")
        # A partition is one group of shards: its line is read at once, and answered line by line.
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", 1)
    )
    for name, value in options.settings:
        builder = builder.config(name, value)
    return builder.getOrCreate()


def run(run: Run, worker: WorkerOptions, options: EngineOptions, shards: list[int], tell: Callable[[Outcome], None]) -> None:
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise RunError(f"Spark is not installed ({error}): pip install -r Tools/distributed/requirements-engines.txt") from error

    with contextlib.ExitStack() as stack:
        is_ours = SparkSession.getActiveSession() is None
        spark = session(options, worker)
        if is_ours:
            stack.callback(spark.stop)
        context = spark.sparkContext
        context.setLogLevel("ERROR")
        sent = _send(spark, worker, options, stack)
        workers = options.workers or max(1, context.defaultParallelism // worker.threads)
        groups = grouped(shards, workers)
        told = context.accumulator([], _lists())
        seen: set[int] = set()
        heard = 0
        # Why the driver wants no more.
        refused: list[Exception] = []

        def hear(texts: list[str]) -> None:
            for outcome in map(Outcome.of, texts):
                if outcome.shard not in seen:
                    seen.add(outcome.shard)
                    tell(outcome)

        rows = context.parallelize([(json.dumps(group),) for group in groups], len(groups))
        folder = run.folder
        frame = spark.createDataFrame(rows, "shards string").mapInArrow(_work(folder, sent, told), "outcome string")
        finished = threading.Event()

        def listen() -> None:
            nonlocal heard
            try:
                while not finished.wait(1):
                    texts = told.value[heard:]
                    heard += len(texts)
                    hear(texts)
            except Exception as error:  # noqa: BLE001 (raised again where the run is waited for)
                refused.append(error)
                context.cancelAllJobs()

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        try:
            texts = [row["outcome"] for row in frame.collect()]
        except Exception:
            if not refused:
                raise
            texts = []
        finally:
            finished.set()
            listener.join()
        if refused:
            raise refused[0]
        hear(texts)


def _work(folder: str, worker: WorkerOptions, told):
    """The function of the partitions, with nothing in it but what they need."""
    from .spark_engine import partition

    def work(batches):
        return partition(batches, folder, worker, lambda text: told.add([text]))

    return work


def _lists():
    """How an accumulator gathers lines."""
    from pyspark.accumulators import AccumulatorParam

    class Lists(AccumulatorParam):
        def zero(self, value):
            return []

        def addInPlace(self, first, second):  # noqa: N802 (Spark's name)
            first.extend(second)
            return first

    return Lists()


def _send(spark, worker: WorkerOptions, options: EngineOptions, stack: contextlib.ExitStack) -> WorkerOptions:
    """Sends the package to the executors, and the program and the model where asked; the options as nodes need them."""
    folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="prism-"))
    package = staged(folder)
    archive = os.path.join(folder, "prism_distributed.zip")
    zipped(package, archive)
    spark.sparkContext.addPyFile(archive)
    if not options.ship:
        return worker
    program, model = find_program(worker.program), model_file(worker)
    for path in (program, model):
        spark.sparkContext.addFile(path)
    sent = {"program": SENT + os.path.basename(program), "model": SENT + os.path.basename(model)}
    return dataclasses.replace(worker, weights=None, **sent)
