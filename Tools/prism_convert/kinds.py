"""What kind of file or folder a source is, told before anything is asked for; kinds that are not read are named."""

import zipfile

from .errors import ConversionError

TAKEN = "a .h5, .keras, .pth, .pt, .ckpt, .bin, .pkl, .safetensors or .onnx file, or a folder of a model hub"

HDF5 = b"\x89HDF\r\n\x1a\n"
LFS = b"version https://git-lfs"  # how a pointer of Git LFS begins

# How files are called that hold models, other than those of weights alone.
MODELS = (".h5", ".hdf5", ".keras", ".onnx", ".pth", ".pt", ".ckpt", ".tflite")

# Kinds that are told by the end of their name alone.
ENDINGS = {
    ".pb": "a TensorFlow graph, which is not supported: save the model as one file, .keras or .h5",
    ".mlmodel": "a Core ML model, which is not supported: convert the model that it was made from",
    ".mlpackage": "a Core ML model, which is not supported: convert the model that it was made from",
    ".engine": "a TensorRT engine, made for one graphics card: convert the model that it was made from",
    ".trt": "a TensorRT engine, made for one graphics card: convert the model that it was made from",
    ".caffemodel": "a Caffe model, which is not supported",
    ".mar": "an archive of TorchServe: unpack it and name the weights in it",
    ".ptl": "a program of torch mobile: save model.state_dict() instead",
    ".pte": "a program of ExecuTorch: save model.state_dict() instead",
    ".pdparams": "a Paddle model, which is not supported: export it as ONNX",
    ".params": "an MXNet model, which is not supported: export it as ONNX",
    ".gguf": "a GGUF file, which holds no convolutional network",
    ".ggml": "a GGML file, which holds no convolutional network",
    ".npz": "an archive of arrays, which names no model: load them into the model and save its state dict",
    ".npy": "an array, not a model",
    ".joblib": "a file of joblib, which holds no convolutional network of torch or Keras",
    ".msgpack": "a Flax model, which is not supported: save it for torch, or export it as ONNX",
    ".index": "a part of a TensorFlow checkpoint: save the model as one file, .keras or .h5",
}


def refuse(path):
    """Refuses what cannot be read, with its kind; returns the first bytes of what may be."""
    if path.is_dir():
        refuse_folder(path)
        return b""
    if not path.is_file():
        raise ConversionError(f"there is no file {path}")
    with path.open("rb") as file:
        start = file.read(512)
    what = kind_of(path, start)
    if what:
        raise ConversionError(f"{path} is {what}")
    return start


def kind_of(path, start):
    """The kind of a file that is not read, with what to do; `None` for one that may be."""
    text = start.lstrip().lower()
    if not start:
        return "empty: copy it again"
    if start.startswith(LFS):
        return "a pointer of Git LFS, not the file itself: `git lfs pull` fetches it"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page, not a model: download the file itself"
    if start[4:8] == b"TFL3" or path.suffix == ".tflite":
        return "a TFLite model, which is not supported: convert the Keras model that it was made from"
    if start[4:8] == b"ORTM":
        return "a model in onnxruntime's own format: convert the .onnx file that it was made from"
    if start[:4] == b"GGUF":
        return ENDINGS[".gguf"]
    if start[:6] == b"\x93NUMPY":
        return ENDINGS[".npy"]
    if path.name.endswith(".safetensors.index.json"):
        return "the list of a model in several parts, which is not supported: save it as one file"
    if path.suffix in ENDINGS:
        return ENDINGS[path.suffix]
    if ".data-00000-of-" in path.name:
        return ENDINGS[".index"]
    if zipfile.is_zipfile(path):
        return kind_of_archive(path)
    if path.suffix == ".keras" and start[:8] != HDF5:
        return "no Keras archive, or one that is cut short: copy it again"
    if path.suffix == ".json":
        return "a description without weights: name the file of the weights, or save the whole model with model.save(…)"
    return None


def kind_of_archive(path):
    """The kind of a zip archive that is neither torch's nor Keras's."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        return None  # The reader tells what is wrong.
    last = {name.rpartition("/")[2] for name in names}
    inner = {name.split("/")[1] for name in names if name.count("/")}
    if "constants.pkl" in last or "code" in inner:
        return "a TorchScript program: save model.state_dict() instead"
    if "archive_format" in last or "serialized_exported_program.json" in last:
        return "a program of torch.export (.pt2): save model.state_dict() instead"
    if {"model.json", "metadata.json"} <= last or "weights.bin" in last and "model.json" in last:
        return "a model for TensorFlow.js: in Teachable Machine choose Tensorflow, then Keras"
    if "saved_model.pb" in last:
        return "a zipped TensorFlow SavedModel: save the model as one file, .keras or .h5"
    if "keras_model.h5" in last:
        return "an archive of Teachable Machine: unpack it, the model is keras_model.h5 beside labels.txt"
    if "data.pkl" in last or "config.json" in last:
        return None
    inside = [name for name in names if name.endswith((".h5", ".keras", ".pth", ".pt", ".safetensors", ".onnx"))]
    return f"an archive: unpack it{' and name ' + inside[0] if inside else ''}"


def others_beside(path):
    """The names of other models in the folder of a model; what has its name is the same in another form."""
    files = path.parent.iterdir()
    return sorted(file.name for file in files if file.suffix.lower() in MODELS and file.stem != path.stem and file.is_file())


def refuse_folder(path):
    """Names a folder that holds no model that can be read; hub folders and Teachable Machine's pass."""
    if (path / "saved_model.pb").exists() or (path / "saved_model.pbtxt").exists():
        raise ConversionError(f"{path} is a TensorFlow SavedModel: save the model as one file, .keras or .h5")
    if (path / "model.json").is_file() and any(path.glob("*.bin")) and not (path / "config.json").exists():
        raise ConversionError(f"{path} is a model for TensorFlow.js, which is not supported: save it as .keras or .h5")
    if path.suffix == ".mlpackage":
        raise ConversionError(f"{path} is {ENDINGS['.mlpackage']}")
    if (path / "checkpoint").is_file() and any(path.glob("*.index")):
        raise ConversionError(f"{path} is a TensorFlow checkpoint: save the model as one file, .keras or .h5")
    if any(path.glob("*.safetensors.index.json")) or any(path.glob("pytorch_model.bin.index.json")):
        raise ConversionError(f"{path} holds a model in several parts, which is not supported: save it as one file")
    if (path / "model.weights.h5").is_file() and (path / "metadata.json").is_file():
        raise ConversionError(f"{path} is an unpacked Keras archive: name the .keras file itself")
    if (path / "version").is_file() and (path / "data.pkl").is_file():
        raise ConversionError(f"{path} is an unpacked torch checkpoint: name the file itself")


def weights_in(path):
    """The file of weights in a folder."""
    for name in (
        "model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin", "model.keras", "keras_model.h5",
        "tf_model.h5", "model.onnx",
    ):  # fmt: skip
        if (path / name).is_file():
            if name == "tf_model.h5":
                raise ConversionError(
                    f"{path} holds weights of transformers for TensorFlow alone, which are not supported: "
                    "save them for torch"
                )
            return path / name
    found = sorted(
        file for file in path.iterdir()
        if file.suffix in (".safetensors", ".h5", ".keras", ".pth", ".pt", ".ckpt", ".onnx") and file.is_file()
    )  # fmt: skip
    if len(found) == 1:
        return found[0]
    if any(path.glob("*.msgpack")):
        raise ConversionError(f"{path} is {ENDINGS['.msgpack']}")
    hint = f"name one of its files, {', '.join(file.name for file in found[:6])}" if found else f"name {TAKEN}"
    raise ConversionError(f"{path} is a folder: {hint}")
