"""Reads a Keras model: preprocessing, a base recognised operation by operation, and a head."""

import dataclasses

import numpy

from . import graph_steps
from .account import HALF
from .architectures import SUPPORTED, architectures, output_size
from .errors import ConversionError
from .flatfile import names
from .graph_model import graph_model
from .graph_steps import same_padding
from .heads import name_head
from .keras_graph import read_graph
from .keras_network import Network
from .keras_ops import Translator
from .keras_weights import open_file
from .model import Model


def read(path, options, said, account):
    """The model in a Keras file."""
    config, weights = open_file(path)
    try:
        return read_model(config, weights, options, account)
    except (KeyError, TypeError, IndexError, AttributeError, ValueError, RecursionError) as error:
        what = f"{type(error).__name__} {error}".splitlines()[0]
        raise ConversionError(f"the configuration of the model in {path} is malformed ({what})") from error


def read_model(config, weights, options, account):
    """The model of a configuration and its weights."""
    graph = read_graph(config)
    translator = Translator(graph, weights, options.preprocess)
    output = translator.translate()
    used = set(weights.used)  # by the preprocessing
    if translator.preprocess_used:
        options.preprocess = None  # It stands where the model calls it.
    first = next(op for op in translator.ops if op.kind == "input")
    start, operations, resize, side = read_preprocessing(first)
    size = image_size(graph, translator, resize, options, account)
    model = None
    try:
        model = known_model(translator, start, output, size, weights, account)
    except ConversionError as error:
        refusal = str(error)
    if model is None:
        model = any_model(graph, translator, (first, start), size, (weights, used), refusal)
    for topic in ("base", "convention", "head"):
        account.say(topic, "the model's layers")
    if any(is_half(node.config.get("dtype")) for node in graph.nodes):
        account.assume("base", HALF.format("the model's layers"))
    model.preprocessing, model.side, model.account = operations, side, account
    if resize:
        model.resize = resize.options["method"]
        say_resize(resize, side, given_size(graph, translator), account)
    return model


def is_half(policy):
    """Whether a layer computes in half precision, by its dtype or policy."""
    name = policy.get("config", {}).get("name") if isinstance(policy, dict) else policy
    return isinstance(name, str) and name.endswith("float16")


def given_size(graph, translator):
    """Height and width of what the model is given, where it says them."""
    size = graph.shape and tuple(graph.shape[1:] if translator.channels_first else graph.shape[:2])
    return size if size and None not in size else None


def say_resize(resize, side, given, account):
    """Where the size and the crop come from, and how pixels may differ: a model's own layer computes fractions of levels."""
    own, size = f"the model's own {resize}", tuple(resize.options["size"])
    if given and given != size:
        account.assume("resize", f"{own}; the model is given {given[0]}×{given[1]} and resizes that, here a picture comes to its size at once")
    elif resize.options["method"] == "nearest":
        account.say("resize", own)
    else:
        account.assume("resize", f"{own}; of a picture of another size Keras keeps fractions of levels, which are rounded to 0…255 here")
    if side:
        account.assume("crop", f"{own}; Keras cuts the picture and then resizes it, here it is resized and then cut, which may be a pixel beside it")
    else:
        account.say("crop", own)


def known_model(translator, start, output, size, weights, account):
    """The model of a base that is known, whose head is a chain."""
    match = recognise(start, size, image_channels(translator.graph, translator))
    if translator.refused:
        raise ConversionError(next(iter(translator.refused.values())))
    check_inside(match)
    reader = TensorReader(weights)
    tensors = base_tensors(match, reader)
    head, head_weights, activation = read_head(match, output, size, reader)
    reader.finish(weights)
    architecture = match.architecture
    tensors.update(name_head(architecture.name, head, head_weights, architecture.native))
    model = Model(
        architecture=architecture,
        framework="keras",
        tensors=tensors,
        head=head,
        output=read_output(activation, head),
        size=size,
        padding=match.padding(),
        epsilon=match.epsilon(),
        preprocessing=[],
        resize="bilinear",
        aliases=match.aliases(),
        account=account,
    )
    if not architecture.native:
        model.graph = graph_steps.graph(architecture, size, model.padding, model.epsilon)
    return model


def any_model(graph, translator, ends, size, taken, refusal):
    """The model as a graph card; `ends` are the operations around the preprocessing, `taken` the weights and those that
    it has used, `refusal` why it is no known base."""
    weights, used = taken
    if any(word in refusal for word in ("no classification head", "last activation")):
        raise ConversionError(refusal)
    if translator.channels_first:
        raise ConversionError(f"{refusal}; another network of channels_first layers is not supported: export it as ONNX")
    first, start = ends
    family = base_name(start) or graph.name
    chain = {id(first), id(start)}
    while start is not first:
        start = start.inputs[0]
        chain.add(id(start))
    before = [node for node in graph.nodes if id(translator.done[id(node)]) in chain]
    weights.reset(used)
    network = Network(graph, weights, before, size, image_channels(graph, translator), not weights.is_keras_2)
    try:
        finisher = network.finisher()
        return graph_model(
            finisher, framework="keras", output=network.activation, size=size, preprocessing=[], notes=[], resize="bilinear", family=family
        )
    except ConversionError as error:
        if network.at is not None and id(network.at) in translator.refused and str(error) == f"{network.at} is not supported":
            raise ConversionError(translator.refused[id(network.at)]) from error
        unknown = "not quite" in refusal or "not of a supported architecture" in refusal
        raise error if unknown else ConversionError(refusal)


def read_preprocessing(op):
    """Follows the image to the base: the last operation before it, the affine ones on the way, a resize, and the shorter
    side before the centre is cut out."""
    operations, resize, crop = [], None, None
    while len(op.users) == 1 and op.users[0].kind in ("affine", "resize", "dropout", "crop"):
        op = op.users[0]
        operations += op.operations
        if op.kind == "resize":
            if resize or crop:
                raise ConversionError(f"{op} follows {crop or resize}: one resize is supported, then a crop")
            resize = op
        elif op.kind == "crop":
            if crop:
                raise ConversionError(f"{op} follows {crop}: one crop is supported")
            crop = op
    return op, operations, *framing(resize, crop)


def framing(resize, crop):
    """The resize (of which the size is that of the network) and the shorter side, where only the centre is taken."""
    if resize is None and crop is None:
        return None, None
    if crop is None:
        size = resize.options["size"]
        if not resize.options["centre"]:
            return resize, None
        if size[0] != size[1]:
            raise ConversionError(f"{resize}: keeping the aspect ratio is supported for squares")
        return resize, size[0]
    size = crop.options["size"]
    if resize is None:
        raise ConversionError(f"{crop} without a Resizing before it is not supported: the card resizes pictures")
    side = resize.options["size"]
    if tuple(side) == tuple(size):
        return resize, side[0] if resize.options["centre"] else None
    if side[0] != side[1] or not resize.options["centre"]:
        raise ConversionError(
            f"{resize} squeezes the picture and {crop} cuts it, which the model card cannot say: "
            "crop_to_aspect_ratio=True keeps its proportions"
        )
    if side[0] < max(size):
        raise ConversionError(f"{crop} is larger than {resize}: that is not supported")
    resize.options["size"] = size
    return resize, side[0]


def image_size(graph, translator, resize, options, account):
    """Height and width of the image the network sees."""
    shape = graph.shape
    if shape and (shape[0] if translator.channels_first else shape[2]) not in (1, 3, 4, None):
        order = ", channels first" if translator.channels_first else ""
        raise ConversionError(f"the model takes images of shape {shape}{order}; one, three or four channels are supported")
    fixed = shape and (shape[1:] if translator.channels_first else shape[:2])
    if resize:
        fixed = resize.options["size"]
        if options.input_size and tuple(options.input_size) != tuple(fixed):
            raise ConversionError(f"{resize} fixes the input size: leave --input-size out")
    size = options.input_size or fixed
    account.say("size", "--input-size" if options.input_size else "the model's own")
    if not size or None in size:
        raise ConversionError("the model takes images of any size: --input-size says which one to use")
    return tuple(size)


def image_channels(graph, translator):
    """The channels of the picture; three where the model does not say."""
    shape = graph.shape
    return (shape and (shape[0] if translator.channels_first else shape[2])) or 3


# Recognition of the base.


class Mismatch(Exception):
    """The graph differs from an architecture; `depth` is the number of steps that agreed."""

    def __init__(self, depth, message):
        super().__init__(message)
        self.depth = depth


class Match:
    """An architecture laid over the operations of a graph."""

    def __init__(self, architecture, start, size):
        self.architecture = architecture
        self.start = start
        self.size = size
        self.ops = []  # one per step
        self.sizes = {}  # step → (height, width) of its output
        self.paddings = {"same", "symmetric"}
        self.epsilons = {}  # epsilon → an operation that has it
        for index, step in enumerate(architecture.steps):
            self.bind(index, step)

    def op(self, index):
        return self.start if index < 0 else self.ops[index]

    def bind(self, index, step):
        sources = [self.op(i) for i in step.inputs]
        found = [item for item in self.successors(sources[0]) if self.fits(item, step, sources)]
        if len(found) != 1:
            seen = ", ".join(str(op) for _, op in self.successors(sources[0])) or "the end of the model"
            raise Mismatch(index, f"after {sources[0]} comes {seen}, not {step.kind.replace('_', ' ')}")
        pad, op = found[0]
        height, width = self.size if step.inputs[0] < 0 else self.sizes[step.inputs[0]]
        if step.kind in ("conv", "max_pool", "average_pool"):
            self.check_window(index, step, op, pad, (height, width))
            same = op.options["padding"] == "same" or pad and "same" in self.paddings
            height, width = (output_size(step, extent, same) for extent in (height, width))
        elif step.kind == "batch_norm":
            check_axis(op, op.options["map_axes"])
            self.epsilons.setdefault(op.options["epsilon"], op)
        elif step.kind == "squeeze":
            height, width = 1, 1
        elif step.kind == "multiply":
            height, width = max(self.sizes[i] for i in step.inputs)
        self.ops.append(op)
        self.sizes[index] = (height, width)

    def successors(self, op):
        """The users of an operation, past dropout and reshapes; a padding is taken together with its user."""
        for user in op.users:
            if user.kind in ("dropout", "reshape"):
                yield from self.successors(user)
            elif user.kind == "pad" and len(user.users) == 1:
                yield user, user.users[0]
            else:
                yield None, user

    def fits(self, item, step, sources):
        pad, op = item
        if op.kind != step.kind or (pad and step.kind not in ("conv", "max_pool", "average_pool")):
            return False
        if step.kind in ("add", "multiply"):
            return {id(origin(source)) for source in op.inputs} == {id(source) for source in sources}
        if step.kind == "concat":
            return [id(origin(source)) for source in op.inputs] == [id(source) for source in sources]
        return step.kind != "activation" or op.function == step.function

    def check_window(self, index, step, op, pad, size):
        """Kernel, stride, groups, bias and padding of a convolution or pooling."""
        options = op.options
        wrong = None
        if options["kernel"] != [step.kernel] * 2:
            wrong = f"its window is {options['kernel']}"
        elif options["strides"] != [step.stride] * 2:
            wrong = f"its stride is {options['strides']}"
        elif step.kind == "conv":
            if options["bias"] != step.bias:
                wrong = "it has a bias" if options["bias"] else "it has no bias"
            elif (options["groups"] == "depthwise") != (step.groups > 1):
                wrong = "it is depthwise" if step.groups == 1 else "it is not depthwise"
            elif step.groups == 1 and op.node.config.get("filters") != step.channels:
                wrong = f"it has {op.node.config.get('filters')} filters instead of {step.channels}"
        if wrong:
            raise Mismatch(index, f"{op} does not fit: {wrong}")
        self.check_padding(index, step, op, pad, size)

    def check_padding(self, index, step, op, pad, size):
        same = [same_padding(step, extent) for extent in size]
        symmetric = [[step.pad, step.pad]] * 2
        if pad and op.options["padding"] == "same":
            raise Mismatch(index, f"{op} pads what {pad} has padded")
        if op.options["padding"] == "same":
            actual = same
        else:
            actual = pad.options["padding"] if pad else [[0, 0], [0, 0]]
        if step.kind == "conv" and step.stride > 1:
            allowed = {"same"} if actual == same else set()
            allowed |= {"symmetric"} if actual == symmetric else set()
            if not allowed & self.paddings:
                raise Mismatch(index, f"{op} pads {actual} at an image of {size[0]}×{size[1]}")
            self.paddings &= allowed
        elif actual != symmetric:
            raise Mismatch(index, f"{op} pads {actual} instead of {symmetric} at {size[0]}×{size[1]}")

    def padding(self):
        """The convention of the strided convolutions; a base without them is the same in both."""
        strided = any(step.kind == "conv" and step.stride > 1 for step in self.architecture.steps)
        return "same" if strided and "same" in self.paddings else "symmetric"

    def epsilon(self):
        if len(self.epsilons) > 1:
            (_, one), (_, other) = list(self.epsilons.items())[:2]
            raise ConversionError(f"{one} and {other} have different epsilons")
        return next(iter(self.epsilons), None)

    def aliases(self):
        """Keras's layer names → run-time names, where both mean the same value.

        Values that a norm or an activation takes up at once are left out: they do not exist once layers are fused.
        """
        steps = self.architecture.steps
        passing = {
            source
            for step in steps
            if step.kind in ("batch_norm", "activation")
            for source in step.inputs
            if source >= 0 and steps[source].kind in ("conv", "batch_norm")
        }
        return {
            op.node.layer.name: step.value
            for index, (step, op) in enumerate(zip(steps, self.ops))
            if step.value and index not in passing
        }


def origin(op):
    """The operation behind dropout and reshapes."""
    while op.kind in ("dropout", "reshape"):
        op = op.inputs[0]
    return op


def check_axis(op, axes):
    """Whether a batch norm works along the channels."""
    if op.options["axis"] not in axes:
        raise ConversionError(f"{op} along axis {op.options['axis']} is not supported")


def recognise(start, size, channels=3):
    """The architecture that the graph is, or an error about the one that it resembles most."""
    best = None
    for architecture in architectures():
        if channels != 3:
            architecture = dataclasses.replace(architecture, image_channels=channels, native=False)
        try:
            return Match(architecture, start, size)
        except Mismatch as mismatch:
            # The exception itself would keep the file open.
            if best is None or mismatch.depth > best[1]:
                best = (architecture, mismatch.depth, str(mismatch))
    architecture, depth, mismatch = best
    model = base_name(start)
    what = f"the base {model} is" if model else "the model is"
    if depth < 4:
        raise ConversionError(f"{what} not of a supported architecture ({SUPPORTED})")
    raise ConversionError(f"{what} not quite {architecture.title}: {mismatch}")


def base_name(start):
    """The name of the nested model that begins here, if there is one."""
    for user in start.users:
        path = user.node.layer.path
        if len(path) > 1:
            return path[-2]
    return ""


def check_inside(match):
    """Nothing but the base itself may use what is inside of it."""
    bound = {id(op) for op in match.ops}
    for op in match.ops[:-1]:
        for _, user in match.successors(op):
            if id(user) not in bound:
                raise ConversionError(f"{user} uses {op}, inside the base: only the end of the base can be used")


# Tensors.


class TensorReader:
    """Takes the weights of layers, checks their shapes, and gathers all that is wrong into one error."""

    def __init__(self, weights):
        self.weights = weights
        self.problems = []

    def take(self, layer, shapes):
        """The named weights of a layer; `shapes` maps a name to the shape expected of it."""
        found = self.weights.of(layer)
        result = {}
        for name, shape in shapes.items():
            if name not in found:
                self.problems.append(f"{layer.name}/{name} is missing")
            elif found[name].shape != tuple(shape):
                self.problems.append(f"{layer.name}/{name} has shape {found[name].shape}, not {tuple(shape)}")
            else:
                result[name] = found[name]
        self.problems += [f"{layer.name}/{name} is unexpected" for name in found if name not in shapes]
        # What is missing is replaced so that reading can go on; finish() reports it.
        return {name: result.get(name, numpy.zeros(shape, "float32")) for name, shape in shapes.items()}

    def finish(self, weights):
        problems = self.problems + [f"{name} belongs to no layer" for name in weights.unused()]
        if problems:
            raise ConversionError(f"the weights do not fit the model: {names(problems)}")

    def batch_norm(self, op, channels):
        """Weight, bias and statistics of a batch norm; scale and centre may be left out."""
        config = op.node.config
        parts = {"moving_mean": (channels,), "moving_variance": (channels,)}
        if config.get("scale", True):
            parts["gamma"] = (channels,)
        if config.get("center", True):
            parts["beta"] = (channels,)
        found = self.take(op.node.layer, parts)
        return {
            "weight": found.get("gamma", numpy.ones(channels, "float32")),
            "bias": found.get("beta", numpy.zeros(channels, "float32")),
            "running_mean": found["moving_mean"],
            "running_var": found["moving_variance"],
        }


def base_tensors(match, reader):
    """The base's tensors in torch's names and layouts."""
    tensors = {}
    for step, op in zip(match.architecture.steps, match.ops):
        if step.kind == "conv":
            inputs = match.architecture.input_channels(step)
            size = (step.kernel, step.kernel)
            depthwise = step.groups > 1
            shapes = {"kernel": (*size, inputs, 1 if depthwise else step.channels)}
            if step.bias:
                shapes["bias"] = (step.channels,)
            found = reader.take(op.node.layer, shapes)
            order = (2, 3, 0, 1) if depthwise else (3, 2, 0, 1)
            tensors[f"{step.module}.weight"] = found["kernel"].transpose(order)
            if step.bias:
                tensors[f"{step.module}.bias"] = found["bias"]
        elif step.kind == "batch_norm":
            for part, value in reader.batch_norm(op, step.channels).items():
                tensors[f"{step.module}.{part}"] = value
    return tensors


# The head.


def read_head(match, output, size, reader):
    """The chain from the base to the output: the card's head, its weights by index, and the last activation."""
    channels = match.architecture.channels
    height, width = match.sizes[len(match.ops) - 1]
    builder = HeadReader(reader, channels, height, width)
    op = match.ops[-1]
    while op is not output:
        if len(op.users) != 1:
            others = ", ".join(str(user) for user in op.users)
            raise ConversionError(f"{op} is used by {others}: a head must be one chain of layers")
        op = op.users[0]
        if len(op.inputs) != 1:
            raise ConversionError(f"{op} is not supported in a head")
        builder.append(op)
    return builder.finish()


class HeadReader:
    """Builds the card's head, operation by operation."""

    def __init__(self, reader, channels, height, width):
        self.reader = reader
        self.head, self.weights = [], {}
        self.channels, self.height, self.width = channels, height, width
        self.features = None  # number of features once the map is flat
        self.order = None  # channels-last to channels-first order of the features, after a flatten
        self.held = []  # batch norms before an average pooling, which may follow it as well

    def append(self, op):
        method = getattr(self, f"op_{op.kind}", None)
        if not method:
            raise ConversionError(f"{op} is not supported in a head")
        method(op)

    def add(self, item, weights=None):
        if weights is not None:
            self.weights[len(self.head)] = weights
        self.head.append(item)

    def flat(self, op):
        if self.features is None:
            raise ConversionError(f"{op} follows the feature map without a pooling or flatten")

    def op_dropout(self, op):
        self.add({"kind": "dropout", "rate": op.rate})

    def op_reshape(self, op):
        self.flat(op)

    def pooled(self, kind):
        self.add({"kind": kind})
        self.features = self.channels
        for item, weights in self.held:
            self.add(item, weights)
        self.held = []

    def op_squeeze(self, op):
        if self.features is None:
            self.pooled("global_average_pool")

    def op_global_max_pool(self, op):
        if self.features is None:
            if self.held:
                raise ConversionError(f"{op} of a normalised map is not supported")
            self.pooled("global_max_pool")

    def whole(self, op):
        """A pooling whose window is the whole feature map is a global one."""
        if self.features is not None or op.options["kernel"] != [self.height, self.width]:
            raise ConversionError(
                f"{op} with a window of {op.options['kernel']} on a map of {self.height}×{self.width} is not supported"
            )

    def op_average_pool(self, op):
        self.whole(op)
        self.op_squeeze(op)

    def op_max_pool(self, op):
        self.whole(op)
        self.op_global_max_pool(op)

    def op_flatten(self, op):
        if self.features is not None:
            return
        if self.held:
            raise ConversionError(f"{op} of a normalised map is not supported")
        self.add({"kind": "flatten"})
        self.features = self.channels * self.height * self.width
        # Keras flattens height, width, channels (of most channels_first maps as well); torch channels, height, width.
        if not op.options["as_they_are"]:
            grid = numpy.arange(self.features).reshape(self.height, self.width, self.channels)
            self.order = grid.transpose(2, 0, 1).reshape(-1)

    def op_dense(self, op):
        self.flat(op)
        units = op.options["units"]
        shapes = {"kernel": (self.features, units)}
        if op.node.config.get("use_bias", True):
            shapes["bias"] = (units,)
        found = self.reader.take(op.node.layer, shapes)
        kernel = found["kernel"] if self.order is None else found["kernel"][self.order]
        weights = {"weight": kernel.T, "bias": found.get("bias", numpy.zeros(units, "float32"))}
        self.add({"kind": "dense", "units": units, "activation": "linear"}, weights)
        self.features, self.order = units, None

    def op_batch_norm(self, op):
        item = {"kind": "batch_norm", "epsilon": op.options["epsilon"]}
        check_axis(op, op.options["map_axes"] if self.features is None else (1, -1))
        if self.features is None:
            self.held.append((item, self.reader.batch_norm(op, self.channels)))
            return
        weights = self.reader.batch_norm(op, self.features)
        if self.order is not None:
            weights = {part: value[self.order] for part, value in weights.items()}
        self.add(item, weights)

    def op_layer_norm(self, op):
        self.flat(op)
        check_axis(op, (1, -1))
        config = op.node.config
        shapes = {}
        if config.get("scale", True):
            shapes["gamma"] = (self.features,)
        if config.get("center", True):
            shapes["beta"] = (self.features,)
        found = self.reader.take(op.node.layer, shapes)
        weights = {
            "weight": found.get("gamma", numpy.ones(self.features, "float32")),
            "bias": found.get("beta", numpy.zeros(self.features, "float32")),
        }
        if self.order is not None:
            weights = {part: value[self.order] for part, value in weights.items()}
        self.add({"kind": "layer_norm", "epsilon": op.options["epsilon"]}, weights)

    def op_activation(self, op):
        self.flat(op)
        if self.head[-1]["kind"] == "dense" and self.head[-1]["activation"] == "linear":
            self.head[-1]["activation"] = op.function
        else:
            self.add({"kind": "activation", "function": op.function})

    def finish(self):
        """Takes the last activation off: the card says it as the output."""
        head = self.head
        if self.features is None or not any(item["kind"] == "dense" for item in head):
            raise ConversionError("the model has no classification head: it ends with its features")
        activation = "linear"
        while head and head[-1]["kind"] == "dropout":
            head.pop()
        if head[-1]["kind"] == "activation":
            activation = head.pop()["function"]
            while head[-1]["kind"] == "dropout":
                head.pop()
        if head[-1]["kind"] == "dense" and activation == "linear":
            activation, head[-1]["activation"] = head[-1]["activation"], "linear"
        if head[-1]["kind"] != "dense" or head[-1]["activation"] != "linear":
            raise ConversionError("the head does not end with a dense layer")
        return head, self.weights, activation


def read_output(activation, head):
    """The card's output, or nothing where the model ends with logits."""
    if activation == "linear":
        return ""
    if activation == "sigmoid":
        return "binary" if head[-1]["units"] == 1 else "sigmoid"
    if activation == "softmax":
        return "softmax"
    raise ConversionError(f"the last activation {activation} is not supported: softmax, sigmoid or none are")
