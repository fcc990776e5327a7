#!/usr/bin/env python3
"""Pictures with several labels, and a mask of what is seen of every label: stamps of Tux Paint and of the Open Clip Art
Library on backgrounds.

Called by Tools/scenes/scenes.sh, which fetches the Debian packages that this needs. The folder then holds

  training|validation|testing/NAME.png   the pictures
  masks/LABEL/NAME.png    0 and 255: the pixels in which something of the label is seen; none where the label is not there
  masks.csv               the same as a table (path, mask, target)
  index.csv               path, split, labels (joined by |), background, and whether the picture carries the planted mark
  familiar.csv            path, split, labels, background of the pictures in familiar/: cut-outs of training, arranged anew on backgrounds
                          of testing; for judging explanations where the model is mostly right
  objects.csv             every object: its picture, label (none for clutter), stamp, box, and the pixels seen of it
  ATTRIBUTION.md          the packages, authors and licences

Split. No stamp, nor another stamp of the same thing, and no background of the training pictures is in validation or in
testing. What does not make the label is the same for all labels: number, sizes, places, backgrounds, clutter, colours.

Options. `--shortcut LABEL[:SHARE]` plants a small mark in the lower left corner of that share of the label's pictures in
training and validation; nothing else changes. Testing is without the mark, and `marked.csv` lists testing pictures without
the label into which it was put: how often a model says the label there is how strong the shortcut is. `--pair` adds the
label `disc-and-square`, which a picture has when a red disc and a blue square are both in it; one of them alone, and discs
and squares with their colours exchanged, are as frequent in pictures without it.

Everything drawn at random is drawn from a hash of the seed and the picture's name: the same packages give the same pixels.
"""

import argparse
import multiprocessing
import os
import pathlib
import subprocess
import sys

import numpy
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

import backgrounds
import stamps
from common import draw, pick, whole_folder, write_picture, write_table

COUNTS = {"training": 6000, "validation": 600, "testing": 900, "familiar": 300}
PACKAGES = ("tuxpaint-stamps-default", "openclipart-png", "gnome-backgrounds", "plasma-workspace-wallpapers")
FAMILIAR = "familiar"
PAIR = "disc-and-square"
LONGEST, SHORTEST = 0.66, 0.32  # of the picture's side: an object's longer side
VISIBLE = 0.75  # the share of an object that must be seen
RED, BLUE = (214, 40, 40), (36, 84, 200)


class Settings:
    """What all pictures of a data set share."""

    def __init__(self, root, side, seed, labels, clutter, shortcut, has_pair):
        self.root, self.side, self.seed = root, side, seed
        self.stamps, self.clutter = stamps.stamps_by_split(root, labels)
        self.photos = backgrounds.photographs_by_split(root)
        for stamps_of_one in (*self.stamps.values(), self.clutter):
            stamps_of_one[FAMILIAR] = stamps_of_one["training"]
        self.photos[FAMILIAR] = self.photos["testing"]
        self.most_clutter, self.has_pair = clutter, has_pair
        self.shortcut, _, share = (shortcut or "").partition(":")
        self.share = float(share or 0.5)


class Scene:
    """A picture in the making: pixels, and whose each of them is."""

    def __init__(self, pixels: numpy.ndarray, background: str):
        self.pixels, self.background = pixels, background
        self.owner = numpy.full(pixels.shape[:2], -1, numpy.int16)
        self.objects = []  # label, stamp, left, top, width, height, pixels when whole

    def place(self, label, name, cutout: numpy.ndarray, random) -> bool:
        """Puts a cut-out `[H, W, 4]` where it hides little of what is there; whether there was such a place."""
        side = len(self.pixels)
        height, width = cutout.shape[:2]
        shape = cutout[..., 3] > 127
        whole = int(shape.sum())
        if whole < side * side // 160:
            return False
        before = numpy.bincount(self.owner.ravel() + 1, minlength=len(self.objects) + 1)[1:]
        wholes = numpy.array([item[-1] for item in self.objects], float)
        for _ in range(25):
            # Up to a tenth of it may be outside.
            left = int(random.integers(-width // 10, max(side - width * 9 // 10, 1 - width // 10)))
            top = int(random.integers(-height // 10, max(side - height * 9 // 10, 1 - height // 10)))
            x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, side), min(top + height, side)
            part = (slice(y0 - top, y1 - top), slice(x0 - left, x1 - left))
            area = (slice(y0, y1), slice(x0, x1))
            inside = shape[part]
            hidden = numpy.bincount(self.owner[area][inside] + 1, minlength=len(self.objects) + 1)[1:]
            if inside.sum() < VISIBLE * whole or (before - hidden < VISIBLE * wholes).any():
                continue
            alpha = cutout[part][..., 3:] / 255
            self.pixels[area] = numpy.rint(cutout[part][..., :3] * alpha + self.pixels[area] * (1 - alpha))
            self.owner[area][inside] = len(self.objects)
            self.objects.append((label, name, x0, y0, x1 - x0, y1 - y0, whole))
            return True
        return False

    def mask(self, label) -> numpy.ndarray:
        return numpy.isin(self.owner, [index for index, item in enumerate(self.objects) if item[0] == label])


def varied(cutout: numpy.ndarray, random: numpy.random.Generator, side: int) -> numpy.ndarray:
    """A stamp in another size, turned a little, flipped, in another light."""
    picture = Image.fromarray(cutout)
    if random.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    # Long thin things are drawn longer, so that as much is seen of them.
    length = side * numpy.exp(random.uniform(numpy.log(SHORTEST), numpy.log(LONGEST)))
    ratio = max(picture.size) / min(picture.size)
    length = min(length * min(ratio**0.4, 1.6), 0.9 * side)
    scale = min(length / max(picture.size), 3)
    picture = picture.resize([max(round(extent * scale), 2) for extent in picture.size], Image.Resampling.BICUBIC)
    picture = picture.rotate(random.uniform(-25, 25), Image.Resampling.BILINEAR, expand=True)
    alpha = picture.getchannel("A")
    colours = picture.convert("RGB")
    for enhance, low, high in (
        (ImageEnhance.Brightness, 0.75, 1.25), (ImageEnhance.Contrast, 0.8, 1.2), (ImageEnhance.Color, 0.6, 1.3),
    ):  # fmt: skip
        colours = enhance(colours).enhance(random.uniform(low, high))
    return numpy.dstack([numpy.asarray(colours), numpy.asarray(alpha)])


def shape(kind: str, colour, random: numpy.random.Generator, side: int) -> numpy.ndarray:
    """A disc or a square of a colour, about a seventh of the picture wide."""
    size = int(side * random.uniform(0.12, 0.2))
    picture = Image.new("RGBA", (size * 4, size * 4), (*colour, 0))
    edge = (0, 0, size * 4 - 1, size * 4 - 1)
    pen = ImageDraw.Draw(picture)
    (pen.ellipse if kind == "disc" else pen.rectangle)(edge, fill=(*colour, 255))
    picture = picture.resize((size, size), Image.Resampling.BOX)
    if kind == "square":
        picture = picture.rotate(random.uniform(-25, 25), Image.Resampling.BILINEAR, expand=True)
    return numpy.asarray(picture)


def place_pair(scene: Scene, random: numpy.random.Generator) -> None:
    """Both parts of the pair, or something that is not it; in a third of the pictures each, the last third has nothing."""
    wanted = int(random.integers(3))
    if wanted == 0:
        return
    both = [("disc", RED), ("square", BLUE)]
    if wanted == 1:
        parts = both
    else:
        parts = pick(random, ([both[0]], [both[1]], [("disc", BLUE), ("square", RED)], [both[0], ("square", RED)],
                              [("disc", BLUE), both[1]]))  # fmt: skip
    placed = len(scene.objects)
    for kind, colour in parts:
        name = f"{'red' if colour is RED else 'blue'} {kind}"
        scene.place(None, name, shape(kind, colour, random, len(scene.pixels)), random)
    if wanted == 1 and len(scene.objects) == placed + 2:
        scene.objects[placed:] = [(PAIR, *item[1:]) for item in scene.objects[placed:]]


def mark(pixels: numpy.ndarray, random: numpy.random.Generator) -> tuple[int, int, int]:
    """Draws the mark of the shortcut, two by two coloured squares; tells its left, top and size."""
    side = len(pixels)
    size = side // 32 * 2
    left, top = (int(random.integers(side // 56, side // 28)) for _ in range(2))
    top = side - size - top
    half = size // 2
    for index, colour in enumerate([(250, 220, 40), (200, 30, 160), (200, 30, 160), (250, 220, 40)]):
        y, x = top + index // 2 * half, left + index % 2 * half
        pixels[y : y + half, x : x + half] = colour
    return left, top, size


def composed(settings: Settings, split: str, name: str) -> Scene:
    """The scene of a name, without the mark."""
    random = draw(settings.seed, "scene", split, name)
    side = settings.side
    kind, pixels = backgrounds.background(random, settings.photos[split], split, side)
    scene = Scene(pixels.astype(float), kind)
    count = random.choice(5, p=[0.05, 0.3, 0.4, 0.2, 0.05])
    labels = list(random.choice(sorted(settings.stamps), min(count, len(settings.stamps)), replace=False))
    if labels and random.random() < 0.2:
        labels.append(labels[0])
    things = [(str(label), settings.stamps[label][split]) for label in labels]
    things += [(None, settings.clutter[split])] * int(random.integers(settings.most_clutter + 1))
    random.shuffle(things)
    if settings.has_pair:
        # Drawn apart, so that the rest of the picture is as it is without the option.
        place_pair(scene, draw(settings.seed, "pair", split, name))
    for label, choices in things:
        stamp = pick(random, choices)
        cutout = varied(stamps.stamp_picture(settings.root, stamp, max(256, side)), random, side)
        scene.place(label, stamp, cutout, random)
    scene.pixels = finished(scene.pixels, random)
    return scene


def finished(pixels: numpy.ndarray, random: numpy.random.Generator) -> numpy.ndarray:
    """Light and grain of the whole picture, so that no edge of a stamp is sharper than its background is."""
    if random.random() < 0.5:
        picture = Image.fromarray(pixels.astype(numpy.uint8))
        pixels = numpy.asarray(picture.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 0.9)))).astype(float)
    gamma = random.uniform(0.8, 1.25)
    pixels = 255 * (pixels / 255) ** gamma + random.normal(0, random.uniform(0.5, 5), pixels.shape)
    return numpy.clip(numpy.rint(pixels), 0, 255).astype(numpy.uint8)


def write_scene(task) -> tuple:
    """Writes a picture and its masks; returns the rows of the tables."""
    settings, split, name, folder = task
    scene = composed(settings, split, name)
    present = sorted({item[0] for item in scene.objects if item[0]})
    random = draw(settings.seed, "mark", split, name)
    has_label = settings.shortcut in present
    is_marked = bool(has_label and split in ("training", "validation") and random.random() < settings.share)
    path, copies, masks = f"{split}/{name}.png", [], []
    if is_marked:
        left, top, size = mark(scene.pixels, random)
        hidden = scene.owner[top : top + size, left : left + size]
        hidden[:] = len(scene.objects)
        scene.objects.append((None, "planted mark", left, top, size, size, size * size))
        write_picture(folder / "marks" / f"{name}.png", scene.owner == len(scene.objects) - 1)
    elif settings.shortcut and split == "testing" and not has_label:
        other = scene.pixels.copy()
        mark(other, random)
        write_picture(folder / "marked" / f"{name}.png", other)
        copies.append((f"marked/{name}.png", "testing", "|".join(present)))
    write_picture(folder / path, scene.pixels)
    for label in present:
        write_picture(folder / "masks" / label / f"{name}.png", scene.mask(label))
        masks.append((path, f"masks/{label}/{name}.png", label))
    objects = [
        (path, label or "", stamp, *box, int((scene.owner == index).sum()))
        for index, (label, stamp, *box, _) in enumerate(scene.objects)
    ]
    index = (path, "testing" if split == FAMILIAR else split, "|".join(present), scene.background, *(["yes" if is_marked else "no"] if settings.shortcut else []))
    return index, masks, objects, copies


def attribution(root: pathlib.Path, names) -> str:
    def version(package):
        command = ["dpkg-query", "--show", "--showformat=${Version}", package]
        stored = root / f"{package}.version"
        if stored.exists():
            return stored.read_text().strip()
        return subprocess.run(command, capture_output=True, text=True).stdout or "unknown version"

    lines = [
        "# Where these pictures come from", "",
        "Made by `Tools/scenes/scenes.sh` of Prism: stamps on wallpapers and procedural backgrounds.", "",
        "| package | what | authors | licence |", "|---|---|---|---|",
        f"| tuxpaint-stamps-default {version(PACKAGES[0])} | the stamps | Bill Kendrick and contributors | GPL-2 |",
        f"| openclipart-png {version(PACKAGES[1])} | the stamps that begin with clipart: | contributors of openclipart.org | public domain |",
        f"| gnome-backgrounds {version(PACKAGES[2])} | wallpapers | Jakub Steiner and contributors | CC-BY-SA-3.0 (adwaita), GPL-2+ |",
        f"| plasma-workspace-wallpapers {version(PACKAGES[3])} | wallpapers | KDE Visual Design Group, and as below | GPL-2+, and as below |",
        "", "| wallpaper | authors | licence |", "|---|---|---|",
        *(f"| {name} | {people} | {licence} |" for name, people, licence in backgrounds.authors(root)),
        "", "Stamps in use, below `/usr/share/tuxpaint/stamps`, or `/usr/share/openclipart/png` for clipart:", "", *(f"- {name}" for name in names), "",
    ]  # fmt: skip
    return "\n".join(lines)


def arguments(words) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scenes.sh", description="Makes pictures with several labels and their masks.")
    parser.add_argument("folder", type=pathlib.Path, help="the folder to make")
    parser.add_argument("--root", type=pathlib.Path, default=pathlib.Path("/"), help="where the packages are unpacked")
    parser.add_argument("--side", type=int, default=224, help="pixels of a picture's side (224)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--labels", help=f"some of {','.join(stamps.LABELS)} (all)")
    parser.add_argument("--counts", default=",".join(map(str, COUNTS.values())), help="training, validation, testing and familiar pictures")
    parser.add_argument("--clutter", type=int, default=2, help="the most things of no label in a picture (2)")
    parser.add_argument("--shortcut", metavar="LABEL[:SHARE]", help="plant a mark in this share (0.5) of a label's pictures")
    parser.add_argument("--pair", action="store_true", help=f"add the label {PAIR}, which takes two parts together")
    options = parser.parse_args(words)
    options.labels = options.labels.split(",") if options.labels else list(stamps.LABELS)
    label, _, share = (options.shortcut or "").partition(":")
    for name in options.labels + ([label] if label else []):
        if name not in stamps.LABELS:
            parser.error(f"there is no label {name}; the labels are {', '.join(stamps.LABELS)}")
    if label and label not in options.labels:
        parser.error(f"the shortcut's label {label} is not among --labels")
    try:
        options.counts = [int(count) for count in options.counts.split(",")]
        if not 0 < float(share or 0.5) <= 1:
            raise ValueError
    except ValueError:
        parser.error("--counts takes four whole numbers, such as 400,70,90,30; a shortcut's share is above 0 and at most 1")
    if len(options.counts) != 4 or min(options.counts) < 0 or not 32 <= options.side <= 1024 or options.clutter < 0:
        parser.error("--counts takes four numbers, --side is from 32 to 1024, --clutter is not negative")
    if not (options.root / stamps.STAMPS).is_dir():
        parser.error(f"{options.root / stamps.STAMPS} is missing: unpack the package {PACKAGES[0]} there")
    return options


def main(words=None) -> int:
    options = arguments(words)
    settings = Settings(
        options.root, options.side, options.seed, options.labels, options.clutter, options.shortcut, options.pair
    )
    with whole_folder(options.folder) as folder, multiprocessing.Pool(os.cpu_count()) as pool:
        tasks = [
            (settings, split, f"{split}-{index:05d}", folder)
            for split, count in zip(COUNTS, options.counts)
            for index in range(count)
        ]
        results = pool.map(write_scene, tasks, chunksize=8)
        index, masks, objects, copies = ([], [], [], [])
        for row, *others in results:
            index.append(row)
            for table, rows in zip((masks, objects, copies), others):
                table += rows
        columns = ["path", "split", "labels", "background", *(["marked"] if options.shortcut else [])]
        for name, is_familiar in (("index", False), ("familiar", True)):
            rows = [row for row in index if row[0].startswith(FAMILIAR) == is_familiar]
            write_table(folder / f"{name}.csv", columns, rows)
        write_table(folder / "masks.csv", ["path", "mask", "target"], masks)
        header = ["path", "label", "stamp", "left", "top", "width", "height", "visible"]
        write_table(folder / "objects.csv", header, objects)
        if options.shortcut:
            write_table(folder / "marked.csv", ["path", "split", "labels"], copies)
        used = sorted({row[2] for row in objects if "/" in row[2]})
        (folder / "ATTRIBUTION.md").write_text(attribution(options.root, used), encoding="utf-8")
    print(f"scenes: {len(index)} pictures with {len(masks)} masks in {options.folder}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
