"""Reads tensors by name from torch checkpoints and safetensors files, without running anything in them."""

import dataclasses

import numpy

from . import limits, torch_pickle
from .errors import ConversionError
from .flatfile import names
from .labels import label_list
from .limits import Budget
from .torch_extras import METRIC
from .torch_modules import Modules
from .torch_pickle import Record, Tensor, Unsupported

# Where checkpoints keep the weights, most telling first.
WRAPPERS = (
    "state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights", "params", "module",
    "student", "teacher", "ema", "model_ema", "state_dict_ema", "ema_state_dict",
)  # fmt: skip
# Parts of a checkpoint that hold tensors which are not weights.
PASSING = ("optim", "opt", "sched", "scaler", "callbacks", "loops", "rng", "criterion", "loss")
LABEL_KEYS = ("classes", "class_names", "labels", "label_names", "class_to_idx", "idx_to_class", "id2label", "label2id", "pathologies")
DEPTH = 4  # of dictionaries in a checkpoint

SAFETENSORS_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": None, "I64": "<i8", "I32": "<i4"}


@dataclasses.dataclass
class Checkpoint:
    """What a file holds."""

    tensors: dict  # name → float32 array, in the order of the file
    labels: list | None = None
    modules: Modules | None = None  # of a whole pickled model
    settings: dict = dataclasses.field(default_factory=dict)  # hyper-parameters, arguments, configurations
    root: object = None  # everything, for whole learners
    key: str = ""  # where the weights lie in it, dots between the keys


def open_file(path, options, account):
    """The checkpoint in a file; which of several sets of weights is an option and is told."""
    limits.check_file(path)
    with path.open("rb") as file:
        start = file.read(10)
    if len(start) == 10 and start[8:9] == b"{":
        return Checkpoint(open_safetensors(path))
    return open_checkpoint(path, options, account)


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


def open_checkpoint(path, options, account):
    content = torch_pickle.load(path)
    root = content
    if isinstance(content, Record):
        content = whole_model(content, path)
    state, labels, key = find_state(content, path, options, account)
    modules = None
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
    return Checkpoint(tensors, labels, modules, settings(content, modules), root, key)


COUNTERS = ("num_batches_tracked", "n_averaged", "num_updates", "step", "steps", "decay")


def add(tensors, integers, name, value):
    """Takes a tensor of floats; counters and counts of metrics are dropped, and other integers noted."""
    if value.dtype.kind == "f":
        tensors[str(name)] = value.astype("float32", copy=False)
    elif str(name).rpartition(".")[2] not in COUNTERS and value.size > 1 and not METRIC.search(str(name)):
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


def find_state(content, path, options, account):
    """The dictionary of tensors inside a checkpoint, or the network that it holds, labels beside it, and its key."""
    labels = find_labels(content.attributes if isinstance(content, Modules) else content)
    found = dict(candidates(content))
    if not found:
        raise ConversionError(f"{path} holds no state dict, but {described(content)}: save model.state_dict()")
    key = chosen_weights(content, found, path, options, account)
    state = found[key]
    return state, labels or find_labels(state.attributes if isinstance(state, Modules) else state), key


def described(content):
    """What a file holds, in a few words."""
    if isinstance(content, (list, tuple)):
        return f"a {type(content).__name__} of length {len(content)}"
    if isinstance(content, dict):
        return f"a dictionary with {names(map(str, content), 4)}" if content else "an empty dictionary"
    return "a single tensor" if isinstance(content, (Tensor, Unsupported)) else f"a {getattr(content, 'kind', type(content).__name__)}"


def candidates(content, key="", depth=DEPTH):
    """Where weights lie in a checkpoint, most telling first: the keys on the way, and the dictionary or network."""
    if isinstance(content, Modules):
        yield key, content
    elif Modules.is_module(content):
        yield key, Modules(content)
    elif isinstance(content, dict) and depth:
        if sum(isinstance(value, (Tensor, Unsupported)) for value in content.values()) > 1:
            yield key, content
            return
        ordered = [name for name in WRAPPERS if name in content] + [name for name in content if name not in WRAPPERS]
        for name in ordered:
            if isinstance(name, str) and not (name not in WRAPPERS and any(part in name.lower() for part in PASSING)):
                yield from candidates(content[name], f"{key}.{name}" if key else name, depth - 1)


def chosen_weights(content, found, path, options, account):
    """The key of the weights to take: the option's, else what the framework would load, which is told."""
    keys = list(found)
    if options.weights is not None:
        fitting = [key for key in keys if key == options.weights or key.rpartition(".")[2] == options.weights]
        if len(fitting) == 1:
            if len(keys) > 1:
                account.say("weights", "--weights", fitting[0])
            options.weights = None  # It is used up.
            return fitting[0]
        if len(keys) > 1:
            raise ConversionError(f"{path} has weights under {names(keys)}, not under {options.weights} (--weights)")
    if len(keys) == 1:
        return keys[0]
    others = names(key for key in keys[1:])
    if "state_dict_ema" in keys:
        # timm.models.load_checkpoint takes the average unless told otherwise.
        account.say("weights", "what timm loads; --weights state_dict takes those that were trained", "state_dict_ema")
        return "state_dict_ema"
    if isinstance(content, dict) and "pytorch-lightning_version" in content and "state_dict" in keys:
        account.say("weights", f"what Lightning loads; {others} is there as well: --weights", "state_dict")
        return "state_dict"
    account.assume("weights", f"{others} is there as well: --weights", keys[0])
    return keys[0]


def settings(content, modules=None):
    """What a checkpoint says of itself beside its weights: name → value, of all dictionaries of settings."""
    result = {}
    places = [content if isinstance(content, dict) else {}, modules.attributes if modules else {}]
    for place in places:
        inner = [place] + [
            as_dictionary(place[key])
            for key in ("hyper_parameters", "hparams", "args", "config", "cfg", "opt", "params", "pretrained_cfg", "default_cfg", "meta")
            if key in place
        ]
        for part in inner:
            for key, value in part.items():
                if isinstance(key, str) and is_plain(value):
                    result.setdefault(key, value)
    return result


def as_dictionary(value):
    if isinstance(value, Record):
        return value.attributes()
    return value if isinstance(value, dict) else {}


def is_plain(value, depth=3):
    if isinstance(value, (list, tuple)) and depth:
        return all(is_plain(item, depth - 1) for item in value)
    if isinstance(value, dict) and depth:
        return len(value) < 100_000 and all(is_plain(item, depth - 1) for item in value.values())
    return value is None or isinstance(value, (str, int, float, bool))


def find_labels(content):
    """Label names in a checkpoint, under the names they usually have."""
    if not isinstance(content, dict):
        return None
    places = [content]
    places += [as_dictionary(content.get(key)) for key in ("hyper_parameters", "hparams", "args", "config", "cfg", "meta")]
    for place in places:
        for key in LABEL_KEYS:
            labels = label_list(place.get(key))
            if labels:
                return labels
    return None
