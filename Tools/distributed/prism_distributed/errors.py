"""Errors that are told in one line: what is wrong, and what to do."""


class RunError(Exception):
    """Something that ends a run, or keeps it from beginning."""


class WorkerDied(Exception):
    """The worker's process has ended, or says nothing any more."""


def told(error: Exception) -> str:
    """An error of the system or of a library in one line, with the file where it is known."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return " ".join(str(error).split()) or type(error).__name__
