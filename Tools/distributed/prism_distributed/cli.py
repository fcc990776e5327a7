"""The command: `python -m prism_distributed ray|spark|local --input … --model … --methods … --output …`."""

import argparse
import contextlib
import json
import os
import re
import sys
import tempfile

from . import __version__, local_engine, lock, ray_engine, request, sources, spark_engine, summary, survey
from .alike import Alike
from .engine import EngineOptions
from .errors import RunError, told
from .explainer import started
from .progress import Progress, duration
from .run import Run, unexplained
from .worker import WorkerOptions, is_path

ENGINES = {"local": local_engine, "ray": ray_engine, "spark": spark_engine}
#: Inputs of a shard, where nobody says how many.
SHARD_SIZE = 128


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="prism_distributed",
        description="Explains many inputs with Prism on Ray, on Spark, or in one process; results are the same bits.",
        epilog="The same command again goes on where the last one ended.",
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, words in (
        ("ray", "on a Ray cluster, or on one that is started on this machine"),
        ("spark", "on a Spark cluster, or on this machine"),
        ("local", "in one process, without an engine"),
        ("plan", "only list the inputs and write the manifest, such as for an array job"),
    ):
        command = commands.add_parser(name, help=words, description=f"Explains inputs {words}." if name != "plan" else words)
        _inputs(command)
        _model(command)
        if name != "plan":
            _engine(command, name)
    shards = commands.add_parser("shards", help="do some shards of a planned run here, for array jobs")
    shards.add_argument("--output", required=True, metavar="DIR", help="the run")
    shards.add_argument("--index", type=int, required=True, metavar="I", help="which part, from 0")
    shards.add_argument("--of", type=int, required=True, metavar="N", help="of how many parts")
    _model(shards, only_program=True)
    for name, words in (
        ("verify", "compare all data with the checksums that were noted"),
        ("summary", "write the page of a run anew"),
        ("collect", "make the shards that prism shard has written Parquet files, as the engines write them"),
        ("delta", "make the finished shards a Delta table, or add those that are missing in it"),
    ):
        command = commands.add_parser(name, help=words, description=words)
        command.add_argument("output", metavar="DIR", help="the run")
    wheel = commands.add_parser("wheel", help="write a wheel of this package with the program and the model in it")
    _model(wheel, only_program=True)
    wheel.add_argument("--output", default="dist", metavar="DIR", help="where to (default: dist)")
    return top


def _inputs(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("inputs and results")
    group.add_argument(
        "--input", required=True, metavar="SOURCE",
        help="a folder, Parquet files, or WebDataset tar files; * and {000..099} are expanded; synthetic:COUNT makes pictures",
    )  # fmt: skip
    group.add_argument("--bytes-column", metavar="NAME", help="the column of Parquet files with the inputs' bytes")
    group.add_argument("--address-column", metavar="NAME", help="the column of Parquet files with the inputs' addresses")
    group.add_argument("--output", required=True, metavar="DIR", help="the folder of the results, which all nodes see")
    group.add_argument("--shard-size", type=_positive, default=SHARD_SIZE, metavar="N", help=f"inputs a file (default: {SHARD_SIZE})")
    group.add_argument("--maps", choices=("float32", "float16", "none"), default="float32", help="how maps are kept (default: float32)")
    group.add_argument("--pictures", action="store_true", help="keep figures too, in OUTPUT/pictures")
    group = command.add_argument_group("what is asked")
    group.add_argument("--methods", metavar="M,…", help="methods, with their choices after colons: gradcam,lime:samples=500")
    group.add_argument("--targets", metavar="T", help="which labels, as prism explain --target takes them")
    group.add_argument("--seed", type=int, metavar="N", help="selects all random draws")
    group.add_argument("--batch", type=_positive, metavar="N", help="changed pictures that the model is given at a time")
    group.add_argument("--windows", metavar="W", help="which windows of sounds, such as all or top3")
    group.add_argument("--request", metavar="FILE", help="a whole ExplanationRequest as JSON; what is chosen here comes before it")


def _model(command: argparse.ArgumentParser, only_program: bool = False) -> None:
    group = command.add_argument_group("worker")
    group.add_argument("--model", required=True, metavar="M", help="the model's name or path, on every node")
    group.add_argument("--weights", metavar="DIR", help="the folder of weights files, on every node")
    group.add_argument("--prism", metavar="PATH", help="the program, on every node (default: the package's, or the one on the path)")
    group.add_argument("--threads", type=_positive, default=1, metavar="T", help="threads of a worker (default: 1)")
    group.add_argument("--limit", action="append", default=[], metavar="NAME=VALUE", help="as prism --limit; may be repeated")
    group.add_argument("--patience", type=float, default=600, metavar="S", help="seconds without an answer before a worker is ended")


def _engine(command: argparse.ArgumentParser, name: str) -> None:
    group = command.add_argument_group("engine")
    if name != "local":
        word = {"ray": ("--address", "the cluster's address"), "spark": ("--master", "the cluster's master")}[name]
        group.add_argument(word[0], dest="address", metavar="A", help=f"{word[1]} (default: an engine on this machine)")
        group.add_argument("--workers", type=_positive, metavar="N", help="how many workers (default: as many as there are processors)")
        group.add_argument("--ship", action="store_true", help="send the program and the model to the nodes with the job")
        group.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the engine; may be repeated")
        group.add_argument("--bars", action="store_true", help="the engine's own progress bars as well")
    group.add_argument("--delta", action="store_true", help="make the shards a Delta table as well")
    group.add_argument(
        "--survey", nargs="?", type=_positive, const=survey.INPUTS, metavar="N",
        help=f"at the end see what explanations give away together, of N inputs a label (default: {survey.INPUTS}), on this machine",
    )  # fmt: skip
    group.add_argument("--quiet", action="store_true", help="no line of progress")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        return _run(options)
    except RunError as error:
        print(f"prism_distributed: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("prism_distributed: ended; the same command goes on", file=sys.stderr)
        return 130
    except Exception as error:
        if not _is_of_files(error):
            raise
        print(f"prism_distributed: {told(error)}", file=sys.stderr)
        return 1


def _is_of_files(error: Exception) -> bool:
    """Whether an error says that a file cannot be read or written, and not that the package is wrong."""
    pyarrow = sys.modules.get("pyarrow")
    return isinstance(error, (OSError, *([pyarrow.ArrowException] if pyarrow else [])))


def _run(options: argparse.Namespace) -> int:
    match options.command:
        case "verify":
            wrong = Run(options.output).verify()
            for line in wrong:
                print(line)
            return 1 if wrong else 0
        case "summary":
            print(summary.write(Run(options.output)))
            return 0
        case "collect":
            from . import collect

            run = Run(options.output)
            with lock.held(options.output):
                print(f"{collect.collect(run)} shards were collected")
                print(summary.write(run))
            return 0
        case "delta":
            from . import delta

            print(f"{delta.commit(Run(options.output))} shards were added")
            return 0
        case "wheel":
            from . import bundle

            with tempfile.TemporaryDirectory() as folder:
                print(bundle.wheel(_worker(options), options.output, folder))
            return 0
        case "shards":
            return _shards(options)
        case _:
            return _explain(options)


def _worker(options: argparse.Namespace) -> WorkerOptions:
    def whole(path):
        return os.path.abspath(path) if path and os.path.exists(path) else path

    return WorkerOptions(
        model=whole(options.model) if is_path(options.model) else options.model, program=whole(options.prism),
        weights=whole(options.weights), threads=options.threads, limits=tuple(options.limit),
        batch=getattr(options, "batch", None), patience=options.patience,
    )  # fmt: skip


def planned(options: argparse.Namespace, worker: WorkerOptions, stack: contextlib.ExitStack) -> tuple[Run, bool]:
    """The run of the output's folder, the one that is there or a new one; and whether others are kept out of it.

    Nothing is written before the worker has taken the request.
    """
    asked = request.request(
        options.methods, request.from_file(options.request), targets=options.targets, seed=options.seed, windows=options.windows
    )
    run = Run(options.output) if Run.is_planned(options.output) else None
    process = started(run.pinned(worker) if run else worker)
    try:
        hello, asked = process.hello, process.prepared(asked)
    finally:
        process.close()
    source = sources.from_argument(options.input, options.bytes_column, options.address_column)
    os.makedirs(options.output, exist_ok=True)
    is_alone = stack.enter_context(lock.held(options.output))
    if Run.is_planned(options.output):
        run = Run(options.output)
        run.check(hello)
        run.check_request(asked, options.maps, options.pictures)
        run.check_source(source)
        return run, is_alone
    try:
        return Run.plan(options.output, source, hello, asked, options.maps, options.pictures, options.shard_size), is_alone
    finally:
        for note in source.notes():
            print(f"prism_distributed: {note}", file=sys.stderr)


def _explain(options: argparse.Namespace) -> int:
    worker = _worker(options)
    with contextlib.ExitStack() as stack:
        run, is_alone = planned(options, worker, stack)
        if options.command == "plan":
            print(f"{run.manifest['inputs']} inputs in {run.shards} shards: {run.path('manifest.json')}")
            return 0
        progress = _do(run, worker, options)
        if is_alone and not run.remaining():
            run.clear()
        return _finish(run, progress, worker, options)


def _do(run: Run, worker: WorkerOptions, options: argparse.Namespace) -> Progress:
    """Does what remains of a run on an engine."""
    remaining = run.remaining()
    done = run.shards - len(remaining)
    if done and not options.quiet:
        print(f"{done} of {run.shards} shards are done already", file=sys.stderr)
    left = run.manifest["inputs"] - sum(record["inputs"] for record in run.done())
    progress = Progress(left, len(remaining), options.quiet)
    alike = Alike(run)
    engine = EngineOptions(
        workers=getattr(options, "workers", None), address=getattr(options, "address", None),
        ship=getattr(options, "ship", False), bars=getattr(options, "bars", False),
        settings=tuple(_setting(text) for text in getattr(options, "set", [])),
    )  # fmt: skip

    with open(run.path("attempts.jsonl"), "a", encoding="utf-8") as log:

        def tell(outcome) -> None:
            log.write(outcome.json() + "\n")
            log.flush()
            if progress.tell(outcome):
                alike.tell(outcome)

        if remaining:
            try:
                ENGINES[options.command].run(run, worker, engine, remaining, tell)
            except Exception as error:
                # Ray's errors of a node are of the node's class as well.
                if type(error) is RunError:
                    raise
                # Engines bring errors of nodes as text, with everything that lies between.
                reasons = re.findall(r"^prism_distributed\.errors\.\w+: (.+)", str(error), re.MULTILINE)
                if reasons:
                    raise RunError(reasons[-1]) from error
                if isinstance(error, ConnectionError):
                    raise RunError(f"the cluster is not reached: {error}") from error
                raise
    return progress


def _finish(run: Run, progress: Progress, worker: WorkerOptions, options: argparse.Namespace) -> int:
    missing = run.remaining()
    if missing:
        raise RunError(f"{len(missing)} shards are not done: the same command does them")
    if options.delta:
        from . import delta

        delta.commit(run)
    if options.survey:
        if left := survey.left_out(run.manifest["request"]):
            name = run.manifest["request"]["methods"][0]["name"]
            print(f"the survey is by {name} without the run's {', '.join(left)}: prism survey does not take them", file=sys.stderr)
        survey.write(run, worker, options.survey)
    path = summary.write(run, progress if progress.inputs else None)
    failed = sum(len(unexplained(record["failed"])) for record in run.done())
    if not options.quiet:
        print(f"{progress.inputs} inputs in {duration(progress.seconds)}; {path}", file=sys.stderr)
    if failed:
        print(f"{failed} inputs failed: {run.path('summary.json')} says why", file=sys.stderr)
        return 3 if failed < run.manifest["inputs"] else 1
    return 0


def _shards(options: argparse.Namespace) -> int:
    if not 0 <= options.index < options.of:
        raise RunError(f"--index {options.index} is not one of 0 to {options.of - 1}")
    run = Run(options.output)
    with lock.held(options.output, shared=True):
        mine = [shard for shard in run.remaining() if shard % options.of == options.index]
        alike = Alike(run)

        def tell(outcome) -> None:
            print(outcome.json())
            alike.tell(outcome)

        local_engine.run(run, _worker(options), EngineOptions(), mine, tell)
    return 0


def _setting(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        raise RunError(f"--set {text} has no value: NAME=VALUE")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value

