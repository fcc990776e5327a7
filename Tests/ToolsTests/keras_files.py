"""Writes small Keras files without Keras: the configuration and the weights as Keras 2 and Keras 3 lay them out."""

import io
import json
import pathlib
import re
import sys
import zipfile

import h5py
import numpy

TOOLS = pathlib.Path(__file__).resolve().parents[2] / "Tools"
sys.path.insert(0, str(TOOLS))

from prism_convert.architectures import architecture


class Tensor:
    """The output of a layer of a network under construction."""

    def __init__(self, layer):
        self.layer = layer


class Net:
    """A functional or sequential model: layers in order, each with its inputs, its configuration and its weights."""

    def __init__(self, name="model", keras=3, sequential=False):
        self.name, self.keras, self.sequential = name, keras, sequential
        self.layers = []  # (class name, name, config, inputs, weights, nested net, call)

    def add(self, kind, name, *inputs, config=None, weights=None, net=None, call=None):
        """Appends a layer; a layer without inputs that is not the first one takes the output of the one before."""
        if not inputs and self.layers and kind != "InputLayer":
            inputs = (Tensor(self.layers[-1][1]),)
        config = dict(config or {}, name=name)
        self.layers.append((kind, name, config, inputs, weights or {}, net, call or {}))
        return Tensor(name)

    def input(self, shape, name="input_1"):
        key = "batch_shape" if self.keras == 3 else "batch_input_shape"
        return self.add("InputLayer", name, config={key: [None, *shape]})

    def nest(self, net, *inputs, call=None):
        return self.add("Sequential" if net.sequential else "Functional", net.name, *inputs, net=net, call=call)

    # Configuration.

    def config(self):
        entries = []
        for kind, name, config, inputs, _, net, call in self.layers:
            entry = {"class_name": kind, "name": name, "config": net.config()["config"] if net else config}
            if not self.sequential:
                entry["inbound_nodes"] = self.inbound(inputs, call)
            entries.append(entry)
        config = {"name": self.name, "layers": entries}
        if not self.sequential:
            config["input_layers"] = [[n, 0, 0] for k, n, *_ in self.layers if k == "InputLayer"]
            config["output_layers"] = [[self.layers[-1][1], 0, 0]]
        return {"class_name": "Sequential" if self.sequential else "Functional", "config": config}

    def inbound(self, inputs, call):
        if not inputs:
            return []
        if self.keras == 2:
            if "function" in call:  # An operation: one reference with its keywords, not in a list.
                return [[inputs[0].layer, 0, 0, {k: v for k, v in call.items() if k != "function"}]]
            return [[[tensor.layer, 0, 0, call] for tensor in inputs]]
        tensors = [
            {"class_name": "__keras_tensor__", "config": {"shape": [], "keras_history": [tensor.layer, 0, 0]}}
            for tensor in inputs
        ]
        arguments = [tensors] if len(tensors) > 1 else tensors
        call = dict(call)
        return [{"args": arguments + call.pop("args", []), "kwargs": call}]

    # Weights.

    def flat_weights(self):
        """Layer name → weights of every layer at any depth."""
        for _, name, _, _, weights, net, _ in self.layers:
            if net:
                yield from net.flat_weights()
            else:
                yield name, weights

    def save_h5(self, path, config=True):
        with h5py.File(path, "w") as file:
            if config:
                file.attrs["model_config"] = json.dumps(self.config())
            group = file.create_group("model_weights")
            group.attrs["layer_names"] = [layer[1] for layer in self.layers]
            for _, name, _, _, weights, net, _ in self.layers:
                names = []
                part = group.create_group(name)
                for layer, arrays in net.flat_weights() if net else [(name, weights)]:
                    for key, value in arrays.items():
                        if self.keras == 2:
                            depthwise = value.ndim == 4 and key == "kernel" and value.shape[3] == 1
                            key = ("depthwise_kernel" if depthwise else key) + ":0"
                        part.create_dataset(f"{layer}/{key}", data=value)
                        names.append(f"{layer}/{key}")
                part.attrs["weight_names"] = names
        return path

    def save_keras(self, path):
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:
            self.store(file, "")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": "3.0.0"}))
            archive.writestr("config.json", json.dumps(self.config()))
            archive.writestr("model.weights.h5", buffer.getvalue())
        return path

    def store(self, file, prefix):
        used = {}
        for kind, _, _, _, weights, net, _ in self.layers:
            key = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", kind)
            key = re.sub("([a-z])([A-Z])", r"\1_\2", key).lower()
            count = used.get(key, 0)
            used[key] = count + 1
            place = f"{prefix}layers/{key}_{count}" if count else f"{prefix}layers/{key}"
            if net:
                net.store(file, place + "/")
            for index, value in enumerate(weights.values()):
                file.create_dataset(f"{place}/vars/{index}", data=value)


def numbers(*shape, seed=0, low=-1.0, high=1.0):
    """Random float32 numbers."""
    return numpy.random.default_rng([seed, *shape]).uniform(low, high, shape).astype("float32")


def norm_weights(channels, seed=0):
    return {
        "gamma": numbers(channels, seed=seed + 1, low=0.5, high=1.5),
        "beta": numbers(channels, seed=seed + 2),
        "moving_mean": numbers(channels, seed=seed + 3),
        "moving_variance": numbers(channels, seed=seed + 4, low=0.5, high=1.5),
    }


def dense(net, name, inputs, units, activation="linear", *tensors, bias=True, seed=9):
    weights = {"kernel": numbers(inputs, units, seed=seed)}
    if bias:
        weights["bias"] = numbers(units, seed=seed + 1)
    config = {"units": units, "activation": activation, "use_bias": bias}
    return net.add("Dense", name, *tensors, config=config, weights=weights)


def add_base(net, x, name="mobilenet_v2", width=0.35, epsilon=1e-3, order="channels_last", pad_layers=True):
    """Appends a base to a network, layer by layer; returns the last tensor.

    Keras's conventions: strided convolutions are padded as TensorFlow does for even sizes, either by a ZeroPadding2D
    before them or by themselves.
    """
    axis = 1 if order == "channels_first" else -1
    arch = architecture(name, width)
    tensors = {-1: x}
    for index, step in enumerate(arch.steps):
        sources = [tensors[i] for i in step.inputs]
        label = f"{step.kind}_{index}"
        if step.kind == "conv":
            channels = arch.input_channels(step)
            padding = "same"
            if step.stride > 1 and pad_layers and index:
                config = {"padding": [[0, 1], [0, 1]], "data_format": order}
                sources = [net.add("ZeroPadding2D", f"pad_{index}", *sources, config=config)]
                padding = "valid"
            depthwise = step.groups > 1
            shape = (step.kernel, step.kernel, channels, 1 if depthwise else step.channels)
            weights = {"kernel": numbers(*shape, seed=index)}
            if step.bias:
                weights["bias"] = numbers(step.channels, seed=index)
            config = {
                "kernel_size": [step.kernel] * 2, "strides": [step.stride] * 2, "padding": padding,
                "data_format": order, "dilation_rate": [1, 1], "use_bias": step.bias, "activation": "linear",
            }  # fmt: skip
            if not depthwise:
                config["filters"] = step.channels
            kind = "DepthwiseConv2D" if depthwise else "Conv2D"
            tensors[index] = net.add(kind, label, *sources, config=config, weights=weights)
        elif step.kind == "batch_norm":
            config = {"axis": axis, "epsilon": epsilon}
            tensors[index] = net.add(
                "BatchNormalization", label, *sources, config=config, weights=norm_weights(step.channels, index)
            )
        elif step.kind == "activation":
            config = {"max_value": 6.0 if step.function == "relu6" else None}
            tensors[index] = net.add("ReLU", label, *sources, config=config)
        elif step.kind == "add":
            tensors[index] = net.add("Add", label, *sources)
        elif step.kind == "max_pool":
            config = {"pool_size": [step.kernel] * 2, "strides": [step.stride] * 2, "padding": "valid"}
            tensors[index] = net.add("MaxPooling2D", label, *sources, config=config | {"data_format": order})
        else:
            raise NotImplementedError(step.kind)
    return tensors[len(arch.steps) - 1]


def base(keras=3, size=64, **options):
    """A nested MobileNetV2 of width 0.35."""
    net = Net("mobilenetv2_0.35", keras)
    add_base(net, net.input((size, size, 3), "inner_input"), **options)
    return net


def classifier(keras=3, units=3, activation="softmax", size=64, before=(), head=None):
    """The usual fine-tuned model: preprocessing, a nested base, pooling, dropout and one dense layer.

    `before` are (class, name, config) or (class, name, config, call); `head` is a function that appends to the net.
    """
    net = Net("model", keras)
    net.input((size, size, 3))
    for kind, name, config, *call in before:
        net.add(kind, name, config=config, call=call[0] if call else None)
    net.nest(base(keras, size))
    if head:
        head(net)
    else:
        net.add("GlobalAveragePooling2D", "pool", config={"data_format": "channels_last"})
        net.add("Dropout", "dropout", config={"rate": 0.25})
        dense(net, "predictions", 1280, units, activation)
    return net
