"""Heads of checkpoints: weights in factors, what stands on the map, and what tensors alone do not tell."""

import json

import numpy
import torch_writer
from support import ConverterTest
from test_checkpoints import filled, resnet_shapes, sequential, tree
from test_torch import base, linear, norm, write_safetensors

from keras_files import numbers
from prism_convert import families, naming, torch_factors
from prism_convert.architectures import architecture
from prism_convert.errors import ConversionError


class Factors(ConverterTest):
    """Weights that are kept as factors are multiplied out."""

    def check(self, factors, expected, layer="classifier.1"):
        tensors = base() | {f"{layer}.{name}": value for name, value in factors.items()} | {f"{layer}.bias": numbers(3)}
        _, found = self.convert(write_safetensors(self.folder / "m.safetensors", tensors))
        numpy.testing.assert_allclose(found["classifier.1.weight"], expected, rtol=1e-6)

    def test_weight_norm(self):
        length, values = numbers(3, 1, seed=1), numbers(3, 1280, seed=2)
        expected = length * values / numpy.linalg.norm(values, axis=1, keepdims=True)
        for names in torch_factors.WEIGHT_NORM:
            self.check(dict(zip(names, (length, values))), expected)
        whole = numpy.float32(2) * values / numpy.linalg.norm(values)  # Of the whole tensor: one length.
        self.check({"weight_g": numpy.array(2, "float32"), "weight_v": values}, whole)

    def test_spectral_norm(self):
        weight, left, right = numbers(3, 1280, seed=1), numbers(3, seed=2), numbers(1280, seed=3)
        for names in torch_factors.SPECTRAL_NORM:
            self.check(dict(zip(names, (weight, left, right))), weight / (left @ (weight @ right)))

    def test_pruned(self):
        weight = numbers(3, 1280, seed=1)
        mask = (weight > 0.1).astype("float32")
        self.check({"weight_orig": weight, "weight_mask": mask}, weight * mask)

    def test_in_the_base(self):
        tensors = base() | linear("classifier.1", 1280, 3)
        weight = tensors.pop("features.0.0.weight")
        factors = {"features.0.0.weight_orig": weight, "features.0.0.weight_mask": numpy.ones_like(weight)}
        _, found = self.convert(write_safetensors(self.folder / "m.safetensors", factors | tensors))
        numpy.testing.assert_array_equal(found["features.0.0.weight"], weight)

    def test_factors_that_do_not_fit(self):
        with self.assertRaisesRegex(ConversionError, "factors of fc.weight do not fit"):
            torch_factors.multiply_out({"fc.weight_orig": numbers(2, 3), "fc.weight_mask": numbers(4, 3)})


class Told(ConverterTest):
    """What a state dict does not say of a head is told or asked for."""

    def write(self, *parts):
        tensors = {}
        for part in parts:
            tensors.update(part)
        return write_safetensors(self.folder / "m.safetensors", tensors)

    def account(self, *arguments):
        status, out, err = self.run_converter(*arguments)
        self.assertEqual(status, 0, err)
        return out

    def test_norms(self):
        path = self.write(base(), norm("classifier.0", 1280), linear("classifier.1", 1280, 3))
        self.assertRegex(self.account(path), "! head .*does not say the epsilon of its norms, 1e-05 is torch's; --head-epsilon")
        self.assertEqual(self.convert(path, "--head-epsilon", 1e-3)[0]["head"][1]["epsilon"], 1e-3)
        self.assertNotIn("! head", self.account(path, "--head-epsilon", 1e-3))

    def test_a_norm_without_statistics(self):
        """A group norm, and a batch norm of the batch itself, have a layer norm's tensors."""
        layer = {"classifier.0.weight": numbers(1280), "classifier.0.bias": numbers(1280)}
        self.assertRegex(self.account(self.write(base(), layer, linear("classifier.1", 1280, 3))), "! head .*classifier.0 is taken as a layer norm")

    def test_convolutions(self):
        parts = base("net.features."), {"conv.weight": numbers(8, 1280, 1, 1)}, linear("fc", 8, 3)
        path = self.write(*parts)
        self.assertRegex(self.account(path, "--head-activation", "relu"), "! head .*conv is a convolution and taken as behind the pooling")
        self.output.unlink()
        parts[1]["conv.weight"] = numbers(8, 1280, 3, 3)
        path, options = self.write(*parts), ("--head-activation", "relu", "--input-size", 96)
        self.assert_refused(path, "conv is a convolution of 3×3: if it takes the whole map at once, --pooling flatten", *options)
        self.assertRegex(self.account(path, *options, "--pooling", "flatten"), "! head .*one of the whole map, without padding")

    def test_a_comparison_of_directions(self):
        path = self.write(base("net.features."), {"arc.weight": numbers(3, 1280)})
        self.assertRegex(self.account(path), "! head .*arc has no bias: it is taken as linear.*ArcFace")

    def test_tensors_of_no_layer(self):
        head = linear("classifier.1", 1280, 3)
        self.assert_refused(self.write(base(), head, {"temperature": numbers(1)}), r"temperature \(1,\) belong to no layer")
        self.assert_refused(self.write(base(), head, {"pool.p": numbers(1)}), r"layer pool \(p \(1,\)\) \(GeM pooling\?\)")

    def test_labels_of_another_number(self):
        path = torch_writer.save(self.folder / "m.pth", {"model": base() | linear("classifier.1", 1280, 3), "classes": ["a", "b"]})
        self.assertRegex(self.account(path), "! labels .*the source names 2, 3 are needed")

    def test_counts_of_metrics(self):
        counts = {"cm.confmat": numpy.ones((3, 3), "int64")}
        path = torch_writer.save(self.folder / "m.pth", {"state_dict": base() | linear("classifier.1", 1280, 3) | counts})
        self.convert(path)

    def test_names_of_wrappers(self):
        shapes = resnet_shapes()
        plain = filled(shapes) | linear("fc", 32, 3)
        for old, new in (
            ("layer1.0.", "layer1._fsdp_wrapped_module.0._checkpoint_wrapped_module."), ("layer2.", "layer2._orig_mod."),
            ("", "_orig_mod."),
        ):  # fmt: skip
            wrapped = {new + name.removeprefix(old) if name.startswith(old) else name: value for name, value in plain.items()}
            out = self.account(self.write(wrapped))
            self.assertRegex(out, "  pooling +average .torchvision's own")
        inner = {name.replace("features.", "features.module."): value for name, value in base().items()}
        self.assertRegex(self.account(self.write(inner, linear("classifier.1", 1280, 3))), "  pooling +average .torchvision's own")
        both = {"a.weight": 1, "_orig_mod.a.weight": 2}
        self.assertIs(naming.without_wrappers(both), both)

    def test_networks_of_other_tasks(self):
        plain = filled(resnet_shapes(), "backbone.")
        for name, pattern in (
            ("classifier.0.convs.0.0.weight", "a segmentation network"), ("aux_classifier.0.weight", "a segmentation network"),
            ("fpn.inner_blocks.0.0.weight", "a detection network"), ("head.classification_head.conv.0.weight", "a detection network"),
            ("backbone.layer1.0.mlp.grn.weight", "ConvNeXt V2"), ("fc.lora_A.default.weight", "adapters .LoRA.*merge_and_unload"),
            ("fc.modules_to_save.default.weight", "adapters"), ("layer1.0.conv1.lora_A", "adapters"),
            ("fc.base_layer.weight", "adapters"),
        ):  # fmt: skip
            with self.subTest(name):
                self.assert_refused(self.write(plain, linear("fc", 32, 3), {name: numbers(2, 2)}), pattern)

    def test_a_layer_that_is_called_as_one_of_adapters(self):
        """DLA's first layers are called base_layer."""
        state = {"base_layer.0.weight": numbers(16, 3, 7, 7), "level0.0.weight": numbers(16, 16, 3, 3)}
        err = self.assert_refused(self.write(state), "not of a supported architecture")
        self.assertNotIn("adapters", err)

    def test_norms_of_the_base(self):
        state = {name: value for name, value in filled(resnet_shapes()).items() if "running" not in name}
        self.assert_refused(self.write(state, linear("fc", 32, 3)), "its norms keep no mean and variance, as group norms do")
        with self.assertRaisesRegex(families.NotOfFamily, "as a MobileNetV3"):
            families.any_mobilenet_v3({"a": (1,)})

    def test_no_state_dict(self):
        for content, pattern in (([1, 2], "but a list of length 2"), ({"a": 1, 2: 3}, "but a dictionary with a, 2"), ({}, "an empty dictionary")):
            self.assert_refused(torch_writer.save(self.folder / "m.pth", content), f"holds no state dict, {pattern}|{pattern}")


class WholeHeads(ConverterTest):
    """A pickled model says what stands where; a class of one's own says it only in part."""

    def layer(self, kind, path="torchx.nn", parameters=None, buffers=None, **attributes):
        return torch_writer.module(f"{path}.{kind}", None, parameters, buffers, **attributes)

    def features(self):
        """torchvision's MobileNetV2 without its head."""
        return tree(base(""))

    def linear(self, inputs, outputs, kind="Linear", window=(), **attributes):
        weight = numbers(outputs, inputs, *window)
        return self.layer(kind, parameters={"weight": weight, "bias": numbers(outputs)}, **attributes)

    def norm(self, count):
        table = {name.partition(".")[2]: value for name, value in norm("x", count).items()}
        buffers = {name: table.pop(name) for name in ("running_mean", "running_var")}
        return self.layer("BatchNorm2d", parameters=table, buffers=buffers, eps=1e-5)

    def save(self, *layers):
        return torch_writer.save(self.folder / "m.pth", sequential(self.features(), *layers))

    def tail(self, inputs=1280):
        return [self.layer("AdaptiveAvgPool2d", output_size=1), self.layer("Flatten"), self.linear(inputs, 3)]

    def kinds(self, *layers):
        return [(item["kind"], item.get("units")) for item in self.convert(self.save(*layers), "--input-size", 64)[0]["head"]]

    def test_linear_layers_on_the_map(self):
        """They give the same before the mean as behind it."""
        pooled = ("global_average_pool", None)
        self.assertEqual(self.kinds(self.norm(1280), *self.tail()), [pooled, ("batch_norm", None), ("dense", 3)])
        pointwise = self.linear(1280, 3, "Conv2d", (1, 1), stride=(1, 1), padding=(0, 0))
        self.assertEqual(self.kinds(pointwise, *self.tail()[:2]), [pooled, ("dense", 3)])
        whole = self.linear(1280, 3, "Conv2d", (2, 2), stride=(1, 1), padding=(0, 0))
        self.assertEqual(self.kinds(whole, self.layer("Flatten")), [("flatten", None), ("dense", 3)])

    def test_other_layers_on_the_map(self):
        relu, maximum = self.layer("ReLU"), [self.layer("AdaptiveMaxPool2d", output_size=1), *self.tail()[1:]]
        pointwise = self.linear(1280, 8, "Conv2d", (1, 1))
        for layers, pattern in (
            ((self.norm(1280), relu, *self.tail()), r"layer 1 \(BatchNorm2d\) works on the map"),
            ((pointwise, relu, *self.tail(8)), r"layer 1 \(Conv2d\) works on the map"),
            ((self.norm(1280), *maximum), r"layer 1 \(BatchNorm2d\) works on the map"),
            ((self.linear(1280, 8, "Conv2d", (3, 3), padding=(1, 1)), *self.tail(8)), r"\(Conv2d\) works on the map"),
            ((self.linear(1280, 8, "Conv2d", (1, 1), padding=(1, 1)), *self.tail(8)), r"\(Conv2d\) works on the map"),
            (self.tail(8), r"layer 3 \(Linear\) takes 8 features, and 1280 come to it"),
        ):
            with self.subTest(pattern):
                self.assert_refused(self.save(*layers), pattern, "--input-size", 64)

    def test_other_classes_with_the_same_tensors(self):
        layer_norm = {"weight": numbers(1280), "bias": numbers(1280)}
        for kind, parameters, what in (
            ("GroupNorm", layer_norm, "layer norm"), ("BatchNorm1d", layer_norm, "layer norm"), ("ArcMargin", {"weight": numbers(3, 1280)}, "linear layer"),
        ):  # fmt: skip
            layers = [*self.tail()[:2], self.layer(kind, parameters=parameters), *([self.linear(1280, 3)] if kind != "ArcMargin" else [])]
            self.assert_refused(self.save(*layers), rf"layer 3 \({kind}\) has the tensors of a {what} and may compute otherwise")
        softmax = [*self.tail()[:2], self.linear(1280, 8), self.layer("Softmax", dim=0), self.linear(8, 3)]
        self.assert_refused(self.save(*softmax), r"\(Softmax\) is over the axis 0")

    def own(self, **layers):
        network = torch_writer.module("mine.Net", {"net": self.features(), **layers, "fc": self.linear(1280, 3)})
        return torch_writer.save(self.folder / "m.pth", network)

    def test_a_class_of_ones_own(self):
        path = self.own(pool=self.layer("AdaptiveMaxPool2d", output_size=1), act=self.layer("Tanh"))
        status, out, err = self.run_converter(path)
        self.assertEqual(status, 0, err)
        self.assertRegex(out, r"! pooling +max .*pool \(AdaptiveMaxPool2d\) is in the pickled model, its code is not in the file; --pooling")
        self.assertRegex(out, "! before the head +no activation .*act of the pickled model may be called there: --pooled-activation")
        self.output.unlink()
        chosen = torch_writer.module("timmx.layers.SelectAdaptivePool2d", {"pool": self.layer("FastAdaptiveAvgPool2d")}, pool_type="fast")
        card, _ = self.convert(self.own(pool=chosen))  # timm's class says what it does.
        self.assertEqual(card["head"][0]["kind"], "global_average_pool")
        self.output.unlink()
        path = self.own(pool=self.layer("LPPool2d", norm_type=2))
        self.assert_refused(path, r"layer pool \(LPPool2d\) is in the pickled model.*--pooling says")
        self.assertEqual(self.convert(path, "--pooling", "average")[0]["head"][0]["kind"], "global_average_pool")


class Hubs(ConverterTest):
    """Folders of hubs whose configuration and tensors are not of one network."""

    def folder_of(self, tensors, config):
        write_safetensors(self.folder / "model.safetensors", tensors)
        (self.folder / "config.json").write_text(json.dumps(config))
        return self.folder

    def test_the_name_of_another_network(self):
        folder = self.folder_of(filled(resnet_shapes()) | linear("fc", 32, 3), {"architecture": "resnet34", "num_classes": 3})
        self.assert_refused(folder, "config.json: architecture resnet34: the tensors are those of resnet18")

    def test_one_channel(self):
        settings = {"input_size": [1, 64, 64], "crop_pct": 0.5, "interpolation": "bilinear", "mean": [0.5], "std": [0.25]}
        config = {"architecture": "resnet18", "pretrained_cfg": settings, "model_args": {"in_chans": 1}}
        card, _ = self.convert(self.folder_of(filled(resnet_shapes(channels=1)) | linear("fc", 32, 3), config))
        image = card["input"]
        self.assertEqual((image["channels"], image["mean"], image["std"]), ("grey", [2], [1]))  # (x / 255 − 1/2) · 4
        self.assertAlmostEqual(image["scale"] * 255, 4)

    def test_vgg_of_large_pictures(self):
        """timm's convolves its larger map by the first linear layer, where torchvision's pools it to 7×7."""
        table = {"classifier.0": "pre_logits.fc1", "classifier.3": "pre_logits.fc2", "classifier.6": "head.fc"}
        state = {name: numpy.zeros(shape, "float32") for name, shape in architecture("vgg16").tensors().items()}
        for old, new, shape in (("classifier.0", "fc1", (4, 512, 7, 7)), ("classifier.3", "fc2", (4, 4, 1, 1)), ("classifier.6", "head", (3, 4))):
            state |= {f"{table[old]}.weight": numbers(*shape), f"{table[old]}.bias": numbers(shape[0])}
        path = write_safetensors(self.folder / "m.safetensors", state)
        card, _ = self.convert(path, "--input-size", 224, "--head-activation", "relu")
        self.assertEqual([item.get("units") for item in card["head"] if item["kind"] == "dense"], [4, 4, 3])
        self.output.unlink()
        self.assert_refused(path, "timm's VGG computes otherwise for pictures larger than 224×224", "--input-size", 256)
