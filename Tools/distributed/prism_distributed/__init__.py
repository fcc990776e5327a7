"""Prism as the worker of engines that exist: Ray Data, Spark, and one process without an engine."""

__version__ = "1.0.0"
