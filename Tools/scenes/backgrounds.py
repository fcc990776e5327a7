"""What lies behind the stamps: desktop wallpapers of Debian packages, and procedural pictures."""

import json
import pathlib
from functools import lru_cache

import numpy
from PIL import Image

from common import divided, draw, pick

SHARES = {"training": 0.6, "validation": 0.15, "testing": 0.25}
LONG_SIDE = 900

# Wallpapers that show things which a label or the clutter could mean.
LEFT_OUT = {"Autumn", "ColorfulCups", "EveningGlow", "FallenLeaf", "FlyingKonqui", "Kite", "OneStandsOut", "SafeLanding", "vnc"}

# Kinds of procedural pictures in each split; noise is everywhere, the others never cross.
KINDS = {
    "training": ("noise", "gradient", "stripes", "blobs"),
    "validation": ("noise", "checks"),
    "testing": ("noise", "rings", "tiles"),
    "familiar": ("noise", "rings", "tiles"),
}


def photographs(root: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """Wallpapers by name; light and dark ones of one name stay together."""
    found = {}
    for path in sorted((root / "usr/share/backgrounds/gnome").glob("*.webp")):
        found.setdefault(path.stem.rpartition("-")[0], []).append(path)
    for folder in sorted((root / "usr/share/wallpapers").glob("*/contents/images*")):
        # One size of each, and none that are upright for telephones.
        wide = [path for path in folder.iterdir() if not path.is_symlink() and width_over_height(path) > 1]
        if wide:
            found.setdefault(folder.parts[-3], []).append(max(wide, key=lambda path: (path.stat().st_size, path.name)))
    return {name: paths for name, paths in found.items() if name not in LEFT_OUT}


def width_over_height(path: pathlib.Path) -> float:
    width, separator, height = path.stem.partition("x")
    return int(width) / int(height) if separator and width.isdigit() and height.isdigit() else 0


def authors(root: pathlib.Path) -> list[tuple[str, str, str]]:
    """Name, authors and licence of the wallpapers in use that say so themselves."""
    rows = []
    for name in sorted(photographs(root)):
        path = root / "usr/share/wallpapers" / name / "metadata.json"
        if path.exists():
            about = json.loads(path.read_text(encoding="utf-8"))["KPlugin"]
            rows.append((name, ", ".join(author["Name"] for author in about.get("Authors", [])), about.get("License", "")))
    return rows


def photographs_by_split(root: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    return divided(photographs(root), SHARES, "backgrounds")


@lru_cache(maxsize=None)
def loaded(path: pathlib.Path) -> Image.Image:
    picture = Image.open(path)
    picture.draft("RGB", (LONG_SIDE * 2, LONG_SIDE * 2))
    picture = picture.convert("RGB")
    picture.thumbnail((LONG_SIDE, LONG_SIDE), Image.Resampling.BOX)
    return picture


def background(random: numpy.random.Generator, photos: list, split: str, side: int) -> tuple[str, numpy.ndarray]:
    """A name and `[side, side, 3]` bytes: a part of a wallpaper, or a procedural picture."""
    if photos and random.random() < 0.6:
        path = pick(random, photos)
        picture = loaded(path)
        size = int(min(picture.size) * random.uniform(0.3, 1))
        left, top = (int(random.integers(0, extent - size + 1)) for extent in picture.size)
        part = picture.resize((side, side), Image.Resampling.BICUBIC, (left, top, left + size, top + size))
        values = numpy.asarray(part)[:, :: -1 if random.random() < 0.5 else 1]
        name = path.stem if path.parent.name == "gnome" else path.parts[-4]
        # A wallpaper's colours would be too few: half of them get others.
        return name, turned_colours(values, random) if random.random() < 0.5 else values
    kind = pick(random, KINDS[split])
    return kind, procedural(kind, random, side)


def turned_colours(values: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    hue, *others = Image.fromarray(values).convert("HSV").split()
    shift = int(random.integers(256))
    return numpy.asarray(Image.merge("HSV", [hue.point(lambda h: (h + shift) % 256), *others]).convert("RGB"))


def correlated(random: numpy.random.Generator, side: int, exponent: float) -> numpy.ndarray:
    """Noise `[side, side]` from 0 to 1 whose amplitude falls with the frequency by this exponent."""
    y, x = numpy.fft.fftfreq(side)[:, None], numpy.fft.rfftfreq(side)[None]
    frequency = numpy.maximum(numpy.hypot(x, y), 1 / side)
    spectrum = numpy.fft.rfft2(random.standard_normal((side, side))) / frequency**exponent
    spectrum[0, 0] = 0
    noise = numpy.fft.irfft2(spectrum, (side, side))
    return numpy.clip(noise / (5 * noise.std()) + 0.5, 0, 1)


def procedural(kind: str, random: numpy.random.Generator, side: int) -> numpy.ndarray:
    y, x = numpy.mgrid[0:side, 0:side] / side - 0.5
    angle = random.uniform(0, 2 * numpy.pi)
    along = x * numpy.cos(angle) + y * numpy.sin(angle)
    across = y * numpy.cos(angle) - x * numpy.sin(angle)
    rate = random.uniform(3, 14)
    if kind == "noise":
        share = correlated(random, side, random.uniform(0.8, 2))
    elif kind == "gradient":
        share = along + 0.5
    elif kind == "stripes":
        share = 0.5 + 0.5 * numpy.clip(random.uniform(1, 6) * numpy.sin(2 * numpy.pi * rate * along), -1, 1)
    elif kind == "blobs":
        share = numpy.clip((correlated(random, side, 2) - 0.5) * 12 + 0.5, 0, 1)
    elif kind == "checks":
        share = (numpy.floor(rate * along) + numpy.floor(rate * across)) % 2
    elif kind == "rings":
        centre = random.uniform(-0.5, 0.5, 2)
        share = 0.5 + 0.5 * numpy.sin(2 * numpy.pi * rate * numpy.hypot(x - centre[0], y - centre[1]))
    else:
        cells = numpy.floor(rate * along).astype(int) % 64, numpy.floor(rate * across).astype(int) % 64
        share = random.random((64, 64))[cells]
    first, second = random.uniform(0, 255, (2, 3))
    grain = random.normal(0, random.uniform(0, 10), (side, side, 1))
    values = first + (second - first) * numpy.clip(share, 0, 1)[..., None] + grain
    return numpy.clip(values, 0, 255).astype(numpy.uint8)
