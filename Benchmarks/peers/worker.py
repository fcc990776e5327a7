"""One engine in a process of its own: takes requests in lines of JSON, as `prism-bench serve` does.

The process waits for its next line without using the processor, so that others can be measured meanwhile.
"""

import json
import os
import pathlib
import sys
import time

# Answers go to the real standard output; whatever a library prints goes to standard error.
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import numpy

from peers.engines import ENGINES


class Server:
    def load(self, engine, name, batch, threads, variant="", **_):
        self.engine = ENGINES[engine](name, batch, threads, variant)

    def load_explainer(self, method, name, threads, **_):
        import torch

        from peers.explanations import EXPLAINERS

        self.explainer = EXPLAINERS[method][2](name)
        torch.set_num_threads(threads)

    def load_training(self, name, threads, variant="", **_):
        from peers.training import TorchTraining

        self.engine = TorchTraining(name, threads, variant)

    def inputs(self, file, shape):
        self.engine.set_inputs(numpy.fromfile(file, "<f4").reshape(shape))

    def picture(self, file):
        from PIL import Image

        self.pixels = numpy.asarray(Image.open(file).convert("RGB"))

    def logits(self, **options):
        return repeated(self.engine.logits, **options)

    def train(self, **options):
        return repeated(self.engine.step, **options)

    def explain(self, target, method=None, **options):
        return repeated(lambda: self.explainer(self.pixels, target), **options)

    def memory(self):
        lines = pathlib.Path("/proc/self/status").read_text().splitlines()
        return {"highest": next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))}


def repeated(compute, repeat=1, output=None):
    seconds = []
    for _ in range(repeat):
        start = time.perf_counter()
        result = compute()
        seconds.append(time.perf_counter() - start)
    if output:
        pathlib.Path(output).write_bytes(numpy.asarray(result).astype("<f4").tobytes())
    return {"seconds": seconds}


def main():
    server = Server()
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = getattr(server, request.pop("do"))(**request) or {}
        except Exception as error:  # Whatever it is, the driver reports it and stops.
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    main()
