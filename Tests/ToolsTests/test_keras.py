"""Keras files: both generations of formats, nesting, preprocessing, heads, and what is refused."""

import base64
import io
import json
import pathlib
import unittest
import zipfile

import graph_interpreter
import h5py
import numpy
from support import ConverterTest, read_flat

from keras_files import Net, add_base, base, classifier, dense, norm_weights, numbers
from prism_convert import limits


def tensor_argument(values):
    return {"class_name": "__tensor__", "config": {"value": values, "dtype": "float32"}}


class Formats(ConverterTest):
    def check(self, card, tensors, net):
        self.assertEqual(card["architecture"], "mobilenet_v2")
        self.assertEqual(card["config"], {"width": 0.35, "epsilon": 0.001, "padding": "same"})
        self.assertEqual(
            card["head"],
            [
                {"kind": "global_average_pool"},
                {"kind": "dropout", "rate": 0.25},
                {"kind": "dense", "name": "classifier.1", "units": 3, "activation": "linear"},
            ],
        )
        self.assertEqual(card["output"], "softmax")
        self.assertEqual(len(tensors), 262)
        weights = dict(net.flat_weights())
        kernel = weights["conv_0"]["kernel"]
        numpy.testing.assert_array_equal(tensors["features.0.0.weight"], kernel.transpose(3, 2, 0, 1))
        depthwise = weights["conv_3"]["kernel"]
        self.assertEqual(tensors["features.1.conv.0.0.weight"].shape, (16, 1, 3, 3))
        numpy.testing.assert_array_equal(tensors["features.1.conv.0.0.weight"], depthwise.transpose(2, 3, 0, 1))
        norm = weights["batch_norm_1"]
        for ours, theirs in (
            ("weight", "gamma"),
            ("bias", "beta"),
            ("running_mean", "moving_mean"),
            ("running_var", "moving_variance"),
        ):
            numpy.testing.assert_array_equal(tensors[f"features.0.1.{ours}"], norm[theirs])
        numpy.testing.assert_array_equal(tensors["classifier.1.weight"], weights["predictions"]["kernel"].T)
        numpy.testing.assert_array_equal(tensors["classifier.1.bias"], weights["predictions"]["bias"])

    def test_keras_3_h5(self):
        net = classifier()
        self.check(*self.convert(net.save_h5(self.folder / "m.h5")), net)

    def test_keras_2_h5(self):
        net = classifier(keras=2)
        self.check(*self.convert(net.save_h5(self.folder / "m.h5")), net)

    def test_keras_archive(self):
        net = classifier()
        self.check(*self.convert(net.save_keras(self.folder / "m.keras")), net)

    def test_seeds_and_optimizer_in_the_archive(self):
        net = classifier()
        path = net.save_keras(self.folder / "m.keras")
        with zipfile.ZipFile(path) as archive:
            config, weights = archive.read("config.json"), archive.read("model.weights.h5")
        buffer = io.BytesIO(weights)
        with h5py.File(buffer, "r+") as file:
            file["layers/dropout/seed_generator/vars/0"] = numpy.zeros(2, "uint32")
            file["optimizer/vars/0"] = numpy.array(3, "int64")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", config)
            archive.writestr("model.weights.h5", buffer.getvalue())
        self.check(*self.convert(path), net)

    def test_sequential(self):
        net = Net("model", sequential=True)
        net.input((64, 64, 3))
        net.nest(base())
        net.add("GlobalAveragePooling2D", "pool")
        net.add("Dropout", "dropout", config={"rate": 0.25})
        dense(net, "predictions", 1280, 3, "softmax")
        self.check(*self.convert(net.save_h5(self.folder / "m.h5")), net)
        self.check(*self.convert(net.save_keras(self.folder / "m.keras")), net)

    def test_nested_twice(self):
        inner = Net("features")
        inner.input((64, 64, 3), "inner_input_2")
        inner.nest(base())
        inner.add("GlobalAveragePooling2D", "pool")
        for save in ("save_h5", "save_keras"):
            net = Net("model")
            net.input((64, 64, 3))
            net.nest(inner)
            net.add("Dropout", "dropout", config={"rate": 0.25})
            dense(net, "predictions", 1280, 3, "softmax")
            self.check(*self.convert(getattr(net, save)(self.folder / "m")), net)

    def test_base_is_not_nested(self):
        net = Net("model")
        add_base(net, net.input((64, 64, 3)))
        net.add("GlobalAveragePooling2D", "pool")
        net.add("Dropout", "dropout", config={"rate": 0.25})
        dense(net, "predictions", 1280, 3, "softmax")
        self.check(*self.convert(net.save_h5(self.folder / "m.h5")), net)

    def test_keras_2_refers_to_a_nested_model_by_its_second_call(self):
        net = classifier(keras=2)
        path = net.save_h5(self.folder / "m.h5")
        with h5py.File(path, "r+") as file:
            text = file.attrs["model_config"].replace('["mobilenetv2_0.35", 0, 0', '["mobilenetv2_0.35", 1, 0')
            self.assertIn("1, 0", text)
            file.attrs["model_config"] = text
        self.check(*self.convert(path), net)

    def test_long_lists_of_names_are_split(self):
        net = classifier()
        path = net.save_h5(self.folder / "m.h5")
        with h5py.File(path, "r+") as file:
            group = file["model_weights"]["mobilenetv2_0.35"]
            names = list(group.attrs["weight_names"])
            del group.attrs["weight_names"]
            group.attrs["weight_names0"], group.attrs["weight_names1"] = names[:100], names[100:]
        self.check(*self.convert(path), net)

    def test_aliases_and_layer(self):
        card, _ = self.convert(classifier().save_h5(self.folder / "m.h5"))
        self.assertEqual(card["layers"]["default"], "features.18")
        aliases = card["layers"]["aliases"]
        last = [name for name, value in aliases.items() if value == "features.18"]
        self.assertEqual(len(last), 1)
        self.assertTrue(last[0].startswith("activation_"))
        # A norm or convolution that an activation follows is no value of its own.
        self.assertFalse(any(name in aliases for name in ("conv_0", "batch_norm_1")))

    def test_other_epsilon_and_no_scale(self):
        net = Net("model")
        add_base(net, net.input((64, 64, 3)), epsilon=1e-4)
        for index, layer in enumerate(net.layers):
            if layer[0] == "BatchNormalization":
                layer[2]["scale"] = False
                del layer[4]["gamma"]
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        for path in (net.save_h5(self.folder / "m.h5"), net.save_keras(self.folder / "m.keras")):
            card, tensors = self.convert(path)
            self.assertEqual(card["config"]["epsilon"], 1e-4)
            self.assertTrue((tensors["features.0.1.weight"] == 1).all())
            self.assertFalse((tensors["features.0.1.bias"] == 1).all())


class Padding(ConverterTest):
    """Explicit padding layers are right for one parity of sizes only."""

    def net(self, size, **options):
        net = Net("model")
        add_base(net, net.input((size, size, 3)), **options)
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        return net.save_h5(self.folder / "m.h5")

    def test_same(self):
        card, _ = self.convert(self.net(64, pad_layers=False))
        self.assertEqual(card["config"]["padding"], "same")
        card, _ = self.convert(self.net(75, pad_layers=False))
        self.assertEqual(card["config"]["padding"], "same")

    def test_padding_layers_that_do_not_fit_the_size(self):
        path = self.net(64)
        self.convert(path)
        self.output.unlink()
        card, _ = self.convert(path, "--input-size", "70")
        self.assertEqual(card["architecture"], "graph")

    def test_any_size_needs_one(self):
        net = Net("model")
        add_base(net, net.input((None, None, 3)))
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        path = net.save_h5(self.folder / "m.h5")
        self.assert_refused(path, "--input-size")
        card, _ = self.convert(path, "--input-size", "96x64")
        self.assertEqual((card["input"]["height"], card["input"]["width"]), (96, 64))


class Preprocessing(ConverterTest):
    def input_of(self, *before, options=(), keras=3):
        card, _ = self.convert(classifier(keras, before=before).save_h5(self.folder / "m.h5"), *options)
        return card["input"]

    def assert_maps(self, image, expected, channels="rgb"):
        """The card's map of pixel 0, 100 and 255, per channel."""
        self.assertEqual(image["channels"], channels)
        for pixel in (0, 100, 255):
            found = [(pixel * image["scale"] - m) / s for m, s in zip(image["mean"], image["std"])]
            numpy.testing.assert_allclose(found, numpy.broadcast_to(expected(pixel), 3), rtol=1e-6, atol=1e-6)

    def test_teachable_machine(self):
        def head(net):
            net.add("GlobalAveragePooling2D", "pool", config={"data_format": "channels_last"})
            dense(net, "dense_1", 1280, 100, "relu")
            dense(net, "dense_2", 100, 3, "softmax", bias=False)

        source = classifier(size=224, head=head).save_h5(self.folder / "keras_model.h5")
        image = self.convert(source)[0]["input"]
        self.assertEqual((image["resize"], image["resize_side"], image["mean"]), ("lanczos", 224, [1, 1, 1]))
        image = self.convert(source, "--crop", "none", "--resize", "bilinear")[0]["input"]
        self.assertEqual((image["resize"], image.get("resize_side")), ("bilinear", None))
        # Any other model of Keras sees the whole picture.
        image = self.convert(classifier(size=224).save_h5(self.folder / "m.h5"))[0]["input"]
        self.assertEqual((image["resize"], image.get("resize_side")), ("bilinear", None))

    def test_centre_after_a_resize(self):
        """Keras 3 writes training=True for all of these layers, which do the same in training or nothing at inference."""
        flag = {"training": True}
        before = [
            ("RandAugment", "augment", {"value_range": [0, 255]}, flag), ("MixUp", "mix", {}, flag),
            ("Resizing", "resize", {"height": 80, "width": 80, "crop_to_aspect_ratio": True}, flag),
            ("CenterCrop", "crop", {"height": 64, "width": 64}, flag),
        ]  # fmt: skip
        image = self.convert(classifier(size=None, before=before).save_h5(self.folder / "m.h5"))[0]["input"]
        self.assertEqual((image["height"], image["width"], image["resize_side"]), (64, 64, 80))
        self.assertRegex(self.run_converter(self.folder / "m.h5")[1], "! crop .*shorter side to 80.*Keras cuts the picture and then resizes it")
        before[2][2]["crop_to_aspect_ratio"] = False
        self.output.unlink()
        self.assert_refused(classifier(size=None, before=before).save_h5(self.folder / "m.h5"), "squeezes the picture and layer crop")
        self.assert_refused(classifier(before=before[3:]).save_h5(self.folder / "m.h5"), "without a Resizing before it")
        net = Net("model")
        net.input((64, 64, 3))
        net.nest(base(), call=flag)
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 3)
        self.assert_refused(net.save_h5(self.folder / "m.h5"), "called with training=True")

    def test_habit_of_the_family(self):
        status, out, _ = self.run_converter(classifier().save_h5(self.folder / "m.h5"))
        self.assertEqual(status, 0)
        self.assertRegex(out, "! preprocessing .*ASSUMED: the tf way")
        image = self.input_of()
        self.assertEqual((image["scale"], image["mean"], image["std"]), (0.00784313725490196, [1, 1, 1], [1, 1, 1]))

    def test_options(self):
        mean, std = numpy.array([0.485, 0.456, 0.406]), numpy.array([0.229, 0.224, 0.225])
        self.assert_maps(self.input_of(options=["--preprocess", "torch"]), lambda p: (p / 255 - mean) / std)
        self.assert_maps(self.input_of(options=["--preprocess", "unit"]), lambda p: p / 255)
        self.assert_maps(self.input_of(options=["--preprocess", "raw"]), lambda p: p)
        caffe = self.input_of(options=["--preprocess", "caffe"])
        self.assert_maps(caffe, lambda p: p - numpy.array([103.939, 116.779, 123.68]), channels="bgr")

    def test_rescaling(self):
        layer = ("Rescaling", "scale", {"scale": 1 / 127.5, "offset": -1})
        self.assert_maps(self.input_of(layer), lambda p: p / 127.5 - 1)
        layer = ("Rescaling", "scale", {"scale": [0.1, 0.2, 0.3], "offset": [1, 2, 3]})
        self.assert_maps(self.input_of(layer), lambda p: p * numpy.array([0.1, 0.2, 0.3]) + [1, 2, 3])

    def test_normalization_of_the_configuration(self):
        layers = [
            ("Rescaling", "scale", {"scale": 1 / 255, "offset": 0.0}),
            ("Normalization", "norm", {"axis": [-1], "mean": [0.5, 0.4, 0.3], "variance": [0.04, 0.09, 0.16]}),
        ]
        expected = lambda p: (p / 255 - numpy.array([0.5, 0.4, 0.3])) / [0.2, 0.3, 0.4]
        self.assert_maps(self.input_of(*layers), expected)

    def test_adapted_normalization(self):
        for save in ("save_h5", "save_keras"):
            net = Net("model")
            net.input((64, 64, 3))
            weights = {
                "mean": numpy.array([100, 110, 120], "float32"),
                "variance": numpy.array([16, 25, 36], "float32"),
                "count": numpy.array(7, "int64"),
            }
            net.add("Normalization", "norm", config={"axis": [-1]}, weights=weights)
            net.nest(base())
            net.add("GlobalAveragePooling2D", "pool")
            dense(net, "predictions", 1280, 2, "softmax")
            card, _ = self.convert(getattr(net, save)(self.folder / "m"))
            self.assert_maps(card["input"], lambda p: (p - numpy.array([100, 110, 120])) / [4, 5, 6])

    def test_normalization_that_was_never_adapted(self):
        path = classifier(before=[("Normalization", "norm", {"axis": [-1]})]).save_h5(self.folder / "m.h5")
        self.assert_refused(path, r"layer norm \(Normalization\).*never adapted")

    def test_operations_of_keras_3(self):
        flip = {"args": [[{"class_name": "__ellipsis__", "config": {}}, {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": -1}}]]}
        layers = [
            ("GetItem", "get_item", {}, flip),
            ("TrueDivide", "divide", {}, {"args": [2.0]}),
            ("Add", "add", {}, {"args": [tensor_argument([[[[-1.0, -2.0, -3.0]]]])]}),
            ("Multiply", "multiply", {}, {"args": [tensor_argument([2.0, 3.0, 4.0])]}),
        ]
        expected = lambda p: (p / 2 - numpy.array([1, 2, 3])) * [2, 3, 4]
        self.assert_maps(self.input_of(*layers, options=["--preprocess", "none"]), expected, channels="bgr")

    def test_constant_minus_image(self):
        """A negative scale is nothing that a card can say."""
        net = classifier(before=[("Subtract", "negative", {}, {"args": [1.0]})])
        path = net.save_h5(self.folder / "m.h5")
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            entry = next(e for e in config["config"]["layers"] if e["name"] == "negative")
            entry["inbound_nodes"][0]["args"].reverse()
            file.attrs["model_config"] = json.dumps(config)
        self.assert_refused(path, "bright into dark")

    def test_a_constant_of_the_wrong_shape(self):
        layer = ("Add", "add", {}, {"args": [tensor_argument([[[1.0]], [[2.0]], [[3.0]]])]})
        path = classifier(before=[layer]).save_h5(self.folder / "m.h5")
        self.assert_refused(path, r"layer add \(Add\) with a constant of shape \(3, 1, 1\)")

    def test_functions_of_tensorflow(self):
        flip = {"function": "", "slice_spec": [{"class_name": "__ellipsis__"}, {"start": None, "stop": None, "step": -1}]}
        layers = [
            ("SlicingOpLambda", "tf.__operators__.getitem", {"function": "__operators__.getitem"}, flip),
            ("TFOpLambda", "tf.nn.bias_add", {"function": "nn.bias_add"}, {"function": "", "bias": [-1.0, -2.0, -3.0], "data_format": "NHWC"}),
            ("TFOpLambda", "tf.math.truediv", {"function": "math.truediv"}, {"function": "", "y": 4.0, "name": None}),
            ("TFOpLambda", "tf.math.subtract", {"function": "math.subtract"}, {"function": "", "y": 1.0, "name": None}),
            ("TFOpLambda", "tf.cast", {"function": "cast"}, {"function": "", "dtype": "float32"}),
        ]
        expected = lambda p: (p - numpy.array([1, 2, 3])) / 4 - 1
        self.assert_maps(self.input_of(*layers, keras=2, options=["--preprocess", "none"]), expected, channels="bgr")

    def test_pixels_that_were_divided_before(self):
        """Layers for pixels of 0…1, and layers that do not tell, are told from those for 0…255."""
        norm = ("Normalization", "norm", {"axis": [-1], "mean": [0.5, 0.4, 0.3], "variance": [0.04, 0.09, 0.16]})
        expected = lambda p: (p / 255 - numpy.array([0.5, 0.4, 0.3])) / [0.2, 0.3, 0.4]
        self.assert_maps(self.input_of(norm), expected)
        status, out, _ = self.run_converter(self.folder / "m.h5")
        self.assertRegex(out, r"! preprocessing .*ASSUMED: the source's own layers seem to be for pixels of 0…1; --preprocess none")
        twice = ("Rescaling", "scale", {"scale": 2.0, "offset": -1})
        self.assert_maps(self.input_of(twice), lambda p: p / 255 * 2 - 1)
        self.assert_maps(self.input_of(twice, options=["--preprocess", "none"]), lambda p: p * 2 - 1)
        flip = {"args": [[{"class_name": "__ellipsis__", "config": {}}, {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": -1}}]]}
        self.assert_maps(self.input_of(("GetItem", "get_item", {}, flip)), lambda p: p / 127.5 - 1, channels="bgr")
        status, out, _ = self.run_converter(self.folder / "m.h5")
        self.assertRegex(out, r"! preprocessing .*do not say of what scale")

    def test_the_option_comes_before_the_graph(self):
        layer = ("Rescaling", "scale", {"scale": 2.0, "offset": -1})
        image = self.input_of(layer, options=["--preprocess", "unit"])
        self.assert_maps(image, lambda p: p / 255 * 2 - 1)

    def test_augmentation_does_nothing(self):
        augmentation = Net("augmentation", sequential=True)
        augmentation.add("RandomFlip", "flip", config={"mode": "horizontal"})
        augmentation.add("RandomRotation", "rotate")
        augmentation.add("GaussianNoise", "noise")
        net = Net("model")
        net.input((64, 64, 3))
        net.nest(augmentation)
        net.add("RandomZoom", "zoom", call={"training": True})
        net.add("Rescaling", "scale", config={"scale": 1 / 255, "offset": 0.0})
        net.nest(base())
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        card, _ = self.convert(net.save_h5(self.folder / "m.h5"))
        self.assert_maps(card["input"], lambda p: p / 255)

    def test_resizing(self):
        net = Net("model")
        net.input((None, None, 3))
        net.add("Resizing", "resize", config={"height": 64, "width": 96, "interpolation": "nearest"})
        net.nest(base())
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        card, _ = self.convert(net.save_h5(self.folder / "m.h5"))
        self.assertEqual([card["input"][key] for key in ("height", "width", "resize")], [64, 96, "nearest"])
        self.assertRegex(self.run_converter(self.folder / "m.h5")[1], "  resize +nearest .the model's own layer resize")
        net.layers[1][2]["interpolation"] = "bilinear"  # Which the program rounds, and Keras does not.
        self.assertRegex(self.run_converter(net.save_h5(self.folder / "m.h5"))[1], "! resize +bilinear .*which are rounded to 0…255 here")
        net.layers[0][2]["batch_shape"] = [None, 128, 128, 3]
        self.assertRegex(self.run_converter(net.save_h5(self.folder / "m.h5"))[1], "! resize .*the model is given 128×128 and resizes that")
        net.layers[1][2]["antialias"] = True
        self.output.unlink()
        self.assert_refused(net.save_h5(self.folder / "m.h5"), r"layer resize \(Resizing\): antialias is not supported")

    def test_lambda_is_not_run(self):
        code = base64.b64encode(b"import os; os.system('touch x')").decode()
        for keras, function in ((2, [code, None, None]), (3, {"class_name": "__lambda__", "config": {"code": code}})):
            layer = ("Lambda", "scale", {"function": function})
            path = classifier(keras, before=[layer]).save_h5(self.folder / "m.h5")
            self.assert_refused(path, r"layer scale \(Lambda\) is Python code and is not run")

    def test_lambda_of_a_known_preprocess_input(self):
        function = {"class_name": "function", "config": "preprocess_input", "module": "keras.src.applications.densenet"}
        image = self.input_of(("Lambda", "scale", {"function": function}))
        self.assertEqual(image["std"], [0.229, 0.224, 0.225])
        function["module"] = "builtins"
        layer = ("Lambda", "scale", {"function": function})
        path = classifier(before=[layer]).save_h5(self.folder / "m.h5")
        self.output.unlink()
        self.assert_refused(path, "preprocess_input of an unknown model: --preprocess says which")
        self.assert_maps(self.input_of(layer, options=["--preprocess", "tf"]), lambda p: p / 127.5 - 1)


class Heads(ConverterTest):
    def with_head(self, head, *options, size=64):
        return self.convert(classifier(head=head, size=size).save_h5(self.folder / "m.h5"), *options)

    def test_chain(self):
        def head(net):
            net.add("GlobalMaxPooling2D", "pool")
            dense(net, "a", 1280, 8, "relu6")
            net.add("BatchNormalization", "norm", config={"axis": [1], "epsilon": 0.01}, weights=norm_weights(8))
            net.add("Dropout", "drop", config={"rate": 0.5})
            dense(net, "b", 8, 4, bias=False)
            net.add("Activation", "swish", config={"activation": "swish"})
            net.add("BatchNormalization", "norm2", config={"axis": -1, "epsilon": 0.02}, weights=norm_weights(4, 5))
            net.add("ReLU", "relu", config={})
            dense(net, "c", 4, 14)
            net.add("Activation", "end", config={"activation": "sigmoid"})

        card, tensors = self.with_head(head)
        self.assertEqual(
            card["head"],
            [
                {"kind": "global_max_pool"},
                {"kind": "dense", "name": "head.1", "units": 8, "activation": "relu6"},
                {"kind": "batch_norm", "name": "head.2", "epsilon": 0.01},
                {"kind": "dropout", "rate": 0.5},
                {"kind": "dense", "name": "head.4", "units": 4, "activation": "silu"},
                {"kind": "batch_norm", "name": "head.5", "epsilon": 0.02},
                {"kind": "activation", "function": "relu"},
                {"kind": "dense", "name": "head.7", "units": 14, "activation": "linear"},
            ],
        )
        self.assertEqual((card["output"], card["threshold"], len(card["labels"])), ("sigmoid", 0.5, 14))
        self.assertTrue((tensors["head.4.bias"] == 0).all())
        self.assertEqual(tensors["head.5.running_var"].shape, (4,))

    def flattened(self, order="channels_last"):
        """A head on a 2×3 map, with a norm between flatten and dense; returns the model and its Keras weights."""
        net = Net("model")
        shape = (64, 96, 3) if order == "channels_last" else (3, 64, 96)
        add_base(net, net.input(shape), order=order)
        net.add("Flatten", "flatten", config={"data_format": order})
        norm = norm_weights(2 * 3 * 1280)
        net.add("BatchNormalization", "norm", config={"axis": -1, "epsilon": 0.1}, weights=norm)
        dense(net, "predictions", 2 * 3 * 1280, 2, "softmax")
        return net, norm

    def test_flatten_is_reordered(self):
        for order in ("channels_last", "channels_first"):
            net, norm = self.flattened(order)
            card, tensors = self.convert(net.save_h5(self.folder / "m.h5"))
            self.assertEqual((card["input"]["height"], card["input"]["width"]), (64, 96))
            self.assertEqual(card["head"][0], {"kind": "flatten"})
            kernel = dict(net.flat_weights())["predictions"]["kernel"]
            # Keras flattens (height, width, channels), whatever the order of the map; torch (channels, height, width).
            for channel, row, column in ((0, 0, 0), (5, 1, 2), (1279, 0, 1), (700, 1, 0)):
                theirs = (row * 3 + column) * 1280 + channel
                ours = (channel * 2 + row) * 3 + column
                numpy.testing.assert_array_equal(tensors["head.2.weight"][:, ours], kernel[theirs])
                self.assertEqual(tensors["head.1.running_mean"][ours], norm["moving_mean"][theirs])

    def test_average_pooling_over_the_whole_map(self):
        def head(net):
            net.add("AveragePooling2D", "pool", config={"pool_size": [2, 2], "padding": "valid", "data_format": "channels_last"})
            net.add("Flatten", "flatten")
            dense(net, "predictions", 1280, 2, "softmax")

        card, _ = self.with_head(head)
        self.assertEqual([item["kind"] for item in card["head"]], ["global_average_pool", "dense"])
        path = classifier(head=head, size=128).save_h5(self.folder / "m.h5")
        self.output.unlink()
        self.assert_refused(path, r"layer pool \(AveragePooling2D\) with a window of \[2, 2\] on a map of 4×4")

    def test_norm_before_pooling_moves_behind_it(self):
        def head(net):
            config = {"axis": -1, "epsilon": 0.01}
            net.add("BatchNormalization", "norm", config=config, weights=norm_weights(1280))
            net.add("GlobalAveragePooling2D", "pool")
            dense(net, "predictions", 1280, 2, "softmax")

        card, _ = self.with_head(head)
        self.assertEqual([item["kind"] for item in card["head"]], ["global_average_pool", "batch_norm", "dense"])

    def test_binary(self):
        path = classifier(units=1, activation="sigmoid").save_h5(self.folder / "m.h5")
        card, _ = self.convert(path, "--labels", "cat,dog", "--threshold", "0.7")
        self.assertEqual((card["output"], card["labels"], card["threshold"]), ("binary", ["cat", "dog"], 0.7))
        card, _ = self.convert(path)
        self.assertEqual(card["labels"], ["negative", "positive"])
        self.output.unlink()
        self.assert_refused(path, "1 labels? given, 2 labels are needed", "--labels", "dog")

    def test_logits(self):
        path = classifier(activation="linear").save_h5(self.folder / "m.h5")
        status, out, _ = self.run_converter(path)
        self.assertEqual(status, 0)
        self.assertRegex(out, "! output +softmax .ASSUMED")
        card, _ = self.convert(path, "--activation", "sigmoid")
        self.assertEqual(card["output"], "sigmoid")
        path = classifier(units=1, activation="linear").save_h5(self.folder / "m.h5")
        self.assertEqual(self.convert(path)[0]["output"], "binary")

    def test_softmax_of_one(self):
        path = classifier(units=1, activation="softmax").save_h5(self.folder / "m.h5")
        self.assert_refused(path, "softmax over one output")

    def test_labels(self):
        path = classifier().save_h5(self.folder / "m.h5")
        self.assertEqual(self.convert(path)[0]["labels"], ["class 0", "class 1", "class 2"])
        labels = self.folder / "labels.txt"
        labels.write_text("Köln\nsecond, with comma\nthird\n\n", encoding="utf-8")
        self.assertEqual(self.convert(path, "--labels", labels)[0]["labels"], ["Köln", "second, with comma", "third"])
        for content in ('["a", "b", "c"]', '{"b": 1, "a": 0, "c": 2}', '{"0": "a", "2": "c", "1": "b"}'):
            listed = self.folder / "labels.json"
            listed.write_text(content)
            self.assertEqual(self.convert(path, "--labels", listed)[0]["labels"], ["a", "b", "c"])
        self.output.unlink()
        listed.write_text('{"a": 0, "b": 7}')
        self.assert_refused(path, "neither a list of labels", "--labels", listed)
        self.assert_refused(path, "2 labels given, 3 labels are needed", "--labels", "a,b")
        self.assert_refused(path, "label 1 is empty", "--labels", "a,,b")
        self.assert_refused(path, "there is no label file", "--labels", "nowhere.txt")
        self.assert_refused(path, "--threshold goes with sigmoid or binary", "--threshold", "0.4")

    def test_no_head(self):
        def head(net):
            net.add("GlobalAveragePooling2D", "pool")

        self.assert_refused(classifier(head=head).save_h5(self.folder / "m.h5"), "no classification head")

    def test_two_branches(self):
        def head(net):
            features = net.add("Dropout", "drop", config={"rate": 0.1})
            average = net.add("GlobalAveragePooling2D", "average", features)
            maximum = net.add("GlobalMaxPooling2D", "maximum", features)
            net.add("Concatenate", "join", average, maximum, config={"axis": -1})
            dense(net, "predictions", 2560, 2, "softmax")

        path = classifier(head=head).save_h5(self.folder / "m.h5")
        card, tensors = self.convert(path)
        self.assertEqual(card["architecture"], "mobilenet_v2")
        self.assertEqual(card["head"][0], {"kind": "global_concat_pool", "order": "average_max"})
        self.assertEqual(tensors[f"{card['head'][1]['name']}.weight"].shape, (2, 2560))

    def test_last_activation(self):
        path = classifier(activation="tanh").save_h5(self.folder / "m.h5")
        self.assert_refused(path, "last activation tanh")
        path = classifier(activation="gelu").save_h5(self.folder / "m.h5")
        self.assert_refused(path, "the last activation gelu is not supported")


class Vgg(ConverterTest):
    def test_vgg16_with_activations_inside_its_layers(self):
        net = Net("model")
        x = net.input((32, 32, 3))
        index = 0
        for block, (channels, repeats) in enumerate(((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)), start=1):
            for layer in range(1, repeats + 1):
                inputs = 3 if index == 0 else previous
                weights = {"kernel": numbers(3, 3, inputs, channels, seed=index), "bias": numbers(channels, seed=index)}
                config = {"filters": channels, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "activation": "relu", "use_bias": True, "data_format": "channels_last"}
                net.add("Conv2D", f"block{block}_conv{layer}", config=config, weights=weights)
                previous, index = channels, index + 1
            net.add("MaxPooling2D", f"block{block}_pool", config={"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"})
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 512, 2, "softmax")
        card, tensors = self.convert(net.save_h5(self.folder / "m.h5"))
        self.assertEqual((card["architecture"], card["config"]), ("vgg16", {"padding": "symmetric"}))
        self.assertEqual((card["input"]["channels"], card["input"]["mean"]), ("bgr", [103.939, 116.779, 123.68]))
        self.assertEqual(card["layers"]["default"], "features.29")
        aliases = card["layers"]["aliases"]
        self.assertEqual([aliases[n] for n in ("block1_conv1", "block5_conv3", "block5_pool")], ["features.1", "features.29", "features.30"])
        self.assertEqual(card["head"][-1]["name"], "head.1")
        self.assertEqual(len(tensors), 28)


class Refusals(ConverterTest):
    def test_unsupported_layer(self):
        def head(net):
            net.add("GlobalAveragePooling2D", "pool")
            net.add("MultiHeadAttention", "attention_1")
            dense(net, "predictions", 1280, 2, "softmax")

        path = classifier(head=head).save_h5(self.folder / "m.h5")
        self.assert_refused(path, r"layer attention_1 \(MultiHeadAttention\) is not supported")

    def test_another_architecture(self):
        inner = Net("resnet50")
        inner.input((64, 64, 3), "inner_input")
        conv = {"filters": 64, "kernel_size": [7, 7], "strides": [2, 2], "padding": "same", "data_format": "channels_last"}
        inner.add("Conv2D", "conv1_conv", config=conv, weights={"kernel": numbers(7, 7, 3, 64), "bias": numbers(64)})
        inner.add("BatchNormalization", "conv1_bn", config={"axis": 3}, weights=norm_weights(64))
        net = Net("model")
        net.input((64, 64, 3))
        net.nest(inner)
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 64, 2, "softmax")
        card, tensors = self.convert(net.save_h5(self.folder / "m.h5"))
        self.assertEqual([node["name"] for node in card["graph"]["nodes"]], ["conv1_conv", "conv1_bn"])
        self.assertEqual([item.get("name") for item in card["head"]], [None, "predictions"])
        self.assertEqual(graph_interpreter.run(card, tensors, numbers(1, 64, 64, 3)).shape, (1, 2))

    def test_almost_the_architecture(self):
        net = Net("model")
        add_base(net, net.input((64, 64, 3)))
        changed = next(layer for layer in net.layers if layer[1] == "activation_30")
        changed[2]["max_value"] = None
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        path = net.save_h5(self.folder / "m.h5")
        card, tensors = self.convert(path)
        self.assertEqual((card["architecture"], card["output"]), ("graph", "softmax"))
        kinds = [node["primitive"] for node in card["graph"]["nodes"] if node["primitive"].startswith("relu")]
        self.assertEqual((kinds.count("relu"), kinds.count("relu6")), (1, 34))
        self.assertTrue(numpy.isfinite(graph_interpreter.run(card, tensors, numbers(1, 64, 64, 3))).all())

    def test_use_of_the_inside_of_the_base(self):
        net = Net("model")
        last = add_base(net, net.input((64, 64, 3)))
        inside = net.add("GlobalAveragePooling2D", "inner_pool", type(last)("activation_30"))
        pooled = net.add("GlobalAveragePooling2D", "pool", last)
        net.add("Concatenate", "join", pooled, inside, config={"axis": -1})
        dense(net, "predictions", 1280, 2, "softmax")
        self.assert_refused(net.save_h5(self.folder / "m.h5"), r"inner_pool .* uses .*activation_30.*, inside the base")

    def test_training_mode(self):
        net = Net("model")
        net.input((64, 64, 3))
        net.nest(base(), call={"training": True})
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        self.assert_refused(net.save_h5(self.folder / "m.h5"), "mobilenetv2_0.35 .* is called with training=True")

    def test_weights_that_do_not_fit(self):
        net = classifier()
        layers = {layer[1]: layer for layer in net.layers[1][5].layers}
        del layers["conv_0"][4]["kernel"]
        layers["conv_3"][4]["kernel"] = numbers(3, 3, 8, 1)
        layers["batch_norm_1"][4]["extra"] = numbers(2)
        err = self.assert_refused(net.save_h5(self.folder / "m.h5"), "the weights do not fit the model")
        self.assertIn("conv_0/kernel is missing", err)
        self.assertIn("conv_3/kernel has shape (3, 3, 8, 1), not (3, 3, 16, 1)", err)
        self.assertIn("batch_norm_1/extra is unexpected", err)

    def test_weights_of_no_layer(self):
        path = classifier().save_h5(self.folder / "m.h5")
        with h5py.File(path, "r+") as file:
            group = file["model_weights"]["predictions"].attrs
            file["model_weights"]["predictions"].create_dataset("other/kernel", data=numbers(2))
            group["weight_names"] = [*group["weight_names"], "other/kernel"]
        self.assert_refused(path, "the weights do not fit the model")

    def test_not_finite(self):
        for bad in (numpy.nan, numpy.inf):
            net = classifier()
            net.layers[-1][4]["bias"][1] = bad
            self.assert_refused(net.save_h5(self.folder / "m.h5"), r"not finite .*classifier\.1\.bias")

    def test_negative_variance(self):
        net = Net("model")
        add_base(net, net.input((64, 64, 3)))
        next(layer for layer in net.layers if layer[1] == "batch_norm_1")[4]["moving_variance"][0] = -1
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 1280, 2, "softmax")
        self.assert_refused(net.save_h5(self.folder / "m.h5"), "variance is negative")

    def test_weights_without_model(self):
        path = classifier().save_h5(self.folder / "m.h5", config=False)
        self.assert_refused(path, "weights without the model")

    def test_subclassed_model(self):
        with h5py.File(self.folder / "m.h5", "w") as file:
            file.attrs["model_config"] = json.dumps({"class_name": "MyModel", "config": {"units": 3}})
        self.assert_refused(self.folder / "m.h5", "class MyModel: only functional and sequential")

    def test_two_outputs(self):
        net = classifier()
        path = net.save_h5(self.folder / "m.h5")
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            config["config"]["output_layers"].append(["pool", 0, 0])
            file.attrs["model_config"] = json.dumps(config)
        self.assert_refused(path, "2 outputs")

    def test_broken_files(self):
        self.assert_refused(self.folder / "nowhere.h5", "there is no file")
        path = self.folder / "cut.h5"
        whole = classifier().save_h5(self.folder / "m.h5").read_bytes()
        path.write_bytes(whole[: len(whole) // 2])
        self.assert_refused(path, "cannot be read as a Keras file")
        path = self.folder / "cut.keras"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{")
            archive.writestr("model.weights.h5", b"")
        self.assert_refused(path, "not JSON|cannot be read")
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", "{}")
        self.assert_refused(path, r"lacks model\.weights\.h5")
        path.write_bytes(classifier().save_keras(self.folder / "m.keras").read_bytes()[:-100])
        self.assert_refused(path, "cut.keras is no Keras archive, or one that is cut short")

    def test_parts_of_a_model(self):
        (self.folder / "model.json").write_text("{}")
        self.assert_refused(self.folder / "model.json", "a description without weights")
        for folder, names, pattern in (
            ("unpacked", ("config.json", "metadata.json", "model.weights.h5"), "an unpacked Keras archive"),
            ("steps", ("checkpoint", "m.index", "m.data-00000-of-00001"), "a TensorFlow checkpoint"),
        ):
            (self.folder / folder).mkdir()
            for name in names:
                (self.folder / folder / name).write_text("{}")
            self.assert_refused(self.folder / folder, pattern)

    def test_folder(self):
        self.assert_refused(self.folder, "is a folder")

    def test_malformed_configurations(self):
        """Whatever is missing from the configuration or in its place, the answer is a model or one line."""
        random = numpy.random.default_rng(0)
        path = classifier(before=[("Rescaling", "scale", {"scale": 2.0})]).save_h5(self.folder / "m.h5")
        with h5py.File(path, "r") as file:
            text = file.attrs["model_config"]
        for _ in range(60):
            config = json.loads(text)
            places = []  # every (container, key)

            def visit(item):
                keys = item.keys() if isinstance(item, dict) else range(len(item))
                for key in keys:
                    places.append((item, key))
                    if isinstance(item[key], (dict, list)):
                        visit(item[key])

            visit(config)
            # Half of the changes are near the top, where they matter most.
            count = len(places) if random.random() < 0.5 else 60
            container, key = places[random.integers(count)]
            container[key] = [None, -1, "x", {}, [], [[0]], 1e9, True][random.integers(8)]
            with h5py.File(path, "r+") as file:
                file.attrs["model_config"] = json.dumps(config)
            status, _, err = self.run_converter(path)
            self.assertIn(status, (0, 1))
            if status:
                self.assertRegex(err, r"^(convert: .*\n)+$")

    def test_usage(self):
        for options in (["--input-size", "0"], ["--preprocess", "magic"], ["--dtype", "f64"]):
            with self.assertRaises(SystemExit) as raised, open("/dev/null", "w") as null:
                import contextlib

                with contextlib.redirect_stderr(null):
                    self.run_converter("m.h5", *options)
            self.assertEqual(raised.exception.code, 2)


class OtherFiles(ConverterTest):
    """Nothing but the file itself is read, whatever it points to."""

    def setUp(self):
        super().setUp()
        self.source = classifier().save_h5(self.folder / "m.h5")
        self.secret = self.folder / "secret.bin"
        with h5py.File(self.source, "r") as file:
            self.places = []
            file.visititems(lambda name, item: self.places.append(name) if isinstance(item, h5py.Dataset) else None)
            self.place = next(name for name in self.places if file[name].ndim == 1)
            self.count = file[self.place].shape[0]
        numpy.arange(self.count, dtype="float32").tofile(self.secret)

    def replace(self, make):
        with h5py.File(self.source, "a") as file:
            del file[self.place]
            make(file)

    def test_external_storage(self):
        external = [(str(self.secret), 0, 4 * self.count)]
        self.replace(lambda file: file.create_dataset(self.place, (self.count,), "<f4", external=external))
        self.assert_refused(self.source, "lies in another file, which is not read")

    def test_virtual_data_sets(self):
        with h5py.File(self.folder / "other.h5", "w") as other:
            other["x"] = numpy.ones(self.count, "float32")

        def make(file):
            layout = h5py.VirtualLayout((self.count,), "<f4")
            layout[:] = h5py.VirtualSource(str(self.folder / "other.h5"), "x", shape=(self.count,))
            file.create_virtual_dataset(self.place, layout)

        self.replace(make)
        self.assert_refused(self.source, "lies in another file, which is not read")

    def test_external_links(self):
        with h5py.File(self.folder / "other.h5", "w") as other:
            other["x"] = numpy.ones(self.count, "float32")
        self.replace(lambda file: file.__setitem__(self.place, h5py.ExternalLink(str(self.folder / "other.h5"), "/x")))
        self.assert_refused(self.source, "is a link into another file, which is not read")

    def test_sizes_are_checked_first(self):
        self.replace(lambda file: file.create_dataset(self.place, (1 << 40,), "<f4", chunks=(1 << 16,)))
        self.assert_refused(self.source, "too large")

    def test_archives_that_unpack_to_too_much(self):
        path = self.folder / "m.keras"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("config.json", b" " * (limits.CONFIG_BYTES + 1))
            archive.writestr("model.weights.h5", b"")
        self.assert_refused(path, "config.json is too large")


class Networks(ConverterTest):
    """Networks of layers that no known base has: graph cards that compute what Keras does."""

    FIXTURES = pathlib.Path(__file__).resolve().parents[1] / "Fixtures" / "keras"
    HEADS = {
        "flat": ["flatten", "dense", "batch_norm", "dense"],
        "both": ["global_concat_pool", "dense"],
        "residual": ["global_average_pool", "dense"],
    }
    PRIMITIVES = {
        "hard_swish": {"hard_swish"},
        "squeeze": {"adaptive_average_pool", "hard_sigmoid", "hard_swish"},
        "separable": {"convolution", "silu", "gelu"},
        "activations": {"leaky_relu", "prelu", "clip", "elu", "tanh"},
    }

    def test_networks(self):
        answers = numpy.load(self.FIXTURES / "answers.npz")
        paths = sorted(path for path in self.FIXTURES.iterdir() if path.suffix in (".keras", ".h5"))
        self.assertEqual(len(paths), 10)
        for path in paths:
            name = path.stem
            with self.subTest(name):
                card, tensors = self.convert(path, "--preprocess", "none")
                self.assertEqual(card["architecture"], "graph")
                found = graph_interpreter.run(card, tensors, answers[f"{name}.input"])
                if card["output"] == "sigmoid":
                    found = graph_interpreter.sigmoid(found)
                elif name == "flat":
                    found = graph_interpreter.softmax(found)
                expected = answers[f"{name}.output"]
                numpy.testing.assert_allclose(found, expected, rtol=0, atol=2e-6 * max(1, numpy.abs(expected).max()))
                if name in self.HEADS:
                    self.assertEqual([item["kind"] for item in card["head"] if item["kind"] != "dropout"], self.HEADS[name])
                primitives = {node["primitive"] for node in card["graph"]["nodes"]}
                self.assertLessEqual(self.PRIMITIVES.get(name, set()), primitives)

    def test_hard_sigmoid_of_keras_2(self):
        """Its slope is 1/5 there, and 1/6 since Keras 3."""
        for version, attributes in (("2.15.0", {"slope": 0.2, "offset": 0.5}), ("3.3.0", None)):
            net = Net("model")
            net.input((8, 8, 3))
            net.add("Conv2D", "c", config=convolution(4), weights={"kernel": numbers(3, 3, 3, 4), "bias": numbers(4)})
            net.add("Activation", "gate", config={"activation": "hard_sigmoid"})
            net.add("GlobalAveragePooling2D", "pool")
            dense(net, "predictions", 4, 2, "softmax")
            path = net.save_h5(self.folder / "m.h5")
            with h5py.File(path, "r+") as file:
                file.attrs["keras_version"] = version
            card, _ = self.convert(path)
            gate = next(node for node in card["graph"]["nodes"] if node["name"] == "gate")
            self.assertEqual((gate["primitive"], gate.get("attributes")), ("hard_sigmoid", attributes))

    def gated(self, kind, config):
        """A small network with one layer of this kind in its middle."""
        net = Net("model")
        net.input((8, 8, 3))
        net.add("Conv2D", "c", config=convolution(4), weights={"kernel": numbers(3, 3, 3, 4), "bias": numbers(4)})
        net.add(kind, "gate", config=config)
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 4, 2, "softmax")
        return net.save_h5(self.folder / "m.h5")

    def test_gelu_as_a_call(self):
        """keras.ops.gelu is the form with tanh unless it is told not to be."""
        for config, attributes in (({}, {"approximation": "tanh"}), ({"approximate": True}, {"approximation": "tanh"}), ({"approximate": False}, None)):
            card, _ = self.convert(self.gated("Gelu", config))
            gate = next(node for node in card["graph"]["nodes"] if node["name"] == "gate")
            self.assertEqual((gate["primitive"], gate.get("attributes")), ("gelu", attributes))

    def test_values_that_would_be_lost(self):
        """A layer that does nothing to one value has no second one; of several outputs the others are not there."""
        for kind, pattern in (("StochasticDepth", r"layer gate \(StochasticDepth\) (joins 2 values|is not supported)"), ("Dropout", r"layer gate \(Dropout\) joins 2 values")):
            net = Net("model")
            one = net.input((8, 8, 3))
            other = net.add("Activation", "tanh", config={"activation": "tanh"})
            net.add(kind, "gate", one, other)
            net.add("GlobalAveragePooling2D", "pool")
            dense(net, "predictions", 3, 2, "softmax")
            self.assert_refused(net.save_h5(self.folder / "m.h5"), pattern)
        path = self.gated("Split", {})
        with h5py.File(path, "r+") as file:
            config = file.attrs["model_config"]
            changed = config.replace('["gate", 0, 0]', '["gate", 0, 1]')
            self.assertNotEqual(config, changed)
            file.attrs["model_config"] = changed
        self.assert_refused(path, "layer gate gives several values")

    def test_hard_sigmoid_behind_a_known_base(self):
        """A head's has the slope of Keras 3; of Keras 2 it becomes a graph that states its own."""

        def head(net):
            net.add("GlobalAveragePooling2D", "pool")
            dense(net, "a", 1280, 8)
            net.add("Activation", "gate", config={"activation": "hard_sigmoid"})
            dense(net, "b", 8, 2, "softmax")

        for keras in (2, 3):
            path = classifier(keras=keras, head=head).save_h5(self.folder / "m.h5")
            with h5py.File(path, "r+") as file:
                file.attrs["keras_version"] = f"{keras}.1.0"
            card, _ = self.convert(path)
            if keras == 3:
                self.assertEqual(card["architecture"], "mobilenet_v2")
                self.assertEqual(card["head"][1]["activation"], "hard_sigmoid")
            else:
                self.assertEqual(card["architecture"], "graph")
                gates = [node for node in card["graph"]["nodes"] if node["primitive"] == "hard_sigmoid"]
                self.assertEqual([node["attributes"] for node in gates], [{"slope": 0.2, "offset": 0.5}])

    def changed(self, path, old, new):
        """A file whose configuration is changed."""
        with h5py.File(path, "r+") as file:
            config = file.attrs["model_config"]
            self.assertIn(old, config)
            file.attrs["model_config"] = config.replace(old, new)
        return path

    def node_of(self, path, name="gate"):
        card, _ = self.convert(path)
        self.output.unlink()
        return next(node for node in card["graph"]["nodes"] if node["name"] == name)

    def test_layers_as_activations(self):
        """They have settings of their own."""
        for kind, config, primitive, attributes in (
            ("ELU", {"alpha": 0.5}, "elu", {"alpha": 0.5}), ("LeakyReLU", {"negative_slope": 0.1}, "leaky_relu", {"slope": 0.1}),
            ("LeakyReLU", {"alpha": 0.25}, "leaky_relu", {"slope": 0.25}), ("ReLU", {"max_value": 2.0}, "clip", {"low": 0.0, "high": 2.0}),
            ("Softmax", {"axis": -1}, "softmax", None),
        ):  # fmt: skip
            node = self.node_of(self.gated("Activation", {"activation": {"class_name": kind, "config": config}}))
            self.assertEqual((node["primitive"], node.get("attributes")), (primitive, attributes))
        self.assert_refused(self.gated("Activation", {"activation": {"class_name": "Softmax", "config": {"axis": 1}}}), "a softmax along axis 1")

    def test_elu_of_another_alpha_in_the_head_of_a_known_base(self):
        def head(net):
            net.add("GlobalAveragePooling2D", "pool")
            dense(net, "a", 1280, 8, {"class_name": "ELU", "config": {"alpha": 0.5}})
            dense(net, "b", 8, 2, "softmax")

        card, _ = self.convert(classifier(head=head).save_h5(self.folder / "m.h5"))
        self.assertIn({"alpha": 0.5}, [node.get("attributes") for node in card["graph"]["nodes"] if node["primitive"] == "elu"])

    def test_classes_of_ones_own(self):
        """Whatever they are called, their code is not in the file."""
        own = r"is of a class of one's own, (mine|Custom)>ReLU, whose code is not in the file"
        for package in ("mine", "Custom"):
            path = self.gated("ReLU", {})
            self.assert_refused(self.changed(path, '"class_name": "ReLU"', f'"class_name": "{package}>ReLU"'), own)
        kind = '"class_name": "ReLU"'
        for registered, module in (('"mine>ReLU"', '"my.layers"'), ('"ReLU"', "null")):
            path = self.changed(self.gated("ReLU", {}), kind, f'{kind}, "registered_name": {registered}, "module": {module}')
            self.assert_refused(path, "is of a class of one's own")
        for registered, module in (("null", '"keras.layers"'), ('"ReLU"', '"keras.src.layers"'), ('"keras>ReLU"', "null")):
            self.convert(self.changed(self.gated("ReLU", {}), kind, f'{kind}, "registered_name": {registered}, "module": {module}'))
            self.output.unlink()
        for activation in ("mine>swish", {"class_name": "function", "config": "swish", "registered_name": "function", "module": "builtins"}):
            self.assert_refused(self.gated("Activation", {"activation": activation}), "a function of one's own")

    def test_probabilities_that_are_changed(self):
        for kind, config in (("Rescaling", {"scale": 100.0, "offset": 0.0}), ("ReLU", {})):
            net = Net("model")
            net.input((8, 8, 3))
            net.add("Conv2D", "c", config=convolution(4), weights={"kernel": numbers(3, 3, 3, 4), "bias": numbers(4)})
            net.add("GlobalAveragePooling2D", "pool")
            net.add("Activation", "act", config={"activation": "tanh"})
            dense(net, "predictions", 4, 2, "sigmoid")
            net.add(kind, "behind", config=config)
            self.assert_refused(net.save_h5(self.folder / "m.h5"), "neither logits nor their softmax|last activation relu")

    def test_norms_behind_a_flatten(self):
        """The features are brought to the order of the card, the norms' numbers with them."""
        for kind, weights in (("BatchNormalization", norm_weights(144)), ("LayerNormalization", {"gamma": numbers(144), "beta": numbers(144, seed=1)})):
            net = Net("model")
            net.input((6, 6, 3))
            net.add("Conv2D", "c", config=convolution(4), weights={"kernel": numbers(3, 3, 3, 4), "bias": numbers(4)})
            net.add("Flatten", "flat", config={"data_format": "channels_last"})
            net.add(kind, "norm", config={"epsilon": 0.1}, weights=weights)
            dense(net, "predictions", 144, 2)
            card, tensors = self.convert(net.save_h5(self.folder / "m.h5"), "--preprocess", "none")
            self.output.unlink()
            self.assertEqual([item["kind"] for item in card["head"]], ["flatten", "batch_norm" if kind[0] == "B" else "layer_norm", "dense"])
            x, layers = numbers(2, 6, 6, 3), {name: weights for name, weights in net.flat_weights()}
            c = graph_interpreter.convolution(
                x, layers["c"]["kernel"].transpose(3, 2, 0, 1), layers["c"]["bias"], {"kernel": [3, 3], "padding": [1, 1, 1, 1]}
            ).reshape(2, -1)
            if kind[0] == "B":
                c = (c - weights["moving_mean"]) / numpy.sqrt(weights["moving_variance"] + 0.1)
            else:
                c = (c - c.mean(-1, keepdims=True)) / numpy.sqrt(c.var(-1, keepdims=True) + 0.1)
            expected = (c * weights["gamma"] + weights["beta"]) @ layers["predictions"]["kernel"] + layers["predictions"]["bias"]
            numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-4)

    def test_norms_of_groups_and_of_mean_squares(self):
        scale, offset, other = numbers(8, seed=1) + 2, numbers(8, seed=2), numbers(8, seed=3) + 2
        for groups in (2, 1, -1):
            net = Net("model")
            net.input((6, 5, 3))
            net.add("Conv2D", "c", config=convolution(8), weights={"kernel": numbers(3, 3, 3, 8), "bias": numbers(8)})
            net.add("GroupNormalization", "gn", config={"groups": groups, "epsilon": 0.01}, weights={"gamma": scale, "beta": offset})
            net.add("RMSNormalization", "rms", config={"axis": -1, "epsilon": 0.1}, weights={"scale": other})
            net.add("GlobalAveragePooling2D", "pool")
            net.add("GroupNormalization", "last", config={"groups": 4, "epsilon": 0.2, "scale": False}, weights={"beta": offset})
            dense(net, "predictions", 8, 2)
            path = net.save_keras(self.folder / "m.keras") if groups == 2 else net.save_h5(self.folder / "m.h5")
            card, tensors = self.convert(path, "--preprocess", "none")
            self.output.unlink()
            x, layers = numbers(2, 6, 5, 3), {name: weights for name, weights in net.flat_weights()}
            c = graph_interpreter.convolution(
                x, layers["c"]["kernel"].transpose(3, 2, 0, 1), layers["c"]["bias"], {"kernel": [3, 3], "padding": [1, 1, 1, 1]}
            )
            c = c.reshape(2, 6, 5, groups if groups > 0 else 8, -1)
            c = (c - c.mean((1, 2, 4), keepdims=True)) / numpy.sqrt(c.var((1, 2, 4), keepdims=True) + 0.01)
            c = c.reshape(2, 6, 5, 8) * scale + offset
            c = (c / numpy.sqrt((c**2).mean(-1, keepdims=True) + 0.1) * other).mean((1, 2)).reshape(2, 4, 2)
            c = ((c - c.mean(-1, keepdims=True)) / numpy.sqrt(c.var(-1, keepdims=True) + 0.2)).reshape(2, 8) + offset
            expected = c @ layers["predictions"]["kernel"] + layers["predictions"]["bias"]
            numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-4)

    def test_format_of_a_flatten(self):
        net = Net("model")
        net.input((6, 6, 3))
        net.add("Conv2D", "c", config=convolution(4), weights={"kernel": numbers(3, 3, 3, 4), "bias": numbers(4)})
        net.add("Flatten", "flat", config={"data_format": "channels_first"})
        dense(net, "predictions", 144, 2)
        self.assert_refused(net.save_h5(self.folder / "m.h5"), "flat .* is channels_first")

    def test_calls_of_functions(self):
        """Slopes and axes stand in the call."""
        for kind, config, primitive, attributes in (
            ("LeakyRelu", {}, "leaky_relu", {"slope": 0.2}), ("LeakyRelu", {"negative_slope": 0.3}, "leaky_relu", {"slope": 0.3}),
            ("Elu", {"alpha": 0.5}, "elu", {"alpha": 0.5}), ("Softplus", {}, "softplus", None),
            ("Mean", {"axis": [1, 2], "keepdims": True}, "adaptive_average_pool", {"height": 1, "width": 1}),
            ("Mean", {"axis": 2, "keepdims": True}, "mean", {"axes": [2], "keeps_dimensions": True}),
            ("Max", {"axis": (-2, 1), "keepdims": True}, "reduce_max", {"axes": [1, 2], "keeps_dimensions": True}),
        ):  # fmt: skip
            path = self.gated(kind, config)
            if kind in ("Max", "Mean"):  # The pool behind them does nothing.
                self.assertEqual(self.run_converter(path)[0], 0)
                card, _ = read_flat(self.output)
                self.output.unlink()
                node = next(node for node in card["graph"]["nodes"] if node["name"] == "gate")
            else:
                node = self.node_of(path)
            self.assertEqual((node["primitive"], node.get("attributes")), (primitive, attributes))
        self.assert_refused(self.gated("Mean", {"axis": None, "keepdims": True}), "gate .* mixes pictures of a batch")

    def test_activations_of_several_nodes(self):
        scale, alpha = 1.0507009873554805, 1.6732632423543772
        for name, function in (
            ("selu", lambda x: scale * numpy.where(x > 0, x, alpha * numpy.expm1(x))), ("mish", lambda x: x * numpy.tanh(numpy.logaddexp(x, 0))),
        ):  # fmt: skip
            card, tensors = self.convert(self.gated("Activation", {"activation": name}), "--preprocess", "none")
            self.output.unlink()
            x = numbers(2, 8, 8, 3)
            c = graph_interpreter.convolution(
                x, numbers(3, 3, 3, 4).transpose(3, 2, 0, 1), numbers(4), {"kernel": [3, 3], "padding": [1, 1, 1, 1]}
            )
            expected = function(c).mean((1, 2)) @ numbers(4, 2, seed=9) + numbers(2, seed=10)
            numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)

    def test_unit_normalization(self):
        card, tensors = self.convert(self.gated("UnitNormalization", {"axis": -1}), "--preprocess", "none")
        x = numbers(2, 8, 8, 3)
        c = graph_interpreter.convolution(x, numbers(3, 3, 3, 4).transpose(3, 2, 0, 1), numbers(4), {"kernel": [3, 3], "padding": [1, 1, 1, 1]})
        expected = (c / numpy.linalg.norm(c, axis=-1, keepdims=True)).mean((1, 2)) @ numbers(4, 2, seed=9) + numbers(2, seed=10)
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=1e-5)

    def test_batch_renormalisation(self):
        """At inference it is a batch norm like others, whose further statistics belong to training."""
        net = Net("model")
        net.input((8, 8, 3))
        net.add("Conv2D", "c", config=convolution(4), weights={"kernel": numbers(3, 3, 3, 4), "bias": numbers(4)})
        extra = {name: numbers(4, seed=30) for name in ("moving_stddev", "renorm_mean", "renorm_stddev")}
        net.add("BatchNormalization", "norm", config={"renorm": True, "axis": -1}, weights=norm_weights(4) | extra)
        net.add("GlobalAveragePooling2D", "pool")
        dense(net, "predictions", 4, 2, "softmax")
        for path in (net.save_h5(self.folder / "m.h5"), net.save_keras(self.folder / "m.keras")):
            self.assertEqual(self.node_of(path, "norm")["primitive"], "batch_normalization")

    def test_reasons_of_the_layer_itself(self):
        self.assert_refused(self.gated("PReLU", {}), "a slope for each place is not supported")
        self.assert_refused(self.gated("RandomCrop", {}), r"\(RandomCrop\) is not supported")

    def test_half_precision(self):
        for policy in ("mixed_float16", {"class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}):
            self.assertRegex(self.run_converter(self.gated("ReLU", {"dtype": policy}))[1], "! base .*half precision")
            self.output.unlink()
        path = self.gated("ReLU", {"dtype": "float32"})
        self.assertNotIn("half", self.run_converter(path)[1])
        self.output.unlink()
        with h5py.File(path, "r+") as file:
            group = file["model_weights/predictions/predictions"]
            value = (group["kernel"][()].view("<u4") >> 16).astype("<u2")
            del group["kernel"]
            group.create_dataset("kernel", data=value.view("V2"))
        _, tensors = self.convert(path)
        numpy.testing.assert_array_equal(tensors["predictions.weight"], (value.astype("<u4") << 16).view("<f4").T)

    def test_names_of_applications(self):
        """Without their own layers for it, their pixels are prepared as Keras's functions do."""
        for name, mean in (("MobilenetV3small", [1] * 3), ("convnext_tiny", [0.485, 0.456, 0.406])):
            net = Net(name)
            net.input((8, 8, 3))
            net.add("Conv2D", "c", config=convolution(4), weights={"kernel": numbers(3, 3, 3, 4), "bias": numbers(4)})
            net.add("GlobalAveragePooling2D", "pool")
            dense(net, "predictions", 4, 2, "softmax")
            self.assertEqual(self.convert(net.save_h5(self.folder / "m.h5"))[0]["input"]["mean"], mean)
            self.output.unlink()


def convolution(filters):
    return {"filters": filters, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same", "data_format": "channels_last"}


if __name__ == "__main__":
    unittest.main()
