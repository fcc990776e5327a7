"""Names of the head's tensors: torchvision's where the head is torchvision's own, else `head.<index>`."""

PLAIN = {
    "mobilenet_v2": ["classifier.1"],
    "efficientnet_v2": ["classifier.1"],
    "densenet121": ["classifier"],
    "vgg16": ["classifier.0", "classifier.3", "classifier.6"],
}


def plain_names(architecture, head):
    """The names of the dense layers if the head is the one torchvision puts on this base, else None."""
    family = "efficientnet_v2" if architecture.startswith("efficientnet_v2") else architecture
    shape = [(item["kind"], item.get("activation")) for item in head if item["kind"] != "dropout"]
    if family == "vgg16":
        if shape[:1] == [("adaptive_average_pool", None)]:
            shape = shape[1:]
        expected = [("flatten", None), ("dense", "relu"), ("dense", "relu"), ("dense", "linear")]
    else:
        expected = [("global_average_pool", None), ("dense", "linear")]
    return PLAIN[family] if shape == expected else None


def name_head(architecture, head, weights, native=True):
    """Gives the head's layers their names and returns its tensors.

    `weights` holds, by the index of the item, a dictionary of part (`weight`, `bias`, `running_mean`, …) to array.
    """
    plain = iter((plain_names(architecture, head) if native else None) or ())
    tensors = {}
    for index, item in enumerate(head):
        if item["kind"] in ("dense", "batch_norm", "layer_norm"):
            name = next(plain, f"head.{index}") if item["kind"] == "dense" else f"head.{index}"
            kind = item.pop("kind")
            rest = dict(item)
            item.clear()
            item.update(kind=kind, name=name, **rest)
            for part, value in weights[index].items():
                tensors[f"{name}.{part}"] = value
    return tensors
