"""torch checkpoints and safetensors files: prefixes, heads, and what is refused. Most need no torch."""

import json
import pickle
import struct
import unittest
import warnings

import numpy
from support import ConverterTest

from keras_files import numbers
from prism_convert.architectures import architecture, architectures
from prism_convert.errors import ConversionError
from prism_convert.torch_model import modern_name, recognise

try:
    import torch
except ImportError:
    torch = None

TYPES = {"float32": "F32", "float16": "F16", "float64": "F64", "int64": "I64", "int8": "I8"}


def write_safetensors(path, tensors, kinds=None):
    """A safetensors file of numpy arrays; `kinds` names a type for raw bits, such as BF16."""
    header, data = {}, b""
    for name, value in tensors.items():
        kind = (kinds or {}).get(name) or TYPES[str(value.dtype)]
        end = len(data) + value.nbytes
        header[name] = {"dtype": kind, "shape": list(value.shape), "data_offsets": [len(data), end]}
        data += value.tobytes()
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def base(prefix="features.", name="mobilenet_v2", width=0.35):
    """The tensors of a base under a prefix."""
    tensors = {}
    for seed, (key, shape) in enumerate(architecture(name, width).tensors().items()):
        low = 0.5 if key.endswith("running_var") else -1.0
        tensors[prefix + key.removeprefix("features.")] = numbers(*shape, seed=seed, low=low)
    tensors[prefix + "0.1.num_batches_tracked"] = numpy.array(3, "int64")
    return tensors


def linear(name, inputs, outputs, seed=50):
    return {f"{name}.weight": numbers(outputs, inputs, seed=seed), f"{name}.bias": numbers(outputs, seed=seed + 1)}


def norm(name, count):
    parts = {"weight": -1.0, "bias": -1.0, "running_mean": -1.0, "running_var": 0.5}
    return {f"{name}.{part}": numbers(count, seed=70 + i, low=low) for i, (part, low) in enumerate(parts.items())}


class Safetensors(ConverterTest):
    def write(self, *parts, **options):
        tensors = {}
        for part in parts:
            tensors.update(part)
        return write_safetensors(self.folder / "m.safetensors", tensors, **options)

    def test_plain(self):
        source = base() | linear("classifier.1", 1280, 3)
        card, tensors = self.convert(self.write(source))
        self.assertEqual(card["architecture"], "mobilenet_v2")
        self.assertEqual(card["config"], {"width": 0.35, "epsilon": 1e-5, "padding": "symmetric"})
        self.assertEqual(card["head"], [
            {"kind": "global_average_pool"},
            {"kind": "dense", "name": "classifier.1", "units": 3, "activation": "linear"},
        ])  # fmt: skip
        self.assertEqual(card["input"]["std"], [0.229, 0.224, 0.225])
        self.assertEqual((card["input"]["height"], card["input"]["resize"]), (224, "bilinear_antialias"))
        self.assertEqual(set(tensors), {name for name in source if "num_batches" not in name})
        for name, value in tensors.items():
            numpy.testing.assert_array_equal(value, source[name])

    def test_prefixes(self):
        for wrapper in ("module.", "model.", "_orig_mod.", "base_model.", "module.backbone.", "net._orig_mod.module."):
            path = self.write(base(wrapper + "features."), linear(wrapper + "classifier.1", 1280, 3))
            card, tensors = self.convert(path)
            self.assertEqual(card["head"][-1]["name"], "classifier.1")
            self.assertIn("features.18.0.weight", tensors)

    def test_features_in_a_sequential(self):
        card, tensors = self.convert(self.write(base("0."), linear("3", 1280, 4)))
        self.assertEqual(len(card["labels"]), 4)
        self.assertIn("features.0.0.weight", tensors)
        card, _ = self.convert(self.write(base("features.0."), linear("fc", 1280, 4)))
        self.assertEqual(len(card["labels"]), 4)

    def test_bfloat16_and_float16(self):
        source = base() | linear("classifier.1", 1280, 3)
        bits = {k: (v.view("<u4") >> 16).astype("<u2") if v.dtype == "float32" else v for k, v in source.items()}
        path = self.write(bits, kinds={k: "BF16" for k, v in bits.items() if v.dtype == "uint16"})
        _, tensors = self.convert(path)
        expected = (source["classifier.1.weight"].view("<u4") & 0xFFFF0000).view("<f4")
        numpy.testing.assert_array_equal(tensors["classifier.1.weight"], expected)
        half = {k: v.astype("<f2") if v.dtype == "float32" else v for k, v in source.items()}
        _, tensors = self.convert(self.write(half))
        numpy.testing.assert_array_equal(tensors["classifier.1.bias"], half["classifier.1.bias"].astype("<f4"))

    def test_integers_are_refused(self):
        bad = {"classifier.1.weight": numpy.zeros((3, 1280), "int8"), "classifier.1.bias": numbers(3)}
        self.assert_refused(self.write(base(), bad), "classifier.1.weight is of the type I8")

    def test_head_with_an_unknown_activation(self):
        path = self.write(base("backbone.features."), linear("fc1", 1280, 16), linear("fc2", 16, 2))
        self.assert_refused(path, "which activation stands between fc1 and fc2: --head-activation")
        card, _ = self.convert(path, "--head-activation", "silu")
        self.assertEqual([i.get("activation") for i in card["head"]], [None, "silu", "linear"])
        self.assertEqual([i.get("name") for i in card["head"]], [None, "head.1", "head.2"])
        card, _ = self.convert(path, "--head-activation", "none")
        self.assertEqual(card["head"][1]["activation"], "linear")
        self.output.unlink()
        self.assert_refused(path, "--head-activation gelu: there are relu", "--head-activation", "gelu")

    def test_neighbours_in_a_sequential_have_nothing_between_them(self):
        card, _ = self.convert(self.write(base(), linear("classifier.1", 1280, 16), linear("classifier.2", 16, 2)))
        self.assertEqual(card["head"][1]["activation"], "linear")

    def test_norm_in_the_head(self):
        chain = [linear("classifier.0", 1280, 16), norm("classifier.1", 16), linear("classifier.4", 16, 2)]
        card, tensors = self.convert(self.write(base(), *chain), "--head-activation", "relu")
        self.assertEqual(card["head"], [
            {"kind": "global_average_pool"},
            {"kind": "dense", "name": "head.1", "units": 16, "activation": "linear"},
            {"kind": "batch_norm", "name": "head.2", "epsilon": 1e-5},
            {"kind": "activation", "function": "relu"},
            {"kind": "dense", "name": "head.4", "units": 2, "activation": "linear"},
        ])  # fmt: skip
        numpy.testing.assert_array_equal(tensors["head.2.running_var"], chain[1]["classifier.1.running_var"])

    def test_two_places_between_the_same_layers(self):
        chain = [linear("classifier.0", 1280, 16), norm("classifier.2", 16), linear("classifier.4", 16, 2)]
        path = self.write(base(), *chain)
        self.assert_refused(path, "2 places for an activation", "--head-activation", "relu")
        card, _ = self.convert(path, "--head-activation", "relu,none")
        self.assertEqual([i["kind"] for i in card["head"]], ["global_average_pool", "dense", "batch_norm", "dense"])
        self.assertEqual(card["head"][1]["activation"], "relu")

    def test_order_by_sizes(self):
        parts = [linear("last", 8, 2), linear("first", 1280, 16), linear("middle", 16, 8)]
        card, _ = self.convert(self.write(base(), *parts), "--head-activation", "relu")
        self.assertEqual([i.get("units") for i in card["head"]], [None, 16, 8, 2])

    def test_order_by_numbers(self):
        parts = [linear("fc3", 16, 16, 3), linear("fc1", 1280, 16, 1), linear("fc2", 16, 16, 2), linear("fc4", 16, 2, 4)]
        _, tensors = self.convert(self.write(base(), *parts), "--head-activation", "relu")
        numpy.testing.assert_array_equal(tensors["head.2.weight"], parts[2]["fc2.weight"])
        numpy.testing.assert_array_equal(tensors["head.3.weight"], parts[0]["fc3.weight"])

    def test_unclear_order(self):
        parts = [linear("a", 1280, 16), linear("b", 16, 16), linear("c", 16, 16), linear("d", 16, 2)]
        self.assert_refused(self.write(base(), *parts), "in more than one order", "--head-activation", "relu")

    def test_parallel_heads(self):
        parts = [linear("age", 1280, 16), linear("sex", 1280, 2)]
        self.assert_refused(self.write(base(), *parts), "not one chain")

    def test_unused_classifier_beside_another_head(self):
        path = self.write(base("net.features."), linear("net.classifier.1", 1280, 1000), linear("fc", 1280, 2))
        self.assert_refused(path, "two heads")

    def test_unsupported_head_layer(self):
        bad = {"attention.in_proj_weight": numbers(12, 4), "classifier.1.weight": numbers(2, 1280)}
        self.assert_refused(self.write(base(), bad), r"layer attention \(in_proj_weight \(12, 4\)\)")

    def test_no_head(self):
        self.assert_refused(self.write(base()), "no classification head")

    def test_binary(self):
        path = self.write(base(), linear("classifier.1", 1280, 1))
        card, _ = self.convert(path, "--labels", "no,yes")
        self.assertEqual((card["output"], card["labels"]), ("binary", ["no", "yes"]))

    def test_other_architectures_by_name(self):
        resnet = {"conv1.weight": numbers(64, 3, 7, 7)}
        for stage, blocks in enumerate((3, 4, 6, 3), start=1):
            for block in range(blocks):
                for conv in (1, 2, 3):
                    resnet[f"layer{stage}.{block}.conv{conv}.weight"] = numbers(1, 1, 1, 1)
        self.assert_refused(self.write(resnet), "the checkpoint is ResNet-50, which is not supported")
        self.assert_refused(self.write({"conv_stem.weight": numbers(8, 3, 3, 3)}), "timm")
        self.assert_refused(self.write({"weird.weight": numbers(2, 2)}), r"\(weird.weight\) is not of a supported")

    def test_missing_and_misshapen(self):
        tensors = base() | linear("classifier.1", 1280, 3)
        del tensors["features.5.conv.1.0.weight"]
        tensors["features.6.conv.2.weight"] = numbers(2, 2)
        err = self.assert_refused(self.write(tensors), "not quite mobilenet_v2 of width 0.35")
        self.assertIn("features.5.conv.1.0.weight is missing", err)
        self.assertIn("features.6.conv.2.weight has shape (2, 2)", err)

    def test_not_finite(self):
        tensors = base() | linear("classifier.1", 1280, 3)
        tensors["features.0.0.weight"][0, 0, 0, 0] = numpy.nan
        self.assert_refused(self.write(tensors), r"not finite .*features\.0\.0\.weight")

    def test_broken_file(self):
        path = self.folder / "m.safetensors"
        path.write_bytes(struct.pack("<Q", 1 << 40) + b"{}" + b"\0" * 100)
        self.assert_refused(path, "cannot be read as safetensors")


class Recognition(unittest.TestCase):
    """Every architecture by shapes alone; arrays of no size stand for the tensors."""

    @staticmethod
    def state(arch, prefix):
        zero = numpy.float32(0)
        return {
            prefix + name.removeprefix("features."): numpy.broadcast_to(zero, shape)
            for name, shape in arch.tensors().items()
        }

    def test_all(self):
        for arch in architectures():
            found, prefix = recognise(self.state(arch, "module.features."))
            self.assertIs(found, arch)
            self.assertEqual(prefix, "module.features.")

    def test_relatives_are_refused(self):
        state = self.state(architecture("vgg16"), "features.")
        state["features.30.weight"] = state["features.28.weight"]
        with self.assertRaisesRegex(ConversionError, "features.30.weight is unexpected"):
            recognise(state)
        state = self.state(architecture("densenet121"), "features.")
        extra = "features.denseblock3.denselayer25.norm1.weight"
        state[extra] = state["features.norm5.weight"]
        with self.assertRaisesRegex(ConversionError, "denselayer25"):
            recognise(state)

    def test_old_names_of_densenet(self):
        self.assertEqual(
            modern_name("features.denseblock1.denselayer2.norm.1.weight"),
            "features.denseblock1.denselayer2.norm1.weight",
        )
        self.assertEqual(modern_name("features.norm5.weight"), "features.norm5.weight")


class VggHead(ConverterTest):
    def test_feature_map_reaches_a_linear_layer(self):
        """VGG16's own head has an adaptive pooling to 7×7, and ReLUs between its linear layers."""
        tensors = {name: numpy.zeros(shape, "float32") for name, shape in architecture("vgg16").tensors().items()}
        tensors |= linear("classifier.0", 25088, 8) | linear("classifier.3", 8, 8) | linear("classifier.6", 8, 2)
        card, _ = self.convert(write_safetensors(self.folder / "m.safetensors", tensors))
        self.assertEqual(card["head"], [
            {"kind": "adaptive_average_pool", "size": [7, 7]},
            {"kind": "flatten"},
            {"kind": "dense", "name": "classifier.0", "units": 8, "activation": "relu"},
            {"kind": "dense", "name": "classifier.3", "units": 8, "activation": "relu"},
            {"kind": "dense", "name": "classifier.6", "units": 2, "activation": "linear"},
        ])  # fmt: skip
        self.assertEqual(card["config"], {"padding": "symmetric"})


class Harm:
    """Would write a file if it were unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


@unittest.skipUnless(torch, "torch is not installed")
class Checkpoints(ConverterTest):
    def save(self, content, name="m.pth"):
        torch.save(content, self.folder / name)
        return self.folder / name

    def state(self, prefix="", labels=3):
        tensors = base(prefix + "features.") | linear(prefix + "classifier.1", 1280, labels)
        return {name: torch.from_numpy(value) for name, value in tensors.items()}

    def test_wrappings(self):
        for wrap in (
            lambda s: s,
            lambda s: {"epoch": 3, "state_dict": s, "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}}},
            lambda s: {"model": s, "best": numpy.float64(0.5)},
            lambda s: {"net": {"state_dict": s}},
            lambda s: {"model_state_dict": s, "classes": ("a", "b", "c")},
        ):
            card, _ = self.convert(self.save(wrap(self.state("module."))))
            self.assertEqual(card["architecture"], "mobilenet_v2")
        self.assertEqual(card["labels"], ["a", "b", "c"])

    def test_labels_by_index(self):
        content = {"state_dict": self.state(), "class_to_idx": {"dog": 1, "cat": 0, "eel": 2}}
        self.assertEqual(self.convert(self.save(content))[0]["labels"], ["cat", "dog", "eel"])

    def test_nothing_is_executed(self):
        victim = self.folder / "victim"
        self.assert_refused(self.save({"state_dict": self.state(), "extra": Harm(victim)}), r"is refused: .* would call io\.open")
        self.assertFalse(victim.exists())
        path = self.folder / "plain.pth"
        path.write_bytes(pickle.dumps(Harm(victim)))
        self.assert_refused(path, "refused|no torch checkpoint")
        self.assertFalse(victim.exists())

    def test_whole_model(self):
        path = self.save(torch.nn.Sequential(torch.nn.Linear(2, 2)))
        self.assert_refused(path, r"pickled model .*save model\.state_dict\(\)")

    def test_torchscript(self):
        path = self.folder / "m.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))
        self.assert_refused(path, "TorchScript")

    def test_no_state_dict(self):
        self.assert_refused(self.save({"epoch": 3}), "holds no state dict")
        self.assert_refused(self.save([1, 2]), "holds no state dict")
        path = self.folder / "text.pth"
        path.write_text("hello")
        self.assert_refused(path, "text.pth")


if __name__ == "__main__":
    unittest.main()
