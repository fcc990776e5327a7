"""--module: calls with literals, and networks that a library builds from config.json; the libraries are made by hand."""

import importlib
import json
import os
import pathlib
import sys
import unittest
from unittest import mock

import graph_interpreter
import numpy
import torch_writer
from safetensors.numpy import save_file
from support import ConverterTest, read_flat

from prism_convert import torch_library
from prism_convert.errors import ConversionError

try:
    import torch
except ImportError:
    torch = None

NETWORK = """
import torch

class Network(torch.nn.Module):
    def __init__(self, num_classes=1000, in_chans=3, width=4, global_pool="avg", twice=False, apart=True):
        super().__init__()
        self.stem = torch.nn.Conv2d(in_chans, width, 3, padding=1)
        if apart:
            self.side = torch.nn.Conv2d(in_chans, width, 1)
        self.mix = torch.nn.Conv2d(width, width, 1)
        if twice:
            self.again = self.mix
        self.fc = torch.nn.Linear(width, num_classes)
        self.global_pool, self.twice, self.apart = global_pool, twice, apart

    def forward(self, x):
        x = torch.relu(self.stem(x) + self.side(x) if self.apart else self.stem(x))
        x = torch.relu(self.again(self.mix(x)) if self.twice else self.mix(x))
        return self.fc(x.amax((2, 3)) if self.global_pool == "max" else x.mean((2, 3)))

def any_network(**arguments):
    return Network(**arguments)
"""

TIMM = """
import os
import types
from hand_made import Network

__version__ = "9.8"
assert os.environ["HF_HUB_OFFLINE"] == "1"
DEFAULT = {"input_size": (3, 9, 7), "crop_pct": 0.5, "mean": (0.1, 0.2, 0.3), "std": (0.5, 0.5, 0.5), "first_conv": "stem", "classifier": "fc"}

def is_model(name):
    return name.partition(".")[0] == "small"

def create_model(name, pretrained=True, **arguments):
    assert name == "small" and not pretrained, (name, pretrained)
    module = Network(**arguments)
    module.pretrained_cfg = DEFAULT
    return module

def get_pretrained_cfg(name):
    if "." in name and name != "small.large":
        raise RuntimeError("Invalid pretrained tag")
    return types.SimpleNamespace(to_dict=lambda: {**DEFAULT, "input_size": (3, 11, 11)} if "." in name else DEFAULT)
"""

UTILS = """
import copy
import torch

def reparameterize_model(module):
    module = copy.deepcopy(module)
    module.stem.weight.data += torch.nn.functional.pad(module.side.weight.data, (1, 1, 1, 1))
    module.stem.bias.data += module.side.bias.data
    del module.side
    module.apart = False
    return module
"""

TRANSFORMERS = """
import json
import os
import types
from hand_made import Network

__version__ = "7.6"
assert os.environ["HF_HUB_OFFLINE"] == "1"

class SmallForImageClassification(Network):
    def forward(self, pixel_values, output_hidden_states=None):
        return types.SimpleNamespace(logits=super().forward(pixel_values))

    @classmethod
    def from_pretrained(cls, path, config, state_dict, output_loading_info, **others):
        assert path is None
        module = cls(config.num_labels)
        state = {name.replace("old_", ""): value for name, value in state_dict.items()}
        missing, unexpected = module.load_state_dict(state, strict=False)
        return module, {"missing_keys": missing, "unexpected_keys": unexpected, "mismatched_keys": []}

class AutoConfig:
    @staticmethod
    def from_pretrained(folder, local_files_only, trust_remote_code):
        assert local_files_only and not trust_remote_code
        with open(os.path.join(folder, "config.json")) as file:
            return types.SimpleNamespace(num_channels=3, **json.load(file))

class AutoModelForImageClassification:
    @staticmethod
    def from_config(config, trust_remote_code):
        assert not trust_remote_code
        if config.model_type != "small":
            raise ValueError("Unrecognized configuration\\nModel type should be one of many")
        return SmallForImageClassification(config.num_labels)
"""


class Calls(unittest.TestCase):
    """The text of --module, which is read and not evaluated."""

    def test_what_is_read(self):
        for text, arguments, keywords in (
            ("a.b:f()", (), {}),
            ("a.b:f(num_classes=14)", (), {"num_classes": 14}),
            ("a.b:f('é:x(', -1.5, deep=[None, {'a': (True,)}])", ("é:x(", -1.5), {"deep": [None, {"a": (True,)}]}),
        ):
            call = torch_library.parse(text)
            self.assertEqual((call.place, call.name, call.arguments, call.keywords), ("a.b", "f", arguments, keywords))
            self.assertEqual(str(call), text)
        call = torch_library.parse("a:Outer.Inner")
        self.assertEqual((call.name, str(call)), ("Outer.Inner", "a:Outer.Inner"))

    def test_what_is_refused(self):
        for text, pattern in (
            ("timm.models", "write package.module:factory"), (":f", "write package"), ("a:", "write package"),
            ("a:f(", r"f\( is neither a name nor a call"), ("a:f(1)(2)", "is no name of a function"), ("a:3", "is no name of a function"),
            ("a:f(x)", "x is no literal"), ("a:f(n=1+1)", r"n=1 \+ 1 is no literal .*nothing is computed here"),
            ("a:f(n=__import__('os').getcwd())", "is no literal"), ("a:f(*[1])", "is no literal"), ("a:f(**{'n': 1})", "write name=value"),
            ("a:f(n=1, n=2)", "n is given twice"),
        ):  # fmt: skip
            with self.subTest(text), self.assertRaisesRegex(ConversionError, pattern):
                torch_library.parse(text)


class Hints(ConverterTest):
    """Refusals of networks that no reader knows name the second way."""

    def folder_of(self, config, name="model.safetensors"):
        save_file({"stages.0.weight": numpy.ones((4, 3, 3, 3), "float32")}, str(self.folder / name))
        (self.folder / "config.json").write_text(json.dumps(config))
        return self.folder

    def test_folders(self):
        way = r"export .* as ONNX, or --module {0} \(runs {0}'s code, needs torch\)$"
        cfg = {"input_size": [3, 32, 32]}
        self.assert_refused(self.folder_of({"architecture": "gernet_s", "pretrained_cfg": cfg}), way.format("timm"))
        self.assert_refused(self.folder_of({"architecture": "gernet_s", "model_args": {"act_layer": "silu"}}), way.format("timm"))
        self.assert_refused(self.folder_of({"model_type": "regnet"}), way.format("transformers"))
        for kind in ("vit", "unheard_of"):
            self.assert_refused(self.folder_of({"model_type": kind}), r"export it as ONNX$")

    def test_what_was_exported_beside_its_configuration(self):
        """The advice of a refusal is not refused in its turn."""
        self.folder_of({"architecture": "small", "model_args": {"act_layer": "silu"}, "pretrained_cfg": {"input_size": [3, 21, 19]}})
        fixture = pathlib.Path(__file__).resolve().parents[1] / "Fixtures" / "onnx" / "plain.onnx"
        (self.folder / "m.onnx").write_bytes(fixture.read_bytes())
        self.convert(self.folder / "m.onnx")

    def test_files(self):
        path = self.folder / "m.pth"
        for name, end in (
            ("trunk_output.block1.weight", r"RegNet, .* as ONNX, or --module with the code that makes it \(needs torch\)$"),
            ("rpn.head.weight", "export it as ONNX$"),
        ):
            torch_writer.save(path, {name: numpy.ones((4, 3), "float32"), "b": numpy.ones(3, "float32")})
            self.assert_refused(path, end)
        torch_writer.save(path, {"trunk_output.block1.weight": numpy.ones((4, 3), "float32"), "b": numpy.ones(3, "float32")})
        self.assert_refused(path, r", or --module timm \(runs timm's code, needs torch\)$", "--architecture", "regnety_002")


@unittest.skipIf(torch is None, "torch is not installed")
class Libraries(ConverterTest):
    """Networks that timm and transformers build, which are packages of two functions here."""

    def setUp(self):
        super().setUp()
        packages = self.folder / "packages"
        for name, text in (("timm/__init__", TIMM), ("timm/utils", UTILS), ("transformers", TRANSFORMERS), ("hand_made", NETWORK)):
            (packages / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
            (packages / f"{name}.py").write_text(text)
        before = {name: sys.modules.pop(name) for name in list(sys.modules) if self.is_ours(name)}
        self.addCleanup(self.restore, before)
        importlib.invalidate_caches()
        patch = mock.patch.object(sys, "path", [str(packages), *sys.path])
        patch.start()
        self.addCleanup(patch.stop)
        patch = mock.patch.dict(os.environ)
        patch.start()
        self.addCleanup(patch.stop)
        self.hub = self.folder / "ñandú ☃"
        self.hub.mkdir()

    @staticmethod
    def is_ours(name):
        return name.partition(".")[0] in ("timm", "transformers", "hand_made")

    def restore(self, before):
        for name in [name for name in sys.modules if self.is_ours(name)]:
            del sys.modules[name]
        sys.modules.update(before)

    def network(self, **arguments):
        torch.manual_seed(0)
        return importlib.import_module("hand_made").Network(**{"num_classes": 5, **arguments}).eval()

    def save(self, model, config=None, change=lambda name: name, kind="float32"):
        """A folder of the hub."""
        state = {change(name): value.numpy().astype(kind) for name, value in model.state_dict().items()}
        save_file(state, str(self.hub / "model.safetensors"))
        if config is not None:
            (self.hub / "config.json").write_text(json.dumps(config))
        return self.hub

    def same(self, model, source, *options, size=(9, 7), channels=3, tolerance=1e-5):
        """The account of a conversion that computes what the module does."""
        status, out, err = self.run_converter(source, *options)
        self.assertEqual(status, 0, err)
        card, tensors = read_flat(self.output)
        self.assertEqual((card["input"]["height"], card["input"]["width"]), size)
        x = numpy.random.default_rng(0).uniform(-1, 1, (2, *size, channels)).astype("float32")
        with torch.no_grad():
            expected = model(torch.from_numpy(x.transpose(0, 3, 1, 2).copy())).numpy()
        numpy.testing.assert_allclose(graph_interpreter.run(card, tensors, x), expected, atol=tolerance)
        self.output.unlink()
        return card, out

    CONFIG = {
        "architecture": "small.some_tag", "num_classes": 5, "label_names": ["a", "b", "c", "d", "e"], "model_args": {"width": 6},
        "pretrained_cfg": {"input_size": [3, 9, 7], "crop_pct": 0.5, "mean": [0.5, 0.4, 0.3], "std": [0.1, 0.2, 0.3], "interpolation": "bilinear"},
    }  # fmt: skip

    def test_timm_by_its_configuration(self):
        model = self.network(width=6)
        card, out = self.same(model, self.save(model, self.CONFIG), "--module", "timm")
        self.assertEqual((card["labels"], card["input"]["mean"], card["input"]["resize_side"]), (["a", "b", "c", "d", "e"], [0.5, 0.4, 0.3], 14))
        self.assertRegex(out, r"\n  base .*\(timm 9.8's small\(num_classes=5, width=6\), named by config.json\)")
        for name in ("hf_hub:timm/small.some_tag", "hf-hub:timm/small", "small"):
            self.same(model, self.save(model, self.CONFIG | {"architecture": name}), "--module", "timm")
        harmless = {"pretrained": True, "checkpoint_path": "/nowhere", "aux_logits": True, "exportable": True}
        self.same(model, self.save(model, self.CONFIG | {"model_args": {"width": 6, **harmless}}), "--module", "timm")
        self.same(model, self.save(model, self.CONFIG, kind="float16"), "--module", "timm", tolerance=3e-3)

    def test_timm_by_its_tensors(self):
        """What config.json leaves open: channels, classes, the pooling of older versions, and the form for inference."""
        open_ = {"architecture": "small", "pretrained_cfg": self.CONFIG["pretrained_cfg"]}
        model = self.network(in_chans=1)
        card, out = self.same(model, self.save(model, open_), "--module", "timm", "--preprocess", "unit", channels=1)
        self.assertIn("small(num_classes=5, in_chans=1)", out)
        self.output.parent.rmdir()
        self.assert_refused(self.hub, "deviation or an order of 3 channels, and the picture has 1 channel: --preprocess", "--module", "timm")
        model = self.network(global_pool="max")
        self.same(model, self.save(model, open_ | {"global_pool": "max"}), "--module", "timm")
        model = self.network(apart=False)
        _, out = self.same(model, self.save(model, open_), "--module", "timm")
        self.assertIn("small(num_classes=5), its branches put together, named by config.json", out)

    def test_timm_by_its_name(self):
        model = self.network()
        source = self.save(model)
        _, out = self.same(model, source, "--module", "timm", "--architecture", "small")
        self.assertRegex(out, r"\n! input size +9×7 \(ASSUMED: timm's own for small, as no file says it")
        self.assertRegex(out, r"\n! preprocessing .*0.1, 0.2, 0.3.*ASSUMED: timm's own")
        self.same(model, source, "--module", "timm", "--architecture", "small.large", size=(11, 11))
        self.same(model, source, "--module", "timm", "--architecture", "small.mine")
        path = self.folder / "m.pth"
        torch.save({"arch": "small", "state_dict": model.state_dict(), "class_names": ["v", "w", "x", "y", "z"]}, path)
        card, out = self.same(model, path, "--module", "timm")
        self.assertIn("named by arch in the checkpoint", out)
        self.assertEqual(card["labels"], ["v", "w", "x", "y", "z"])

    def test_configurations_that_are_wrong(self):
        model = self.network(width=6)
        for change, pattern in (
            ({"architecture": "other"}, "timm 9.8 has no network called other"),
            ({"architecture": "hf-hub:me/small"}, "is a place of weights, not a network"),
            ({"architecture": "local-dir:/tmp"}, "is a place of weights, not a network"),
            ({"num_classes": 7}, "config.json: num_classes is 7, the checkpoint has 5: correct it there"),
            ({"num_classes": 0}, "has no classes"),
            ({"num_classes": "5"}, "num_classes is not understood"),
            ({"model_args": {"width": 6, "in_chans": 1}}, "in_chans is 1, the checkpoint's first convolution is for 3"),
            ({"model_args": {"width": 8}}, r"do not fit timm 9.8's small \(config.json\): stem.weight"),
            ({"model_args": {"width": 6, "twice": True, "depth": 3}}, "timm 9.8 cannot build small with .*: TypeError: .*'depth'"),
            ({"model_args": {"features_only": True}}, "features_only, which gives maps"),
            ({"model_args": [1]}, "model_args is not understood"),
        ):
            with self.subTest(change):
                self.assert_refused(self.save(model, self.CONFIG | change), pattern, "--module", "timm")
        (self.hub / "config.json").unlink()
        self.assert_refused(self.hub, "none beside the weights names an architecture: --architecture NAME", "--module", "timm")
        self.assert_refused(self.hub, "none beside the weights has a model_type", "--module", "transformers")
        for name in ("timm", "transformers"):
            self.save(model, self.CONFIG | ({"model_type": "small"} if name == "transformers" else {}))
            with mock.patch.dict(sys.modules, {name: None}):
                self.assert_refused(self.hub, f"which is not installed here: pip install {name}$", "--module", name)

    def test_transformers(self):
        model = self.network()
        config = {"model_type": "small", "num_labels": 5, "image_size": [9, 7], "id2label": {str(i): f"label {i}" for i in range(5)}}
        card, out = self.same(model, self.save(model, config), "--module", "transformers")
        self.assertEqual(card["labels"][4], "label 4")
        self.assertRegex(out, r"\n  base .*\(transformers 7.6's SmallForImageClassification, as config.json says\)")
        self.same(model, self.save(model, config, lambda name: f"old_{name}"), "--module", "transformers")
        for change, pattern in (
            ({"num_labels": 7}, "the checkpoint is for 5 classes and not 7, .*: correct config.json"),
            ({"model_type": "bert"}, "cannot build what config.json says, a bert: ValueError: Unrecognized configuration$"),
            ({"model_type": "timm_wrapper"}, "holds a network of timm: --module timm"),
        ):
            self.assert_refused(self.save(model, config | change), pattern, "--module", "transformers")
        self.assert_refused(self.save(model, config, lambda name: f"new_{name}"), "lacks tensors of transformers 7.6's Small", "--module", "transformers")

    def test_calls(self):
        model = self.network()
        options = ["--input-size", "9x7", "--preprocess", "none"]
        source = self.save(model)
        self.same(model, source, "--module", "hand_made:Network(num_classes=5)", *options)
        self.same(model, source, "--module", "hand_made:any_network(num_classes=5)", *options)
        self.output.parent.rmdir()
        self.assert_refused(source, "for 5 classes and not 1000, .*: --module 'hand_made:Network.num_classes=5.'$", "--module", "hand_made:Network", *options)
        self.assert_refused(source, "--architecture goes with --module timm", "--module", "hand_made:Network", "--architecture", "small", *options)
        # A factory that takes whatever it is given does not say that it takes this.
        self.assert_refused(source, "for 5 classes and not 1000, as the module is$", "--module", "hand_made:any_network", *options)
        self.assert_refused(
            self.save(self.network(in_chans=1, apart=False)), "for 1 channel of the picture and not 3, 5 classes and not 1000, .*apart=False, in_chans=1, num_classes=5",
            "--module", "hand_made:Network(apart=False)", *options,
        )  # fmt: skip

    def test_what_a_file_has_once_or_besides(self):
        """Two names of one layer, of which a file may hold one, and a head for training alone."""
        model = self.network(twice=True)
        state = {name: value.clone() for name, value in model.state_dict().items()}
        options = ["--module", "hand_made:Network(num_classes=5, twice=True)", "--input-size", "9x7", "--preprocess", "none"]
        path = self.folder / "m.pth"
        for start in ("", "net."):
            for left in ((), ("again.weight", "again.bias"), ("mix.weight", "again.bias")):
                torch.save({start + name: value for name, value in state.items() if name not in left}, path)
                self.same(model, path, *options)
        torch.save(state | {"AuxLogits.fc.weight": torch.zeros(5, 4)}, path)
        _, out = self.same(model, path, *options)
        self.assertRegex(out, r"\n! base .*ASSUMED: .*AuxLogits of the checkpoint is taken for a head of training alone")
        torch.save(state | {"gate.weight": torch.zeros(5, 4)}, path)
        self.output.parent.rmdir()
        self.assert_refused(path, "do not fit the module: gate.weight", *options)


if __name__ == "__main__":
    unittest.main()
