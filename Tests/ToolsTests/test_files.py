"""The flat file, preprocessing arithmetic, the table of architectures, and the generator of test weights."""

import contextlib
import os
import pathlib
import stat
import sys
import types
import unittest
from unittest import mock

import numpy
from support import TOOLS, ConverterTest, read_flat

from keras_files import classifier
from prism_convert import flatfile, verify
from prism_convert.architectures import architecture, architectures
from prism_convert.cli import main
from prism_convert.errors import ConversionError
from prism_convert.preprocessing import Preprocessing

sys.path.insert(0, str(TOOLS / "fixtures"))
import generator


class FlatFile(ConverterTest):
    def write(self, tensors, dtype="f32"):
        flatfile.write(self.output, tensors, {"format": 1, "name": "é"}, dtype)
        return read_flat(self.output)

    def test_round_trip_and_alignment(self):
        for length in range(70):  # read_flat checks the alignment and that there are no gaps.
            tensors = {"x" * (length + 1): numpy.arange(6, dtype="float32").reshape(2, 3)}
            card, found = self.write(tensors)
            self.assertEqual(card["name"], "é")
            numpy.testing.assert_array_equal(found["x" * (length + 1)], tensors["x" * (length + 1)])

    def test_half(self):
        tensors = {
            "a.weight": numpy.array([1.0, 1 / 3], "float32"),
            "b.running_mean": numpy.array([1 / 3], "float32"),
            "c.bias": numpy.array([2.0], "float32"),
            "d.running_var": numpy.array([1e9], "float32"),
        }
        _, found = self.write(tensors, "f16")
        self.assertEqual(list(found), ["b.running_mean", "d.running_var", "a.weight", "c.bias"])
        self.assertEqual([str(value.dtype) for value in found.values()], ["float32"] * 2 + ["float16"] * 2)
        with self.assertRaisesRegex(ConversionError, "too large for --dtype f16: a.weight"):
            self.write({"a.weight": numpy.array([70000.0], "float32")}, "f16")

    def test_views_are_written_in_order(self):
        value = numpy.arange(6, dtype="float64").reshape(2, 3).T
        numpy.testing.assert_array_equal(self.write({"a": value})[1]["a"], value)

    def test_a_failure_leaves_the_old_file(self):
        self.write({"a": numpy.ones(2, "float32")})
        before = self.output.read_bytes()
        with self.assertRaises(ConversionError):
            self.write({"a": numpy.array([numpy.nan], "float32")})
        self.assertEqual(self.output.read_bytes(), before)
        self.assertEqual(list(self.output.parent.iterdir()), [self.output])

    def test_output_that_cannot_be_written(self):
        (self.folder / "file").write_text("")
        self.output = self.folder / "file" / "model.safetensors"
        source = classifier().save_h5(self.folder / "m.h5")
        status, _, err = self.run_converter(source)
        self.assertEqual(status, 1)
        self.assertRegex(err, "cannot write")

    def test_a_pipe_stays_a_pipe(self):
        """Only a regular file is replaced."""
        self.output = self.folder / "pipe"
        os.mkfifo(self.output)
        source = classifier().save_h5(self.folder / "m.h5")
        status, _, err = self.run_converter(source)
        self.assertEqual(status, 1)
        self.assertRegex(err, "no regular file")
        with self.assertRaisesRegex(ConversionError, "no regular file"):
            self.write({"a": numpy.ones(2, "float32")})
        self.assertTrue(stat.S_ISFIFO(self.output.stat().st_mode))

    def test_the_source_is_not_written_over(self):
        source = classifier().save_h5(self.folder / "m.h5")
        before = source.read_bytes()
        for name in ("m.h5", "link.h5", "hard.h5"):
            self.output = self.folder / name
            if name == "link.h5":
                self.output.symlink_to(source)
            elif name == "hard.h5":
                self.output.hardlink_to(source)
            status, _, err = self.run_converter(source)
            self.assertEqual(status, 1)
            self.assertRegex(err, "is the source itself")
        self.assertEqual(source.read_bytes(), before)

    def test_a_closed_output(self):
        """Without a standard output the file is written, and that is no failure."""
        source = classifier().save_h5(self.folder / "m.h5")
        with contextlib.redirect_stdout(None), contextlib.redirect_stderr(None):
            status = main([str(source), "--output", str(self.output)])
        self.assertEqual(status, 0)
        self.assertTrue(self.output.is_file())

    def test_what_the_program_would_refuse(self):
        source = classifier().save_h5(self.folder / "m.h5")
        self.assert_refused(source, "name .* control character", "--name", "a\nb")
        self.assert_refused(source, "label 1 .* control character", "--labels", "a,b\x07,c")

    def test_same_input_same_bytes(self):
        source = classifier().save_h5(self.folder / "m.h5")
        self.convert(source)
        first = self.output.read_bytes()
        self.convert(source)
        self.assertEqual(self.output.read_bytes(), first)

    def test_card_texts(self):
        source = classifier().save_h5(self.folder / "m.h5")
        options = ["--name", "n", "--description", "d", "--source", "s", "--license", "MIT", "--resize", "bicubic"]
        card, tensors = self.convert(source, *options, "--dtype", "f16")
        self.assertEqual([card[key] for key in ("format", "name", "description", "source", "license")], [1, "n", "d", "s", "MIT"])
        self.assertEqual(card["input"]["resize"], "bicubic")
        self.assertEqual(tensors["features.0.0.weight"].dtype, numpy.float16)
        self.assertEqual(self.convert(source)[0]["name"], "model")


class Arithmetic(unittest.TestCase):
    def test_any_chain(self):
        """A random chain of operations is the card's one formula."""
        generator_ = numpy.random.default_rng(1)
        pixels = generator_.uniform(0, 255, (5, 3))
        for _ in range(50):
            chain, expected = Preprocessing(), pixels
            for _ in range(generator_.integers(1, 7)):
                kind = generator_.choice(["multiply", "divide", "add", "permute"])
                value = generator_.uniform(0.5, 2, generator_.choice([1, 3]))
                if kind == "permute":
                    chain.permute([2, 1, 0])
                    expected = expected[:, ::-1]
                    continue
                getattr(chain, kind)(value)
                expected = {"multiply": expected * value, "divide": expected / value, "add": expected + value}[kind]
            card = chain.card()
            network = pixels[:, ::-1] if card["channels"] == "bgr" else pixels
            found = (network * card["scale"] - card["mean"]) / card["std"]
            numpy.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)

    def test_refusals(self):
        for kind in ("multiply", "divide"):
            with self.assertRaises(ConversionError):
                getattr(Preprocessing(), kind)(0.0)
        with self.assertRaises(ConversionError):
            Preprocessing().add([1.0, 2.0])
        chain = Preprocessing()
        chain.permute([1, 2, 0])
        with self.assertRaisesRegex(ConversionError, "order"):
            chain.card()


class Verification(ConverterTest):
    """The parts of --verify that need no framework."""

    def program(self, text):
        path = self.folder / "prism"
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path

    def logits(self, text, card):
        return verify.prism_logits(self.program(text), self.folder / "p.png", self.folder / "m.safetensors", card)

    def test_predictions_in_any_order(self):
        text = """echo '{"predictions": [{"index": 1, "logit": 0.5}, {"index": 0, "logit": -2}]}'\n"""
        found = self.logits(text, {"output": "softmax", "labels": ["a", "b"]})
        numpy.testing.assert_array_equal(found, [-2, 0.5])
        numpy.testing.assert_array_equal(self.logits(text, {"output": "binary", "labels": ["a", "b"]}), [0.5])

    def test_a_program_that_fails(self):
        with self.assertRaisesRegex(ConversionError, "status 3: no such label"):
            self.logits("echo no such label >&2; exit 3\n", {})
        with self.assertRaisesRegex(ConversionError, "no predictions with logits"):
            self.logits("echo hello\n", {"output": "softmax", "labels": ["a"]})

    def test_no_program(self):
        source = classifier().save_h5(self.folder / "m.h5")
        status, out, err = self.run_converter(source, "--verify", "--prism", self.folder / "nowhere")
        self.assertEqual(status, 1)
        self.assertIn("mobilenet_v2", out)  # The file is written; only the check is missing.
        self.assertRegex(err, r"there is no program .*nowhere.*was written and is not confirmed")

    def test_what_stood_for_the_source(self):
        """A checkpoint is compared with torchvision's network, which is not the one that was saved; that is said."""

        def text(run_source=False, **attributes):
            model = types.SimpleNamespace(**{"framework": "torch", "whole": None, **attributes})
            return verify.compared_with(model, types.SimpleNamespace(run_source=run_source))

        self.assertEqual(text(framework="onnx"), "")
        self.assertEqual(text(), " (compared with torchvision's network, not with yours)")
        self.assertRegex(text(whole="model"), "not with yours; --run-source runs the pickled model itself")
        self.assertRegex(text(whole="", run_source=True), "the pickled model itself")

    def test_running_needs_a_pickled_model(self):
        source = classifier().save_h5(self.folder / "m.h5")
        self.assert_refused(source, "--run-source goes with --verify and a whole pickled", "--run-source", "--verify")

    def test_running_the_pickled_model(self):
        """--run-source gives the network itself the pixels as the source's own layers expect them, and undoes its last function."""

        class Values:
            def __init__(self, array):
                self.array = array

            def reshape(self, *shape):
                return Values(self.array.reshape(*shape))

            def double(self):
                return self

            def numpy(self):
                return self.array

        class Network:
            def float(self):
                return self

            def eval(self):
                return self

            def __call__(self, x):
                seen.append(x)
                return result

        seen, torch = [], types.ModuleType("torch")
        torch.nn = types.SimpleNamespace(Module=Network)
        torch.Tensor, torch.from_numpy, torch.no_grad = Values, lambda array: array, contextlib.nullcontext
        torch.load = lambda path, map_location, weights_only: {"epoch": 3, "net": Network()}
        model = types.SimpleNamespace(whole="net", outside=[("divide", 255), ("add", -1.0), ("divide", 2.0)], inner=2, squashed="sigmoid")
        pixels = numpy.full((4, 6, 3), 51, "uint8")
        with mock.patch.dict(sys.modules, torch=torch), mock.patch.object(verify, "import_torchvision"):
            result = Values(numpy.array([[0.5, 0.75]]))
            numpy.testing.assert_allclose(verify.own_logits("m.pth", model, pixels), [0, numpy.log(3)])
            self.assertEqual(seen[0].shape, (1, 3, 4, 6))
            numpy.testing.assert_allclose(seen[0], 0.2, rtol=1e-6)  # The network's own two operations are left to it.
            result = [1, 2]
            with self.assertRaisesRegex(ConversionError, "the network gives a list, no tensor of logits"):
                verify.own_logits("m.pth", model, pixels)
            torch.load = lambda path, map_location, weights_only: {"net": 3}
            with self.assertRaisesRegex(ConversionError, "the file holds a int, no network"):
                verify.own_logits("m.pth", model, pixels)
            torch.load = mock.Mock(side_effect=AttributeError("no attribute Net\nin mine"))
            with self.assertRaisesRegex(ConversionError, "torch cannot run m.pth: AttributeError: no attribute Net$"):
                verify.own_logits("m.pth", model, pixels)

    def test_network_in_a_file(self):
        network = type("Module", (), {})
        torch = types.SimpleNamespace(nn=types.SimpleNamespace(Module=network))
        one = network()
        self.assertIs(verify.network_in(torch, one, ""), one)
        self.assertIs(verify.network_in(torch, {"a": {"model": one}}, "a.model"), one)
        self.assertIs(verify.network_in(torch, types.SimpleNamespace(model=one), ""), one)
        with self.assertRaisesRegex(ConversionError, "holds a dict, no network"):
            verify.network_in(torch, {"a": one}, "")


class Architectures(unittest.TestCase):
    def test_sizes(self):
        """Numbers of tensors and parameters of torchvision's features (statistics not counted)."""
        for name, tensors, parameters in (
            ("mobilenet_v2", 260, 2_223_872),
            ("efficientnet_v2_s", 670, 20_177_488),
            ("efficientnet_v2_m", 961, 52_858_356),
            ("efficientnet_v2_l", 1329, 117_234_272),
            ("efficientnet_v2_b0", 359, 5_858_704),
            ("vgg16", 26, 14_714_688),
            ("densenet121", 604, 6_953_856),
        ):
            shapes = architecture(name).tensors()
            count = sum(int(numpy.prod(s)) for n, s in shapes.items() if "running" not in n)
            self.assertEqual((name, len(shapes), count), (name, tensors, parameters))

    def test_default_layers_exist(self):
        for arch in architectures():
            self.assertIn(arch.layer, {step.value for step in arch.steps})

    def test_feature_size(self):
        self.assertEqual(architecture("mobilenet_v2").feature_size(224, 160, same=True), (7, 5))
        self.assertEqual(architecture("mobilenet_v2").feature_size(75, 99, same=False), (3, 4))
        self.assertEqual(architecture("densenet121").feature_size(75, 99, same=False), (2, 3))
        self.assertEqual(architecture("vgg16").feature_size(75, 99, same=False), (2, 3))


class Generator(unittest.TestCase):
    """Values that the Swift side checks as well."""

    def test_seed(self):
        self.assertEqual(int(generator.seed("")), 0xCBF29CE484222325)
        self.assertEqual(int(generator.seed("a")), 0xAF63DC4C8601EC8C)
        self.assertEqual(int(generator.seed("input")), FIRST["seed"])

    def test_values(self):
        for name, shape, damped, values in FIRST["tensors"]:
            found = generator.tensor(name, shape, damped).reshape(-1)[: len(values)]
            numpy.testing.assert_array_equal(found, numpy.array(values, "float32"))


    def test_damped(self):
        damped = generator.damped_tensors(architecture("mobilenet_v2"))
        self.assertEqual(len(damped), 10)
        self.assertEqual((damped[0], damped[-1]), ("features.3.conv.3.weight", "features.16.conv.3.weight"))
        damped = generator.damped_tensors(architecture("efficientnet_v2_b0"))
        self.assertEqual((damped[0], damped[-1]), ("features.2.1.block.1.1.weight", "features.6.7.block.3.1.weight"))
        self.assertEqual(generator.damped_tensors(architecture("densenet121")), [])


# Name, shape, damped tensors, and the first values.
FIRST = {
    "seed": 0x1EBBAE8F5810B65B,
    "tensors": [
        ("input", (1, 2, 2, 3), (), [24.0, 166.0, 51.0, 69.0]),
        ("features.0.0.weight", (32, 3, 3, 3), (), [0.3491573, -0.25509083, 0.11455823, 0.3139131]),
        ("features.0.1.weight", (32,), (), [1.23275, 1.2615849, 0.9261557, 1.2482592]),
        ("features.0.1.weight", (32,), ("features.0.1.weight",), [0.15409376, 0.15769811, 0.11576946, 0.1560324]),
        ("features.0.1.bias", (32,), (), [-0.097501695, 0.04034549, 0.063337445, 0.0535221]),
        ("features.0.1.running_mean", (32,), (), [-0.16529465, -0.002427578, 0.09265854, 0.15680185]),
        ("features.0.1.running_var", (32,), (), [0.72203386, 0.8714741, 1.1308682, 1.0985789]),
    ],
}

if __name__ == "__main__":
    unittest.main()
