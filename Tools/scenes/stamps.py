"""The stamps of Tux Paint by label: which there are, which are variants of one thing, and which are of no label."""

import pathlib
import re
from functools import lru_cache

import numpy
from PIL import Image

from common import divided

STAMPS = "usr/share/tuxpaint/stamps"
SHARES = {"training": 0.68, "validation": 0.12, "testing": 0.2}

# Patterns of paths below the stamps' folder, without `.png`. What two labels could claim belongs to neither.
LABELS = {
    "bird": ["animals/birds/*", "animals/birds/cartoon/pengwin", "animals/birds/cartoon/tux"],
    "coin": ["symbols/money/*/coins/*", "symbols/money/japanese/*"],
    "flower": ["plants/flowers/*", "plants/flowers/plastic/*"],
    "fruit": ["food/fruit/*", "food/fruit/cartoon/*"],
    "furry": [
        "animals/mammals/bears/*", "animals/mammals/cats/*", "animals/mammals/dogs/*", "animals/mammals/rodents/*",
        *(f"animals/mammals/{name}" for name in ("badger", "ferret", "rabbit_little")),
        "animals/mammals/aquatic/otter", "animals/marsupials/koala", "animals/marsupials/wombat",
    ],
    "gravestone": ["seasonal/halloween/grave-*"],
    "hat": [
        "clothes/hats/*", "clothes/t_baseballcap", "clothes/armor/cartoon/*", "seasonal/christmas/santahat",
        "seasonal/newyears/party-hat", "sports/cartoon/football_helmet_*",
    ],
    "hoofed": [
        *(f"animals/mammals/{kind}/*" for kind in ("bovines", "camel", "deer", "equines")), "animals/mammals/giraffe",
    ],
    "house": ["town/houses/cartoon/*"],
    "insect": [
        "animals/insects/*", *(f"animals/insects/cartoon/{name}" for name in ("butterfly", "dragonfly", "fly", "ladybug*")),
    ],
    "instrument": ["hobbies/music/*/*"],
    "letter": ["symbols/alphabets/english/*/*/*"],
    "planet": ["space/moon/*", "space/planets/*"],
    "sea-animal": ["animals/fish/*", *(f"animals/mammals/aquatic/{name}" for name in ("dolphin", "orca", "sea_lion", "whale"))],
    "sign": ["town/roadsigns/*", "vehicles/locomotive/cartoon/trainSign"],
    "tool": ["household/tools/*", "household/arttools/scissors*", "household/dishes/utensils/nutcracker"],
    "vehicle": [
        "vehicles/auto/*", "vehicles/construction/*", "vehicles/construction/cartoon/*", "vehicles/emergency/*",
        "vehicles/emergency/cartoon/*", "vehicles/farming/cartoon/*", "vehicles/garbagetruck", "vehicles/locomotive/cartoon/*",
        "vehicles/masstransit/*", "vehicles/masstransit/cartoon/*", "vehicles/race/*", "military/vehicles/bradley",
        "military/vehicles/infantry-stryker",
    ],
}  # fmt: skip

# Things of no label, which lie about in every split.
CLUTTER = [
    "clothes/*", "clothes/armor/*", "hobbies/binoculars", "hobbies/camera_35mm", "household/*", "household/arttools/*",
    "household/dishes/*", "household/dishes/cartoon/*", "household/dishes/utensils/*", "medical/*", "naturalforces/*",
    "people/body_parts/*", "plants/mushrooms/*", "plants/trees/*", "seasonal/candle", "seasonal/christmas/*",
    "seasonal/hanukkah/*", "seasonal/newyears/confetti", "sports/t*", "symbols/chess/*", "symbols/recycle",
    "symbols/clockface", "symbols/shapes/*", "town/flags/*", "town/monuments/cartoon/*", "vehicles/ship/*",
    "vehicles/flight/*", "food/dessert/cartoon/*",
]  # fmt: skip

# Claimed by a pattern but something else, or something that a pattern's label is part of.
LEFT_OUT = {
    "animals/insects/Woodlouse", "animals/insects/Brown_slug", "food/fruit/cartoon/apple_core", "household/rubberduck",
    "household/tools/cementmixer", "household/tools/toolbox", "people/body_parts/eye", "plants/trees/rambutan",
    "seasonal/christmas/German_Christmas_toy", "seasonal/christmas/Roast_turkey", "seasonal/christmas/Santa",
    "space/planets/0_sun", "sports/tennis_ball", "symbols/shapes/pawprint", "town/monuments/cartoon/graveyard",
    "town/roadsigns/traffic_cone", "vehicles/locomotive/cartoon/trainSign", "symbols/chess/b_4_knight", "symbols/chess/w_4_knight",
    "household/garbagecan", "seasonal/christmas/lamp",
}  # fmt: skip
ALWAYS = {"sign": {"vehicles/locomotive/cartoon/trainSign"}}

# Stamps that show the same thing share its name; all others of a folder are things of their own.
ONE_THING = re.compile(
    r"^(butterfly|candy_cane|cep|dreydl|fly|football_helmet|gnu|guitar_electric|heron|ladybug|lion|moon|rabbit|scissors|star"
    r"|stoplight|tiger|xing|yellow_?flag)"
)
SAME = {"drake": "duck", "hen": "chicken", "rooster": "chicken", "chicken_profile": "chicken", "cherries": "cherry"}
SAME |= {"peacock": "peafowl", "albino_peahen": "peafowl", "mandarine": "orange", "sheep_lamb": "sheep", "ram": "sheep"}


def family(path: str) -> str:
    """What a stamp shows: two pictures of one thing are never on two sides of a split."""
    folder, _, name = path.rpartition("/")
    name = name.lower()
    if "alphabets" in folder:
        return name[0]
    if folder.startswith("symbols/chess"):
        return name.partition("_")[2]
    if folder.startswith("food/fruit"):
        name = name.replace("sliced_", "").replace("cherry", "cherries")
        return SAME.get(name, re.split(r"[-_0-9]", name)[0].rstrip("s"))
    if "penguin" in name or name in ("tux", "pengwin"):
        return "penguin"
    if name in SAME or name in SAME.values():
        return SAME.get(name, name)
    match = ONE_THING.match(name)
    return match.group(1) if match else f"{folder}/{name}"


def found(root: pathlib.Path, patterns) -> list[str]:
    """Paths of the stamps that patterns claim, below the stamps' folder and without `.png`."""
    base = root / STAMPS
    names = set()
    for pattern in patterns:
        names |= {str(path.relative_to(base))[:-4] for path in base.glob(pattern + ".png")}
    return sorted(name for name in names if not name.endswith("_mirror"))


def stamps_by_split(root: pathlib.Path, labels) -> tuple[dict, dict]:
    """`{label: {split: [stamp]}}` for the labels, and `{split: [stamp]}` for the clutter."""
    claimed = {label: [s for s in found(root, LABELS[label]) if s not in LEFT_OUT - ALWAYS.get(label, set())] for label in LABELS}
    taken = {stamp for stamps in claimed.values() for stamp in stamps}
    clutter = [stamp for stamp in found(root, CLUTTER) if stamp not in taken | LEFT_OUT]
    return {label: split(claimed[label], label) for label in labels}, split(clutter, "clutter")


def split(stamps, key) -> dict:
    families = {}
    for stamp in stamps:
        families.setdefault(family(stamp), []).append(stamp)
    return divided(families, SHARES, "stamps", key)


@lru_cache(maxsize=None)
def stamp_picture(root: pathlib.Path, name: str, side: int) -> numpy.ndarray:
    """`[H, W, 4]` bytes of a stamp, cut to what is seen of it and at most `side` pixels long."""
    picture = Image.open(root / STAMPS / f"{name}.png").convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox())
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return numpy.asarray(picture)
