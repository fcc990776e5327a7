"""The modules of a whole pickled torch model: their tensors, their classes and what they are set to.

A state dict has none of that; a pickled model tells which activation stands between two linear layers, how the map is
pooled, and which epsilon a normalisation has.
"""

from .torch_pickle import Record, Tensor, Unsupported


class Modules:
    """A network of records, as `torch.save(model)` leaves it."""

    def __init__(self, root):
        self.root = root
        self.attributes = root.attributes()
        self.names = None

    @staticmethod
    def is_module(item):
        """Whether a record has the state of a torch module."""
        return isinstance(item, Record) and {"_parameters", "_modules"} <= set(item.attributes())

    def walk(self):
        """Name and record of every module in the order of their registration; a shared module comes once."""
        seen = set()

        def visit(record, name, depth):
            if id(record) in seen or depth > 100:
                return
            seen.add(id(record))
            yield name, record
            children = record.attributes().get("_modules")
            if isinstance(children, dict):
                for key, child in children.items():
                    if self.is_module(child):
                        yield from visit(child, f"{name}.{key}" if name else str(key), depth + 1)

        yield from visit(self.root, "", 0)

    def state(self):
        """Name → tensor, as `state_dict()` would have it."""
        result = {}
        for name, record in self.walk():
            attributes = record.attributes()
            passing = attributes.get("_non_persistent_buffers_set") or ()
            for part in ("_parameters", "_buffers"):
                tensors = attributes.get(part)
                for key, value in tensors.items() if isinstance(tensors, dict) else ():
                    if isinstance(value, (Tensor, Unsupported)) and not (part == "_buffers" and key in passing):
                        result[f"{name}.{key}" if name else str(key)] = value
        return result

    def table(self):
        """Name → record of every module."""
        if self.names is None:
            self.names = dict(self.walk())
        return self.names

    def find(self, name):
        """The module with a name, or `None`."""
        return self.table().get(name)

    @staticmethod
    def children(record):
        """Name → record of the modules of a module."""
        children = record.attributes().get("_modules")
        children = children if isinstance(children, dict) else {}
        return {str(key): child for key, child in children.items() if Modules.is_module(child)}
