#!/usr/bin/env python3
"""Requests per second of a bare classification over HTTP: prism-server beside FastAPI with ONNX Runtime.

  python Benchmarks/serving.py --server PATH/prism-server [--seconds 5] [--rounds 3]

Both classify the same PNG of 224×224 with the same MobileNetV2 (Benchmarks/peers), decoded by each request; the servers
take turns in one run. Needs what Benchmarks/requirements.txt names, fastapi, uvicorn and pillow.
"""

import argparse
import base64
import http.client
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import threading
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


def rate(address, path, body, clients, seconds):
    """Requests per second, the median and the 99th percentile in milliseconds."""
    times, failures = [], []
    end = time.monotonic() + seconds

    def client():
        connection = http.client.HTTPConnection(address, timeout=60)
        while time.monotonic() < end:
            start = time.monotonic()
            connection.request("POST", path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
            if answer.status != 200:
                failures.append(text)
                return
            times.append(time.monotonic() - start)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        sys.exit(f"serving: {address} refuses: {failures[0][:300]}")
    times.sort()
    return len(times) / seconds, statistics.median(times) * 1000, times[int(len(times) * 0.99)] * 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", required=True)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    from peers import models

    models.prepare(["mobilenet_v2"])
    body = json.dumps(
        {"instances": [{"b64": base64.b64encode(models.picture(0).read_bytes()).decode()}]}
    ).encode()
    with tempfile.TemporaryDirectory() as folder:
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
                rate(address, path, body, 1, 1)
            for clients in (1, 8, 64):
                rates = {name: [] for name, _, _ in servers}
                for _ in range(options.rounds):
                    for name, address, path in servers:
                        rates[name].append(rate(address, path, body, clients, options.seconds))
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
