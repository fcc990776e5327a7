"""The input of networks that are given the levels of a mel spectrogram: what `--log-mel` says, and the card's part."""

from .errors import ConversionError
from .preprocessing import Preprocessing, rounded

NUMBERS = {
    "sample_rate": int, "seconds": float, "fft": int, "hop": int, "mel_bands": int, "fmin": float, "fmax": float,
    "power_floor": float, "decibel_range": float, "frames": int,
}  # fmt: skip
WORDS = {
    "mel_scale": ("slaney", "htk"), "mel_norm": ("slaney", "none"), "logarithm": ("decibel", "natural"),
    "edges": ("reflect", "zero"), "axes": ("frames_bands", "bands_frames"),
}  # fmt: skip
NEEDED = ("sample_rate", "seconds", "fft", "hop", "mel_bands")
PRESETS = {
    # PANNs (Kong et al., arXiv:1912.10211) of 32 kHz.
    "panns": dict(sample_rate=32000, seconds=10.0, fft=1024, hop=320, mel_bands=64, fmin=50.0, fmax=14000.0),
}


def parse(text):
    """The settings of `NAME=VALUE,…`, or of a name, with changes behind it."""
    result = {}
    for index, part in enumerate(text.split(",")):
        key, _, value = (item.strip() for item in part.partition("="))
        if index == 0 and key in PRESETS and not value:
            result.update(PRESETS[key])
        elif key in NUMBERS:
            result[key] = number(key, value)
        elif key in WORDS and value in WORDS[key]:
            result[key] = value
        elif key in WORDS:
            raise ConversionError(f"--log-mel: {key} is one of {', '.join(WORDS[key])}")
        else:
            raise ConversionError(f"--log-mel has no setting {key}: there are {', '.join([*NUMBERS, *WORDS])}, and panns")
    missing = [key for key in NEEDED if key not in result]
    if missing:
        raise ConversionError(f"--log-mel needs {', '.join(missing)} too, such as sample_rate=32000")
    return result


def number(key, value):
    try:
        result = NUMBERS[key](value)
    except ValueError:
        result = 0
    if not 0 <= result < 1e9 or result == 0 and key != "fmin":
        raise ConversionError(f"--log-mel: {key}={value} is no number that fits")
    return result


def size(settings):
    """Rows and columns of the network's input."""
    frames = settings.get("frames", 1 + int(settings["sample_rate"] * settings["seconds"]) // settings["hop"])
    bands = settings["mel_bands"]
    return (bands, frames) if settings.get("axes") == "bands_frames" else (frames, bands)


def card(settings, model):
    """The card's input; what the network does first to its levels is its mean and deviation."""
    if model.image_channels != 1 or tuple(model.size) != size(settings):
        rows, columns = size(settings)
        raise ConversionError(
            f"--log-mel gives {rows}×{columns} levels of one channel; the network takes {model.size[0]}×{model.size[1]} of "
            f"{model.image_channels}"
        )
    levels = Preprocessing(1)
    levels.apply(model.preprocessing)
    mean, std = float(levels.mean[0]) / levels.scale, float(levels.std[0]) / levels.scale
    return {"kind": "log_mel", **settings, "mean": [rounded(mean)], "std": [rounded(std)]}
