"""Finds the structure of a torch head by whatever tells it: the modules of a whole model, names, options, habits."""

import dataclasses

from . import families, torch_head, torch_structure
from .errors import ConversionError, UnknownNetwork

# timm's names of the poolings; the mean of both is another one.
TIMM_POOLINGS = {"avg": "average", "fast": "average", "fastavg": "average", "max": "max", "fastmax": "max", "catavgmax": "average+max", "fastcatavgmax": "average+max"}
# The classes of torch and of the libraries whose layers a head may have.
PART_KINDS = {
    "dense": ("Linear", "NonDynamicallyQuantizableLinear", "Conv2d"),
    "batch_norm": ("BatchNorm1d", "BatchNorm2d", "SyncBatchNorm"),
    "layer_norm": ("LayerNorm", "LayerNorm2d", "ConvNextLayerNorm"),
}


class HeadReader:
    """Finds the head's structure by whatever tells it."""

    config = {}  # of the model in its library

    def __init__(self, base, naming_, checkpoint, options, account, layers=None):
        self.layers = layers  # of the base, in a whole model
        self.base, self.naming, self.checkpoint = base, naming_, checkpoint
        self.options, self.account = options, account
        self.architecture = base.architecture

    def read(self, parts, size, padding):
        """The chain and the function after it, as far as that is known."""
        if self.naming.library == "timm" and self.naming.family == "vgg":
            self.refuse_large_maps(size, padding)
        self.check_kinds(parts)
        found = self.of_modules(parts, self.architecture.feature_size(*size, same=padding == "same"))
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

    def refuse_large_maps(self, size, padding):
        """timm convolves a map that is larger than 7×7 by its first linear layer, and pools what comes of it."""
        if max(self.architecture.feature_size(*size, same=padding == "same")) > 7:
            raise UnknownNetwork(
                f"timm's VGG computes otherwise for pictures larger than 224×224, such as {size[0]}×{size[1]}: export it as ONNX"
            )

    # A whole model.

    def check_kinds(self, parts):
        """Refuses layers that have the tensors of a linear layer or a norm, and are another class."""
        for part in parts:
            record = self.record(part)
            if record is not None and record.kind not in PART_KINDS[part.kind]:
                what = part.kind.replace("_", " ").replace("dense", "linear layer")
                raise ConversionError(
                    f"layer {part.name} ({record.kind}) has the tensors of a {what} and may compute otherwise: export the model as ONNX"
                )

    def of_modules(self, parts, extents):
        modules = self.checkpoint.modules
        if not modules or self.options.head or self.naming.library:
            return None
        module = self.base.prefix.removesuffix(".")
        if self.naming.family == "cut resnet":
            module = self.naming.prefix.removesuffix(".")
        try:
            items = torch_structure.chain(modules, module, self.layers.after())
            return torch_head.from_structure(items, parts, self.architecture.channels, extents)
        except torch_structure.Unknown:
            return None  # What the names say is all that there is.

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
        told, teller = ("", "") if option else self.timm_pooling()
        self.refuse_windows(parts)
        parts, fitting = torch_head.choose_head(parts, ways, option or told, self.architecture)
        way = fitting[0]
        held = self.held_poolings() if not option and not told else {}
        if held:
            way = next((item for item in fitting if item.name in held), way)
        if self.naming.library == "timm" and way.name == "max+average" and not option:
            way = next(item for item in fitting if item.name == "average+max")  # timm's catavgmax.
        if told:
            self.account.say("pooling", teller, way.name)
        elif way.name in held:
            self.account.assume("pooling", f"{held[way.name]} is in the pickled model, its code is not in the file; --pooling", way.name)
        else:
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

    def refuse_windows(self, parts):
        """Refuses convolutions of more than one place of the map, which may have paddings, unless told that they have none."""
        for part in parts:
            if part.window and part.window != (1, 1) and not self.naming.library and self.options.pooling != "flatten":
                raise ConversionError(
                    f"layer {part.name} is a convolution of {part.window[0]}×{part.window[1]}: if it takes the whole map at once, --pooling flatten "
                    "says so; else export the model as ONNX"
                )

    def outside(self):
        """The layers without tensors of a pickled model that are outside of its base, by name."""
        if not self.checkpoint.modules or self.naming.library or self.layers.record is None:
            return []
        base = {id(record) for _, record, _ in self.layers.layers()}
        found = [(name, record) for name, record in self.checkpoint.modules.walk() if id(record) not in base]
        return [(name, record) for name, record in found if not self.checkpoint.modules.children(record)]

    def held_poolings(self):
        """The poolings that a pickled model holds outside of its base, by what they are called here: the name of their layer."""
        result = {}
        for name, record in self.outside():
            if "Pool" in record.kind:
                item = torch_head.pooling_of(name, record)
                if item is None:
                    raise ConversionError(f"layer {name} ({record.kind}) is in the pickled model, whose code is not in the file: --pooling says what is called")
                kinds = {"global_average_pool": "average", "global_max_pool": "max", "global_concat_pool": "max+average"}
                result[kinds.get(item["kind"], "flatten")] = f"{name} ({record.kind})"
        return result if len(result) == 1 else {}

    def timm_pooling(self):
        """The pooling that timm's own module or configuration names, and which of them does."""
        if self.naming.library not in ("", "timm"):  # Its residual networks have torchvision's names.
            return "", ""
        found = []
        for name, record in self.checkpoint.modules.walk() if self.checkpoint.modules else ():
            if record.kind == "SelectAdaptivePool2d":
                found.append((record.attributes().get("pool_type"), f"{name} of the pickled model"))
        arguments = self.config.get("model_args")
        for holder in (arguments if isinstance(arguments, dict) else {}, self.config):
            if "global_pool" in holder:
                found.append((holder["global_pool"], "config.json"))
        for kind, origin in found[:1]:
            if kind not in TIMM_POOLINGS:
                raise UnknownNetwork(f"{origin}: the pooling {kind!r} (global_pool) is not supported: export it as ONNX")
            if self.architecture.name.startswith("vgg"):  # It pools behind its first layers, which are convolutions.
                if TIMM_POOLINGS[kind] != "average":
                    raise UnknownNetwork(f"{origin}: the pooling {kind!r} of a VGG is not supported: export it as ONNX")
                return "", ""
            return TIMM_POOLINGS[kind], origin
        return "", ""

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
        elif way.name == "flatten" and len(fitting) == 1:
            self.account.say("pooling", "the size of the first layer", text)
        elif own and way.name == "average" and not self.architecture.name.startswith("vgg"):
            self.account.say("pooling", f"{own}'s own", text)
        elif fastai:
            self.account.say("pooling", "fastai's head", text)
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
            origin, functions = f"{own}'s own, by the names", ["relu"]
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
        elif not fastai and not (own and parts[0].index in (None, 0, 1)):
            held = [name for name, record in self.outside() if torch_structure.function_of(name, record)]
            what = f"{', '.join(held[:4])} of the pickled model may be called there" if held else "a state dict does not say it"
            self.account.assume("before", f"{what}: --pooled-activation", "no activation")

    def between(self, parts, own, fastai):
        known = []
        if own and self.architecture.name.startswith("vgg"):
            known = [("classifier\\.0", "classifier\\.3(\\.0)?", "relu"), ("classifier\\.3", "classifier\\.6(\\.0)?", "relu")]
        if own and self.architecture.name.startswith("mobilenet_v3"):
            known = [("classifier\\.0", "classifier\\.3(\\.0)?", "hard_swish")]
        if self.architecture.name.startswith("convnext") and own:
            known = [("classifier\\.0", "classifier(\\.2)?", "none")]
        if fastai:
            known = [("2", "4", "none"), ("4", "6", "relu"), ("6", "8", "none")]
        functions, gaps = torch_head.gaps_of(parts, known)
        if self.options.head_activation and not gaps and not fastai:
            # The option stands above what the library has: the same names may be those of another head.
            gaps = [position for position, function in functions.items() if function] or self.linear_neighbours(parts)
        gaps = self.told_by_modules(parts, functions, gaps)
        result = torch_head.fill_gaps(parts, functions, gaps, self.options.head_activation)
        self.say_head(parts, own, fastai, functions, bool(gaps), bool(known))
        return result

    def say_head(self, parts, own, fastai, functions, has_gaps, is_known):
        """Who says what the layers are, and what stands between them."""
        doubts = [] if fastai else self.doubts(parts, own)
        if self.options.head_activation and has_gaps:
            origin = "--head-activation"
        elif fastai:
            origin = "fastai's head"
        elif any(functions.values()) and own and not self.has_own_widths(parts):
            origin = ""
            doubts.insert(0, f"{own} has these functions under these names; --head-activation")
        elif self.linear_neighbours(parts) and not self.checkpoint.modules:
            origin = ""
            doubts.insert(0, "the numbers of the layers leave no place for an activation; --head-activation")
        else:
            origin = f"{own}'s own" if is_known else "the numbers of the layers" if len(parts) > 1 else "the tensors"
        if doubts:
            self.account.assume("head", "; ".join(doubts if origin != "--head-activation" else [origin, *doubts]))
        else:
            self.account.say("head", origin)

    def doubts(self, parts, own):
        """What the tensors alone do not tell of the layers of a head that are not the library's own."""
        result = []
        untold = [part for part in parts if self.record(part) is None]  # Those of a pickled model have their classes.
        norms = [part for part in untold if part.kind in torch_head.NORMS]
        if own and self.architecture.name.startswith("convnext"):
            norms = [part for part in norms if part is not parts[0]]
        for part in norms:
            if part.kind == "layer_norm":
                result.append(f"{part.name} is taken as a layer norm, a group norm and a batch norm of the batch itself have the same tensors")
        for part in untold if not self.naming.library else ():
            if part.window:
                where = "behind the pooling" if part.window == (1, 1) else "one of the whole map, without padding"
                result.append(f"{part.name} is a convolution and taken as {where}")
        if norms and self.options.head_epsilon is None:
            result.append(f"a state dict does not say the epsilon of its norms, {torch_head.EPSILON:g} is torch's; --head-epsilon")
        last = parts[-1]
        if last.kind == "dense" and "bias" not in last.tensors and self.record(last) is None:
            result.append(f"{last.name} has no bias: it is taken as linear, not as one that compares directions (ArcFace, cosine)")
        return result

    def record(self, part):
        """The layer as a whole pickled model has it."""
        return self.checkpoint.modules.find(part.name) if self.checkpoint.modules else None

    @staticmethod
    def linear_neighbours(parts):
        """Places between linear layers whose numbers follow each other: in a list of modules, unlike a Sequential, the
        forward pass may call a function there."""
        return [
            position for position, (one, other) in enumerate(zip(parts, parts[1:]))
            if one.kind == other.kind == "dense" and one.parent == other.parent and one.index is not None
            and other.index is not None and other.index - one.index == 1
        ]  # fmt: skip

    def has_own_widths(self, parts):
        """Whether the hidden layers are as wide as the library's."""
        width = {"vgg": 4096, "mobilenet_v3_large": 1280, "mobilenet_v3_small": 1024}
        family = "vgg" if self.architecture.name.startswith("vgg") else self.architecture.name
        return parts[0].outputs == width.get(family)

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
        record = self.record(part)
        if record is not None and isinstance(record.attributes().get("eps"), float):
            return record.attributes()["eps"]
        if self.options.head_epsilon is not None:
            return self.options.head_epsilon
        if part.kind == "layer_norm" and own and self.architecture.name.startswith("convnext"):
            return float(self.config.get("layer_norm_eps", 1e-12)) if own == "transformers" else families.LAYER_NORM_EPSILON
        return torch_head.EPSILON


def pooling_text(head):
    kinds = [item for item in head if "pool" in item["kind"] or item["kind"] == "flatten"]
    return ", ".join(f"{item['kind']} {item.get('size', item.get('order', ''))}".strip().replace("_", " ") for item in kinds)
