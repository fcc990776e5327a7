"""How much a source may ask for: checked before anything is allocated."""

from .errors import ConversionError

FILE_BYTES = 16 << 30  # of a source file
CONFIG_BYTES = 64 << 20  # of a configuration, a pickle or a list of labels
TENSOR_BYTES = 8 << 30  # of all tensors that a source holds, as float32
MEMBERS = 200_000  # of an archive


def check(value, limit, what):
    """Refuses a number of bytes (or of things) that is beyond a limit."""
    if value > limit:
        raise ConversionError(f"{what}: {value} is beyond the limit of {limit}")


def check_file(path):
    """Refuses a file that is too large to be a model; its holes count."""
    check(path.stat().st_size, FILE_BYTES, f"{path} is too large, in bytes")


class Budget:
    """What is left of the memory for tensors."""

    def __init__(self, limit=None):
        self.limit = TENSOR_BYTES if limit is None else limit
        self.spent = 0

    def take(self, elements, name):
        """Counts a tensor of float32 before it is read."""
        self.spent += 4 * elements
        check(self.spent, self.limit, f"the tensors up to {name} are too large, in bytes")


def open_zip(path, archive):
    """Checks an archive's directory: the number of its members and their size once unpacked."""
    infos = archive.infolist()
    check(len(infos), MEMBERS, f"{path} has too many members")
    check(sum(info.file_size for info in infos), FILE_BYTES, f"{path} is too large once unpacked, in bytes")
    return infos


def read_member(path, archive, name, limit):
    """One member of an archive; what it announces and what it holds are both bounded."""
    check(archive.getinfo(name).file_size, limit, f"{path}: {name} is too large, in bytes")
    with archive.open(name) as member:
        data = member.read(limit + 1)
    check(len(data), limit, f"{path}: {name} is too large, in bytes")
    return data
