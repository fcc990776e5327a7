"""Reads a torch model: the base by the names and shapes of its tensors, and a head of linear layers and norms."""

import dataclasses
import re

from . import families, graph_steps, naming, torch_extras, torch_head, torch_structure, xray
from .architectures import SUPPORTED, Architecture, architectures
from .errors import ConversionError
from .flatfile import names
from .heads import name_head
from .model import Model
from .torch_files import open_file

SIZES = {"efficientnet_v2_s": 384, "efficientnet_v2_m": 480, "efficientnet_v2_l": 480}
SIZES |= {f"efficientnet_{name}": row[2] for name, row in families.EFFICIENTNETS.items()}
SIZE_KEYS = ("img_size", "image_size", "input_size", "crop_size", "resolution", "image_resolution", "im_size", "size")


@dataclasses.dataclass
class Base:
    """A recognised base and where its tensors are."""

    architecture: Architecture
    prefix: str  # before the base's tensors, `features.` included for those that have it
    names: dict  # of the architecture's tensors in the checkpoint

    @property
    def wrapper(self):
        """What stands before the whole model of the library."""
        return self.prefix.removesuffix("features.") if self.prefix.endswith("features.") else self.prefix


def read(path, options, said, account):
    """The model in a torch checkpoint or safetensors file; `said` is what files beside it say."""
    checkpoint = open_file(path, options, account)
    state = checkpoint.tensors
    extras = torch_extras.take(state)
    naming_ = naming.rename(state)
    state = {new: state[old] for new, old in naming_.names.items()}
    base = choose_base(state, options, account)
    base = with_transformers_padding(with_stem(base, state), naming_, said)
    tensors = {name: state.pop(key) for name, key in base.names.items()}
    said = said or xray.recognise(path, base.architecture, last_units(state))
    size = choose_size(base.architecture, checkpoint, options, said, account)
    check_configuration(naming_, said)
    convention = choose_convention(base, naming_, checkpoint, options, said, account)
    parts = torch_head.head_parts(chosen_head(state, options, account))
    if not any(part.kind == "dense" for part in parts):
        raise ConversionError("the checkpoint has no classification head: it ends with its features")
    head = HeadReader(base, naming_, checkpoint, options, account)
    chain, output = head.read(parts, size, convention[0])
    architecture = head.architecture
    channels = stem_channels(base, tensors)
    if not architecture.native or channels != 3:
        architecture = dataclasses.replace(architecture, native=False, image_channels=channels)
    if not architecture.native:
        tensors = {name: tensors[name] for name in architecture.tensors()}
        tensors = graph_steps.shaped(architecture, tensors)
    tensors.update(name_head(architecture.name, chain.head, chain.weights, architecture.native))
    account.say("base", f"the tensors' names and shapes{', as ' + naming_.library + ' has them' if naming_.library else ''}")
    model = Model(
        architecture=architecture, framework="torch", tensors=tensors, head=chain.head, output=output, size=size,
        padding=convention[0], epsilon=convention[1], preprocessing=[], resize="bilinear_antialias",
        labels=checkpoint.labels, account=account, said=said, library=naming_.library,
    )  # fmt: skip
    if not architecture.native:
        model.graph = graph_steps.graph(architecture, size, model.padding, model.epsilon)
        model.aliases = stage_aliases(architecture)
    apply_extras(model, extras, checkpoint)
    return model


# The base.


def choose_base(state, options, account):
    """The base of the checkpoint; of several, that of the option, or the one that is no average or teacher."""
    refuse_others(state)
    found = list(bases(state))
    chosen = found
    listed = names(repr(base.prefix) for base in found)
    if options.weights:
        chosen = [base for base in found if base.prefix.startswith(options.weights)]
        if not chosen:
            raise ConversionError(f"there is no base under {options.weights} (--weights): there is {listed}")
    elif len(found) > 1:
        chosen = [base for base in found if not re.search(r"ema|teacher|shadow|target|momentum|average", base.prefix)]
    if len(chosen) != 1:
        raise ConversionError(f"there are {len(found)} bases, under {listed}: --weights says which one to take")
    (base,) = chosen
    others = [other for other in found if other is not base]
    if options.weights:
        account.say("weights", "--weights", base.prefix)
    elif others:
        account.assume("weights", f"there is also {names(other.prefix for other in others)}: --weights", base.prefix)
    for other in others:
        drop = differing(other.prefix, base.prefix)
        for name in [name for name in state if name.startswith(drop)]:
            del state[name]
    return base


def differing(one, other):
    """The first names of a prefix, up to where another one differs."""
    parts = []
    for a, b in zip(one.split("."), [*other.split("."), ""]):
        parts.append(a)
        if a != b:
            break
    return ".".join(parts) + "."


def bases(state):
    """Every base whose every tensor is there, Prism's own first; raises what is wrong with the nearest if there is none."""
    found, worst = [], None
    for architecture in architectures():
        expected = {name.removeprefix("features."): shape for name, shape in architecture.tensors().items()}
        stem, shape = next(iter(expected.items()))
        for name, value in state.items():
            if not (name == stem or name.endswith("." + stem)) or not same_stem(value.shape, shape):
                continue
            prefix = name[: len(name) - len(stem)]
            wrong = problems(state, prefix, expected, stem)
            if not wrong:
                keys = {key: prefix + key.removeprefix("features.") for key in architecture.tensors()}
                found.append(Base(architecture, prefix, keys))
            elif worst is None or len(wrong) / len(expected) < worst[0]:
                worst = (len(wrong) / len(expected), architecture.title, wrong)
    taken = {base.prefix for base in found}
    for base, prefix, shapes in families.lay_out(state):
        if prefix in taken:
            continue
        if isinstance(base, families.NotOfFamily):
            worst = worst if worst and worst[0] < 0.2 else (0.2, "a model that can be converted", [str(base)])
            continue
        wrong = differences(base, shapes)
        if not wrong:
            taken.add(prefix)
            found.append(Base(base, prefix, {key: prefix + key.removeprefix("features.") for key in base.tensors()}))
        elif worst is None or len(wrong) / len(shapes) < worst[0]:
            worst = (len(wrong) / len(shapes), base.title, wrong)
    if found:
        return found
    if worst and worst[0] < 0.5:
        raise ConversionError(f"the checkpoint is not quite {worst[1]}: {names(worst[2], 4)}")
    raise ConversionError(
        f"the checkpoint ({names(state, 3)}) is not of a supported architecture ({SUPPORTED}, and the families "
        f"{FAMILIES}): export the model as ONNX"
    )


FAMILIES = "resnet, resnext, vgg, densenet, efficientnet, convnext"


def same_stem(shape, expected):
    """Whether a stem fits, for pictures of one, three or four channels."""
    return len(shape) == 4 and (shape[0], *shape[2:]) == (expected[0], *expected[2:]) and shape[1] in (1, 3, 4)


def problems(state, prefix, expected, stem):
    """What is missing, misshapen or unexpected among the tensors with this prefix."""
    result = []
    for name, shape in expected.items():
        value = state.get(prefix + name)
        if value is None:
            result.append(f"{prefix}{name} is missing")
        elif value.shape != shape and name != stem:
            result.append(f"{prefix}{name} has shape {value.shape}, not {shape}")
    # A prefix that ends with `features.` holds nothing else; another one may hold the head as well.
    if prefix.endswith("features."):
        extra = (n for n in state if n.startswith(prefix) and n[len(prefix) :] not in expected)
        result += [f"{name} is unexpected" for name in extra]
    return result


def differences(architecture, shapes):
    """As `problems`, for a base that was laid out from the shapes; a linear layer may stand for a 1×1 convolution."""
    expected = architecture.tensors()
    result = [f"{name} is missing" for name in expected if name not in shapes]
    result += [f"{name} is unexpected" for name in shapes if name not in expected]
    first = next(iter(expected))
    for name, shape in expected.items():
        if name in shapes and squeezed(shapes[name]) != squeezed(shape) and name != first:
            result.append(f"{name} has shape {shapes[name]}, not {shape}")
    if first in shapes and not same_stem(shapes[first], expected[first]):
        result.append(f"{first} has shape {shapes[first]}, not {expected[first]}")
    return result


def squeezed(shape):
    return tuple(extent for extent in shape if extent != 1)


def last_units(state):
    """The outputs of the only linear layer outside of the base; none where there are several."""
    found = [value.shape[0] for value in state.values() if value.ndim == 2]
    return found[0] if len(found) == 1 else 0


def stem_channels(base, tensors):
    return next(iter(tensors.values())).shape[1]


def with_stem(base, state):
    """The base with as many channels of the picture as its first convolution takes."""
    channels = state[next(iter(base.names.values()))].shape[1]
    if channels == 3:
        return base
    architecture = dataclasses.replace(base.architecture, image_channels=channels, native=False)
    return dataclasses.replace(base, architecture=architecture)


OTHERS = (
    (r"(^|\.)features\.\d+\.block\.2\.fc1\.", "MobileNetV3"),
    (r"(^|\.)patch_embed\.|(^|\.)conv_proj\.|class_token|cls_token", "a vision transformer"),
    (r"(^|\.)Mixed_5b\.|(^|\.)inception4a\.", "an Inception network"),
    (r"(^|\.)features\.\d+\.squeeze\.weight$", "SqueezeNet"),
    (r"(^|\.)stage2\.0\.branch2\.", "ShuffleNet"),
    (r"(^|\.)trunk_output\.block1\.", "RegNet"),
    (r"(^|\.)layers\.8\.0\.layers\.0\.weight$", "MNASNet"),
    (r"(^|\.)repnet\.|(^|\.)rbr_dense\.", "RepVGG"),
    (r"(^|\.)down\d*\.maxpool_conv\.|(^|\.)decoder\.blocks\.|(^|\.)segmentation_head\.", "a segmentation network"),
    (r"(^|\.)model\.22\.dfl\.|(^|\.)rpn\.head\.", "a detection network"),
)


def refuse_others(state):
    """Names well-known architectures that are not supported by their names alone."""
    for pattern, what in OTHERS:
        if any(re.search(pattern, name) for name in state):
            if what == "MobileNetV3" and not any(re.search(r"(^|\.)features\.12\.0\.weight$|(^|\.)features\.16\.0\.weight$", n) for n in state):
                continue
            raise ConversionError(f"the checkpoint is {what}, which is not supported as a checkpoint: export it as ONNX")


def stage_aliases(architecture):
    """The names of stages that users type: the last block of each."""
    result = {}
    for step in architecture.steps:
        found = re.match(r"(layer\d+|features\.\d+)\.\d+$", step.value)
        if found:
            result[found.group(1)] = step.value
    return {alias: value for alias, value in result.items() if all(step.value != alias for step in architecture.steps)}


# What the tensors do not say.


def choose_size(architecture, checkpoint, options, said, account):
    """Height and width: the option's, those of files beside the weights or of the checkpoint's own settings."""
    if options.input_size:
        account.say("size", "--input-size")
        return tuple(options.input_size)
    if said and said.size:
        account.say("size", said.origin)
        return tuple(said.size)
    for key in SIZE_KEYS:
        size = extents(checkpoint.settings.get(key))
        if size:
            account.say("size", f"{key} in the checkpoint")
            return size
    side = SIZES.get(architecture.name, 224)
    account.assume("size", "nothing says it; --input-size")
    return (side, side)


def extents(value):
    if isinstance(value, (list, tuple)) and len(value) == 3 and value[0] in (1, 3):
        value = value[1:]
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value, value)
    good = isinstance(value, (list, tuple)) and len(value) == 2
    good = good and all(isinstance(item, int) and not isinstance(item, bool) and 32 <= item <= 4096 for item in value)
    return tuple(value) if good else None


def choose_convention(base, naming_, checkpoint, options, said, account):
    """Padding and epsilon of the base: of its modules, of the library's configuration, of the option, else torchvision's."""
    architecture = base.architecture
    padding, epsilon, origin = "symmetric", architecture.epsilons.get("torch"), ""
    known = convention_of(naming_, said, options, checkpoint, architecture)
    if known:
        padding, epsilon, origin = known
    if checkpoint.modules:
        old = {new.rpartition(".")[0]: name.rpartition(".")[0] for new, name in naming_.names.items()}

        def module_name(step):
            key = next(iter(name for name, _ in step.tensors(1)))
            return old.get(base.names.get(key, "").rpartition(".")[0], "")

        seen, pads = torch_structure.base_problems(architecture, checkpoint.modules, module_name)
        torch_structure.base_functions(architecture, checkpoint.modules, base.prefix.removesuffix("."))
        if seen is not None:
            epsilon, origin = seen, "the modules of the pickled model"
        padding = pads or padding
    if options.epsilon is not None:
        epsilon, origin = options.epsilon, "--epsilon"
    if options.padding:
        padding, origin = options.padding, f"{origin} and --padding" if origin == "--epsilon" else "--padding"
    if not architecture.epsilons:
        epsilon = None
    if origin:
        account.say("convention", origin)
    elif naming_.library == "timm" and naming_.family in ("efficientnet", "mobilenet_v2"):
        raise ConversionError(
            "these are timm's names, and its models with and without tf_ in their names have the same tensors: "
            "--architecture NAME says which one it is (or --padding and --epsilon)"
        )
    elif architecture.epsilons:
        account.assume("convention", "torchvision's; a state dict does not say them: --epsilon, --padding")
    return padding, epsilon


# What transformers' configurations may say otherwise than the networks that are known here.
USUAL = {
    "resnet": {"downsample_in_bottleneck": (False,), "downsample_in_first_stage": (False,), "hidden_act": ("relu",)},
    "mobilenet_v2": {"hidden_act": ("relu6",), "output_stride": (32,), "finegrained_output": (True,), "first_layer_is_expansion": (True,)},
    "efficientnet": {"hidden_act": ("swish", "silu"), "pooling_type": ("mean",)},
    "convnext": {"hidden_act": ("gelu",)},
}


def check_configuration(naming_, said):
    """Refuses a network of transformers that is configured otherwise than the one whose tensors it has."""
    if naming_.library != "transformers" or not said:
        return
    for key, values in USUAL.get(naming_.family, {}).items():
        if said.config.get(key, values[0]) not in values:
            raise ConversionError(f"config.json: {key} is {said.config[key]}, {values[0]} is supported: export it as ONNX")


def with_transformers_padding(base, naming_, said):
    """EfficientNet of transformers pads as Keras does for a picture of even sizes, whatever the size is."""
    if naming_.library != "transformers" or naming_.family != "efficientnet":
        return base
    odd = said.config.get("depthwise_padding", ()) if said else ()
    steps, block = [], -1
    for step in base.architecture.steps:
        block += step.kind == "conv" and step.groups > 1
        if step.kind == "conv" and step.stride > 1 and not (step.groups > 1 and block in odd):
            step = dataclasses.replace(step, pads=(step.kernel // 2 - 1 if step.groups > 1 else 0, step.kernel // 2))
        steps.append(step)
    return dataclasses.replace(base, architecture=dataclasses.replace(base.architecture, steps=tuple(steps)))


def convention_of(naming_, said, options, checkpoint, architecture):
    """Padding and epsilon by the name of the model in its library, and who says it; `None` where nobody does."""
    name = options.architecture or (said.architecture if said else None)
    origin = "--architecture" if options.architecture else said.origin if said else ""
    if not name and naming_.library == "timm":
        name = next((checkpoint.settings[key] for key in ("arch", "model", "architecture", "model_name") if isinstance(checkpoint.settings.get(key), str)), None)
        origin = "the name in the checkpoint"
    if naming_.library == "transformers" and naming_.family in ("mobilenet_v2", "efficientnet"):
        config = said.config if said else {}
        mobile = naming_.family == "mobilenet_v2"
        epsilon = config.get("layer_norm_eps" if mobile else "batch_norm_eps", 1e-3)
        padding = "same" if mobile and config.get("tf_padding", True) else "symmetric"
        return padding, float(epsilon), said.origin if config else "transformers' defaults"
    if naming_.library == "efficientnet_pytorch":
        return "same", 1e-3, "efficientnet_pytorch's own"
    if naming_.library == "timm" and naming_.family in ("efficientnet", "mobilenet_v2"):
        if not name:
            return None
        return ("same", 1e-3, origin) if "tf_" in name else ("symmetric", 1e-5, origin)
    if naming_.library:
        return "symmetric", architecture.epsilons.get("torch"), f"{naming_.library}'s own"
    return None


def chosen_head(state, options, account):
    """The tensors of the head: all that are left, or those under the option's prefix."""
    if options.head is None:
        return state
    prefix = options.head.rstrip(".")
    chosen = {name: value for name, value in state.items() if name == prefix or name.startswith(prefix + ".")}
    if not chosen:
        left = sorted({name.rpartition(".")[0] for name in state})
        raise ConversionError(f"there is no layer under {options.head} (--head); there are {names(left)}")
    return chosen


class HeadReader:
    """Finds the head's structure by whatever tells it."""

    def __init__(self, base, naming_, checkpoint, options, account):
        self.base, self.naming, self.checkpoint = base, naming_, checkpoint
        self.options, self.account = options, account
        self.architecture = base.architecture

    def read(self, parts, size, padding):
        """The chain and the function after it, as far as that is known."""
        found = self.of_modules(parts)
        if found:
            on_map, chain, output = found
            self.map_functions(on_map, "the pickled model's modules")
            for topic in ("pooling", "head"):
                self.account.say(topic, "the pickled model's modules")
            self.account.say("pooling", "the pickled model's modules", pooling_text(chain.head))
            if output:
                self.account.say("output", "the pickled model's last module")
            return chain, output
        return self.of_names(parts, size, padding), ""

    # A whole model.

    def of_modules(self, parts):
        modules = self.checkpoint.modules
        if not modules or self.options.head or self.naming.library:
            return None
        module = self.base.prefix.removesuffix(".")
        if self.naming.family == "cut resnet":
            module = self.naming.prefix.removesuffix(".")
        try:
            items = torch_structure.chain(modules, module)
            return torch_head.from_structure(items, parts)
        except torch_structure.Unknown as unknown:
            self.why = str(unknown)
            return None

    def map_functions(self, on_map, origin):
        """Functions between the base and the pooling; a DenseNet's own ReLU is one."""
        architecture = self.architecture
        own = architecture.name.startswith("densenet")
        if own and on_map == ["relu"] or not own and not on_map:
            if own:
                self.account.say("features", origin, "ReLU after the last norm")
            return
        if own and not on_map:
            self.account.say("features", origin, "no ReLU after the last norm")
            steps = architecture.steps[:-1]
            self.architecture = dataclasses.replace(architecture, steps=steps, layer=steps[-1].value, native=False)
            return
        steps = architecture.steps[:-1] if own else architecture.steps
        for function in on_map:
            last = dataclasses.replace(
                steps[-1], kind="activation", inputs=(len(steps) - 1,), function=function, module="", value=f"features.{function}",
                kernel=1, stride=1, pad=0, groups=1, bias=False, epsilon=None,
            )  # fmt: skip
            steps = (*steps, last)
        self.account.say("features", origin, f"{', '.join(on_map)} after the base")
        self.architecture = dataclasses.replace(architecture, steps=steps, layer=steps[-1].value, native=False)

    # A state dict.

    def of_names(self, parts, size, padding):
        ways = torch_head.poolings(self.architecture, size, padding)
        own = self.is_own(parts)
        fastai = self.is_fastai(parts)
        option = self.options.pooling
        parts, fitting = torch_head.choose_head(parts, ways, option, self.architecture)
        way = fitting[0]
        if fastai:
            way = next(item for item in fitting if item.name == "max,average") if way.features != self.architecture.channels else way
        self.say_pooling(way, fitting, own, fastai, option)
        self.features_end(own, fastai)
        chain = torch_head.Chain()
        for item in way.items:
            chain.add(item)
        self.before(chain, parts, own, fastai)
        between = self.between(parts, own, fastai)
        for position, part in enumerate(parts):
            chain.part(part, self.epsilon(part, own))
            for function in between[position] if position < len(between) else ():
                chain.function(function)
        chain.end()
        return chain

    def is_own(self, parts):
        """Whose forward pass it is, where all layers of the head are the library's own classifier; else nothing."""
        wrapper, library = self.base.wrapper, self.naming.library
        resnet = self.architecture.name.startswith(("resnet", "wide", "resnext", "se-"))
        inside = ("classifier", "fc", "head") if library == "timm" else ("fc",) if resnet else ("classifier",)
        if library == "transformers":
            return library if all(part.name.rpartition(".")[2].isdigit() or part.name.endswith("classifier") for part in parts) else ""
        record = self.checkpoint.modules.find(wrapper.removesuffix(".")) if self.checkpoint.modules else None
        if record is not None and not record.path.startswith((library or "torchvision", "torchxrayvision")):
            return ""  # A class of the user's own, whose forward pass is not in the file.
        own = all(any(part.name == wrapper + name or part.name.startswith(f"{wrapper}{name}.") for name in inside) for part in parts)
        if not own or self.naming.family == "cut resnet":
            return ""
        if not library and self.base.prefix == wrapper and not resnet:
            return ""  # The base's own names do not follow: only its features were taken.
        return library or "torchvision"

    def is_fastai(self, parts):
        """Whether this is fastai's head behind a cut body: norm, linear, ReLU, norm, linear under these numbers."""
        found = [(part.name.rpartition(".")[0], part.index, part.kind) for part in sorted(parts, key=lambda p: torch_head.natural(p.name))]
        layout = [(2, "batch_norm"), (4, "dense"), (6, "batch_norm"), (8, "dense")]
        parents = {parent for parent, _, _ in found}
        return (
            [(index, kind) for _, index, kind in found] == layout
            and len(parents) == 1 and next(iter(parents)).rpartition(".")[2] == "1"
            and self.base.prefix.startswith(next(iter(parents)).removesuffix("1") + "0.")
        )  # fmt: skip

    def say_pooling(self, way, fitting, own, fastai, option):
        text = way.name
        if option:
            self.account.say("pooling", "--pooling", text)
        elif own or (way.name == "flatten" and len(fitting) == 1):
            self.account.say("pooling", f"{own}'s own" if own and way.name != "flatten" else "the size of the first layer", text)
        elif fastai:
            self.account.say("pooling", "fastai's head", text)
        elif self.checkpoint.settings.get("gp") or self.checkpoint.settings.get("global_pool"):
            self.account.assume("pooling", "--pooling", text)
        else:
            others = [item.name for item in fitting if item is not way]
            self.account.assume("pooling", f"a state dict does not say it; {' or '.join(others)}: --pooling", text)

    def features_end(self, own, fastai):
        """Whether DenseNet's features end with a ReLU, which is a call in torchvision and no layer."""
        if not self.architecture.name.startswith("densenet"):
            return
        option = self.options.features_activation
        if option:
            origin, functions = "--features-activation", [] if option == "none" else [option]
        elif own:
            origin, functions = f"{own}'s own", ["relu"]
        elif fastai:
            origin, functions = "fastai's cut takes no ReLU with it", []
        else:
            raise ConversionError(
                "a state dict does not say whether DenseNet's features go through the ReLU that torchvision calls "
                "after them: --features-activation relu or none says it"
            )
        self.map_functions(functions, origin)

    def before(self, chain, parts, own, fastai):
        """What stands between the pooling and the first layer."""
        option = self.options.pooled_activation
        if option and option != "none":
            chain.function(option)
        if option:
            self.account.say("before", "--pooled-activation", option)
        elif not own and not fastai and not self.first_is_told(parts[0]):
            self.account.assume("before", "a state dict does not say it: --pooled-activation", "no activation")

    def first_is_told(self, first):
        """Whether nothing but a flatten or dropout can stand before the first layer, or a ReLU would change nothing."""
        return self.architecture.steps[-1].kind == "activation" and self.architecture.steps[-1].function in ("relu", "relu6") and first.index in (None, 0, 1)

    def between(self, parts, own, fastai):
        known = []
        if own and self.architecture.name.startswith("vgg"):
            known = [("classifier\\.0", "classifier\\.3(\\.0)?", "relu"), ("classifier\\.3", "classifier\\.6(\\.0)?", "relu")]
        if self.architecture.name.startswith("convnext") and own:
            known = [("classifier\\.0", "classifier(\\.2)?", "none")]
        if fastai:
            known = [("2", "4", "none"), ("4", "6", "relu"), ("6", "8", "none")]
        functions, gaps = torch_head.gaps_of(parts, known)
        gaps = self.told_by_modules(parts, functions, gaps)
        result = torch_head.fill_gaps(parts, functions, gaps, self.options.head_activation)
        if len(parts) > 1:
            told = "--head-activation" if gaps else "fastai's head" if fastai else f"{own}'s own" if known else "the numbers of the layers"
            self.account.say("head", told)
        else:
            self.account.say("head", "the tensors")
        return result

    def told_by_modules(self, parts, functions, gaps):
        """Fills the gaps that lie in one Sequential of a pickled model; the rest is left."""
        modules = self.checkpoint.modules
        if not modules:
            return gaps
        left = []
        for position in gaps:
            one, other = parts[position], parts[position + 1]
            parent = modules.find(one.parent)
            if one.parent != other.parent or parent is None or parent.kind != "Sequential":
                left.append(position)
                continue
            children = list(modules.children(parent).items())
            order = [name for name, _ in children]
            first, last = (order.index(part.name.rpartition(".")[2]) for part in (one, other))
            between = [torch_structure.function_of(name, child) for name, child in children[first + 1 : last]]
            functions[position] = [function for function in between if function]
        return left

    def epsilon(self, part, own):
        modules = self.checkpoint.modules
        record = modules.find(part.name) if modules else None
        if record is not None and isinstance(record.attributes().get("eps"), float):
            return record.attributes()["eps"]
        if part.kind == "layer_norm" and own and self.architecture.name.startswith("convnext"):
            return 1e-12 if own == "transformers" else families.LAYER_NORM_EPSILON
        return torch_head.EPSILON


def pooling_text(head):
    kinds = [item for item in head if "pool" in item["kind"] or item["kind"] == "flatten"]
    return ", ".join(f"{item['kind']} {item.get('size', item.get('order', ''))}".strip().replace("_", " ") for item in kinds)


def apply_extras(model, extras, checkpoint):
    """What tensors beside the network tell of its preprocessing and its output."""
    if extras.normalisation is not None:
        model.preprocessing = extras.normalisation
        model.account.say("pixels", extras.origin)
    if extras.thresholds is not None:
        model.thresholds = extras.thresholds
    if extras.positive_weights and not model.output:
        model.output = "sigmoid"
        model.account.say("output", f"{extras.positive_weights} in the checkpoint weights labels of their own")
    elif extras.class_weights:
        model.class_weights = extras.class_weights
