#!/usr/bin/env python3
"""Requests per second of a bare classification over HTTP: prism-server beside FastAPI with ONNX Runtime.

  python Benchmarks/serving.py --server PATH/prism-server [--seconds 5] [--rounds 3] [--size 160] [--labels 19]

Both classify the same PNG with the same MobileNetV2 (Benchmarks/peers), decoded by each request, at the size and with the
number of labels of the model `dogs` unless told otherwise; the servers take turns in one run. Needs what Benchmarks/requirements.txt names, fastapi, uvicorn and pillow, and the program wrk, which
asks without taking much of the processors that the servers need.
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

PEER = """
import base64, io, sys
import numpy, onnxruntime
from fastapi import FastAPI
from PIL import Image
from pydantic import BaseModel

sys.path.insert(0, {benchmarks!r})
from peers import models

options = onnxruntime.SessionOptions()
session = onnxruntime.InferenceSession(
    str(models.path("mobilenet_v2", ".onnx")), options, providers=["CPUExecutionProvider"])
app = FastAPI()


class Body(BaseModel):
    instances: list[dict[str, str]]


@app.post("/predict")
def predict(body: Body):
    image = Image.open(io.BytesIO(base64.b64decode(body.instances[0]["b64"]))).convert("RGB")
    values = models.normalised(image.resize((models.SIZE, models.SIZE))).transpose(2, 0, 1)[None]
    logits = session.run(None, {{"images": values}})[0][0].astype("float64")
    probabilities = numpy.exp(logits - logits.max())
    probabilities /= probabilities.sum()
    top = int(probabilities.argmax())
    return {{"predictions": [{{"index": top, "probability": float(probabilities[top]),
            "probabilities": probabilities.tolist(), "logits": logits.tolist()}}]}}
"""


def wait(address):
    for _ in range(300):
        try:
            http.client.HTTPConnection(address, timeout=1).connect()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"serving: nothing listens at {address}")


def script(folder, body):
    """What wrk sends: the same request again and again, and a word about every answer that is no 200."""
    (folder / "body.json").write_bytes(body)
    path = folder / "post.lua"
    path.write_text(f"""
local file = io.open({json.dumps(str(folder / "body.json"))}, "rb")
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()
function done(summary, latency, requests)
  io.write(string.format("RESULT %f %f %f %d\\n", summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout))
end
""")
    return path


def rate(address, path, lua, clients, seconds):
    """Requests per second, the median and the 99th percentile in milliseconds."""
    command = ["wrk", "--threads", "1", "--connections", str(clients), "--duration", f"{seconds}s", "--timeout", "60s"]
    command += ["--script", str(lua), f"http://{address}{path}"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    *figures, failures = next(line for line in output.splitlines() if line.startswith("RESULT")).split()[1:]
    if int(failures):
        sys.exit(f"serving: {address} did not answer {failures} requests with 200")
    return tuple(float(figure) for figure in figures)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--size", default="160", help="the side of the picture and of the network's input")
    parser.add_argument("--labels", default="19", help="the number of labels")
    options = parser.parse_args()
    os.environ.update(PRISM_BENCH_SIZE=options.size, PRISM_BENCH_LABELS=options.labels)
    if not shutil.which("wrk"):
        parser.error("wrk is missing; install it (Debian: apt-get install wrk)")
    from peers import models

    models.prepare(["mobilenet_v2"])
    body = json.dumps(
        {"instances": [{"b64": base64.b64encode(models.picture(0).read_bytes()).decode()}]}
    ).encode()
    with tempfile.TemporaryDirectory() as folder:
        lua = script(pathlib.Path(folder), body)
        (pathlib.Path(folder) / "peer.py").write_text(PEER.format(benchmarks=str(ROOT / "Benchmarks")))
        prism = subprocess.Popen(
            [options.server, "--port", "8611", "--data", f"{folder}/data", "--weights", models.CACHE],
            stdout=subprocess.DEVNULL)
        peer = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "peer:app", "--port", "8612", "--log-level", "warning"], cwd=folder)
        servers = [
            ("prism-server", "127.0.0.1:8611", "/v1/models/mobilenet_v2:predict"),
            ("FastAPI + ONNX Runtime", "127.0.0.1:8612", "/predict"),
        ]
        try:
            for _, address, path in servers:
                wait(address)
                rate(address, path, lua, 1, 1)
            for clients in (1, 8, 64):
                rates = {name: [] for name, _, _ in servers}
                for _ in range(options.rounds):
                    for name, address, path in servers:
                        rates[name].append(rate(address, path, lua, clients, options.seconds))
                for name, found in rates.items():
                    columns = [statistics.median(column) for column in zip(*found)]
                    print(f"{clients:3} clients  {name:24} {columns[0]:8.1f} requests/s  median {columns[1]:7.1f} ms  99 % {columns[2]:7.1f} ms")
                ours, theirs = (statistics.median(r[0] for r in rates[name]) for name, _, _ in servers)
                print(f"{clients:3} clients  ratio {ours / theirs:.2f}")
        finally:
            prism.terminate()
            peer.terminate()


if __name__ == "__main__":
    main()
