"""Reads tensors by name from torch checkpoints and safetensors files, without running anything in them."""

import numpy

from . import limits, torch_pickle
from .errors import ConversionError
from .flatfile import names
from .limits import Budget
from .torch_modules import Modules
from .torch_pickle import Record, Tensor, Unsupported

# Where checkpoints keep the weights, most telling first.
WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module",
    "student", "ema", "model_ema", "state_dict_ema",
)  # fmt: skip
LABEL_KEYS = ("classes", "class_names", "labels", "class_to_idx", "idx_to_class")

SAFETENSORS_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": None, "I64": "<i8", "I32": "<i4"}


def open_file(path):
    """Name → float32 array in the order of the file, the labels that the checkpoint lists, if any, and the modules of a
    whole pickled model, if it is one."""
    limits.check_file(path)
    with path.open("rb") as file:
        start = file.read(10)
    if len(start) == 10 and start[8:9] == b"{":
        return open_safetensors(path), None, None
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
    content = torch_pickle.load(path)
    modules = None
    if isinstance(content, Record):
        content = whole_model(content, path)
    state, labels = find_state(content, path)
    if isinstance(state, Modules):
        state, modules = state.state(), state
    tensors, integers, budget = {}, [], Budget()
    for name, value in state.items():
        if isinstance(value, Unsupported):
            raise ConversionError(f"tensor {name} is of the type {value.what}, which is not supported")
        if not isinstance(value, Tensor):
            continue
        budget.take(value.count, name)
        add(tensors, integers, name, value.array())
    refuse_integers(integers)
    return tensors, labels, modules


def add(tensors, integers, name, value):
    """Takes a tensor of floats; counters are dropped, and other integers noted."""
    if value.dtype.kind == "f":
        tensors[str(name)] = value.astype("float32", copy=False)
    elif not str(name).endswith("num_batches_tracked"):
        integers.append(name)


def refuse_integers(integers):
    if integers:
        raise ConversionError(f"tensors of integers (a quantised model?) are not supported: {names(integers)}")


def whole_model(record, path):
    """The network of a pickled model, a learner (fastai) or a wrapper around one."""
    for _ in range(4):
        if Modules.is_module(record):
            return Modules(record)
        inner = record.attributes()
        record = next((inner[key] for key in ("model", "module", "net", "network") if isinstance(inner.get(key), Record)), None)
        if record is None:
            break
    raise ConversionError(f"{path} holds no state dict and no network")


def find_state(content, path):
    """The dictionary of tensors inside a checkpoint, or the network that it holds, and labels beside it."""
    labels = find_labels(content)
    for _ in range(4):
        if isinstance(content, Modules):
            return content, labels or find_labels(content.attributes)
        if not isinstance(content, dict):
            break
        if sum(isinstance(value, (Tensor, Unsupported)) for value in content.values()) > 1:
            return content, labels
        inner = [content[key] for key in WRAPPERS if key in content]
        inner += [value for key, value in content.items() if key not in WRAPPERS]
        inner = [Modules(item) if Modules.is_module(item) else item for item in inner]
        inner = [item for item in inner if isinstance(item, Modules) or holds_tensors(item)]
        if not inner:
            break
        content = inner[0]
        labels = labels or (find_labels(content) if isinstance(content, dict) else None)
    raise ConversionError(f"{path} holds no state dict")


def holds_tensors(item, depth=3):
    """Whether this is a dictionary of tensors by name, or holds one."""
    if not isinstance(item, dict) or depth == 0:
        return False
    if any(isinstance(value, (Tensor, Unsupported)) and isinstance(key, str) for key, value in item.items()):
        return True
    return any(holds_tensors(value, depth - 1) or Modules.is_module(value) for value in item.values())


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
