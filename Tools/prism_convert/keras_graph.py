"""Reads a Keras model's configuration and lays its nested models out flat, as one graph of layer calls.

Understands what Keras 2 and Keras 3 write, functional and sequential. Nothing is executed: a layer is a name, a
class name and a dictionary.
"""

import dataclasses
import re

from .errors import ConversionError


# Layers that change pictures in training alone.
AUGMENTATION = frozenset(
    """RandomFlip RandomRotation RandomZoom RandomContrast RandomTranslation RandomBrightness RandomHue RandomSaturation
    RandomSharpness RandomShear RandomColorJitter RandomColorDegeneration RandomGrayscale RandomGaussianBlur RandomInvert
    RandomPerspective RandomErasing RandomPosterization RandomElasticTransform RandomApply RandomHeight RandomWidth
    RandomCutout RandomChannelShift RandomSolarization RandomAugmentationPipeline RandAugment AugMix CutMix MixUp""".split()
)
# Layers that do the same in training, though Keras writes the flag for them as well.
ALWAYS = frozenset("Resizing CenterCrop Rescaling Normalization".split())
# Layers for pictures that do something at inference as well, for which Keras writes the flag too; they are not supported.
OTHERS = frozenset("RandomCrop Pipeline AutoContrast Equalization Solarization MaxNumBoundingBoxes STFTSpectrogram MelSpectrogram".split())
# Packages whose layers are those of Keras, and layers of others that are known by their names.
KERAS = ("keras", "tf_keras", "tensorflow", "keras_cv", "keras_hub", "keras_nlp")
KNOWN = frozenset("LayerScale CustomScaleLayer FixedDropout DropPath StochasticDepth".split())


def is_keras(module):
    return module.split(".")[0] in KERAS


def check_class(entry, name, kind):
    """Refuses a class of one's own, whose code is not in the file, whatever it is called."""
    registered = entry.get("registered_name") or entry["class_name"]
    package = registered.rpartition(">")[0]
    is_own = not is_keras(package) if package else entry.get("registered_name") and not is_keras(entry.get("module") or "")
    if is_own and kind not in KNOWN and not is_model(entry):
        raise ConversionError(
            f"layer {name} is of a class of one's own, {registered}, whose code is not in the file: use Keras's own layers, or export "
            "the model as ONNX"
        )


@dataclasses.dataclass
class Layer:
    """A layer that may own weights."""

    name: str
    kind: str  # the class name
    config: dict
    path: tuple  # names of the enclosing models and its own
    store: str  # where a `.keras` file keeps its weights


@dataclasses.dataclass(eq=False)
class Node:
    """One call of a layer. `inputs` are nodes; arguments that are not tensors are in `arguments`."""

    layer: Layer
    inputs: list
    arguments: list = dataclasses.field(default_factory=list)  # positional, nodes in their places
    keywords: dict = dataclasses.field(default_factory=dict)

    @property
    def kind(self):
        return self.layer.kind

    @property
    def config(self):
        return self.layer.config

    def __str__(self):
        return f"layer {self.layer.name} ({self.kind})"


@dataclasses.dataclass
class Graph:
    """A model without nesting: one input, one output."""

    input: Node
    output: Node
    nodes: list  # every node the output depends on, inputs before outputs
    shape: tuple | None  # of one image, None where it is not fixed
    name: str = ""  # of the model


def snake_case(name):
    """The name under which a `.keras` file keeps a layer of this class."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def is_model(layer):
    """Whether a layer's configuration is that of a nested functional or sequential model."""
    config = layer.get("config")
    return isinstance(config, list) or (isinstance(config, dict) and isinstance(config.get("layers"), list))


def layer_list(config):
    """The layers of a model; old sequential models are a bare list."""
    return config if isinstance(config, list) else config["layers"]


def layer_name(entry):
    config = entry.get("config")
    name = config.get("name") if isinstance(config, dict) else None
    return name or entry.get("name") or snake_case(entry["class_name"])


class Reader:
    """Calls models symbolically."""

    def __init__(self):
        self.nodes = []

    def node(self, layer, inputs, arguments=(), keywords=None):
        result = Node(layer, list(inputs), list(arguments), dict(keywords or {}))
        self.nodes.append(result)
        return result

    def call(self, entry, layer, arguments, keywords):
        """The outputs of one call of a layer or nested model."""
        inputs = [item for item in flatten(arguments) if isinstance(item, Node)]
        inputs += [item for item in flatten(list(keywords.values())) if isinstance(item, Node)]
        # Keras 3 writes the default of augmentation layers, which is True and gives way at inference.
        if keywords.get("training") is True and layer.kind not in AUGMENTATION | ALWAYS | OTHERS:
            raise ConversionError(f"layer {layer.name} ({layer.kind}) is called with training=True")
        if is_model(entry):
            return self.model(entry, inputs, layer.path, layer.store)
        return [self.node(layer, inputs, arguments, keywords)]

    def model(self, entry, inputs, path, store):
        """The outputs of a model, called on `inputs`, or on new input nodes if that is None."""
        config = entry["config"]
        if isinstance(config, list) or "input_layers" not in config:
            return self.sequential(config, inputs, path, store)
        return self.functional(config, inputs, path, store)

    def layers(self, config, path, store):
        """The layers of a model with their places in a `.keras` file."""
        used = {}
        for entry in layer_list(config):
            if not isinstance(entry, dict) or "class_name" not in entry:
                raise ConversionError("the model's configuration lists something that is not a layer")
            kind = entry["class_name"].rsplit(">", 1)[-1]
            key = snake_case(kind)
            count = used.get(key, 0)
            used[key] = count + 1
            name = layer_name(entry)
            check_class(entry, name, kind)
            place = f"{store}layers/{key}_{count}/" if count else f"{store}layers/{key}/"
            options = entry["config"] if isinstance(entry["config"], dict) else {}
            yield entry, Layer(name, kind, options, (*path, name), place)

    def sequential(self, config, inputs, path, store):
        entries = list(self.layers(config, path, store))
        if inputs is None:
            first = entries[0][1] if entries else None
            if first is not None and first.kind == "InputLayer":
                entries = entries[1:]
            else:
                shape = config.get("build_input_shape") if isinstance(config, dict) else None
                first = Layer("input", "InputLayer", {"batch_shape": shape}, (*path, "input"), "")
            values = [self.node(first, [])]
        else:
            values = list(inputs)
        for entry, layer in entries:
            if layer.kind != "InputLayer":
                values = self.call(entry, layer, values, {})
        return values

    def functional(self, config, inputs, path, store):
        entries = {}
        for entry, layer in self.layers(config, path, store):
            entries[layer.name] = (entry, layer)
        values = {}  # (layer name, call) → outputs
        references = tensor_references(config["input_layers"])
        for index, (name, _, _) in enumerate(references):
            if name not in entries:
                raise ConversionError(f"input layer {name} is not in the model")
            if inputs is None:
                values[name, 0] = [self.node(entries[name][1], [])]
            elif index < len(inputs):
                values[name, 0] = [inputs[index]]
            else:
                raise ConversionError(f"model {path[-1]} is called without its input {name}")
        pending = [
            (entry, layer, call, inbound)
            for entry, layer in entries.values()
            for call, inbound in enumerate(entry.get("inbound_nodes") or [])
            if (layer.name, 0) not in values or call
        ]
        while pending:
            waiting = []
            for item in pending:
                entry, layer, call, inbound = item
                try:
                    arguments, keywords = call_arguments(inbound, values)
                except KeyError:
                    waiting.append(item)
                    continue
                values[layer.name, call] = self.call(entry, layer, arguments, keywords)
            if len(waiting) == len(pending):
                raise ConversionError(f"the inputs of layer {waiting[0][1].name} are not in the model")
            pending = waiting
        try:
            return [lookup(values, *reference) for reference in tensor_references(config["output_layers"])]
        except KeyError as error:
            raise ConversionError(f"output layer {error.args[0]} is not in the model") from error


def lookup(values, name, call, index):
    """A tensor by its reference; a layer that is called once may be referred to by any call."""
    if (name, call) not in values and (name, 1) not in values:
        call = 0
    found = values[name, call]
    if index >= len(found):
        raise ConversionError(f"layer {name} gives several values, which is not supported")
    return found[index]


def tensor_references(references):
    """[["a", 0, 0], …], or a single ["a", 0, 0], or Keras 3's dictionary of them."""
    if isinstance(references, dict):
        references = list(references.values())
    if references and isinstance(references[0], str):
        references = [references]
    result = []
    for reference in references:
        while isinstance(reference, list) and len(reference) == 1:
            reference = reference[0]
        result.append(tuple(reference[:3]))
    return result


def is_reference(item):
    """Whether this is Keras 2's way to write a tensor: name, call, index and perhaps keywords."""
    return (
        isinstance(item, list)
        and len(item) in (3, 4)
        and isinstance(item[0], str)
        and isinstance(item[1], int)
        and not isinstance(item[1], bool)
    )


def call_arguments(inbound, values):
    """Positional and keyword arguments of a call. Raises KeyError while an input is not known yet."""
    if isinstance(inbound, dict):  # Keras 3
        arguments = resolve(inbound.get("args", []), values)
        return arguments, resolve(inbound.get("kwargs", {}), values)
    if is_reference(inbound):
        inbound = [inbound]
    arguments, keywords = [], {}
    for item in inbound:
        if item[0] == "_CONSTANT_VALUE":
            arguments.append(item[2])
        else:
            arguments.append(lookup(values, *item[:3]))
        if len(item) > 3:
            keywords.update({key: keras_2_keyword(value, values) for key, value in item[3].items()})
    return arguments, keywords


def keras_2_keyword(value, values):
    """A keyword argument, where a tensor may stand as a reference."""
    if is_reference(value) and len(value) == 3:
        if value[0] == "_CONSTANT_VALUE":
            return value[2]
        return lookup(values, *value)
    return value


def resolve(item, values):
    """A copy of Keras 3's serialised arguments with nodes for tensors and plain lists for constant arrays."""
    if isinstance(item, dict):
        kind = item.get("class_name")
        if kind == "__keras_tensor__":
            return lookup(values, *item["config"]["keras_history"])
        if kind in ("__tensor__", "__numpy__"):
            return item["config"]["value"]
        if kind == "__tuple__":
            return [resolve(part, values) for part in item.get("items", item.get("config", {}).get("value", []))]
        return {key: resolve(value, values) for key, value in item.items()}
    if isinstance(item, (list, tuple)):
        return [resolve(part, values) for part in item]
    return item


def flatten(item):
    """The leaves of nested lists and dictionaries."""
    if isinstance(item, (list, tuple)):
        for part in item:
            yield from flatten(part)
    elif isinstance(item, dict):
        for part in item.values():
            yield from flatten(part)
    else:
        yield item


def input_shape(node, nodes):
    """The shape of one image that the model says it takes, or None."""
    candidates = [node.config] + [other.config for other in nodes]
    for config in candidates:
        shape = config.get("batch_shape") or config.get("batch_input_shape")
        if shape and len(shape) == 4:
            return tuple(shape[1:])
    return None


def read_graph(config):
    """The flat graph of a model's configuration: {"class_name": …, "config": …}."""
    if not isinstance(config, dict) or "class_name" not in config or not is_model(config):
        kind = config.get("class_name") if isinstance(config, dict) else None
        raise ConversionError(
            f"the model is of the class {kind}: only functional and sequential models describe their layers"
            if kind
            else "the file does not describe a functional or sequential model"
        )
    reader = Reader()
    outputs = reader.model(config, None, (), "")
    inputs = [node for node in reader.nodes if node.kind == "InputLayer"]
    if len(outputs) != 1:
        raise ConversionError(f"the model has {len(outputs)} outputs, one is supported")
    if len(inputs) != 1:
        raise ConversionError(f"the model has {len(inputs)} inputs, one image is supported")
    needed = {id(outputs[0])}
    for node in reversed(reader.nodes):
        if id(node) in needed:
            needed.update(id(source) for source in node.inputs)
    nodes = [node for node in reader.nodes if id(node) in needed]
    if id(inputs[0]) not in needed:
        raise ConversionError("the model's output does not depend on its input")
    name = config["config"].get("name") if isinstance(config["config"], dict) else None
    return Graph(inputs[0], outputs[0], nodes, input_shape(inputs[0], nodes), name if isinstance(name, str) else "")
