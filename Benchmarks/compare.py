"""Measures Prism beside other engines and explainers, on the same weights and pictures, in one run.

Called by Benchmarks/compare.sh, which makes what it needs. Every engine runs in a process of its own that waits while
others are measured; the engines take turns in every round, so that whatever else the machine does meets all of them.
Before anything is timed, outputs must agree.
"""

import argparse
import dataclasses
import datetime
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys
import tempfile
import time

import numpy

from peers import models
from peers.engines import ENGINES
from peers.explanations import EXPLAINERS, normalised_map

ROOT = models.ROOT
PICTURE = ROOT / "Samples" / "husky.png"
RESULTS = ROOT / "Benchmarks" / "RESULTS.md"
TOLERANCE = 1e-4  # Of logits, relative to the largest.
BUSY = 0.05  # The share of the processors that other programs may use.
SECTIONS = ("inference", "training", "explanations", "cold")
TRAINED = {"mobilenet_v2": 16, "densenet121": 16}  # Networks whose training is measured, with the size of a step.


# What is measured.


@dataclasses.dataclass
class Explanation:
    """A row of the explanations: Prism's method, and the peers' by their names in peers/explanations.py."""

    title: str
    model: str
    method: str
    peers: tuple
    tolerance: float | None  # Of maps from 0 to 1; None for methods that draw random numbers.


EXPLANATIONS = [
    Explanation("Grad-CAM", "mobilenet_v2", "gradcam", ("pytorch-grad-cam", "captum-grad-cam"), 1e-3),
]


@dataclasses.dataclass
class ColdStart:
    """A row of the cold starts: the arguments of `prism`, and a script with its arguments, if there is a peer."""

    title: str
    weights: pathlib.Path
    prism: tuple
    peer: tuple | None
    peer_title: str = ""
    rounds: int | None = None  # The most rounds, for what takes minutes.



def process(title, name, prism, peer, peer_title, rounds=None):
    """A network of the cache, explained by Prism and by a method of peers/process.py."""
    weights = models.path(name, ".safetensors")
    peer = ("process.py", peer, name)
    return ColdStart(f"{title}, {models.MODELS[name]}", weights, prism, peer, peer_title, rounds)


LIME = ("--method", "lime", "--samples", "1000", "--draws", "published")
LIME_DEFAULTS = ("--method", "lime")
# As certain as 1000 plain draws for the network of `dogs`, by `prism-bench certainty` (RESULTS.md).
LIME_AS_CERTAIN = ("--method", "lime", "--samples", "200")
SHAP = ("--method", "shap", "--samples", "500")
IG = ("--method", "ig", "--samples", "50")

COLD_STARTS = [
    process("Grad-CAM", "mobilenet_v2", ("--method", "gradcam"), "gradcam", "torch with pytorch-grad-cam"),
    process("LIME, 1000 samples", "mobilenet_v2", LIME, "lime", "lime with ONNX Runtime", 5),
    process("LIME, 1000 samples", "vgg16", LIME, "lime", "lime with ONNX Runtime", 1),
    process("LIME, each with its defaults", "mobilenet_v2", LIME_DEFAULTS, "lime", "lime with ONNX Runtime", 5),
    process("LIME, 200 samples beside 1000", "mobilenet_v2", LIME_AS_CERTAIN, "lime", "lime with ONNX Runtime", 5),
    process("Partition SHAP, 500 evaluations", "mobilenet_v2", SHAP, "shap", "shap with ONNX Runtime", 5),
    process("Integrated Gradients, 50 steps", "mobilenet_v2", IG, "ig", "captum", 5),
    ColdStart("Grad-CAM, dogs", ROOT / "Weights" / "dogs.safetensors", ("--method", "gradcam"), None),
]  # fmt: skip


# How it is measured.


class Worker:
    """A process that computes on request and sleeps otherwise."""

    def __init__(self, title, command, variant=""):
        self.title = title
        self.variant = variant
        environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads), "OPENVINO_TELEMETRY": "0"}
        self.process = subprocess.Popen(
            [str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=None if options.verbose else subprocess.DEVNULL, text=True, cwd=ROOT, env=environment,
        )  # fmt: skip

    @property
    def name(self):
        return f"{self.title} ({self.variant})" if self.variant else self.title

    def request(self, do, **arguments):
        try:
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        answer = json.loads(line) if line else {"error": "the process has ended"}
        if "error" in answer:
            raise SystemExit(f"compare: {self.name}: {answer['error']} (--verbose shows what it prints)")
        return answer

    def array(self, do, **arguments):
        """The float32 numbers that a request computes."""
        with tempfile.NamedTemporaryFile(dir=models.CACHE) as file:
            self.request(do, output=file.name, **arguments)
            return numpy.fromfile(file.name, "<f4")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def prism_worker():
    return Worker("Prism", [options.programs / "prism-bench", "serve"])


def peer_worker(title, variant=""):
    return Worker(title, [sys.executable, ROOT / "Benchmarks" / "peers" / "worker.py"], variant)


class Group:
    """Workers that are ended together."""

    def __init__(self):
        self.workers = []

    def add(self, worker):
        self.workers.append(worker)
        return worker

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for worker in self.workers:
            worker.__exit__()


def interleave(calls):
    """Seconds of every call, a median a round; `calls` are functions of the number of repetitions.

    Every call gets about the same time a round; the order rotates, and a pause lets spinning threads fall asleep.
    """
    calls = list(calls)
    repeats = []
    for call in calls:
        call(1)  # Warm-up.
        repeats.append(max(1, min(100, int(options.seconds / statistics.median(call(2))))))
    rounds = [[] for _ in calls]
    for turn in range(options.rounds):
        for place in range(len(calls)):
            index = (turn + place) % len(calls)
            time.sleep(0.03)
            rounds[index].append(statistics.median(calls[index](repeats[index])))
    return rounds


def business():
    """The share of the machine's processors that is busy while none of the workers computes."""

    def ticks():
        fields = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
        numbers = [int(field) for field in fields]
        return sum(numbers), numbers[3] + numbers[4]  # idle, waiting for a disk

    all_before, idle_before = ticks()
    time.sleep(1)
    all_after, idle_after = ticks()
    return 1 - (idle_after - idle_before) / max(1, all_after - all_before)


def watch():
    """Notes how busy the machine is with other things."""
    options.busy = max(options.busy, business())


def largest_difference(results):
    """The largest difference between two engines' numbers, relative to the largest number, and whose it is."""
    worst = (0.0, "")
    names = list(results)
    for i, first in enumerate(names):
        if not numpy.isfinite(results[first]).all():
            raise SystemExit(f"compare: {first} computes numbers that are not finite")
        for second in names[i + 1 :]:
            a, b = results[first], results[second]
            if a.shape != b.shape:
                raise SystemExit(f"compare: {first} gives {a.size} numbers and {second} {b.size}")
            scale = max(abs(a).max(), abs(b).max())
            worst = max(worst, (float(abs(a - b).max() / scale), f"{first} and {second}"))
    return worst


def demand(what, results, tolerance):
    difference, whose = largest_difference(results)
    if difference > tolerance:
        raise SystemExit(f"compare: {what}: {whose} differ by {difference:.2g}, {tolerance:.0e} is allowed")
    return difference


# Sections.


def measure_inference(name, batch):
    """One network, one batch size, all engines."""
    say(f"{models.MODELS[name]}, batch {batch}")
    with Group() as group:
        prism = group.add(prism_worker())
        loaded = prism.request("load", weights=str(models.path(name, ".safetensors")), threads=options.threads)
        options.instruction_set = loaded["instruction_set"]
        for engine, kind in ENGINES.items():
            for variant in kind.variants:
                worker = group.add(peer_worker(kind.title, variant))
                worker.request(
                    "load", engine=engine, name=name, batch=batch, threads=options.threads, variant=variant
                )
        shape = [batch, models.SIZE, models.SIZE, 3]
        logits = {}
        for worker in group.workers:
            worker.request("inputs", file=str(models.inputs_file(batch)), shape=shape)
            logits[worker.name] = worker.array("logits")
        difference = demand(models.MODELS[name], logits, TOLERANCE)
        watch()
        rounds = interleave(
            lambda repeat, worker=worker: worker.request("logits", repeat=repeat)["seconds"]
            for worker in group.workers
        )
        lanes = [
            {
                "engine": worker.title, "variant": worker.variant, "rounds": [s / batch for s in seconds],
                "memory": worker.request("memory")["highest"],
            }
            for worker, seconds in zip(group.workers, rounds)
        ]  # fmt: skip
    return {"model": name, "batch": batch, "difference": difference, "lanes": lanes}


def measure_training(name, batch):
    """A step of training all parameters, Prism and torch; the losses of the first steps must agree."""
    say(f"training {models.MODELS[name]}, batch {batch}")
    with Group() as group:
        prism = group.add(prism_worker())
        prism.request("load", weights=str(models.path(name, ".safetensors")), threads=options.threads)
        for variant in ("channels last", "channels first"):
            worker = group.add(peer_worker("torch", variant))
            worker.request("load_training", name=name, threads=options.threads, variant=variant)
        losses = {}
        for worker in group.workers:
            worker.request("inputs", file=str(models.inputs_file(batch)), shape=[batch, models.SIZE, models.SIZE, 3])
            losses[worker.name] = worker.array("train", repeat=3)
        difference = demand(f"training {models.MODELS[name]}", losses, TOLERANCE)
        watch()
        rounds = interleave(
            lambda repeat, worker=worker: worker.request("train", repeat=repeat)["seconds"]
            for worker in group.workers
        )
        lanes = [
            {
                "engine": worker.title, "variant": worker.variant, "rounds": seconds,
                "memory": worker.request("memory")["highest"],
            }
            for worker, seconds in zip(group.workers, rounds)
        ]  # fmt: skip
    return {"model": name, "batch": batch, "difference": difference, "lanes": lanes}


def measure_explanation(case):
    """One method on one network and one picture, with a forward pass of Prism's own beside it."""
    say(f"{case.title} on {models.MODELS[case.model]}")
    picture = models.picture(0)
    with Group() as group:
        prism = group.add(prism_worker())
        prism.request("load", weights=str(models.path(case.model, ".safetensors")), threads=options.threads)
        prism.request("inputs", file=str(models.inputs_file(1)), shape=[1, models.SIZE, models.SIZE, 3])
        target = int(prism.array("logits").argmax())
        for peer in case.peers:
            worker = group.add(peer_worker(EXPLAINERS[peer][0]))
            worker.request("load_explainer", method=peer, name=case.model, threads=options.threads)
        arguments = {"method": case.method, "target": target}
        maps = {}
        for worker in group.workers:
            worker.request("picture", file=str(picture))
            maps[worker.name] = normalised_map(worker.array("explain", **arguments))
        difference = None
        if case.tolerance is not None:
            difference = demand(case.title, maps, case.tolerance)
        calls = [
            lambda repeat, worker=worker: worker.request("explain", repeat=repeat, **arguments)["seconds"]
            for worker in group.workers
        ]
        watch()
        calls.append(lambda repeat: prism.request("logits", repeat=repeat)["seconds"])
        *rounds, forward = interleave(calls)
        lanes = [
            {
                "engine": worker.title, "variant": "", "rounds": seconds,
                "memory": worker.request("memory")["highest"],
            }
            for worker, seconds in zip(group.workers, rounds)
        ]  # fmt: skip
    return {
        "title": case.title, "model": case.model, "difference": difference, "lanes": lanes, "forward": forward,
    }  # fmt: skip


def measure_cold(case):
    """Whole processes from start to end, with their files in the page cache."""
    say(f"whole process, {case.title}")
    watch()
    with tempfile.TemporaryDirectory() as folder:
        threads = str(options.threads)
        commands = {
            "Prism": [options.programs / "prism", "explain", PICTURE, "--model", case.weights]
            + [*case.prism, "--output", folder, "--threads", threads]
        }
        if case.peer:
            script = ROOT / "Benchmarks" / "peers" / case.peer[0]
            commands[case.peer_title] = [sys.executable, script, *case.peer[1:], PICTURE, folder, threads]
        lanes = {name: {"engine": name, "variant": "", "rounds": [], "memory": 0} for name in commands}
        rounds = min(options.cold_rounds, case.rounds or options.cold_rounds)
        # What takes minutes needs no warm-up.
        warmups = 1 if rounds > 1 else 0
        for turn in range(rounds + warmups):
            for name, command in commands.items():
                seconds, memory = run_process(name, command)
                if turn >= warmups:
                    lanes[name]["rounds"].append(seconds)
                    lanes[name]["memory"] = max(lanes[name]["memory"], memory)
    return {"title": case.title, "lanes": list(lanes.values())}


# A child's peak memory counts what its parent had when it was forked, so a small process starts it.
LAUNCHER = """
import os, sys, time
start = time.perf_counter()
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(time.perf_counter() - start, usage.ru_maxrss * 1024, os.waitstatus_to_exitcode(status), file=sys.stderr)
"""


def run_process(name, command):
    """The seconds from start to end of a process, and the most memory it had (no less than a bare Python's)."""
    launcher = [sys.executable, "-I", "-S", "-c", LAUNCHER, *(str(part) for part in command)]
    process = subprocess.run(launcher, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, cwd=ROOT)
    if options.verbose:
        say(process.stderr)
    words = process.stderr.split()[-3:]
    if process.returncode != 0 or len(words) < 3 or words[2] != "0":
        raise SystemExit(f"compare: {name} failed as a whole process (--verbose shows what it prints)")
    return float(words[0]), int(words[1])


# The report.


def median(lane):
    return statistics.median(lane["rounds"])


def best(lanes, title):
    """The fastest lane of an engine's variants, or None."""
    return min((lane for lane in lanes if lane["engine"] == title), key=median, default=None)


def ratio(lanes):
    """Prism's time to that of the fastest other, as text."""
    peers = [median(lane) for lane in lanes if lane["engine"] != "Prism"]
    return f"**{median(best(lanes, 'Prism')) / min(peers):.2f}**" if peers else ""


def milliseconds(lane):
    if lane is None:
        return ""
    text = f"{1e3 * median(lane):.4g}"
    return f"{text} ({lane['variant']})" if lane["variant"] else text


def megabytes(lane):
    return "" if lane is None else f"{lane['memory'] / 1e6:.0f}"


def table(header, rows):
    """A Markdown table; all columns but the first are numbers."""
    lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def engines_table(results, label, header):
    """Times and ratios of rows that have the same engines, and a table of memory."""
    titles = list(dict.fromkeys(lane["engine"] for result in results for lane in result["lanes"]))
    rows, memory = [], []
    for result in results:
        lanes = [best(result["lanes"], title) for title in titles]
        rows.append([*label(result), *map(milliseconds, lanes), ratio(result["lanes"])])
        memory.append([*label(result), *map(megabytes, lanes)])
    return table([*header, *titles, "ratio to the best"], rows), table([*header, *titles], memory)


def report(results):
    """The whole report as Markdown."""
    parts = [f"## {results['date']}, {results['commit']}", results["machine"] + "; " + results["versions"] + "."]
    how = f"Medians of {options.rounds} interleaved rounds" + (", a quick run" if options.quick else "")
    parts.append(f"{how}; other programs used up to {100 * options.busy:.0f} % of the processors.")
    if options.busy > BUSY:
        parts.append("**The machine was busy: these times and ratios mean nothing.**")
    memories = []
    if results["inference"]:
        times, memory = engines_table(
            results["inference"], lambda r: [models.MODELS[r["model"]], r["batch"]], ["network", "batch"]
        )
        parts += ["Inference, ms a picture of 224×224:", times]
        memories += ["Peak memory of the process, MB, loading included:", memory]
        worst = max(result["difference"] for result in results["inference"])
        parts.append(f"The logits of all engines agree within {worst:.1e} of the largest.")
    if results["training"]:
        times, memory = engines_table(
            results["training"], lambda r: [models.MODELS[r["model"]], r["batch"]], ["network", "batch"]
        )
        parts += ["A step of training all parameters (forward, backward, update), ms:", times]
        memories += ["Peak memory of training, MB:", memory]
    if results["explanations"]:
        rows, header = [], ["explanation", "engine", "ms", "ratio to Prism", "peak memory, MB"]
        for result in results["explanations"]:
            prism = best(result["lanes"], "Prism")
            name = f"{result['title']}, {models.MODELS[result['model']]}"
            for lane in result["lanes"]:
                times = f"{median(lane) / median(prism):.2f}"
                rows.append([name, lane["engine"], milliseconds(lane), times, megabytes(lane)])
            forward = statistics.median(result["forward"])
            times = f"{forward / median(prism):.2f}"
            rows.append([name, "Prism, forward pass alone", f"{1e3 * forward:.4g}", times, ""])
        parts += ["Whole explanations of one picture:", table(header, rows)]
        for result in results["explanations"]:
            prism = median(best(result["lanes"], "Prism"))
            forward = statistics.median(result["forward"])
            text = f"{result['title']}, {models.MODELS[result['model']]}: {prism / forward:.2f} × its own forward pass"
            parts.append(text + f", {ratio(result['lanes'])} × the best peer.")
    if results["cold"]:
        header = ["whole process", "program", "ms", "ratio to Prism", "peak memory, MB"]
        rows = []
        for result in results["cold"]:
            prism = best(result["lanes"], "Prism")
            for lane in result["lanes"]:
                times = f"{median(lane) / median(prism):.2f}"
                rows.append([result["title"], lane["engine"], milliseconds(lane), times, megabytes(lane)])
        parts += ["Whole processes, files in the page cache:", table(header, rows)]
    return "\n\n".join(parts + memories) + "\n"


def describe_machine():
    information = pathlib.Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in information.read_text().splitlines() if "model name" in line]
    processor = names[0] if names else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{processor}, {os.cpu_count()} cores, {memory:.0f} GB, {options.threads} threads"


def describe_versions():
    packages = [(kind.title, kind.package) for kind in ENGINES.values()]
    packages += [(title, package) for title, package, _ in EXPLAINERS.values()]
    packages += [("lime", "lime"), ("shap", "shap")]
    versions = [f"{title} {importlib.metadata.version(package)}" for title, package in dict(packages).items()]
    return f"{', '.join(versions)}, Python {platform.python_version()}, {options.swift}"


def git(*arguments):
    result = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    return result.stdout.strip() if result.returncode == 0 else ""


def commit():
    name = git("rev-parse", "--short=12", "HEAD") or "no commit"
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!Benchmarks/RESULTS.md")
    return f"commit {name}" + (" with changes" if changed else "")


def swift_version():
    result = subprocess.run(["swift", "--version"], capture_output=True, text=True)
    words = result.stdout.split()
    return f"Swift {words[words.index('version') + 1]}" if "version" in words else "Swift"


def say(text):
    print(f"compare: {text}", file=sys.stderr, flush=True)


def names(text):
    return [name for name in text.split(",") if name]


def parse():
    p = argparse.ArgumentParser(prog="compare.sh", description="Measure Prism beside other engines.")
    p.add_argument("--programs", type=pathlib.Path, required=True, help=argparse.SUPPRESS)
    p.add_argument("--models", type=names, metavar="A,B", help=f"some of {', '.join(models.MODELS)}")
    p.add_argument("--batches", type=names, default=["1", "16"], metavar="1,16", help="one of the batch sizes")
    p.add_argument("--only", type=names, default=list(SECTIONS), metavar="A,B", help=f"some of {', '.join(SECTIONS)}")
    p.add_argument("--rounds", type=int, metavar="N", help="how often the engines take turns (default: 9)")
    p.add_argument("--threads", type=int, default=2, metavar="N", help="of every engine (default: 2)")
    p.add_argument("--quick", action="store_true", help="MobileNetV2 alone, two rounds")
    p.add_argument("--record", action="store_true", help="append the tables to Benchmarks/RESULTS.md")
    p.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write all figures, too")
    p.add_argument("--verbose", action="store_true", help="show what the engines print")
    result = p.parse_args()
    result.models = result.models or (["mobilenet_v2"] if result.quick else list(models.MODELS))
    result.rounds = result.rounds or (2 if result.quick else 9)
    result.cold_rounds = max(2, result.rounds)
    result.seconds = 0.1 if result.quick else 0.5
    result.swift = swift_version()
    result.instruction_set = None
    result.busy = 0.0
    for chosen, known in (
        (result.models, models.MODELS), (result.only, SECTIONS), (result.batches, ("1", "16")),
    ):  # fmt: skip
        for name in chosen:
            if name not in known:
                p.error(f"there is no {name}; choose from {', '.join(known)}")
    if result.threads < 1 or result.rounds < 1:
        p.error("numbers must be at least 1")
    return result


def main():
    explanations = [case for case in EXPLANATIONS if case.model in options.models]
    cold = [case for case in COLD_STARTS if not case.peer or case.peer[2] in options.models]
    models.prepare(options.models)
    watch()
    if options.record and options.busy > BUSY:
        raise SystemExit(f"compare: the machine is busy ({100 * options.busy:.0f} %); nothing is recorded of such a run")
    results = {"inference": [], "training": [], "explanations": [], "cold": []}
    if "inference" in options.only:
        for name in options.models:
            results["inference"] += [measure_inference(name, int(batch)) for batch in options.batches]
    if "training" in options.only:
        results["training"] = [
            measure_training(name, batch) for name, batch in TRAINED.items() if name in options.models
        ]
    if "explanations" in options.only:
        results["explanations"] = [measure_explanation(case) for case in explanations]
    if "cold" in options.only:
        results["cold"] = [measure_cold(case) for case in cold if case.weights.is_file()]
    results |= {
        "date": datetime.date.today().isoformat(),
        "commit": commit(),
        "machine": describe_machine(),
        "versions": describe_versions(),
    }
    if options.instruction_set:
        results["machine"] += f", Prism with {options.instruction_set}"
    text = report(results)
    print(text)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.record:
        with RESULTS.open("a") as file:
            file.write("\n" + text)
        say(f"appended to {RESULTS.relative_to(ROOT)}")


if __name__ == "__main__":
    options = parse()
    main()
