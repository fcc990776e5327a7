"""The torch module that `--module` names: what a call gives, or what a library builds from config.json; and its weights.

A call is `package.module:factory(name=literal, …)`, whose arguments are read and never evaluated. `timm` or
`transformers` alone builds the network that config.json names, without weights of the library's own and offline.
"""

import ast
import contextlib
import dataclasses
import importlib
import inspect
import io
import logging
import os
import re
import sys
import warnings

import numpy

from . import transforms
from .errors import ConversionError
from .flatfile import names
from .torch_convention import NAME_KEYS
from .verify import import_torchvision

FORM = "write package.module:factory or package.module:factory(name=value, …), or timm or transformers alone"
LITERAL = "a number, a text in quotes, True, False, None, or a list, tuple or dictionary of them"


@dataclasses.dataclass
class Built:
    """A module in which the tensors of a file are."""

    module: object
    origin: str  # who made it, for the account
    said: object = None  # the Transform of files beside the weights, completed by what the library says
    channels: int | None = None  # of the picture, where that is known
    assumed: list = dataclasses.field(default_factory=list)  # what nothing says


def build(torch, options, checkpoint, said):
    """The module of `--module` with the tensors of a checkpoint."""
    with contextlib.suppress(Exception), quiet():
        import_torchvision(torch)  # Which timm needs, and the user's own code may.
    if options.architecture and options.module != "timm":
        raise ConversionError("--architecture goes with --module timm; another module says itself what it is")
    if options.module in BUILDERS:
        return BUILDERS[options.module](torch, options, checkpoint.tensors, checkpoint.settings, said)
    call = parse(options.module)
    module, factory = make(torch, call)
    built = Built(module, f"{call}{f' of {version}' if (version := version_of(call.place)) else ''}", said)
    built.assumed = load(torch, module, checkpoint.tensors, hint=lambda changes: call_hint(call, factory, changes))
    return built


# A call.


@dataclasses.dataclass(frozen=True)
class Call:
    """A factory and its arguments, as `--module` writes them."""

    place: str
    name: str
    arguments: tuple = ()
    keywords: dict = dataclasses.field(default_factory=dict)
    is_plain: bool = False  # whether there are no brackets

    def __str__(self):
        arguments = [*map(repr, self.arguments), *(f"{key}={value!r}" for key, value in self.keywords.items())]
        return f"{self.place}:{self.name}" + ("" if self.is_plain else f"({', '.join(arguments)})")


def parse(text):
    """The call that a text is."""
    place, _, rest = text.partition(":")
    if not place or not rest:
        raise ConversionError(f"--module {text}: {FORM}")
    try:
        tree = ast.parse(rest.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise ConversionError(f"--module {text}: {rest} is neither a name nor a call: {FORM}") from error
    called = tree.func if isinstance(tree, ast.Call) else tree
    name = dotted(called)
    if name is None:
        raise ConversionError(f"--module {text}: {ast.unparse(called)} is no name of a function or class: {FORM}")
    if called is tree:
        return Call(place, name, is_plain=True)
    arguments = tuple(literal(text, node) for node in tree.args)
    keywords = {}
    for item in tree.keywords:
        if item.arg is None:
            raise ConversionError(f"--module {text}: **{ast.unparse(item.value)} has no name: write name=value")
        if item.arg in keywords:
            raise ConversionError(f"--module {text}: {item.arg} is given twice")
        keywords[item.arg] = literal(text, item.value, f"{item.arg}=")
    return Call(place, name, arguments, keywords)


def dotted(node):
    """A name with dots, or None."""
    if isinstance(node, ast.Attribute):
        start = dotted(node.value)
        return start and f"{start}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else None


def literal(text, node, start=""):
    """The value of a literal."""
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise ConversionError(f"--module {text}: {start}{ast.unparse(node)} is no literal ({LITERAL}); nothing is computed here") from error


def make(torch, call):
    """The module that a call gives, and its factory; the working folder is searched first, as python does."""
    factory = None
    sys.path.insert(0, os.getcwd())
    try:
        with quiet():
            factory = importlib.import_module(call.place)
            for part in call.name.split("."):
                factory = getattr(factory, part)
            module = factory(*call.arguments, **call.keywords)
    except (Exception, SystemExit) as error:
        lacking = isinstance(error, TypeError) and call.is_plain
        hint = f"; its arguments are written as {call}(name=value, …)" if lacking else ""
        raise ConversionError(f"--module {call} fails: {first_line(error)}{hint}") from error
    finally:
        sys.path.remove(os.getcwd())
    if not isinstance(module, torch.nn.Module):
        raise ConversionError(f"--module {call} gives a {type(module).__name__}, not a torch.nn.Module")
    return module.eval().float(), factory


# Of these libraries it is known that num_classes (and in timm in_chans) goes through to the network.
CLASSES, CHANNELS = ("torchvision", "timm"), ("timm",)


def call_hint(call, factory, changes):
    """The call with what the checkpoint has, where its factory is known to take that."""
    places = {"num_classes": CLASSES, "in_chans": CHANNELS}
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        parameters = {}
    takes_any = any(item.kind is item.VAR_KEYWORD for item in parameters.values())
    for key in changes:
        if key not in parameters and not (takes_any and call.place.partition(".")[0] in places[key]):
            return ""
    changed = dataclasses.replace(call, keywords=call.keywords | changes, is_plain=False)
    return f": --module {shell_quoted(str(changed))}"


def shell_quoted(text):
    return f'"{text}"' if "'" in text else f"'{text}'"


# What a library builds.


def library(name):
    """A library, which looks for nothing in the network from now on."""
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", HF_DATASETS_OFFLINE="1")
    try:
        with quiet():
            return importlib.import_module(name)
    except Exception as error:
        if isinstance(error, ImportError) and error.name == name:
            raise ConversionError(f"--module {name} runs {name}'s code, which is not installed here: pip install {name}") from error
        raise ConversionError(f"--module {name}: {name} cannot be imported: {first_line(error)}") from error


def version_of(name):
    """A package with its version, or nothing."""
    name = name.partition(".")[0]
    version = getattr(sys.modules.get(name), "__version__", None)
    return f"{name} {version}" if version else ""


@contextlib.contextmanager
def quiet():
    """Keeps what libraries log and warn of, and how far they are, from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def first_line(error):
    """The kind of an error and the first line of what it says."""
    line = (str(error).strip().splitlines() or ["no reason"])[0]
    return f"{type(error).__name__}: {line if len(line) <= 300 else line[:300] + '…'}"


# What model_args may hold that is no argument of the network, and Inception's head for training.
NOT_OF_NETWORK = (
    "model_name", "pretrained", "pretrained_cfg", "pretrained_cfg_overlay", "pretrained_model_args", "checkpoint_path", "cache_dir",
    "device", "dtype", "scriptable", "exportable", "no_jit", "num_classes", "aux_logits",
)  # fmt: skip


def build_timm(torch, options, state, settings, said):
    """timm's network of the name in config.json, of --architecture, or in the checkpoint, as its model_args have it."""
    timm = library("timm")
    config = said.config if said else {}
    name, origin = timm_name(timm, options, config, settings)
    arguments = timm_arguments(config)
    maker = TimmMaker(timm, name.partition(".")[0])
    classes = timm_classes(config)
    module = maker.make(arguments, classes)
    wanted = maker.fitted(module, state, arguments, classes)
    pooling = config.get("global_pool")
    if isinstance(pooling, str) and pooling and "global_pool" not in arguments and timm_pooling(module) not in (None, pooling):
        wanted["global_pool"] = pooling  # timm itself reads it from model_args alone.
    if wanted:
        classes = wanted.pop("num_classes", classes)
        arguments |= wanted
        module = maker.make(arguments, classes)
    module, made = maker.of_form(module, state), module
    form = "" if module is made else ", its branches put together"
    assumed = load(torch, module, state, f"{version_of('timm')}'s {maker.name} ({origin})")
    told = ", ".join(f"{key}={value!r}" for key, value in {"num_classes": classes, **arguments}.items() if value is not None)
    built = Built(module, f"{version_of('timm')}'s {maker.name}({told}){form}, named by {origin}", said, assumed=assumed)
    built.channels = arguments.get("in_chans", 3)
    if said is None or said.operations is None:
        built.said = with_timm_defaults(timm, name, module, said, built.channels)
    return built


def timm_name(timm, options, config, settings):
    """The network's name in timm, which may have a tag, and who says it."""
    found = [("--architecture", options.architecture), ("config.json", config.get("architecture"))]
    found += [(f"{key} in the checkpoint", settings.get(key)) for key in NAME_KEYS]
    origin, text = next(((origin, text) for origin, text in found if isinstance(text, str) and text), ("", ""))
    if not text:
        raise ConversionError(
            "--module timm builds what config.json says, and none beside the weights names an architecture: --architecture NAME says which it is"
        )
    name = re.sub(r"^hf[-_]hub:timm/|@.*$", "", text)
    if ":" in name or "/" in name:
        raise ConversionError(f"{origin}: {text} is a place of weights, not a network that timm knows: --architecture NAME says which it is")
    if not timm.is_model(name):
        raise ConversionError(f"{origin}: {version_of('timm')} has no network called {name}: --architecture NAME, or another version of timm")
    return name, origin


def timm_arguments(config):
    """What model_args say of the network."""
    given = config.get("model_args") or {}
    if not isinstance(given, dict):
        raise ConversionError("config.json: model_args is not understood")
    if given.get("features_only"):
        raise ConversionError("config.json: model_args has features_only, which gives maps and no classes")
    arguments = {key: value for key, value in given.items() if key not in NOT_OF_NETWORK and value is not None}
    pretrained = config.get("pretrained_cfg")
    pooling = pretrained.get("global_pool") if isinstance(pretrained, dict) else None
    return {"global_pool": pooling, **arguments} if pooling else arguments


def timm_classes(config):
    """The number of classes that config.json says, or None."""
    for place in (config, config.get("model_args"), config.get("pretrained_cfg")):
        count = place.get("num_classes") if isinstance(place, dict) else None
        if count is None:
            continue
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise ConversionError("config.json: num_classes is not understood")
        if count == 0:
            raise ConversionError("config.json: num_classes is 0: the network ends with its features and has no classes")
        return count
    return None


def timm_pooling(module):
    """How a network of timm pools, where it says so."""
    head = getattr(module, "head", None)
    for holder, key in ((head, "global_pool"), (head, "pool_type"), (module, "global_pool")):
        pooling = getattr(holder, key, None)
        pooling = getattr(pooling, "pool_type", pooling)
        if isinstance(pooling, str):
            return pooling
    return None


class TimmMaker:
    """Makes one of timm's networks."""

    def __init__(self, timm, name):
        self.timm = timm
        self.name = name

    def make(self, arguments, classes):
        arguments = arguments if classes is None else {**arguments, "num_classes": classes}
        try:
            with quiet():
                return self.timm.create_model(self.name, pretrained=False, **arguments).eval().float()
        except Exception as error:
            given = f" with {', '.join(f'{key}={value!r}' for key, value in arguments.items())}" if arguments else ""
            raise ConversionError(f"{version_of('timm')} cannot build {self.name}{given}: {first_line(error)}") from error

    def fitted(self, module, state, arguments, classes):
        """The arguments that the tensors tell and nothing else does: the picture's channels and the number of classes."""
        result, form = {}, self.of_form(module, state)
        prefix = fitting_prefix(form, state)
        if prefix is None:
            return {}
        found, made = self.shapes(form, state, prefix, "first_conv")
        if found and len(found) == 4 and found[1] != made[1] and (found[0], *found[2:]) == (made[0], *made[2:]):
            declared = arguments.get("in_chans")
            channels = found[1] * (declared or 3) / made[1]
            if declared is not None:
                raise ConversionError(f"config.json: in_chans is {declared}, the checkpoint's first convolution is for {channels:g}")
            if channels in (1, 3, 4):
                result["in_chans"] = int(channels)
        found, made = self.shapes(form, state, prefix, "classifier")
        if found and found[0] != made[0] and found[1:] == made[1:]:
            if classes is not None:
                raise ConversionError(f"config.json: num_classes is {classes}, the checkpoint has {found[0]}: correct it there")
            result["num_classes"] = found[0]
        return result

    @staticmethod
    def shapes(module, state, prefix, key):
        """The shapes of the weight of a part, in the checkpoint and in the module."""
        part = getattr(module, "pretrained_cfg", {}).get(key)
        part = part[0] if isinstance(part, (list, tuple)) and part else part
        own = module.state_dict().get(f"{part}.weight")
        given = state.get(f"{prefix}{part}.weight")
        return (None, None) if own is None or given is None else (given.shape, tuple(own.shape))

    def of_form(self, module, state):
        """The module, or its form for inference, where branches were put together and the checkpoint has that one's names."""
        if fitting_prefix(module, state) is not None:
            return module
        try:
            with quiet():
                other = importlib.import_module("timm.utils").reparameterize_model(module).eval()
        except Exception:  # Some networks have no such form.
            return module
        return other if fitting_prefix(other, state) is not None else module


def with_timm_defaults(timm, name, module, said, channels):
    """What timm itself does to pictures for a network that no file says it of; nothing tells that it was trained so."""
    config = getattr(module, "pretrained_cfg", None)
    with contextlib.suppress(Exception):  # Of a tag that timm does not know.
        config, module = timm.get_pretrained_cfg(name).to_dict(), None
    shown = name if module is None else name.partition(".")[0]
    origin = f"timm's own for {shown}, as no file says it; --input-size, --resize, --crop, --preprocess"
    default = transforms.timm({"pretrained_cfg": config}, origin)
    if default is None:
        return said
    default.assumed = True
    if channels != 3:
        default.operations = None  # Its mean and deviation are of three channels.
    if said is None:
        return default
    return dataclasses.replace(
        said, origin=origin, size=said.size or default.size, resize=default.resize, side=default.side,
        operations=default.operations, assumed=True, labels_origin=said.labels_origin or said.origin,
    )  # fmt: skip


def build_transformers(torch, options, state, settings, said):
    """The network for classifying images that config.json says to transformers."""
    config = said.config if said else {}
    kind = config.get("model_type")
    if not isinstance(kind, str):
        raise ConversionError("--module transformers builds what config.json says, and none beside the weights has a model_type")
    if kind in ("timm_wrapper", "timm"):
        raise ConversionError(f"config.json: a {kind} holds a network of timm: --module timm")
    transformers = library("transformers")
    try:
        with quiet():
            settings = transformers.AutoConfig.from_pretrained(str(options.file.parent), local_files_only=True, trust_remote_code=False)
            module = transformers.AutoModelForImageClassification.from_config(settings, trust_remote_code=False).eval().float()
    except Exception as error:
        raise ConversionError(f"{version_of('transformers')} cannot build what config.json says, a {kind}: {first_line(error)}") from error
    what = f"{version_of('transformers')}'s {type(module).__name__}"
    if said.size is None and (size := transforms.extents(getattr(settings, "image_size", None))):
        said = dataclasses.replace(said, size=size)
    if fitting_prefix(module, state) is None:
        state = renamed(torch, module, settings, state)
    assumed = load(torch, module, state, f"{what} (config.json)", lambda changes: ": correct config.json")
    forward = module.forward
    module.forward = lambda pixel_values: forward(pixel_values).logits
    channels = getattr(settings, "num_channels", None)
    return Built(module, f"{what}, as config.json says", said, channels if isinstance(channels, int) else None, assumed)


def renamed(torch, module, settings, state):
    """The tensors of a checkpoint under the names that this version of transformers has, where it knows all of them."""
    tensors = {name: torch.from_numpy(numpy.array(value)) for name, value in state.items()}
    try:
        with quiet():
            loaded, report = type(module).from_pretrained(
                None, config=settings, state_dict=tensors, output_loading_info=True, dtype=torch.float32, local_files_only=True
            )
    except Exception:
        return state
    if any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys")):
        return state
    return {name: value.detach().numpy() for name, value in wanted_tensors(loaded).items()}


BUILDERS = {"timm": build_timm, "transformers": build_transformers}


# Weights.

# Heads that torchvision's and timm's networks have for training alone.
TRAINING = re.compile(r"(AuxLogits|aux[12])\.")


def load(torch, module, state, what="the module", hint=lambda changes: ""):
    """Fills the module with the tensors of a file, whose names may stand behind one prefix; returns what that assumes."""
    wanted = wanted_tensors(module)
    prefix = fitting_prefix(module, state)
    if prefix is None:
        missing = [name for name in wanted if name not in state]
        raise ConversionError(f"the checkpoint lacks tensors of {what}: {names(missing, 4)}")
    extra = [name for name in state if name.startswith(prefix) and name[len(prefix) :] not in wanted]
    passing = [name for name in extra if TRAINING.match(name[len(prefix) :])]
    extra = [name for name in extra if name not in passing]
    given = {name: state[prefix + alias] for name, alias in stored(module, state, prefix).items()}
    wrong = [name for name, value in wanted.items() if tuple(value.shape) != given[name].shape]
    if wrong and not extra and (changes := differing(wanted, given, wrong)):
        things = {"num_classes": ("class", "classes"), "in_chans": ("channel of the picture", "channels of the picture")}
        told = ", ".join(f"{one} {things[key][one != 1]} and not {other}" for key, (one, other) in changes.items())
        raise ConversionError(f"the checkpoint is for {told}, as {what} is{hint({key: pair[0] for key, pair in changes.items()})}")
    if extra or wrong:
        raise ConversionError(f"tensors of the checkpoint do not fit {what}: {names(extra + wrong, 4)}")
    module.load_state_dict({name: torch.from_numpy(numpy.array(value)) for name, value in given.items()}, strict=False)
    heads = dict.fromkeys(TRAINING.match(name[len(prefix) :]).group(1) for name in passing)
    return [f"{names(heads)} of the checkpoint is taken for a head of training alone"] if heads else []


def wanted_tensors(module):
    """The tensors that a checkpoint of the module has."""
    return {name: value for name, value in module.state_dict(keep_vars=True).items() if not name.endswith("num_batches_tracked")}


def stored(module, state, prefix):
    """Name of each of the module's tensors → the name under which the checkpoint has it: another one where two are the same."""
    wanted = wanted_tensors(module)
    present = {id(value): name for name, value in reversed(wanted.items()) if prefix + name in state}
    return {name: name if prefix + name in state else present.get(id(value)) for name, value in wanted.items()}


def fitting_prefix(module, state):
    """What stands before all names of the module in the checkpoint, or None where some are not there."""
    wanted = wanted_tensors(module)
    for prefix in prefixes(state, wanted):
        if all(stored(module, state, prefix).values()):
            return prefix
    return None


def prefixes(state, wanted):
    first = next(iter(wanted), "")
    yield ""
    for name in state:
        if name.endswith("." + first):
            yield name[: len(name) - len(first)]


def differing(wanted, given, wrong):
    """How many classes and channels of the picture the checkpoint and the module have, where nothing else differs."""
    changes = {}
    weights = [name for name in wanted if wanted[name].ndim >= 2]
    first = next((name for name in weights if wanted[name].ndim == 4), None)
    for name in wrong:
        one, other = given[name].shape, tuple(wanted[name].shape)
        if name == first and len(one) == 4 and (one[0], *one[2:]) == (other[0], *other[2:]):
            changes["in_chans"] = (one[1], other[1])
        elif one[1:] == other[1:] and len(one) == len(other) and one and changes.get("num_classes", (one[0], other[0])) == (one[0], other[0]):
            changes["num_classes"] = (one[0], other[0])
        else:
            return {}
    if "num_classes" in changes and weights[-1] not in wrong:
        return {}
    return changes


# Where another reader does not know a network.

# Families of transformers whose networks were compared with it; those of attention are refused, and others are not known.
CONVOLUTIONAL = (
    "bit", "convnext", "convnextv2", "efficientnet", "focalnet", "hgnet_v2", "mobilenet_v1", "mobilenet_v2", "poolformer", "regnet",
    "resnet", "swiftformer", "textnet",
)  # fmt: skip


def second_way(options, message):
    """What to write where no reader knows a network that a library's or the user's own code may build."""
    if options.module:
        return ""
    config = transforms.read_json(options.file.parent / "config.json") or {}
    kind, own = config.get("model_type"), options.file.name in transforms.OWN_FILES
    is_wrapped = kind in ("timm", "timm_wrapper")
    name = None
    if own and isinstance(kind, str) and not is_wrapped:
        name = "transformers" if kind in CONVOLUTIONAL else None
    elif options.architecture or own and isinstance(config.get("architecture"), str):
        name = "timm"
    joint = ", or " if message.endswith("ONNX") else "; "
    if name:
        return f"{joint}--module {name} (runs {name}'s code, needs torch)"
    is_other = own and isinstance(kind, str)
    return f"{joint}--module with the code that makes it (needs torch)" if joint == ", or " and not is_other else ""
