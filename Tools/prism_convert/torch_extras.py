"""Tensors of a checkpoint that are no layers, and what they tell: loss weights, metrics, means and deviations."""

import re

import numpy

from .errors import ConversionError

LOSS = re.compile(
    r"(^|\.)((\w*_)?(criterion|criteria|loss|loss_fn|loss_func|loss_function|lossfn|crit|objective|bce|ce)(_\w+)?(\.\w+)*\."
    r"(weight|pos_weight|alpha|class_weights?)|pos_weights?|class_weights?|loss_weights?|cls_weights?)$"
)
METRIC = re.compile(r"(^|[._])(acc|accuracy|auroc|auc|f1|f1score|precision|recall|metrics?|confmat|confusion|mcc|kappa)([._]|$)")
MEAN = re.compile(r"(^|[._])(mean|pixel_mean|image_mean|img_mean|norm_mean|mu|mean_tensor)$")
STD = re.compile(r"(^|[._])(std|pixel_std|image_std|img_std|norm_std|sigma|stdev|std_tensor)$")
COUNTERS = ("num_batches_tracked", "n_averaged", "num_updates", "decay", "step")

# Findings of NIH's ChestX-ray14 and their neighbours in other chest sets: labels that do not exclude each other.
FINDINGS = frozenset(
    """atelectasis cardiomegaly effusion infiltration mass nodule pneumonia pneumothorax consolidation edema emphysema
    fibrosis pleural_thickening hernia""".split()
)


class Extras:
    """What has been taken out of the checkpoint."""

    def __init__(self):
        self.positive_weights = None  # the name of a tensor pos_weight, of the loss of labels that are on their own
        self.class_weights = None
        self.normalisation = None  # operations, as Preprocessing.apply takes them
        self.origin = ""
        self.thresholds = None  # of torchxrayvision: op_threshs


def take(state):
    """Removes from the names all that is no layer of the network."""
    extras = Extras()
    means, stds = {}, {}
    for name in list(state):
        value, last = state[name], name.rpartition(".")[2]
        if last in COUNTERS and value.size == 1:
            del state[name]
        elif LOSS.search(name) and value.ndim <= 2 and min(value.shape, default=1) <= 1 or LOSS.search(name) and value.ndim <= 1:
            if "pos_weight" in last:
                extras.positive_weights = name
            else:
                extras.class_weights = name
            del state[name]
        elif last == "op_threshs":
            extras.thresholds = [float(number) for number in state.pop(name).reshape(-1)]
        elif METRIC.search(name) and last not in ("weight", "bias", "running_mean", "running_var") and value.ndim <= 3:
            del state[name]
        elif MEAN.search(name) and value.size in (1, 3, 4):
            means[MEAN.sub("", name)] = name
        elif STD.search(name) and value.size in (1, 3, 4):
            stds[STD.sub("", name)] = name
    normalise(state, means, stds, extras)
    return extras


def normalise(state, means, stds, extras):
    """A mean and a deviation that lie beside each other become preprocessing."""
    for key in means.keys() & stds.keys():
        mean, std = (state.pop(table[key]).reshape(-1).astype(float) for table in (means, stds))
        if extras.normalisation is not None:
            raise ConversionError(f"there are two means with deviations, {extras.origin} and {means[key]}")
        if mean.size != std.size or (std <= 0).any():
            raise ConversionError(f"{means[key]} and {stds[key]} are no mean and deviation of channels")
        extras.origin = f"{means[key]} and {stds[key]} in the checkpoint"
        operations = [("add", (-mean).tolist()), ("divide", std.tolist())]
        # A mean of the channels of a picture in 0…1 is below 1; one of pixels is not.
        if numpy.abs(mean).max() <= 1 and std.max() <= 1:
            operations.insert(0, ("divide", 255))
        extras.normalisation = operations


def finding(label):
    """Whether a label is one of the findings of chest pictures."""
    return re.sub(r"[\s-]+", "_", label.strip().lower()) in FINDINGS
