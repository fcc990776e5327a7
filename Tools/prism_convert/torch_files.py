"""Reads tensors by name from torch checkpoints and safetensors files, without running anything in them."""

import warnings

import numpy

from .errors import ConversionError
from .flatfile import names

# Where checkpoints keep the weights, most telling first.
WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module",
    "student", "ema", "model_ema", "state_dict_ema",
)  # fmt: skip
LABEL_KEYS = ("classes", "class_names", "labels", "class_to_idx", "idx_to_class")

SAFETENSORS_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": None, "I64": "<i8", "I32": "<i4"}


def open_file(path):
    """Name → float32 array in the order of the file, and the labels that the checkpoint lists, if any."""
    with path.open("rb") as file:
        start = file.read(10)
    if len(start) == 10 and start[8:9] == b"{":
        return open_safetensors(path), None
    return open_checkpoint(path)


def open_safetensors(path):
    import safetensors

    try:
        entries = safetensors.deserialize(path.read_bytes())
    except safetensors.SafetensorError as error:
        raise ConversionError(f"{path} cannot be read as safetensors: {error}") from error
    tensors, integers = {}, []
    for name, entry in entries:
        kind, shape, data = entry["dtype"], entry["shape"], entry["data"]
        if kind == "BF16":
            value = (numpy.frombuffer(data, "<u2").astype("<u4") << 16).view("<f4")
        elif kind in SAFETENSORS_TYPES:
            value = numpy.frombuffer(data, SAFETENSORS_TYPES[kind])
        else:
            raise ConversionError(f"tensor {name} is of the type {kind}, which is not supported")
        add(tensors, integers, name, value.reshape(shape))
    refuse_integers(integers)
    return tensors


def open_checkpoint(path):
    try:
        import torch
    except ImportError as error:
        raise ConversionError(f"reading {path} needs torch, which is not installed") from error
    content = load(torch, path)
    state, labels = find_state(torch, content, path)
    tensors, integers = {}, []
    for name, value in state.items():
        if not isinstance(value, torch.Tensor):
            continue
        if value.is_quantized or value.layout != torch.strided or value.is_complex() or value.is_meta:
            raise ConversionError(f"tensor {name} is of the type {value.type()}, which is not supported")
        value = value.detach()
        add(tensors, integers, name, (value.float() if value.is_floating_point() else value).numpy())
    refuse_integers(integers)
    return tensors, labels


def add(tensors, integers, name, value):
    """Takes a tensor of floats; counters are dropped, and other integers noted."""
    if value.dtype.kind == "f":
        tensors[str(name)] = value.astype("float32", copy=False)
    elif not str(name).endswith("num_batches_tracked"):
        integers.append(name)


def refuse_integers(integers):
    if integers:
        raise ConversionError(f"tensors of integers (a quantised model?) are not supported: {names(integers)}")


def harmless(torch):
    """Types that checkpoints often hold beside tensors and that cannot do anything when they are made."""
    import argparse
    import collections

    types = [argparse.Namespace, collections.defaultdict, numpy.ndarray, numpy.dtype]
    types += [type(numpy.dtype(kind)) for kind in ("f4", "f8", "i4", "i8", "?")]
    multiarray = getattr(numpy, "_core", None) or numpy.core
    types += [multiarray.multiarray.scalar, multiarray.multiarray._reconstruct]
    types += [(multiarray.multiarray.scalar, "numpy.core.multiarray.scalar")]
    types += [(multiarray.multiarray._reconstruct, "numpy.core.multiarray._reconstruct")]
    return torch.serialization.safe_globals(types)


def load(torch, path):
    """The content of a checkpoint: tensors and plain data only, nothing in it is executed."""
    import pickle

    try:
        with warnings.catch_warnings(), harmless(torch):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ConversionError(refusal(path, str(error))) from error
    except (RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        first = str(error).strip().splitlines() or [type(error).__name__]
        if "TorchScript" in str(error) or "torch.jit" in str(error):
            raise ConversionError(f"{path} is a TorchScript program: save model.state_dict() instead") from error
        raise ConversionError(f"{path} cannot be read as a torch checkpoint: {first[0]}") from error


def refusal(path, message):
    """Why torch would not read a pickle without executing it."""
    import re

    found = re.search(r"(?:GLOBAL|class|function|global)\s+`?([\w.]+\.[\w.]+)`?", message)
    what = found.group(1) if found else "something"
    if "TorchScript" in message:
        return f"{path} is a TorchScript program: save model.state_dict() instead"
    if what.startswith(("torchvision.", "torch.nn.", "__main__.")) or "models" in what:
        return f"{path} is a pickled model ({what}), which only runs as code: save model.state_dict() instead"
    if not found:
        return f"{path} is no torch checkpoint"
    return f"{path} is refused: it is not only data, it would call {what}"


def find_state(torch, content, path):
    """The dictionary of tensors inside a checkpoint, and labels beside it."""
    labels = find_labels(content)
    for _ in range(4):
        if not isinstance(content, dict):
            break
        if sum(isinstance(value, torch.Tensor) for value in content.values()) > 1:
            return content, labels
        inner = [content[key] for key in WRAPPERS if isinstance(content.get(key), dict)]
        inner += [value for key, value in content.items() if isinstance(value, dict) and key not in WRAPPERS]
        inner = [item for item in inner if holds_tensors(torch, item)]
        if not inner:
            break
        content = inner[0]
        labels = labels or find_labels(content)
    raise ConversionError(f"{path} holds no state dict")


def holds_tensors(torch, item, depth=3):
    """Whether this is a dictionary of tensors by name, or holds one."""
    if not isinstance(item, dict) or depth == 0:
        return False
    if any(isinstance(value, torch.Tensor) and isinstance(key, str) for key, value in item.items()):
        return True
    return any(holds_tensors(torch, value, depth - 1) for value in item.values())


def find_labels(content):
    """Label names in a checkpoint, under the names they usually have."""
    if not isinstance(content, dict):
        return None
    for key in LABEL_KEYS:
        value = content.get(key)
        if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
            return list(value)
        if isinstance(value, dict) and value:
            pairs = [(i, n) if isinstance(i, int) else (n, i) for n, i in value.items()]
            if all(isinstance(i, int) and isinstance(n, str) for i, n in pairs):
                if sorted(i for i, _ in pairs) == list(range(len(pairs))):
                    return [name for _, name in sorted(pairs)]
    return None
