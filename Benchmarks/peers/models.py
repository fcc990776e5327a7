"""The networks that are compared: torchvision's, with random weights that are the same everywhere.

The weights are random because speed does not depend on them, but lively: batch normalisation has statistics of real
activations and scales of its own, so that logits differ from picture to picture and the engines' outputs can be
compared. Each network is kept in the cache as a state dict, a Prism weights file and an ONNX file.
"""

import functools
import json
import os
import pathlib
import subprocess
import sys

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The side of a picture and the number of labels: ImageNet's, unless a benchmark asks for others.
SIZE = int(os.environ.get("PRISM_BENCH_SIZE", "224"))
LABELS = int(os.environ.get("PRISM_BENCH_LABELS", "1000"))
CACHE = ROOT / "Benchmarks" / ".cache" / ("" if (SIZE, LABELS) == (224, 1000) else f"{SIZE}-{LABELS}")
LARGEST_BATCH = 16
VERSION = 1  # Raised when the preparation changes.

# The names of torchvision's constructors, and how the tables call them.
MODELS = {
    "mobilenet_v2": "MobileNetV2",
    "vgg16": "VGG16",
    "densenet121": "DenseNet121",
    "efficientnet_v2_s": "EfficientNetV2-S",
    "efficientnet_v2_m": "EfficientNetV2-M",
    "resnet50": "ResNet-50",
    "efficientnet_b0": "EfficientNet-B0",
    "mobilenet_v3_large": "MobileNetV3-L",
    "regnet_y_1_6gf": "RegNetY-1.6GF",
    "convnext_tiny": "ConvNeXt-T",
}
# Networks that Prism has no file of its own for: they come from the ONNX file, as graph cards.
GRAPHS = {"resnet50", "efficientnet_b0", "mobilenet_v3_large", "regnet_y_1_6gf", "convnext_tiny"}

MEAN = numpy.array([0.485, 0.456, 0.406])
STD = numpy.array([0.229, 0.224, 0.225])


@functools.cache
def import_torchvision():
    """torchvision; what imports it by itself works afterwards."""
    sys.path.insert(0, str(ROOT / "Tools" / "fixtures"))
    from frameworks import import_torchvision as load

    return load()


def path(name, suffix):
    """A file of a network in the cache."""
    return CACHE / f"{name}{suffix}"


def picture(index):
    """A picture of the network's size in the cache."""
    return CACHE / f"picture{index:02}.png"


def normalised(pixels):
    """Pixels [..., 3] in 0…255 as torchvision's networks take them."""
    return ((numpy.asarray(pixels, dtype="float64") / 255 - MEAN) / STD).astype("float32")


def prepare_inputs():
    """Makes the pictures (pieces of the samples) and the inputs of both batch sizes."""
    from PIL import Image

    CACHE.mkdir(parents=True, exist_ok=True)
    samples = [Image.open(file).convert("RGB") for file in sorted((ROOT / "Samples").glob("*.*")) if is_sample(file)]
    random = numpy.random.default_rng(1)
    inputs = []
    for index in range(LARGEST_BATCH):
        sample = samples[index % len(samples)]
        side = int(min(sample.size) * random.uniform(0.6, 1))
        left, top = (int(random.integers(0, extent - side + 1)) for extent in sample.size)
        piece = sample.resize((SIZE, SIZE), Image.Resampling.BICUBIC, (left, top, left + side, top + side))
        piece.save(picture(index))
        inputs.append(normalised(piece))
    for batch in (1, LARGEST_BATCH):
        inputs_file(batch).write_bytes(numpy.stack(inputs[:batch]).astype("<f4").tobytes())
    return numpy.stack(inputs)


def is_sample(file):
    return file.suffix in (".png", ".jpg") and ".gradcam" not in file.name


def inputs_file(batch):
    """The first pictures as the networks take them: float32 [batch, H, W, 3], little-endian."""
    return CACHE / f"inputs{batch}.f32"


def build(name):
    """A network of torchvision without its weights."""
    return getattr(import_torchvision().models, name)(weights=None, num_classes=LABELS).eval()


def load(name):
    """A network of torchvision with its weights from the cache."""
    import torch

    model = build(name)
    model.load_state_dict(torch.load(path(name, ".pth"), map_location="cpu", weights_only=True))
    return model


def enliven(model, images):
    """Gives batch normalisations scales of their own and the statistics of these images."""
    import torch

    norms = [module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias, 0, 0.2)
        norm.reset_running_stats()
        norm.momentum = None
        norm.train()
    with torch.no_grad():
        model(images)
    model.eval()
    return model


def prepare(names):
    """Makes whatever of the networks' files is not in the cache."""
    import torch

    inputs = prepare_inputs()
    images = torch.from_numpy(inputs).permute(0, 3, 1, 2).contiguous()
    stamp = {"version": VERSION, "torch": torch.__version__}
    for name in names:
        mark = path(name, ".json")
        if mark.is_file() and json.loads(mark.read_text()) == stamp:
            continue
        print(f"compare: preparing {MODELS[name]}", file=sys.stderr)
        import_torchvision()
        torch.manual_seed(0)
        model = enliven(build(name), images)
        check_liveliness(name, model, images)
        torch.save(model.state_dict(), path(name, ".pth"))
        labels = path(name, ".txt")
        labels.write_text("".join(f"label {i}\n" for i in range(LABELS)))
        torch.onnx.export(
            model, (images[:2],), path(name, ".onnx"), input_names=["images"], output_names=["logits"],
            dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False, verbose=False,
        )  # fmt: skip
        source = path(name, ".onnx" if name in GRAPHS else ".pth")
        convert = [sys.executable, ROOT / "Tools" / "convert.py", source, "--labels", labels]
        convert += ["--activation", "softmax", "--preprocess", "torch", "--input-size", str(SIZE), "--crop", "none", "--output", path(name, ".safetensors")]
        subprocess.run(convert, check=True, stdout=subprocess.DEVNULL)
        mark.write_text(json.dumps(stamp))


def check_liveliness(name, model, images):
    import torch

    with torch.no_grad():
        logits = model(images[:4])
    spread = (logits - logits.mean(0)).abs().max() / logits.abs().max()
    if not torch.isfinite(logits).all() or spread < 0.01:
        raise SystemExit(f"compare: the logits of {MODELS[name]} hardly depend on the picture ({spread:.2g})")
