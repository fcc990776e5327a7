"""Reads a torch model: the base by the names and shapes of its tensors, and a head of linear layers and norms."""

import dataclasses

from . import families, fastai, graph_steps, naming, torch_extras, torch_factors, torch_head, xray
from .errors import ConversionError
from .flatfile import names
from .heads import name_head
from .model import Model
from .torch_bases import choose_base, stage_aliases, with_stem
from .torch_convention import check_configuration, check_name, choose_convention, choose_size, with_transformers_padding
from .torch_files import open_file
from .torch_head_reader import HeadReader
from .torch_layers import BaseLayers, normalisation_before
from .torch_pickle import Record
from .transforms import Transform


def read(path, options, said, account):
    """The model in a torch checkpoint or safetensors file; `said` is what files beside it say."""
    checkpoint = open_file(path, options, account)
    state = torch_factors.multiply_out(checkpoint.tensors)
    if not checkpoint.modules:  # Those are looked up by their names in the file.
        state = naming.without_wrappers(state)
    extras = torch_extras.take(state)
    naming_ = naming.rename(state)
    state = {new: state[old] for new, old in naming_.names.items()}
    base = choose_base(state, options, account)
    base = with_transformers_padding(with_stem(base, state), naming_, said)
    tensors = {name: state.pop(key) for name, key in base.names.items()}
    said = fastai.merged(said, fastai.said(checkpoint.root)) or xray.recognise(path, base.architecture, last_units(state))
    size = choose_size(base.architecture, checkpoint, options, said, account)
    said = with_configuration(said, naming_, checkpoint)
    check_configuration(naming_, said)
    check_name(base.architecture, checkpoint, options, said)
    convention = choose_convention(base, naming_, checkpoint, options, said, account)
    parts = torch_head.head_parts(chosen_head(state, options, account))
    if not any(part.kind == "dense" for part in parts):
        raise ConversionError("the checkpoint has no classification head: it ends with its features")
    check_plain(base.architecture, checkpoint.modules, options)
    layers = BaseLayers(base, naming_, checkpoint.modules) if checkpoint.modules else None
    doubts = layers.check() if layers else ()
    head = HeadReader(base, naming_, checkpoint, options, account, layers)
    head.config = said.config if said else {}
    chain, output = head.read(parts, size, convention[0])
    architecture = head.architecture
    if not architecture.native:
        tensors = graph_steps.shaped(architecture, tensors)
    tensors.update(name_head(architecture.name, chain.head, chain.weights, architecture.native))
    say_base(naming_, layers, doubts, said, account)
    model = Model(
        architecture=architecture, framework="torch", tensors=tensors, head=chain.head, output=output, size=size,
        padding=convention[0], epsilon=convention[1], preprocessing=[], resize="bilinear_antialias",
        labels=checkpoint.labels, account=account, said=said, library=naming_.library, squashed=output,
        whole=checkpoint.key if checkpoint.modules else None,
    )  # fmt: skip
    if not architecture.native:
        model.graph = graph_steps.graph(architecture, size, model.padding, model.epsilon)
        model.aliases = stage_aliases(architecture)
    apply_extras(model, extras, normalisation_before(layers) if layers else None)
    return model


def check_plain(architecture, modules, options):
    """Refuses somebody's own network of 3×3 convolutions, of which a state dict says too little."""
    if families.is_own_vgg(architecture) and not modules and options.architecture != architecture.name:
        raise ConversionError(
            "the tensors are those of a network of one's own, and a state dict does not say its functions, paddings and poolings: "
            f"export it as ONNX, or --architecture {architecture.name} says that it has ReLU, a padding of 1 and "
            "MaxPool2d(2) where its numbers leave a place"
        )


def say_base(naming_, layers, foreign, said, account):
    """Who says what the base computes: its modules, the configuration of a library, or nobody."""
    whose = f", as {naming_.library} has them" if naming_.library else ""
    names_ = f"the tensors' names and shapes{whose}"
    if layers and foreign:
        classes = names(dict.fromkeys(record.kind for record in foreign))
        account.assume("base", f"{names_}; the code of {classes} is not in the file, and what it does around the base is not known")
    elif layers:
        account.say("base", f"{names_}, and the pickled model's modules")
    elif said and said.config and naming_.library:
        account.say("base", names_)
    else:
        library = naming_.library or "torchvision"
        account.assume("base", f"{names_}; strides, poolings and functions are {library}'s, a state dict does not say them")


def with_configuration(said, naming_, checkpoint):
    """A whole model of transformers has its configuration with it, where no file says it."""
    if naming_.library != "transformers" or not checkpoint.modules or said and said.config:
        return said
    config = checkpoint.modules.attributes.get("config")
    config = config.attributes() if isinstance(config, Record) else {}
    if not config:
        return said
    if said is None:
        return Transform("the pickled model's configuration", config=config)
    return dataclasses.replace(said, config=config)


def last_units(state):
    """The outputs of the only linear layer outside of the base; none where there are several."""
    found = [value.shape[0] for value in state.values() if value.ndim == 2]
    return found[0] if len(found) == 1 else 0


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


def apply_extras(model, extras, before):
    """What tensors beside the network, and a layer before it, tell of its preprocessing and its output."""
    if before or extras.normalisation is not None:
        model.inner = 2
    if before and extras.normalisation is None:
        model.preprocessing, origin = before
        model.account.assume("pixels", f"{origin}, of a picture in 0…1" if before[0][0][0] == "divide" else origin)
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
