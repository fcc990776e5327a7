"""What checkpoints say and do not say: the account, several sets of weights, other libraries' names, graph cards."""

import json
import pathlib
import unittest

import numpy
import torch_writer
from support import ConverterTest
from test_torch import base, linear, norm, write_safetensors

from keras_files import numbers
from prism_convert import families, fastai, graph_steps, naming
from prism_convert.architectures import architecture, densenet
from prism_convert.graph_steps import node_names
from prism_convert.torch_pickle import Record


def filled(shapes, prefix=""):
    """Tensors of some shapes; variances are positive."""
    return {
        prefix + name: numbers(*shape, seed=seed, low=0.5 if name.endswith("running_var") else -0.1, high=1.0)
        for seed, (name, shape) in enumerate(shapes.items())
    }


def resnet_shapes(widths=(8, 16, 24, 32), deep=False, groups=1, channels=3):
    """A narrow ResNet of two blocks a stage, in torchvision's names."""
    shapes = {"conv1.weight": (8, channels, 7, 7)}
    add_norm(shapes, "bn1", 8)
    before = 8
    for stage, width in enumerate(widths, start=1):
        out = 4 * width if deep else width
        for index in range(2):
            name = f"layer{stage}.{index}"
            first, second = before, width
            if deep:
                kernels = ((width, first, 1, 1), (width, width // groups, 3, 3), (out, width, 1, 1))
            else:
                kernels = ((width, first, 3, 3), (width, second, 3, 3))
            for number, shape in enumerate(kernels, start=1):
                shapes[f"{name}.conv{number}.weight"] = shape
                add_norm(shapes, f"{name}.bn{number}", shape[0])
            if index == 0 and (stage > 1 or before != out):
                shapes[f"{name}.downsample.0.weight"] = (out, before, 1, 1)
                add_norm(shapes, f"{name}.downsample.1", out)
            before = out
    return shapes


def vgg_shapes():
    """A narrow VGG with norms, in torchvision's names."""
    shapes, index, before = {}, 0, 3
    for width, repeats in ((4, 1), (6, 1), (8, 2), (8, 2), (8, 2)):
        for _ in range(repeats):
            shapes |= {f"features.{index}.weight": (width, before, 3, 3), f"features.{index}.bias": (width,)}
            add_norm(shapes, f"features.{index + 1}", width)
            index, before = index + 3, width
        index += 1
    return shapes


def add_norm(shapes, name, count):
    for part in ("weight", "bias", "running_mean", "running_var"):
        shapes[f"{name}.{part}"] = (count,)


class Told(ConverterTest):
    """Every assumption is in the account, and what cannot be known is asked for."""

    def write(self, *parts):
        tensors = {}
        for part in parts:
            tensors.update(part)
        return write_safetensors(self.folder / "m.safetensors", tensors)

    def account(self, source, *options):
        status, out, err = self.run_converter(source, *options)
        self.assertEqual((status, err), (0, ""), err)
        return out

    def test_what_nothing_says(self):
        path = self.write(base("net.features."), linear("fc", 1280, 3))
        account = self.account(path)
        for topic in ("input size +224×224", "resize", "crop", "preprocessing", "padding, epsilon", "pooling +average", "output +softmax", "labels"):
            self.assertRegex(account, rf"(?m)^! {topic}.*ASSUMED.*")
        account = self.account(
            path, "--input-size", 96, "--resize", "bicubic", "--crop", 128, "--preprocess", "unit", "--epsilon", 1e-3,
            "--pooling", "max", "--activation", "softmax", "--labels", "a,b,c", "--pooled-activation", "none",
        )  # fmt: skip
        (left,) = [line for line in account.splitlines() if "ASSUMED" in line]
        self.assertRegex(left, "! base .*strides, poolings and functions are torchvision's, a state dict does not say them")
        self.assertRegex(account, r"crop +shorter side to 128, centre of 96×96 cut out \(--crop\)")
        self.assertRegex(account, r"preprocessing +\(pixel/255 − \[0, 0, 0\]\) / \[1, 1, 1\], rgb \(--preprocess\)")

    def test_torchvisions_own(self):
        """torchvision's files are known by their names; other weights of ImageNet's classes may have seen other pictures."""
        path = self.write(base(), linear("classifier.1", 1280, 1000))
        account = self.account(path)
        self.assertRegex(account, r"(?m)^  pooling +average \(torchvision's own\)")
        for topic in ("input size +224×224", "resize", "crop +shorter side to 256", "preprocessing"):
            self.assertRegex(account, rf"(?m)^! {topic}.*as torchvision prepares pictures for its own 1000 classes")
        account = self.account(path.rename(self.folder / "mobilenet_v2-b0353104.safetensors"))
        self.assertRegex(account, r"(?m)^  input size +224×224 \(torchvision's own weights\)")
        self.assertRegex(account, r"(?m)^  crop +shorter side to 256")

    def test_pooling(self):
        path = self.write(base("net.features."), linear("fc", 2560, 3))
        self.assertEqual(self.convert(path)[0]["head"][0], {"kind": "global_concat_pool", "order": "max_average"})
        self.assertRegex(self.account(path), r"! pooling +max\+average .*average\+max: --pooling")
        card, _ = self.convert(path, "--pooling", "average+max")
        self.assertEqual(card["head"][0]["order"], "average_max")
        self.output.unlink()
        self.assert_refused(path, "no layer of the head", "--pooling", "average")

    def test_before_the_head(self):
        tensors = {name: numpy.zeros(shape, "float32") for name, shape in architecture("efficientnet_v2_b0").tensors().items()}
        path = self.write(tensors, linear("fc", 1280, 3))
        self.assertRegex(self.account(path), r"! before the head +no activation")
        card, _ = self.convert(path, "--pooled-activation", "relu")
        self.assertEqual(card["head"][1], {"kind": "activation", "function": "relu"})
        self.assertNotIn("before the head", self.account(self.write(base(), linear("classifier.1", 1280, 3))))
        self.assertRegex(self.account(self.write(base(), linear("classifier.3", 1280, 3))), "! before the head")

    def test_lists_of_layers(self):
        path = self.write(base(), linear("layers.0", 1280, 8), linear("layers.1", 8, 3))
        self.assertRegex(self.account(path), r"! head .*dense 8, dense 3 .ASSUMED.*--head-activation")
        card, _ = self.convert(path, "--head-activation", "relu")
        self.assertEqual(card["head"][1]["activation"], "relu")

    def test_the_end_of_densenet(self):
        tensors = {name: numpy.ones(shape, "float32") for name, shape in architecture("densenet121").tensors().items()}
        own = self.write(tensors, linear("classifier", 1024, 3))
        self.assertEqual(self.convert(own)[0]["architecture"], "densenet121")
        other = self.write(tensors, linear("fc", 1024, 3))
        self.output.unlink()
        self.assert_refused(other, "--features-activation relu or none")
        self.assertEqual(self.convert(other, "--features-activation", "relu")[0]["architecture"], "densenet121")
        card, _ = self.convert(other, "--features-activation", "none")
        self.assertEqual((card["architecture"], card["graph"]["output"]), ("graph", "features.norm5"))
        self.assertEqual(card["layers"]["default"], "features.norm5")

    def test_fastai(self):
        head = [norm("1.2", 2560), {"1.4.weight": numbers(8, 2560)}, norm("1.6", 8), {"1.8.weight": numbers(3, 8)}]
        card, _ = self.convert(self.write(base("0.0."), *head))
        self.assertEqual(
            [(item["kind"], item.get("activation")) for item in card["head"]],
            [
                ("global_concat_pool", None), ("batch_norm", None), ("dense", "relu"), ("batch_norm", None), ("dense", "linear"),
            ],
        )  # fmt: skip

    def test_vgg_with_a_hidden_layer_as_wide_as_its_map(self):
        tensors = {name: numpy.zeros(shape, "float32") for name, shape in architecture("vgg16").tensors().items()}
        path = self.write(tensors, linear("classifier.0", 25088, 512), linear("classifier.3", 512, 2))
        card, _ = self.convert(path)
        self.assertEqual([item.get("units") for item in card["head"]], [None, None, 512, 2])

    def test_findings(self):
        path = self.write(base(), linear("classifier.1", 1280, 14))
        self.assertRegex(self.account(path), r"! output +softmax .*findings of chest pictures.*--activation sigmoid")
        labels = "Atelectasis,Cardiomegaly,Effusion,Infiltration," + ",".join("abcdefghij")
        self.assertRegex(self.account(path, "--labels", labels), r"! output +sigmoid.*findings")

    def test_norms_and_functions_of_a_head(self):
        layer_norm = {"classifier.0.weight": numbers(1280), "classifier.0.bias": numbers(1280)}
        path = self.write(base(), layer_norm, linear("classifier.1", 1280, 8), linear("classifier.3", 8, 2))
        card, tensors = self.convert(path, "--head-activation", "gelu")
        self.assertEqual(
            [(item["kind"], item.get("activation", item.get("epsilon"))) for item in card["head"]],
            [("global_average_pool", None), ("layer_norm", 1e-5), ("dense", "gelu"), ("dense", "linear")],
        )
        numpy.testing.assert_array_equal(tensors["head.1.weight"], layer_norm["classifier.0.weight"])

    def test_linear_on_a_whole_classifier(self):
        path = self.write(base("net.features."), linear("net.classifier.1", 1280, 20), linear("fc", 20, 3))
        card, _ = self.convert(path, "--head-activation", "none")
        self.assertEqual([item.get("units") for item in card["head"]], [None, 20, 3])


def sequential(*layers):
    return torch_writer.module("torchx.nn.Sequential", {str(index): layer for index, layer in enumerate(layers)})


def tree(tensors):
    """Tensors by name as modules in each other."""
    children, parameters, buffers = {}, {}, {}
    for name, value in tensors.items():
        first, _, rest = name.partition(".")
        if rest:
            children.setdefault(first, {})[rest] = value
        else:
            (buffers if first.startswith(("running", "num_")) else parameters)[first] = value
    kind = "BatchNorm2d" if buffers else "Conv2d" if parameters else "Sequential"
    inner = {name: tree(part) for name, part in children.items()}
    if set(inner) == {"0", "1"}:  # A convolution and its norm.
        inner["2"] = torch_writer.module("torchx.nn.ReLU6")
    return torch_writer.module(f"torchx.nn.{kind}", inner, parameters, buffers, **({"eps": 1e-5} if buffers else {}))


class Weights(ConverterTest):
    """Several sets of weights in one checkpoint."""

    def setUp(self):
        super().setUp()
        self.state = base() | linear("classifier.1", 1280, 3)
        self.other = {name: value + (value.dtype.kind == "f") for name, value in self.state.items()}

    def save(self, content):
        return torch_writer.save(self.folder / "m.pth", content)

    def bias(self, content, *options):
        return self.convert(self.save(content), *options)[1]["classifier.1.bias"]

    def test_averages_of_timm(self):
        content = {"state_dict": self.other, "state_dict_ema": self.state}
        numpy.testing.assert_array_equal(self.bias(content), self.state["classifier.1.bias"])
        out = self.run_converter(self.save(content))[1]
        self.assertRegex(out, "weights +state_dict_ema .what timm loads")
        found = self.bias(content, "--weights", "state_dict")
        numpy.testing.assert_array_equal(found, self.other["classifier.1.bias"])

    def test_any_two(self):
        content = {"student": self.state, "teacher": self.other}
        self.assertRegex(self.run_converter(self.save(content))[1], "! weights +student .ASSUMED: teacher")
        numpy.testing.assert_array_equal(self.bias(content, "--weights", "teacher"), self.other["classifier.1.bias"])
        self.output.unlink()
        self.assert_refused(self.save(content), "under student, teacher", "--weights", "ema")

    def test_an_average_in_the_same_state(self):
        both = {f"model.{name}": value for name, value in self.state.items()}
        both |= {f"ema_model.module.{name}": value for name, value in self.other.items()}
        content = {"pytorch-lightning_version": "2.1", "state_dict": both}
        self.assertRegex(self.run_converter(self.save(content))[1], r"! weights +model\.features\. .*ema_model")
        numpy.testing.assert_array_equal(self.bias(content), self.state["classifier.1.bias"])
        twice = {f"a.{n}": v for n, v in self.state.items()} | {f"b.{n}": v for n, v in self.other.items()}
        self.output.unlink()
        self.assert_refused(self.save(twice), "2 bases.*--weights")
        numpy.testing.assert_array_equal(self.bias(twice, "--weights", "b."), self.other["classifier.1.bias"])

    def test_what_is_no_layer(self):
        extra = {
            "n_averaged": numpy.array(3, "int64"), "criterion.weight": numbers(3), "val_acc.confmat": numbers(3, 3),
            "class_weights": numbers(3),
        }  # fmt: skip
        content = {"state_dict": self.state | extra, "hyper_parameters": {"path": pathlib.Path("/x"), "img_size": 96}}
        card, tensors = self.convert(self.save(content))
        self.assertEqual((card["input"]["height"], card["output"], len(tensors)), (96, "softmax", 262))
        card, _ = self.convert(self.save({"state_dict": self.state | {"loss.pos_weight": numbers(3)}}))
        self.assertEqual(card["output"], "sigmoid")

    def test_a_learner_of_fastai(self):
        made = torch_writer.module

        def plain(path, **attributes):
            item = made(path)
            item.__dict__.clear()
            item.__dict__.update(attributes)
            return item

        weights = {"weight": numbers(4, 2560, seed=3), "bias": numbers(4, seed=4)}
        pool = torch_writer.module("fastaix.AdaptiveConcatPool2d", {"ap": made("torchx.Pool"), "mp": made("torchx.Pool")})
        body = tree({name.removeprefix("features."): value for name, value in base().items()})
        network = sequential(sequential(body), sequential(pool, made("fastaix.Flatten"), made("torchx.Linear", parameters=weights)))
        shape = (1, 3, 1, 1)
        transforms = [
            plain("fastai.vision.augment.Resize", size=(96, 96), method="crop"),
            plain("fastai.vision.augment.Flip", size=64),
            plain("fastai.data.Normalize", mean=numpy.full(shape, 0.5, "float32"), std=numpy.full(shape, 0.25, "float32")),
            plain("fastai.data.CategoryMap", o2i={"cat": 1, "ant": 0, "dog": 2, "eel": 3}),
        ]  # fmt: skip
        learner = plain("fastai.learner.Learner", model=network, dls=transforms, loss_func=plain("fastai.losses.BCEWithLogitsLossFlat"))
        card, _ = self.convert(self.save(learner))
        image = card["input"]
        self.assertEqual((card["labels"], card["output"]), (["ant", "cat", "dog", "eel"], "sigmoid"))
        self.assertEqual((image["height"], image["width"], image["resize_side"]), (64, 64, 64))
        self.assertEqual((image["mean"], image["std"]), ([0.5] * 3, [0.25] * 3))
        self.assertEqual(card["head"][0], {"kind": "global_concat_pool", "order": "max_average"})
        self.assertEqual(card["head"][1]["units"], 4)

    def test_resizing_of_fastai(self):
        def said(*transforms):
            records = []
            for kind, attributes in transforms:
                records.append(Record(f"fastai.vision.augment.{kind}"))
                records[-1].state = attributes
            root = Record("fastai.learner.Learner")
            root.state = {"dls": records}
            return fastai.said(root)

        found = said(("Resize", {"size": (128, 96), "method": "squish"}), ("IntToFloatTensor", {}))
        self.assertEqual((found.size, found.side, found.operations, found.doubt), ((96, 128), None, [("divide", 255)], ""))
        self.assertRegex(said(("Resize", {"size": 96, "method": "pad"})).doubt, "pads pictures to 96×96")
        found = said(("RandomResizedCrop", {"size": 96}))
        self.assertEqual(found.side, 112)
        self.assertRegex(found.doubt, "squeezes the picture to 112×112")
        self.assertRegex(said(("CropPad", {"size": 80})).doubt, "cuts 80×80 out")
        self.assertIsNone(said(("Resize", {"size": 96})).operations)

    def test_mean_and_std(self):
        def preprocessing(mean, std):
            buffers = {"mean": numpy.array(mean, "float32").reshape(1, 3, 1, 1), "std": numpy.array(std, "float32").reshape(1, 3, 1, 1)}
            image = self.convert(self.save(self.state | buffers))[0]["input"]
            return [round(float(value), 6) for value in (image["scale"], *image["mean"], *image["std"])]

        self.assertEqual(preprocessing([0.5, 0.25, 0.125], [0.5, 0.25, 0.75]), [0.003922, 0.5, 0.25, 0.125, 0.5, 0.25, 0.75])
        self.assertEqual(preprocessing([120, 110, 100], [60, 50, 55]), [1, 120, 110, 100, 60, 50, 55])


class WholeModels(ConverterTest):
    """The layers without tensors of a pickled network, which its tensors do not tell."""

    def layer(self, kind, path="torch.nn.modules", **attributes):
        return torch_writer.module(f"{path}x.{kind}", **attributes)

    def vgg(self, function="ReLU", pool=None, convolution=None, extra=None):
        """A narrow VGG whose functions, poolings and convolutions are exchanged; `extra` are layers at their numbers."""
        children = {}
        table = filled(vgg_shapes())
        for name in table:
            index = name.split(".")[1]
            tensors = {key.split(".")[2]: value for key, value in table.items() if key.split(".")[1] == index}
            kind = "BatchNorm2d" if "running_var" in tensors else "Conv2d"
            buffers = {key: tensors.pop(key) for key in ("running_mean", "running_var") if key in tensors}
            attributes = {"eps": 1e-5} if buffers else {"padding": (1, 1), **(convolution or {})}
            children[int(index)] = torch_writer.module(f"torchx.nn.{kind}", None, tensors, buffers, **attributes)
        last = max(children)
        for index in range(last + 3):
            if index not in children:
                before = children.get(index - 1)
                is_function = before is not None and type(before).__name__ == "BatchNorm2d"
                kind, settings = pool or ("MaxPool2d", {})
                settings = {"kernel_size": 2, "stride": 2, "padding": 0, "ceil_mode": False} | settings
                children[index] = self.layer(function) if is_function else self.layer(kind, **settings)
        children |= extra or {}
        return sequential(*(children[index] for index in sorted(children)))

    def source(self, features, *before):
        head = torch_writer.module("torchx.nn.Linear", parameters={"weight": numbers(3, 8), "bias": numbers(3)})
        tail = [self.layer("AdaptiveAvgPool2d", output_size=1), self.layer("Flatten"), head]
        return torch_writer.save(self.folder / "m.pth", sequential(*before, features, *tail))

    def test_as_it_should_be(self):
        """Somebody's own network is taken where its modules tell all of it."""
        card, _ = self.convert(self.source(self.vgg()))
        self.assertEqual([item["kind"] for item in card["head"]], ["global_average_pool", "dense"])
        self.assertRegex(self.run_converter(self.source(self.vgg()))[1], "  base +vgg11_bn .*, and the pickled model's modules")

    def test_exchanged_layers(self):
        for options, pattern in (
            ({"function": "Softplus"}, r"layer 0\.2 \(Softplus\) is in the base: vgg11_bn has relu"),
            ({"function": "Mish"}, r"\(Mish\) is in the base"),
            ({"function": "Identity"}, "the base has 0 layers of relu, vgg11_bn has 8"),
            ({"pool": ("AvgPool2d", {})}, r"\(AvgPool2d: kernel_size 2.*is in the base: vgg11_bn has max pool of 2, stride 2"),
            ({"pool": ("MaxPool2d", {"ceil_mode": True})}, "ceil_mode True"),
            ({"pool": ("MaxPool2d", {"kernel_size": 3, "padding": 1})}, "kernel_size 3"),
            ({"pool": ("Identity", {})}, "the base has 0 poolings, vgg11_bn has 5"),
            ({"convolution": {"padding_mode": "circular"}}, "pads by circular, zeros are supported"),
            ({"convolution": {"padding": (0, 0)}}, "has the padding .0, 0."),
        ):  # fmt: skip
            with self.subTest(**options):
                self.assert_refused(self.source(self.vgg(**options)), pattern)

    def test_layers_before_the_base(self):
        self.assert_refused(self.source(self.vgg(), self.layer("Upsample")), r"layer 0 \(Upsample\) stands before the base")
        normalise = self.layer("Normalize", mean=[0.5, 0.25, 0.125], std=[0.5, 0.25, 0.75])
        path = self.source(self.vgg(), normalise)
        image = self.convert(path)[0]["input"]
        numpy.testing.assert_allclose([image["scale"], *image["mean"], *image["std"]], [1 / 255, 0.5, 0.25, 0.125, 0.5, 0.25, 0.75])
        self.assertRegex(self.run_converter(path)[1], r"! preprocessing .*0 \(Normalize\) before the base.*a picture in 0…1")

    def test_a_class_of_ones_own(self):
        network = torch_writer.module("mine.Net", {"net": self.vgg(), "fc": torch_writer.module(
            "torchx.nn.Linear", parameters={"weight": numbers(3, 8), "bias": numbers(3)},
        )})  # fmt: skip
        out = self.run_converter(torch_writer.save(self.folder / "m.pth", network))[1]
        self.assertRegex(out, "! base .*the code of Net is not in the file")

    def test_state_dict_of_ones_own_network(self):
        path = write_safetensors(self.folder / "m.safetensors", filled(vgg_shapes()) | linear("fc", 8, 3))
        self.assert_refused(path, "a network of one's own.*export it as ONNX, or --architecture vgg11_bn")
        # A convolution, its function, a pooling and a dropout, whose numbers would be two poolings.
        shapes = {f"features.{4 * stage}.weight": (8, 8 if stage else 3, 3, 3) for stage in range(3)}
        with self.assertRaisesRegex(families.NotOfFamily, "features.3 follows no convolution"):
            families.vgg(shapes)

    def test_names_of_other_networks(self):
        shapes = filled(resnet_shapes()) | linear("fc", 32, 3)
        path = write_safetensors(self.folder / "m.safetensors", shapes)
        self.assert_refused(path, "resnetblur50 has the tensors of another network", "--architecture", "resnetblur50")
        self.assert_refused(path, "test_convnext2 has the tensors of another network", "--architecture", "test_convnext2")
        self.assert_refused(path, "--architecture densenet121: the tensors are those of resnet18", "--architecture", "densenet121")
        self.convert(path, "--architecture", "tv_resnet18.in1k")
        self.output.unlink()
        path = torch_writer.save(self.folder / "m.pth", {"arch": "resnetblur50", "state_dict": shapes})
        self.assert_refused(path, "arch in the checkpoint: resnetblur50 has the tensors of another network")


class Folders(ConverterTest):
    """Folders of hubs: names mapped, configuration read, labels in."""

    def folder_of(self, tensors, **files):
        write_safetensors(self.folder / "model.safetensors", tensors)
        for name, content in files.items():
            (self.folder / f"{name}.json").write_text(json.dumps(content))
        return self.folder

    def mobile(self, names):
        """MobileNetV2 under the names of another library."""
        tensors = base() | linear("classifier", 1280, 2)
        known = naming.rename(names)
        return {old: tensors.get(new, tensors.get(new.replace("mobilenet_v2.features", "features"))) for new, old in known.names.items()}

    def timm_names(self):
        names = ["conv_stem.weight", "conv_head.weight", "classifier.weight", "classifier.bias"]
        parts = ("weight", "bias", "running_mean", "running_var")
        names += [f"{bn}.{part}" for bn in ("bn1", "bn2") for part in parts]
        for stage, count in enumerate((1, 2, 3, 4, 3, 3, 1)):
            for index in range(count):
                layers = ("conv_dw", "conv_pw") if stage == 0 else ("conv_pw", "conv_dw", "conv_pwl")
                for number, layer in enumerate(layers, start=1):
                    names.append(f"blocks.{stage}.{index}.{layer}.weight")
                    names += [f"blocks.{stage}.{index}.bn{number}.{part}" for part in parts]
        return names

    def test_timm(self):
        tensors = self.mobile(self.timm_names())
        self.assertEqual(len([value for value in tensors.values() if value is None]), 0)
        cfg = {"input_size": [3, 96, 96], "crop_pct": 0.75, "interpolation": "bicubic", "mean": [0.5] * 3, "std": [0.5] * 3}
        config = {"architecture": "mobilenetv2_035", "label_names": ["cat", "dog"], "pretrained_cfg": cfg}
        card, _ = self.convert(self.folder_of(tensors, config=config))
        self.assertEqual((card["architecture"], card["labels"]), ("mobilenet_v2", ["cat", "dog"]))
        self.assertEqual(card["config"], {"width": 0.35, "epsilon": 1e-5, "padding": "symmetric"})
        self.assertEqual((card["input"]["height"], card["input"]["resize_side"]), (96, 128))
        card, _ = self.convert(self.folder_of(tensors, config=config | {"architecture": "tf_mobilenetv2_035"}))
        self.assertEqual(card["config"], {"width": 0.35, "epsilon": 1e-3, "padding": "same"})

    def test_what_timm_was_told(self):
        """global_pool is read, in either place; what else model_args change is not in the tensors."""
        tensors = self.mobile(self.timm_names())
        config = {"architecture": "mobilenetv2_035", "num_classes": 2, "global_pool": "max"}
        for given in (config, config | {"global_pool": "avg", "model_args": {"global_pool": "max", "drop_rate": 0.2}}):
            card, _ = self.convert(self.folder_of(tensors, config=given))
            self.assertEqual(card["head"][0], {"kind": "global_max_pool"})
        self.assertRegex(self.run_converter(self.folder)[1], r"  pooling +max \(config.json\)")
        self.output.unlink()
        self.folder_of(tensors, config=config | {"global_pool": "avgmax"})
        self.assert_refused(self.folder, "the pooling 'avgmax'")
        self.folder_of(tensors, config=config | {"model_args": {"act_layer": "silu"}})
        self.assert_refused(self.folder, "model_args sets act_layer")

    def test_timm_without_its_name(self):
        path = write_safetensors(self.folder / "m.safetensors", self.mobile(self.timm_names()))
        self.assert_refused(path, "--architecture NAME")
        card, _ = self.convert(path, "--architecture", "mobilenetv2_035")
        self.assertEqual(card["config"]["padding"], "symmetric")

    def test_networks_that_are_not_known(self):
        self.folder_of({"a.weight": numbers(2, 2)}, config={"model_type": "vit", "architectures": ["ViTForImageClassification"]})
        self.assert_refused(self.folder, "vit is no convolutional network.*export it as ONNX")
        # Beside a file of another name it lies by chance.
        path = write_safetensors(self.folder / "mine.safetensors", base() | linear("classifier.1", 1280, 3))
        self.assertEqual(len(self.convert(path)[0]["labels"]), 3)

    def test_residual_networks_of_transformers(self):
        shapes = resnet_shapes(deep=True)
        names = hugging_face_names(shapes)
        tensors = {names[name]: value for name, value in filled(shapes).items()} | linear("classifier.1", 128, 2)
        config = {"model_type": "resnet", "id2label": {"0": "cat", "1": "dog"}, "problem_type": "multi_label_classification"}
        folder = self.folder_of(tensors, config=config)
        card, _ = self.convert(folder)
        self.assertEqual((card["architecture"], card["output"], card["labels"]), ("graph", "sigmoid", ["cat", "dog"]))
        self.folder_of(tensors, config=config | {"downsample_in_bottleneck": True})
        self.output.unlink()
        self.assert_refused(folder, "downsample_in_bottleneck is True")

    def test_teachable_machine(self):
        from keras_files import Net, base as keras_base, dense

        net = Net("model", sequential=True)
        net.input((224, 224, 3))
        net.nest(keras_base(size=224))
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "hidden", 1280, 100, "relu")
        dense(net, "predictions", 100, 2, "softmax", bias=False)
        net.save_h5(self.folder / "keras_model.h5")
        (self.folder / "labels.txt").write_text("0 cat\n1 big dog\n")
        card, _ = self.convert(self.folder)
        self.assertEqual(card["labels"], ["cat", "big dog"])
        self.assertEqual((card["input"]["resize"], card["input"]["resize_side"]), ("lanczos", 224))


def hugging_face_names(shapes):
    """A ResNet's names in transformers."""
    result = {}
    for name in shapes:
        first, *rest = name.split(".")
        if first in ("conv1", "bn1"):
            kind = "convolution" if first == "conv1" else "normalization"
            result[name] = f"resnet.embedder.embedder.{kind}.{rest[-1]}"
            continue
        layer = f"resnet.encoder.stages.{int(first[-1]) - 1}.layers.{rest[0]}"
        kind = rest[1]
        if kind == "downsample":
            result[name] = f"{layer}.shortcut.{('convolution', 'normalization')[int(rest[2])]}.{rest[-1]}"
        else:
            part = "convolution" if kind.startswith("conv") else "normalization"
            result[name] = f"{layer}.layer.{int(kind[-1]) - 1}.{part}.{rest[-1]}"
    return result


class Graphs(ConverterTest):
    """Bases of families become graph cards that can be computed."""

    def check(self, card, tensors):
        """Every input of every node is there before it, and every tensor and node is used."""
        known, used = {"input"} | set(tensors), set()
        for node in card["graph"]["nodes"]:
            self.assertLessEqual(set(node["inputs"]), known, node)
            self.assertNotIn(node["name"], known)
            known.add(node["name"])
            used |= set(node["inputs"])
        heads = {f"{item['name']}.{part}" for item in card["head"] if "name" in item for part in ("weight", "bias")}
        self.assertEqual(set(tensors) - used - heads, set())
        names = {node["name"] for node in card["graph"]["nodes"]}
        self.assertEqual(names - used, {card["graph"]["output"]})
        self.assertIn(card["layers"]["default"], names)
        self.assertLessEqual(set(card["layers"]["aliases"].values()), names)
        self.assertNotIn("config", card)

    def converted(self, shapes, *head, options=(), prefix=""):
        tensors = filled(shapes, prefix)
        for part in head:
            tensors |= part
        card, tensors = self.convert(write_safetensors(self.folder / "m.safetensors", tensors), *options)
        self.check(card, tensors)
        return card, {node["name"]: node for node in card["graph"]["nodes"]}

    def test_residual_networks(self):
        card, nodes = self.converted(resnet_shapes(), linear("fc", 32, 3), options=["--input-size", "75x99"])
        self.assertEqual(nodes["conv1"]["attributes"], {"kernel": [7, 7], "stride": [2, 2], "padding": [3, 3, 3, 3]})
        self.assertEqual(nodes["layer2.0.conv1"]["attributes"]["stride"], [2, 2])
        self.assertEqual(nodes["layer2.0.sum"]["inputs"], ["layer2.0.downsample", "layer2.0.bn2"])
        self.assertEqual((card["layers"]["default"], card["layers"]["aliases"]["layer4"]), ("layer4.1", "layer4.1"))
        _, nodes = self.converted(resnet_shapes(deep=True, groups=4), linear("net.fc", 128, 3), prefix="net.")
        self.assertEqual(nodes["layer1.0.conv2"]["attributes"]["groups"], 4)
        self.assertEqual([nodes[f"layer2.0.conv{i}"]["attributes"].get("stride") for i in (1, 2, 3)], [None, [2, 2], None])

    def test_a_residual_network_taken_apart(self):
        table = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}
        shapes = {f"0.{table[name.split('.')[0]]}.{name.split('.', 1)[1]}": shape for name, shape in resnet_shapes().items()}
        card, _ = self.converted(shapes, linear("2", 32, 3))
        self.assertEqual(card["graph"]["output"], "layer4.1")

    def test_what_is_not_quite_of_a_family(self):
        shapes = resnet_shapes()
        del shapes["layer3.1.bn2.bias"]
        path = write_safetensors(self.folder / "m.safetensors", filled(shapes) | linear("fc", 32, 3))
        self.assert_refused(path, "not quite .*layer3.1.bn2.bias is missing")
        shapes = resnet_shapes() | {"layer4.1.attention.weight": (3, 3)}
        path = write_safetensors(self.folder / "m.safetensors", filled(shapes) | linear("fc", 32, 3))
        self.assert_refused(path, "layer4.1.attention.weight is unexpected")
        shapes = resnet_shapes() | {"conv1.weight": (8, 3, 3, 3)}
        path = write_safetensors(self.folder / "m.safetensors", filled(shapes) | linear("fc", 32, 3))
        self.assert_refused(path, "small pictures.*ONNX")
        for stem, axes in (((8, 3, 7), "1 axis"), ((8, 1, 7, 7, 7), "3 axes")):
            path = write_safetensors(self.folder / "m.safetensors", filled(resnet_shapes() | {"conv1.weight": stem}) | linear("fc", 32, 3))
            self.assert_refused(path, f"first convolution is over {axes}")

    def test_channels_of_the_picture(self):
        for channels, order in ((1, "grey"), (4, "rgba")):
            card, nodes = self.converted(resnet_shapes(channels=channels), linear("fc", 32, 3))
            image = card["input"]
            self.assertEqual((image["channels"], image["channel_count"], len(image["mean"])), (order, channels, channels))
            own = base()
            own["features.0.0.weight"] = numbers(16, channels, 3, 3)
            path = write_safetensors(self.folder / "m.safetensors", own | linear("classifier.1", 1280, 3))
            card, tensors = self.convert(path)
            self.check(card, tensors)

    def test_densenets(self):
        small = densenet("densenet", (2, 2), 4, 8).tensors()
        card, nodes = self.converted(small, linear("classifier", 16, 3), options=["--input-size", "64"])
        self.assertEqual(nodes["features.transition1"]["primitive"], "average_pool")
        self.assertEqual(card["graph"]["output"], "features.relu5")

    def test_vgg_with_norms(self):
        shapes = vgg_shapes()
        card, nodes = self.converted(shapes, linear("classifier.0", 8 * 49, 3), options=["--architecture", "vgg11_bn"])
        self.assertEqual(sum(node["primitive"] == "max_pool" for node in nodes.values()), 5)
        self.assertEqual(card["head"][0], {"kind": "adaptive_average_pool", "size": [7, 7]})
        self.assertEqual(card["layers"]["default"], "features.27")

    def test_efficientnets(self):
        for size, count in (("b0", 211), ("b4", 416)):  # Without its head, and without statistics.
            self.assertEqual(sum("running" not in name for name in families.efficientnet(size).tensors()), count)
        arch = families.efficientnet("b0")
        graph = graph_steps.graph(arch, (75, 99), "same", 1e-3)
        stem = graph["nodes"][0]
        # 75 needs one row before and one behind, 99 the same: an odd extent pads evenly.
        self.assertEqual(stem["attributes"]["padding"], [1, 1, 1, 1])
        graph = graph_steps.graph(arch, (64, 64), "same", 1e-3)
        self.assertEqual(graph["nodes"][0]["attributes"]["padding"], [0, 0, 1, 1])

    def test_efficientnets_v2(self):
        # By their tensors the known ones are what their tables say.
        for name in ("efficientnet_v2_s", "efficientnet_v2_m", "efficientnet_v2_b0"):
            known = architecture(name)
            found = families.any_efficientnet_v2(known.tensors())
            self.assertEqual(found.steps, known.steps)
            self.assertEqual(found.layer, known.layer)
        for missing in ("features.6.", "features.1."):
            shapes = {name: shape for name, shape in known.tensors().items() if not name.startswith(missing)}
            with self.assertRaises((families.NotOfFamily, KeyError)):
                families.any_efficientnet_v2(shapes)
        with self.assertRaisesRegex(families.NotOfFamily, "fused blocks first"):
            families.any_efficientnet_v2(families.efficientnet("b0").tensors())

    def test_names_are_unique(self):
        for arch in (families.efficientnet("b0"), architecture("densenet121"), architecture("efficientnet_v2_b0")):
            names = node_names(arch)
            self.assertEqual(len(names), len(set(names)))
            self.assertEqual(set(names) & set(arch.tensors()), set())

    def test_torchxrayvision(self):
        arch = architecture("densenet121")
        tensors = {name: numpy.ones(shape, "float32") for name, shape in arch.tensors().items()}
        tensors["features.conv0.weight"] = numbers(64, 1, 7, 7)
        tensors |= linear("classifier", 1024, 18)
        card, found = self.convert(write_safetensors(self.folder / "m.safetensors", tensors))
        self.check(card, found)
        image = card["input"]
        self.assertEqual((card["output"], card["labels"][13], image["resize_side"]), ("sigmoid", "Hernia", 224))
        self.assertEqual((image["channels"], image["channel_count"], image["mean"], image["std"]), ("grey", 1, [1024], [1]))
        self.assertAlmostEqual(image["scale"] * 255, 2048)
        self.assertNotIn("thresholds", card)
        name = "nih-densenet121-d121-tw-lr001-rot45-tr15-sc15-seed0-best.safetensors"
        card, _ = self.convert(write_safetensors(self.folder / name, tensors))
        self.assertEqual((card["thresholds"][0], card["thresholds"][-1]), (0.039117552, 0.5))
        self.assertEqual(card["labels"][-1], "Enlarged Cardiomediastinum (not learnt)")


if __name__ == "__main__":
    unittest.main()
