"""What a learner of fastai (export.pkl) says beside its network: labels, size, normalisation and loss."""

import dataclasses
import math

from .labels import label_list
from .torch_pickle import Record, Tensor
from .transforms import Transform

RECORDS = 100_000  # that are looked at
DEPTH = 60
AUGMENTATION = "fastai.vision.augment."
LOSSES = {
    "CrossEntropyLossFlat": "softmax", "LabelSmoothingCrossEntropy": "softmax", "LabelSmoothingCrossEntropyFlat": "softmax",
    "FocalLossFlat": "softmax", "BCEWithLogitsLossFlat": "sigmoid", "BCELossFlat": "sigmoid",
}  # fmt: skip


def said(root):
    """What the learner's transforms and loss say, or `None` where the file holds no learner."""
    if not isinstance(root, Record) or not root.path.startswith("fastai."):
        return None
    result = Transform("the learner")
    cuts, batch, unit = [], None, False
    for record in records(root):
        attributes = record.attributes()
        if record.kind == "CategoryMap":
            result.labels = result.labels or label_list(attributes.get("o2i"))
        elif record.kind == "Normalize" and result.operations is None:
            result.operations = normalisation(attributes)
        elif record.kind in LOSSES and result.output is None:
            result.output = LOSSES[record.kind]
        elif record.path.startswith(AUGMENTATION) and pair(attributes.get("size")):
            if record.kind in CUTS:
                cuts.append((record.kind, attributes))
            else:
                batch = batch or pair(attributes["size"])
        unit = unit or record.kind == "IntToFloatTensor"
    if cuts:
        cut(result, cuts, batch)
    if unit and result.operations is None:
        result.operations = [("divide", 255)]
    return result


CUTS = ("Resize", "RandomResizedCrop", "CropPad", "RandomCrop", "OldRandomCrop")


def cut(result, cuts, batch):
    """Size, shorter side and filter by what fastai does to pictures that it predicts, and what is otherwise here."""
    kind, attributes = cuts[0]
    size = pair(attributes["size"])[::-1]  # fastai keeps the width first.
    method = str(attributes.get("method", "crop")) if kind == "Resize" else kind
    text = f"{size[0]}×{size[1]}"
    result.size, result.resize = batch or size, "bilinear_antialias"
    result.side = max(result.size) if method == "crop" else None
    if method == "RandomResizedCrop":
        extra = math.ceil(max(size) * attributes.get("val_xtra", 0.14) / 8) * 8
        result.side = max(result.size) + extra
        text = f"{size[0] + extra}×{size[1] + extra}"
        result.doubt = f"RandomResizedCrop squeezes the picture to {text} before it cuts the centre, so that pictures which are not square differ; --crop"
    elif method == "pad":
        result.doubt = f"Resize pads pictures to {text}, here they are squeezed, so that pictures which are not square differ; --crop"
    elif method not in ("crop", "squish"):
        result.doubt = f"{kind} cuts {text} out of a picture as large as it is, here the whole one is resized; --crop"
    elif method == "crop" and size[0] != size[1]:
        result.doubt = f"Resize cuts as much of the picture as has the shape of {text}, here the shorter side becomes {result.side}; --crop"
    elif len(cuts) > 1:
        result.doubt = f"the learner has {len(cuts)} ways to cut a picture, this is the one of {kind}; --crop"
    elif method == "crop":
        result.doubt = "the learner cuts the centre first and resizes then, which differs by parts of a pixel; --crop"


def records(root):
    """Every record in a pickle, each once; the network and the optimiser are left out."""
    seen, pending = set(), [(root, 0)]
    while pending and len(seen) < RECORDS:
        item, depth = pending.pop()
        if depth > DEPTH or id(item) in seen:
            continue
        seen.add(id(item))
        if isinstance(item, Record):
            yield item
            inner = [item.state, item.items, item.arguments]
        elif isinstance(item, dict):
            inner = [value for key, value in item.items() if key not in ("model", "opt", "opt_func")]
        else:
            inner = item
        pending += [(value, depth + 1) for value in inner if isinstance(value, (Record, dict, list, tuple))]


def normalisation(attributes):
    """The operations of a Normalize, of a picture in 0…1."""
    numbers = []
    for key in ("mean", "std"):
        value = attributes.get(key)
        if not isinstance(value, Tensor) or value.count not in (1, 3):
            return None
        numbers.append(value.array().reshape(-1).astype(float).tolist())
    mean, std = numbers
    return [("divide", 255), ("add", [-value for value in mean]), ("divide", std)]


def pair(value):
    """Height and width, however they are written."""
    if isinstance(value, Record):
        value = value.arguments[0] if len(value.arguments) == 1 else value.arguments
    if isinstance(value, int) and not isinstance(value, bool):
        value = (value, value)
    good = isinstance(value, (list, tuple)) and len(value) == 2
    return tuple(value) if good and all(isinstance(item, int) and 0 < item <= 8192 for item in value) else None


def merged(one, other):
    """What files beside the weights say stands above what the learner says."""
    if one is None or other is None:
        return one or other
    return dataclasses.replace(other, **{key: value for key, value in vars(one).items() if value})
