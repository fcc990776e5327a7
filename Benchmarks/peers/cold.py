"""What `prism explain --method gradcam` does, as a Python program: the cold start is measured on it.

    python Benchmarks/peers/cold.py NETWORK PICTURE OUTPUT_FOLDER THREADS
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))


def main():
    name, picture, folder, threads = sys.argv[1:]
    import numpy
    import torch
    from PIL import Image

    from peers import models
    from peers.explanations import LAYERS, tensor

    models.import_torchvision()
    torch.set_num_threads(int(threads))
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.image import show_cam_on_image
    from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

    model = models.load(name)
    image = Image.open(picture).convert("RGB")
    small = numpy.asarray(image.resize((models.SIZE, models.SIZE), Image.Resampling.BILINEAR))
    inputs = tensor(small)
    with torch.inference_mode():
        probabilities = torch.softmax(model(inputs), 1)[0]
    target = int(probabilities.argmax())
    method = GradCAM(model=model, target_layers=[LAYERS[name](model)])
    values = method(inputs, [ClassifierOutputTarget(target)])[0]

    output = pathlib.Path(folder)
    output.mkdir(parents=True, exist_ok=True)
    large = numpy.asarray(Image.fromarray(values).resize(image.size, Image.Resampling.BILINEAR))
    overlay = show_cam_on_image(numpy.asarray(image, dtype="float32") / 255, large, use_rgb=True)
    Image.fromarray(overlay).save(output / "overlay.png")
    numpy.save(output / "map.npy", values)
    (output / "map.json").write_text(json.dumps({"label": target, "probabilities": probabilities.tolist()}))


if __name__ == "__main__":
    main()
