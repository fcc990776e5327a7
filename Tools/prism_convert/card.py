"""Makes the model card: what the source says, completed by the options and by the habits of its framework."""

import unicodedata

import numpy

from . import log_mel
from .errors import ConversionError
from .preprocessing import Preprocessing, mode_operations
from .torch_extras import finding

# What a base expects that is published without its preprocessing.
HABITS = {
    ("mobilenet_v2", "keras"): "tf",
    ("efficientnet_v2", "keras"): "tf",
    ("vgg16", "keras"): "caffe",
    ("densenet121", "keras"): "torch",
    ("efficientnet_v2_l", "torch"): "tf",
}
OUTPUTS = ("softmax", "sigmoid", "binary")


def make_card(model, options, name):
    """The card as a dictionary; `options` are the command's."""
    output = chosen_output(model, options)
    labels = chosen_labels(model, options, 2 if output == "binary" else model.units)
    base = model.architecture
    card = {
        "format": 1,
        "name": name,
        "description": options.description or "",
        "source": options.source or "",
        "license": options.license or "",
        **base_card(model),
        "head": model.head,
        "output": output,
        "labels": labels,
    }
    if output in ("sigmoid", "binary"):
        card["threshold"] = 0.5 if options.threshold is None else options.threshold
    elif options.threshold is not None:
        raise ConversionError(f"--threshold goes with sigmoid or binary, this output is {output}")
    if output == "sigmoid" and model.thresholds and options.threshold is None:
        card["thresholds"] = chosen_thresholds(model)
    card["input"] = chosen_input(model, options)
    card["layers"] = {"default": base.layer, "aliases": model.aliases}
    check(card)
    return card


def check(card):
    """Refuses what Prism would refuse of the file: texts of one line, a picture's scale and sizes."""
    for what, text in (("name (--name)", card["name"]), *((f"label {i}", label) for i, label in enumerate(card["labels"]))):
        if not text or any(unicodedata.category(character) == "Cc" for character in text):
            raise ConversionError(f"the {what} is empty or holds a control character")
    image = card["input"]
    if image["kind"] != "image":
        return
    if image["scale"] <= 0 or min(image["std"]) < 1e-6:
        raise ConversionError(
            "the preprocessing turns bright into dark (or divides by next to nothing), which the model card cannot say: "
            "leave it out of the model, or put its factor into the first layer"
        )
    side, largest = image.get("resize_side"), max(image["height"], image["width"])
    if side and not largest <= side <= 16384:
        raise ConversionError(
            f"the shorter side becomes {side} before {image['height']}×{image['width']} is cut out, which the model card cannot "
            "say: --crop none or a larger --crop says what to do instead"
        )


def chosen_input(model, options):
    """The card's part that says what the network is given."""
    if options.log_mel:
        for topic in ("size", "pixels"):
            model.account.say(topic, "--log-mel")
        return log_mel.card(options.log_mel, model)
    return {
        "kind": "image",
        "height": model.size[0],
        "width": model.size[1],
        "resize": options.resize or model.resize,
        **({"resize_side": model.side} if model.side else {}),
        **chosen_preprocessing(model, options).card(),
    }


def base_card(model):
    """The base: one of Prism's own with its conventions, or a graph."""
    base = model.architecture
    if model.graph is not None:
        return {"architecture": "graph", "graph": model.graph}
    config = {}
    if base.name == "mobilenet_v2":
        config["width"] = base.width
    if model.epsilon is not None:
        config["epsilon"] = model.epsilon
    config["padding"] = model.padding
    return {"architecture": base.name, "config": config}


def chosen_thresholds(model):
    """A threshold for each label; where the source has none, a half."""
    if len(model.thresholds) != model.units:
        raise ConversionError(f"the source has {len(model.thresholds)} thresholds for {model.units} labels")
    if not model.account.knows("thresholds"):
        model.account.say("thresholds", "op_threshs in the checkpoint")
    return [value if 0 < value < 1 else 0.5 for value in model.thresholds]


def chosen_output(model, options):
    """What squashes the logits: the option, the source, or the usual choice for that many logits."""
    output = options.activation or model.output
    account = model.account
    if options.activation:
        account.say("output", "--activation")
    elif not output:
        output = assumed_output(model, options)
    elif not account.knows("output"):
        account.say("output", "the source")
    if output == "sigmoid" and model.units == 1 and not options.activation:
        output = "binary"
    if output == "binary" and model.units != 1:
        raise ConversionError(f"--activation binary needs one output, this model has {model.units}")
    if output == "softmax" and model.units == 1:
        raise ConversionError("softmax over one output is always 1; --activation binary or sigmoid says what is meant")
    return output


def assumed_output(model, options):
    """The usual choice where nothing says what squashes the logits."""
    account, units = model.account, model.units
    if units == 1:
        account.assume("output", "one logit; --activation")
        return "binary"
    findings = sum(finding(label) for label in options.labels or model.labels or [])
    if findings >= 4:
        account.assume("output", "the labels are findings that do not exclude each other; --activation softmax if they do")
        return "sigmoid"
    if units in (14, 18) and not options.labels and not model.labels:
        account.assume(
            "output", f"{units} logits are often the findings of chest pictures, which do not exclude each other: "
            "--activation sigmoid"
        )  # fmt: skip
    else:
        weights = f", {model.class_weights} may be the weights of classes" if model.class_weights else ""
        account.assume("output", f"the source does not say what squashes its {units} logits{weights}; --activation sigmoid for several labels at once")
    return "softmax"


def chosen_labels(model, options, count):
    """The labels of the option or of the source, or numbered ones."""
    account = model.account
    if options.labels is not None:
        if len(options.labels) != count:
            one = f"{count} labels are needed" if count != 1 else "1 label is needed"
            why = " (one output says no or yes: the negative label first)" if count == 2 and model.units == 1 else ""
            raise ConversionError(f"{len(options.labels)} labels given, {one}{why}")
        account.say("labels", "--labels")
        return options.labels
    if model.labels and len(model.labels) == count:
        if not account.knows("labels"):
            account.say("labels", "the source")
        return model.labels
    named = f"{len(model.labels)}, {count} are needed" if model.labels else "none"
    if model.labels or not account.knows("labels"):
        account.assume("labels", f"the source names {named}; --labels")
    if count == 2 and model.units == 1:
        return ["negative", "positive"]
    return [f"class {index}" for index in range(count)]


def chosen_preprocessing(model, options):
    """The option's, then the one in the source; without either, what the framework's published weights expect."""
    mode, account, before = options.preprocess, model.account, None
    result = Preprocessing(model.image_channels)
    if not mode and model.usual is not None and (model.usual_first or not model.preprocessing and not model.takes_bytes):
        model.outside = model.usual
        own = " before the source's own layers" if model.preprocessing else ""
        tell_usual(account, account.origins.get("usual", "the source") + own)
        result.apply(model.usual)
        result.apply(model.preprocessing)
        return result
    if mode:
        account.say("pixels", "--preprocess" + (" before the source's own" if model.preprocessing else ""))
    elif model.takes_bytes:
        account.say("pixels", "the source is given bytes")
    elif model.preprocessing and pixels_of(model) == "bytes":
        if not account.knows("pixels"):
            account.say("pixels", "the source's own layers")
    elif model.preprocessing and pixels_of(model) == "unit":
        mode = "unit"
        origin = account.origins.get("pixels", "the source's own layers")
        account.assume("pixels", f"{origin} seem to be for pixels of 0…1; --preprocess none if they are for 0…255")
    elif model.preprocessing and model.usual is not None:
        before = model.usual
        tell_usual(account, f"{account.origins.get('usual', 'the source')} before the source's own layers")
    elif model.preprocessing:
        mode = habit(model)
        account.assume(
            "pixels", f"the source's own layers do not say of what scale their pixels are; before them the {mode} way, as is "
            "usual; --preprocess"
        )  # fmt: skip
    else:
        mode = habit(model)
        account.assume("pixels", f"the {mode} way, as is usual; --preprocess")
    model.outside = before if before is not None else mode_operations(mode or "none")
    result.apply(model.outside)
    result.apply(model.preprocessing)
    if model.framework == "torch":
        model.outside, model.preprocessing = [*model.outside, *model.preprocessing], []
    return result


def tell_usual(account, origin):
    """Who says how pixels are prepared, where that is what a library or a file beside the weights does."""
    (account.assume if "usual" in account.assumed else account.say)("pixels", origin)


# A mean or a deviation of pixels beyond this is one of 0…255; up to 1 it is one of 0…1; between them it tells nothing.
LARGE = 8


def pixels_of(model):
    """What the source's own first layers are given, by their numbers: `bytes`, `unit`, or nothing that they tell."""
    own = Preprocessing(model.image_channels)
    own.apply(model.preprocessing)
    mean, std = own.mean / own.scale, own.std / own.scale  # of the pixels themselves
    reach = max(numpy.abs(mean).max(), numpy.abs(std).max())
    if reach > LARGE:
        return "bytes"
    is_plain = (mean == 0).all() and (std == 1).all()
    return "unit" if reach <= 1 and not is_plain else ""


# What Keras's own applications expect where they do not prepare pixels themselves, by the beginnings of their names; the longer ones first.
KERAS_HABITS = (
    ("resnet50v2", "tf"), ("resnet101v2", "tf"), ("resnet152v2", "tf"), ("resnet", "caffe"), ("vgg", "caffe"),
    ("densenet", "torch"), ("xception", "tf"), ("inception", "tf"), ("nasnet", "tf"), ("mobilenet", "tf"), ("efficientnet", "none"),
    ("convnext", "torch"),
)  # fmt: skip


def keras_habit(family):
    """How pixels are usually prepared for a Keras network; of one's own they are divided by 255."""
    name = family.lower().replace("_", "").replace("-", "")
    return next((mode for start, mode in KERAS_HABITS if name.startswith(start)), "unit")


def habit(model):
    """How pixels are usually prepared for a base."""
    if model.image_channels != 3:
        return "unit"
    name = model.architecture.name
    if name == "graph" and model.framework == "keras":
        return keras_habit(model.architecture.family)
    family = "efficientnet_v2" if name.startswith("efficientnet_v2") and model.framework == "keras" else name
    return HABITS.get((family, model.framework), "torch")
