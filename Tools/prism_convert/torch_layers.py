"""Whether the base of a whole pickled torch model is the network whose tensors it has.

Tensors say nothing of strides, poolings and functions; a pickled model has them as modules. Every layer of the base is
compared with the step that it is taken for, and one that is none of them is refused by name. What classes that are not a
library's call one after another is code, which is not in the file: their names are told.
"""

import collections

from . import torch_structure
from .errors import ConversionError
from .torch_modules import Modules
from .torch_pickle import Tensor
from .torch_structure import function_of, join, pair

CONVOLUTIONS = (
    "Conv2d", "Conv2dSame", "Conv2dDynamicSamePadding", "Conv2dStaticSamePadding", "Linear", "EfficientNetDepthwiseConv2d",
)  # fmt: skip
NORMS = (
    "BatchNorm2d", "SyncBatchNorm", "FrozenBatchNorm2d", "BatchNormAct2d", "FrozenBatchNormAct2d", "LayerNorm",
    "LayerNorm2d", "ConvNextLayerNorm",
)  # fmt: skip
KINDS = {"conv": CONVOLUTIONS, "batch_norm": NORMS, "layer_norm": NORMS}
PASSING = ("Identity", "Dropout", "Dropout2d", "StochasticDepth", "DropPath", "ConvNextDropPath")
POOLS = {"MaxPool2d": "max_pool", "AvgPool2d": "average_pool"}
LIBRARIES = ("torch.nn.", "torchvision.", "timm.", "transformers.", "torchxrayvision.", "fastai.", "efficientnet_pytorch.")
# Libraries that call a function, or one module several times, where others have a module for each call.
FUNCTIONAL = ("efficientnet_pytorch.",)
LAYERS = 100_000  # that are looked at; a module may stand in many places
IN_ORDER = ("Sequential", "DataParallel", "DistributedDataParallel", "OptimizedModule", "AveragedModel")


class BaseLayers:
    """The layers of the base in a whole model, by their names in the file."""

    def __init__(self, base, naming_, modules):
        self.architecture, self.modules = base.architecture, modules
        self.places = {}  # the module of every tensor's step
        old = naming_.names
        for step in self.architecture.steps:
            for name, _ in step.tensors(1):
                file_name = old[base.names[name]]
                self.places[file_name.rpartition(".")[0]] = step
        self.parent = common(list(self.places))
        self.record = modules.find(self.parent)
        self.children = self.split() if self.record is not None else ([], [], [])

    def check(self):
        """Refuses a base that computes otherwise; the classes whose code is not in the file."""
        foreign = [record for record in self.ancestors() if is_foreign(record)]
        if self.record is None:
            return foreign
        layers = list(self.layers())
        inside = [record for _, record, has_children in layers if has_children]
        own = [record for record in (self.record, *inside) if is_foreign(record)]
        self.refuse_kinds(layers)
        found = [(name, record) for name, record, has_children in layers if not has_children and name not in self.places]
        functional = bool(own) or any(record.path.startswith(FUNCTIONAL) for record in inside)
        self.compare_functions(found, functional)
        self.compare_pools(found, functional)
        return [*foreign, *(record for record in own if record not in foreign)]

    # Where the base is.

    def ancestors(self):
        """The modules from the whole model down to the one that holds the base, that one left out."""
        name, result = "", []
        for part in self.parent.split(".") if self.parent else ():
            record = self.modules.find(name)
            if record is not None:
                result.append(record)
            name = join(name, part)
        return result

    def split(self):
        """The children of the module that holds the base: before it, its own, and those after it."""
        children = list(Modules.children(self.record).items())
        own = [i for i, (key, _) in enumerate(children) if self.holds(join(self.parent, key))]
        if not own:
            return [], children, []
        end = own[-1] + 1
        # VGG's last function and pooling; other bases end inside of a child.
        for _, record in children[end : end + 2] if self.architecture.name.startswith("vgg") else ():
            end += is_leaf(record)
        return children[: own[0]], children[own[0] : end], children[end:]

    def holds(self, name):
        return any(place == name or place.startswith(name + ".") for place in self.places)

    def layers(self):
        """Name, record and whether it has children, of every module of the base; one in two places comes twice."""
        left = [LAYERS]

        def visit(name, record, depth):
            left[0] -= 1
            if left[0] < 0 or depth > 100:
                raise ConversionError("the modules of the pickled model do not come to an end")
            children = Modules.children(record)
            yield name, record, bool(children)
            for key, child in children.items():
                yield from visit(join(name, key), child, depth + 1)

        for key, child in self.children[1]:
            yield from visit(join(self.parent, key), child, 0)

    def before(self):
        """The layers that are called before the base, where their order is told."""
        name = ""
        records = [*self.ancestors(), self.record] if self.record is not None else self.ancestors()
        parts = self.parent.split(".") if self.parent else []
        for position, record in enumerate(records):
            children = list(Modules.children(record).items())
            if position < len(parts):
                keys = [key for key, _ in children]
                children = children[: keys.index(parts[position])]
            else:
                children = self.children[0]
            if record.kind in IN_ORDER:
                for key, child in children:
                    yield from leaves(join(name, key), child)
            name = join(name, parts[position]) if position < len(parts) else name

    def after(self):
        """The layers behind the base in the Sequential that holds it."""
        if self.record is None or self.record.kind not in IN_ORDER:
            return []
        return [leaf for key, child in self.children[2] for leaf in leaves(join(self.parent, key), child)]

    # What they are.

    def refuse_kinds(self, layers):
        """Refuses layers with and without tensors that are none of the base's."""
        title = self.architecture.title
        expected = {step.function for step in self.architecture.steps if step.kind == "activation"}
        for name, record, has_children in layers:
            step = self.places.get(name)
            if step is not None and step.kind in KINDS:
                if record.kind not in KINDS[step.kind]:
                    raise ConversionError(f"layer {name} ({record.kind}) is in the base, which may compute otherwise: export it as ONNX")
            elif not has_children and step is None and not self.is_passing(name, record):
                function = function_of(name, record)
                if record.kind not in POOLS and function not in expected:
                    what = "tanh GELU" if function == "gelu_tanh" else record.kind
                    raise ConversionError(f"layer {name} ({what}) is in the base: {title} has {', '.join(sorted(expected))}")

    def is_passing(self, name, record):
        """Whether a layer without tensors does nothing, or what its library has there beside the functions."""
        if record.kind == "AdaptiveAvgPool2d":
            squeezes = any(step.kind == "squeeze" for step in self.architecture.steps)
            return squeezes and pair(record.attributes().get("output_size")) == (1, 1)
        if record.kind == "Permute":
            return self.architecture.name.startswith("convnext")
        if record.kind == "ZeroPad2d":  # Of transformers' EfficientNet.
            parent = self.modules.find(name.rpartition(".")[0])
            return parent is not None and parent.path.startswith("transformers.")
        return record.kind in PASSING or record.kind in ("Sequential", "ModuleList", "ModuleDict")  # Empty ones.

    def compare_functions(self, found, functional):
        """Refuses a base with more functions or fewer than it must have."""
        wanted = collections.Counter(step.function for step in self.architecture.steps if step.kind == "activation")
        counts = collections.Counter(function_of(name, record) for name, record in found)
        for function, count in wanted.items():
            if counts[function] in self.usual_counts(function, count) or functional and counts[function] < count:
                continue
            if not counts[function] and function in ("sigmoid", "hard_sigmoid") and not self.has_open_gates(found):
                continue  # Old versions call the function.
            raise ConversionError(
                f"the base has {counts[function]} layers of {function}, {self.architecture.title} has {count}: export it as ONNX"
            )

    def usual_counts(self, function, count):
        """In how many modules libraries have a function."""
        name = self.architecture.name
        if function == "relu" and name.startswith("densenet"):
            return (count, count - 1)  # The last is a call.
        if function == "relu" and not name.startswith(("vgg", "mobilenet")):
            blocks = sum(step.kind == "add" for step in self.architecture.steps)
            return (count, 1 + blocks)  # torchvision's blocks have one for all their places.
        return (count,)

    def has_open_gates(self, found):
        """Whether something that does nothing stands in a squeeze-and-excitation."""
        for name, record in found:
            parent = self.modules.find(name.rpartition(".")[0])
            if record.kind == "Identity" and parent is not None and parent.kind.startswith("Squeeze"):
                return True
        return False

    def compare_pools(self, found, functional):
        """Refuses other poolings than the base's."""
        wanted = [step for step in self.architecture.steps if step.kind in POOLS.values()]
        pools = [(name, record) for name, record in found if record.kind in POOLS]
        for (name, record), step in zip(pools, wanted):
            if not is_pool(record, step):
                attributes = record.attributes()
                settings = ", ".join(f"{key} {attributes.get(key)}" for key in ("kernel_size", "stride", "padding", "ceil_mode"))
                raise ConversionError(
                    f"layer {name} ({record.kind}: {settings}) is in the base: {self.architecture.title} has "
                    f"{step.kind.replace('_', ' ')} of {step.kernel}, stride {step.stride}, padding {step.pad}"
                )
        if len(pools) > len(wanted) or len(pools) < len(wanted) and not functional:
            raise ConversionError(
                f"the base has {len(pools)} poolings, {self.architecture.title} has {len(wanted)}: export it as ONNX"
            )


def is_pool(record, step):
    """Whether a pooling does what the step does."""
    attributes = record.attributes()
    kernel = pair(attributes.get("kernel_size"))
    stride = pair(attributes.get("stride")) or kernel
    same = kernel == (step.kernel,) * 2 and stride == (step.stride,) * 2
    same = same and pair(attributes.get("padding", 0)) == (step.pad,) * 2 and POOLS[record.kind] == step.kind
    plain = not attributes.get("ceil_mode") and pair(attributes.get("dilation", 1)) == (1, 1)
    return same and plain and not attributes.get("divisor_override")


def is_leaf(record):
    return not Modules.children(record)


def leaves(name, record, depth=0):
    """The layers in a module, in the order of their registration."""
    children = Modules.children(record)
    if not children or depth > 100:
        yield name, record
    for key, child in children.items():
        yield from leaves(join(name, key), child, depth + 1)


def is_foreign(record):
    """Whether a class is the user's own."""
    return not record.path.startswith(LIBRARIES) and record.kind not in IN_ORDER


def common(names):
    """What the names of modules begin with, whole parts; of one name all but its last part."""
    first, *others = [name.split(".") for name in names]
    parts = []
    for place, part in enumerate(first[:-1]):
        if any(len(other) <= place + 1 or other[place] != part for other in others):
            break
        parts.append(part)
    return ".".join(parts)


# What stands before it.


def normalisation_before(layers):
    """The operations of a normalisation before the base and its name, or `None`; refuses other layers there."""
    found = None
    for name, record in layers.before():
        if record.kind in torch_structure.NOTHING or record.kind in torch_structure.DROPOUTS:
            continue
        mean, std = (numbers(record, key) for key in ("mean", "std"))
        if "normal" not in record.kind.lower() or not mean or not std or found:
            raise ConversionError(f"layer {name} ({record.kind}) stands before the base, which is not supported: export it as ONNX")
        if len(mean) != len(std) or min(std) <= 0:
            raise ConversionError(f"layer {name} ({record.kind}) has the mean {mean} and the deviation {std}")
        operations = [("add", [-value for value in mean]), ("divide", std)]
        if max(map(abs, mean)) <= 1 and max(std) <= 1:
            operations.insert(0, ("divide", 255))
        taken = ", taken as (x − mean) / std" if is_foreign(record) else ""
        found = operations, f"{name} ({record.kind}) before the base{taken}"
    return found


def numbers(record, key):
    """The numbers that a module keeps under a name, in whatever way."""
    attributes = record.attributes()
    value = attributes.get(key)
    for part in ("_buffers", "_parameters"):
        inner = attributes.get(part)
        value = inner.get(key) if value is None and isinstance(inner, dict) else value
    if isinstance(value, Tensor) and value.is_float and value.count in (1, 3, 4):
        return value.array().reshape(-1).astype(float).tolist()
    value = [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else value
    good = isinstance(value, (list, tuple)) and len(value) in (1, 3, 4)
    good = good and all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value)
    return [float(item) for item in value] if good else None
