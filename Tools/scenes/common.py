"""What the makers of data share: random numbers by name, tables, and folders that appear whole."""

import contextlib
import csv
import hashlib
import pathlib
import shutil
import sys
import tempfile

import numpy
from PIL import Image

SPLITS = ("training", "validation", "testing")


def draw(*key) -> numpy.random.Generator:
    """Random numbers that depend on the key alone."""
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return numpy.random.Generator(numpy.random.PCG64(int.from_bytes(digest, "little")))


def pick(random: numpy.random.Generator, items):
    return items[random.integers(len(items))]


def divided(families: dict, shares: dict, *key) -> dict:
    """The members of whole families in each split, by their shares; every split gets at least one family.

    `families` maps a family's name to its members, `shares` a split to its part of all members.
    """
    names = sorted(families)
    if len(names) < len(shares):
        sys.exit(f"scenes: {'/'.join(map(str, key))} has {len(names)} families; {len(shares)} splits need one each")
    draw("split", *key).shuffle(names)
    splits = list(shares)
    chosen = {split: list(families[names[index]]) for index, split in enumerate(splits)}
    total = sum(map(len, families.values()))
    for name in names[len(splits) :]:
        # To the split that lacks most of its share.
        split = max(splits, key=lambda split: shares[split] * total - len(chosen[split]))
        chosen[split] += families[name]
    return {split: sorted(members) for split, members in chosen.items()}


@contextlib.contextmanager
def whole_folder(path: pathlib.Path):
    """A folder beside the output that takes its place at the end, or vanishes."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        sys.exit(f"{pathlib.Path(sys.argv[0]).stem}: {path} exists; name a new folder, or remove it")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = pathlib.Path(tempfile.mkdtemp(prefix=path.name + ".", dir=path.parent))
    try:
        yield partial
        partial.chmod(0o755)
        if path.exists():
            path.rmdir()
        partial.rename(path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def write_table(path: pathlib.Path, header, rows) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def write_picture(path: pathlib.Path, values: numpy.ndarray) -> None:
    """Writes a PNG of `[H, W]` or `[H, W, 3]` bytes; a mask of truth values becomes 0 and 255."""
    if values.dtype == bool:
        values = values.astype(numpy.uint8) * 255
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path, compress_level=2)
