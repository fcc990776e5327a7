"""Reads the weights of Keras files: `.h5` of Keras 2 and 3, and the archive `.keras`. Needs h5py alone."""

import io
import json
import zipfile

import h5py
import numpy

from . import limits
from .errors import ConversionError
from .flatfile import names

CANONICAL = {"depthwise_kernel": "kernel"}
BFLOAT16 = numpy.dtype("V2")  # as Keras writes it, which HDF5 has no type for
RENORM = ("moving_stddev", "renorm_mean", "renorm_stddev")  # of batch renormalisation, used in training alone


def text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def attribute_list(group, name):
    """A list of names from a group's attributes; long ones are split into `name0`, `name1`, …"""
    if name in group.attrs:
        return [text(item) for item in group.attrs[name]]
    result = []
    while f"{name}{len(result)}" in group.attrs:
        result.append([text(item) for item in group.attrs[f"{name}{len(result)}"]])
    return [item for part in result for item in part]


def array(dataset, name, budget):
    """A dataset as an array, refused if it is not of numbers, lies in another file, or is too large."""
    is_half = isinstance(dataset, h5py.Dataset) and dataset.dtype == BFLOAT16
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu" and not is_half:
        raise ConversionError(f"weight {name} is not an array of numbers")
    if dataset.external or dataset.is_virtual:
        raise ConversionError(f"weight {name} lies in another file, which is not read: save the model as one file")
    budget.take(dataset.size, name)
    value = numpy.asarray(dataset[()])
    return (value.view("<u2").astype("<u4") << 16).view("<f4") if is_half else value


def refuse_links(file, path):
    """Refuses a file of which a part lies in another one: nothing but the file itself is read."""
    groups, seen, known = [file], 0, set()
    while groups:
        group = groups.pop()
        for name in group:
            seen += 1
            limits.check(seen, limits.MEMBERS, f"{path} has too many members")
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                raise ConversionError(
                    f"{path}: {group.name.rstrip('/')}/{name} is a link into another file, which is not read: "
                    "save the model as one file"
                )
            # A soft link leads to what is looked at in its own place.
            if isinstance(link, h5py.HardLink) and group.get(name, getclass=True) is h5py.Group:
                place = h5py.h5o.get_info(group[name].id).addr
                if place not in known:
                    known.add(place)
                    groups.append(group[name])


class Weights:
    """What the two kinds of files have in common."""

    version = ""  # of the Keras that wrote the file

    @property
    def is_keras_2(self):
        return self.version.startswith("2.")

    def reset(self, used):
        """Begins anew: only these are used."""
        self.budget = limits.Budget()
        self.used = set(used)


class LegacyWeights(Weights):
    """The weights of an `.h5` file: one group per outermost layer, whose weights have names."""

    def __init__(self, group):
        self.budget = limits.Budget()
        self.entries = {}  # outermost layer → [(path within it, dataset)]
        self.used = set()
        for layer in attribute_list(group, "layer_names") or list(group):
            if layer not in group:
                continue
            items = []
            for name in attribute_list(group[layer], "weight_names"):
                if name not in group[layer]:
                    raise ConversionError(f"weight {layer}/{name} is missing from the file")
                items.append((tuple(name.split("/")), group[layer][name]))
            self.entries[layer] = items

    def of(self, layer):
        """Weight name → array of one layer."""
        outermost = layer.path[0]
        items = self.entries.get(outermost, [])
        if len(layer.path) > 1:
            items = self._nested(layer, items)
        result = {}
        for path, dataset in items:
            name = path[-1].split(":")[0]
            name = CANONICAL.get(name, name)
            result[name] = array(dataset, "/".join(path), self.budget)
            self.used.add((outermost, path))
        return at_inference(layer, result)

    @staticmethod
    def _nested(layer, items):
        """The weights of a layer inside the outermost one: those below its name, which may have slashes itself.

        Names of enclosing models may stand before it; where several candidates are left, only with such names.
        """
        name = tuple(layer.name.split("/"))
        parents = {path[:-1] for path, _ in items if path[:-1][-len(name) :] == name}
        enclosed = {parent for parent in parents if set(parent[: -len(name)]) <= set(layer.path[:-1])}
        parents = enclosed or parents
        for model in reversed(layer.path[:-1]):
            if len(parents) > 1:
                parents = {parent for parent in parents if model in parent} or parents
        if len(parents) > 1:
            raise ConversionError(f"the weights of layer {layer.name} are in the file more than once")
        return [item for item in items if item[0][:-1] in parents]

    def unused(self):
        """Weights that no layer has asked for."""
        return [
            "/".join((layer, *path))
            for layer, items in self.entries.items()
            for path, _ in items
            if (layer, path) not in self.used
        ]


class ArchiveWeights(Weights):
    """The weights of a `.keras` archive: numbered arrays in places given by the classes of the layers."""

    def __init__(self, file):
        self.budget = limits.Budget()
        self.arrays = {}  # place → {number: dataset}
        self.used = set()

        def visit(name, item):
            parts = name.split("/")
            if isinstance(item, h5py.Dataset) and len(parts) >= 2 and parts[-2] == "vars":
                place = "/".join(parts[:-2])
                if place.startswith(("optimizer", "compile_metrics", "metrics")):
                    return
                # Keras 2.12 to 2.15 name the list of layers otherwise.
                place = place.replace("_layer_checkpoint_dependencies", "layers")
                self.arrays.setdefault(place + "/", {})[parts[-1]] = item

        file.visititems(visit)

    def of(self, layer):
        items = self.arrays.get(layer.store, {})
        order = variable_names(layer)
        result = {}
        for number, dataset in items.items():
            index = int(number) if number.isdigit() else len(order)
            name = order[index] if index < len(order) else number
            result[name] = array(dataset, f"{layer.store}vars/{number}", self.budget)
            self.used.add((layer.store, number))
        return at_inference(layer, result)

    def unused(self):
        return [
            f"{place}vars/{number}"
            for place, items in self.arrays.items()
            for number in items
            if (place, number) not in self.used and "seed_generator" not in place
        ]


def at_inference(layer, weights):
    """The weights without those that are used in training alone."""
    return {name: value for name, value in weights.items() if name not in RENORM} if layer.config.get("renorm") else weights


def variable_names(layer):
    """The variables of a layer in the order in which it makes them."""
    config = layer.config
    if layer.kind in ("Conv2D", "DepthwiseConv2D", "Dense"):
        return ["kernel", "bias"] if config.get("use_bias", True) else ["kernel"]
    if layer.kind == "SeparableConv2D":
        return ["kernel", "pointwise_kernel", "bias"]
    if layer.kind == "PReLU":
        return ["alpha"]
    if layer.kind == "LayerScale":
        return ["gamma"]
    if layer.kind == "RMSNormalization":
        return ["scale"]
    if layer.kind in ("LayerNormalization", "GroupNormalization"):
        return [name for name, key in (("gamma", "scale"), ("beta", "center")) if config.get(key, True)]
    if layer.kind in ("BatchNormalization", "SyncBatchNormalization"):
        gamma = ["gamma"] if config.get("scale", True) else []
        beta = ["beta"] if config.get("center", True) else []
        return [*gamma, *beta, "moving_mean", "moving_variance", *RENORM]
    if layer.kind == "Normalization":
        return ["mean", "variance", "count"]
    return []


def open_file(path):
    """The configuration and the weights of a Keras file."""
    limits.check_file(path)
    try:
        if zipfile.is_zipfile(path):
            return open_archive(path)
        file = h5py.File(path, "r")
        refuse_links(file, path)
    except (OSError, zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError) as error:
        raise ConversionError(f"{path} cannot be read as a Keras file: {error}") from error
    if "model_config" not in file.attrs:
        raise ConversionError(
            f"{path} holds weights without the model they belong to: save the whole model with model.save(…)"
        )
    group = file["model_weights"] if "model_weights" in file else file
    weights = LegacyWeights(group)
    weights.version = text(file.attrs.get("keras_version", ""))
    return parse(file.attrs["model_config"], path), weights


def open_archive(path):
    with zipfile.ZipFile(path) as archive:
        members = {info.filename for info in limits.open_zip(path, archive)}
        if not {"config.json", "model.weights.h5"} <= members:
            raise ConversionError(f"{path} is not a Keras archive: it lacks {names({'config.json', 'model.weights.h5'} - members)}")
        config = parse(limits.read_member(path, archive, "config.json", limits.CONFIG_BYTES), path)
        data = limits.read_member(path, archive, "model.weights.h5", limits.TENSOR_BYTES)
        file = h5py.File(io.BytesIO(data), "r")
        refuse_links(file, path)
        weights = ArchiveWeights(file)
        if "metadata.json" in members:
            metadata = parse(limits.read_member(path, archive, "metadata.json", limits.CONFIG_BYTES), path)
            weights.version = str(metadata.get("keras_version", "")) if isinstance(metadata, dict) else ""
    return config, weights


def parse(config, path):
    try:
        return json.loads(config)
    except (ValueError, TypeError, RecursionError) as error:
        raise ConversionError(f"{path}: the model's configuration is not JSON: {error}") from error
