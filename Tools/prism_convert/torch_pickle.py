"""Reads what torch has pickled without torch, and without making anything that the file asks for.

A checkpoint is a pickle beside blocks of numbers (the zip archive that torch.save has written since 1.6, or the stream
before it). Here the pickle is read with an allowlist of opcodes; tensors become arrays over their block of the file,
and every class that is not plain data becomes an inert `Record` of its name, arguments and state. Nothing of the file
is imported or called, so that whole pickled models and learners can be read as well: their modules are records, whose
tensors, activations and epsilons are read from their state.
"""

import collections
import dataclasses
import io
import mmap
import pathlib
import pickle
import pickletools
import struct
import zipfile

import numpy

from . import limits
from .errors import ConversionError

# What torch, fastai and Lightning write; no opcode reaches outside of the pickle (EXT), none makes buffers.
OPCODES = frozenset(
    """MARK STOP POP POP_MARK DUP INT BININT BININT1 BININT2 LONG LONG1 LONG4 STRING BINSTRING SHORT_BINSTRING BINBYTES
    SHORT_BINBYTES BINBYTES8 NONE NEWTRUE NEWFALSE UNICODE SHORT_BINUNICODE BINUNICODE BINUNICODE8 FLOAT BINFLOAT
    EMPTY_LIST APPEND APPENDS LIST EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 EMPTY_DICT DICT SETITEM SETITEMS EMPTY_SET
    ADDITEMS FROZENSET GET BINGET LONG_BINGET PUT BINPUT LONG_BINPUT MEMOIZE GLOBAL STACK_GLOBAL REDUCE BUILD INST OBJ
    NEWOBJ NEWOBJ_EX PROTO FRAME PERSID BINPERSID""".split()
)

# Modules with which a pickle can do harm: a file that names one of these is no model, whatever else it holds.
HARMFUL = frozenset(
    """os posix nt subprocess sys shutil socket runpy importlib ctypes pty webbrowser code codeop commands popen2 builtins
    __builtin__ io pathlib tempfile multiprocessing threading signal asyncio http urllib requests pip setuptools
    distutils bdb pdb timeit cProfile profile trace operator pickle marshal""".split()
)
# What these modules hold that does no harm wherever it stands.
PLAIN_BUILTINS = """set frozenset list dict tuple int long float complex bool str unicode bytes bytearray slice range xrange object
    type super property staticmethod classmethod getattr print len min max sum abs round sorted zip map filter enumerate
    isinstance Exception ValueError TypeError KeyError Ellipsis NotImplemented""".split()
HARMLESS = {
    "builtins": PLAIN_BUILTINS,
    "__builtin__": PLAIN_BUILTINS,
    "pathlib": "Path PosixPath WindowsPath PurePath PurePosixPath PureWindowsPath".split(),
    "operator": """itemgetter attrgetter methodcaller add sub mul truediv floordiv mod pow neg eq ne lt le gt ge and_ or_ not_
    contains""".split(),
    "io": ["BytesIO", "StringIO"],
    "threading": ["RLock", "Lock"],
}

STORAGES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "bf16", "LongStorage": "<i8",
    "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "i1", "ByteStorage": "u1", "BoolStorage": "?",
}  # fmt: skip
TYPES = {
    "float32": "<f4", "float64": "<f8", "float16": "<f2", "bfloat16": "bf16", "int64": "<i8", "int32": "<i4",
    "int16": "<i2", "int8": "i1", "uint8": "u1", "bool": "?", "float": "<f4", "double": "<f8", "half": "<f2", "long": "<i8",
}  # fmt: skip
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C


class Record:
    """Something of a class or function that is not made: its name, what it was called with, and its state."""

    __slots__ = ("path", "arguments", "keywords", "state", "items")

    def __init__(self, path, arguments=(), keywords=None):
        self.path = path
        self.arguments = arguments
        self.keywords = keywords or {}
        self.state = None
        self.items = []

    @property
    def kind(self):
        """The last part of the class's name."""
        return self.path.rpartition(".")[2]

    def attributes(self):
        """The state as a dictionary."""
        state = self.state
        if isinstance(state, tuple) and len(state) == 2 and (state[0] is None or isinstance(state[0], dict)):
            state = {**(state[0] or {}), **(state[1] if isinstance(state[1], dict) else {})}
        return state if isinstance(state, dict) else {}

    def __setstate__(self, state):
        self.state = state

    # Subclasses of lists and dictionaries are filled item by item.

    def append(self, item):
        self.items.append(item)

    def extend(self, items):
        self.items.extend(items)

    def add(self, item):
        self.items.append(item)

    def __setitem__(self, key, value):
        self.items.append((key, value))

    def __hash__(self):
        return id(self)

    def __call__(self, *arguments, **keywords):
        """A record that the pickle calls is another record."""
        return Record(f"{self.path}()", arguments, keywords)

    def __repr__(self):
        return f"<{self.path}>"


class Maker:
    """Stands for a class or function by its name; calling it gives a record, and does nothing else."""

    def __init__(self, path):
        self.path = path

    def __call__(self, *arguments, **keywords):
        return Record(self.path, arguments, keywords)


def maker(path):
    """A type for `NEWOBJ`, whose instances are records of a class."""

    def new(cls, *arguments, **keywords):
        return Record(path, arguments, keywords)

    return type("Inert", (), {"__new__": new, "path": path})


@dataclasses.dataclass(frozen=True)
class Storage:
    """A block of numbers in the file."""

    key: str
    kind: str  # a numpy type, `bf16`, or what is not supported
    count: int


@dataclasses.dataclass
class Tensor:
    """A tensor by its place in a storage; it is read when it is asked for."""

    storage: Storage
    kind: str
    offset: int
    size: tuple
    stride: tuple
    source: object

    @property
    def count(self):
        count = 1
        for extent in self.size:
            count *= extent
        return count

    @property
    def is_float(self):
        return self.kind in ("<f2", "<f4", "<f8", "bf16")

    def array(self):
        """The numbers; a copy, float32 for bfloat16."""
        kind = self.kind
        width = 2 if kind == "bf16" else numpy.dtype(kind).itemsize
        data = self.source.bytes(self.storage.key)
        last = self.offset + sum((extent - 1) * step for extent, step in zip(self.size, self.stride))
        if self.count and (self.offset < 0 or min(self.stride, default=0) < 0 or (last + 1) * width > len(data)):
            raise ConversionError(f"a tensor {list(self.size)} reaches beyond its storage {self.storage.key}")
        if not self.count:
            return numpy.zeros(self.size, "float32")
        flat = numpy.frombuffer(data, "<u2" if kind == "bf16" else kind)
        view = numpy.lib.stride_tricks.as_strided(
            flat[self.offset :], self.size, [step * width for step in self.stride], writeable=False
        )
        if kind == "bf16":
            return (view.astype("<u4") << 16).view("<f4")
        return numpy.array(view)


class Unsupported:
    """A tensor of a kind that is not read; only one that is needed is an error."""

    def __init__(self, what):
        self.what = what


def refuse_plain_pickle(*_):
    """What pickle itself makes of a tensor's numbers: a file of torch within the file."""
    raise ConversionError("the file was written by pickle, which packs every tensor of torch on its own: write it by torch.save")


class ArchiveSource:
    """The blocks of a zip archive."""

    def __init__(self, path):
        self.path = path
        self.archive = zipfile.ZipFile(path)
        infos = limits.open_zip(path, self.archive)
        names = [info.filename for info in infos]
        refuse_programs(path, names)
        pickles = [name for name in names if name.rpartition("/")[2] == "data.pkl"]
        if len(pickles) != 1:
            raise ConversionError(f"{path} is no torch checkpoint: it has {len(pickles) or 'no'} data.pkl")
        self.prefix = pickles[0][: -len("data.pkl")]
        order = self.prefix + "byteorder"
        if order in names and limits.read_member(path, self.archive, order, 64) not in (b"little", b"little\n"):
            raise ConversionError(f"{path} was written on a big-endian machine: save it again on another one")
        self.cache = {}

    def pickle(self):
        return limits.read_member(self.path, self.archive, self.prefix + "data.pkl", limits.CONFIG_BYTES)

    def bytes(self, key):
        if key not in self.cache:
            self.cache.clear()  # One block at a time: tensors are read in their order.
            try:
                self.cache[key] = limits.read_member(
                    self.path, self.archive, f"{self.prefix}data/{key}", limits.TENSOR_BYTES
                )
            except KeyError as error:
                raise ConversionError(f"{self.path} lacks the block {key}: it is damaged") from error
        return self.cache[key]


def refuse_programs(path, names):
    """Names archives of torch that hold a program instead of a model's weights."""
    parts = {name.split("/")[1] for name in names if name.count("/")}
    if "constants.pkl" in parts or "code" in parts:
        raise ConversionError(f"{path} is a TorchScript program: save model.state_dict() instead")
    if "archive_format" in parts or "archive_format" in names or "serialized_exported_program.json" in names:
        raise ConversionError(f"{path} is a program of torch.export (.pt2): save model.state_dict() instead")


class StreamSource:
    """The blocks that follow the pickles in the format before torch 1.6."""

    def __init__(self, path, stream):
        self.path = path
        self.stream = stream
        self.places = {}
        self.kinds = {}

    def index(self, keys):
        """Finds the blocks after the list of their keys."""
        size = self.path.stat().st_size
        for key in keys:
            header = self.stream.read(8)
            if len(header) < 8:
                raise ConversionError(f"{self.path} is cut off before the block {key}")
            (count,) = struct.unpack("<q", header)
            storage = self.kinds.get(str(key))
            width = 1 if storage is None else 2 if storage.kind == "bf16" else numpy.dtype(storage.kind).itemsize
            start = self.stream.tell()
            if count < 0 or start + count * width > size:
                raise ConversionError(f"{self.path} is cut off in the block {key}")
            self.places[str(key)] = (start, count * width)
            self.stream.seek(start + count * width)

    def bytes(self, key):
        if key not in self.places:
            raise ConversionError(f"{self.path} lacks the block {key}: it is damaged")
        start, length = self.places[key]
        self.stream.seek(start)
        return self.stream.read(length)


class Reader(pickle.Unpickler):
    """An unpickler that makes plain data, tensors and records."""

    def __init__(self, stream, path, source):
        super().__init__(stream, encoding="latin1")
        self.path = path
        self.source = source
        self.storages = {}
        self.types = {}

    def find_class(self, module, name):
        path = f"{module}.{name}"
        first = module.split(".")[0]
        plain = PLAIN.get(path) or PLAIN.get(path.replace("__builtin__", "builtins"))
        if plain is not None:
            return plain
        if first in HARMFUL and name.split(".")[0] not in HARMLESS.get(first, ()):
            raise ConversionError(f"{self.path} is refused: it is not only data, it would call {path}")
        if path == "torch._utils._rebuild_tensor_v2" or path == "torch._utils._rebuild_tensor":
            return self.tensor
        if path == "torch._utils._rebuild_tensor_v3":
            return self.typed_tensor
        if path in ("torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"):
            return lambda data, *rest: data
        if path == "torch._tensor._rebuild_from_type_v2":
            return lambda function, kind, arguments, state: function(*arguments)
        if path == "torch.nn.parameter.Parameter" or path == "torch.Tensor":
            return lambda data=None, *rest: data
        if first == "torch" and path.startswith("torch._utils._rebuild"):
            return lambda *arguments: Unsupported(name.removeprefix("_rebuild_"))
        if module in ("torch", "torch.cuda", "torch.storage") and (name in STORAGES or name == "UntypedStorage"):
            return STORAGES.get(name, "u1")
        if module == "torch" and name in TYPES:
            return TYPES[name]
        if module.startswith("torch") and name == "_load_from_bytes":
            return refuse_plain_pickle
        if module.startswith("torch") and name.endswith("Storage"):
            return Unsupported(f"{module}.{name}")
        if module == "torch" and name.startswith(("float", "complex", "int", "uint", "quint", "qint")):
            return Unsupported(path)  # A type of tensors.
        if path not in self.types:
            self.types[path] = maker(path)
        return self.types[path]

    def persistent_load(self, identity):
        if isinstance(identity, tuple) and len(identity) > 1 and identity[0] == "module":
            return identity[1]  # A class with its source text, which nobody reads.
        if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != "storage":
            return Record("persistent", (identity,))
        _, kind, key, _, count = identity[:5]
        if not isinstance(kind, str) or not isinstance(count, int) or count < 0:
            return Unsupported(str(getattr(kind, "what", kind)))
        key = str(key)
        if len(identity) > 5 and isinstance(identity[5], tuple):
            raise ConversionError(f"{self.path} holds a view of a block, as torch before 0.4 wrote: save it again")
        storage = Storage(key, kind, count)
        self.storages[key] = storage
        return storage

    def tensor(self, storage, offset, size, stride, *rest):
        return self.typed(storage, offset, size, stride, getattr(storage, "kind", None))

    def typed_tensor(self, storage, offset, size, stride, requires_grad, hooks, kind, *rest):
        return self.typed(storage, offset, size, stride, kind)

    def typed(self, storage, offset, size, stride, kind):
        if not isinstance(storage, Storage) or not isinstance(kind, str):
            return Unsupported(getattr(storage, "what", None) or getattr(kind, "what", None) or str(kind))
        numbers = [offset, *size, *stride]
        if not all(isinstance(number, int) and 0 <= number < 1 << 48 for number in numbers) or len(size) != len(stride):
            raise ConversionError(f"{self.path} has a tensor of an impossible shape")
        return Tensor(storage, kind, offset, tuple(size), tuple(stride), self.source)


def encode(text, encoding="latin1"):
    """Bytes as protocol 2 writes them."""
    return text.encode("latin1") if isinstance(text, str) and encoding in ("latin1", "latin-1") else Record("bytes")


PLAIN = {
    "collections.OrderedDict": collections.OrderedDict,
    "collections.defaultdict": lambda factory=None, *items: {},
    "collections.Counter": dict,
    "builtins.set": set,
    "builtins.frozenset": frozenset,
    "builtins.list": list,
    "builtins.dict": dict,
    "builtins.tuple": tuple,
    "torch.Size": lambda items=(): tuple(items),
    "_codecs.encode": encode,
}


def opcodes(data, path, start=0):
    """Refuses a pickle with an opcode that is not on the list; the end of the pickle."""
    stream = io.BytesIO(data) if isinstance(data, bytes) else data
    stream.seek(start)
    try:
        for opcode, _, place in pickletools.genops(stream):
            if opcode.name not in OPCODES:
                raise ConversionError(f"{path} is refused: its pickle has the opcode {opcode.name}")
    except (ValueError, struct.error, OverflowError, MemoryError, UnicodeDecodeError, IndexError) as error:
        raise ConversionError(f"{path} is no torch checkpoint") from error
    return stream.tell()


def unpickle(reader, path):
    """One object; whatever is wrong with the pickle is one line."""
    try:
        return reader.load()
    except ConversionError:
        raise
    except RecursionError as error:
        raise ConversionError(f"{path} is refused: its pickle is nested too deeply") from error
    except Exception as error:  # The file is not ours; nothing that it does can be foreseen.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ConversionError(f"{path} cannot be read as a torch checkpoint: {first}") from error


def load(path):
    """What a file of torch.save holds: plain data, `Tensor`s and `Record`s."""
    path = pathlib.Path(path)
    limits.check_file(path)
    if zipfile.is_zipfile(path):
        try:
            source = ArchiveSource(path)
            data = source.pickle()
        except (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, EOFError) as error:
            raise ConversionError(f"{path} cannot be read as a torch checkpoint: {error}") from error
        opcodes(data, path)
        return unpickle(Reader(io.BytesIO(data), path, source), path)
    return load_stream(path)


def mapped(path):
    """The bytes of a file, read as they are needed; closed with the last that looks at them."""
    with path.open("rb") as file:
        try:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError as error:
            raise ConversionError(f"{path} is empty") from error


def load_stream(path):
    """The format before torch 1.6: pickles of a magic number, versions, the content and the keys of its blocks."""
    stream = mapped(path)
    if stream.read(1) not in (b"\x80", b"(", b"}", b"]", b"c"):
        raise ConversionError(f"{path} is no torch checkpoint")
    source = StreamSource(path, stream)
    start = 0
    parts = []
    for part in range(5):
        end = opcodes(stream, path, start)
        limits.check(end - start, limits.CONFIG_BYTES, f"{path}: its pickle is too large, in bytes")
        stream.seek(start)
        data = stream.read(end - start)
        reader = Reader(io.BytesIO(data), path, source)
        parts.append(unpickle(reader, path))
        source.kinds.update(reader.storages)
        start = end
        if part == 0 and parts[0] != LEGACY_MAGIC:
            return parts[0]  # A plain pickle, whose tensors have no blocks.
    stream.seek(start)
    keys = parts[4] if isinstance(parts[4], list) else []
    source.index(keys)
    return parts[3]
