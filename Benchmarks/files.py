#!/usr/bin/env python3
"""Many files, whole processes: `prism classify` and `prism explain` beside Pillow with ONNX Runtime and pytorch-grad-cam.

  python Benchmarks/files.py --prism PATH/prism [--count 1000] [--rounds 3] [--only classify explain flat]

The files are JPEGs of 500×375 pixels, made of pieces of the samples; all programs use the same MobileNetV2
(Benchmarks/peers) and as many processors as there are. What is compared:

  classify   the labels of all files, printed. The peer reads and resizes with Pillow and computes with ONNX Runtime, in one
             process a processor (one thread each), at the best of several batch sizes.
  explain    Grad-CAM of all files with a picture, the map and the numbers written. The peer is pytorch-grad-cam with
             OpenCV, in one process a processor (one thread each), at the best of several batch sizes.
  flat       Prism alone over 100 files, --count files and ten times as many: what a file costs, and the memory.

The turns are interleaved and their medians shown, with how busy Prism kept the processors. The labels of both must agree
for 98 of 100 files (JPEGs are decoded by other code). Needs what Benchmarks/requirements.txt names, and pillow.
"""

import argparse
import collections
import json
import multiprocessing
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Benchmarks"))

SIZE = (500, 375)
BATCHES = (1, 8, 32)
MODEL = "mobilenet_v2"
PROCESSORS = len(os.sched_getaffinity(0))
Turn = collections.namedtuple("Turn", "seconds busy megabytes")


def make_pictures(folder, count):
    """Pieces of the samples as JPEGs, the same every time."""
    import numpy
    from PIL import Image
    from peers import models

    folder.mkdir(parents=True)
    samples = [Image.open(file).convert("RGB") for file in sorted((ROOT / "Samples").glob("*.*")) if models.is_sample(file)]
    random = numpy.random.default_rng(1)
    for index in range(count):
        sample = samples[index % len(samples)]
        width = min(sample.width, sample.height * SIZE[0] / SIZE[1]) * random.uniform(0.5, 1)
        height = width * SIZE[1] / SIZE[0]
        left, top = random.uniform(0, sample.width - width), random.uniform(0, sample.height - height)
        piece = sample.resize(SIZE, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
        piece.save(folder / f"{index:05}.jpg", quality=90)


# The peers: each runs as a process of its own, started by this file, and starts one process a processor.


def batches(paths, size):
    for start in range(0, len(paths), size):
        yield paths[start : start + size]


def read(path):
    import numpy
    from PIL import Image
    from peers import models

    image = Image.open(path).convert("RGB")
    return numpy.asarray(image.resize((models.SIZE, models.SIZE), Image.Resampling.BILINEAR))


def classify_share(paths, size):
    import numpy
    from peers import process

    run = process.onnx(MODEL, 1)
    rows = []
    for part in batches(paths, size):
        for path, row in zip(part, process.softmax(run(numpy.stack([read(path) for path in part])))):
            best = row.argsort()[::-1][:5]
            rows.append(f"{path}:\n" + "".join(f"    {100 * row[i]:.2f} %  label {i}\n" for i in best))
    return "".join(rows)


def explain_share(paths, size, folder):
    import cv2
    import numpy
    import torch
    from peers import models, process

    models.import_torchvision()
    from peers.explanations import LAYERS
    from pytorch_grad_cam import GradCAM
    from pytorch_grad_cam.utils.image import show_cam_on_image

    torch.set_num_threads(1)
    model = process.torch_model(MODEL, 1)
    method = GradCAM(model=model, target_layers=[LAYERS[MODEL](model)])
    for part in batches(paths, size):
        pictures = [cv2.imread(path) for path in part]
        side = (models.SIZE, models.SIZE)
        small = [cv2.cvtColor(cv2.resize(p, side, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB) for p in pictures]
        inputs = torch.from_numpy(models.normalised(numpy.stack(small))).permute(0, 3, 1, 2).contiguous()
        maps = method(inputs, None)  # Of the top label, with one forward pass.
        rows = torch.softmax(method.outputs, 1).tolist()
        for path, picture, values, row in zip(part, pictures, maps, rows):
            stem = folder / pathlib.Path(path).stem
            large = cv2.resize(values, (picture.shape[1], picture.shape[0]))
            cv2.imwrite(f"{stem}.png", show_cam_on_image(picture.astype("float32") / 255, large))
            numpy.save(f"{stem}.npy", values.astype("float32"))
            pathlib.Path(f"{stem}.json").write_text(json.dumps({"path": path, "probabilities": row}))
    return ""


def peer(kind, folder, size, output):
    """Works on all files of a folder, a share in each process."""
    paths = sorted(str(path) for path in pathlib.Path(folder).iterdir())
    shares = [paths[i * len(paths) // PROCESSORS : (i + 1) * len(paths) // PROCESSORS] for i in range(PROCESSORS)]
    if kind == "explain":
        pathlib.Path(output).mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("fork").Pool(PROCESSORS) as pool:
        share = classify_share if kind == "classify" else explain_share
        rest = () if kind == "classify" else (pathlib.Path(output),)
        for text in pool.starmap(share, [(paths, size, *rest) for paths in shares]):
            sys.stdout.write(text)


def high_water(process):
    """The most memory that a process had so far, in megabytes."""
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0)


def run(command, output=subprocess.DEVNULL):
    """How long a process takes, how busy it keeps the processors, and its peak memory."""
    start = time.perf_counter()
    program = subprocess.Popen(command, stdout=output)
    # What the system tells afterwards counts the memory of this process, too, out of which the other was made.
    ended, peak = 0, 0
    while not ended:
        peak = max(peak, high_water(program.pid))
        time.sleep(0.01)
        ended, status, usage = os.wait4(program.pid, os.WNOHANG)
    seconds = time.perf_counter() - start
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"files: {' '.join(map(str, command))} ended with {os.waitstatus_to_exitcode(status)}")
    worked = usage.ru_utime + usage.ru_stime
    return Turn(seconds, worked / seconds / PROCESSORS, peak)


def median(turns):
    return Turn(*(statistics.median(column) for column in zip(*turns)))


def prism(options, kind, pictures, output=None):
    model = str(ROOT / "Benchmarks" / ".cache" / f"{MODEL}.safetensors")
    command = [options.prism, kind, pictures, "--model", model]
    return command + (["--method", "gradcam", "--output", output] if kind == "explain" else [])


def labels(text):
    """The first label of every file."""
    lines = text.splitlines()
    return [lines[i + 1].split("%")[1].strip() for i, line in enumerate(lines) if line.endswith(".jpg:")]


def check_labels(options, pictures):
    ours = subprocess.run(prism(options, "classify", pictures), check=True, capture_output=True, text=True).stdout
    command = [sys.executable, __file__, "--peer", "classify", pictures, "8", ""]
    theirs = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pairs = list(zip(labels(ours), labels(theirs), strict=True))
    same = sum(a == b for a, b in pairs) / len(pairs)
    if same < 0.98:
        sys.exit(f"files: the programs agree on the label of only {100 * same:.0f} % of the files")


def compare(options, kind, pictures, folder):
    """A row of the table: Prism and the peer at its best batch, turn by turn."""
    def ours():
        output = folder / "ours"
        turn = run(prism(options, kind, pictures, output))
        shutil.rmtree(output, ignore_errors=True)
        return turn

    def theirs(size):
        output = folder / "theirs"
        turn = run([sys.executable, __file__, "--peer", kind, pictures, f"{size}", output])
        shutil.rmtree(output, ignore_errors=True)
        return turn

    best = min(BATCHES, key=lambda size: theirs(size).seconds)
    rounds = [(ours(), theirs(best)) for _ in range(options.rounds)]
    mine, other = (median(turns) for turns in zip(*rounds))
    print(f"| {kind} | {options.count} | {mine.seconds:.2f} | {100 * mine.busy:.0f} % | {mine.megabytes:.0f} |"
          f" {other.seconds:.2f} | {best} | **{mine.seconds / other.seconds:.2f}** |", flush=True)


def flat(options, pictures, folder):
    """What a file costs, however many there are."""
    print("\n| command | files | ms a file | processors busy | peak, MB |\n| --- |" + " ---: |" * 4)
    names = sorted(pictures.iterdir())
    for count in (100, options.count, 10 * options.count):
        many = folder / f"{count}"
        many.mkdir()
        for index in range(count):
            os.link(names[index % len(names)], many / f"{index:06}.jpg")
        for kind in ("classify", "explain"):
            output = folder / "flat"
            turn = run(prism(options, kind, many, output))
            shutil.rmtree(output, ignore_errors=True)
            print(f"| {kind} | {count} | {1000 * turn.seconds / count:.2f} | {100 * turn.busy:.0f} % |"
                  f" {turn.megabytes:.0f} |", flush=True)
        shutil.rmtree(many)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prism", type=pathlib.Path)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=["classify", "explain", "flat"], default=["classify", "explain", "flat"])
    parser.add_argument("--peer", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        kind, folder, size, output = options.peer
        return peer(kind, folder, int(size), output)
    if not options.prism:
        parser.error("--prism is missing: the program that is measured")
    from peers import models

    models.prepare([MODEL])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        pictures = folder / "pictures"
        make_pictures(pictures, options.count)
        check_labels(options, pictures)
        if set(options.only) - {"flat"}:
            print("| command | files | Prism, s | processors busy | peak, MB | peer, s | at batch | ratio |\n| --- |" + " ---: |" * 7)
        for kind in ("classify", "explain"):
            if kind in options.only:
                compare(options, kind, pictures, folder)
        if "flat" in options.only:
            flat(options, pictures, folder)


if __name__ == "__main__":
    main()
