"""How a picture comes to the network's size: what each source is known to do, and what files beside the weights say.

torchvision, timm and Hugging Face resize the shorter side and cut out the centre; Keras resizes the whole picture.
"""

import dataclasses
import json
import re

from . import limits
from .labels import label_list
from .errors import ConversionError, UnknownNetwork
from .preprocessing import IMAGENET_MEAN, IMAGENET_STD, mode_operations

# Pillow's numbers of its filters, as Hugging Face writes them.
FILTERS = {0: "nearest", 1: "lanczos", 2: "bilinear_antialias", 3: "bicubic"}
NAMES = {"nearest": "nearest", "lanczos": "lanczos", "bilinear": "bilinear_antialias", "bicubic": "bicubic"}

# Of torchvision's own weights: the shorter side, the size, and the filter; the part of a file's name tells two versions.
TORCHVISION = {
    "mobilenet_v2": (256, 224, "bilinear_antialias"),
    "efficientnet_v2_s": (384, 384, "bilinear_antialias"),
    "efficientnet_v2_m": (480, 480, "bilinear_antialias"),
    "efficientnet_v2_l": (480, 480, "bicubic"),
    "vgg16": (256, 224, "bilinear_antialias"),
    "densenet121": (256, 224, "bilinear_antialias"),
    **{f"densenet{n}": (256, 224, "bilinear_antialias") for n in (161, 169, 201)},
    **{f"resnet{n}": (256, 224, "bilinear_antialias") for n in (18, 34, 50, 101, 152)},
    **{f"resnext{n}": (256, 224, "bilinear_antialias") for n in (50, 101)},
    **{f"wide resnet{n}": (256, 224, "bilinear_antialias") for n in (50, 101)},
    **{f"vgg{n}{kind}": (256, 224, "bilinear_antialias") for n in (11, 13, 16, 19) for kind in ("", "_bn")},
    "efficientnet_b0": (256, 224, "bicubic"), "efficientnet_b1": (256, 240, "bicubic"),
    "efficientnet_b2": (288, 288, "bicubic"), "efficientnet_b3": (320, 300, "bicubic"),
    "efficientnet_b4": (384, 380, "bicubic"), "efficientnet_b5": (456, 456, "bicubic"),
    "efficientnet_b6": (528, 528, "bicubic"), "efficientnet_b7": (600, 600, "bicubic"),
    "mobilenet_v3_large": (256, 224, "bilinear_antialias"), "mobilenet_v3_small": (256, 224, "bilinear_antialias"),
    "convnext_tiny": (236, 224, "bilinear_antialias"), "convnext_small": (230, 224, "bilinear_antialias"),
    "convnext_base": (232, 224, "bilinear_antialias"), "convnext_large": (232, 224, "bilinear_antialias"),
}  # fmt: skip
# Weights of torchvision's second recipe by the start of their file's name, whose shorter side is 232 and no older 256.
SECOND = (
    "mobilenet_v2-7ebf99e0", "mobilenet_v3_large-5c1a4163", "resnet50-11ad3fa6", "resnet101-cd907fc2", "resnet152-f82ba261", "resnext50_32x4d-1a0047aa",
    "resnext101_32x8d-110c445d", "resnext101_64x4d-173b62eb", "wide_resnet50_2-9ba9bcbe", "wide_resnet101_2-d733dc28",
)  # fmt: skip
IMAGENET_CLASSES = 1000


@dataclasses.dataclass
class Transform:
    """A way to the network's input; what is None is not said."""

    origin: str  # what says so, for the note
    size: tuple | None = None  # height and width
    resize: str | None = None
    side: int | None = None  # of the shorter side, before the centre is cut out
    operations: list | None = None  # as Preprocessing.apply takes them
    architecture: str | None = None  # the model's name in its library
    labels: list | None = None
    output: str | None = None
    thresholds: list | None = None
    config: dict = dataclasses.field(default_factory=dict)  # of the model in its library
    assumed: bool = False  # nothing says that it is this one
    is_first: bool = False  # whether the operations come before what the source's own first layers do
    labels_origin: str = ""  # what says the labels, where that is something else
    doubt: str = ""  # what it does to pictures that cannot be done here


def beside(path, builder=None):
    """What files beside the weights say: Hugging Face's preprocessor_config.json, and its or timm's config.json.

    Where code builds the network (`--module`, the builder), nothing is refused that no reader knows.
    """
    config = read_json(path.parent / "config.json") or {}
    images = read_json(path.parent / "preprocessor_config.json") or {}
    result = hugging_face(images, "preprocessor_config.json") if images else None
    result = result or timm(config, "config.json")
    if config and is_model(config) and is_known(config, path, builder):
        if not builder and path.suffix != ".onnx":
            check_model_args(config)
        result = result or Transform("config.json")
        if result.origin != "config.json":
            result.origin += " and config.json"
        describe(result, config)
    return result


def is_known(config, path, builder):
    """Whether a network of transformers is one of those that can be read; refuses one whose own weights are named."""
    kind = config.get("model_type")
    if not isinstance(kind, str) or kind in TRANSFORMERS:
        return True
    if builder in LIBRARIES or builder and path.name in OWN_FILES:
        return True
    if path.name in OWN_FILES:
        raise UnknownNetwork(
            f"config.json: {kind} is no convolutional network that is known from its files "
            f"({', '.join(sorted(TRANSFORMERS))} are): export it as ONNX"
        )
    return False  # It lies there by chance.


def is_model(config):
    """Whether a config.json describes a network of timm or transformers."""
    return any(key in config for key in ("model_type", "architectures", "architecture", "pretrained_cfg"))


def describe(result, config):
    """Adds what config.json says of the network itself."""
    result.config = config
    name = config.get("architecture")
    result.architecture = name if isinstance(name, str) else None
    labels = label_list(config.get("label_names") or config.get("id2label"))
    if labels:
        result.labels = labels
    if config.get("problem_type") == "regression":
        raise ConversionError("config.json: the model is one of regression; only classifiers have labels")
    if config.get("problem_type") == "multi_label_classification":
        result.output = "sigmoid"
    elif config.get("problem_type") == "single_label_classification":
        result.output = "softmax"


# What timm's model_args may say: what the tensors' shapes show or what is nothing at inference; global_pool is read.
MODEL_ARGS = (
    "num_classes", "in_chans", "global_pool", "drop_rate", "drop_path_rate", "drop_block_rate", "pretrained", "checkpoint_path", "scriptable",
    "exportable",
)  # fmt: skip


def check_model_args(config):
    """Refuses what timm's configuration changes in the network itself, as tensors do not tell it."""
    arguments = config.get("model_args") or {}
    if not isinstance(arguments, dict):
        raise ConversionError("config.json: model_args is not understood")
    others = [key for key in arguments if key not in MODEL_ARGS]
    if others:
        raise UnknownNetwork(
            f"config.json: model_args sets {', '.join(map(str, others[:4]))}, which changes what the network computes: export it as ONNX"
        )


LIBRARIES = ("timm", "transformers")  # that build what config.json says
OWN_FILES = ("model.safetensors", "pytorch_model.bin")  # as transformers names them
TRANSFORMERS = ("mobilenet_v2", "efficientnet", "resnet", "convnext", "timm_wrapper", "timm")


def read_json(path):
    if not path.is_file():
        return None
    limits.check(path.stat().st_size, limits.CONFIG_BYTES, f"{path} is too large, in bytes")
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"{path} is no JSON that can be read") from error
    return value if isinstance(value, dict) else None


def extents(value):
    """Height and width from a number, a pair or a dictionary; None for anything else."""
    if isinstance(value, dict):
        value = [value.get("height"), value.get("width")]
    if is_extent(value):
        value = [value, value]
    if isinstance(value, (list, tuple)) and len(value) == 2 and all(is_extent(item) for item in value):
        return tuple(value)
    return None


def is_extent(value):
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= 8192


def numbers(value, count, what):
    """So many finite numbers."""
    if not isinstance(value, (list, tuple)) or len(value) != count:
        raise ConversionError(f"{what} is not {count} numbers")
    if not all(isinstance(item, (int, float)) and not isinstance(item, bool) and abs(item) < 1e6 for item in value):
        raise ConversionError(f"{what} is not {count} numbers")
    return [float(item) for item in value]


def hugging_face(config, name):
    """What an image processor of Hugging Face does."""
    if not any(key in config for key in ("image_processor_type", "feature_extractor_type", "do_resize", "do_normalize")):
        return None
    kind = processor(config)
    if kind.startswith("TimmWrapper"):
        return None  # Its numbers are timm's, in config.json.
    if kind and not PROCESSORS.fullmatch(kind):
        raise ConversionError(
            f"{name}: what {kind} does to a picture is not known: remove the file, and say it by --input-size, --crop and --preprocess"
        )
    result = Transform(name)
    size = config.get("size", {})
    shortest = size.get("shortest_edge") if isinstance(size, dict) else size
    crop = extents(config.get("crop_size")) if config.get("do_center_crop") else None
    if config.get("do_resize", True):
        result.resize = FILTERS.get(config.get("resample", 2))
        if result.resize is None:
            raise ConversionError(f"{name}: the filter {config.get('resample')!r} (resample) is not known")
        if kind.startswith("PoolFormer"):
            size, shortest = pool_former(size, shortest, config.get("crop_pct", 0.9), name)
        if kind.startswith("Levit") and is_extent(shortest):
            shortest = int(256 / 224 * shortest)
        if is_extent(shortest):
            share = config.get("crop_pct", 224 / 256) if kind.lower().startswith("convnext") or not kind and "crop_pct" in config else None
            if isinstance(share, float) and shortest >= 384 and not crop:
                crop, shortest = (shortest, shortest), None  # ConvNeXt's: large pictures are squeezed.
            elif isinstance(share, float) and 0 < share <= 1 and not crop:
                # ConvNeXt's: the shorter side is larger by this share, then the size itself is cut out.
                crop, shortest = (shortest, shortest), int(shortest / share)
            result.size, result.side = crop, shortest
        elif crop and extents(size) != crop:
            raise ConversionError(
                f"{name}: the picture is resized to {size} whatever its proportions and then cut to {crop}, "
                "which the model card cannot say; remove the file and give --input-size and --crop"
            )
        else:
            result.size = extents(size)
    if result.side and not result.size:
        raise ConversionError(f"{name}: the shorter side becomes {result.side} and nothing is cut out: give --crop none or --input-size")
    if result.side:
        result.doubt = f"{name}; Hugging Face rounds the place of the centre down, which may be a pixel beside this one; --crop"
    operations = []
    if config.get("do_rescale", True):
        factor = config.get("rescale_factor", 1 / 255)
        operations.append(("multiply", numbers([factor], 1, f"{name}: rescale_factor")[0]))
        if config.get("rescale_offset"):
            operations.append(("add", -1))
    flips = kind.startswith("MobileViT")
    if config.get("do_normalize", not flips):
        operations += normalisation(config.get("image_mean", IMAGENET_MEAN), config.get("image_std", IMAGENET_STD), name)
    if "EfficientNet" in processor(config) and config.get("include_top", True):
        # Its networks are given pictures that were divided by the deviation twice.
        operations.append(("divide", numbers(config.get("image_std", IMAGENET_STD), 3, f"{name}: image_std")))
    if flips and config.get("do_flip_channel_order", True):
        operations.append(("permute", [2, 1, 0]))
    result.operations = operations
    return result


# The classes whose ways are known, under the names of all versions.
PROCESSORS = re.compile(
    r"(ViT|ViTHybrid|ConvNext|EfficientNet|MobileNetV[12]|CLIP|Bit|DeiT|Beit|MobileViT|PoolFormer|Levit|Siglip)"
    r"(ImageProcessor|FeatureExtractor)(Fast|Pil)?"
)


def pool_former(size, shortest, share, name):
    """PoolFormer's shorter side, which is larger than the size that it states by a share."""
    extent = shortest if is_extent(shortest) else (extents(size) or (None,))[0]
    if extent is None or not is_extent(shortest) and extents(size) != (extent, extent):
        raise ConversionError(f"{name}: the size {size} of PoolFormer's processor is not understood")
    if share is None:
        return size, shortest
    if not isinstance(share, (int, float)) or not 0 < share <= 1:
        raise ConversionError(f"{name}: crop_pct is not a share")
    return {}, int(extent / share)


def processor(config):
    """The class that prepares pictures, by either of its names."""
    kind = config.get("image_processor_type") or config.get("feature_extractor_type") or ""
    return kind if isinstance(kind, str) else ""


def timm(config, name):
    """What timm's data configuration does: the shorter side is size / crop_pct, whatever the framework rounds down."""
    pretrained = config.get("pretrained_cfg", config if "crop_pct" in config else None)
    if not isinstance(pretrained, dict) or "input_size" not in pretrained:
        return None
    size = extents(pretrained["input_size"][1:]) if isinstance(pretrained["input_size"], (list, tuple)) else None
    share = pretrained.get("crop_pct", 0.875)
    if not size or not isinstance(share, (int, float)) or not 0 < share <= 1:
        raise ConversionError(f"{name}: input_size and crop_pct are not understood")
    resize = NAMES.get(pretrained.get("interpolation", "bicubic"))
    if resize is None:
        raise ConversionError(f"{name}: the interpolation {pretrained.get('interpolation')!r} is not known")
    result = Transform(name, size, resize)
    if pretrained.get("crop_mode", "center") == "center":
        result.side = int(min(size) / share)
        if result.side < max(size):
            raise ConversionError(f"{name}: a centre of {size[0]}×{size[1]} is not inside a shorter side of {result.side}")
    elif share != 1 or pretrained.get("crop_mode") != "squash":
        raise ConversionError(f"{name}: the crop_mode {pretrained.get('crop_mode')!r} is not known")
    mean, std = pretrained.get("mean", IMAGENET_MEAN), pretrained.get("std", IMAGENET_STD)
    result.operations = [("divide", 255), *normalisation(mean, std, name)]
    return result


def normalisation(mean, std, name):
    mean, std = ([value] if isinstance(value, (int, float)) else value for value in (mean, std))
    count = len(mean) if isinstance(mean, (list, tuple)) and len(mean) in (1, 4) else 3
    return [
        ("add", [-value for value in numbers(mean, count, f"{name}: the mean")]),
        ("divide", numbers(std, count, f"{name}: the standard deviation")),
    ]


def published(model, options, said):
    """What the library of a model does, where no file beside the weights says it; `said` is kept for the rest."""
    if model.framework == "keras":
        found = teachable_machine(model)
    else:
        found = torchvision(model.architecture.name, options.file, model.units)
    if found is None or said is None:
        return said or found
    return dataclasses.replace(
        said, operations=found.operations, resize=said.resize or found.resize, assumed=found.assumed,
        side=said.side or (found.side if not said.resize else None), origin=f"{said.origin} and {found.origin}",
    )  # fmt: skip


def torchvision(architecture, path, units):
    """What torchvision does with its own weights, which have ImageNet's classes; None for another head."""
    if units != IMAGENET_CLASSES or architecture not in TORCHVISION:
        return None
    side, size, resize = TORCHVISION[architecture]
    if path.name.startswith(SECOND):
        side = 232  # IMAGENET1K_V2; the first version is the older and usual one.
    result = Transform("torchvision's own weights", (size, size), resize, side)
    if not re.search(r"-[0-9a-f]{8}\.", path.name):
        # Others have the same tensors, timm's for one, and learnt from other pictures.
        result.origin = f"as torchvision prepares pictures for its own {IMAGENET_CLASSES} classes; --input-size, --resize, --crop, --preprocess"
        result.assumed = True
    result.operations = mode_operations("tf" if architecture == "efficientnet_v2_l" else "torch")
    return result


def teachable_machine(model):
    """What Teachable Machine does, whose models are known by their head: MobileNetV2 of 0.35, 100 units, no bias at the end."""
    dense = [item for item in model.head if item["kind"] == "dense"]
    is_one = (
        model.architecture.name == "mobilenet_v2" and model.architecture.width == 0.35
        and [item["units"] for item in dense[:-1]] == [100] and dense[0]["activation"] == "relu"
        and model.size == (224, 224) and model.framework == "keras"
    )  # fmt: skip
    if not is_one:
        return None
    return Transform("Teachable Machine", (224, 224), "lanczos", 224)


def check_channels(transform, channels):
    """Refuses numbers for each channel that are not those of the picture."""
    for _, argument in transform.operations or ():
        if isinstance(argument, (list, tuple)) and len(argument) not in (1, channels):
            of_it = "1 channel" if channels == 1 else f"{channels} channels"
            raise ConversionError(
                f"{transform.origin}: a mean, a deviation or an order of {len(argument)} channels, and the picture has {of_it}: "
                "--preprocess says what is done to it"
            )


def apply(model, transform, options):
    """Writes into the model what a transform says and the options leave open, and tells of it."""
    account = model.account
    if transform and options.input_size and transform.size and tuple(options.input_size) != tuple(transform.size):
        account.assume("crop", f"the size is the option's, not that of {transform.origin}: --crop")
        transform = dataclasses.replace(transform, side=None)
    tell = account.assume if transform and transform.assumed else account.say
    if transform:
        if transform.resize:
            model.resize = transform.resize
            tell("resize", transform.origin)
        model.side = transform.side or model.side
        if not options.preprocess:
            check_channels(transform, model.image_channels)
        model.usual, model.usual_first = transform.operations, transform.is_first
        if transform.operations is not None:
            tell("usual", transform.origin)
        model.labels = transform.labels or model.labels
        if transform.labels:
            account.say("labels", transform.labels_origin or transform.origin)
        if transform.output and not model.output:
            model.output = transform.output
            account.say("output", transform.origin)
        model.thresholds = model.thresholds or transform.thresholds
        if transform.thresholds:
            account.say("thresholds", transform.origin)
        if transform.size and tuple(transform.size) == tuple(model.size) and "size" in account.assumed:
            tell("size", transform.origin)
    if options.resize:
        account.say("resize", "--resize")
    if options.crop is not None:
        model.side = options.crop or None
        account.say("crop", "--crop")
        if model.side and model.side < max(model.size):
            raise ConversionError(f"--crop {model.side} is smaller than the input of {model.size[0]}×{model.size[1]}")
    elif transform and transform.doubt and not account.knows("crop"):
        account.assume("crop", transform.doubt)
    elif transform and transform.resize and not account.knows("crop"):
        tell("crop", transform.origin)
    elif model.framework != "keras" and not account.knows("crop"):
        account.assume("crop", "a model that learnt from centres, as Resize(256) and CenterCrop(224) make, needs --crop 256")
    if not account.knows("resize"):
        if model.framework == "keras":
            account.say("resize", "as Keras does")
        else:
            account.assume("resize", "as Pillow does, in torchvision; --resize")
    if not account.knows("crop"):
        account.say("crop", "as Keras does")
