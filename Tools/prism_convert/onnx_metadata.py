"""What an ONNX file says of itself beside its graph: the labels, and how pictures are prepared.

The labels stand in the metadata under one of several names, or in the nodes that turn numbers into labels; the format of
pixels under the names that ONNX has for it (`Image.BitmapPixelFormat`), or because Ultralytics made the file.
"""

import ast
import dataclasses
import json
import re

import numpy

from .errors import ConversionError
from .labels import label_list
from .transforms import Transform

LABELS = ("names", "class_names", "classes", "labels", "label_names", "class_labels", "id2label", "idx_to_class", "class_to_idx")
LONGEST = 1 << 20  # of a text that is parsed, in characters
RANGES = {
    "NominalRange_0_255": [], "Normalized_0_1": [("divide", 255)], "Normalized_1_1": [("divide", 127.5), ("add", -1)],
    "NominalRange_16_235": [("multiply", 219 / 255), ("add", 16)],
}  # fmt: skip
FORMATS = {"Gray8": [0], "Rgb8": [0, 1, 2], "Bgr8": [2, 1, 0], "Rgba8": [0, 1, 2, 3], "Bgra8": [2, 1, 0, 3]}


def read(file, model, said=None):
    """What the file says, completed by what files beside it say; None for nothing."""
    found = ultralytics(file.metadata, model) or pixels(file.metadata, model.image_channels) or said
    labels, origin = named(file.metadata, model.units)
    if labels is None:
        labels, origin = of_nodes(file.graph, model.units), "the node behind the probabilities"
    if labels is None:
        labels, origin = (said.labels, said.origin) if said and said.labels else (None, "")
    return dataclasses.replace(found or Transform(origin), labels=labels, labels_origin=origin) if labels else found


def named(metadata, count):
    """The labels in the metadata, and where they stand."""
    keys = {key.lower(): key for key in metadata}
    for name in LABELS:
        if name in keys:
            labels = parsed(metadata[keys[name]], count)
            if labels is not None:
                return labels, f"{keys[name]} in the file's metadata"
    return None, ""


def parsed(text, count):
    """Names from JSON, from Python's way of writing a list or a dictionary, or from lines or commas if so many are needed."""
    if len(text) > LONGEST:
        return None
    for parse in (json.loads, ast.literal_eval):
        try:
            labels = label_list(parse(text))
        except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
            continue
        if labels is not None:
            return labels
    for separator in ("\n", ","):
        parts = [part.strip() for part in text.strip().split(separator)]
        if len(parts) == max(count, 2) and all(parts):
            return parts
    return None


def of_nodes(graph, count):
    """The labels that a node gives for the best number: a ZipMap's, or the texts from which one is taken."""
    found = [node.attributes["classlabels_strings"] for node in graph.nodes if node.attributes.get("classlabels_strings")]
    texts = {name: value for name, value in graph.constants.items() if value.dtype == object}
    for node in graph.nodes:
        value = node.attributes.get("value") if node.op == "Constant" else None
        if isinstance(value, numpy.ndarray) and value.dtype == object:
            texts[node.output] = value
    for node in graph.nodes:
        if node.op in ("ArrayFeatureExtractor", "Gather") and node.inputs and node.inputs[0] in texts:
            found.append(list(texts[node.inputs[0]].reshape(-1)))
    found = [labels for labels in found if len(labels) == max(count, 2)]
    return found[0] if found and all(labels == found[0] for labels in found) else None


def pixels(metadata, channels):
    """What ONNX's own names in the metadata say of the picture, or None."""
    kind, span = metadata.get("Image.BitmapPixelFormat"), metadata.get("Image.NominalPixelRange", "NominalRange_0_255")
    if kind not in FORMATS or span not in RANGES or len(FORMATS[kind]) != channels:
        return None
    order = FORMATS[kind]
    operations = ([("permute", order)] if order != sorted(order) else []) + RANGES[span]
    return Transform("Image.BitmapPixelFormat in the file's metadata", operations=operations, is_first=True)


def ultralytics(metadata, model):
    """What Ultralytics does with pictures of its classifiers; None for another file."""
    if metadata.get("author") != "Ultralytics":
        return None
    task = metadata.get("task", "classify")
    if task != "classify":
        raise ConversionError(f"the model is a network of Ultralytics for the task {task}; only classifiers have labels of whole pictures")
    height, width = model.size
    if height != width or model.image_channels != 3 or re.sub(r"[\s\[\]]", "", metadata.get("imgsz", "")) not in (f"{height},{width}", str(height)):
        return None
    return Transform(
        "Ultralytics, as the file's metadata say", model.size, "bilinear_antialias", height, [("divide", 255)], is_first=True
    )  # fmt: skip
