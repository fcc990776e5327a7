"""torchxrayvision's networks: one channel of ±1024, the centre of the picture, 18 findings, and their operating points.

Cohen et al., "TorchXRayVision: A library of chest X-ray datasets and models", MIDL 2022 (arXiv:2111.00595). The numbers
are those of the library's table of models (Apache License 2.0), by the names of its files.
"""

from .preprocessing import mode_operations
from .transforms import Transform

FINDINGS = (
    "Atelectasis", "Consolidation", "Infiltration", "Pneumothorax", "Edema", "Emphysema", "Fibrosis", "Effusion",
    "Pneumonia", "Pleural_Thickening", "Cardiomegaly", "Nodule", "Mass", "Hernia", "Lung Lesion", "Fracture",
    "Lung Opacity", "Enlarged Cardiomediastinum",
)  # fmt: skip

# A threshold for every finding; None for what a network has not learnt.
THRESHOLDS = {
    "nih-pc-chex-mimic_ch-google-openi-kaggle-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best": (
        0.07422872, 0.038290843, 0.09814756, 0.0098118475, 0.023601074, 0.0022490358, 0.010060724, 0.103246614,
        0.056810737, 0.026791653, 0.050318155, 0.023985857, 0.01939503, 0.042889766, 0.053369623, 0.035975814,
        0.20204692, 0.05015312,
    ),
    "nih-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best": (
        0.039117552, 0.0034529066, 0.11396341, 0.0057298196, 0.00045666535, 0.0018880932, 0.012037827, 0.038744126,
        0.0037213727, 0.014730946, 0.016149804, 0.054241467, 0.037198864, 0.0004403434, None, None, None, None,
    ),
    "pc-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best": (
        0.031012505, 0.013347598, 0.081435576, 0.001262615, 0.002587246, 0.0035944257, 0.0023071, 0.055412333,
        0.044385884, 0.042766232, 0.043258056, 0.037629247, 0.005658899, 0.0091741895, None, 0.026507627, None,
        None,
    ),
    "chex-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best": (
        0.1988969, 0.05710573, None, 0.0531293, 0.1435217, None, None, 0.27212676, 0.07749717, None, 0.19712369,
        None, None, None, 0.09932402, 0.09273402, 0.3270967, 0.10888247,
    ),
    "kaggle-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best": (
        None, None, None, None, None, None, None, None, 0.13486601, None, None, None, None, None, None, None,
        0.13511065, None,
    ),
    "mimic_nb-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best": (
        0.08558747, 0.011884617, None, 0.0040595434, 0.010733786, None, None, 0.118761964, 0.022924708, None,
        0.06358637, None, None, None, 0.022143636, 0.017476924, 0.1258702, 0.014020768,
    ),
    "mimic_ch-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best": (
        0.09121389, 0.010573786, None, 0.005023008, 0.003698257, None, None, 0.08001232, 0.037242252, None,
        0.05006329, None, None, None, 0.019866971, 0.03823637, 0.11303808, 0.0069147074,
    ),
    "pc-nih-rsna-siim-vin-resnet50-test512-e400-state": (
        0.51570356, 0.50444704, 0.53787947, 0.50723547, 0.5025118, 0.5035252, 0.5038076, 0.51862943, 0.5078151,
        0.50724894, 0.5056339, 0.510706, 0.5053923, 0.5020846, None, 0.5080557, 0.5138526, None,
    ),
}

SIZES = {"densenet121": 224, "resnet50": 512}


def recognise(path, architecture, units):
    """What torchxrayvision does before and behind a network, where this is one of its networks; else `None`."""
    if architecture.image_channels != 1 or architecture.name not in SIZES or units != len(FINDINGS):
        return None
    side = SIZES[architecture.name]
    result = Transform(
        "torchxrayvision, told by one channel and 18 findings", (side, side), "bilinear_antialias", side,
        operations=mode_operations("xrv"), labels=list(FINDINGS), output="sigmoid",
    )  # fmt: skip
    thresholds = next((row for name, row in THRESHOLDS.items() if path.name.startswith(name)), None)
    if thresholds:
        result.origin = "torchxrayvision's own, by the name of the file"
        result.thresholds = [0.5 if value is None else value for value in thresholds]
        result.labels = [
            label if value is not None or side == 512 else f"{label} (not learnt)"
            for label, value in zip(FINDINGS, thresholds)
        ]
    return result
