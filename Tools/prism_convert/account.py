"""The account at the end of a conversion: everything that the card says about the model, and where each came from."""

import textwrap

from .flatfile import names

TOPICS = (
    ("weights", "weights"),
    ("base", "base"),
    ("size", "input size"),
    ("resize", "resize"),
    ("crop", "crop"),
    ("pixels", "preprocessing"),
    ("convention", "padding, epsilon"),
    ("features", "features end"),
    ("pooling", "pooling"),
    ("before", "before the head"),
    ("head", "head"),
    ("output", "output"),
    ("labels", "labels"),
    ("thresholds", "thresholds"),
)  # fmt: skip


HALF = "{}, which compute in half precision there and in float32 here: the third digit may differ"


class Account:
    """Where what the card says comes from; what is assumed is marked, with the option that changes it."""

    def __init__(self):
        self.origins = {}
        self.values = {}
        self.assumed = set()

    def say(self, topic, origin, value=None):
        """Notes that a file or an option says so."""
        self.origins[topic] = origin
        self.assumed.discard(topic)
        if value is not None:
            self.values[topic] = value

    def assume(self, topic, origin, value=None):
        """Notes that nothing says so."""
        self.say(topic, origin, value)
        self.assumed.add(topic)

    def knows(self, topic):
        return topic in self.origins

    def lines(self, model, card):
        """A line for each part of the card; `!` stands before what is assumed."""
        values = {**card_values(model, card), **self.values}
        result = []
        for topic, title in TOPICS:
            if topic in values and topic in self.origins:
                assumed = topic in self.assumed
                origin = f"ASSUMED: {self.origins[topic]}" if assumed else self.origins[topic]
                result.append(f"{'!' if assumed else ' '} {title:<17}{values[topic]} ({origin})")
        return result


def card_values(model, card):
    """The card in words."""
    image = card["input"]
    convention = [f"{model.padding} padding" if model.padding else ""]
    convention += [f"epsilon {model.epsilon:g}" if model.epsilon is not None else ""]
    values = {
        "base": model.architecture.title,
        **(sound_values(image, model) if image["kind"] == "log_mel" else picture_values(image)),
        "convention": ", ".join(part for part in convention if part) or "none",
        "head": ", ".join(head_text(item) for item in card["head"]) or "none, the graph ends with the logits",
        "output": output_text(card),
        "labels": textwrap.shorten(f"{len(card['labels'])}: {names(card['labels'], 6)}", 100),
    }
    if "thresholds" in card:
        values["thresholds"] = names((f"{value:g}" for value in card["thresholds"]), 6)
    return values


def picture_values(image):
    return {
        "size": f"{image['height']}×{image['width']}",
        "resize": image["resize"],
        "crop": crop_text(image),
        "pixels": pixels_text(image),
    }


def sound_values(sound, model):
    """The input of networks that are given the levels of a mel spectrogram."""
    rows, columns = model.size
    settings = names((f"{key} {value}" for key, value in sound.items() if key != "kind"), 20)
    return {"size": f"{rows}×{columns} levels", "pixels": settings}


def crop_text(image):
    if "resize_side" in image:
        return f"shorter side to {image['resize_side']}, centre of {image['height']}×{image['width']} cut out"
    return "none, the whole picture is resized"


def pixels_text(image):
    scale = image["scale"]
    first = f"pixel/{1 / scale:g}" if scale != 1 else "pixel"
    mean = ", ".join(f"{value:g}" for value in image["mean"])
    std = ", ".join(f"{value:g}" for value in image["std"])
    return f"({first} − [{mean}]) / [{std}], {image['channels']}"


def head_text(item):
    kind = item["kind"].replace("_", " ")
    if item["kind"] == "dense":
        function = item.get("activation", "linear")
        return f"dense {item['units']}" + (f" {function}" if function != "linear" else "")
    if item["kind"] in ("batch_norm", "layer_norm"):
        return f"{kind} of epsilon {item['epsilon']:g}"
    if item["kind"] == "activation":
        return item["function"]
    if item["kind"] == "dropout":
        return f"dropout {item['rate']:g}"
    if "size" in item:
        return f"{kind} {item['size'][0]}×{item['size'][1]}"
    return kind


def output_text(card):
    threshold = card.get("threshold")
    return card["output"] + (f", threshold {threshold:g}" if threshold is not None else "")
