"""Writes the flat weight file: safetensors with the model card in its metadata."""

import json
import os
import pathlib
import struct
import tempfile

import numpy

from .errors import ConversionError

ALIGNMENT = 64
BATCH_NORM_STATISTICS = (".running_mean", ".running_var")


def stored(tensors, dtype):
    """The tensors as they are stored: float32, or float16 but for batch-norm statistics. Refuses what is lost."""
    result = {}
    broken, large = [], []
    for name, value in tensors.items():
        value = numpy.ascontiguousarray(value, dtype="<f4")
        if not numpy.isfinite(value).all():
            broken.append(name)
        elif name.endswith(".running_var") and (value < 0).any():
            raise ConversionError(f"tensor {name}: a variance is negative")
        elif dtype == "f16" and not name.endswith(BATCH_NORM_STATISTICS):
            if value.size and numpy.abs(value).max() > numpy.finfo("<f2").max:
                large.append(name)
            else:
                value = value.astype("<f2")
        result[name] = value
    if broken:
        raise ConversionError(f"not finite (NaN or infinity): {names(broken)}")
    if large:
        raise ConversionError(f"too large for --dtype f16: {names(large)}")
    return result


def names(items, limit=8):
    """A list of names for an error message, cut when it is long."""
    items = list(items)
    rest = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + rest


def header(tensors, card):
    """The length and the JSON header, padded with spaces so that the data starts at a multiple of 64 bytes."""
    entries = {"__metadata__": {"prism": json.dumps(card, ensure_ascii=False, allow_nan=False)}}
    offset = 0
    for name, value in tensors:
        dtype = "F32" if value.dtype == numpy.float32 else "F16"
        end = offset + value.nbytes
        entries[name] = {"dtype": dtype, "shape": list(value.shape), "data_offsets": [offset, end]}
        offset = end
    text = json.dumps(entries, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-(8 + len(text)) % ALIGNMENT)
    return struct.pack("<Q", len(text)) + text


def write(path, tensors, card, dtype="f32"):
    """Writes the file aside and renames it, so that it appears whole or not at all."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_file():
        raise ConversionError(f"cannot write {path}: it is there and is no regular file")
    # A stable sort: float32 first, then float16, each in the order of the model.
    ordered = sorted(stored(tensors, dtype).items(), key=lambda item: -item[1].itemsize)
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            dir=path.parent, prefix=f".{path.name}.", suffix=".partial", delete=False
        ) as file:
            partial = file.name
            file.write(header(ordered, card))
            for _, value in ordered:
                file.write(value.tobytes())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)
        os.replace(partial, path)
    except OSError as error:
        raise ConversionError(f"cannot write {path}: {error.strerror}") from error
    finally:
        if partial and os.path.exists(partial):
            os.unlink(partial)
