"""Who is at work in a run's folder: one command that finishes it, or any number of jobs that do shards of it."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from .errors import RunError

#: Hidden, so that a folder of inputs around the results does not show it.
NAME = ".lock"


@contextlib.contextmanager
def held(folder: str, shared: bool = False) -> Iterator[bool]:
    """Keeps others out of a folder for a while; says whether the file system can.

    The system frees the lock with the process, however that ends. Linux keeps it on the server of an NFS too, for all
    machines; a file system without locks keeps nobody out.
    """
    with open(os.path.join(folder, NAME), "a+b") as file:
        try:
            fcntl.flock(file, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
            is_held = True
        except BlockingIOError:
            raise RunError(
                f"{folder}: another command is at work there: wait until it has ended, or take another folder for the results"
            ) from None
        except OSError:
            is_held = False
        yield is_held
