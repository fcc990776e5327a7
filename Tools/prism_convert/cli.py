"""The command: options in, a flat weight file out."""

import argparse
import pathlib
import sys
import unicodedata
import zipfile

from . import flatfile, kinds, labels, log_mel, torch_library, transforms
from .account import Account
from .card import OUTPUTS, make_card
from .errors import ConversionError, UnknownNetwork
from .onnx_file import looks_like_onnx
from .preprocessing import MODES
from .torch_head import FUNCTIONS, POOLINGS
from .verify import verify

RESIZES = ("nearest", "bilinear", "bilinear_antialias", "bicubic", "lanczos")


def parser():
    p = argparse.ArgumentParser(
        prog="convert.py",
        description="Convert a model of Keras, torch or ONNX into Prism's flat weight file.",
        epilog="The architecture is recognised; what cannot be represented is named and refused.",
    )
    p.add_argument("file", metavar="SOURCE", type=pathlib.Path, help=kinds.TAKEN)
    p.add_argument("--output", type=pathlib.Path, metavar="FILE", help="the file to write")
    p.add_argument("--labels", metavar="FILE|A,B,C", help="label names: one a line in a file, or separated by commas")
    p.add_argument("--activation", choices=OUTPUTS, help="what squashes the logits, where the source does not say")
    p.add_argument("--weights", metavar="KEY", help="which of several sets of weights in a checkpoint, such as state_dict")
    p.add_argument("--head", metavar="PREFIX", help="which of several heads in a checkpoint, by the start of its names")
    p.add_argument(
        "--head-activation", metavar="NAME[,…]",
        help=f"between the linear layers of a torch head: one of {', '.join(FUNCTIONS)} for each gap",
    )
    p.add_argument("--pooling", choices=POOLINGS, help="between a torch base and its head")
    p.add_argument("--features-activation", choices=("relu", "none"), help="after DenseNet's last norm, before the pooling")
    p.add_argument("--pooled-activation", choices=FUNCTIONS, help="between the pooling and the first layer of a torch head")
    p.add_argument("--architecture", metavar="NAME", help="the model's name in timm, where its tensors do not tell it")
    p.add_argument("--epsilon", type=epsilon, metavar="E", help="of the base's batch norms, where the source does not say")
    p.add_argument("--head-epsilon", type=epsilon, metavar="E", help="of the norms in a torch head, where the source does not say")
    p.add_argument("--padding", choices=("symmetric", "same"), help="of the base's strided convolutions: torch's or TensorFlow's")
    p.add_argument(
        "--module", metavar="PACKAGE.MODULE:FACTORY[(NAME=VALUE,…)]|timm|transformers",
        help="the code that makes the torch network, which is run and given the file's tensors: a function or class with literals as "
        "arguments, or the library that builds what config.json (or for timm --architecture) says; needs torch",
    )
    p.add_argument("--output-value", metavar="NAME", help="the value of an ONNX model that its logits are, where it has several outputs")
    p.add_argument("--input-size", type=size, metavar="N|HxW", help="size of the image the network sees")
    p.add_argument(
        "--log-mel", metavar="panns|NAME=VALUE,…",
        help="of a network that is given the levels of a mel spectrogram: sample_rate, seconds, fft, hop, mel_bands and more",
    )
    p.add_argument("--resize", choices=RESIZES, help="how images are brought to that size")
    p.add_argument(
        "--crop", type=crop, metavar="SIDE|none",
        help="resize the shorter side to SIDE and cut out the centre, or resize the whole picture (default: the source's)",
    )
    p.add_argument("--preprocess", choices=MODES, help="what is done to pixels before the model")
    p.add_argument("--threshold", type=float, metavar="P", help="decision threshold of sigmoid and binary outputs")
    p.add_argument("--name", help="name in the model card (default: the output's name)")
    p.add_argument("--description", help="free text for the model card")
    p.add_argument("--source", metavar="TEXT", help="where the model comes from, for the model card")
    p.add_argument("--license", help="its licence, for the model card")
    p.add_argument("--dtype", choices=("f32", "f16"), default="f32", help="how weights are stored")
    p.add_argument("--verify", action="store_true", help="compare with the source framework, where installed")
    p.add_argument(
        "--run-source", action="store_true",
        help="with --verify: run a whole pickled torch model itself, which executes whatever its file says: only files that you trust",
    )
    p.add_argument("--prism", type=pathlib.Path, metavar="PATH", help="the prism program, for --verify")
    return p


def size(text):
    """An image size: 224 or 192x256, height first."""
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) not in (1, 2) or not all(part.isdigit() and 0 < int(part) <= 8192 for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 224 or 192x256")
    return (int(parts[0]), int(parts[-1]))


def epsilon(text):
    """What norms add to a variance."""
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value


def crop(text):
    """The shorter side before the centre is cut out; 0 for none."""
    if text == "none":
        return 0
    if not text.isdigit() or not 0 < int(text) <= 8192:
        raise argparse.ArgumentTypeError(f"{text!r} is neither a number of pixels such as 256 nor none")
    return int(text)


def reader(path):
    """The module that reads this kind of file."""
    start = kinds.refuse(path)
    if start[:8] == kinds.HDF5:
        from . import keras_model

        return keras_model
    if path.suffix == ".onnx" or looks_like_onnx(start):
        from . import onnx_model

        return onnx_model
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if "config.json" in archive.namelist():
                from . import keras_model

                return keras_model
    from . import torch_model

    return torch_model


def module_reader(options):
    """The reader that runs the user's own module, where an option names one."""
    if not options.module:
        return None
    kinds.refuse(options.file)
    from . import torch_export

    return torch_export


def convert(options):
    """Converts one file; returns the model and its card."""
    if options.file.is_dir():
        kinds.refuse(options.file)
        options.file = kinds.weights_in(options.file)
    module = module_reader(options) or reader(options.file)  # Names a kind that is not taken before anything is asked for.
    if options.output is None:
        raise ConversionError("--output says which file to write")
    check_output(options)
    options.labels = labels.read(options.labels)
    if options.log_mel:
        options.log_mel = log_mel.parse(options.log_mel)
        options.input_size = options.input_size or log_mel.size(options.log_mel)
    if options.threshold is not None and not 0 < options.threshold < 1:
        raise ConversionError(f"--threshold {options.threshold} is not between 0 and 1")
    try:
        said = transforms.beside(options.file, options.module)
        model = module.read(options.file, options, said, Account())
    except UnknownNetwork as error:
        raise ConversionError(f"{error}{torch_library.second_way(options, str(error))}") from error
    said = model.said or said
    if said is None or said.operations is None:
        said = transforms.published(model, options, said)
    transforms.apply(model, said, options)
    labels_beside(model, options)
    if options.run_source and not (options.verify and model.whole is not None):
        raise ConversionError("--run-source goes with --verify and a whole pickled torch model")
    card = make_card(model, options, options.name or one_line(options.output.stem))
    flatfile.write(options.output, model.tensors, card, options.dtype)
    return model, card


def check_output(options):
    """Refuses to write over what is read, or where no file can be replaced, before a model is read."""
    output = options.output
    if not output.exists():
        return
    if not output.is_file():
        raise ConversionError(f"cannot write {output}: it is there and is no regular file")
    beside = ("config.json", "preprocessor_config.json", *labels.BESIDE)
    sources = [options.file, *(options.file.parent / name for name in beside), *([pathlib.Path(options.labels)] if options.labels else [])]
    for source in sources:
        try:
            same = source.exists() and output.samefile(source)
        except OSError:  # Labels in a row may be too long for a name.
            same = False
        if same:
            raise ConversionError(f"--output {output} is the source itself, which would be lost: name another file")


def labels_beside(model, options):
    """Takes the labels that lie beside the source in a file of their own, where the source has none."""
    if options.labels is not None or model.labels:
        return
    model.labels, found, others = labels.beside(options.file, (model.units, 2) if model.units == 1 else (model.units,))
    if found and (models := kinds.others_beside(options.file)):
        model.account.assume("labels", f"{' and '.join(found)} beside it and {flatfile.names(models)}, for one of which they are; --labels")
    elif found:
        model.account.say("labels", f"{' and '.join(found)} beside it")
    elif others:
        model.account.assume("labels", f"the source names none; beside it {', '.join(others)}, {model.units} are needed; --labels")


def main(arguments=None):
    options = parser().parse_args(arguments)
    try:
        run(options)
    except ConversionError as error:
        return failed(error)
    except KeyboardInterrupt:
        failed("stopped; nothing was written")
        return 130
    except MemoryError:
        return failed(f"{options.file} needs more memory than there is")
    except OSError as error:
        return failed(error)
    except Exception as error:  # Whatever a file may hold: one line, and no traceback.
        return failed(f"{options.file} cannot be converted: {type(error).__name__}: {error}")
    return 0


def failed(message):
    """Says on one line why there is no result."""
    print(f"convert: {one_line(str(message))}", file=sys.stderr)
    return 1


def one_line(text):
    """Text from outside fit for one line of a terminal: control characters and changes of direction are escaped."""
    kinds = ("Cc", "Cf", "Zl", "Zp", "Cs")
    shown = "".join(
        f"\\u{{{ord(c):x}}}" if unicodedata.category(c) in kinds else c for c in " ".join(text.splitlines())
    )
    return shown if len(shown) <= 2000 else shown[:1500] + "…" + shown[-200:]


def run(options):
    """Converts, tells what was assumed and made, and compares."""
    model, card = convert(options)
    for note in model.notes:
        print(f"convert: {one_line(note)}", file=sys.stderr)
    height, width = model.size
    print(
        f"{options.output}: {model.architecture.title}, {height}×{width}, {len(card['labels'])} labels, "
        f"{card['output']}, {len(model.tensors)} tensors",
    )
    for line in model.account.lines(model, card):
        print(one_line(line))
    if sys.stdout is not None:  # It may have been closed.
        sys.stdout.flush()
    if options.verify:
        print(verified(model, card, options))


def verified(model, card, options):
    """The result of the comparison; where there is none, that the file was written all the same."""
    try:
        if options.log_mel:
            raise ConversionError("--verify compares pictures; a network of sounds is not compared")
        return verify(options.file, options.output, model, options, card)
    except ConversionError as error:
        raise ConversionError(f"{error} ({options.output} was written and is not confirmed)") from error
