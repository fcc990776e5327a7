"""Errors that are told in one line: what is wrong, and what to do."""


class RunError(Exception):
    """Something that ends a run, or keeps it from beginning."""


class WorkerDied(Exception):
    """The worker's process has ended, or says nothing any more."""
