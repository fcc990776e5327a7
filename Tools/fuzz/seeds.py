#!/usr/bin/env python3
"""Writes the fuzzer's seeds: small valid files of every kind, from the tests' fixtures or made here.

    Tools/fuzz/seeds.py FOLDER        (a folder for every target is made in it)
"""

import base64
import hashlib
import io
import json
import pathlib
import struct
import sys
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MEDIA = ROOT / "Tests/PrismMediaTests/Fixtures"
LIMIT = 65536  # Larger files make the fuzzer slow and find no more.

CARD = {
    "format": 1, "name": "seed", "description": "", "source": "", "license": "", "architecture": "mobilenet_v2",
    "config": {"width": 1.0, "epsilon": 0.001, "padding": "same"},
    "head": [{"kind": "global_average_pool"}, {"kind": "dense", "name": "classifier.1", "units": 2, "activation": "linear"}],
    "output": "softmax", "labels": ["a", "b"],
    "input": {
        "kind": "image", "height": 32, "width": 32, "resize": "bilinear", "channels": "rgb", "scale": 0.1,
        "mean": [1, 1, 1], "std": [1, 1, 1],
    },
    "layers": {"default": "features.18", "aliases": {"top": "features.18"}},
}  # fmt: skip


def node(name, primitive, *inputs, **attributes):
    return {"name": name, "primitive": primitive, "inputs": list(inputs), "attributes": attributes}


GRAPH = dict(
    CARD, architecture="graph",
    graph={
        "nodes": [
            node("a", "convolution", "input", "w", kernel=[3, 3], padding=[1, 1, 1, 1]),
            node("b", "batch_normalization", "a", "c", "c", "c", "c", epsilon=0.001),
            node("d", "depthwise_convolution", "b", "v", kernel=[3, 3], stride=[2, 2]),
            node("e", "slice", "d", axis=-1, start=0, end=2),
            node("f", "concatenate", "e", "e", axis=-1),
            node("g", "reshape", "f", shape=[0, 15, 15, 2, 2]),
            node("h", "transpose", "g", axes=[0, 1, 2, 4, 3]),
            node("i", "reshape", "h", shape=[0, 15, 15, 4]),
            node("j", "multiply", "i", "s"),
            node("k", "average_pool", "j", kernel=[2, 2], stride=[2, 2], padding=[0, 0, 1, 1], counts_padding=True),
            node("l", "resize", "k", height=5, width=5, method="bilinear"),
            node("m", "mean", "l", axes=[1, 2], keeps_dimensions=True),
            node("n", "maximum", "l", "m"),
        ],
        "output": "n",
    },
    head=[{"kind": "global_average_pool"}, {"kind": "dense", "name": "fc", "units": 2}],
    layers={"default": "n", "aliases": {}},
)  # fmt: skip


def safetensors(card):
    header = {
        "__metadata__": {"prism": json.dumps(card)},
        "a": {"dtype": "F32", "shape": [2, 2], "data_offsets": [0, 16]},
        "b": {"dtype": "F16", "shape": [3], "data_offsets": [16, 22]},
    }
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + struct.pack("<4f", 1, 2, 3, 4) + struct.pack("<3e", 1, 2, 3)


def checkpoint():
    state = json.dumps(
        {
            "run": {"seed": 0}, "phase": "warmup", "epochsOfPhase": 1, "steps": 4, "optimizerSteps": 4,
            "epochs": [["warmup", 1, 0.5, 0.25, 0.75, None, 0.5]],
        }
    )  # fmt: skip
    floats = {"a": ([2, 2], [1.0, 2.0, 3.0, 4.0]), "b": ([3], [0.5, 0.25, 0.125])}
    digest = hashlib.sha256(state.encode() + b"\n")
    header, data = {}, b""
    for group in ("current/", "best/", "first/", "second/"):
        for name, (shape, values) in floats.items():
            part = struct.pack(f"<{len(values)}f", *values)
            digest.update(f"{group}{name} {'×'.join(map(str, shape))}\n".encode() + part)
            header[group + name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + len(part)]}
            data += part
    header["__metadata__"] = {"prism.checkpoint": state, "prism.checkpoint.sha256": digest.hexdigest()}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


REQUESTS = (
    {"model": "dogs", "methods": [{"name": "gradcam"}]},
    {
        "model": "m", "purpose": "comparison", "seed": 7, "batch": 4, "targets": "top3", "windows": "1.5,2s",
        "methods": [
            {"name": "lime", "samples": 100, "segments": "grid:2x3", "mask": "blur:3", "confidence": 0.95},
            {"name": "gradcam", "layer": "features.18"},
        ],
        "limits": {"pixels": 1000, "time": 5, "evaluations": 10}, "formats": ["png", "html"], "truth": "mask.png",
        "tests": {"sanity": True, "sensitivity": False, "stability": True},
    },
)  # fmt: skip


FORM = (
    b'--x\r\nContent-Disposition: form-data; name="request"\r\n\r\n'
    b'{"model": "dogs", "methods": ["gradcam"]}\r\n--x\r\n'
    b'Content-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nno picture\r\n--x--\r\n'
)
TENSOR = {
    "id": "1", "inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 2, 2, 3], "data": [[1, 2.5e-3]] + list(range(10))}],
    "outputs": [{"name": "logits", "parameters": {"binary_data": True}}],
}  # fmt: skip
BINARY = {
    "inputs": [{"name": "input", "datatype": "FP32", "shape": [1, 2, 2, 3], "parameters": {"binary_data_size": 48}}],
}  # fmt: skip


def kept_analysis(compression):
    """An archive as `report.zip` is one."""
    source = b"no picture"
    digest = lambda data: hashlib.sha256(data).hexdigest()
    document = json.dumps(
        {"input": {"sha256": digest(source)}, "predictions": [{"index": 0, "label": "a", "probability": 0.5}]}
    ).encode()
    manifest = {
        "format": 1, "source": "source-a.png",
        "analysis": {
            "name": "a", "notes": "", "tags": ["t"], "input": {"name": "a.png"}, "created": "2026-01-01T10:00:00Z",
            "request": {"model": "dogs", "methods": [{"name": "gradcam"}]},
        },
        "files": [{"name": "source-a.png", "sha256": digest(source)}, {"name": "input.json", "sha256": digest(document)}],
    }  # fmt: skip
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        for name, data in (("analysis.json", json.dumps(manifest)), ("source-a.png", source), ("input.json", document)):
            archive.writestr(zipfile.ZipInfo(name), data, compression)
    return target.getvalue()


# Of a picture of 6×5 pixels.
BOX = {"rows": [1, 4], "columns": [0, 2]}
PERTURBATIONS = [
    {"coalitions": {"samples": {"segments": 2, "samples": ["01", "11"]},
                    "segmentation": {"height": 6, "width": 5, "labels": [0, 1] * 15}}},
    {"windows": {"hidden": [BOX]}},
    {"boxes": {"kept": [[BOX, BOX], []]}},
    {"removal": {"steps": {"order": list(range(30)), "step": 7, "isInsertion": True}}},
    {"softMasks": {"masks": {"count": 9, "cells": 3, "probability": 0.5, "seed": 1}}},
    {"gridMasks": {"masks": {"rows": 2, "columns": 2, "values": [[0, 0.5, 1, 1]]}}},
    {"channels": {"value": {"shape": [1, 1, 1, 1], "float32": "AACAPw=="}}},
]  # fmt: skip


def frame(header, payload=b""):
    text = json.dumps(dict(header, bytes=len(payload)) if payload else header).encode()
    return struct.pack("<I", len(text)) + text + payload


def main(folder):
    count = 0

    def write(target, name, data):
        nonlocal count
        if len(data) <= LIMIT:
            path = folder / target / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            count += 1

    for table in ("png", "formats", "dicom"):
        for index, item in enumerate(json.loads((MEDIA / f"{table}.json").read_text())):
            write("picture", f"{table}-{index}", base64.b64decode(item["file"]))
    for path in sorted(MEDIA.iterdir()):
        if path.suffix in (".jpg", ".png"):
            write("picture", path.name, path.read_bytes())
        elif path.suffix in (".wav", ".flac", ".ogg", ".mp3"):
            write("sound", path.name, path.read_bytes())
        elif path.suffix == ".npy" and path.name.startswith(("array", "map")):
            write("npy", path.name, path.read_bytes())
    audio = dict(CARD, input=dict(
        kind="audio", sample_rate=8000, seconds=2.0, fft=512, hop=128, mels=64, fmin=0.0, fmax=4000.0, mel_scale="slaney",
        db_range=80.0, colors="grey", orientation="low_at_bottom", height=32, width=32, resize="bilinear", channels="rgb",
        scale=0.1, mean=[1, 1, 1], std=[1, 1, 1],
    ))  # fmt: skip
    for index, card in enumerate((CARD, audio, dict(CARD, output="sigmoid", threshold=0.4))):
        write("card", f"{index}", json.dumps(card).encode())
        write("json", f"card-{index}", json.dumps(card, indent=1).encode())
        write("weights", f"{index}", safetensors(card))
    write("card", "graph", json.dumps(GRAPH).encode())
    write("graph", "0", json.dumps(GRAPH).encode())
    for index, text in enumerate(('[1, -2.5e-3, true, null, "\\u00e9\\ud83d\\ude00"]', "{}", '{"a": {"b": [[[]]]}}', "1e400")):
        write("json", f"{index}", text.encode())
    for index, text in enumerate(('path,label\na.png,cat\n"b,1.png","a ""dog"""\n', "\ufeffa;b\r\n1;2\r\n", 'x\n"1\n2"\n')):
        write("csv", f"{index}", text.encode())
    write("checkpoint", "0", checkpoint())
    for index, request in enumerate(REQUESTS):
        write("request", f"{index}", json.dumps(request).encode())
        asked = {name: value for name, value in request.items() if name not in ("limits", "formats", "truth")}
        write("asking", f"{index}", json.dumps(asked).encode())
        write("asking", f"body-{index}", json.dumps({"tags": ["t"], "request": asked}).encode())
        explain = frame({"kind": "explain", "id": "1", "name": "a.png", "request": asked, "maps": "float16"}, b"no picture")
        write("frames", f"{index}", explain + frame({"kind": "prepare", "id": "2", "request": asked}))
    for index, perturbations in enumerate(PERTURBATIONS):
        asked = {"kind": "evaluate", "id": "1", "perturbations": perturbations, "mask": "mean" if index else "blur:3"}
        write("frames", f"evaluate-{index}", frame(asked, b"no picture"))
    write("frames", "others", b"".join(frame({"kind": kind, "id": "x"}) for kind in ("ping", "stats", "cancel", "end")))
    for index, asked in enumerate((
        {"kind": "examples", "model": "m", "data": {"dataset": "d", "split": "all"}, "inputs": {"analysis": "a"}, "count": 5},
        {"kind": "concept", "model": "m", "positive": {"dataset": "d", "label": "l"}, "random": {"dataset": "d"},
         "inputs": {"dataset": "d", "limit": 9}, "layers": "a,b", "vector": "pooled", "runs": 4, "penalty": 0.1, "seed": 3},
        {"kind": "discovery", "model": "m", "inputs": {"dataset": "d"}, "concepts": 8, "targets": "top2"},
    )):
        write("asking", f"study-{index}", json.dumps(asked).encode())
    write("form", "0", FORM)
    write("tensor", "0", json.dumps(TENSOR).encode())
    write("tensor", "1", json.dumps(BINARY).encode() + struct.pack("<12f", *range(12)))
    write("pixels", "0", json.dumps([[[1, 2, 3], [4, 5, 255]], [[0, 0, 0], [9, 9, 9]]]).encode())
    for index, compression in enumerate((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)):
        write("archive", f"{index}", kept_analysis(compression))
    print(f"{count} seeds in {folder}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: seeds.py FOLDER")
    main(pathlib.Path(sys.argv[1]))
