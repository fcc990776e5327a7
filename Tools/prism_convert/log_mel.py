"""The levels of a mel spectrogram as a network's input, where there is no picture in between."""

from .errors import ConversionError

# Published front ends by name.
PRESETS = {
    "panns": {"rate": 32000, "fft": 1024, "hop": 320, "bands": 64, "fmin": 50, "fmax": 14000},
}
WORDS = {
    "scale": ("slaney", "htk"),
    "norm": ("slaney", "none"),
    "logarithm": ("decibel", "natural"),
    "edges": ("reflect", "zero"),
    "axes": ("frames_bands", "bands_frames"),
}
NUMBERS = {
    "rate": "sample_rate", "fft": "fft", "hop": "hop", "bands": "mel_bands", "fmin": "fmin", "fmax": "fmax",
    "floor": "power_floor", "range": "decibel_range", "mean": "mean", "std": "std",
}  # fmt: skip
WHOLE = ("rate", "fft", "hop", "bands")
HELP = (
    "the network is given the levels of a mel spectrogram: panns, or rate=HZ,fft=N,hop=N,bands=N with fmin, fmax, "
    "scale, norm, floor, range, logarithm, edges, axes, mean, std where they differ from librosa's"
)


def parse(text):
    """The front end that an option names, as a dictionary."""
    given = {}
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals and name in PRESETS:
            given.update(PRESETS[name])
        elif name in WORDS and value in WORDS[name]:
            given[name] = value
        elif name in NUMBERS:
            given[name] = number(name, value)
        else:
            raise ConversionError(f"--log-mel does not know {part!r}; it takes {HELP.split(': ', 1)[1]}")
    missing = [name for name in WHOLE if name not in given]
    if missing:
        raise ConversionError(f"--log-mel needs {', '.join(missing)} as well")
    return given


def number(name, value):
    try:
        return int(value) if name in WHOLE else float(value)
    except ValueError:
        raise ConversionError(f"--log-mel needs a number as {name}, not {value!r}") from None


def card_input(text, model, channels):
    """The card's input for the size that the model has."""
    given = parse(text)
    if channels != 1:
        raise ConversionError(f"--log-mel is for networks of one channel, this one has {channels}")
    axes = given.get("axes", "frames_bands")
    frames, bands = model.size if axes == "frames_bands" else reversed(model.size)
    if bands != given["bands"]:
        raise ConversionError(
            f"--log-mel has {given['bands']} bands, but the network is given {model.size[0]}×{model.size[1]} "
            f"({axes.replace('_', ' by ')})"
        )
    model.account.say("size", "the network's own size, in frames and bands")
    model.account.say("pixels", "--log-mel")
    return {
        "kind": "log_mel",
        **{NUMBERS[name]: given[name] for name in NUMBERS if name in given and name not in ("mean", "std")},
        **({"mel_scale": given["scale"]} if "scale" in given else {}),
        **({"mel_norm": given["norm"]} if "norm" in given else {}),
        **{name: given[name] for name in ("logarithm", "edges") if name in given},
        # The frames' middles are at multiples of the hop, the first at the start.
        "seconds": max((frames - 1) * given["hop"], given["fft"]) / given["rate"],
        "frames": frames,
        "axes": axes,
        "mean": [given.get("mean", 0.0)],
        "std": [given.get("std", 1.0)],
    }


def text(card):
    """The input in words."""
    return (
        f"{card.get('logarithm', 'decibel')} levels of {card['mel_bands']} mel bands, {card['sample_rate']} Hz, windows of "
        f"{card['fft']} every {card['hop']} samples, {card['seconds']:g} s"
    )
