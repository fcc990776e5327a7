"""Label names from files, options and configurations."""

import json
import pathlib
import re

from . import limits
from .errors import ConversionError


# Files of labels as they lie beside models.
BESIDE = tuple(
    f"{name}.{end}" for name in ("labels", "classes", "class_names", "class_labels", "label_names") for end in ("txt", "json")
) + ("class_indices.json", "class_to_idx.json", "idx_to_class.json", "id2label.json", "index_to_name.json")  # fmt: skip


def beside(path, counts):
    """The labels in files beside a model where they are as many as it has, the names of those files, and those of others.

    Where two files have so many names that differ, there are no labels, and both are others.
    """
    found, others = {}, []
    for name in BESIDE:
        file = path.parent / name
        if not file.is_file():
            continue
        try:
            labels = read(str(file))
        except (ConversionError, OSError):
            labels = None
        if labels and len(labels) in counts:
            found[name] = labels
        else:
            others.append(f"{name} has {len(labels)}" if labels else f"{name} cannot be read")
    if any(labels != next(iter(found.values())) for labels in found.values()):
        return None, [], [f"{' and '.join(found)} differ", *others]
    return next(iter(found.values()), None), list(found), others


def label_list(value):
    """Names in their order, from a list or from a dictionary between names and indices; `None` for anything else."""
    if isinstance(value, (list, tuple)) and value and all(isinstance(item, str) for item in value):
        return list(value)
    if isinstance(value, dict) and value:
        if all(isinstance(item, (list, tuple)) and item for item in value.values()):
            value = {key: item[-1] for key, item in value.items()}  # Of an identifier and a name the name, as of ImageNet's.
        by_index = all(isinstance(i, int) or isinstance(i, str) and i.isdigit() for i in value)
        if by_index and all(isinstance(name, str) for name in value.values()):
            pairs = [(int(i), name) for i, name in value.items()]
        else:
            pairs = [(i, name) for name, i in value.items()]
        if all(isinstance(i, int) and not isinstance(i, bool) and isinstance(name, str) for i, name in pairs):
            if sorted(i for i, _ in pairs) == list(range(len(pairs))):
                return [name for _, name in sorted(pairs)]
    return None


def read(text):
    """Label names from a file, one a line or as JSON, or from a list."""
    if text is None:
        return None
    path = pathlib.Path(text)
    try:
        is_file = path.is_file()
    except OSError:
        is_file = False
    if is_file:
        lines = from_file(path)
    elif "," not in text and path.suffix in (".txt", ".csv", ".json"):
        raise ConversionError(f"there is no label file {path}")
    else:
        lines = text.split(",")
    labels = [line.strip() for line in lines]
    while is_file and labels and not labels[-1]:
        labels.pop()
    if "" in labels:
        raise ConversionError(f"label {labels.index('')} is empty")
    return labels


def from_file(path):
    """The lines of a file, without the numbers from 0 that Teachable Machine and others write before them."""
    limits.check(path.stat().st_size, limits.CONFIG_BYTES, f"{path} is too large, in bytes")
    try:
        content = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConversionError(f"the labels in {path} are not UTF-8 text") from error
    if path.suffix == ".json":
        return from_json(path, content)
    lines = content.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    found = [re.match(r"(\d+)(?:\s*[:;,]\s*|\s+)(\S.*)$", line.strip()) for line in lines]
    if lines and all(found) and [int(match.group(1)) for match in found] == list(range(len(found))):
        return [match.group(2) for match in found]
    return lines


def from_json(path, content):
    """A list of names, or a dictionary between names and indices, in either direction."""
    try:
        labels = label_list(json.loads(content))
    except (ValueError, RecursionError):
        labels = None
    if labels is None:
        raise ConversionError(f"{path} is neither a list of labels nor a dictionary from them to 0, 1, …")
    return labels
