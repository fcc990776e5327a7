#!/usr/bin/env python3
"""A stand-in for `prism worker` in the tests: it speaks the protocol, and its maps are digests; and for `prism survey`.

What an input begins with says what happens: POISON ends the process, BAD fails, PART fails with LIME alone, RETRY fails as
something that may pass, HANG says nothing any more, LIE answers for other bytes, BROKEN writes no frame. Answers come in another
order than requests, as those of several threads do. The target zebra is known to be none only when it is asked for. The
environment chooses: STAND_IN_DELAY seconds an input, STAND_IN_SIDE of maps (a multiple of 8), STAND_IN_VERSION,
STAND_IN_INSTRUCTIONS, STAND_IN_KIND, STAND_IN_PROTOCOL (from 2 on what is long stands aside), and STAND_IN_STUMBLE, a file:
who finds none makes it and is killed before
the first word.
"""

import csv
import hashlib
import json
import os
import pathlib
import select
import signal
import struct
import sys
import time

VERSION = os.environ.get("STAND_IN_VERSION", "0.0.1")
MACHINE, TOOL = os.environ.get("STAND_IN_INSTRUCTIONS", "paper pencil").split()
INSTRUCTIONS = f"{MACHINE} {os.environ.get('PRISM_ISA', TOOL)}"
DELAY = float(os.environ.get("STAND_IN_DELAY", "0"))
PROTOCOL = int(os.environ.get("STAND_IN_PROTOCOL", "1"))
SIDE = int(os.environ.get("STAND_IN_SIDE", "8"))


def sha(*parts) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part if isinstance(part, bytes) else str(part).encode())
    return digest.hexdigest()


def write(header: dict, payload: bytes = b"") -> None:
    if PROTOCOL > 1:
        # As a worker sends headers that would be too long.
        aside = {}
        for name in ("model", "document", "maps"):
            if name in header:
                header, text = {**header}, json.dumps(header[name]).encode()
                del header[name]
                aside[name] = {"offset": len(payload), "bytes": len(text)}
                payload += text
        header = {**header, "aside": aside}
    text = json.dumps({**header, "bytes": len(payload)}).encode()
    sys.stdout.buffer.write(struct.pack("<I", len(text)) + text + payload)
    sys.stdout.buffer.flush()


def read() -> tuple[dict, bytes] | None:
    start = sys.stdin.buffer.read(4)
    if len(start) < 4:
        return None
    header = json.loads(sys.stdin.buffer.read(*struct.unpack("<I", start)))
    return header, sys.stdin.buffer.read(header.get("bytes", 0))


def weights(arguments: list[str]) -> tuple[str, bytes]:
    """The model's name, and the contents of its file where there is one."""
    model = arguments[arguments.index("--model") + 1]
    folder = arguments[arguments.index("--weights") + 1] if "--weights" in arguments else "."
    for path in (pathlib.Path(model), pathlib.Path(folder) / f"{model}.safetensors"):
        if path.is_file():
            return path.stem, path.read_bytes()
    return model, model.encode()


def canonical(request: dict) -> str:
    return json.dumps({k: v for k, v in request.items() if k != "batch"}, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def prepared(header: dict) -> dict:
    """The one form of a request: defaults filled in."""
    request = {"seed": 0, **header["request"]}
    if any(method["name"] == "nonsense" for method in request["methods"]):
        return {"kind": "failed", "id": header["id"], "error": "nonsense is no method; did you mean sense?", "retryable": False}
    return {"kind": "prepared", "id": header["id"], "request": json.loads(canonical(request))}


def answer(header: dict, data: bytes, model: bytes):
    identifier = header["id"]
    if data.startswith(b"POISON"):
        os.kill(os.getpid(), signal.SIGKILL)
    if data.startswith(b"HANG"):
        time.sleep(3600)
    if data.startswith(b"BROKEN"):
        sys.stdout.buffer.write(b"\xff\xff\xff\xffno frame")
        sys.stdout.buffer.flush()
        sys.exit(1)
    if data.startswith(b"BAD"):
        return {"kind": "failed", "id": identifier, "error": f"{header['name']} is no picture", "retryable": False}, b""
    if data.startswith(b"RETRY"):
        return {"kind": "failed", "id": identifier, "error": "busy", "retryable": True}, b""
    time.sleep(DELAY)
    request = header["request"]
    if request.get("targets") == "zebra":
        return {"kind": "failed", "id": identifier, "error": "the model has no label zebra", "retryable": False}, b""
    digest = sha(data)
    explanations, maps, payload = [], [], b""
    failures = []
    for method in request["methods"]:
        if data.startswith(b"PART") and method["name"] == "lime":
            failures.append({"method": "lime", "reason": "too few samples"})
            continue
        seed = sha(digest, model, json.dumps(method, sort_keys=True), request.get("seed", 0))
        values = struct.pack("<32f", *((byte - 128) / 128 for byte in bytes.fromhex(seed))) * (SIDE * SIDE // 32)
        explanations.append(
            {"method": method["name"], "target": {"index": 0, "label": "first"}, "window": None, "evaluations": 3,
             "diagnostics": [], "files": {}}
        )  # fmt: skip
        if header["maps"] != "none":
            maps.append(
                {"method": method["name"], "label": "first", "shape": [SIDE, SIDE], "type": "float32", "offset": len(payload),
                 "bytes": len(values)}
            )  # fmt: skip
            payload += values
    pictures = []
    if header["pictures"]:
        pictures.append({"name": f"{header['name']}.png", "type": "image/png", "offset": len(payload), "bytes": 5})
        payload += digest[:5].encode()
    form = f"{header['maps']} {str(header['pictures']).lower()}"
    lines = ["prism result 2", VERSION, sha(model), digest, canonical(request), form, INSTRUCTIONS]
    key = sha("\n".join(lines))
    document = {
        "input": {"path": header["name"], "sha256": "0" * 64 if data.startswith(b"LIE") else digest},
        "predictions": [{"index": 0, "label": "first", "logit": 1.0, "probability": int(digest[:4], 16) / 65535}],
        "explanations": explanations,
        "failures": failures,
    }
    told = document["input"]["sha256"]
    return {
        "kind": "result", "id": identifier, "digest": told, "key": key, "document": document, "maps": maps, "pictures": pictures, "seconds": DELAY + 1e-3 * (time.monotonic() % 1), "evaluations": 3 * len(explanations),
    }, payload  # fmt: skip


def survey(arguments: list[str]) -> int:
    """A survey that finds the first label suspicious, and counts inputs."""
    given = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    with open(given["--data"], encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if "labels" not in rows[0]:
        print("prism: the data have other labels", file=sys.stderr)
        return 1
    for row in rows:
        pathlib.Path(row["path"]).read_bytes()
    labels = [
        {"label": label, "inputs": sum(row["labels"] == label for row in rows), "groups": [{"score": 0.5}]}
        for label in sorted({row["labels"] for row in rows})
    ]
    told = {"inputs": len(rows), "method": given["--method"], "alarm": 0.15, "advice": "Look at first.", "labels": labels}
    (pathlib.Path(given["--output"]) / "survey.json").write_text(json.dumps(told))
    return 0


def main() -> int:
    arguments = sys.argv[1:]
    if arguments[0] == "survey":
        return survey(arguments)
    name, model = weights(arguments)
    if name == "missing":
        print("prism: the model missing is not found", file=sys.stderr)
        return 1
    stumble = os.environ.get("STAND_IN_STUMBLE")
    if stumble and not os.path.exists(stumble):
        pathlib.Path(stumble).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    source = sys.stdin.buffer
    kind = os.environ.get("STAND_IN_KIND", "image")
    write(
        {"kind": "hello", "protocol": PROTOCOL, "prism": VERSION,
         "instructions": INSTRUCTIONS, "model": {"name": name, "digest": sha(model), "kind": kind, "labels": ["first"]}, "threads": 1,
         "ahead": 64},
    )  # fmt: skip
    while frame := read():
        batch = [frame]
        # What has already come is answered together, the last one first.
        while len(batch) < 4 and (source.peek(1) if select.select([source], [], [], 0)[0] else b""):
            more = read()
            if more is None:
                break
            batch.append(more)
        is_end = False
        for header, data in reversed(batch):
            if header["kind"] == "prepare":
                write(prepared(header))
            elif header["kind"] == "end":
                is_end = True
            elif header["kind"] == "explain":
                write(*answer(header, data, model))
        if is_end:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
