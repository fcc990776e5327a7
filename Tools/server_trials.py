#!/usr/bin/env python3
"""Trials of a running server: killed at random moments, under load, and against its own description.

  Tools/server_trials.py kills [--count 50]    kill -9 under load; nothing finished may be lost
  Tools/server_trials.py load [--seconds 5]    requests per second, latency and memory; overload is refused clearly
  Tools/server_trials.py api                   schemathesis (pip install schemathesis) finds no undocumented answer

Each starts a server of its own (--server PATH, by default the built one) with an empty data folder.
"""

import argparse
import base64
import collections
import concurrent.futures
import http.client
import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLE = ROOT / "Samples" / "husky.png"


class Server:
    """A process of prism-server."""

    def __init__(self, options: argparse.Namespace, data: str, *more: str):
        command = [options.server, "--port", "0", "--data", data, *more]
        if options.weights:
            command += ["--weights", options.weights]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        line = self.process.stdout.readline()
        if "http://" not in line:
            sys.exit("server_trials: the server did not start")
        self.address = line.split("http://")[1].strip().rstrip("/")

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str | None = None, timeout=60):
        connection = http.client.HTTPConnection(self.address, timeout=timeout)
        try:
            connection.request(method, path, body, {"Content-Type": kind} if kind else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def json(self, method: str, path: str, value=None):
        body = None if value is None else json.dumps(value).encode()
        status, text = self.ask(method, path, body, "application/json")
        return status, json.loads(text) if text else None

    def analyse(self, query: str):
        status, text = self.ask(
            "POST", f"/v1/analyses?{query}", SAMPLE.read_bytes(), "application/octet-stream"
        )
        return status, json.loads(text)

    def memory(self) -> float:
        """The resident memory, in MiB."""
        pages = pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096 / 2**20

    def stop(self):
        self.process.terminate()
        self.process.wait()


def kills(options: argparse.Namespace) -> int:
    chance = random.Random(options.seed)
    data = tempfile.mkdtemp()
    finished: set[str] = set()
    interrupted = resumed = 0
    lost: list[str] = []
    for number in range(options.count):
        server = Server(options, data)
        for identifier in finished:
            status, analysis = server.json("GET", f"/v1/analyses/{identifier}")
            report, _ = server.ask("GET", f"/v1/analyses/{identifier}/report.json")
            if status != 200 or analysis["state"] != "done" or report != 200:
                lost.append(identifier)
        _, page = server.json("GET", "/v1/analyses?limit=500")
        for analysis in page["analyses"]:
            if analysis["state"] in ("queued", "running"):
                lost.append(analysis["id"])
            if analysis["state"] == "interrupted":
                interrupted += 1
                status, _ = server.json("POST", f"/v1/analyses/{analysis['id']}/resume")
                resumed += status == 202
        stop = threading.Event()

        def load(seed: int):
            while not stop.is_set():
                try:
                    status, begun = server.analyse(f"model={options.model}&methods=gradcam,gradcam%2B%2B&seed={seed}")
                    seed += 1000
                    if status != 202:
                        time.sleep(0.05)
                        continue
                    while not stop.is_set():
                        _, analysis = server.json("GET", begun["url"])
                        if analysis["state"] == "done":
                            finished.add(analysis["id"])
                            break
                        time.sleep(0.02)
                except (OSError, http.client.HTTPException, ValueError):
                    return

        threads = [threading.Thread(target=load, args=(number * 10 + k,)) for k in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(chance.uniform(0.05, 2.5))
        server.process.kill()
        server.process.wait()
        stop.set()
        for thread in threads:
            thread.join()
    shutil.rmtree(data)
    print(
        f"{options.count} kills, {len(finished)} analyses finished, {len(lost)} lost; "
        f"{interrupted} times one was interrupted, {resumed} resumed"
    )
    return 1 if lost or not finished else 0


def load(options: argparse.Namespace) -> int:
    data = tempfile.mkdtemp()
    server = Server(options, data)
    body = json.dumps(
        {"instances": [{"b64": base64.b64encode(SAMPLE.read_bytes()).decode()}]}
    ).encode()
    path = f"/v1/models/{options.model}:predict"
    server.ask("POST", path, body)

    def client(end: float, times: list, statuses: collections.Counter):
        connection = http.client.HTTPConnection(server.address, timeout=120)
        while time.monotonic() < end:
            start = time.monotonic()
            try:
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                text = answer.read()
            except (OSError, http.client.HTTPException):
                statuses["broken"] += 1
                connection.close()
                continue
            statuses[answer.status] += 1
            if answer.status == 200:
                times.append(time.monotonic() - start)
            elif answer.status == 429:
                if not answer.getheader("Retry-After") or "error" not in json.loads(text):
                    statuses["unclear"] += 1
                time.sleep(0.02)

    failed = False

    def measure(name: str, clients: int):
        nonlocal failed
        times: list[float] = []
        statuses: collections.Counter = collections.Counter()
        end = time.monotonic() + options.seconds
        with concurrent.futures.ThreadPoolExecutor(clients) as pool:
            for _ in range(clients):
                pool.submit(client, end, times, statuses)
        times.sort()
        rate = len(times) / options.seconds
        median = statistics.median(times) * 1000 if times else float("nan")
        late = times[int(len(times) * 0.99)] * 1000 if times else float("nan")
        others = {key: count for key, count in statuses.items() if key != 200}
        failed |= any(key not in (200, 429) for key in statuses)
        print(
            f"{name:32} {rate:8.1f} requests/s  median {median:8.1f} ms  99 % {late:8.1f} ms  "
            f"memory {server.memory():6.0f} MiB  others {others}"
        )

    for clients in (1, 8, 64):
        measure(f"classify, {clients} clients", clients)
    for seed in range(4):
        server.analyse(f"model={options.model}&methods=lime,rise&seed={seed}")
    measure("with explanations, 8 clients", 8)
    measure("overload, 640 clients", 640)
    server.stop()
    shutil.rmtree(data)
    return 1 if failed else 0


def api(options: argparse.Namespace) -> int:
    data = tempfile.mkdtemp()
    pictures = pathlib.Path(data) / "pictures"
    pictures.mkdir()
    for name in ("cat.png", "husky.png"):
        shutil.copy(SAMPLE.parent / name, pictures)
    server = Server(options, data, "--limit", "time=20", "--dataset", f"pictures={pictures}")
    _, analysis = server.analyse(f"model={options.model}&methods=gradcam")
    question = {"kind": "examples", "model": options.model, "data": {"dataset": "pictures"}, "inputs": {"analysis": analysis["id"]}}
    _, study = server.json("POST", "/v1/studies", question)
    for begun in (analysis, study):
        while server.json("GET", begun["url"])[1]["state"] != "done":
            time.sleep(0.1)
    failures = 0
    checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,unsupported_method"
    for parameters in (
        {},
        {"path.id": analysis["id"], "path.name": options.model, "path.method": "gradcam", "path.file": "0.npy"},
        {"path.id": study["id"], "path.name": "near-0-0.png"},
    ):
        config = pathlib.Path(data) / "schemathesis.toml"
        lines = [f'"{name}" = "{value}"' for name, value in parameters.items()]
        config.write_text("\n".join(["[parameters]", *lines]) + "\n")
        excluded = ["--exclude-operation-id", "remove", "--exclude-operation-id", "removeStudy"] if parameters else []
        failures += subprocess.call(
            [options.schemathesis, "--config-file", config, "run", f"http://{server.address}/openapi.json",
             "--max-examples", str(options.examples), "--request-timeout", "60", "--checks", checks, *excluded]
        ) != 0
    server.stop()
    shutil.rmtree(data)
    return 1 if failures else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trial", choices=["kills", "load", "api"])
    parser.add_argument("--server", default=str(ROOT / ".build" / "debug" / "prism-server"))
    parser.add_argument("--weights")
    parser.add_argument("--model", default="dogs")
    parser.add_argument("--count", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--examples", type=int, default=25)
    parser.add_argument("--schemathesis", default="schemathesis")
    options = parser.parse_args()
    return {"kills": kills, "load": load, "api": api}[options.trial](options)


if __name__ == "__main__":
    sys.exit(main())
