"""The explainers beside which Prism is measured.

A factory takes the network's name and gives a function from the pixels [H, W, 3] of a picture and the index of a label
to a map [H, W]: that function is what is measured. To add one, write a factory and list it in EXPLAINERS; a row of
`Benchmarks/compare.py` then names it.
"""

import numpy

from . import models

# The module of torchvision's network that stands for Prism's default layer.
LAYERS = {"mobilenet_v2": lambda model: model.features[18]}


def tensor(pixels):
    """One picture as torch takes it, [1, 3, H, W]."""
    import torch

    return torch.from_numpy(models.normalised(pixels)).permute(2, 0, 1)[None].contiguous()


def pytorch_grad_cam(name):
    models.import_torchvision()
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model = models.load(name)
    method = GradCAM(model=model, target_layers=[LAYERS[name](model)])
    return lambda pixels, target: method(tensor(pixels), [ClassifierOutputTarget(target)])[0]


def captum_grad_cam(name):
    from captum.attr import LayerAttribution, LayerGradCam

    model = models.load(name)
    method = LayerGradCam(model, LAYERS[name](model))

    def explain(pixels, target):
        raw = method.attribute(tensor(pixels), target=target, relu_attributions=True)
        return LayerAttribution.interpolate(raw, pixels.shape[:2], "bilinear")[0, 0].detach().numpy()

    return explain


# Name → (how the tables call it, the package whose version is stated, the factory).
EXPLAINERS = {
    "pytorch-grad-cam": ("pytorch-grad-cam", "grad-cam", pytorch_grad_cam),
    "captum-grad-cam": ("captum", "captum", captum_grad_cam),
}


def normalised_map(values):
    """A map from 0 to 1, as pytorch-grad-cam scales its maps."""
    values = numpy.asarray(values, dtype="float64")
    return (values - values.min()) / max(values.max() - values.min(), 1e-30)
