"""Files that are there whole or not at all: written aside, synced, renamed."""

import contextlib
import hashlib
import json
import os
import uuid

from .errors import RunError


class WholeFile:
    """A file that takes the place of `path` when it is committed, and of which nothing is left otherwise.

    Its contents are hashed as they are written. The name beside it is of one's own, so that several attempts at the same
    file do not meet: the last one wins.
    """

    def __init__(self, path: str):
        self._path = path
        self._aside = f"{path}.{uuid.uuid4().hex[:12]}.part"
        self._file = open(self._aside, "xb")  # noqa: SIM115 (closed by commit and abort)
        self._digest = hashlib.sha256()
        self.size = 0

    def write(self, data) -> int:
        try:
            self._file.write(data)
        except OSError as error:
            # The system does not say of which file.
            error.filename = self._path
            raise
        self._digest.update(data)
        self.size += len(data)
        return len(data)

    def tell(self) -> int:
        return self.size

    def flush(self) -> None:
        self._file.flush()

    @property
    def closed(self) -> bool:
        return self._file.closed

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def commit(self) -> None:
        """Makes the file last, under its name; where that fails, nothing is left."""
        try:
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            os.replace(self._aside, self._path)
        except OSError as error:
            self.abort()
            error.filename = self._path
            raise
        sync_folder(os.path.dirname(self._path))

    def abort(self) -> None:
        """Forgets what was written."""
        # To close writes what is buffered, for which there may be no room.
        with contextlib.suppress(OSError):
            self._file.close()
        with contextlib.suppress(OSError):
            os.unlink(self._aside)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is None:
            self.commit()
        else:
            self.abort()


def sync_folder(path: str) -> None:
    """Makes the names in a folder last."""
    handle = os.open(path or ".", os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError:
        pass  # Some network file systems cannot, and keep names at once.
    finally:
        os.close(handle)


#: The one text of a JSON value.
canonical = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def write_json(path: str, value) -> None:
    with WholeFile(path) as file:
        file.write((canonical(value) + "\n").encode())


def read_json(path: str, advice: str = ""):
    """The value in a file; a damaged file is told in a line, with what to do about it."""
    with open(path, encoding="utf-8") as file:
        try:
            return json.load(file)
        except ValueError as error:
            raise RunError(f"{path} is damaged ({error}){advice and ': ' + advice}") from error
