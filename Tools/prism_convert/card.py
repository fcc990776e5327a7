"""Makes the model card: what the source says, completed by the options and by the habits of its framework."""

from .errors import ConversionError
from .preprocessing import Preprocessing, mode_operations

# What a base expects that is published without its preprocessing.
HABITS = {
    ("mobilenet_v2", "keras"): "tf",
    ("efficientnet_v2", "keras"): "tf",
    ("vgg16", "keras"): "caffe",
    ("densenet121", "keras"): "torch",
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
    card["input"] = {
        "kind": "image",
        "height": model.size[0],
        "width": model.size[1],
        "resize": options.resize or model.resize,
        **({"resize_side": model.side} if model.side else {}),
        **chosen_preprocessing(model, options).card(),
    }
    card["layers"] = {"default": base.layer, "aliases": model.aliases}
    return card


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


def chosen_output(model, options):
    """What squashes the logits: the option, the source, or the usual choice for that many logits."""
    output = options.activation or model.output
    if not output:
        output = "binary" if model.units == 1 else "softmax"
        model.notes.append(f"the source does not say what squashes its {model.units} logits: {output} is assumed")
    if output == "sigmoid" and model.units == 1 and not options.activation:
        output = "binary"
    if output == "binary" and model.units != 1:
        raise ConversionError(f"--activation binary needs one output, this model has {model.units}")
    if output == "softmax" and model.units == 1:
        raise ConversionError("softmax over one output is always 1; --activation binary or sigmoid says what is meant")
    return output


def chosen_labels(model, options, count):
    """The labels of the option or of the source, or numbered ones."""
    if options.labels is not None:
        if len(options.labels) != count:
            one = f"{count} labels are needed" if count != 1 else "1 label is needed"
            why = " (one output says no or yes: the negative label first)" if count == 2 and model.units == 1 else ""
            raise ConversionError(f"{len(options.labels)} labels given, {one}{why}")
        return options.labels
    if model.labels and len(model.labels) == count:
        return model.labels
    if count == 2 and model.units == 1:
        return ["negative", "positive"]
    return [f"class {index}" for index in range(count)]


def chosen_preprocessing(model, options):
    """The option's, then the one in the graph; without either, what the framework's published weights expect."""
    mode = options.preprocess
    if not mode and not model.preprocessing and model.usual is not None:
        model.outside = model.usual
        result = Preprocessing(model.image_channels)
        result.apply(model.usual)
        return result
    if not mode and not model.preprocessing:
        mode = "unit" if model.image_channels != 3 else None
        family = "efficientnet_v2" if model.architecture.name.startswith("efficientnet") else model.architecture.name
        mode = mode or HABITS.get((family, model.framework), "torch")
        model.notes.append(f"the input is preprocessed the {mode} way, as is usual; --preprocess changes it")
    model.outside = mode_operations(mode or "none")
    result = Preprocessing(model.image_channels)
    result.apply(model.outside)
    result.apply(model.preprocessing)
    return result
