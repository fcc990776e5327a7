#!/usr/bin/env python3
"""Kills `prism explain` at random moments, again and again, and looks at all files each time.

    Tools/kills.py [--count 500] [--prism .build/release/prism] [--model PATH] [--seed 0]

Two explanations that differ in their seed take turns writing the same names, so that a mixture of both would be seen.
After every kill each file that is visible has to be whole, and all of them those of one explanation; where the process
was killed while files took their places, which a hidden list tells, that has to hold after the next run. Files of
another input stay as they are. At the end nothing hidden may be left.
"""

import argparse
import hashlib
import json
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


class Wrong(Exception):
    pass


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def check_whole(path):
    """Raises where a file is not whole by the rules of its own format."""
    data = path.read_bytes()
    if path.suffix == ".json":
        document = json.loads(data)
        for name in document["files"]:
            if not (path.parent / name).exists():
                raise Wrong(f"{path.name} names {name}, which is not there")
    elif path.suffix == ".png":
        if not data.startswith(b"\x89PNG") or data[-8:-4] != b"IEND":
            raise Wrong(f"{path.name} is cut off")
    elif path.suffix == ".npy":
        length = struct.unpack("<H", data[8:10])[0]
        shape = eval(data[10 : 10 + length].decode())["shape"]  # noqa: S307 (our own file)
        if len(data) != 10 + length + 4 * shape[0] * shape[1]:
            raise Wrong(f"{path.name} is cut off")
    elif path.suffix == ".html":
        if not data.rstrip().endswith(b"</html>"):
            raise Wrong(f"{path.name} is cut off")


class Trial:
    """A folder, the commands that write to it, and what they write."""

    def __init__(self, options, folder):
        self.folder = folder
        self.options = options
        self.inputs = [folder / "kept.png", folder / "cat.png"]
        for path in self.inputs:
            shutil.copy(ROOT / "Samples/husky.png", path)
        self.output = folder / "out"

    def command(self, path, seed):
        return [
            self.options.prism, "explain", str(path), "--model", self.options.model, "--method", "gradcam,smoothgrad,rise",
            "--samples", "2", "--seed", str(seed), "--format", "png,npy,json,html", "--output", str(self.output),
        ]  # fmt: skip

    def run(self, path, seed):
        start = time.monotonic()
        subprocess.run(self.command(path, seed), check=True, capture_output=True)
        return time.monotonic() - start

    def arrays(self):
        """The digests of the maps, by name: they depend on the seed and nothing else."""
        return {path.name: digest(path) for path in sorted(self.output.glob("cat.*.npy"))}

    def check(self, known):
        """Raises where something is not as it must be; says whether a list of files is left."""
        files = [path for path in self.output.iterdir() if not path.name.startswith(".")]
        for path in files:
            check_whole(path)
        if any(path.suffix == ".set" for path in self.output.iterdir()):
            return True
        document = self.output / "cat.json"
        if document.exists():
            seed = json.loads(document.read_bytes())["seed"]
            if self.arrays() != known[seed]:
                raise Wrong(f"cat.json is of the seed {seed}, and the maps are not")
        elif any(path.name.startswith("cat.") for path in files):
            raise Wrong("there are maps without a document")
        return False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=500, help="how many processes are killed")
    parser.add_argument("--prism", default=str(ROOT / ".build/release/prism"), help="the program")
    parser.add_argument("--model", default=str(ROOT / "Weights/dogs.safetensors"), help="a weights file of a model of pictures")
    parser.add_argument("--seed", type=int, default=0, help="selects the moments")
    options = parser.parse_args()
    moments = random.Random(options.seed)
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        trial = Trial(options, pathlib.Path(name))
        trial.run(trial.inputs[0], 0)
        kept = {path: digest(path) for path in trial.output.iterdir()}
        known, lasts = {}, []
        for seed in (1, 2):
            lasts.append(trial.run(trial.inputs[1], seed))
            known[seed] = trial.arrays()
        if known[1] == known[2]:
            sys.exit("kills: the maps do not depend on the seed, so that nothing would be seen")
        for path in trial.output.glob("cat.*"):
            path.unlink()
        killed = placing = 0
        runs = 0
        while killed < options.count:
            runs += 1
            process = subprocess.Popen(
                trial.command(trial.inputs[1], 1 + runs % 2), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            try:
                # The files are written at the end, so that half of the moments are late ones.
                span = min(lasts)
                process.wait(moments.uniform(0, span) if moments.random() < 0.5 else moments.uniform(0.7, 1.1) * span)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.wait()
                killed += 1
            placing += trial.check(known)
            for path, before in kept.items():
                if digest(path) != before:
                    raise Wrong(f"{path.name} of another input has changed")
            left = any(path.suffix == ".set" for path in trial.output.iterdir())
            if not left and moments.random() < 0.05:
                for path in trial.output.glob("cat.*"):
                    path.unlink()
        trial.run(trial.inputs[1], 1)
        if trial.check(known) or trial.arrays() != known[1]:
            raise Wrong("the last run, which nobody killed, is not whole")
        hidden = [path.name for path in trial.output.iterdir() if path.name.startswith(".")]
        if hidden:
            raise Wrong(f"left behind: {', '.join(hidden)}")
    print(
        f"kills: {killed} of {runs} runs killed, {placing} of them while files took their places; "
        f"a run lasts {min(lasts):.2f} s; all files whole, {time.monotonic() - start:.0f} s"
    )


if __name__ == "__main__":
    try:
        main()
    except Wrong as error:
        sys.exit(f"kills: {error}")
