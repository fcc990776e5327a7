"""Names of tensors as other libraries have them, turned into torchvision's.

Each library builds the same networks under other names; a table of its names is all that there is to know, and what its
forward pass does is what the library publishes. `Naming` keeps both names, since modules are looked up by the old ones.
"""

import dataclasses
import re


@dataclasses.dataclass
class Naming:
    """A checkpoint's names in torchvision's terms."""

    names: dict  # new name → name in the file
    library: str = ""  # whose names they are, where that is told
    family: str = ""  # such as mobilenet_v2
    prefix: str = ""  # before the library's model


def old_densenet(name):
    """Old DenseNet checkpoints write `norm.1` for `norm1`."""
    return re.sub(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.", r"\1\2.", name)


# Names that wrappers put between those of a network: torch.compile, FullyShardedDataParallel, activation checkpoints, and
# DataParallel around the features alone, as torch's own training script has it for VGG.
WRAPPERS = re.compile(r"(?<![^.])_(orig_mod|fsdp_wrapped_module|checkpoint_wrapped_module)\.|(?<=(?<![^.])features\.)module\.")


def without_wrappers(state):
    """The state without the names of wrappers in the middle of others, where that leaves every tensor its own name."""
    result = {WRAPPERS.sub("", name): value for name, value in state.items()}
    return result if len(result) == len(state) else state


def rename(state):
    """The naming that fits, or that of the file as it is."""
    for rule in (timm_mobile, timm_convnext, timm_vgg, hf_mobilenet_v2, hf_efficientnet, hf_resnet, hf_convnext, lukemelas, cut_resnet):
        naming = rule(state)
        if naming:
            return naming
    return Naming({old_densenet(name): name for name in state})


def prefix_of(state, mark):
    """What stands before a name that a library always has; the first that is found."""
    return next((name[: -len(mark)] for name in state if name == mark or name.endswith("." + mark)), None)


def renamed(state, prefix, table, library, family):
    """Names below the prefix by the first rule that matches them; what no rule matches keeps its name."""
    names = {}
    for name in state:
        new = name
        if name.startswith(prefix):
            inner = name[len(prefix) :]
            for pattern, replacement in table:
                found = re.match(pattern, inner)
                if found:
                    new = prefix + (replacement(found) if callable(replacement) else found.expand(replacement))
                    new += inner[found.end() :]
                    break
        names[new] = name
    if len(names) != len(state):
        return None  # Two names have become one: these are not the library's.
    return Naming(names, library, family, prefix)


# timm's networks of mobile blocks: a stem, stages of blocks and a last convolution.


def timm_mobile(state):
    prefix = prefix_of(state, "conv_stem.weight")
    if prefix is None or prefix + "blocks.0.0.bn1.weight" not in state:
        return None
    inner = [name[len(prefix) :] for name in state if name.startswith(prefix)]
    gates = any(".se." in name for name in inner)
    fused = any(re.match(r"blocks\.\d+\.\d+\.(conv|conv_exp)\.", name) for name in inner)
    if prefix + "conv_head.bias" in state:
        return timm_mobilenet_v3(state, prefix)
    if not gates and not fused:
        return timm_mobilenet_v2(state, prefix)
    stages = 1 + max((int(m.group(1)) for m in (re.match(r"blocks\.(\d+)\.", n) for n in inner) if m), default=0)

    def block(stage, index, rest):
        return f"features.{int(stage) + 1}.{index}.block.{rest}"

    plain = {"conv": "0.0", "bn1": "0.1"}
    edge = {"conv_exp": "0.0", "bn1": "0.1", "conv_pwl": "1.0", "bn2": "1.1"}
    separable = {"conv_dw": "0.0", "bn1": "0.1", "se.conv_reduce": "1.fc1", "se.conv_expand": "1.fc2", "conv_pw": "2.0", "bn2": "2.1"}
    inverted = {
        "conv_pw": "0.0", "bn1": "0.1", "conv_dw": "1.0", "bn2": "1.1", "se.conv_reduce": "2.fc1",
        "se.conv_expand": "2.fc2", "conv_pwl": "3.0", "bn3": "3.1",
    }  # fmt: skip

    def layer(found):
        stage, index, name = found.groups()
        parts = {n.split(".", 3)[3].rpartition(".")[0] for n in inner if n.startswith(f"blocks.{stage}.{index}.")}
        table = plain if "conv" in parts else edge if "conv_exp" in parts else inverted if "conv_pwl" in parts else separable
        return block(stage, index, table[name]) if name in table else found.group(0)

    table = [
        (r"conv_stem", "features.0.0"),
        (r"bn1(?=\.)", "features.0.1"),
        (r"blocks\.(\d+)\.(\d+)\.([a-z_0-9]+(?:\.conv_[a-z]+)?)(?=\.)", layer),
        (r"conv_head", f"features.{stages + 1}.0"),
        (r"bn2(?=\.)", f"features.{stages + 1}.1"),
    ]
    return renamed(state, prefix, table, "timm", "efficientnet")


def numbered_blocks(state, prefix):
    """Stage → number of its first block, counted from 1 through all stages, and the number behind the last block."""
    counts = {}
    for name in state:
        found = re.match(rf"{re.escape(prefix)}blocks\.(\d+)\.(\d+)\.", name)
        if found:
            stage, index = map(int, found.groups())
            counts[stage] = max(counts.get(stage, 0), index + 1)
    before = {stage: 1 + sum(counts.get(s, 0) for s in range(stage)) for stage in counts}
    return before, 1 + sum(counts.values())


def timm_mobilenet_v3(state, prefix):
    before, _ = numbered_blocks(state, prefix)

    def layer(found):
        stage, index, name = int(found.group(1)), int(found.group(2)), found.group(3)
        start = f"{prefix}blocks.{stage}.{index}."
        number = before[stage] + index
        if start + "conv.weight" in state:
            return f"features.{number}.{('conv', 'bn1').index(name)}"
        gated = start + "se.conv_reduce.weight" in state
        if start + "conv_pwl.weight" in state:
            order = [("conv_pw", "bn1"), ("conv_dw", "bn2"), ("conv_pwl", "bn3")]
        else:
            order = [("conv_dw", "bn1"), ("conv_pw", "bn2")]
        if name.startswith("se."):
            return f"features.{number}.block.{len(order) - 1}.{'fc1' if name == 'se.conv_reduce' else 'fc2'}"
        for place, pair in enumerate(order):
            if name in pair:
                at = place + (gated and place == len(order) - 1)
                return f"features.{number}.block.{at}.{pair.index(name)}"
        return found.group(0)

    table = [
        (r"conv_stem", "features.0.0"), (r"bn1(?=\.)", "features.0.1"),
        (r"blocks\.(\d+)\.(\d+)\.([a-z_0-9]+(?:\.conv_[a-z]+)?)(?=\.)", layer),
        (r"conv_head", "classifier.0"), (r"classifier", "classifier.3"),
    ]  # fmt: skip
    return renamed(state, prefix, table, "timm", "mobilenet_v3")


def timm_mobilenet_v2(state, prefix):
    before, last = numbered_blocks(state, prefix)
    separable = {"conv_dw": "0.0", "bn1": "0.1", "conv_pw": "1", "bn2": "2"}
    inverted = {"conv_pw": "0.0", "bn1": "0.1", "conv_dw": "1.0", "bn2": "1.1", "conv_pwl": "2", "bn3": "3"}

    def layer(found):
        stage, index, name = int(found.group(1)), int(found.group(2)), found.group(3)
        table = inverted if f"{prefix}blocks.{stage}.{index}.conv_pwl.weight" in state else separable
        return f"features.{before[stage] + index}.conv.{table[name]}" if name in table else found.group(0)

    table = [
        (r"conv_stem", "features.0.0"),
        (r"bn1(?=\.)", "features.0.1"),
        (r"blocks\.(\d+)\.(\d+)\.([a-z_0-9]+)(?=\.)", layer),
        (r"conv_head", f"features.{last}.0"),
        (r"bn2(?=\.)", f"features.{last}.1"),
    ]
    return renamed(state, prefix, table, "timm", "mobilenet_v2")


def convnext_layer(parts):
    """What a layer of a ConvNeXt's block, found by its stage, index and name, is called by torchvision."""

    def name(found):
        stage, index, part = found.groups()
        return f"features.{2 * int(stage) + 1}.{index}.{parts[part]}"

    return name


def timm_convnext(state):
    prefix = prefix_of(state, "stages.0.blocks.0.conv_dw.weight")
    if prefix is None or prefix + "stem.0.weight" not in state:
        return None
    block = {"conv_dw": "block.0", "norm": "block.2", "mlp.fc1": "block.3", "mlp.fc2": "block.5", "gamma": "layer_scale"}

    table = [
        (r"stem\.(?=[01]\.)", "features.0."),
        (r"stages\.(\d+)\.blocks\.(\d+)\.(conv_dw|norm|mlp\.fc1|mlp\.fc2|gamma)", convnext_layer(block)),
        (r"stages\.(\d+)\.downsample\.(?=[01]\.)", lambda found: f"features.{2 * int(found.group(1))}."),
        (r"head\.norm", "classifier.0"),
        (r"head\.fc", "classifier.2"),
    ]
    return renamed(state, prefix, table, "timm", "convnext")


def timm_vgg(state):
    prefix = prefix_of(state, "pre_logits.fc1.weight")
    if prefix is None or prefix + "head.fc.weight" not in state:
        return None
    table = [
        (r"pre_logits\.fc1", "classifier.0"), (r"pre_logits\.fc2", "classifier.3"), (r"head\.fc", "classifier.6"),
    ]  # fmt: skip
    return renamed(state, prefix, table, "timm", "vgg")


# Hugging Face's transformers.


def hf_mobilenet_v2(state):
    prefix = prefix_of(state, "conv_stem.first_conv.convolution.weight")
    if prefix is None or prefix + "conv_1x1.convolution.weight" not in state:
        return None
    parts = {"convolution": "0", "normalization": "1"}
    layers = [int(m.group(1)) for m in (re.match(rf"{re.escape(prefix)}layer\.(\d+)\.", n) for n in state) if m]
    last = max(layers, default=0) + 3

    def layer(found):
        index, name, part = int(found.group(1)) + 2, found.group(2), found.group(3)
        if name == "reduce_1x1":
            return f"features.{index}.conv.{2 + int(parts[part])}"
        return f"features.{index}.conv.{0 if name == 'expand_1x1' else 1}.{parts[part]}"

    table = [
        (r"conv_stem\.first_conv\.(convolution|normalization)", lambda m: f"features.0.{parts[m.group(1)]}"),
        (r"conv_stem\.conv_3x3\.(convolution|normalization)", lambda m: f"features.1.conv.0.{parts[m.group(1)]}"),
        (r"conv_stem\.reduce_1x1\.(convolution|normalization)", lambda m: f"features.1.conv.{1 + int(parts[m.group(1)])}"),
        (r"layer\.(\d+)\.(expand_1x1|conv_3x3|reduce_1x1)\.(convolution|normalization)", layer),
        (r"conv_1x1\.(convolution|normalization)", lambda m: f"features.{last}.{parts[m.group(1)]}"),
    ]
    return renamed(state, prefix, table, "transformers", "mobilenet_v2")


def efficientnet_blocks(total):
    """Number of a block → (stage, index), for the one size with so many blocks."""
    from .families import EFFICIENTNET, EFFICIENTNETS

    for _, depth, _ in EFFICIENTNETS.values():
        repeats = [-(-row[2] * depth // 10) for row in EFFICIENTNET]
        if sum(repeats) == total:
            return [(stage, index) for stage, count in enumerate(repeats, start=1) for index in range(count)]
    return None


def flat_efficientnet(state, prefix, pattern, block, ends, library):
    """EfficientNets whose blocks are numbered through."""
    found = [re.match(re.escape(prefix) + pattern, name) for name in state]
    numbers = {int(match.group(1)) for match in found if match}
    places = efficientnet_blocks(len(numbers))
    if not places:
        return None
    expanded = {int(match.group(1)) for match in found if match and match.group(2) in block["expand"]}

    def layer(match):
        number, name = int(match.group(1)), match.group(2)
        stage, index = places[number] if number < len(places) else (0, number)
        first = 1 if number in expanded else 0
        for step, names in (("expand", block["expand"]), ("depthwise", block["depthwise"]), ("project", block["project"])):
            if name in names:
                at = {"expand": 0, "depthwise": first, "project": first + 2}[step]
                return f"features.{stage}.{index}.block.{at}.{names.index(name)}"
        if name in block["gate"]:
            return f"features.{stage}.{index}.block.{first + 1}.fc{1 + block['gate'].index(name)}"
        return match.group(0)

    table = [(pattern, layer), *ends]
    return renamed(state, prefix, table, library, "efficientnet")


def hf_efficientnet(state):
    prefix = prefix_of(state, "encoder.blocks.0.depthwise_conv.depthwise_conv.weight")
    if prefix is None or prefix + "embeddings.convolution.weight" not in state:
        return None
    block = {
        "expand": ("expansion.expand_conv", "expansion.expand_bn"),
        "depthwise": ("depthwise_conv.depthwise_conv", "depthwise_conv.depthwise_norm"),
        "gate": ("squeeze_excite.reduce", "squeeze_excite.expand"),
        "project": ("projection.project_conv", "projection.project_bn"),
    }
    ends = [
        (r"embeddings\.convolution", "features.0.0"), (r"embeddings\.batchnorm", "features.0.1"),
        (r"encoder\.top_conv", "features.8.0"), (r"encoder\.top_bn", "features.8.1"),
    ]  # fmt: skip
    return flat_efficientnet(state, prefix, r"encoder\.blocks\.(\d+)\.([a-z_]+\.[a-z_]+)(?=\.)", block, ends, "transformers")


def lukemelas(state):
    """The library efficientnet_pytorch."""
    prefix = prefix_of(state, "_conv_stem.weight")
    if prefix is None or prefix + "_conv_head.weight" not in state:
        return None
    block = {
        "expand": ("_expand_conv", "_bn0"), "depthwise": ("_depthwise_conv", "_bn1"),
        "gate": ("_se_reduce", "_se_expand"), "project": ("_project_conv", "_bn2"),
    }  # fmt: skip
    ends = [
        (r"_conv_stem", "features.0.0"), (r"_bn0(?=\.)", "features.0.1"), (r"_conv_head", "features.8.0"),
        (r"_bn1(?=\.)", "features.8.1"), (r"_fc(?=\.)", "classifier.1"),
    ]  # fmt: skip
    return flat_efficientnet(state, prefix, r"_blocks\.(\d+)\.(_[a-z_0-9]+)(?=\.)", block, ends, "efficientnet_pytorch")


def hf_resnet(state):
    prefix = prefix_of(state, "embedder.embedder.convolution.weight")
    if prefix is None or prefix + "encoder.stages.0.layers.0.layer.0.convolution.weight" not in state:
        return None
    parts = {"convolution": 0, "normalization": 1}

    def layer(found):
        stage, index, number, part = found.groups()
        return f"layer{int(stage) + 1}.{index}.{'bn' if parts[part] else 'conv'}{int(number) + 1}"

    table = [
        (r"embedder\.embedder\.convolution", "conv1"),
        (r"embedder\.embedder\.normalization", "bn1"),
        (r"encoder\.stages\.(\d+)\.layers\.(\d+)\.layer\.(\d+)\.(convolution|normalization)", layer),
        (
            r"encoder\.stages\.(\d+)\.layers\.(\d+)\.shortcut\.(convolution|normalization)",
            lambda m: f"layer{int(m.group(1)) + 1}.{m.group(2)}.downsample.{parts[m.group(3)]}",
        ),
    ]
    return renamed(state, prefix, table, "transformers", "resnet")


def hf_convnext(state):
    prefix = prefix_of(state, "embeddings.patch_embeddings.weight")
    if prefix is None or prefix + "encoder.stages.0.layers.0.dwconv.weight" not in state:
        return None
    block = {"dwconv": "block.0", "layernorm": "block.2", "pwconv1": "block.3", "pwconv2": "block.5", "layer_scale_parameter": "layer_scale"}

    table = [
        (r"embeddings\.patch_embeddings", "features.0.0"),
        (r"embeddings\.layernorm", "features.0.1"),
        (r"encoder\.stages\.(\d+)\.layers\.(\d+)\.(dwconv|layernorm|pwconv1|pwconv2|layer_scale_parameter)", convnext_layer(block)),
        (r"encoder\.stages\.(\d+)\.downsampling_layer\.(?=[01]\.)", lambda m: f"features.{2 * int(m.group(1))}."),
        (r"layernorm", "classifier.0"),
    ]
    return renamed(state, prefix, table, "transformers", "convnext")


# A ResNet's layers taken out of it, as fastai and many tutorials do: nn.Sequential(*list(resnet.children())[:-1]).


def cut_resnet(state):
    prefix = prefix_of(state, "4.0.conv1.weight")
    if prefix is None or prefix + "0.weight" not in state or prefix + "1.running_mean" not in state:
        return None
    table = [
        (r"0(?=\.(weight|bias)$)", "conv1"), (r"1(?=\.(weight|bias|running_mean|running_var|num_batches_tracked)$)", "bn1"),
        (r"([4-7])(?=\.\d+\.)", lambda m: f"layer{int(m.group(1)) - 3}"),
    ]  # fmt: skip
    return renamed(state, prefix, table, "", "cut resnet")
