"""Runs the source framework and Prism on the same random image and compares what they say."""

import contextlib
import importlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import numpy

from .errors import ConversionError
from .preprocessing import Preprocessing

TOLERANCE = 1e-4  # of the largest logit


def verify(source, output, model, options, card):
    """One line that says how far apart the two are; an error where they are further apart than they may be."""
    prism = find_prism(options.prism)
    height, width = model.size
    rows, columns = (model.side, model.side) if model.side else (height, width)
    pixels = numpy.random.default_rng(0).integers(0, 256, (rows, columns, 3), dtype="uint8")
    if model.image_channels == 1:
        pixels[...] = pixels[..., :1]
    top, left = round((rows - height) / 2), round((columns - width) / 2)
    cut = pixels[top : top + height, left : left + width]
    if model.image_channels == 1:
        cut = cut[..., :1]
    elif model.image_channels == 4:
        cut = numpy.concatenate([cut, numpy.full_like(cut[..., :1], 255)], axis=-1)
    logits = own_logits if options.run_source else SOURCES[model.framework]
    expected = logits(source, model, cut)
    with tempfile.TemporaryDirectory() as folder:
        picture = pathlib.Path(folder) / "random.png"
        write_picture(picture, pixels)
        found = prism_logits(prism, picture, output, card)
    if found.shape != expected.shape:
        raise ConversionError(f"verify: {model.framework} gives {expected.size} logits, prism {found.size}")
    if model.squashed == "softmax":  # It takes a constant away, which its inverse cannot bring back.
        expected, found = expected - expected.mean(), found - found.mean()
    largest = float(numpy.abs(expected).max())
    difference = float(numpy.abs(found - expected).max())
    line = f"{model.framework} and prism differ by {difference:.2e} at most, the largest logit is {largest:.4g}{compared_with(model, options)}"
    if not difference <= TOLERANCE * max(largest, 1e-30):
        raise ConversionError(f"verify: {line}")
    return line


def compared_with(model, options):
    """What stood for the source, where that was not the source itself."""
    if model.framework != "torch":
        return ""
    if options.run_source:
        return " (the pickled model itself)"
    hint = "; --run-source runs the pickled model itself" if model.whole is not None else ""
    return f" (compared with torchvision's network, not with yours{hint})"


def write_picture(path, pixels):
    image = needed("PIL.Image", "pillow")
    image.fromarray(pixels).save(path)


def needed(module, package):
    """A module that only --verify needs."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ConversionError(f"--verify needs {package}, which is not installed") from error


# Prism.


def find_prism(given):
    """The prism program: the given one, or the one that the package's release build makes."""
    path = given or pathlib.Path(__file__).resolve().parents[2] / ".build" / "release" / "prism"
    if not path.is_file() or not os.access(path, os.X_OK):
        hint = "" if given else ": build it with `swift build -c release`, or say where it is with --prism"
        raise ConversionError(f"verify: there is no program {path}{hint}")
    return path


def prism_logits(prism, picture, output, card):
    """The logits that `prism classify` prints."""
    command = [str(prism.resolve()), "classify", str(picture), "--model", str(output.resolve()), "--json"]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode != 0:
        message = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise ConversionError(f"verify: prism ended with status {result.returncode}: {message}")
    try:
        document = json.loads(result.stdout)
        document = document["inputs"][0] if "inputs" in document else document
        logits = {entry["index"]: entry["logit"] for entry in document["predictions"]}
        if card["output"] == "binary":
            return numpy.array([logits[1]])  # The one logit is that of the second label.
        return numpy.array([logits[index] for index in range(len(card["labels"]))])
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise ConversionError("verify: prism printed no predictions with logits") from error


# The source frameworks.


def preprocessed(operations, pixels):
    """What operations outside of the model make of RGB pixels, as one image [1, H, W, 3]."""
    outside = Preprocessing(pixels.shape[-1])
    outside.apply(operations)
    values = pixels[..., outside.order].astype("float64")
    return ((values * outside.scale - outside.mean) / outside.std).astype("float32")[None]


def keras_logits(source, model, pixels):
    """The logits of the model as Keras loads it, without its last activation."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    keras = needed("keras", "keras")
    try:
        original = keras.models.load_model(source, compile=False)
    except Exception as error:  # Whatever Keras raises, the file is its own.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConversionError(f"verify: keras cannot load {source}: {first}") from error
    x = preprocessed(model.outside, pixels)
    if getattr(original.layers[0], "data_format", None) == "channels_first" or original.input_shape[1] == 3:
        x = numpy.moveaxis(x, -1, 1)
    last = original
    while hasattr(last, "layers"):
        last = last.layers[-1]
    function = getattr(last, "activation", None)
    result = None
    if last.__class__.__name__ == "Softmax" or (function is not None and not hasattr(last, "kernel")):
        # A layer of its own: what goes into it.
        result = keras.Model(original.inputs, last.input if last in original.layers else original.outputs)
    elif function is not None:
        last.activation = keras.activations.linear
    logits = (result or original)(keras.ops.convert_to_tensor(x), training=False)
    return keras.ops.convert_to_numpy(logits).reshape(-1).astype("float64")


def import_torchvision(torch):
    """torchvision; its models need none of the compiled operators that another torch variant's wheel cannot load.

    Defining them where they exist would end the process, so that is done only where importing fails without them.
    """
    try:
        return needed("torchvision", "torchvision")
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise ConversionError(f"--verify cannot import torchvision: {error}") from error
    for name in [name for name in sys.modules if name.split(".")[0] == "torchvision"]:
        del sys.modules[name]
    library = torch.library.Library("torchvision", "DEF")
    library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    module = needed("torchvision", "torchvision")
    module._prism_library = library  # The definitions live as long as this object.
    return module


def torch_logits(source, model, pixels):
    """The logits of torchvision's base with the tensors of the file, and of the head as the card describes it."""
    torch = needed("torch", "torch")
    features = torch_features(torch, import_torchvision(torch).models, model)
    x = preprocessed(model.outside, pixels).transpose(0, 3, 1, 2).copy()
    with torch.no_grad():
        value = features(torch.from_numpy(x))
        if model.architecture.steps[-1].value == "features.relu5":
            value = torch.relu(value)
        return torch_head(torch, model, value).reshape(-1).double().numpy()


def own_logits(source, model, pixels):
    """The logits of a whole pickled model as torch loads it, which runs what the file says, and as its own code computes."""
    torch = needed("torch", "torch")
    with contextlib.suppress(ConversionError):
        import_torchvision(torch)  # Whose classes the file may name.
    sys.path.insert(0, os.getcwd())  # Where the classes of the user's own are.
    try:
        content = torch.load(source, map_location="cpu", weights_only=False)
        network = network_in(torch, content, model.whole).float().eval()
        x = preprocessed(model.outside[: len(model.outside) - model.inner], pixels).transpose(0, 3, 1, 2).copy()
        with torch.no_grad():
            values = network(torch.from_numpy(x))
    except ConversionError:
        raise
    except Exception as error:  # Whatever the user's own code raises.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConversionError(f"verify: torch cannot run {source}: {type(error).__name__}: {first}") from error
    finally:
        sys.path.remove(os.getcwd())
    values = getattr(values, "logits", values)
    if not isinstance(values, torch.Tensor):
        raise ConversionError(f"verify: the network gives a {type(values).__name__}, no tensor of logits")
    values = values.reshape(-1).double().numpy()
    return INVERSES[model.squashed](values) if model.squashed else values


def network_in(torch, content, key):
    """The network in what a file holds, under the keys to it, and inside of a learner."""
    for part in key.split(".") if key else ():
        content = content[part]
    for name in ("model", "module", "net", "network"):
        if not isinstance(content, torch.nn.Module):
            content = getattr(content, name, content)
    if not isinstance(content, torch.nn.Module):
        raise ConversionError(f"verify: the file holds a {type(content).__name__}, no network")
    return content


def torch_features(torch, models, model):
    """torchvision's base with the tensors, the epsilon, the stem and the padding of the model."""
    arch = model.architecture
    if arch.name.removeprefix("se-").startswith(("resne", "wide ")):
        whole = any_resnet(torch, models, arch)
        features, start = resnet_features(torch, whole), ""
    elif hasattr(models, arch.name):
        extra = {"width_mult": arch.width} if arch.name == "mobilenet_v2" else {}
        whole = getattr(models, arch.name)(weights=None, **extra).eval()
        features, start = whole.features, "features."
    else:
        raise ConversionError(f"verify: torchvision has no {arch.title}")
    for module in whole.modules():
        if isinstance(module, torch.nn.BatchNorm2d) and model.epsilon is not None:
            module.eps = model.epsilon
    pad_as(torch, whole, model)
    if arch.image_channels != 3:
        stem = next(module for module in whole.modules() if isinstance(module, torch.nn.Conv2d))
        stem.weight = torch.nn.Parameter(torch.zeros(stem.out_channels, arch.image_channels, *stem.kernel_size))
    own = features.state_dict()
    state = {}
    for name in arch.tensors():
        value = torch.from_numpy(numpy.ascontiguousarray(model.tensors[name]))
        state[name.removeprefix(start)] = value.reshape(own[name.removeprefix(start)].shape)
    features.load_state_dict(state, strict=False)
    return features


def pad_as(torch, whole, model):
    """Gives convolutions the padding of TensorFlow, or another than torchvision's on one side."""
    pad = torch.nn.functional.pad

    def same(module, inputs):
        pads = []
        for axis in (1, 0):
            kernel, stride, extent = module.kernel_size[axis], module.stride[axis], inputs[0].shape[2 + axis]
            total = max((-(-extent // stride) - 1) * stride + kernel - extent, 0)
            pads += [total // 2, total - total // 2]
        return (pad(inputs[0], pads),)

    steps = {step.module: step for step in model.architecture.steps if step.kind == "conv"}
    for name, module in whole.named_modules():
        if not isinstance(module, torch.nn.Conv2d):
            continue
        before, after = getattr(steps.get(name), "pads", None) or (0, 0)
        if before != after:
            module.register_forward_pre_hook(lambda _, inputs, p=(before, after): (pad(inputs[0], [*p, *p]),))
        elif model.padding == "same" and max(module.stride) > 1:
            module.register_forward_pre_hook(same)
        else:
            continue
        module.padding = (0, 0)


def any_resnet(torch, models, arch):
    """torchvision's class with the blocks, the groups and the widths of an architecture, and with gates where it has them."""
    shapes = arch.tensors()
    layers = []
    for stage in (1, 2, 3, 4):
        layers.append(len({name.split(".")[1] for name in shapes if name.startswith(f"layer{stage}.")}))
    first, second = shapes["layer1.0.conv1.weight"][0], shapes["layer1.0.conv2.weight"]
    deep = "layer1.0.conv3.weight" in shapes
    block = models.resnet.Bottleneck if deep else models.resnet.BasicBlock
    groups = first // second[1] if deep else 1
    whole = models.ResNet(block, layers, groups=groups, width_per_group=second[0] // groups).eval()
    for name, module in whole.named_modules():
        if not isinstance(module, block) or f"{name}.se.fc1.weight" not in shapes:
            continue
        hidden, channels = shapes[f"{name}.se.fc1.weight"][:2]
        gate = module.se = import_torchvision(torch).ops.SqueezeExcitation(channels, hidden)
        # The block's sum comes after its last normalisation.
        last = module.bn3 if deep else module.bn2
        last.register_forward_hook(lambda _, inputs, output, gate=gate: gate(output))
    return whole


def resnet_features(torch, whole):
    """A ResNet up to its map of features, with its own names."""
    parts = torch.nn.Sequential()
    for name, child in whole.named_children():
        if name not in ("avgpool", "fc"):
            parts.add_module(name, child)
    return parts


def torch_head(torch, model, x):
    """The head, item by item."""
    function = torch.nn.functional
    functions = {
        "linear": lambda x: x, "relu": function.relu, "relu6": function.relu6, "silu": function.silu,
        "sigmoid": torch.sigmoid, "tanh": torch.tanh, "softmax": lambda x: torch.softmax(x, -1),
        "gelu": function.gelu, "gelu_tanh": lambda x: function.gelu(x, approximate="tanh"), "elu": function.elu,
        "leaky_relu": function.leaky_relu, "hard_swish": function.hardswish, "hard_sigmoid": function.hardsigmoid,
    }  # fmt: skip

    def tensor(item, part):
        return torch.from_numpy(numpy.ascontiguousarray(model.tensors[f"{item['name']}.{part}"]))

    for item in model.head:
        kind = item["kind"]
        if kind == "global_average_pool":
            x = x.mean(dim=(2, 3))
        elif kind == "global_max_pool":
            x = x.amax(dim=(2, 3))
        elif kind == "global_concat_pool":
            both = {"max": x.amax(dim=(2, 3)), "average": x.mean(dim=(2, 3))}
            x = torch.cat([both[name] for name in item["order"].split("_")], dim=1)
        elif kind == "adaptive_average_pool":
            x = function.adaptive_avg_pool2d(x, item["size"])
        elif kind == "flatten":
            x = x.flatten(1)
        elif kind == "dense":
            x = functions[item["activation"]](function.linear(x, tensor(item, "weight"), tensor(item, "bias")))
        elif kind == "batch_norm":
            parts = (tensor(item, part) for part in ("running_mean", "running_var", "weight", "bias"))
            x = function.batch_norm(x, *parts, eps=item["epsilon"])
        elif kind == "layer_norm":
            x = function.layer_norm(x, x.shape[-1:], tensor(item, "weight"), tensor(item, "bias"), item["epsilon"])
        elif kind == "activation":
            x = functions[item["function"]](x)
    return x


def onnx_logits(source, model, pixels):
    """What onnxruntime makes of the file, up to the logits, which become an output where they are none."""
    onnxruntime = needed("onnxruntime", "onnxruntime")
    x = preprocessed(model.outside, pixels)
    options = onnxruntime.SessionOptions()
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(source.parent.resolve()))
    data = source.read_bytes()
    session = onnxruntime.InferenceSession(data, options)
    if model.source_output not in [output.name for output in session.get_outputs()]:
        # Messages that stand one after the other are merged: the graph gets one output more.
        session = onnxruntime.InferenceSession(data + field(7, field(12, field(1, model.source_output.encode()))), options)
    given = session.get_inputs()[0]
    if given.shape[1] == x.shape[3] and given.shape[3] != x.shape[3] or not isinstance(given.shape[3], int):
        x = x.transpose(0, 3, 1, 2)
    x = numpy.ascontiguousarray(x.round().astype("uint8") if "uint8" in given.type else x.astype("float32"))
    return session.run([model.source_output], {given.name: x})[0].reshape(-1).astype("float64")


def module_logits(source, model, pixels):
    """What the user's own module makes of the pixels, without its last softmax or sigmoid."""
    values = model.run(preprocessed(model.outside, pixels))
    return INVERSES[model.squashed](values) if model.squashed else values


INVERSES = {"softmax": numpy.log, "sigmoid": lambda p: numpy.log(p / (1 - p))}


def field(number, data):
    """A field of bytes in the wire format of protocol buffers."""
    length, result = len(data), bytes([number << 3 | 2])
    while length > 127:
        result += bytes([length & 127 | 128])
        length >>= 7
    return result + bytes([length]) + data


SOURCES = {"keras": keras_logits, "torch": torch_logits, "onnx": onnx_logits, "module": module_logits}
