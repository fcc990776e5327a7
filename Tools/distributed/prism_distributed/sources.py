"""Where inputs come from: folders, Parquet files with bytes or addresses, WebDataset shards, and made-up pictures.

A source lists entries once, on the driver: an address, and where it needs one a place (an offset in a tar file, a row of a
Parquet file). Nodes read what the list names, straight from storage: no input's bytes pass through an engine.
"""

import bisect
import contextlib
import glob
import json
import os
import random
import re
import socket
import struct
import tarfile
import unicodedata
import zlib
from collections.abc import Iterator

from .errors import RunError, told

#: Those of PictureFormat and SoundFormat in Sources/PrismMedia, which a test compares.
EXTENSIONS = {
    "image": {
        "png", "jpg", "jpeg", "jpe", "jfif", "webp", "bmp", "dib", "tif", "tiff", "dcm", "dicom",
    },
    "audio": {
        "wav", "wave", "flac", "ogg", "oga", "opus", "mp3", "m4a", "aac", "mp4", "amr", "webm", "mka",
    },
}  # fmt: skip


#: What notes call them.
KINDS = {"image": "pictures", "audio": "sounds"}
#: Files that are left out of which a note gives the names.
EXAMPLES = 5


def suffix(name: str) -> str:
    return os.path.splitext(name)[1][1:].lower()


def unseen(path: str) -> RunError:
    return RunError(f"{socket.gethostname()} does not see {path}: all nodes need the inputs under the same path")


class Source:
    """What every source has."""

    #: The source as JSON, from which a node makes it again.
    specification: dict

    def entries(self, kind: str) -> Iterator[dict]:
        """Everything for a model of pictures (`image`) or sounds (`audio`): {"address", and "at" where it is needed}."""
        raise NotImplementedError

    def read(self, entry: dict) -> bytes:
        """The bytes of an entry."""
        raise NotImplementedError

    def check(self, entry: dict) -> None:
        """Raises where a node does not see the place that an entry is in, which is no fault of the entry."""

    def place(self, at: list) -> str:
        """Where an entry is, in words."""
        return str(at)

    def notes(self) -> list[str]:
        """What was left out when the entries were listed, each in a line."""
        return []

    def name(self, entry: dict) -> str:
        """The name of a file to show."""
        return entry["address"].rsplit("/", 1)[-1].rsplit("#", 1)[-1]


class Folder(Source):
    """Files of a folder and the folders in it, by their paths from there.

    The same files as `prism shard` finds: links are followed, and a folder is visited once, however many links lead to it.
    """

    def __init__(self, root: str):
        self._shown = root
        self.root = os.path.abspath(root)
        self.specification = {"kind": "folder", "root": self.root}
        self._kind = ""
        #: How many files are of other kinds, and the first ones.
        self._others = 0
        self._examples: list[str] = []
        #: Folders inside that cannot be listed.
        self._unreadable: list[str] = []

    def entries(self, kind):
        self._kind, self._others, self._examples, self._unreadable = kind, 0, [], []
        visited = {_identity(self.root)}
        walks = [("", iter(_listed(self.root)))]
        while walks:
            start, walk = walks[-1]
            item = next(walk, None)
            if item is None:
                walks.pop()
                continue
            name, is_folder, is_file = item
            if is_folder:
                self._enter(f"{start}{name}/", visited, walks)
            elif is_file and suffix(name) in EXTENSIONS[kind]:
                yield {"address": start + name}
            else:
                self._others += 1
                if len(self._examples) < EXAMPLES:
                    self._examples.append(os.path.join(self._shown, start + name))

    def _enter(self, start: str, visited: set, walks: list) -> None:
        """Begins the walk through a folder inside, unless it was visited by another way."""
        path = os.path.join(self.root, start)
        try:
            identity = _identity(path)
            if identity not in visited:
                visited.add(identity)
                walks.append((start, iter(_listed(path))))
        except OSError as error:
            self._unreadable.append(f"{os.path.join(self._shown, start[:-1])}: cannot be listed: {error.strerror}")

    def notes(self):
        if not self._others:
            return self._unreadable
        shown = ", ".join(self._examples) + (" …" if self._others > len(self._examples) else "")
        files, verb = ("file", "is") if self._others == 1 else ("files", "are")
        note = f"{self._shown}: {self._others} {files} that {verb} not {KINDS[self._kind]} {verb} left out: {shown}"
        return [*self._unreadable, note]

    def read(self, entry):
        with open(os.path.join(self.root, entry["address"]), "rb") as file:
            return file.read()

    def check(self, entry):
        if not os.path.isdir(self.root):
            raise unseen(self.root)


def _identity(path: str) -> tuple[int, int]:
    """What all paths to a folder have in common."""
    status = os.stat(path)
    return status.st_dev, status.st_ino


def _listed(path: str) -> list[tuple[str, bool, bool]]:
    """The names in a folder, as `prism` sorts them, without hidden ones; whether each is a folder, and whether it is a file.

    A link that leads nowhere is neither.
    """
    with os.scandir(path) as names:
        found = [(item.name, _safely(item.is_dir), _safely(item.is_file)) for item in names if not item.name.startswith(".")]
    return sorted(found, key=lambda item: (unicodedata.normalize("NFC", item[0]), item[0]))


def _safely(question) -> bool:
    """The answer of the system, where it has one: a link to itself is an error to it."""
    try:
        return question()
    except OSError:
        return False


class Parquet(Source):
    """Rows of Parquet files with the inputs' bytes, or with their addresses.

    Bytes are addressed by the file's name and the row, unless a column names them. Addresses are paths from the file's
    folder, whole paths, or those of a store that pyarrow knows (s3, gs, hdfs, abfs).
    """

    def __init__(self, files: list[str], bytes_column: str | None, address_column: str | None):
        self.files = [os.path.abspath(path) for path in files]
        self.bytes_column = bytes_column
        self.address_column = address_column
        self.specification = {
            "kind": "parquet", "files": self.files, "bytes": bytes_column, "address": address_column,
        }  # fmt: skip
        self._open = None
        self._group = (None, None, None)

    def _columns(self, schema):
        """Which columns have bytes and addresses: as they are named, or as they are usually called."""
        data, address = self.bytes_column, self.address_column
        for column in (data, address):
            if column and column not in schema.names:
                raise RunError(f"{self.files[0]} has no column {column}: there are {', '.join(schema.names)}")
        if not data and not address:
            data = next((name for name in ("bytes", "content", "image", "audio") if name in schema.names), None)
            address = next((name for name in ("address", "path", "uri", "url") if name in schema.names), None)
        if not data and not address:
            raise RunError(
                f"which column of {self.files[0]} has the inputs is not clear: --bytes-column or --address-column names one of "
                + ", ".join(schema.names)
            )
        return data, address

    def entries(self, kind):
        import pyarrow.parquet as parquet

        names = [os.path.basename(path) for path in self.files]
        if len(set(names)) != len(names):
            raise RunError("two Parquet files have the same name: their rows could not be told apart")
        for number, path in enumerate(self.files):
            with _read(path):
                file = parquet.ParquetFile(path)
            data, address = self._columns(file.schema_arrow)
            self.bytes_column, self.address_column = data, address
            self.specification.update(bytes=data, address=address)
            row = 0
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                if address:
                    with _read(path):
                        texts = file.read_row_group(group, [address]).column(0).to_pylist()
                else:
                    texts = [f"{names[number]}#{row + i:010}" for i in range(count)]
                for i, text in enumerate(texts):
                    if text is None:
                        raise RunError(f"{path}: row {row + i} has no address")
                    if data and type(text) is int:
                        # Rows are often numbered, and only their bytes are read.
                        text = str(text)
                    if not isinstance(text, str):
                        kind = file.schema_arrow.field(address).type
                        raise RunError(f"{path}: the column {address} has values of the type {kind}, which are no addresses")
                    if data:
                        yield {"address": text, "at": [number, row + i]}
                    elif "://" in text or os.path.isabs(text):
                        yield {"address": text}
                    else:
                        yield {"address": text, "at": [number]}
                row += count

    def read(self, entry):
        if not self.bytes_column:
            return self._read_address(entry)
        number, row = entry["at"]
        start, values = self._row_group(number, row)
        value = values[row - start].as_py()
        if value is None:
            raise OSError("the row has no bytes")
        return value["bytes"] if isinstance(value, dict) else bytes(value)

    def _read_address(self, entry):
        address = entry["address"]
        if "://" in address:
            from pyarrow import fs

            store, path = fs.FileSystem.from_uri(address)
            with store.open_input_stream(path) as file:
                return file.read()
        if "at" in entry:
            address = os.path.join(os.path.dirname(self.files[entry["at"][0]]), address)
        with open(address, "rb") as file:
            return file.read()

    def _row_group(self, number, row):
        """The group that a row is in; shards are read in order, so that the last one is usually the right one."""
        import pyarrow.parquet as parquet

        if self._open is None or self._open[0] != number:
            file = parquet.ParquetFile(self.files[number])
            starts = [0]
            for group in range(file.num_row_groups):
                starts.append(starts[-1] + file.metadata.row_group(group).num_rows)
            self._open = (number, file, starts)
        _, file, starts = self._open
        group = bisect.bisect_right(starts, row) - 1
        if self._group[:2] != (number, group):
            self._group = (number, group, file.read_row_group(group, [self.bytes_column]).column(0))
        return starts[group], self._group[2]

    def check(self, entry):
        if "at" in entry and not os.path.exists(self.files[entry["at"][0]]):
            raise unseen(self.files[entry["at"][0]])

    def place(self, at):
        return self.files[at[0]] if len(at) == 1 else f"row {at[1]} of {self.files[at[0]]}"

    def name(self, entry):
        return super().name(entry) if self.address_column else entry["address"].replace("#", "-")


class WebDataset(Source):
    """Members of tar files, by the file's name and their own; they are read at their offsets, without unpacking."""

    def __init__(self, files: list[str]):
        self.files = [os.path.abspath(path) for path in files]
        self.specification = {"kind": "webdataset", "files": self.files}
        self._open = (None, None)

    def entries(self, kind):
        names = [os.path.basename(path) for path in self.files]
        if len(set(names)) != len(names):
            raise RunError("two tar files have the same name: their members could not be told apart")
        for number, path in enumerate(self.files):
            try:
                with tarfile.open(path, "r:") as archive:
                    for member in archive:
                        if member.isreg() and suffix(member.name) in EXTENSIONS[kind]:
                            yield {
                                "address": f"{names[number]}#{member.name}",
                                "at": [number, member.offset_data, member.size],
                            }
            except tarfile.TarError as error:
                raise RunError(f"{path} is no tar file without compression: {error}") from error

    def read(self, entry):
        number, offset, size = entry["at"]
        if self._open[0] != number:
            if self._open[1]:
                self._open[1].close()
            self._open = (number, open(self.files[number], "rb"))  # noqa: SIM115 (kept open)
        file = self._open[1]
        file.seek(offset)
        data = file.read(size)
        if len(data) != size:
            raise OSError("the tar file has become shorter")
        return data

    def check(self, entry):
        if not os.path.exists(self.files[entry["at"][0]]):
            raise unseen(self.files[entry["at"][0]])

    def place(self, at):
        return f"the member at byte {at[1]} of {self.files[at[0]]}"

    def name(self, entry):
        return entry["address"].split("#", 1)[1].rsplit("/", 1)[-1]


class Synthetic(Source):
    """Pictures that are made as they are read, for measuring: shaded shapes over a textured ground, each of its own seed."""

    def __init__(self, count: int, side: int = 256):
        self.count = count
        self.side = side
        self.specification = {"kind": "synthetic", "count": count, "side": side}

    def entries(self, kind):
        if kind != "image":
            raise RunError("made-up inputs are pictures, and the model hears sounds")
        for number in range(self.count):
            yield {"address": f"synthetic-{number:09}.png"}

    def read(self, entry):
        import numpy

        # Counts and bytes are drawn by generators whose streams stay the same from version to version.
        draw = random.Random(int(entry["address"][10:-4]))
        side = self.side
        down, across = numpy.mgrid[0:side, 0:side].astype("f4") / side
        texture = numpy.frombuffer(draw.randbytes(32 * 32), "u1").reshape(32, 32).astype("f4") - 128
        steps = numpy.minimum(numpy.arange(side) * 32 // side, 31)
        ground = numpy.array([draw.uniform(60, 200) for _ in range(3)], "f4")
        pixels = ground + 90 * (down[..., None] - 0.5) + 0.25 * texture[steps][:, steps, None]
        for _ in range(draw.randint(2, 5)):
            x, y = draw.uniform(0.1, 0.9), draw.uniform(0.1, 0.9)
            wide, high, turn = draw.uniform(0.06, 0.3), draw.uniform(0.06, 0.3), draw.uniform(-1, 1)
            u, v = (across - x) / wide + turn * (down - y), (down - y) / high - turn * (across - x)
            distance = numpy.maximum(abs(u), abs(v)) if draw.random() < 0.4 else numpy.sqrt(u * u + v * v)
            colour = numpy.array([draw.uniform(0, 255) for _ in range(3)], "f4")
            shade = colour * (1.15 - 0.6 * distance[..., None])
            pixels = numpy.where(distance[..., None] < 1, shade, pixels)
        levels = numpy.clip(numpy.rint(pixels), 0, 255).astype("u1")
        rows = numpy.concatenate([numpy.zeros((side, 1), "u1"), levels.reshape(side, 3 * side)], axis=1)
        return png(side, side, rows.tobytes(), colours=3)


@contextlib.contextmanager
def _read(path: str):
    """Names the file that cannot be read."""
    import pyarrow

    try:
        yield
    except (OSError, pyarrow.ArrowException) as error:
        raise RunError(f"{path} cannot be read: {told(error)}") from error


def png(width: int, height: int, rows: bytes, colours: int) -> bytes:
    """A PNG file of rows that begin with their filter's byte; `colours` is 1 for grey, 3 for RGB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 0 if colours == 1 else 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def from_specification(value: dict) -> Source:
    """The source that a manifest names."""
    match value.get("kind"):
        case "folder":
            return Folder(value["root"])
        case "parquet":
            return Parquet(value["files"], value["bytes"], value["address"])
        case "webdataset":
            return WebDataset(value["files"])
        case "synthetic":
            return Synthetic(value["count"], value["side"])
        case kind:
            raise RunError(f"the manifest names a source of the unknown kind {json.dumps(kind)}")


def from_argument(text: str, bytes_column: str | None = None, address_column: str | None = None) -> Source:
    """The source that a command line names: a folder, files (`*` and `{000..099}` are expanded), or `synthetic:COUNT[:SIDE]`."""
    if match := re.fullmatch(r"synthetic:(\d+)(?::(\d+))?", text):
        return Synthetic(int(match[1]), int(match[2] or 256))
    paths = expanded(text)
    if len(paths) == 1 and os.path.isdir(paths[0]):
        folder = paths[0]
        for ending, kind in ((".parquet", "parquet"), (".tar", "webdataset")):
            inside = sorted(glob.glob(os.path.join(glob.escape(folder), f"*{ending}")))
            if inside:
                return _files(inside, kind, bytes_column, address_column)
        return Folder(folder)
    endings = {suffix(path) for path in paths}
    if endings == {"parquet"}:
        return _files(paths, "parquet", bytes_column, address_column)
    if endings == {"tar"}:
        return _files(paths, "webdataset", bytes_column, address_column)
    raise RunError(f"{text} is no folder, no Parquet file and no tar file: --input takes one of these")


def _files(paths, kind, bytes_column, address_column):
    if kind == "parquet":
        return Parquet(paths, bytes_column, address_column)
    return WebDataset(paths)


def expanded(pattern: str) -> list[str]:
    """The paths that a pattern with `{000..099}` and `*` means, in order."""
    if match := re.search(r"\{(\d+)\.\.(\d+)\}", pattern):
        first, last = match[1], match[2]
        paths = []
        for number in range(int(first), int(last) + 1):
            paths += expanded(f"{pattern[: match.start()]}{number:0{len(first)}}{pattern[match.end() :]}")
        return paths
    if os.path.exists(pattern):
        return [pattern]
    paths = sorted(glob.glob(pattern))
    if not paths:
        raise RunError(f"{pattern} is not there")
    return paths
