"""The command: options in, a flat weight file out."""

import argparse
import json
import pathlib
import sys
import unicodedata
import zipfile

from . import flatfile, limits, transforms
from .card import OUTPUTS, make_card
from .errors import ConversionError
from .onnx_file import looks_like_onnx
from .preprocessing import MODES
from .verify import verify

RESIZES = ("nearest", "bilinear", "bilinear_antialias", "bicubic", "lanczos")
ACTIVATIONS = ("relu", "relu6", "silu", "sigmoid", "tanh", "none")


def parser():
    p = argparse.ArgumentParser(
        prog="convert.py",
        description="Convert a Keras or torchvision model into Prism's flat weight file.",
        epilog="The architecture is recognised; what cannot be represented is named and refused.",
    )
    p.add_argument("file", metavar="SOURCE", type=pathlib.Path, help="a .h5, .keras, .pth, .pt, .safetensors or .onnx file")
    p.add_argument("--output", required=True, type=pathlib.Path, metavar="FILE", help="the file to write")
    p.add_argument("--labels", metavar="FILE|A,B,C", help="label names: one a line in a file, or separated by commas")
    p.add_argument("--activation", choices=OUTPUTS, help="what squashes the logits, where the source does not say")
    p.add_argument("--head-activation", metavar="NAME[,…]", help=f"between the linear layers of a torch head: one of {', '.join(ACTIVATIONS)} for each gap")
    p.add_argument("--output-value", metavar="NAME", help="the value of an ONNX model that its logits are, where it has several outputs")
    p.add_argument("--input-size", type=size, metavar="N|HxW", help="size of the image the network sees")
    p.add_argument("--resize", choices=RESIZES, help="how images are brought to that size")
    p.add_argument(
        "--crop", type=crop, metavar="SIDE|none",
        help="resize the shorter side to SIDE and cut out the centre, or resize the whole picture (default: the source's)",
    )
    p.add_argument("--preprocess", choices=MODES, help="what is done to pixels before the model")
    p.add_argument("--threshold", type=float, metavar="P", help="decision threshold of sigmoid and binary outputs")
    p.add_argument("--name", help="name in the model card (default: the output's name)")
    p.add_argument("--description", help="free text for the model card")
    p.add_argument("--source", metavar="TEXT", help="where the model comes from, for the model card")
    p.add_argument("--license", help="its licence, for the model card")
    p.add_argument("--dtype", choices=("f32", "f16"), default="f32", help="how weights are stored")
    p.add_argument("--verify", action="store_true", help="compare with the source framework, where installed")
    p.add_argument("--prism", type=pathlib.Path, metavar="PATH", help="the prism program, for --verify")
    return p


def size(text):
    """An image size: 224 or 192x256, height first."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) not in (1, 2) or not all(part.isdigit() and 0 < int(part) <= 8192 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 224 or 192x256")
    return (int(parts[0]), int(parts[-1]))


def crop(text):
    """The shorter side before the centre is cut out; 0 for none."""
    if text == "none":
        return 0
    if not text.isdigit() or not 0 < int(text) <= 8192:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of pixels such as 256 nor none")
    return int(text)


def read_labels(text):
    """Label names from a file, one a line or as JSON, or from a list."""
    if text is None:
        return None
    path = pathlib.Path(text)
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    if is_file:
        limits.check(path.stat().st_size, limits.CONFIG_BYTES, f"{path} is too large, in bytes")
        try:
            content = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise ConversionError(f"the labels in {path} are not UTF-8 text") from error
        lines = json_labels(path, content) if path.suffix == ".json" else content.splitlines()
    elif "," not in text and path.suffix in (".txt", ".csv", ".json"):
        raise ConversionError(f"there is no label file {path}")
    else:
        lines = text.split(",")
    labels = [line.strip() for line in lines]
    while is_file and labels and not labels[-1]:
        labels.pop()
    if "" in labels:
        raise ConversionError(f"label {labels.index('')} is empty")
    return labels


def json_labels(path, content):
    """A list of names, or a dictionary between names and indices, in either direction."""
    try:
        value = json.loads(content)
        if isinstance(value, dict):
            by_name = all(isinstance(index, int) for index in value.values())
            pairs = [(index, name) if by_name else (int(name), index) for name, index in value.items()]
            if sorted(index for index, _ in pairs) == list(range(len(pairs))):
                value = [name for _, name in sorted(pairs)]
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ConversionError(f"{path} is neither a list of labels nor a dictionary from them to 0, 1, …")
    return value


def refuse_folder(path):
    """Names what a folder is."""
    if (path / "saved_model.pb").exists():
        raise ConversionError(f"{path} is a TensorFlow SavedModel: save the model as one file, .keras or .h5")
    inside = [name for name in ("model.safetensors", "pytorch_model.bin", "model.keras") if (path / name).is_file()]
    hint = f"name the file in it, {path / inside[0]}" if inside else "name a .h5, .keras, .pth, .pt or .safetensors file"
    raise ConversionError(f"{path} is a folder: {hint}")


def refuse_kind(path, start):
    """Names a file of a kind that is not read, before anything is asked for."""
    text = start.lstrip().lower()
    what = None
    if not start:
        what = "is empty: copy it again"
    elif start.startswith(b"version https://git-lfs"):
        what = "is a pointer of Git LFS, not the file itself: `git lfs pull` fetches it"
    elif text.startswith((b"<!doctype html", b"<html")):
        what = "is a web page, not a model: download the file itself"
    elif start[4:8] == b"TFL3":
        what = "is a TFLite model, which is not supported: convert the Keras model that it was made from"
    elif path.suffix == ".pb":
        what = "is a TensorFlow graph, which is not supported: save the model as one file, .keras or .h5"
    elif path.suffix in (".gguf", ".ggml") or start[:4] == b"GGUF":
        what = "is a GGUF file, which holds no convolutional network"
    if what:
        raise ConversionError(f"{path} {what}")


def reader(path):
    """The module that reads this kind of file."""
    if path.is_dir():
        refuse_folder(path)
    if not path.is_file():
        raise ConversionError(f"there is no file {path}")
    with path.open("rb") as file:
        start = file.read(512)
    refuse_kind(path, start)
    if start[:8] == b"\x89HDF\r\n\x1a\n":
        from . import keras_model

        return keras_model
    if path.suffix == ".onnx" or looks_like_onnx(start):
        from . import onnx_model

        return onnx_model
    if zipfile.is_zipfile(path) and path.suffix not in (".pth", ".pt"):
        with zipfile.ZipFile(path) as archive:
            if "config.json" in archive.namelist():
                from . import keras_model

                return keras_model
    from . import torch_model

    return torch_model


def convert(options):
    """Converts one file; returns the model and its card."""
    options.labels = read_labels(options.labels)
    if options.threshold is not None and not 0 < options.threshold < 1:
        raise ConversionError(f"--threshold {options.threshold} is not between 0 and 1")
    module = reader(options.file)
    said = transforms.beside(options.file)
    given = options.input_size
    if said and said.size and not given:
        options.input_size = said.size
    model = module.read(options.file, options)
    options.input_size = given
    if said is None and model.framework in ("torch", "onnx"):
        said = transforms.torchvision(model.architecture.name, options.file, model.units)
    elif said is None:
        said = transforms.teachable_machine(model)
    transforms.apply(model, said, options)
    card = make_card(model, options, options.name or options.output.stem)
    flatfile.write(options.output, model.tensors, card, options.dtype)
    return model, card


def main(arguments=None):
    options = parser().parse_args(arguments)
    try:
        run(options)
    except ConversionError as error:
        return failed(error)
    except KeyboardInterrupt:
        failed("stopped; nothing was written")
        return 130
    except MemoryError:
        return failed(f"{options.file} needs more memory than there is")
    except OSError as error:
        return failed(error)
    except Exception as error:  # Whatever a file may hold: one line, and no traceback.
        return failed(f"{options.file} cannot be converted: {type(error).__name__}: {error}")
    return 0


def failed(message):
    """Says on one line why there is no result."""
    print(f"convert: {one_line(str(message))}", file=sys.stderr)
    return 1


def one_line(text):
    """Text from outside fit for one line of a terminal: control characters and changes of direction are escaped."""
    kinds = ("Cc", "Cf", "Zl", "Zp", "Cs")
    shown = "".join(
        f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in kinds else c for c in " ".join(text.splitlines())
    )
    return shown if len(shown) <= 2000 else shown[:1500] + "…" + shown[-200:]


def run(options):
    """Converts, tells what was assumed and made, and compares."""
    model, card = convert(options)
    for note in model.notes:
        print(f"convert: {one_line(note)}", file=sys.stderr)
    height, width = model.size
    print(
        f"{options.output}: {model.architecture.title}, {height}×{width}, {len(card['labels'])} labels, "
        f"{card['output']}, {len(model.tensors)} tensors",
        flush=True,
    )
    if options.verify:
        print(verify(options.file, options.output, model, options, card))
