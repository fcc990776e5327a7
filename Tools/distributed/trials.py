#!/usr/bin/env python3
"""Trials of the engines on this machine, with a built Prism; each prints what it found, and OUTPUT/NAME.json has the numbers.

  trials.py data        pictures and sounds for the others, in OUTPUT/pictures and OUTPUT/sounds
  trials.py equal       one process, Ray (two nodes, three actors), Spark (local-cluster) and prism shard: the same bytes
  trials.py kills       actors, workers, nodes, executors and drivers are killed; every input is there once, bytes equal
  trials.py overhead    the engines' time beside that of `prism explain` alone
  trials.py pace        the same with Grad-CAM in the quickest stretch of each run, on a machine that has other work besides
  trials.py throughput  the worker's time beside that of `prism explain`, without this package
  trials.py memory      memory of worker, actor and driver over many inputs that are made as they are read
  trials.py hosts       Ray over two network namespaces; the program and the model are sent; the link is cut (for root)
  trials.py simulation  10^6 measured durations on 1000 workers that fail
  trials.py costs       what 10^6 and 10^8 inputs take, from measured figures

The environment is that of Tools/distributed/test.sh --engines.
"""

import argparse
import collections
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import time
import wave

import numpy

TOOLS = pathlib.Path(__file__).resolve().parent
ROOT = TOOLS.parents[1]
sys.path.insert(0, str(TOOLS))

from prism_distributed import protocol, simulation, sources  # noqa: E402
from prism_distributed.run import Run  # noqa: E402
from prism_distributed.worker import Worker, WorkerOptions  # noqa: E402


class Wrong(Exception):
    """A trial has failed."""


# MARK: what the trials share


def command(options, engine: str, source, output, *more: str, methods: str = "gradcam", model: str | None = None) -> list[str]:
    result = [
        sys.executable, "-m", "prism_distributed", engine, "--input", str(source), "--output", str(output), "--methods", methods,
        "--model", model or options.model, "--prism", options.prism, "--shard-size", str(options.shard_size), "--quiet",
    ]  # fmt: skip
    if options.weights:
        result += ["--weights", options.weights]
    return [*result, *map(str, more)]


def environment() -> dict:
    return {**os.environ, "PYTHONPATH": str(TOOLS), "RAY_DEDUP_LOGS": "0", "PYSPARK_PYTHON": sys.executable}


def call(words: list[str], accepted=(0,), prefix=()) -> float:
    """Seconds of a command that has to succeed."""
    start = time.monotonic()
    done = subprocess.run([*prefix, *words], env=environment(), capture_output=True, text=True)
    if done.returncode not in accepted:
        raise Wrong(f"{' '.join(words[2:5])} ended with {done.returncode}: {done.stderr[-2000:]}")
    return time.monotonic() - start


def counted(words: list[str]) -> tuple[float, float | None]:
    """Seconds of a command by the clock, and of processors with all that descends from it (for root, by a control group)."""
    group = next((p for p in map(pathlib.Path, ("/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup")) if os.access(p, os.W_OK)), None)
    if group is None:
        return call(words), None
    group /= f"prism-{os.getpid()}"
    group.mkdir(exist_ok=True)
    try:
        seconds = call(words, prefix=("sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(group)))
        usage = group / "cpuacct.usage"
        if usage.exists():
            return seconds, int(usage.read_text()) / 1e9
        return seconds, int((group / "cpu.stat").read_text().split()[1]) / 1e6
    finally:
        limit = time.monotonic() + 30
        while time.monotonic() < limit:
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.2)


def contents(output) -> dict[str, str]:
    """The digests of a run's results and of what says that they are done."""
    place = pathlib.Path(output)
    paths = sorted([*place.glob("shards/*.parquet"), *place.glob("done/*.json")])
    return {str(path.relative_to(place)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def check_once(output) -> tuple[int, int]:
    """Raises where an input is missing or there twice; inputs and rows."""
    import pyarrow.parquet as parquet

    run = Run(str(output))
    wanted = [json.loads(line)["address"] for line in open(run.path("inputs.jsonl"), encoding="utf-8")]
    found: collections.Counter = collections.Counter()
    for shard in range(run.shards):
        table = parquet.read_table(run.data_path(shard), columns=["address", "method", "label", "start"])
        found.update(tuple(row.values()) for row in table.to_pylist())
    doubles = [key for key, count in found.items() if count > 1]
    seen = {key[0] for key in found} | {f["address"] for record in run.done() for f in record["failed"]}
    if doubles or seen != set(wanted) or len(wanted) != len(set(wanted)):
        raise Wrong(f"{output}: {len(doubles)} rows are there twice, {len(set(wanted) - seen)} inputs are missing")
    if wrong := run.verify():
        raise Wrong(f"{output}: {wrong[0]}")
    return len(wanted), sum(found.values())


def fresh(options, name: str) -> pathlib.Path:
    path = pathlib.Path(options.output) / name
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def descendants(root: int) -> dict[int, str]:
    """The processes that descend from one, with their command lines."""
    children: dict[int, list[int]] = {}
    lines: dict[int, str] = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
                lines[int(entry.name)] = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    found, waiting = {}, [root]
    while waiting:
        for child in children.get(waiting.pop(), []):
            waiting.append(child)
            found[child] = lines.get(child, "")
    return found


def parents() -> dict[int, int]:
    """The parent of every process."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                found[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
    return found


def seconds_until_gone(processes: list[int], limit: float = 60) -> float:
    """How long some processes go on; `limit` where that is longer."""

    def goes_on(process: int) -> bool:
        try:
            return pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
        except OSError:
            return False

    start = time.monotonic()
    while any(map(goes_on, processes)) and time.monotonic() - start < limit:
        time.sleep(0.01)
    return time.monotonic() - start


def role(options, line: str) -> str | None:
    """What a process is to the trials."""
    if options.prism in line and " worker " in line and "prism_distributed" not in line.split(" worker ")[0]:
        return "worker"
    if "ray::" in line and "MapWorker" in line:
        return "actor"
    if "org.apache.spark.executor" in line:
        return "executor"
    if "pyspark/daemon" in line or "pyspark.daemon" in line:
        return "python"
    return None


@contextlib.contextmanager
def ray_cluster(nodes=(1, 2)):
    """A head and other nodes on this machine; gives the cluster and its nodes."""
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": nodes[0], "include_dashboard": False})
    others = [cluster.add_node(num_cpus=count) for count in nodes[1:]]
    cluster.wait_for_nodes()
    try:
        yield cluster, others
    finally:
        cluster.shutdown()


SPARK_CLUSTER = ("--master", "local-cluster[2,1,1024]", "--workers", "2")


def save(options, name: str, value) -> None:
    path = pathlib.Path(options.output) / f"{name}.json"
    path.write_text(json.dumps(value, indent=1) + "\n")


# MARK: the trials


def data(options) -> None:
    """Pictures of coloured blocks, and sounds of tones in noise."""
    pictures, sounds = fresh(options, "pictures"), fresh(options, "sounds")
    source = sources.Synthetic(options.pictures, options.side)
    for number, entry in enumerate(source.entries("image")):
        folder = pictures / f"{number // 500:03}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / entry["address"]).write_bytes(source.read(entry))
    sounds.mkdir(parents=True)
    times = numpy.arange(16000) / 16000
    for number in range(options.sounds):
        draw = numpy.random.default_rng(number)
        samples = draw.normal(0, 300, times.size)
        for _ in range(5):
            samples += draw.uniform(250, 2000) * numpy.sin(6.2832 * draw.uniform(100, 4000) * times + draw.uniform(0, 6))
        with wave.open(str(sounds / f"{number:04}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(16000)
            file.writeframes(numpy.clip(samples, -32768, 32767).astype("<i2").tobytes())
    print(f"data: {options.pictures} pictures, {options.sounds} sounds")


def check_explain(options, source, local, model: str) -> int:
    """Raises where a map is not that of `prism explain`, bit for bit; how many there are."""
    import pyarrow.parquet as parquet

    output = fresh(options, "equal/explain")
    words = [options.prism, "explain", str(source), "--recursive", "--model", model, "--method", "gradcam", "--format", "npy"]
    call([*words, "--output", str(output)])
    run, count = Run(str(local)), 0
    for shard in range(run.shards):
        for row in parquet.read_table(run.data_path(shard), columns=["address", "label", "map"]).to_pylist():
            stem = f"{output}/{pathlib.Path(row['address']).stem}.gradcam"
            path = next(p for p in (f"{stem}.npy", f"{stem}.{row['label']}.npy") if os.path.exists(p))
            if numpy.load(path).tobytes() != row["map"]:
                raise Wrong(f"equal: {path} has other bits than the row of {row['address']}")
            count += 1
    shutil.rmtree(output)
    return count


def equal(options) -> None:
    base = pathlib.Path(options.output)
    told = {}
    for kind, model in (("pictures", options.model), ("sounds", options.sound_model)):
        if not model or not (base / kind).is_dir():
            continue
        local = fresh(options, f"equal/{kind}-local")
        told[kind] = {"local": call(command(options, "local", base / kind, local, model=model))}
        told[kind]["explain"] = check_explain(options, base / kind, local, model)
        with ray_cluster() as (cluster, _):
            output = fresh(options, f"equal/{kind}-ray")
            told[kind]["ray"] = call(
                command(options, "ray", base / kind, output, "--address", cluster.address, "--workers", "3", model=model)
            )
        output = fresh(options, f"equal/{kind}-spark")
        told[kind]["spark"] = call(command(options, "spark", base / kind, output, *SPARK_CLUSTER, model=model))
        told[kind]["shard"] = sharded(options, base / kind, fresh(options, f"equal/{kind}-shard"), model, Run(str(local)).shards)
        for engine in ("ray", "spark", "shard"):
            if contents(base / f"equal/{kind}-{engine}") != contents(local):
                raise Wrong(f"{kind}: {engine} wrote other bytes than one process")
            inputs, rows = check_once(base / f"equal/{kind}-{engine}")
        told[kind] |= {"inputs": inputs, "rows": rows, "files": len(contents(local))}
        print(
            f"equal: {inputs} {kind}, {rows} rows, {told[kind]['files']} files: local, ray, spark and shard have the same bytes, "
            f"and {told[kind]['explain']} maps the bits of prism explain"
        )
    save(options, "equal", told)


def sharded(options, source, output, model: str, shards: int) -> float:
    """Seconds of `prism shard` for all shards of a folder, and of making them Parquet."""
    words = [options.prism, "shard", str(source), "--model", model, "--method", "gradcam", "--output", str(output), "--of", str(shards)]
    start = time.monotonic()
    for shard in range(shards):
        call([*words, "--index", str(shard)])
    call([sys.executable, "-m", "prism_distributed", "collect", str(output)])
    return time.monotonic() - start


class Victims:
    """Chooses what is killed next."""

    def __init__(self, options, kinds: list[str]):
        self.options = options
        self.draw = random.Random(options.seed)
        self.kinds = kinds
        self.killed: collections.Counter = collections.Counter()
        #: The longest that a worker went on whose client was killed, in seconds.
        self.outlived = 0.0

    def strike(self, driver: subprocess.Popen, node) -> None:
        """Kills something, which the driver may be."""
        kind = self.draw.choice(self.kinds)
        if kind == "driver":
            with contextlib.suppress(ProcessLookupError):
                os.killpg(driver.pid, signal.SIGKILL)
            driver.wait()
        elif kind == "node":
            if not node():
                return
        else:
            roles = {pid: role(self.options, line) for pid, line in descendants(os.getpid()).items()}
            found = [pid for pid, name in roles.items() if name == kind]
            if not found:
                return
            victim = self.draw.choice(found)
            workers = [pid for pid, parent in parents().items() if parent == victim and roles.get(pid) == "worker"]
            try:
                os.kill(victim, signal.SIGKILL)
            except ProcessLookupError:
                return
            if kind != "worker":
                self.outlived = max(self.outlived, seconds_until_gone(workers))
        self.killed[kind] += 1


def kills(options) -> None:
    base = pathlib.Path(options.output)
    local = fresh(options, "kills/local")
    source = f"synthetic:{options.inputs}:{options.side}"
    call(command(options, "local", source, local, methods=options.methods))
    wanted = contents(local)
    told = {}
    engines = options.engines.split(",")
    if "ray" in engines:
        with ray_cluster() as (cluster, others):
            def node() -> bool:
                """A node is lost, and another one comes."""
                cluster.remove_node(others.pop(), allow_graceful=False)
                others.append(cluster.add_node(num_cpus=2))
                return True

            told["ray"] = killed_runs(
                options, "ray", source, wanted, Victims(options, ["actor", "worker", "driver", "node"]), node,
                ("--address", cluster.address, "--workers", "3"),
            )  # fmt: skip
    if "spark" in engines:
        told["spark"] = killed_runs(
            options, "spark", source, wanted, Victims(options, ["executor", "worker", "python", "driver"]), lambda: False, SPARK_CLUSTER
        )
    save(options, "kills", told)
    shutil.rmtree(base / "kills")


def killed_runs(options, engine, source, wanted, victims, node, more) -> dict:
    """Runs until enough was killed; each run is finished, and compared."""
    runs = starts = 0
    while sum(victims.killed.values()) < options.count:
        output = fresh(options, f"kills/{engine}")
        runs += 1
        driver = None
        while True:
            if driver is None or driver.poll() is not None:
                if driver is not None and driver.returncode == 0:
                    break
                if driver is not None and driver.returncode > 0:
                    print(f"kills: {engine}: a driver ended with {driver.returncode}: {driver.stderr.read()[-600:].decode()}")
                starts += 1
                driver = subprocess.Popen(
                    command(options, engine, source, output, *more, methods=options.methods), env=environment(), start_new_session=True,
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                )  # fmt: skip
                before = len(list(output.glob("done/*.json")))
                # What is killed before there is anything to lose shows little.
                limit = time.monotonic() + 60
                while driver.poll() is None and len(list(output.glob("done/*.json"))) <= before and time.monotonic() < limit:
                    time.sleep(0.05)
            if driver.poll() is None and sum(victims.killed.values()) < options.count:
                time.sleep(victims.draw.uniform(0, options.pause))
                if driver.poll() is None:
                    victims.strike(driver, node)
            elif driver.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    driver.wait(timeout=1)
        if contents(output) != wanted:
            raise Wrong(f"kills: {engine}: other bytes than one process, after {dict(victims.killed)}")
        inputs, rows = check_once(output)
        if list(output.glob("**/*.part")):
            raise Wrong(f"kills: {engine}: files of killed attempts are left")
    print(
        f"kills: {engine}: {sum(victims.killed.values())} kills {dict(victims.killed)}, {runs} runs, {starts} starts; "
        f"{inputs} inputs and {rows} rows each time, once, with the bytes of one process; a worker outlived its client by at most "
        f"{victims.outlived:.2f} s"
    )
    return {"killed": dict(victims.killed), "outlived": victims.outlived, "runs": runs, "starts": starts, "inputs": inputs, "rows": rows}


def on_two(options, engine: str, source, output, methods: str) -> list[str]:
    """The command of an engine, or of `prism explain`, on two processors."""
    if engine == "explain":
        name, _, choices = methods.partition(":samples=")
        return [
            options.prism, "explain", str(source), "--model", options.model, "--method", name, "--format", "npy",
            "--threads", "2", "--output", str(output), "--batch", "32", *(["--samples", choices] if choices else []),
            *(["--weights", options.weights] if options.weights else []), "--recursive",
        ]  # fmt: skip
    shape = ["--threads", "2"] if engine == "local" or options.threads == 2 else ["--threads", "1"]
    workers = [] if engine == "local" else ["--workers", str(2 // int(shape[1]))]
    return command(options, engine, source, output, *shape, *workers, "--batch", "32", methods=methods)


def pace(options) -> None:
    """Seconds an input in the quickest stretch of a run, by the times of its files; the best of some runs."""
    base = pathlib.Path(options.output)
    best: dict[str, float] = {}
    for number in range(options.repeats):
        for engine in options.engines.split(","):
            output = fresh(options, f"pace/{number}-{engine}")
            call(on_two(options, engine, base / "pictures", output, "gradcam"))
            best[engine] = min(best.get(engine, 1), quickest(output, engine == "explain", options.stretch))
            beside = f" ({100 * (best[engine] / best['explain'] - 1):+.1f} %)" if "explain" in best else ""
            print(f"pace: {engine}: {1000 * best[engine]:.3f} ms an input in the quickest {options.stretch}{beside}")
            save(options, "pace", best)
    shutil.rmtree(base / "pace")


def quickest(output: pathlib.Path, is_explain: bool, stretch: int) -> float:
    """The least seconds an input over so many inputs in a row."""
    if is_explain:
        ends = [(path.stat().st_mtime, 1) for path in output.rglob("*.npy")]
    else:
        ends = [(path.stat().st_mtime, json.loads(path.read_text())["inputs"]) for path in output.glob("done/*.json")]
    found, first, inputs = [], 0, 0
    ends.sort()
    for last in range(1, len(ends)):
        inputs += ends[last][1]
        while inputs - ends[first + 1][1] >= stretch:
            first += 1
            inputs -= ends[first][1]
        if inputs >= stretch:
            found.append((ends[last][0] - ends[first][0]) / inputs)
    return min(found)


def overhead(options) -> None:
    """Whole times of two numbers of inputs, whose difference has no start of an engine in it."""
    base = pathlib.Path(options.output)
    paths = sorted(path for path in (base / "pictures").rglob("*.png"))
    told = {}
    numbers = itertools.count()
    asked = {"fast": ("gradcam", options.fast), "slow": (f"lime:samples={options.samples}", options.slow)}
    for methods, (few, many) in (asked[part] for part in options.parts.split(",")):
        times: dict[str, dict[int, list[tuple]]] = {}
        for count in (few, many):
            source = fresh(options, f"overhead/in-{count}")
            source.mkdir(parents=True)
            for path in paths[:count]:
                os.link(path, source / path.name)
            for _ in range(options.repeats):
                for engine in ("explain", "local", "ray", "spark"):
                    # File systems take long to give out again what was deleted just now: everything goes at the end.
                    output = fresh(options, f"overhead/out-{next(numbers)}")
                    words = on_two(options, engine, source, output, methods)
                    times.setdefault(engine, {}).setdefault(count, []).append(counted(words))
        told[methods] = {"times": times}
        for number, clock in enumerate(("by the clock", "of processors")):
            best = {engine: {c: min(v[number] for v in values) for c, values in counts.items()} for engine, counts in times.items()}
            each = {engine: (counts[many] - counts[few]) / (many - few) for engine, counts in best.items()}
            start = {engine: counts[few] - few * each[engine] for engine, counts in best.items()}
            told[methods][clock] = {"each": each, "start": start}
            for engine in best:
                ratio = each[engine] / each["explain"] - 1
                print(
                    f"overhead: {methods} {engine}: {1000 * each[engine]:.2f} ms {clock} an input ({100 * ratio:+.1f} %), start "
                    f"{start[engine]:.1f} s, {many} inputs in {best[engine][many]:.1f} s"
                )
        save(options, f"overhead-{methods.split(':')[0]}", told[methods])
    shutil.rmtree(base / "overhead")


def throughput(options) -> None:
    """Whole times of two numbers of pictures, by `prism explain` and by a worker whose requests are there already."""
    base = pathlib.Path(options.output)
    paths = sorted((base / "pictures").rglob("*.png"))
    few, many = options.fast
    requests = base / "requests.bin"
    numbers = itertools.count()
    times: dict[str, dict[int, list[tuple]]] = {"explain": {}, "worker": {}}
    for _ in range(options.repeats):
        for count in (few, many):
            source = fresh(options, "throughput/in")
            source.mkdir(parents=True)
            with open(requests, "wb") as file:
                for path in paths[:count]:
                    os.link(path, source / path.name)
                    header = {"kind": "explain", "id": path.name, "request": {"methods": ["gradcam"]}, "maps": "float32"}
                    protocol.write(file, header, path.read_bytes())
            shared = ["--model", options.model, "--threads", "2", *(["--weights", options.weights] if options.weights else [])]
            words = [options.prism, "explain", str(source), "--method", "gradcam", "--format", "npy", *shared]
            explain = counted([*words, "--output", str(fresh(options, f"throughput/out-{next(numbers)}"))])
            # What reads the answers takes a few per cent of a processor.
            line = 'exec "$@" <"$0" | cat >/dev/null'
            worker = counted(["sh", "-c", line, str(requests), options.prism, "worker", *shared])
            for name, took in (("explain", explain), ("worker", worker)):
                times[name].setdefault(count, []).append(took)
    told: dict = {"times": times}
    for number, clock in enumerate(("by the clock", "of processors")):
        best = {name: {c: min(v[number] for v in values) for c, values in counts.items()} for name, counts in times.items()}
        each = {name: (counts[many] - counts[few]) / (many - few) for name, counts in best.items()}
        told[clock] = each
        ratio = each["worker"] / each["explain"] - 1
        print(f"throughput: {1000 * each['explain']:.2f} ms explain, {1000 * each['worker']:.2f} ms worker {clock} ({100 * ratio:+.1f} %)")
    save(options, "throughput", told)
    requests.unlink()
    shutil.rmtree(base / "throughput")


def memory(options) -> None:
    """Resident memory of all processes, as inputs are done."""
    output = fresh(options, "memory")
    words = command(options, "ray", f"synthetic:{options.inputs}:{options.side}", output, "--workers", "2", "--maps", "float16")
    driver = subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    series: list[tuple[int, dict[str, float]]] = []
    while driver.poll() is None:
        time.sleep(2)
        sizes: dict[str, float] = {"driver": resident(driver.pid)}
        for pid, line in descendants(driver.pid).items():
            if kind := role(options, line):
                sizes[kind] = max(sizes.get(kind, 0), resident(pid))
        done = options.shard_size * len(list(output.glob("done/*.json")))
        if done and {"worker", "actor"} <= sizes.keys():
            series.append((min(done, options.inputs), sizes))
    if driver.returncode:
        raise Wrong(f"memory: the driver ended with {driver.returncode}: {driver.stderr.read()[-600:].decode()}")
    table = []
    for share in (0.05, 0.25, 0.5, 0.75, 1):
        done, sizes = min(series, key=lambda entry: abs(entry[0] - share * options.inputs))
        table.append({"inputs": done, **{kind: round(size, 1) for kind, size in sizes.items()}})
        print("memory: " + ", ".join(f"{name} {value}" for name, value in table[-1].items()) + " MiB")
    save(options, "memory", {"inputs": options.inputs, "table": table})
    shutil.rmtree(output)


def resident(pid: int) -> float:
    """The resident memory of a process, in MiB."""
    try:
        return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096 / 2**20
    except OSError:
        return 0.0


def hosts(options) -> None:
    """Two namespaces with a link between them, each a node of Ray; what the second one needs is sent to it."""
    names, links, addresses = ("prism-a", "prism-b"), ("veth-a", "veth-b"), ("10.200.7.1", "10.200.7.2")
    ray = str(pathlib.Path(sys.executable).parent / "ray")
    base = pathlib.Path(options.output)
    hidden = fresh(options, "hosts/only-here")
    hidden.mkdir(parents=True)
    local, output = fresh(options, "hosts/local"), fresh(options, "hosts/ray")
    source = f"synthetic:{options.inputs}:256"
    call(command(options, "local", source, local))
    nodes: list[subprocess.Popen] = []
    # Nobody else reaches the namespaces.
    closed = {**environment(), "RAY_AUTH_MODE": "disabled"}
    nodes_own = {name: value for name, value in closed.items() if name != "PYTHONPATH"}

    def inside(name, *words):
        return ["ip", "netns", "exec", name, *words]

    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    def connect():
        for name, here, there in zip(names, (0, 1), (1, 0), strict=True):
            way = ("via", f"10.200.8.{there + 1}", "src", addresses[here])
            ip("-n", name, "route", "replace", f"{addresses[there]}/32", *way)

    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "veth-a", "netns", names[0], "type", "veth", "peer", "name", "veth-b", "netns", names[1])
        # A host's address outlives its link: it stands on the loopback, and the way to the other one leads over the link.
        for name, number in zip(names, (1, 2), strict=True):
            ip("-n", name, "addr", "add", f"{addresses[number - 1]}/32", "dev", "lo")
            ip("-n", name, "addr", "add", f"10.200.8.{number}/30", "dev", links[number - 1])
            ip("-n", name, "link", "set", "lo", "up")
            ip("-n", name, "link", "set", links[number - 1], "up")
        connect()
        for number, (name, address) in enumerate(zip(names, addresses, strict=True)):
            role_words = ["--head", "--port", "6399", "--include-dashboard", "false"] if number == 0 else ["--address", f"{addresses[0]}:6399"]
            nodes.append(
                subprocess.Popen(
                    inside(
                        name, ray, "start", "--block", "--node-ip-address", address, "--num-cpus", "1", "--temp-dir",
                        f"/tmp/prism-ray-{number}", "--disable-usage-stats", *role_words,
                    ),
                    env=nodes_own, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                )
            )  # fmt: skip
            time.sleep(8)
        words = command(options, "ray", source, output, "--address", f"{addresses[0]}:6399", "--workers", "2", "--ship")
        words += ["--set", f"_node_ip_address={addresses[0]}"]
        driver = subprocess.Popen(inside(names[0], *words), env=closed, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        cuts = 0
        while driver.poll() is None:
            done = len(list(output.glob("done/*.json")))
            if cuts == 0 and done >= 4 or cuts == 1 and done >= Run(str(output)).shards // 2:
                pause = (3, options.cut)[cuts]
                ip("-n", names[0], "link", "set", "veth-a", "down")
                print(f"hosts: the link is cut for {pause} s at {done} shards")
                time.sleep(pause)
                ip("-n", names[0], "link", "set", "veth-a", "up")
                connect()
                cuts += 1
            time.sleep(0.1)
        if driver.returncode:
            raise Wrong(f"hosts: the driver ended with {driver.returncode}: {driver.stderr.read()[-1500:].decode()}")
        outcomes = [json.loads(line) for line in open(output / "attempts.jsonl", encoding="utf-8")]
        if contents(output) != contents(local):
            raise Wrong("hosts: other bytes than one process")
        inputs, rows = check_once(output)
        told = collections.Counter(outcome["node"] for outcome in outcomes)
        print(f"hosts: {inputs} inputs, {rows} rows, {cuts} cuts; bytes equal; shards by node {dict(told)}")
        save(options, "hosts", {"inputs": inputs, "cuts": cuts, "nodes": dict(told)})
    finally:
        for node in reversed(nodes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(node.pid, signal.SIGTERM)
            node.wait()
        for name in names:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
        for number in range(len(names)):
            shutil.rmtree(f"/tmp/prism-ray-{number}", ignore_errors=True)
        shutil.rmtree(base / "hosts", ignore_errors=True)


def measured(options, methods: list, count: int) -> list[float]:
    """Seconds that a worker of one thread takes for inputs one by one."""
    worker = Worker(WorkerOptions(model=options.model, program=options.prism, weights=options.weights))
    source = sources.Synthetic(count, 256)
    durations = []
    for entry in source.entries("image"):
        data = source.read(entry)
        start = time.monotonic()
        worker.send({"kind": "explain", "id": "x", "name": "x.png", "request": {"methods": methods}, "maps": "float32"}, data)
        header, _ = worker.receive()
        if header["kind"] != "result":
            raise Wrong(f"simulation: {header}")
        durations.append(time.monotonic() - start)
    worker.close()
    return durations[1:]


def simulated(options) -> None:
    """Durations are drawn from measured ones; shards of about a minute's work and of other sizes."""
    told = {}
    cases = (("gradcam", ["gradcam"], 400), ("lime", ["lime"], 12))
    for name, methods, count in cases:
        sample = measured(options, methods, count)
        draw = random.Random(0)
        durations = draw.choices(sample, k=10**6)
        mean = statistics.fmean(sample)
        rows = []
        for label, cluster in (
            ("no faults", simulation.Cluster(between_failures=None, shard=options.shard, start=options.start)),
            ("a failure a day", simulation.Cluster(shard=options.shard, start=options.start)),
            ("a failure an hour", simulation.Cluster(between_failures=3600, shard=options.shard, start=options.start)),
        ):
            for size in sorted({simulation.shards_of(10**6, 1000, sample), 128}):
                told_once = simulation.simulate(durations, size, cluster)
                rows.append({"cluster": label, "size": size, **told_once.__dict__})
                print(
                    f"simulation: {name} {1000 * mean:.1f} ms an input, {label}, shards of {size}: {told_once.makespan:.1f} s, "
                    f"{100 * told_once.efficiency:.1f} % of linear, {told_once.failures} failures"
                )
        told[name] = {"mean": mean, "sample": sample, "rows": rows}
    save(options, "simulation", told)


def costs(options) -> None:
    """Figures of a run of one process, and of listing 10^5 inputs."""
    output = fresh(options, "costs/run")
    count = options.inputs
    call(command(options, "local", f"synthetic:{count}:256", output))
    run = Run(str(output))
    records = list(run.done())
    source = sources.Synthetic(10**5, 256)
    hello = {"prism": run.manifest["prism"], "model": {**run.manifest["model"], "kind": "image"}}
    start = time.monotonic()
    plan = Run.plan(str(fresh(options, "costs/plan")), source, hello, run.manifest["request"], "float32", False, 128)
    listing = (time.monotonic() - start) / 10**5
    sample = measured(options, ["gradcam"], 200)
    figures = simulation.Costs(
        seconds=statistics.fmean(sample), stored=sum(record["size"] for record in records) / count,
        read=statistics.fmean(len(source.read({"address": f"synthetic-{n:09}.png"})) for n in range(20)),
        listed=os.path.getsize(plan.path("inputs.jsonl")) / 10**5, listing=listing, driver=options.driver,
    )  # fmt: skip
    told = {"figures": figures.__dict__, "tables": []}
    print("costs: " + ", ".join(f"{name} {value:.3g}" for name, value in figures.__dict__.items()))
    for inputs in (10**6, 10**8):
        for workers in (100, 1000, 10_000):
            table = figures.table(inputs, workers, 128, bandwidth=5e9)
            told["tables"].append(table)
            print(
                f"costs: {inputs:.0e} inputs, {workers} workers: {table['seconds']:.0f} s, {table['processor hours']:.0f} processor hours, "
                f"{table['stored'] / 1e12:.2f} TB stored, list {table['list'] / 1e9:.2f} GB, first bottleneck: {table['first bottleneck']}"
            )
    save(options, "costs", told)
    shutil.rmtree(pathlib.Path(options.output) / "costs")


TRIALS = {
    "data": data, "equal": equal, "kills": kills, "overhead": overhead, "pace": pace, "throughput": throughput,
    "memory": memory,
    "hosts": hosts, "simulation": simulated, "costs": costs,
}  # fmt: skip


def pair(text: str) -> tuple[int, int]:
    few, many = text.split(",")
    return int(few), int(many)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", choices=TRIALS)
    parser.add_argument("--prism", default=str(ROOT / ".build/release/prism"), help="the program")
    parser.add_argument("--model", default=str(ROOT / "Weights/scenes.safetensors"), help="a weights file of pictures")
    parser.add_argument("--sound-model", default=str(ROOT / "Weights/voice.safetensors"), help="a weights file of sounds")
    parser.add_argument("--weights", help="the folder of weights files")
    parser.add_argument("--output", default=str(ROOT / "out/trials"), help="the folder of data and results")
    parser.add_argument("--shard-size", type=int, default=64)
    parser.add_argument("--pictures", type=int, default=5000, help="of data")
    parser.add_argument("--sounds", type=int, default=500, help="of data")
    parser.add_argument("--inputs", type=int, default=2000, help="of kills, memory, hosts and costs")
    parser.add_argument("--side", type=int, default=256, help="of the pictures of data, kills and memory")
    parser.add_argument("--methods", default="gradcam", help="of kills; slower ones have more to lose")
    parser.add_argument("--count", type=int, default=30, help="how much is killed, for each engine")
    parser.add_argument("--pause", type=float, default=3, help="the most seconds between kills")
    parser.add_argument("--cut", type=float, default=20, help="seconds of the longer cut of the link")
    parser.add_argument("--parts", default="fast,slow", help="of overhead: fast is Grad-CAM, slow is LIME")
    parser.add_argument("--fast", type=pair, default=(500, 3000), metavar="FEW,MANY", help="inputs of Grad-CAM")
    parser.add_argument("--slow", type=pair, default=(4, 24), metavar="FEW,MANY", help="inputs of LIME")
    parser.add_argument("--stretch", type=int, default=2048, help="of pace: inputs in a row that are timed")
    parser.add_argument("--engines", default="explain,local,ray,spark", help="of kills and pace")
    parser.add_argument("--samples", type=int, default=500, help="of LIME")
    parser.add_argument("--repeats", type=int, default=1, help="of overhead; the shortest time counts")
    parser.add_argument("--threads", type=int, choices=(1, 2), default=1, help="of a worker in overhead, which shares 2 processors")
    parser.add_argument("--shard", type=float, default=0.1, help="seconds of a shard besides its inputs, in the simulation")
    parser.add_argument("--start", type=float, default=5, help="seconds until a worker is ready, in the simulation")
    parser.add_argument("--driver", type=float, default=0.0012, help="the driver's seconds a shard, of costs")
    parser.add_argument("--seed", type=int, default=0, help="selects moments and victims")
    options = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)
    pathlib.Path(options.output).mkdir(parents=True, exist_ok=True)
    try:
        TRIALS[options.trial](options)
    except Wrong as error:
        print(f"trials: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
