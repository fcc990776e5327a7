#!/usr/bin/env python3
"""Requests per second of a bare classification over HTTP: prism-server beside FastAPI with ONNX Runtime.

  python Benchmarks/serving.py --server PATH/prism-server [--seconds 5] [--rounds 3] [--size 160] [--labels 19]
    [--clients 1 8 64] [--only NAME ...]

Both classify the same input with the same MobileNetV2 (Benchmarks/peers), at the size and with the number of labels of
the model `dogs` unless told otherwise, and answer with all logits and probabilities; the servers take turns in one
run. What is sent:

  png      a PNG of the network's size in Base64, KServe's V1 `:predict`
  jpeg     a JPEG as people have them (Samples/coffee.jpg, 600×400), in Base64 too: decoded and resized by the server
  binary   the tensor of FP32 as bytes, the Open Inference Protocol's V2 `infer`
  json     the same tensor as numbers in JSON

The peer is written as its users would write it: a typed body for the pictures (fields that pydantic checks), the plain
body and numpy.frombuffer for bytes, json.loads and numpy.array for numbers; uvicorn with uvloop and httptools, where they
are installed. It is measured as one process whose network uses all processors and as one process a processor, and the
better of the two is shown. Each takes the tensor in its own network's order. Before anything is measured, all have to give
the same probabilities. Needs what Benchmarks/requirements.txt names, fastapi, uvicorn[standard] and pillow, and the program wrk,
which asks without taking much of the processors that the servers need.
"""

import argparse
import base64
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Benchmarks"))

PRISM = "127.0.0.1:8611"
# The peer's addresses by what is said of it: how many processes there are, and the threads of each network (0 for all).
PROCESSORS = len(os.sched_getaffinity(0))
PEERS = {"1 process": ("127.0.0.1:8612", 1, 0), f"{PROCESSORS} processes": ("127.0.0.1:8613", PROCESSORS, 1)}
LENGTH = "Inference-Header-Content-Length"
# How far probabilities may differ: a JPEG is decoded and made smaller by other code.
CLOSE = {"png": 1e-4, "jpeg": 0.1, "binary": 1e-4, "json": 1e-4}

PEER = """
import base64, io, json, os, sys
import numpy, onnxruntime
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from PIL import Image
from pydantic import BaseModel

sys.path.insert(0, {benchmarks!r})
from peers import models

options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(os.environ["PEER_THREADS"])
mean, deviation = (numpy.array(values, dtype="float32") for values in (models.MEAN, models.STD))
session = onnxruntime.InferenceSession(
    str(models.path("mobilenet_v2", ".onnx")), options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Body(BaseModel):
    instances: list[dict[str, str]]


def classify(values):
    logits = session.run(None, {{"images": values}})[0][0].astype("float64")
    probabilities = numpy.exp(logits - logits.max())
    return logits, probabilities / probabilities.sum()


@app.post("/predict")
def predict(body: Body):
    image = Image.open(io.BytesIO(base64.b64decode(body.instances[0]["b64"]))).convert("RGB")
    size = (models.SIZE, models.SIZE)
    if image.size != size:
        image = image.resize(size, Image.Resampling.BILINEAR)
    values = (numpy.asarray(image, dtype="float32") / 255 - mean) / deviation
    logits, probabilities = classify(values.transpose(2, 0, 1)[None])
    top = int(probabilities.argmax())
    return {{"predictions": [{{"index": top, "probability": float(probabilities[top]),
            "probabilities": probabilities.tolist(), "logits": logits.tolist()}}]}}


@app.post("/infer")
async def infer(request: Request):
    body = await request.body()
    length = int(request.headers.get("inference-header-content-length", len(body)))
    head = json.loads(body[:length])
    given = head["inputs"][0]
    values = (numpy.array(given["data"], dtype="float32") if "data" in given
        else numpy.frombuffer(body, dtype="<f4", offset=length))
    logits, probabilities = await run_in_threadpool(classify, values.reshape(given["shape"]))
    shape = [1, len(logits)]
    return {{"model_name": "mobilenet_v2", "outputs": [
        {{"name": name, "datatype": "FP32", "shape": shape, "data": data.tolist()}}
        for name, data in (("logits", logits), ("probabilities", probabilities))]}}
"""


class Ask:
    """A request to a server: where it goes and what is sent."""

    def __init__(self, address, path, body, headers=None):
        self.address, self.path, self.body = address, path, body
        self.headers = {"Content-Type": "application/json"} | (headers or {})

    def probabilities(self):
        """What the server answers."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        connection.request("POST", self.path, self.body, self.headers)
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            sys.exit(f"serving: {self.address}{self.path} answers {answer.status}: {text[:200]}")
        found = json.loads(text)
        if "predictions" in found:
            return found["predictions"][0]["probabilities"]
        return next(output["data"] for output in found["outputs"] if output["name"] == "probabilities")

    def script(self, folder):
        """What wrk sends: the same request again and again, and a word about every answer that is no 200."""
        name = self.address.replace(":", "-") + self.path.replace("/", "-").replace(":", "-")
        (folder / f"{name}.body").write_bytes(self.body)
        headers = "".join(f"wrk.headers[{json.dumps(k)}] = {json.dumps(v)}\n" for k, v in self.headers.items())
        path = folder / f"{name}.lua"
        path.write_text(f"""
local file = io.open({json.dumps(str(folder / f"{name}.body"))}, "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
file:close()
{headers}
function done(summary, latency, requests)
  io.write(string.format("RESULT %f %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
""")
        return path

    def rate(self, folder, clients, seconds):
        """Requests per second, the median and the 99th percentile in milliseconds."""
        command = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s"]
        command += ["--timeout", "60s", "--script", str(self.script(folder)), f"http://{self.address}{self.path}"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        *figures, failures = next(line for line in output.splitlines() if line.startswith("RESULT")).split()[1:]
        if int(failures):
            sys.exit(f"serving: {self.address} did not answer {failures} requests with 200")
        if float(figures[0]) == 0:
            sys.exit(f"serving: {self.address} answered nothing to {clients} clients in time; ask for more --seconds")
        return tuple(float(figure) for figure in figures)


def rows():
    """What is sent, by name: to Prism, and to the peers."""
    import numpy
    from peers import models

    def picture(path):
        body = json.dumps({"instances": [{"b64": base64.b64encode(path.read_bytes()).decode()}]}).encode()
        return [Ask(PRISM, "/v1/models/mobilenet_v2:predict", body)] + [
            Ask(address, "/predict", body) for address, _, _ in PEERS.values()
        ]

    def tensor(values, is_binary):
        given = {"name": "input", "datatype": "FP32", "shape": list(values.shape)}
        if not is_binary:
            return json.dumps({"inputs": [given | {"data": values.ravel().tolist()}]}).encode(), {}
        data = values.astype("<f4").tobytes()
        head = json.dumps({"inputs": [given | {"parameters": {"binary_data_size": len(data)}}]}).encode()
        return head + data, {LENGTH: str(len(head)), "Content-Type": "application/octet-stream"}

    def tensors(is_binary):
        values = numpy.fromfile(models.inputs_file(1), dtype="<f4").reshape(1, models.SIZE, models.SIZE, 3)
        theirs = tensor(values.transpose(0, 3, 1, 2), is_binary)
        return [Ask(PRISM, "/v2/models/mobilenet_v2/infer", *tensor(values, is_binary))] + [
            Ask(address, "/infer", *theirs) for address, _, _ in PEERS.values()
        ]

    return {
        "png": picture(models.picture(0)),
        "jpeg": picture(ROOT / "Samples" / "coffee.jpg"),
        "binary": tensors(True),
        "json": tensors(False),
    }


def wait(address):
    for _ in range(300):
        try:
            http.client.HTTPConnection(address, timeout=1).connect()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"serving: nothing listens at {address}")


def check(name, asks):
    """All give the same probabilities, or nothing is measured."""
    ours, *others = (ask.probabilities() for ask in asks)
    difference = max(abs(a - b) for theirs in others for a, b in zip(ours, theirs, strict=True))
    if difference > CLOSE[name]:
        sys.exit(f"serving: {name}: the servers' probabilities differ by {difference:.2g}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 8, 64])
    parser.add_argument("--only", nargs="+", choices=list(CLOSE), default=list(CLOSE))
    parser.add_argument("--size", default="160", help="the side of the picture and of the network's input")
    parser.add_argument("--labels", default="19", help="the number of labels")
    options = parser.parse_args()
    os.environ.update(PRISM_BENCH_SIZE=options.size, PRISM_BENCH_LABELS=options.labels)
    if not shutil.which("wrk"):
        parser.error("wrk is missing; install it (Debian: apt-get install wrk)")
    from peers import models

    models.prepare(["mobilenet_v2"])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "peer.py").write_text(PEER.format(benchmarks=str(ROOT / "Benchmarks")))
        servers = [subprocess.Popen(
            [options.server, "--port", PRISM.split(":")[1], "--data", f"{folder}/data", "--weights", models.CACHE],
            stdout=subprocess.DEVNULL)]
        for address, processes, threads in PEERS.values():
            servers.append(subprocess.Popen(
                [sys.executable, "-m", "uvicorn", "peer:app", "--port", address.split(":")[1], "--log-level", "warning",
                 "--workers", f"{processes}"], cwd=folder, env=os.environ | {"PEER_THREADS": f"{threads}"}))
        try:
            for address in [PRISM] + [address for address, _, _ in PEERS.values()]:
                wait(address)
            measure(rows(), options, folder)
        finally:
            for server in servers:
                server.terminate()
            for server in servers:
                server.wait()


def measure(asks, options, folder):
    """Prints a table."""
    print("| sent | clients | Prism, requests/s | median, ms | 99 %, ms | FastAPI, requests/s | median, ms | 99 %, ms"
          " | as | ratio |\n| --- |" + " ---: |" * 9)
    for name in options.only:
        check(name, asks[name])
        for ask in asks[name]:
            ask.rate(folder, 1, 1)
        for clients in options.clients:
            found = [[ask.rate(folder, clients, options.seconds) for ask in asks[name]] for _ in range(options.rounds)]
            ours, *others = ([statistics.median(column) for column in zip(*turns)] for turns in zip(*found))
            theirs, peer = max(zip(others, PEERS))
            figures = " | ".join(f"{rate:.0f} | {median:.1f} | {worst:.1f}" for rate, median, worst in (ours, theirs))
            print(f"| {name} | {clients} | {figures} | {peer} | **{ours[0] / theirs[0]:.2f}** |", flush=True)


if __name__ == "__main__":
    main()
