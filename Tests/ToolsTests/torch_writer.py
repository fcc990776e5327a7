"""Writes what torch.save writes, without torch: the zip archive, or the stream from before 1.6."""

import contextlib
import io
import pickle
import struct
import sys
import types
import zipfile

import numpy

MAGIC = 0x1950A86A20F9469CFC6C
KINDS = {"float32": "FloatStorage", "float16": "HalfStorage", "float64": "DoubleStorage", "int64": "LongStorage"}


@contextlib.contextmanager
def stand_ins():
    """Modules with the names that pickles of torch give; the real ones are back afterwards."""
    made = {name: types.ModuleType(name) for name in ("torch", "torch._utils")}

    def rebuild(*arguments):
        raise AssertionError("a stand-in was called")

    rebuild.__module__, rebuild.__qualname__, rebuild.__name__ = "torch._utils", "_rebuild_tensor_v2", "_rebuild_tensor_v2"
    made["torch._utils"]._rebuild_tensor_v2 = rebuild
    made["torch"]._utils = made["torch._utils"]
    for kind in KINDS.values():
        storage = type(kind, (), {"__module__": "torch"})
        setattr(made["torch"], kind, storage)
    before = {name: sys.modules.get(name) for name in made}
    sys.modules.update(made)
    try:
        yield made["torch"]
    finally:
        for name, module in before.items():
            sys.modules.pop(name)
            if module is not None:
                sys.modules[name] = module


CLASSES = {}


class Block:
    def __init__(self, key, value, torch):
        self.key, self.count, self.kind = key, value.size, getattr(torch, KINDS[str(value.dtype)])


class Writer(pickle._Pickler):
    """A pickler for which numpy arrays are tensors and records are instances of classes that need not exist."""

    def __init__(self, stream, torch):
        super().__init__(stream, protocol=2)
        self.torch, self.blocks = torch, {}

    def persistent_id(self, item):
        return ("storage", item.kind, item.key, "cpu", item.count) if isinstance(item, Block) else None

    def save_global(self, item, name=None):
        if item not in CLASSES.values():
            return super().save_global(item, name)
        self.write(pickle.GLOBAL + f"{item.__module__}\n{item.__name__}\n".encode())
        self.memoize(item)

    def reducer_override(self, item):
        if not isinstance(item, numpy.ndarray):
            return NotImplemented
        key = str(len(self.blocks))
        self.blocks[key] = item
        strides = tuple(int(numpy.prod(item.shape[i + 1 :])) for i in range(item.ndim))
        block = Block(key, item, self.torch)
        return self.torch._utils._rebuild_tensor_v2, (block, 0, item.shape, strides, False, {})


def save(path, content, legacy=False):
    """One file with a content of plain data, arrays and whatever can be pickled."""
    with stand_ins() as torch:
        stream = io.BytesIO()
        writer = Writer(stream, torch)
        writer.dump(content)
        blocks = {key: numpy.ascontiguousarray(value).tobytes() for key, value in writer.blocks.items()}
        if not legacy:
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr("m/data.pkl", stream.getvalue())
                archive.writestr("m/byteorder", "little")
                for key, data in blocks.items():
                    archive.writestr(f"m/data/{key}", data)
            return path
        with path.open("wb") as file:
            for part in (MAGIC, 1001, {"little_endian": True}):
                pickle.dump(part, file, protocol=2)
            file.write(stream.getvalue())
            pickle.dump(list(blocks), file, protocol=2)
            for key, data in blocks.items():
                file.write(struct.pack("<q", writer.blocks[key].size) + data)
    return path


def module(path, modules=None, parameters=None, buffers=None, **attributes):
    """An instance of a class that need not exist, with the state of a torch module."""
    if path not in CLASSES:
        package, _, name = path.rpartition(".")
        CLASSES[path] = type(name, (), {"__module__": package})
    made = CLASSES[path]()
    state = {"_parameters": parameters, "_buffers": buffers, "_modules": modules}
    made.__dict__.update(training=False, **{key: dict(value or {}) for key, value in state.items()}, **attributes)
    return made

