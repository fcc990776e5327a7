"""What `prism explain` does, as Python programs with the usual libraries: whole processes are measured on them.

    python Benchmarks/peers/process.py METHOD NETWORK PICTURE OUTPUT_FOLDER THREADS

METHOD is gradcam (torch with pytorch-grad-cam), lime (lime with ONNX Runtime), shap (shap's Partition explainer with ONNX
Runtime) or ig (captum). Every one writes an overlay, the map and the numbers; each has the settings that suit it best,
and the definition that Prism's row has: 1000 samples, 500 evaluations, 50 steps.
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import numpy
from PIL import Image

from peers import models

SAMPLES = 1000
EVALUATIONS = 500
STEPS = 50
BATCH = 16


def main():
    method, name, picture, folder, threads = sys.argv[1:]
    image = Image.open(picture).convert("RGB")
    small = numpy.asarray(image.resize((models.SIZE, models.SIZE), Image.Resampling.BILINEAR))
    label, probabilities, values = METHODS[method](name, small, int(threads))
    output = pathlib.Path(folder)
    output.mkdir(parents=True, exist_ok=True)
    values = numpy.asarray(values, dtype="float32")
    overlay(image, values).save(output / "overlay.png")
    numpy.save(output / "map.npy", values)
    (output / "map.json").write_text(json.dumps({"label": label, "probabilities": probabilities}))


def overlay(image, values):
    """The map over the picture, in two colours and their mixtures."""
    large = numpy.asarray(Image.fromarray(values).resize(image.size, Image.Resampling.BILINEAR))
    strength = numpy.clip(large / max(numpy.abs(large).max(), 1e-30), -1, 1)[..., None]
    color = numpy.where(strength > 0, (180, 4, 38), (59, 76, 192))
    share = 0.6 * numpy.abs(strength)
    return Image.fromarray((numpy.asarray(image) * (1 - share) + color * share).astype("uint8"))


def softmax(logits):
    exponentials = numpy.exp(logits - logits.max(-1, keepdims=True))
    return exponentials / exponentials.sum(-1, keepdims=True)


def onnx(name, threads):
    """A function from pictures [N, H, W, 3] in 0…255 to logits."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(
        str(models.path(name, ".onnx")), options, providers=["CPUExecutionProvider"]
    )

    def run(pixels):
        images = models.normalised(numpy.asarray(pixels)).transpose(0, 3, 1, 2)
        return session.run(None, {"images": numpy.ascontiguousarray(images)})[0]

    return run


def torch_model(name, threads):
    """The network, and the logits' top with all probabilities of a picture."""
    import torch

    models.import_torchvision()
    torch.set_num_threads(threads)
    return models.load(name)


def torch_prediction(model, inputs):
    import torch

    with torch.inference_mode():
        probabilities = torch.softmax(model(inputs), 1)[0]
    return int(probabilities.argmax()), probabilities.tolist()


def gradcam(name, pixels, threads):
    from peers.explanations import LAYERS, tensor

    model = torch_model(name, threads)
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    inputs = tensor(pixels)
    target, probabilities = torch_prediction(model, inputs)
    method = GradCAM(model=model, target_layers=[LAYERS[name](model)])
    return target, probabilities, method(inputs, [ClassifierOutputTarget(target)])[0]


def lime(name, pixels, threads):
    from lime.lime_image import LimeImageExplainer

    run = onnx(name, threads)
    probabilities = softmax(run(pixels[None]))[0]
    target = int(probabilities.argmax())
    explanation = LimeImageExplainer(random_state=0).explain_instance(
        pixels, run, labels=(target,), top_labels=None, num_samples=SAMPLES, batch_size=BATCH
    )
    values = numpy.zeros(pixels.shape[:2])
    for segment, weight in explanation.local_exp[target]:
        values[explanation.segments == segment] = weight
    return target, probabilities.tolist(), values


def shap(name, pixels, threads):
    from shap import Explainer
    from shap.maskers import Image as ImageMasker

    run = onnx(name, threads)
    probabilities = softmax(run(pixels[None]))[0]
    target = int(probabilities.argmax())
    explainer = Explainer(lambda images: run(images)[:, [target]], ImageMasker("blur(32,32)", pixels.shape))
    result = explainer(pixels[None], max_evals=EVALUATIONS, batch_size=BATCH, silent=True)
    return target, probabilities.tolist(), result.values[0].sum((2, 3))


def ig(name, pixels, threads):
    from captum.attr import IntegratedGradients

    from peers.explanations import tensor

    model = torch_model(name, threads)
    inputs = tensor(pixels)
    target, probabilities = torch_prediction(model, inputs)
    values = IntegratedGradients(model).attribute(inputs, target=target, n_steps=STEPS, internal_batch_size=BATCH)
    return target, probabilities, values[0].sum(0).detach().numpy()


METHODS = {"gradcam": gradcam, "lime": lime, "shap": shap, "ig": ig}


if __name__ == "__main__":
    main()
