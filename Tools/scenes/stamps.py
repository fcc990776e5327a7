"""Cut-outs by label, from Tux Paint and from the Open Clip Art Library: which there are, which show the same thing, and
which are of no label."""

import fnmatch
import pathlib
import re
from functools import lru_cache

import numpy
from PIL import Image

from common import divided

# Names of cut-outs begin with `clipart:` where they are of the second.
STAMPS, CLIPART = "usr/share/tuxpaint/stamps", "usr/share/openclipart/png"
SHARES = {"training": 0.68, "validation": 0.12, "testing": 0.2}
MOST_PIXELS = 4_000_000  # larger drawings take too long to read


def clipart(folder: str, names: str = "*") -> list[str]:
    return [f"clipart:{folder}/{name}" for name in names.split()]


# Patterns of names. What two labels could claim belongs to neither.
LABELS = {
    "bird": ["animals/birds/*", "animals/birds/cartoon/pengwin", "animals/birds/cartoon/tux", *clipart("animals/birds")],
    "coin": ["symbols/money/*/coins/*", "symbols/money/japanese/*"],
    "flower": ["plants/flowers/*", "plants/flowers/plastic/*", *clipart("plants/flowers")],
    "fruit": ["food/fruit/*", "food/fruit/cartoon/*", *clipart("food/fruit")],
    "house": ["town/houses/cartoon/*", *clipart("buildings/homes")],
    "instrument": [
        "hobbies/music/*/*",
        *clipart("recreation/music", "africandrum* bass_guitar* cello* derbouk* djambf* drums_* electric_guitar* flute* french*"),
        *clipart("recreation/music", "guitar* harp?_* harp_* maracas* oboe* saxo* tenor* tpt* trumpet_* violin* xylo*"),
    ],
    "letter": ["symbols/alphabets/english/*/*/*"],
    "mammal": [
        "animals/mammals/bears/*", "animals/mammals/cats/*", "animals/mammals/dogs/*", "animals/mammals/rodents/*",
        *(f"animals/mammals/{name}" for name in ("badger", "ferret", "rabbit_little")),
        "animals/mammals/aquatic/otter", "animals/marsupials/koala", "animals/marsupials/wombat",
        *(f"clipart:animals/mammals/{kind}/*" for kind in ("bears", "big_cats", "dogs", "housecats")),
        *clipart("animals/mammals", "cartoon_cat* cartoon_squirrel* coniglio* contour_beaver contour_chipmunk contour_fox"),
        *clipart("animals/mammals", "contour_hamster dog_0* dog_on* raccoon* topo_*"),
        *(f"animals/mammals/{kind}/*" for kind in ("bovines", "camel", "deer", "equines")), "animals/mammals/giraffe",
        *clipart("animals/mammals/horses"),
        *clipart("animals/mammals", "antilope* bull_* camel_* contour_camel contour_giraffe dall_* deer_* fawn_* goat_*"),
        *clipart("animals/mammals", "pecora_* sheep-* vacca_*"),
    ],
    "planet": ["space/moon/*", "space/planets/*", *clipart("geography/astronomy"), *clipart("science/astronomy")],
    "sign": ["town/roadsigns/*", "vehicles/locomotive/cartoon/trainSign", *clipart("transportation/roadsigns")],
    "tool": [
        "household/tools/*", "household/arttools/scissors*", "household/dishes/utensils/nutcracker",
        *clipart("tools", "axe* blacksmith_hammer* bypasslopper* construction_hammer* cultivator* hammer_* hedgeshear* leafrake*"),
        *clipart("tools", "nail_puller* paint_brush_* roundpoint* saw_* scissors* screwdriver* simple_shovel* spaclu* tool"),
        *clipart("tools", "tools_* trowel* utensile* utensili* wooden_mallot*"),
    ],
    "vehicle": [
        "vehicles/auto/*", "vehicles/construction/*", "vehicles/construction/cartoon/*", "vehicles/emergency/*",
        "vehicles/emergency/cartoon/*", "vehicles/farming/cartoon/*", "vehicles/garbagetruck", "vehicles/locomotive/cartoon/*",
        "vehicles/masstransit/*", "vehicles/masstransit/cartoon/*", "vehicles/race/*", "military/vehicles/bradley",
        "military/vehicles/infantry-stryker",
        *clipart("transportation", "1989_* 4wd _chev* ambulans* autos_* big_truck* blazer* bus?_* bus_0* car hummer_* old_car* old_truck*"),
        *clipart("transportation", "redcar* road_runner* skoda* small_truck* trattore*"),
        *clipart("transportation/vehicles", "bmw_* car_jamin* dodge_* fire_* formula_* sportcar* toyota* tramway* truck_*"),
    ],
}  # fmt: skip

# Things of no label, which lie about in every split.
CLUTTER = [
    "clothes/*", "clothes/armor/*", "hobbies/binoculars", "hobbies/camera_35mm", "household/*", "household/arttools/*",
    "household/dishes/*", "household/dishes/cartoon/*", "household/dishes/utensils/*", "medical/*", "naturalforces/*",
    "people/body_parts/*", "plants/mushrooms/*", "plants/trees/*", "seasonal/candle", "seasonal/christmas/*",
    "seasonal/hanukkah/*", "seasonal/newyears/confetti", "sports/t*", "symbols/chess/*", "symbols/recycle",
    "symbols/clockface", "symbols/shapes/*", "town/flags/*", "town/monuments/cartoon/*", "vehicles/ship/*",
    "vehicles/flight/*", "food/dessert/cartoon/*", *clipart("food/desserts"), *clipart("food/beverages"),
    *clipart("buildings/furniture"), *clipart("signs_and_symbols/clocks"), *clipart("electronics/bulb"),
    *clipart("office/telephone"), *clipart("recreation/toys"), *clipart("plants/trees"), *clipart("containers"),
]  # fmt: skip

# Claimed by a pattern but something else, something a label is part of, or no cut-out.
LEFT_OUT = """
food/fruit/cartoon/apple_core household/rubberduck
household/tools/cementmixer household/tools/toolbox people/body_parts/eye plants/trees/rambutan
seasonal/christmas/German_Christmas_toy seasonal/christmas/Roast_turkey seasonal/christmas/Santa space/planets/0_sun
sports/tennis_ball symbols/shapes/pawprint town/monuments/cartoon/graveyard town/roadsigns/traffic_cone symbols/chess/?_4_knight
household/garbagecan seasonal/christmas/lamp vehicles/locomotive/cartoon/trainSign@vehicle
clipart:animals/birds/acquila_architetto_franc_04 clipart:animals/birds/baby-tux* clipart:animals/birds/cigni_*
clipart:animals/birds/cigno_di_notte* clipart:animals/birds/contour_bat clipart:animals/birds/duck_yellow_ii*
clipart:animals/birds/manager* clipart:animals/birds/mirjam* clipart:animals/birds/simbolo* clipart:animals/birds/stormo*
clipart:animals/birds/turkey_on* clipart:animals/birds/wing_* clipart:animals/birds/seagull_*
clipart:animals/mammals/bears/sleeping* clipart:animals/mammals/dogs/bulldog* clipart:animals/mammals/dogs/dog_head*
clipart:animals/mammals/housecats/cat_scr* clipart:animals/mammals/housecats/gatto_nero* clipart:animals/mammals/housecats/sleeping*
clipart:animals/mammals/housecats/cartoon_vg* clipart:animals/mammals/housecats/le_mie* clipart:animals/mammals/big_cats/b_w_*
clipart:animals/mammals/horses/horse_* clipart:animals/mammals/horses/mechorse
clipart:plants/flowers/bouquet* clipart:plants/flowers/cactus* clipart:plants/flowers/cartoon_tree* clipart:plants/flowers/dream*
clipart:plants/flowers/full_bloom* clipart:plants/flowers/magnolia-white* clipart:plants/flowers/mazzo* clipart:plants/flowers/mirjam*
clipart:plants/flowers/pink-rose* clipart:plants/flowers/sun_flower* clipart:plants/flowers/flowerandpot*
clipart:buildings/homes/abitazione* clipart:buildings/homes/casa_in* clipart:buildings/homes/casa_pluri*
clipart:buildings/homes/chalet* clipart:buildings/homes/house_gabrielle* clipart:buildings/homes/houses_*
clipart:geography/astronomy/00_* clipart:geography/astronomy/southe* clipart:geography/astronomy/01_*
clipart:transportation/roadsigns/ampel* clipart:transportation/roadsigns/bus_symbol* clipart:transportation/roadsigns/nws*
clipart:transportation/roadsigns/route_* clipart:transportation/roadsigns/stop clipart:transportation/roadsigns/yield
clipart:transportation/roadsigns/chauss* clipart:transportation/roadsigns/stop-sign*
clipart:recreation/music/trumpet_harmon* clipart:recreation/music/trumpet_straight* clipart:tools/paint_roller*
clipart:food/fruit/*_bw* clipart:food/fruit/apple_core* clipart:food/fruit/apple_juice* clipart:food/fruit/apple_mateya*
clipart:food/fruit/banana_mateya* clipart:food/fruit/candied* clipart:food/fruit/champignon* clipart:food/fruit/eris*
clipart:food/fruit/fruitcoll* clipart:food/fruit/grapes_leif* clipart:food/fruit/gumnut* clipart:food/fruit/juice*
clipart:food/fruit/kallisti* clipart:food/fruit/pie_* clipart:food/fruit/slate* clipart:food/fruit/straw_* clipart:food/fruit/tile*
clipart:food/fruit/tree* clipart:food/fruit/turkey*
clipart:recreation/toys/abc* clipart:recreation/toys/kiddy* clipart:recreation/toys/rubber* clipart:recreation/toys/*teddy*
clipart:recreation/toys/*bear* clipart:recreation/toys/cat_* clipart:office/telephone/teleph* clipart:office/telephone/numero*
clipart:food/beverages/*apple* clipart:food/beverages/*orange* clipart:food/beverages/lemonade*
clipart:plants/trees/tree_w* clipart:science/astronomy/southe* clipart:signs_and_symbols/clocks/clock0[2-9]*
clipart:signs_and_symbols/clocks/clock1*
""".split()

# Cut-outs whose names share one of these, within a label, show the same thing; names of the Italian draughtsman too.
THINGS = {
    "bird": "penguin|tux|pengwin|ralf_ark duck|drake hen|rooster|chicken|gallo|pollo peacock|peahen heron flamingo|flamand owl|gufo"
            " gull|gabbiano|jonathon turkey|tacchino crow eagle|acquila|aquila",
    "fruit": "pineapple watermelon|pasteque apple|applf banana cherr grape lemon|lime orange|mandarine|rondelle peach|pesca"
             " pear|pera prune|prugna strawberry raspberry blueberry apricot melon",
    "instrument": "guitar cello violin trumpet|tpt drum|derbouk|djambf harp",
    "mammal": "lion|leone tiger|tigre rabbit|coniglio dog_01|dog_02 dog_03 dog_04 dog_05 dog_06 dog_on bear|orso|ours cat gatt"
              " gnu sheep|ram|pecora cow|vacca camel|dromedary goat horse|cavallo deer|doe|fawn giraffe",
    "planet": "mercury venus earth|mondo mars jupiter saturn uranus neptune pluto moon|0?_",
    "sign": "stoplight xing|school stop no_entry|do_not u_turn|uturn give|yield roundabout dead|end_d train|tram|railroad"
            " cycle|bike|bicycle arrow|one_way|oneway|turn",
    "tool": "scissors hammer|mall saw|sega spade|shovel brush wrench|tool",
    "vehicle": "bus hummer fire|ambulans formula|indycar dodge truck 1989|_chev|celeb police",
    "house": "pinkhome tower igloo|home10 tepee|home11 swiss|home0 tent|home13 cottage|home12",
    "clutter": "dreydl star candy_cane cep king queen bishop rook pawn clock",
}  # fmt: skip


def family(label: str, name: str) -> str:
    """What a cut-out shows: two pictures of one thing are never on two sides of a split."""
    folder, _, own = name.rpartition("/")
    own = own.lower()
    if label == "letter":
        return own[0]
    for thing in THINGS.get(label, "").split():
        if any(part in own or fnmatch.fnmatch(own, part + "*") for part in thing.split("|")):
            return thing
    # Pictures that a draughtsman numbered are variants of one.
    return f"{folder}/{re.sub(r'_[0-9]+$', '', own)}" if name.startswith("clipart:") else name


def path_of(root: pathlib.Path, name: str) -> pathlib.Path:
    base = CLIPART if name.startswith("clipart:") else STAMPS
    return root / base / f"{name.removeprefix('clipart:')}.png"


def is_left_out(name: str, label: str) -> bool:
    for pattern in LEFT_OUT:
        pattern, _, only = pattern.partition("@")
        if (not only or only == label) and fnmatch.fnmatchcase(name, pattern):
            return True
    return False


def found(root: pathlib.Path, label: str) -> list[str]:
    """The names of a label's cut-outs that are there, or of the clutter's."""
    names = set()
    for pattern in CLUTTER if label == "clutter" else LABELS[label]:
        prefix, base = ("clipart:", CLIPART) if pattern.startswith("clipart:") else ("", STAMPS)
        for path in (root / base).glob(pattern.removeprefix("clipart:") + ".png"):
            names.add(prefix + str(path.relative_to(root / base))[:-4])
    return sorted(
        name for name in names
        if not name.endswith("_mirror") and not is_left_out(name, label) and is_small(path_of(root, name))
    )  # fmt: skip


@lru_cache(maxsize=None)
def is_small(path: pathlib.Path) -> bool:
    Image.MAX_IMAGE_PIXELS = None  # only the header is read
    with Image.open(path) as picture:
        return picture.width * picture.height <= MOST_PIXELS


@lru_cache(maxsize=None)
def signature(path: pathlib.Path) -> numpy.ndarray:
    """A cut-out at 12 by 12 pixels, which nearly equal drawings share; `[12, 12, 4]` from 0 to 1."""
    picture = Image.open(path).convert("RGBA")
    picture = picture.crop(picture.getchannel("A").getbbox()).convert("RGBa").resize((12, 12), Image.Resampling.BOX)
    return numpy.asarray(picture) / 255


def families(root: pathlib.Path, label: str, names) -> dict[str, list[str]]:
    """Names by what they show; nearly equal drawings, mirrored ones too, are one family whatever they are called."""
    names = list(names)
    group = {name: family(label, name) for name in names}
    shapes = numpy.array([signature(path_of(root, name)) for name in names])
    for index, name in enumerate(names):
        for mirrored in (shapes, shapes[:, :, ::-1]):
            for other in numpy.flatnonzero(abs(mirrored - shapes[index]).mean(axis=(1, 2, 3)) < 0.03):
                old, new = group[names[other]], group[name]
                if old != new:
                    group = {key: new if value == old else value for key, value in group.items()}
    output = {}
    for name in names:
        output.setdefault(group[name], []).append(name)
    return output


def stamps_by_split(root: pathlib.Path, labels) -> tuple[dict, dict]:
    """`{label: {split: [name]}}` for the labels, and `{split: [name]}` for the clutter."""
    taken = {name for label in LABELS for name in found(root, label)}
    clutter = [name for name in found(root, "clutter") if name not in taken]

    def split(names, label):
        return divided(families(root, label, names), SHARES, "stamps", label)

    return {label: split(found(root, label), label) for label in labels}, split(clutter, "clutter")


@lru_cache(maxsize=None)
def stamp_picture(root: pathlib.Path, name: str, side: int) -> numpy.ndarray:
    """`[H, W, 4]` bytes of a cut-out, cut to what is seen of it and at most `side` pixels long."""
    picture = Image.open(path_of(root, name)).convert("RGBA")
    picture = picture.crop(picture.getchannel("A").point(lambda a: 255 if a > 24 else 0).getbbox())
    picture.thumbnail((side, side), Image.Resampling.LANCZOS)
    return numpy.asarray(picture)
