"""ONNX files: small networks of torch's two exporters, files made by hand, and what is refused."""

import importlib
import json
import os
import pathlib
import sys
import unittest

import graph_interpreter
import numpy
from onnx_writer import Writer, external, texts
from support import ConverterTest, read_flat

try:
    import torch
except ImportError:
    torch = None

FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Fixtures" / "onnx"
ANSWERS = numpy.load(FIXTURES / "answers.npz")
NAMES = sorted(path.stem for path in FIXTURES.glob("*.onnx"))

GAP, FLAT = "global_average_pool", "flatten"
HEADS = {
    "plain": [GAP, "dense"],
    "flat_head": [FLAT, "dense", "batch_norm", "dense"],
    "pooled_head": [GAP, "dense", "dense"],
    "conv_head": [GAP, "dense", "dense"],
    "no_head": [],
    "norm_head": [GAP, "layer_norm", "dense"],
    "concat_pool": ["global_concat_pool", "batch_norm", "dense"],
    "log_softmax": ["global_max_pool", "dense"],
}
OUTPUTS = {"norm_head": "softmax", "log_softmax": "softmax", "squeeze_sigmoid": "binary"}

# What a network must have been understood as.
PRIMITIVES = {
    "hard": {"hard_swish", "hard_sigmoid"},
    "gelu": {"gelu", "clip"},
    "shuffle": {"shuffle_channels"},
    "mfm": {"maximum", "slice"},
    "mfm_reshape": {"maximum", "slice"},
    "channels_last": {"layer_normalization", "gelu"},
    "squeeze": {"adaptive_average_pool", "hard_sigmoid"},
    "plain": {"convolution", "relu6"},
}


def squashed(card, logits):
    """What the card's output makes of logits."""
    if card["output"] == "softmax":
        return graph_interpreter.softmax(logits)
    return graph_interpreter.sigmoid(logits)


class Exported(ConverterTest):
    def test_networks(self):
        self.assertGreater(len(NAMES), 40)
        for name in NAMES:
            with self.subTest(name):
                card, tensors = self.convert(FIXTURES / f"{name}.onnx", "--preprocess", "none")
                self.assertEqual(card["architecture"], "graph")
                self.assertNotIn("config", card)
                image, expected = ANSWERS[f"{name}.input"].transpose(0, 2, 3, 1), ANSWERS[f"{name}.logits"]
                if name == "preprocess":
                    image = (image * card["input"]["scale"] - card["input"]["mean"]) / card["input"]["std"]
                found = graph_interpreter.run(card, tensors, image)
                if name in OUTPUTS:
                    self.assertEqual(card["output"], OUTPUTS[name])
                    found = squashed(card, found)
                    expected = numpy.exp(expected) if name == "log_softmax" else expected
                self.assertEqual(found.shape, expected.shape)
                self.assertGreater(numpy.ptp(expected, axis=0).max(), 1e-3 * numpy.abs(expected).max())
                numpy.testing.assert_allclose(found, expected, rtol=0, atol=2e-5 * numpy.abs(expected).max())
                if name in HEADS:
                    self.assertEqual([item["kind"] for item in card["head"] if item["kind"] != "activation"], HEADS[name])
                primitives = {node["primitive"] for node in card["graph"]["nodes"]}
                self.assertLessEqual(PRIMITIVES.get(name, set()), primitives)
                self.assertFalse({"sigmoid", "erf"} & primitives and name in PRIMITIVES, primitives)

    def test_names_and_layer(self):
        card, _ = self.convert(FIXTURES / "flat_head.onnx")
        self.assertEqual([item.get("name") for item in card["head"]], [None, "3", "5", "7"])
        self.assertEqual(card["layers"]["default"], "1")
        card, tensors = self.convert(FIXTURES / "residual.onnx")
        names = [node["name"] for node in card["graph"]["nodes"]]
        self.assertEqual(names[0], "0")
        self.assertIn("1.down.1", names)
        self.assertEqual(card["layers"]["default"], card["graph"]["output"])
        self.assertLessEqual({"0.weight", "0.bias", "4.weight", "4.bias"} | {"1.down.1.weight"}, set(tensors))

    def test_channels(self):
        card, _ = self.convert(FIXTURES / "one_channel.onnx")
        self.assertEqual((card["input"]["channels"], card["input"]["channel_count"]), ("grey", 1))
        self.assertEqual(len(card["input"]["mean"]), 1)
        card, _ = self.convert(FIXTURES / "four_channels.onnx")
        self.assertEqual((card["input"]["channels"], card["input"]["channel_count"]), ("rgba", 4))

    def test_preprocessing_of_the_graph(self):
        card, _ = self.convert(FIXTURES / "preprocess.onnx")
        numpy.testing.assert_allclose(card["input"]["scale"], 1 / 255, rtol=1e-6)
        numpy.testing.assert_allclose(card["input"]["mean"], [0.485, 0.456, 0.406], rtol=1e-6)
        numpy.testing.assert_allclose(card["input"]["std"], [0.229, 0.224, 0.225], rtol=1e-6)
        self.assertEqual(card["graph"]["nodes"][0]["primitive"], "convolution")

    def test_a_size_that_does_not_fit(self):
        self.assert_refused(FIXTURES / "plain.onnx", "21×19.*leave --input-size out", "--input-size", "64")


def numbers(*shape, seed=0):
    return numpy.random.default_rng(seed).uniform(-1, 1, shape).astype("float32")


def classifier(writer, x="x", channels=3, layers=()):
    """A convolution, some layers, a pool and a matrix."""
    writer.node("Conv", [x, writer.constant(numbers(4, channels, 3, 3))], ["c"], kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    last = "c"
    for op, more, attributes in layers:
        inputs = [last, *(writer.constant(value) for value in more)]
        last = writer.node(op, inputs, [f"{last}{op[0].lower()}"], **attributes)
    writer.node("GlobalAveragePool", [last], ["p"])
    writer.node("Flatten", ["p"], ["f"])
    writer.node("Gemm", ["f", writer.constant(numbers(3, 4)), writer.constant(numbers(3))], ["y"], transB=1)
    return writer


class Sounds(ConverterTest):
    """Networks of one channel that are given the levels of a mel spectrogram."""

    LEVELS = "sample_rate=8000,seconds=0.2,fft=256,hop=80,mel_bands=19"

    def test_card(self):
        card, _ = self.convert(FIXTURES / "bands.onnx", "--log-mel", f"{self.LEVELS},fmax=4000,mel_scale=htk")
        self.assertEqual(card["input"], {
            "kind": "log_mel", "sample_rate": 8000, "seconds": 0.2, "fft": 256, "hop": 80, "mel_bands": 19, "fmax": 4000.0,
            "mel_scale": "htk", "mean": [0], "std": [1],
        })  # fmt: skip

    def test_refusals(self):
        for text, pattern in (
            (f"{self.LEVELS},hop=40", "gives 41×19 levels, the file fixes the input at 21×19: change seconds or frames"),
            ("panns", "gives 1001×64 levels"),
            ("sample_rate=8000", "--log-mel needs seconds, fft, hop, mel_bands too"),
            (f"{self.LEVELS},colour=red", "no setting colour"),
            (f"{self.LEVELS},axes=diagonal", "axes is one of frames_bands, bands_frames"),
            (f"{self.LEVELS},fft=many", "fft=many is no number"),
        ):
            self.assert_refused(FIXTURES / "bands.onnx", pattern, "--log-mel", text)
        self.assert_refused(FIXTURES / "plain.onnx", "21×19 of 3", "--log-mel", self.LEVELS)


MODULE = """
import torch

class Network(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 4, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(4)
        self.fc = torch.nn.Linear(4, 3)

    def forward(self, x):
        x = torch.nn.functional.hardswish(self.norm(self.stem(x)))
        one, other = x.chunk(2, 1)
        return self.fc(torch.cat([other, one * 2], 1).mean((2, 3)))

class Two(Network):
    def forward(self, x):
        return self.stem(x).mean((2, 3)), {"logits": super().forward(x), "map": x}

class Standardised(Network):
    # Weights made even whenever they are used, variances in three ways, and borders.

    def forward(self, x):
        functional = torch.nn.functional
        weight = self.stem.weight.reshape(1, 4, -1)
        weight = functional.batch_norm(weight, None, None, training=True).reshape_as(self.stem.weight) * torch.arange(1, 3).repeat(2).reshape(4, 1, 1, 1)
        x = functional.pad(x, (1, 2, 0, 1), mode="replicate")
        x = functional.pad(functional.conv2d(x, weight, self.stem.bias), (2, 1, 1, 0), mode="circular")
        x = functional.conv2d(functional.pad(x, (1, 2, 2, 1), mode="reflect"), weight[:, :1], stride=2, groups=4)
        x = x * torch.rsqrt(x.pow(2).mean((2, 3), keepdim=True) + 1e-3)
        x = torch.addcmul(self.norm(x), x, x.var((2, 3), keepdim=True), value=0.5)
        variance, mean = torch.var_mean(x, dim=1, keepdim=True, correction=0)
        x = (x - mean) / torch.sqrt(variance + 0.1) + x.std(dim=3, keepdim=True).clamp_max(0.7)
        gate = functional.conv1d(x.mean((2, 3)).unsqueeze(1), weight[:1, :1, :, 0], padding=1).transpose(1, 2).unsqueeze(-1)
        x = x.flip(2, 3)[:, :, :, torch.tensor([2, 0, 1])].index_select(2, torch.tensor([1, 0, 3]))
        return self.fc((x * gate).repeat(1, 1, 1, 2).amin(3).mean(2))

class Filtered(torch.nn.Module):
    # The first weight is of one channel, the picture has three; the last mean is that of a sequence.
    def __init__(self):
        super().__init__()
        self.filter = torch.nn.Conv2d(3, 3, 3, groups=3)
        self.network = Network()

    def forward(self, x):
        x = self.network.stem(self.filter(x)).flatten(2)
        return self.network.fc(torch.nn.functional.adaptive_avg_pool1d(x, 1).flatten(1))

class Regions(Network):
    # Parts that torch.export keeps in graphs of their own.
    def forward(self, x):
        with torch.autocast("cpu", enabled=False):
            x = torch.relu(self.stem(x))
            with torch.no_grad():
                double = x * 2
            y = self.norm(x + double)
        with torch.no_grad():
            return self.fc((x + y).mean((2, 3)))

class Rounding(Network):
    def forward(self, x):
        with torch.autocast("cpu"):
            return super().forward(x)

class Unfit(Network):
    def forward(self, x):
        return self.stem(x[:, :2])

class Unfolding(Network):
    def __init__(self):
        super().__init__()
        self.attn = torch.nn.Unfold(3)

    def forward(self, x):
        return self.fc(self.attn(x).mean(2)[:, :4])

class Attentive(Network):
    def forward(self, x):
        x = self.stem(x).flatten(2)
        return self.fc(torch.nn.functional.scaled_dot_product_attention(x, x, x).mean(2))

def broken():
    raise RuntimeError("no such network")

def number():
    return 3
"""


class Modules(ConverterTest):
    """--module: the user's own code, in an environment with torch."""

    def setUp(self):
        super().setUp()
        self.name = f"module_{self.folder.name.replace('-', '_')}"
        (self.folder / f"{self.name}.py").write_text(MODULE)
        here = pathlib.Path.cwd()
        os.chdir(self.folder)
        self.addCleanup(os.chdir, here)

    @unittest.skipIf(torch is None, "torch is not installed")
    def test_a_module(self):
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        model = importlib.import_module(self.name).Network().eval()
        torch.nn.init.uniform_(model.norm.running_mean)
        path = self.folder / "m.pth"
        torch.save({"state_dict": {f"module.{key}": value for key, value in model.state_dict().items()}}, path)
        options = ["--module", f"{self.name}:Network", "--input-size", "9x7", "--preprocess", "none"]
        card, tensors = self.convert(path, *options)
        self.assertEqual([item.get("name") for item in card["head"]], [None, "fc"])
        self.assertLessEqual({"stem.weight", "norm.running_mean", "fc.bias"}, set(tensors))
        x = numbers(2, 9, 7, 3)
        with torch.no_grad():
            expected = model(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)
        self.output.unlink()
        self.assert_refused(path, "--input-size says which one", *options[:2])
        for module, pattern in (
            ("nowhere:f", "ModuleNotFoundError"),
            (f"{self.name}:broken", "RuntimeError: no such network"),
            (f"{self.name}:number", "gives a int, not a torch.nn.Module"),
            (self.name, "write package.module:factory"),
        ):
            self.assert_refused(path, pattern, "--module", module)
        torch.save({"stem.weight": model.stem.weight, "fc.weight": model.fc.weight}, path)
        self.assert_refused(path, "lacks tensors of the module: stem.bias", *options)

    @unittest.skipIf(torch is None, "torch is not installed")
    def test_several_outputs(self):
        """None of them is taken because it is the first."""
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        model = importlib.import_module(self.name).Two().eval()
        path = self.folder / "m.pth"
        torch.save(model.state_dict(), path)
        options = ["--module", f"{self.name}:Two", "--input-size", "9x7", "--preprocess", "none"]
        err = self.assert_refused(path, r"the model has the outputs .*--output-value says which", *options)
        name = err.partition("outputs ")[2].split(",")[1].strip()
        card, tensors = self.convert(path, *options, "--output-value", name)
        x = numbers(2, 9, 7, 3)
        with torch.no_grad():
            expected = model(torch.from_numpy(x.transpose(0, 3, 1, 2).copy()))[1]["logits"].numpy()
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)

    @unittest.skipIf(torch is None, "torch is not installed")
    def test_what_modules_compute(self):
        """Weights that are standardised, variances, borders, and a filter before the network; attention is named."""
        sys.path.insert(0, str(self.folder))
        self.addCleanup(sys.path.remove, str(self.folder))
        path = self.folder / "m.pth"
        options = ["--input-size", "9x7", "--preprocess", "none"]
        for name in ("Filtered", "Standardised", "Regions"):
            model = getattr(importlib.import_module(self.name), name)().eval()
            for module in model.modules():
                if isinstance(module, torch.nn.BatchNorm2d):
                    torch.nn.init.uniform_(module.running_mean)
            torch.save(model.state_dict(), path)
            card, tensors = self.convert(path, "--module", f"{self.name}:{name}", *options)
            x = numbers(2, 9, 7, 3)
            with torch.no_grad():
                expected = model(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
            numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)
            self.output.unlink()
        self.assert_refused(path, "torch.export refuses the module: ", "--module", f"{self.name}:Unfit", *options)
        self.assert_refused(path, "attention, a product of two values", "--module", f"{self.name}:Attentive", *options)
        self.assert_refused(path, "im2col.default is not supported, in a layer that is called attention", "--module", f"{self.name}:Unfolding", *options)
        self.assert_refused(path, "in another precision .autocast.", "--module", f"{self.name}:Rounding", *options)

    @unittest.skipIf(torch is not None, "torch is installed")
    def test_without_torch(self):
        (self.folder / "m.pth").write_bytes(b"PK")
        self.assert_refused(self.folder / "m.pth", "an environment with torch", "--module", f"{self.name}:Network")


class ByHand(ConverterTest):
    def writer(self, shape=(1, 3, 8, 9), **options):
        return Writer(shape, **options)

    def save(self, writer, name="m.onnx"):
        path = self.folder / name
        path.write_bytes(writer.bytes())
        return path

    def test_channels_last(self):
        """tf2onnx puts transpositions around convolutions, and flattens rows, columns, channels."""
        w = self.writer((None, 8, 9, 3))
        w.node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])
        w.node("Conv", ["t", w.constant(numbers(4, 3, 3, 3)), w.constant(numbers(4))], ["c"], auto_pad="SAME_UPPER", strides=[2, 2])
        w.node("Relu", ["c"], ["r"])
        w.node("Transpose", ["r"], ["b"], perm=[0, 2, 3, 1])
        w.node("Reshape", ["b", w.constant(numpy.array([-1, 80]))], ["f"])
        w.node("MatMul", ["f", w.constant(numbers(80, 3))], ["m"])
        w.node("Add", ["m", w.constant(numbers(3))], ["a"])
        w.node("Softmax", ["a"], ["y"])
        card, tensors = self.convert(self.save(w))
        self.assertEqual([n["primitive"] for n in card["graph"]["nodes"]], ["convolution", "relu"])
        self.assertEqual([item["kind"] for item in card["head"]], ["flatten", "dense"])
        self.assertEqual((card["output"], card["input"]["width"]), ("softmax", 9))
        x = numbers(2, 8, 9, 3, seed=5)
        found = graph_interpreter.run(card, tensors, x)
        attributes = {"kernel": [3, 3], "stride": [2, 2], "padding": [0, 1, 1, 1]}
        c = graph_interpreter.convolution(x, w.values[0], w.values[1], attributes)
        expected = numpy.maximum(c, 0).reshape(2, -1) @ w.values[3] + w.values[4]
        numpy.testing.assert_allclose(found, expected, atol=1e-5)

    def test_scale_and_offset_are_a_norm(self):
        scale, offset = numbers(1, 4, 1, 1, seed=1), numbers(4, 1, 1, seed=2)
        layers = [("Relu", [], {}), ("Mul", [scale], {}), ("Add", [offset], {}), ("Relu", [], {})]
        card, tensors = self.convert(self.save(classifier(self.writer(), layers=layers)))
        primitives = [node["primitive"] for node in card["graph"]["nodes"]]
        self.assertEqual(primitives, ["convolution", "relu", "batch_normalization", "relu"])
        norm = [node["inputs"][0] for node in card["graph"]["nodes"] if node["primitive"] == "relu"][-1]
        numpy.testing.assert_array_equal(tensors[f"{norm}.weight"], scale.reshape(-1))

    def test_decomposed_layer_norm(self):
        w = self.writer()
        w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["c"])
        w.node("Transpose", ["c"], ["t"], perm=[0, 2, 3, 1])
        w.node("ReduceMean", ["t"], ["mean"], axes=[-1])
        w.node("Sub", ["t", "mean"], ["d"])
        w.node("Pow", ["d", w.constant(numpy.float32(2))], ["square"])
        w.node("ReduceMean", ["square"], ["variance"], axes=[-1])
        w.node("Add", ["variance", w.constant(numpy.float32(1e-3))], ["e"])
        w.node("Sqrt", ["e"], ["s"])
        w.node("Div", ["d", "s"], ["n"])
        w.node("Mul", ["n", w.constant(numbers(4))], ["w"])
        w.node("Add", [w.constant(numbers(4, seed=3)), "w"], ["b"])
        w.node("ReduceMean", ["b"], ["g"], axes=[1, 2], keepdims=0)
        w.node("MatMul", ["g", w.constant(numbers(4, 2))], ["y"])
        card, tensors = self.convert(self.save(w))
        self.assertEqual([n["primitive"] for n in card["graph"]["nodes"]], ["convolution", "layer_normalization"])
        self.assertEqual(card["graph"]["nodes"][1]["attributes"], {"epsilon": 0.001})
        x = numbers(1, 8, 9, 3, seed=5)
        found = graph_interpreter.run(card, tensors, x)
        c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3]})
        n = (c - c.mean(-1, keepdims=True)) / numpy.sqrt(c.var(-1, keepdims=True) + 1e-3)
        expected = (n * w.values[3] + w.values[4]).mean((1, 2)) @ w.values[5]
        numpy.testing.assert_allclose(found, expected, atol=1e-5)

    def test_response_norm(self):
        """x / (bias + alpha / size · Σ x²)^beta over five neighbouring channels."""
        w = classifier(self.writer(), layers=[("LRN", [], {"size": 5, "alpha": 0.5, "beta": 0.75, "bias": 1.5})])
        card, tensors = self.convert(self.save(w))
        x = numbers(1, 8, 9, 3, seed=5)
        c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3], "padding": [1, 1, 1, 1]})
        sums = numpy.stack([(c[..., max(i - 2, 0) : i + 3] ** 2).sum(-1) for i in range(4)], -1)
        expected = (c / (1.5 + 0.5 / 5 * sums) ** 0.75).mean((1, 2)) @ w.values[1].T + w.values[2]
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)

    def mapped(self, *layers):
        """What a card computes of a picture, and the map after its first convolution with the weights behind it."""
        w = classifier(self.writer(), layers=list(layers))
        card, tensors = self.convert(self.save(w))
        x = numbers(2, 8, 9, 3, seed=5)
        c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3], "padding": [1, 1, 1, 1]})
        return graph_interpreter.run(card, tensors, x), c, lambda c: c.mean((1, 2)) @ w.values[-2].T + w.values[-1]

    def test_norms_of_both_orders(self):
        for order in (1, 2):
            found, c, rest = self.mapped(("LpNormalization", [], {"axis": 1, "p": order}))
            length = numpy.linalg.norm(c, ord=order, axis=-1, keepdims=True)
            numpy.testing.assert_allclose(found, rest(c / length), atol=1e-5)

    def test_swish_of_any_alpha(self):
        """QuickGelu's own is 1.702, Swish's 1."""
        for kind, attributes, alpha in (("Swish", {}, 1), ("Swish", {"alpha": 2.0}, 2), ("QuickGelu", {}, 1.702), ("QuickGelu", {"alpha": 0.5}, 0.5)):
            with self.subTest(kind, **attributes):
                found, c, rest = self.mapped((kind, [], attributes))
                numpy.testing.assert_allclose(found, rest(c / (1 + numpy.exp(-alpha * c))), atol=1e-5)

    def test_softplus_with_a_threshold(self):
        """torch's form; one with a small threshold is another function."""
        for threshold in (20.0, 0.1):
            w = self.writer()
            w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["d"])
            w.node("Greater", ["d", w.constant(numpy.float32(threshold))], ["g"])
            w.node("Softplus", ["d"], ["s"])
            w.node("Where", ["g", "d", "s"], ["r"])
            path = self.save(classifier(w, "r", channels=4))
            if threshold > 1:
                self.assertIn("softplus", [node["primitive"] for node in self.convert(path)[0]["graph"]["nodes"]])
                self.output.unlink()
            else:
                self.assert_refused(path, "Greater")

    def test_a_matrix_on_the_left(self):
        w = self.writer()
        w.node("MatMul", [w.constant(numbers(8, 8)), "x"], ["m"])
        self.assert_refused(self.save(classifier(w, "m")), "of a constant and a value")

    def test_open_size(self):
        path = self.save(classifier(self.writer(("n", 3, "h", "w"))))
        self.assert_refused(path, "--input-size")
        card, _ = self.convert(path, "--input-size", "12x10")
        self.assertEqual((card["input"]["height"], card["input"]["width"]), (12, 10))

    def test_several_outputs(self):
        w = classifier(self.writer(), layers=[("Relu", [], {})])
        w.outputs = ["y", "cr"]
        path = self.save(w)
        status, _, err = self.run_converter(path)
        self.assertEqual(status, 0)
        self.assertIn("of the outputs y, cr y is taken", err)
        w.outputs = ["y", "f"]
        self.output.unlink()
        self.assert_refused(self.save(w), "outputs y, f: --output-value")
        self.convert(self.save(w), "--output-value", "y")

    def test_bytes_as_input(self):
        w = Writer((1, 8, 9, 3), kind=2)
        w.node("Cast", ["x"], ["float"], to=1)
        w.node("Sub", ["float", w.constant(numpy.float32(127.5))], ["s"])
        w.node("Div", ["s", w.constant(numpy.float32([127.5, 127.5, 255]))], ["d"])
        w.node("Transpose", ["d"], ["t"], perm=[0, 3, 1, 2])
        card, _ = self.convert(self.save(classifier(w, "t")))
        image = card["input"]
        numpy.testing.assert_allclose([(255 * image["scale"] - m) / s for m, s in zip(image["mean"], image["std"])], [1, 1, 0.5])

    def test_bytes_without_preprocessing(self):
        """An input of bytes is given bytes, whatever is usual."""
        w = Writer((1, 8, 9, 3), kind=2)
        w.node("Cast", ["x"], ["float"], to=1)
        w.node("Transpose", ["float"], ["t"], perm=[0, 3, 1, 2])
        card, _ = self.convert(self.save(classifier(w, "t")))
        self.assertEqual((card["input"]["scale"], card["input"]["mean"], card["input"]["std"]), (1, [0] * 3, [1] * 3))

    def test_pixels_that_were_divided_before(self):
        """A mean and a deviation of pixels of 0…1 at the front, and an order that tells no scale."""
        w = self.writer()
        w.node("Sub", ["x", w.constant(numpy.float32([0.5, 0.4, 0.3]).reshape(1, 3, 1, 1))], ["s"])
        w.node("Div", ["s", w.constant(numpy.float32([0.2, 0.3, 0.4]).reshape(1, 3, 1, 1))], ["d"])
        image = self.convert(self.save(classifier(w, "d")))[0]["input"]
        self.assertAlmostEqual(image["scale"], 1 / 255)
        numpy.testing.assert_allclose([*image["mean"], *image["std"]], [0.5, 0.4, 0.3, 0.2, 0.3, 0.4], rtol=1e-6)
        w = self.writer()
        w.node("Gather", ["x", w.constant(numpy.array([2, 1, 0]))], ["b"], axis=1)
        path = self.save(classifier(w, "b"))
        image = self.convert(path)[0]["input"]
        self.assertEqual((image["channels"], image["mean"]), ("bgr", [0.406, 0.456, 0.485]))
        self.assertRegex(self.run_converter(path)[1], "! preprocessing .*do not say of what scale")

    def test_layout_and_order_before_the_network(self):
        """Pixels with their channels last that become BGR, as Keras's caffe preprocessing has it."""
        w = Writer((1, 8, 9, 3))
        ends = [w.constant(numpy.array([value])) for value in (-1, -(1 << 60), 3, -1)]
        w.node("Slice", ["x", *ends], ["s"])
        w.node("Transpose", ["s"], ["t"], perm=[0, 3, 1, 2])
        w.node("Sub", ["t", w.constant(numpy.float32([103.9, 116.8, 123.7]).reshape(1, 3, 1, 1))], ["d"])
        card, _ = self.convert(self.save(classifier(w, "d")))
        image = card["input"]
        self.assertEqual((image["channels"], image["scale"], image["std"]), ("bgr", 1, [1, 1, 1]))
        numpy.testing.assert_allclose(image["mean"], [103.9, 116.8, 123.7], rtol=1e-6)
        self.assertEqual(card["graph"]["nodes"][0]["primitive"], "convolution")

    def test_functions_and_branches(self):
        """Local functions are put in their place, an If of a constant is the branch that is taken."""
        w = self.writer()
        w.function("twice", ["a"], ["b"], [("Add", ["a", "a"], ["b"])])
        w.node("twice", ["x"], ["t"], domain="local")
        w.node("If", [w.constant(numpy.array(True))], ["i"], then_branch=w.subgraph([("Relu", ["t"], ["r"])], "r"), else_branch=w.subgraph([("Neg", ["t"], ["m"])], "m"))
        card, tensors = self.convert(self.save(classifier(w, "i")))
        self.assertEqual([n["primitive"] for n in card["graph"]["nodes"]], ["add", "relu", "convolution"])

    # Ends of networks.

    def ended(self, *nodes, outputs=()):
        """A file of a network with these nodes behind its logits `y`."""
        w = classifier(self.writer())
        for op, inputs, name, attributes in nodes:
            w.node(op, [w.constant(item) if not isinstance(item, str) else item for item in inputs], [name], **attributes)
        w.outputs = list(outputs)
        self.output.unlink(missing_ok=True)
        return self.save(w)

    def test_probabilities_that_are_changed(self):
        """What stands behind a softmax or a sigmoid makes neither logits nor probabilities of its values."""
        softmax = ("Softmax", ["y"], "s", {"axis": 1})
        sigmoid = ("Sigmoid", ["y"], "s", {})
        for name, nodes in {
            "bounded": [softmax, ("Clip", ["s", numpy.float32(1e-7), numpy.float32(1)], "z", {})],
            "a part": [softmax, ("Slice", ["s", numpy.array([0]), numpy.array([2]), numpy.array([1])], "z", {})],
            "another order": [softmax, ("Gather", ["s", numpy.array([2, 0, 1])], "z", {"axis": 1})],
            "percent": [sigmoid, ("Mul", ["s", numpy.float32(100)], "z", {})],
            "both sides": [sigmoid, ("Sub", [numpy.float32(1), "s"], "r", {}), ("Concat", ["r", "s"], "z", {"axis": 1})],
            "two of them": [softmax, ("Sigmoid", ["y"], "r", {}), ("Add", ["s", "r"], "z", {})],
            "written out": [("Exp", ["y"], "e", {}), ("ReduceSum", ["e", numpy.array([1])], "t", {}), ("Div", ["e", "t"], "z", {})],
        }.items():
            with self.subTest(name):
                path = self.ended(*nodes)
                self.assert_refused(path, "neither logits nor their softmax or sigmoid: .*--output-value y takes the value before it")
                self.convert(path, "--output-value", "y")

    def test_softmax_written_in_two_steps(self):
        for steps in (("LogSoftmax", "Exp"), ("Softmax", "Log")):
            path = self.ended((steps[0], ["y"], "s", {"axis": 1}), (steps[1], ["s"], "z", {}))
            card, _ = self.convert(path)
            self.assertEqual((card["output"], [item["kind"] for item in card["head"]]), ("softmax", [GAP, "dense"]))
        path = self.ended(("Softmax", ["y"], "s", {"axis": 1}), ("Squeeze", ["s", numpy.array([0])], "z", {}))
        self.assertEqual(self.convert(path)[0]["output"], "softmax")

    def test_decisions(self):
        """A node that picks among the probabilities makes no logits; where they are an output as well, they are taken."""
        softmax, best = ("Softmax", ["y"], "s", {"axis": 1}), ("ArgMax", ["s"], "best", {"axis": 1})
        path = self.ended(softmax, best)
        self.assert_refused(path, r"\(ArgMax\) makes the output: --output-value s takes the value before it")
        self.assertEqual(self.convert(path, "--output-value", "s")[0]["output"], "softmax")
        path = self.ended(softmax, best, outputs=("best", "s"))
        status, _, err = self.run_converter(path)
        self.assertEqual(status, 0, err)
        self.assertIn("of the outputs best, s s is taken", err)

    def test_nodes_that_nothing_needs(self):
        path = self.ended(("NonZero", ["y"], "n", {}), ("Strange", ["n"], "o", {"domain": "somebody"}), outputs=("y",))
        self.convert(path)
        self.assert_refused(self.ended(("NonZero", ["y"], "n", {})), r"\(NonZero\) is not supported")

    # Labels and pixels that the file tells.

    def told(self, metadata, *options, **files):
        """The card of a network with this metadata and these files beside it, and what the converter says of it."""
        w = classifier(self.writer())
        w.metadata = metadata
        path = self.save(w)
        for name, text in files.items():
            (self.folder / name.replace("__", ".")).write_text(text)
        status, out, err = self.run_converter(path, *options)
        self.assertEqual(status, 0, err)
        card, _ = read_flat(self.output)
        self.output.unlink()
        for name in files:
            (self.folder / name.replace("__", ".")).unlink()
        return card, out

    def test_labels_of_the_metadata(self):
        for key, text in (
            ("names", "{0: 'a', 1: \"b's\", 2: 'c'}"), ("class_names", '["a", "b\'s", "c"]'), ("classes", '{"c": 2, "a": 0, "b\'s": 1}'),
            ("labels", "a\nb's\nc\n"), ("Labels", "a, b's, c"),
        ):  # fmt: skip
            card, out = self.told({key: text})
            self.assertEqual(card["labels"], ["a", "b's", "c"])
            self.assertIn(f"({key} in the file's metadata)", out)
        card, out = self.told({"names": "['a', 'b']"})
        self.assertRegex(out, "! labels .*names 2, 3 are needed")
        for text in ("__import__('os').abort()", "{0:" * 3000, "3", "", "[" * 100_000):
            card, out = self.told({"names": text})
            self.assertEqual(card["labels"], ["class 0", "class 1", "class 2"])
            self.assertRegex(out, "! labels .*the source names none")

    def test_labels_beside_the_file(self):
        names = ["a", "b", "c"]
        named = '{"0": ["n01", "a"], "1": ["n02", "b"], "2": ["n03", "c"]}'
        for files in ({"labels__txt": "0: a\n1: b\n2: c\n"}, {"classes__txt": "0,a\n1,b\n2,c\n"}, {"index_to_name__json": named}, {"labels__txt": "a\nb\nc\n"}, {"classes__json": '["a", "b", "c"]'}, {"class_indices__json": '{"c": 2, "a": 0, "b": 1}'}):
            card, out = self.told({}, **files)
            self.assertEqual(card["labels"], names)
            self.assertRegex(out, r"  labels .* beside it\)")
        card, out = self.told({}, labels__txt="a\nb\nc\n", classes__json='["a", "b", "c"]')
        self.assertRegex(out, r"labels.txt and classes.json beside it\)")
        card, out = self.told({}, labels__txt="a\nb\nc\n", classes__json='["c", "b", "a"]')
        self.assertEqual(card["labels"][0], "class 0")
        self.assertRegex(out, "! labels .*labels.txt and classes.json differ")
        card, out = self.told({}, labels__txt="a\nb\n", classes__json='{"a":')
        self.assertRegex(out, "! labels .*labels.txt has 2, classes.json cannot be read, 3 are needed")
        card, out = self.told({}, labels__txt="a\nb\nc\n", other__onnx="another model")
        self.assertEqual(card["labels"], names)
        self.assertRegex(out, "! labels .*labels.txt beside it and other.onnx, for one of which they are; --labels")
        card, out = self.told({"names": '["x", "y", "z"]'}, labels__txt="a\nb\nc\n")
        self.assertEqual(card["labels"], ["x", "y", "z"])
        card, out = self.told({}, "--labels", "x,y,z", labels__txt="a\nb\nc\n")
        self.assertEqual(card["labels"], ["x", "y", "z"])

    def test_pixels_of_the_metadata(self):
        """ONNX's own names, which come before what the network does itself."""
        keys = {"Image.BitmapPixelFormat": "Bgr8", "Image.NominalPixelRange": "NominalRange_0_255"}
        image = self.told(keys)[0]["input"]
        self.assertEqual((image["channels"], image["scale"], image["mean"], image["std"]), ("bgr", 1, [0] * 3, [1] * 3))
        image = self.told(keys | {"Image.NominalPixelRange": "Normalized_1_1", "Image.BitmapPixelFormat": "Rgb8"})[0]["input"]
        self.assertEqual((image["channels"], 1 / image["scale"], image["mean"]), ("rgb", 127.5, [1] * 3))
        w = self.writer()
        w.metadata = {"Image.BitmapPixelFormat": "Bgr8"}  # Its range is 0…255 where none is said.
        w.node("Sub", ["x", w.constant(numpy.float32([103, 116, 123]).reshape(1, 3, 1, 1))], ["s"])
        image = self.convert(self.save(classifier(w, "s")))[0]["input"]
        self.assertEqual((image["channels"], image["mean"]), ("bgr", [103, 116, 123]))
        config = json.dumps({"do_resize": True, "size": {"height": 8, "width": 9}, "do_normalize": True, "image_mean": [0.5] * 3, "image_std": [0.25] * 3})
        card, out = self.told({"names": '["a", "b", "c"]'}, preprocessor_config__json=config)
        self.assertEqual((card["labels"], card["input"]["mean"]), (["a", "b", "c"], [0.5] * 3))
        card, out = self.told(keys | {"Image.BitmapPixelFormat": "Gray8"})
        self.assertRegex(out, "! preprocessing .*the torch way")

    def test_ultralytics(self):
        w = classifier(self.writer((1, 3, 8, 8)))
        w.node("Softmax", ["y"], ["z"], axis=1)
        w.metadata = {"author": "Ultralytics", "task": "classify", "imgsz": "[8, 8]", "names": "{0: 'a', 1: 'b', 2: 'c'}"}
        card, _ = self.convert(self.save(w))
        image = card["input"]
        self.assertEqual((card["labels"], card["output"]), (["a", "b", "c"], "softmax"))
        self.assertEqual((image["scale"], image["mean"], image["std"], image["resize_side"]), (1 / 255, [0] * 3, [1] * 3, 8))
        self.output.unlink()
        w.metadata["task"] = "detect"
        self.assert_refused(self.save(w), "Ultralytics for the task detect")

    def test_custom_vision(self):
        """A dictionary of probabilities and the name of the best one, beside which the labels stand."""
        w = classifier(self.writer())
        w.node("Softmax", ["y"], ["s"], axis=1)
        w.node("ZipMap", ["s"], ["loss"], domain="ai.onnx.ml", classlabels_strings=["cat", "dog", "hen"])
        w.node("ArgMax", ["s"], ["best"], axis=1)
        w.raw_constant("words", texts(["cat", "dog", "hen"], "words"))
        w.node("ArrayFeatureExtractor", ["words", "best"], ["classLabel"], domain="ai.onnx.ml")
        w.outputs = ["classLabel", "loss"]
        card, _ = self.convert(self.save(w))
        self.assertEqual((card["labels"], card["output"]), (["cat", "dog", "hen"], "softmax"))
        self.output.unlink()
        w.outputs = ["classLabel"]
        self.assert_refused(self.save(w), r"\(ArgMax\) makes the output: --output-value s")

    # Nodes.

    def test_norm_that_gives_its_statistics(self):
        """Before opset 14 that is one in training."""
        parts = [numbers(4, seed=seed) for seed in (1, 2, 3)] + [numpy.float32([1, 2, 3, 4])]
        for outputs, opset in ((["n", "m", "v", "sm", "sv"], 9), (["n"], 9)):
            w = self.writer(opset=opset)
            w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["c2"])
            w.node("BatchNormalization", ["c2", *(w.constant(part) for part in parts)], outputs)
            path = self.save(classifier(w, "n", channels=4))
            if len(outputs) > 1:
                self.assert_refused(path, "is in training mode")
            else:
                self.convert(path)

    def test_bounds(self):
        for low, high, kinds in ((0, numpy.inf, ["relu"]), (-numpy.inf, 6, ["clip"]), (0, 3.4028235e38, ["relu"]), (-numpy.inf, numpy.inf, [])):
            card, _ = self.convert(self.save(classifier(self.writer(), layers=[("Clip", [numpy.float32(low), numpy.float32(high)], {})])))
            self.assertEqual([node["primitive"] for node in card["graph"]["nodes"]][1:], kinds)
            self.assertNotIn("Infinity", str(card).replace("inf", "Infinity"))
            self.output.unlink()
        for low, high in ((1, 0), (numpy.nan, 1)):
            self.refused("keeps nothing between", ("Clip", [numpy.float32(low), numpy.float32(high)], {}))
        for op, attributes in (("LeakyRelu", {"alpha": float("nan")}), ("Elu", {"alpha": float("inf")})):
            self.refused("its (slope|alpha) is (nan|inf), which is no number to compute with", (op, [], attributes))

    def test_parts_of_a_convolution_that_do_not_fit(self):
        for bias, kernel, pattern in ((numbers(3), [3, 3], r"its bias \[3\] does not fit"), (numbers(4), [5, 5], r"its kernel_shape \[5, 5\] is not")):
            w = self.writer()
            w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3)), w.constant(bias)], ["d"], kernel_shape=kernel)
            self.assert_refused(self.save(classifier(w, "d", channels=4)), pattern)

    def test_nothing_has_no_direction(self):
        """A vector of zeros stays one when it is divided by its length."""
        for order in (1, 2):
            found, c, rest = self.mapped(("Mul", [numpy.zeros((1, 1, 8, 1), "float32")], {}), ("LpNormalization", [], {"axis": 1, "p": order}))
            numpy.testing.assert_allclose(found, rest(c * 0), atol=1e-6)

    def test_weights_kept_as_integers(self):
        scale, zero = numpy.float32([0.5, 0.25, 1, 2]), numpy.int8([1, 0, -1, 2])
        kept = numpy.random.default_rng(0).integers(-9, 9, (4, 3, 3, 3)).astype("int8")
        w = self.writer()
        w.node("DequantizeLinear", [w.constant(kept), w.constant(scale), w.constant(zero)], ["w"], axis=0)
        w.node("Conv", ["x", "w"], ["c2"])
        _, tensors = self.convert(self.save(classifier(w, "c2", channels=4)))
        expected = (kept - zero.astype(float)[:, None, None, None]) * scale[:, None, None, None]
        self.assertTrue(any(value.shape == expected.shape and numpy.array_equal(value, expected) for value in tensors.values()))
        self.output.unlink()
        self.refused("computes with integers.*before it was optimised or quantised", ("QuantizeLinear", [numpy.float32(1), numpy.uint8(0)], {}))
        self.refused("domain com.microsoft.*before it was optimised", ("FusedConv", [], {"domain": "com.microsoft"}))

    def test_any_order(self):
        """Channels and labels that are picked, also as torch's exporter writes it, and copies of them."""
        order = [2, 0, 3, 1]
        turned = numpy.array(order).reshape(-1, 1)
        w = self.writer()
        w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["d"])
        w.node("Transpose", ["d"], ["t"], perm=[1, 0, 2, 3])
        w.node("GatherND", ["t", w.constant(turned)], ["g"])
        w.node("Transpose", ["g"], ["u"], perm=[1, 0, 2, 3])
        w.node("Tile", ["u", w.constant(numpy.array([1, 2, 1, 1]))], ["r"])
        w.node("GlobalAveragePool", ["r"], ["p"])
        w.node("Flatten", ["p"], ["f"])
        w.node("MatMul", ["f", w.constant(numbers(8, 3))], ["y"])
        w.node("Gather", ["y", w.constant(numpy.array([1, 2, 0]))], ["z"], axis=1)
        card, tensors = self.convert(self.save(w), "--preprocess", "none")
        x = numbers(2, 8, 9, 3, seed=5)
        c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3]}).mean((1, 2))[:, order]
        expected = (numpy.concatenate([c, c], axis=1) @ w.values[3])[:, [1, 2, 0]]
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)
        self.output.unlink()
        self.refused("repeats by .1, 2, 2, 1., which is not supported", ("Tile", [numpy.array([1, 2, 2, 1])], {}))
        self.refused("picks along several axes", ("GatherND", [numpy.array([[0, 1]])], {}))

    def test_borders_that_repeat(self):
        """What is inside mirrored, its outermost pixels, and its other end; and a border that is cut off."""
        weight = numbers(4, 4, 3, 3, seed=8)
        for mode in ("reflect", "edge", "wrap", "constant"):
            top, left, bottom, right = (-1, 3, 2, -2) if mode == "constant" else (1, 3, 2, 0)
            pads = numpy.array([0, 0, top, left, 0, 0, bottom, right])
            layers = [("Pad", [pads], {"mode": mode}), ("Conv", [weight], {"strides": [2, 2]})]
            found, c, rest = self.mapped(*layers)
            if mode == "constant":
                c = c[:, 1:, :-2]
                top = right = 0
            c = numpy.pad(c, ((0, 0), (top, bottom), (left, right), (0, 0)), mode=mode)
            c = graph_interpreter.convolution(c, weight, None, {"kernel": [3, 3], "stride": [2, 2]})
            numpy.testing.assert_allclose(found, rest(c), atol=1e-5)
            self.output.unlink()

    def test_softmax_over_one_number(self):
        """SwiftFormer of transformers has such a one inside."""
        w = self.writer()
        w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["c2"])
        w.node("Conv", ["c2", w.constant(numbers(1, 4, 1, 1, seed=3))], ["gate"])
        w.node("Softmax", ["gate"], ["one"], axis=1)
        w.node("Tile", ["one", w.constant(numpy.array([1, 4, 1, 1]))], ["ones"])
        w.node("Add", ["c2", "ones"], ["sum"])
        card, tensors = self.convert(self.save(classifier(w, "sum", channels=4)), "--preprocess", "none")
        x = numbers(2, 8, 9, 3, seed=5)
        c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3]}) + 1
        c = graph_interpreter.convolution(c, w.values[-3], None, {"kernel": [3, 3], "padding": [1, 1, 1, 1]})
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), c.mean((1, 2)) @ w.values[-2].T + w.values[-1], atol=1e-5)

    def test_axes_that_are_turned_around(self):
        weight, places = numbers(4, 4, 3, 3, seed=8), [5, 0, 1, 3, 3]
        numbers_of = [numpy.array(item) for item in ([-1, 5], [-100, 0], [2, 3], [-1, -2])]
        found, c, rest = self.mapped(("Slice", numbers_of, {}), ("Gather", [numpy.array(places)], {"axis": 2}), ("Conv", [weight], {}))
        c = graph_interpreter.convolution(c[:, ::-1, 5:0:-2][:, places], weight, None, {"kernel": [3, 3]})
        numpy.testing.assert_allclose(found, rest(c), atol=1e-5)
        self.output.unlink()
        self.refused("picks places in 200 pieces", ("Gather", [numpy.array([3, 1] * 100)], {"axis": 2}))

    def test_border_as_tf2onnx_mirrors_it(self):
        """A border of zeros that is mirrored, and then taken out by a list of truths that nodes write."""
        weight = numbers(4, 4, 3, 3, seed=8)
        ones = numpy.array([0, 0, 1, 1, 0, 0, 1, 1])
        w = self.writer(opset=15)
        w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["first"])
        w.node("Pad", ["first", w.constant(ones)], ["zeros"])
        w.node("Pad", ["zeros", w.constant(ones)], ["border"], mode="reflect")
        for name, count in (("rows", 10), ("columns", 11)):
            w.node("ConstantOfShape", [w.constant(numpy.array([count]))], [f"{name}.none"])
            w.node("ScatterElements", [f"{name}.none", w.constant(numpy.array([1, count - 2])), w.constant(numpy.ones(2, "float32"))], [f"{name}.two"])
            w.node("Cast", [f"{name}.two"], [f"{name}.which"], to=9)
            w.node("Not", [f"{name}.which"], [f"{name}.kept"])
        w.node("Compress", ["border", "rows.kept"], ["b"], axis=2)
        w.node("Compress", ["b", "columns.kept"], ["c2"], axis=3)
        w.node("Conv", ["c2", w.constant(weight)], ["last"], strides=[2, 2])
        card, tensors = self.convert(self.save(classifier(w, "last", channels=4)), "--preprocess", "none")
        x = numbers(2, 8, 9, 3, seed=5)
        c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3]})
        c = numpy.pad(c, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="symmetric")
        c = graph_interpreter.convolution(c, weight, None, {"kernel": [3, 3], "stride": [2, 2]})
        c = graph_interpreter.convolution(c, w.values[-3], None, {"kernel": [3, 3], "padding": [1, 1, 1, 1]})
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), c.mean((1, 2)) @ w.values[-2].T + w.values[-1], atol=1e-5)

    def test_group_norm_of_tensorflow(self):
        """The scale of each channel times one number of its group: the constant has an axis that the value has not."""
        scale, offset = numbers(1, 1, 1, 2, 2, seed=1), numbers(1, 1, 1, 2, 2, seed=2)
        w = self.writer((1, 8, 9, 3))
        w.node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2])
        w.node("Conv", ["t", w.constant(numbers(4, 3, 3, 3))], ["c"])
        w.node("Transpose", ["c"], ["last"], perm=[0, 2, 3, 1])
        w.node("Reshape", ["last", w.constant(numpy.array([-1, 6, 7, 2, 2]))], ["g"])
        w.node("ReduceMean", ["g"], ["mean"], axes=[1, 2, 4])
        w.node("Sub", ["g", "mean"], ["d"])
        w.node("Mul", ["d", "d"], ["square"])
        w.node("ReduceMean", ["square"], ["variance"], axes=[1, 2, 4])
        w.node("Add", ["variance", w.constant(numpy.float32(1e-3))], ["e"])
        w.node("Sqrt", ["e"], ["root"])
        w.node("Reciprocal", ["root"], ["r"])
        w.node("Mul", ["r", w.constant(scale)], ["factor"])
        w.node("Mul", ["mean", "factor"], ["shift"])
        w.node("Sub", [w.constant(offset), "shift"], ["rest"])
        w.node("Mul", ["g", "factor"], ["scaled"])
        w.node("Add", ["scaled", "rest"], ["normal"])
        w.node("Reshape", ["normal", w.constant(numpy.array([-1, 6, 7, 4]))], ["n"])
        w.node("Relu", ["n"], ["a"])
        w.node("ReduceMean", ["a"], ["p"], axes=[1, 2], keepdims=0)
        weight = numbers(4, 2)
        w.node("MatMul", ["p", w.constant(weight)], ["y"])
        card, tensors = self.convert(self.save(w), "--preprocess", "none")
        x = numbers(2, 8, 9, 3, seed=5)
        c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3]}).reshape(2, 6, 7, 2, 2)
        c = (c - c.mean((1, 2, 4), keepdims=True)) / numpy.sqrt(c.var((1, 2, 4), keepdims=True) + 1e-3) * scale + offset
        expected = numpy.maximum(c, 0).reshape(2, 6, 7, 4).mean((1, 2)) @ weight
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)

    def test_codes_of_places(self):
        """What is computed of constants alone: sums along an axis and a convolution of one place."""
        code = numbers(1, 3, 1, 1, seed=7)
        w = self.writer(opset=15)
        w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3)), w.constant(numbers(4))], ["c"])
        w.node("CumSum", [w.constant(numpy.ones((1, 3, 6, 7), "float32")), w.constant(numpy.array(2))], ["rows"], reverse=1)
        w.node("Mul", ["rows", w.constant(code)], ["places"])
        w.node("Conv", ["places", w.constant(numbers(4, 3, 1, 1, seed=8)), w.constant(numbers(4, seed=9))], ["code"])
        w.node("Mul", ["c", "code"], ["m"])
        w.node("GlobalAveragePool", ["m"], ["p"])
        w.node("Flatten", ["p"], ["f"])
        weight = numbers(4, 2)
        w.node("MatMul", ["f", w.constant(weight)], ["y"])
        card, tensors = self.convert(self.save(w), "--preprocess", "none")
        x = numbers(2, 8, 9, 3, seed=5)
        c = graph_interpreter.convolution(x, w.values[0], w.values[1], {"kernel": [3, 3]})
        places = numpy.arange(6, 0, -1).reshape(6, 1, 1) * code.reshape(3) * numpy.ones((6, 7, 1))
        places = places @ numbers(4, 3, seed=8).T + numbers(4, seed=9)
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), (c * places).mean((1, 2)) @ weight, atol=1e-5)

    def test_weights_that_are_standardised_when_they_are_used(self):
        """As a batch norm in training, and as a layer norm, of the weights themselves."""
        weight, scale = numbers(4, 4, 3, 3, seed=8), numbers(4, seed=9)
        for op in ("BatchNormalization", "LayerNormalization"):
            w = self.writer(opset=17)
            w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["first"])
            if op == "BatchNormalization":
                w.node("Reshape", [w.constant(weight), w.constant(numpy.array([1, 4, -1]))], ["flat"])
                zeros, ones = w.constant(numpy.zeros(4, "float32")), w.constant(numpy.ones(4, "float32"))
                parts = ["flat", w.constant(scale), zeros, zeros, ones]
                w.node("BatchNormalization", parts, ["n", "m", "v"], training_mode=1, epsilon=1e-2)
            else:
                w.node("Reshape", [w.constant(weight), w.constant(numpy.array([4, -1]))], ["flat"])
                w.node("LayerNormalization", ["flat", w.constant(numpy.ones(36, "float32"))], ["even"], epsilon=1e-2)
                w.node("Mul", ["even", w.constant(scale.reshape(4, 1))], ["n"])
            w.node("Reshape", ["n", w.constant(numpy.array([4, 4, 3, 3]))], ["own"])
            w.node("Conv", ["first", "own"], ["c2"])
            card, tensors = self.convert(self.save(classifier(w, "c2", channels=4)), "--preprocess", "none")
            x = numbers(2, 8, 9, 3, seed=5)
            flat = weight.reshape(4, -1).astype("float64")
            even = (flat - flat.mean(1, keepdims=True)) / numpy.sqrt(flat.var(1, keepdims=True) + 1e-2) * scale.reshape(4, 1)
            c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3]})
            c = graph_interpreter.convolution(c, even.reshape(4, 4, 3, 3), None, {"kernel": [3, 3]})
            c = graph_interpreter.convolution(c, w.values[-3], None, {"kernel": [3, 3], "padding": [1, 1, 1, 1]})
            expected = c.mean((1, 2)) @ w.values[-2].T + w.values[-1]
            numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)
            self.output.unlink()

    def test_product_with_a_vector(self):
        """A map's columns weighted by numbers of their own (GCNet), and rows likewise; a product of matrices is attention."""
        for first in (True, False):
            w = self.writer()
            w.node("Conv", ["x", w.constant(numbers(4, 3, 3, 3))], ["c"])
            w.node("Conv", ["c", w.constant(numbers(1, 4, 1, 1, seed=3))], ["d"])
            w.node("Reshape", ["c", w.constant(numpy.array([1, 1, 4, 42]))], ["map"])
            w.node("Reshape", ["d", w.constant(numpy.array([1, 1, 1, 42] if first else [1, 1, 42]))], ["flat"])
            w.node("Softmax", ["flat"], ["own"], axis=-1)
            if first:
                w.node("Transpose", ["map"], ["turned"], perm=[0, 1, 3, 2])
                w.node("MatMul", ["own", "turned"], ["g"])
            else:
                w.node("Transpose", ["own"], ["turned"], perm=[0, 2, 1])
                w.node("Unsqueeze", ["turned", w.constant(numpy.array([1]))], ["vector"])
                w.node("MatMul", ["map", "vector"], ["g"])
            w.node("Reshape", ["g", w.constant(numpy.array([-1, 4]))], ["f"])
            weight = numbers(4, 3)
            w.node("MatMul", ["f", w.constant(weight)], ["y"])
            card, tensors = self.convert(self.save(w), "--preprocess", "none")
            x = numbers(2, 8, 9, 3, seed=5)
            c = graph_interpreter.convolution(x, w.values[0], None, {"kernel": [3, 3]}).reshape(2, 42, 4)
            own = graph_interpreter.softmax((c @ w.values[1][0, :, 0, 0])[:, None])[:, 0, :, None]
            numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), (c * own).sum(1) @ weight, atol=1e-5)
            self.output.unlink()
        w.node("Transpose", ["map"], ["other"], perm=[0, 1, 3, 2])
        w.node("MatMul", ["map", "other"], ["z"])
        w.node("Reshape", ["z", w.constant(numpy.array([-1, 16]))], ["s"])
        self.assert_refused(self.save(w), r"\(MatMul\) of two values that depend on the picture .attention. is not supported")

    def test_smallest_and_celu(self):
        found, c, rest = self.mapped(("ReduceMin", [], {"axes": [3]}))
        numpy.testing.assert_allclose(found, rest(c.min(2, keepdims=True)), atol=1e-5)
        self.output.unlink()
        found, c, rest = self.mapped(("Celu", [], {"alpha": 0.5}))
        numpy.testing.assert_allclose(found, rest(numpy.maximum(c, 0) + 0.5 * numpy.expm1(numpy.minimum(c, 0) / 0.5)), atol=1e-5)

    def test_repetition_of_tensorflow(self):
        options = {"mode": "nearest", "coordinate_transformation_mode": "tf_half_pixel_for_nn", "nearest_mode": "floor"}
        found, c, rest = self.mapped(("Resize", [numbers(0), numpy.float32([1, 1, 2, 3])], options))
        numpy.testing.assert_allclose(found, rest(c.repeat(2, 1).repeat(3, 2)), atol=1e-5)
        self.output.unlink()
        self.refused("tf_half_pixel_for_nn", ("Resize", [numbers(0), numpy.float32([1, 1, 1.5, 2])], options))

    def test_mean_of_several(self):
        found, c, rest = self.mapped(("Mean", [numbers(1, 4, 1, 1), numbers(1, 4, 1, 1, seed=3)], {}))
        both = (numbers(4) + numbers(4, seed=3))
        numpy.testing.assert_allclose(found, rest((c + both) / 3), atol=1e-5)

    # Graphs.

    def test_order_of_the_nodes(self):
        w = classifier(self.writer())
        expected, _ = self.convert(self.save(w))
        self.output.unlink()
        w.outputs, w.nodes = ["y"], w.nodes[::-1]
        self.assertEqual(self.convert(self.save(w))[0]["graph"], expected["graph"])
        self.output.unlink()
        w = self.writer()
        w.node("Add", ["x", "r"], ["a"])
        w.node("Relu", ["a"], ["r"])
        self.assert_refused(self.save(classifier(w, "r")), "damaged: node .* needs a result of its own")

    def test_values_that_are_made_twice(self):
        w = self.writer()
        w.node("Relu", ["x"], ["r"])
        w.node("Neg", ["r"], ["r"])
        self.assert_refused(self.save(classifier(w, "r")), "damaged: the value 'r' is made twice")
        w = self.writer()
        w.node("Relu", ["x"], [w.constant(numbers(3))])
        self.assert_refused(self.save(classifier(w)), "damaged: the value 'k0' is made twice")
        w = classifier(self.writer())
        path = self.save(w)
        path.write_bytes(path.read_bytes() * 2)  # One message after the other is both at once.
        self.assert_refused(path, "holds 2 graphs")

    def test_names_inside_of_branches_and_functions(self):
        """Several branches and calls may have the same names inside, and nodes the same name."""
        w = self.writer()
        yes = w.constant(numpy.array(True))
        for source, op, out in (("x", "Relu", "i1"), ("i1", "Neg", "i2")):
            branch = w.subgraph([(op, [source], ["r"])], "r")
            w.node("If", [yes], [out], name="same", then_branch=branch, else_branch=w.subgraph([("Abs", [source], ["r"])], "r"))
        w.function("double", ["a"], ["b"], [("Relu", ["a"], ["t"]), ("Add", ["t", "t"], ["b"])])
        for source, out in (("x", "d1"), ("i2", "d2")):
            w.node("double", [source], [out], domain="local", name="same")
        for number, (one, other) in enumerate((("i1", "i2"), ("d1", "d2"), ("s0", "s1"))):
            w.node("Sub", [one, other], [f"s{number}"])
        card, tensors = self.convert(self.save(classifier(w, "s2")), "--preprocess", "none")
        x = numbers(1, 8, 9, 3, seed=5)
        i1 = numpy.maximum(x, 0)
        expected = (i1 + i1) - (2 * numpy.maximum(x, 0) - 2 * numpy.maximum(-i1, 0))
        c = graph_interpreter.convolution(expected, w.values[-3], None, {"kernel": [3, 3], "padding": [1, 1, 1, 1]})
        expected = c.mean((1, 2)) @ w.values[-2].T + w.values[-1]
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)

    def test_layouts_that_the_shape_leaves_open(self):
        for channels in (1, 3, 4):
            for last in (False, True):
                w = self.writer(("n", "a", "b", "c"))
                name = w.node("Transpose", ["x"], ["t"], perm=[0, 3, 1, 2]) if last else "x"
                card, _ = self.convert(self.save(classifier(w, name, channels=channels)), "--input-size", "8x9")
                self.assertEqual((card["input"].get("channel_count", 3), card["input"]["height"], card["input"]["width"]), (channels, 8, 9))
                self.output.unlink()

    def test_half_precision_is_told(self):
        w = self.writer(kind=10)
        w.node("Cast", ["x"], ["c2"], to=1)
        path = self.save(classifier(w, "c2"))
        self.assertRegex(self.run_converter(path)[1], "! base .*half precision")
        self.output.unlink()
        self.assertNotRegex(self.run_converter(self.save(classifier(self.writer())))[1], "half precision")

    def test_no_output(self):
        w = classifier(self.writer())
        w.last = ""
        path = self.save(w)
        data = path.read_bytes()
        self.assertIn(b"\x62\x02\x0a\x00", data)
        path.write_bytes(data.replace(b"\x62\x02\x0a\x00", b"\x52\x02\x0a\x00"))  # A comment in the place of the output.
        self.assert_refused(path, "the model has no output")

    def test_pointer_in_the_place_of_external_data(self):
        w = self.writer()
        weight = numbers(4, 3, 3, 3)
        (self.folder / "w.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
        w.raw_constant("outside", external(weight, "w.bin", 0))
        w.node("Conv", ["x", "outside"], ["c"])
        self.assert_refused(self.save(w), "w.bin beside the model is a pointer of Git LFS")

    def test_labels_of_the_option(self):
        card, _ = self.convert(self.save(classifier(self.writer())), "--labels", "a,b,c", "--activation", "sigmoid")
        self.assertEqual((card["labels"], card["output"], card["threshold"]), (["a", "b", "c"], "sigmoid", 0.5))

    def refused(self, pattern, *layers, **options):
        return self.assert_refused(self.save(classifier(self.writer(**options), layers=layers)), pattern)

    def test_refusals(self):
        self.refused(r"node c/Sin \(Sin\) is not supported", ("Sin", [], {}))
        self.refused(r"\(Resize\) resizes by cubic", ("Resize", [numbers(0), numpy.float32([1, 1, 2, 2])], {"mode": "cubic"}))
        self.refused(r"\(Pad\) pads by hope", ("Pad", [numpy.array([0, 0, 1, 1, 0, 0, 1, 1])], {"mode": "hope"}))
        self.refused(r"\(Pad\) pads an axis of 9 by 9 and 0", ("Pad", [numpy.array([0, 0, 0, 9, 0, 0, 0, 0])], {"mode": "reflect"}))
        self.refused(r"\(Pad\) pads an axis of 9 by 99 and 0", ("Pad", [numpy.array([0, 0, 0, 99, 0, 0, 0, 0])], {"mode": "edge"}))
        self.refused(r"\(Reshape\) makes", ("Reshape", [numpy.array([1, 5, 7])], {}))
        self.refused("opset 3", opset=3)
        factors = numpy.float32([1, 1, 1.3, 1.3])
        self.refused("no whole number of pixels", ("Resize", [numbers(0), factors], {"coordinate_transformation_mode": "asymmetric"}))
        self.refused("training mode", ("Dropout", [numpy.float32(0.5), numpy.array(True)], {}))
        w = classifier(self.writer())
        w.node("Softmax", ["y"], ["z"], axis=0)
        self.assert_refused(self.save(w), r"\(Softmax\) is over axis 0")
        self.refused("domain secret", ("Relu", [], {"domain": "secret"}))
        w = classifier(self.writer())
        w.node("ArgMax", ["y"], ["best"])
        w.outputs = ["best"]
        self.assert_refused(self.save(w), r"\(ArgMax\)")

    def test_two_inputs_and_other_shapes(self):
        w = classifier(self.writer())
        w.inputs.append(("age", 1, [1, 1]))
        self.assert_refused(self.save(w), "2 inputs .x, age.")
        self.assert_refused(self.save(classifier(self.writer((1, 7, 8, 9)), channels=7)), "1, 3 or 4 channels")

    def test_not_finite(self):
        self.refused("not finite", ("Mul", [numpy.float32([[[numpy.nan]]])], {}))

    def test_damaged_files(self):
        data = classifier(self.writer()).bytes()
        path = self.folder / "cut.onnx"
        for length in (3, 9, 40, len(data) // 2, len(data) - 3):
            path.write_bytes(data[:length])
            self.assert_refused(path, "damaged|no ONNX model|no graph|bytes where|elements where|not valid|is missing|no output")
        path.write_bytes(b"\x00" * 100)
        self.assert_refused(path, "damaged")

    def test_every_byte(self):
        """A file with any one byte changed ends with one line, or with a model."""
        data = classifier(self.writer((1, 3, 4, 4))).bytes()
        path = self.folder / "bent.onnx"
        for at in range(0, len(data), 7):
            path.write_bytes(data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :])
            status, _, err = self.run_converter(path)
            self.assertNotIn("Traceback", err)
            if status:
                self.assertEqual(err.count("\n"), 1 + err.count("convert: ") - 1, err)

    def test_external_data(self):
        w = self.writer()
        weight = numbers(4, 3, 3, 3)
        (self.folder / "w.bin").write_bytes(b"1234" + weight.tobytes())
        w.raw_constant("outside", external(weight, "w.bin", 4))
        w.node("Conv", ["x", "outside"], ["c"])
        w.node("GlobalAveragePool", ["c"], ["p"])
        w.node("Flatten", ["p"], ["y"])
        card, tensors = self.convert(self.save(w))
        numpy.testing.assert_array_equal(next(iter(tensors.values())), weight)
        self.output.unlink()
        (self.folder.parent / f"{self.folder.name}.secret").write_bytes(weight.tobytes())
        self.addCleanup((self.folder.parent / f"{self.folder.name}.secret").unlink)
        (self.folder / "link").symlink_to(self.folder.parent / f"{self.folder.name}.secret")
        for place, pattern in (
            (f"../{self.folder.name}.secret", "outside of the model's folder"),
            ("/etc/passwd", "outside of the model's folder"),
            ("link", "outside of the model's folder"),
            ("missing.bin", "missing beside the model"),
        ):
            w.initializers[0] = external(weight, place, 0, "outside")
            self.assert_refused(self.save(w), pattern)
        w.initializers[0] = external(weight, "w.bin", 400, "outside")
        self.assert_refused(self.save(w), "cut short")

    def test_too_large(self):
        w = self.writer()
        w.node("ConstantOfShape", [w.constant(numpy.array([1 << 30, 1 << 10]))], ["huge"])
        w.node("Add", ["x", "huge"], ["z"])
        self.assert_refused(self.save(classifier(w, "z")), "too large")


if __name__ == "__main__":
    unittest.main()
