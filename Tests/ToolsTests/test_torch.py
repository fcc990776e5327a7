"""torch checkpoints and safetensors files: prefixes, heads, and what is refused. Most need no torch."""

import argparse
import contextlib
import io
import json
import pathlib
import pickle
import struct
import unittest
import warnings
import zipfile

import numpy
import torch_writer
from support import ConverterTest

from keras_files import numbers
from prism_convert.architectures import architecture, architectures
from prism_convert.cli import main
from prism_convert.errors import ConversionError
from prism_convert.naming import old_densenet
from prism_convert.torch_bases import bases

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

    def crop(self, source, *options):
        """The card's shorter side and filter."""
        card, _ = self.convert(source, *options)
        return card["input"].get("resize_side"), card["input"]["resize"]

    def test_centre_of_torchvision(self):
        own = base() | linear("classifier.1", 1280, 1000)
        self.assertEqual(self.crop(self.write(own)), (256, "bilinear_antialias"))
        second = write_safetensors(self.folder / "mobilenet_v2-7ebf99e0.safetensors", own)
        self.assertEqual(self.crop(second), (232, "bilinear_antialias"))
        self.assertEqual(self.crop(second, "--crop", "none"), (None, "bilinear_antialias"))
        self.assertEqual(self.crop(second, "--input-size", "192"), (None, "bilinear_antialias"))
        # Nobody knows what another head learnt from; that is said.
        other = self.write(base() | linear("classifier.1", 1280, 3))
        self.assertEqual(self.crop(other), (None, "bilinear_antialias"))
        self.assertRegex(self.run_converter(other)[1], r"! crop .*ASSUMED.*--crop 256")
        self.assertEqual(self.crop(other, "--crop", "256", "--resize", "bicubic"), (256, "bicubic"))

    def test_too_small_a_centre(self):
        self.assert_refused(self.write(base() | linear("classifier.1", 1280, 3)), "smaller than the input", "--crop", "200")

    def test_centre_of_hugging_face(self):
        source = self.write(base() | linear("classifier.1", 1280, 3))
        config = {
            "image_processor_type": "MobileNetV2ImageProcessor", "do_resize": True, "size": {"shortest_edge": 256},
            "resample": 3, "do_center_crop": True, "crop_size": {"height": 224, "width": 192}, "do_rescale": True,
            "rescale_factor": 1 / 255, "do_normalize": True, "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.25],
        }  # fmt: skip
        (self.folder / "preprocessor_config.json").write_text(json.dumps(config))
        card, _ = self.convert(source)
        image = card["input"]
        self.assertEqual((image["height"], image["width"]), (224, 192))
        self.assertEqual((image["resize"], image["resize_side"]), ("bicubic", 256))
        numpy.testing.assert_allclose([image["scale"], *image["mean"], *image["std"]], [1 / 255, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25])
        twice = config | {"image_processor_type": "EfficientNetImageProcessor", "rescale_offset": True, "rescale_factor": 1 / 127.5}
        (self.folder / "preprocessor_config.json").write_text(json.dumps(twice))
        image = self.convert(source)[0]["input"]
        found = (128 * image["scale"] - numpy.array(image["mean"])) / image["std"]
        std = numpy.array([0.5, 0.5, 0.25])
        numpy.testing.assert_allclose(found, ((128 / 127.5 - 1) - 0.5) / std / std)
        for extent, expected in ((224, (256, 224)), (384, (None, 384))):
            large = {"image_processor_type": "ConvNextImageProcessor", "size": {"shortest_edge": extent}, "resample": 3}
            (self.folder / "preprocessor_config.json").write_text(json.dumps(large))
            image = self.convert(source)[0]["input"]
            self.assertEqual((image.get("resize_side"), image["height"]), expected)
        whole = config | {"size": {"height": 160, "width": 160}, "do_center_crop": False, "resample": 2}
        (self.folder / "preprocessor_config.json").write_text(json.dumps(whole))
        self.assertEqual(self.crop(source), (None, "bilinear_antialias"))
        flipped = config | {"image_processor_type": "MobileViTImageProcessor"}
        for plain in ("do_normalize", "image_mean", "image_std"):
            del flipped[plain]
        (self.folder / "preprocessor_config.json").write_text(json.dumps(flipped))
        image = self.convert(source)[0]["input"]
        self.assertEqual((image["channels"], image["mean"], image["std"]), ("bgr", [0] * 3, [1] * 3))
        self.assertRegex(self.run_converter(source)[1], r"! crop .*rounds the place of the centre down")
        for kind, side in (("Levit", 256), ("PoolFormer", 248)):
            other = config | {"image_processor_type": f"{kind}ImageProcessor", "size": {"shortest_edge": 224}}
            (self.folder / "preprocessor_config.json").write_text(json.dumps(other))
            self.assertEqual(self.crop(source), (side, "bicubic"))
        self.output.unlink()
        (self.folder / "preprocessor_config.json").write_text(json.dumps(config | {"image_processor_type": "PerceiverImageProcessor"}))
        self.assert_refused(source, "PerceiverImageProcessor does to a picture is not known")
        (self.folder / "preprocessor_config.json").write_text(json.dumps(config | {"size": {"shortest_edge": 200}}))
        self.assert_refused(source, "the shorter side becomes 200 before 224×192 is cut out")
        squeezed = config | {"size": {"height": 256, "width": 256}}
        for bad in (squeezed, config | {"resample": 9}, config | {"image_mean": [1, "x", 2]}, config | {"image_std": 3}):
            self.output.unlink(missing_ok=True)
            (self.folder / "preprocessor_config.json").write_text(json.dumps(bad))
            self.assert_refused(source, "preprocessor_config.json")
        (self.folder / "preprocessor_config.json").write_text("{")
        self.assert_refused(source, "no JSON")

    def test_centre_of_timm(self):
        source = self.write(base() | linear("classifier.1", 1280, 3))
        cfg = {"input_size": [3, 224, 224], "crop_pct": 0.875, "interpolation": "bicubic", "mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}
        (self.folder / "config.json").write_text(json.dumps({"architecture": "mobilenetv2_035", "pretrained_cfg": cfg}))
        card, _ = self.convert(source)
        self.assertEqual((card["input"]["resize_side"], card["input"]["resize"]), (256, "bicubic"))
        numpy.testing.assert_allclose(card["input"]["mean"], [0.1, 0.2, 0.3])
        (self.folder / "config.json").write_text(json.dumps({"pretrained_cfg": cfg | {"crop_pct": 1.0, "interpolation": "bilinear"}}))
        self.assertEqual(self.crop(source), (224, "bilinear_antialias"))
        self.output.unlink()
        (self.folder / "config.json").write_text(json.dumps({"pretrained_cfg": cfg | {"crop_mode": "border"}}))
        self.assert_refused(source, "crop_mode")

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
        self.assert_refused(path, "--head-activation mish: there are relu", "--head-activation", "mish")

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
        self.assert_refused(path, "2 heads on the features.*--head")
        for head, labels in (("fc", 2), ("net.classifier", 1000)):
            card, _ = self.convert(path, "--head", head)
            self.assertEqual(len(card["labels"]), labels)
        self.output.unlink()
        self.assert_refused(path, "no layer under age", "--head", "age")

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
        for name, pattern in (
            ("Mixed_5b.branch1x1.conv.weight", "an Inception network"), ("patch_embed.proj.weight", "a vision transformer"),
            ("trunk_output.block1.block1-0.proj.0.weight", "RegNet"), ("features.3.squeeze.weight", "SqueezeNet"),
        ):  # fmt: skip
            self.assert_refused(self.write({name: numbers(8, 3, 3, 3)}), f"the checkpoint is {pattern}.*export it as ONNX")
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
            (found,) = bases(self.state(arch, "module.features."))
            self.assertIs(found.architecture, arch)
            self.assertEqual(found.prefix, "module.features.")
            # The tensors of a shallow network are among those of a deep one, where the prefix may hold more.
            self.assertEqual([found.architecture for found in bases(self.state(arch, "0."))], [arch])

    def test_relatives_are_refused(self):
        state = self.state(architecture("vgg16"), "features.")
        state["features.30.weight"] = state["features.28.weight"]
        with self.assertRaisesRegex(ConversionError, "features.30.bias is missing"):
            bases(state)
        state = self.state(architecture("densenet121"), "features.")
        extra = "features.denseblock3.denselayer25.norm1.weight"
        state[extra] = state["features.norm5.weight"]
        with self.assertRaisesRegex(ConversionError, "denselayer25"):
            bases(state)

    def test_old_names_of_densenet(self):
        self.assertEqual(
            old_densenet("features.denseblock1.denselayer2.norm.1.weight"),
            "features.denseblock1.denselayer2.norm1.weight",
        )
        self.assertEqual(old_densenet("features.norm5.weight"), "features.norm5.weight")


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


class Checkpoints(ConverterTest):
    """Files of torch.save, written without torch, in both of its formats."""

    def save(self, content, name="m.pth", legacy=False):
        return torch_writer.save(self.folder / name, content, legacy)

    def state(self, prefix="", labels=3):
        return base(prefix + "features.") | linear(prefix + "classifier.1", 1280, labels)

    def test_wrappings(self):
        for legacy in (False, True):
            for wrap in (
                lambda s: s,
                lambda s: {"epoch": 3, "state_dict": s, "optimizer": {"state": {0: {"step": numbers(1)}}}},
                lambda s: {"model": s, "best": numpy.float64(0.5)},
                lambda s: {"model": s, "arguments": argparse.Namespace(rate=0.1), "folder": pathlib.Path("x")},
                lambda s: {"net": {"state_dict": s}},
                lambda s: {"model_state_dict": s, "classes": ("a", "b", "c")},
            ):
                card, tensors = self.convert(self.save(wrap(self.state("module.")), legacy=legacy))
                self.assertEqual(card["architecture"], "mobilenet_v2")
                numpy.testing.assert_array_equal(
                    tensors["features.3.conv.2.weight"], self.state()["features.3.conv.2.weight"]
                )
            self.assertEqual(card["labels"], ["a", "b", "c"])

    def test_half_precision(self):
        state = {name: value.astype("float16") if value.dtype == "float32" else value for name, value in self.state().items()}
        _, tensors = self.convert(self.save(state))
        numpy.testing.assert_array_equal(tensors["classifier.1.bias"], state["classifier.1.bias"].astype("float32"))

    def test_labels_by_index(self):
        content = {"state_dict": self.state(), "class_to_idx": {"dog": 1, "cat": 0, "eel": 2}}
        self.assertEqual(self.convert(self.save(content))[0]["labels"], ["cat", "dog", "eel"])

    def test_nothing_is_executed(self):
        victim = self.folder / "victim"
        for legacy in (False, True):
            path = self.save({"state_dict": self.state(), "extra": Harm(victim)}, legacy=legacy)
            self.assert_refused(path, r"is refused: .* would call io\.open")
            self.assertFalse(victim.exists())
        path = self.folder / "plain.pth"
        path.write_bytes(pickle.dumps(Harm(victim)))
        self.assert_refused(path, r"is refused: .* would call io\.open")
        self.assertFalse(victim.exists())

    def test_harmful_names(self):
        for module, name in (
            ("os", "system"), ("posix", "system"), ("builtins", "eval"), ("builtins", "exec"), ("subprocess", "Popen"),
            ("nt", "system"), ("importlib", "import_module"), ("runpy", "run_path"), ("ctypes", "CDLL"),
        ):  # fmt: skip
            harm = b"\x80\x02c" + f"{module}\n{name}\n".encode() + b"X\x01\x00\x00\x00x\x85R."
            for data in (harm, b"\x80\x02}X\x01\x00\x00\x00a" + harm[2:-1] + b"s."):
                self.raw(data)
                self.assert_refused(self.folder / "m.pth", rf"is refused: .* would call {module}\.{name}")

    def test_tensors_of_pickle_itself(self):
        """pickle.dump packs each tensor as a file of torch; torch.save does not."""
        self.raw(b"\x80\x03}X\x01\x00\x00\x00actorch.storage\n_load_from_bytes\nC\x02xy\x85Rs.")
        self.assert_refused(self.folder / "m.pth", "written by pickle.*write it by torch.save")

    def raw(self, data):
        """A checkpoint with a pickle of any bytes."""
        with zipfile.ZipFile(self.folder / "m.pth", "w") as archive:
            archive.writestr("m/data.pkl", data)
        return self.folder / "m.pth"

    def test_opcodes(self):
        self.assert_refused(self.raw(b"\x80\x02\x82\x01."), "its pickle has the opcode EXT1")
        self.assert_refused(self.raw(b"\x80\x05\x97."), "its pickle has the opcode NEXT_BUFFER")
        for data in (b"", b"\x80", b"\x80\x02(", b"hello", b"\x80\x02X\xff\xff\xff\x7fa."):
            self.assert_refused(self.raw(data), "is no torch checkpoint|cannot be read as")

    def test_classes_that_do_not_exist_are_records(self):
        content = {"state_dict": self.state(), "config": torch_writer.module("my.package.Config", rate=0.1)}
        self.assertEqual(self.convert(self.save(content))[0]["architecture"], "mobilenet_v2")

    def whole(self, *head):
        """A pickled network: features in a tree of modules, and a head."""

        def tree(tensors):
            children, parameters, buffers = {}, {}, {}
            for name, value in tensors.items():
                first, _, rest = name.partition(".")
                if rest:
                    children.setdefault(first, {})[rest] = value
                else:
                    (buffers if first.startswith(("running", "num_")) else parameters)[first] = value
            attributes = {"eps": 1e-5} if buffers else {}
            kind = "BatchNorm2d" if buffers else "Conv2d" if parameters else "Sequential"
            inner = {name: tree(part) for name, part in children.items()}
            if set(inner) == {"0", "1"}:  # A convolution and its norm.
                inner["2"] = torch_writer.module("torchx.nn.ReLU6")
            return torch_writer.module(f"torchx.nn.{kind}", inner, parameters, buffers, **attributes)

        classifier = torch_writer.module("torchx.nn.Sequential", {str(i): layer for i, layer in enumerate(head)})
        return torch_writer.module(
            "torchvisionx.models.MobileNetV2", {"features": tree(base("")), "classifier": classifier}
        )

    @staticmethod
    def linear(inputs, outputs):
        return torch_writer.module(
            "torchx.nn.Linear", parameters={"weight": numbers(outputs, inputs, seed=3), "bias": numbers(outputs, seed=4)}
        )

    @staticmethod
    def layer(kind, **attributes):
        return torch_writer.module(f"torchx.nn.{kind}", **attributes)

    def test_whole_model(self):
        for legacy in (False, True):
            network = self.whole(self.layer("Dropout"), self.linear(1280, 3))
            card, tensors = self.convert(self.save(network, legacy=legacy))
            self.assertEqual((card["architecture"], len(card["labels"])), ("mobilenet_v2", 3))
            self.assertEqual(len(tensors), 262)
            numpy.testing.assert_array_equal(tensors["classifier.1.weight"], numbers(3, 1280, seed=3))

    def test_whole_model_of_another_kind(self):
        self.assert_refused(self.save(self.linear(2, 2)), "is not of a supported architecture")

    def test_a_tensor_beyond_its_block(self):
        state = self.state()
        path = self.save(state)
        with zipfile.ZipFile(path) as old, zipfile.ZipFile(self.folder / "cut.pth", "w") as new:
            for name in old.namelist():
                data = old.read(name)
                new.writestr(name, data[: len(data) // 2] if name == "m/data/7" else data)
        self.assert_refused(self.folder / "cut.pth", "reaches beyond its storage 7")

    def test_cut_off(self):
        path = self.save(self.state(), legacy=True)
        path.write_bytes(path.read_bytes()[:-100])
        self.assert_refused(path, "is cut off in the block")

    def test_no_state_dict(self):
        self.assert_refused(self.save({"epoch": 3}), "holds no state dict")
        self.assert_refused(self.save([1, 2]), "holds no state dict")
        path = self.folder / "text.pth"
        path.write_text("hello")
        self.assert_refused(path, "text.pth")


class Kinds(ConverterTest):
    """Files of other kinds are named before anything is asked for."""

    def test_by_content_and_name(self):
        for name, data, pattern in (
            ("m.pth", b"version https://git-lfs.github.com/spec/v1\n", "pointer of Git LFS"),
            ("m.h5", b"<!DOCTYPE html><html>", "a web page"),
            ("m.tflite", b"\x1c\0\0\0TFL3" + b"\0" * 20, "a TFLite model"),
            ("m.onnx", b"\x08\x07\x12\x07pytorch", "no ONNX model"),
            ("m.pb", b"\x08\x01", "a TensorFlow graph"),
            ("m.pth", b"", "is empty"),
        ):
            (self.folder / name).write_bytes(data)
            self.assert_refused(self.folder / name, pattern)

    def test_before_anything_is_asked_for(self):
        path = self.folder / "m.tflite"
        path.write_bytes(b"\x1c\0\0\0TFL3" + b"\0" * 20)
        self.assert_refused(path, "a TFLite model", "--labels", "nowhere.txt", "--threshold", "7")
        err = io.StringIO()
        with contextlib.redirect_stderr(err):
            self.assertEqual(main([str(path)]), 1)  # Not even where to write.
        self.assertRegex(err.getvalue(), "^convert: .* is a TFLite model")
        with contextlib.redirect_stderr(err):
            self.assertEqual(main([str(write_safetensors(self.folder / "m.safetensors", base()))]), 1)
        self.assertRegex(err.getvalue(), "--output says which file to write")

    def test_other_archives(self):
        for members, pattern in (
            (("saved_model/saved_model.pb",), "zipped TensorFlow SavedModel"), (("model.json", "weights.bin"), "TensorFlow.js"),
            (("keras_model.h5", "labels.txt"), "of Teachable Machine: unpack it"), (("a/model.pth",), "unpack it and name a/model.pth"),
        ):  # fmt: skip
            with zipfile.ZipFile(self.folder / "m.zip", "w") as archive:
                for member in members:
                    archive.writestr(member, "x")
            self.assert_refused(self.folder / "m.zip", pattern)

    def test_archives_of_programs(self):
        for member, pattern in (("m/code/__torch__.py", "TorchScript"), ("m/archive_format", r"torch\.export")):
            with zipfile.ZipFile(self.folder / "m.pt", "w") as archive:
                archive.writestr(member, "x")
            self.assert_refused(self.folder / "m.pt", pattern)

    def test_folders(self):
        self.assert_refused(self.folder, "is a folder: name a")
        (self.folder / "saved_model.pb").write_bytes(b"x")
        self.assert_refused(self.folder, "a TensorFlow SavedModel")
        (self.folder / "saved_model.pb").unlink()
        (self.folder / "model.safetensors.index.json").write_bytes(b"{}")
        self.assert_refused(self.folder, "in several parts")

    def test_sizes_are_checked_first(self):
        path = self.folder / "m.safetensors"
        with path.open("wb") as file:
            file.write(struct.pack("<Q", 2) + b"{}")
            file.truncate(1 << 40)
        self.assert_refused(path, "too large")

    def test_names_from_files_are_escaped(self):
        path = self.folder / "m.safetensors"
        write_safetensors(path, {"a\x1b[31m\u202e.weight": numbers(2, 2)})
        err = self.assert_refused(path, "not of a supported architecture")
        self.assertNotIn("\x1b", err)
        self.assertNotIn("\u202e", err)


@unittest.skipUnless(torch, "torch is not installed")
class WithTorch(ConverterTest):
    """What torch itself writes."""

    def test_both_formats(self):
        state = {name: torch.from_numpy(value) for name, value in (base() | linear("classifier.1", 1280, 3)).items()}
        state["features.0.0.weight"] = torch.nn.Parameter(state["features.0.0.weight"].transpose(2, 3))
        expected = state["features.0.0.weight"].detach().numpy()
        for zipped in (True, False):
            torch.save({"model": state}, self.folder / "m.pth", _use_new_zipfile_serialization=zipped)
            _, tensors = self.convert(self.folder / "m.pth")
            numpy.testing.assert_array_equal(tensors["features.0.0.weight"], expected)

    def test_bfloat16(self):
        state = {name: torch.from_numpy(value) for name, value in (base() | linear("classifier.1", 1280, 3)).items()}
        state = {name: value.bfloat16() if value.is_floating_point() else value for name, value in state.items()}
        torch.save(state, self.folder / "m.pth")
        _, tensors = self.convert(self.folder / "m.pth")
        numpy.testing.assert_array_equal(tensors["classifier.1.bias"], state["classifier.1.bias"].float().numpy())

    def test_torchscript(self):
        path = self.folder / "m.pt"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.jit.script(torch.nn.Linear(2, 2)).save(str(path))
        self.assert_refused(path, "TorchScript")


if __name__ == "__main__":
    unittest.main()
