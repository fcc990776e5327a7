#!/usr/bin/env python3
"""Writes a small network that has learnt nothing, as a base for `prism train`.

Usage: Tools/scenes/tiny_network.py FILE [--side 64] [--channels 16,32,32,32] [--seed 0]

Grey pictures; 3×3 convolutions with biases and ReLU, the picture halved by max pooling after each but the last. The weights are
drawn as He et al. (2015) do it. A graph card states the network node by node (Tools/prism_convert/GRAPH.md), so that nothing but
this file is needed to train it from the beginning:

    prism train --base tiny.safetensors --data linear/index.csv --task multiclass --head flatten,dense:32:relu,dense \\
      --warmup-epochs 1 --fine-tune-from 100% --rate-divisor 1 --epochs 30 --output linear.safetensors
"""

import argparse
import pathlib
import sys

import numpy

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from common import draw
from prism_convert import flatfile


def network(side: int, channels: list, seed: int):
    """The nodes, the tensors, and the name of the last map."""
    nodes, tensors = [], {}

    def append(name, primitive, inputs, **attributes):
        nodes.append({"name": name, "primitive": primitive, "inputs": inputs} | ({"attributes": attributes} if attributes else {}))
        return name

    value, before = "input", 1
    for number, count in enumerate(channels, 1):
        name = f"conv{number}"
        weights = draw(seed, "tiny", name).standard_normal((count, before, 3, 3)) * (2 / (9 * before)) ** 0.5
        tensors |= {f"{name}.weight": weights.astype(numpy.float32), f"{name}.bias": numpy.zeros(count, numpy.float32)}
        value = append(name, "convolution", [value, f"{name}.weight", f"{name}.bias"], kernel=[3, 3], padding=[1, 1, 1, 1])
        value = append(f"relu{number}", "relu", [value])
        if number < len(channels):
            value = append(f"pool{number}", "max_pool", [value], kernel=[2, 2], stride=[2, 2])
        before = count
    return nodes, tensors, value


def card(nodes, tensors, last, side, channels):
    tensors |= {"fc.weight": numpy.zeros((2, channels[-1]), numpy.float32), "fc.bias": numpy.zeros(2, numpy.float32)}
    return {
        "format": 1, "name": "tiny", "description": "A small network that has learnt nothing", "source": "Tools/scenes/tiny_network.py",
        "license": "MIT", "architecture": "graph", "config": {"padding": "symmetric"},
        "graph": {"nodes": nodes, "output": last},
        "head": [{"kind": "global_average_pool"}, {"kind": "dense", "name": "fc", "units": 2, "activation": "linear"}],
        "output": "softmax", "labels": ["a", "b"],
        "input": {"kind": "image", "height": side, "width": side, "resize": "bilinear", "channels": "grey", "channel_count": 1,
                  "scale": 1 / 127.5, "mean": [1.0], "std": [1.0]},
        "layers": {"default": last, "aliases": {}},
    }  # fmt: skip


def main(words=None) -> int:
    parser = argparse.ArgumentParser(prog="tiny_network.py", description="Writes a small network that has learnt nothing.")
    parser.add_argument("file", type=pathlib.Path)
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--channels", default="16,32,32,32")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(words)
    try:
        channels = [int(count) for count in options.channels.split(",")]
    except ValueError:
        channels = [0]
    if min(channels) < 1 or options.side < 2 ** len(channels) or options.side > 1024:
        parser.error("--channels takes numbers above 0, as many as --side can be halved")
    nodes, tensors, last = network(options.side, channels, options.seed)
    whole = card(nodes, tensors, last, options.side, channels)
    flatfile.write(options.file, tensors, whole)
    return 0


if __name__ == "__main__":
    sys.exit(main())
