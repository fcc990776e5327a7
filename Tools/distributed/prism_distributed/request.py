"""What is asked of every input, from the words of a command line."""

import json

from .errors import RunError

#: What may be chosen for a method, and how its text is read.
CHOICES = {
    "layer": str, "samples": int, "segments": str, "mask": str, "confidence": float, "quantity": str, "composite": str,
    "draws": str,
}  # fmt: skip


def method(text: str) -> dict:
    """A method with its choices: `lime`, `lime:samples=500:segments=grid:8`."""
    name, *rest = text.split(":")
    result: dict = {"name": name}
    last = None
    for part in rest:
        key, mark, value = part.partition("=")
        if not mark and last:
            # A colon of the last value, such as that of grid:8.
            result[last] = f"{result[last]}:{part}"
            continue
        if key not in CHOICES:
            raise RunError(f"{text}: {key} is no choice of a method; there are {', '.join(CHOICES)}")
        try:
            result[key] = CHOICES[key](value)
        except ValueError:
            raise RunError(f"{text}: {value} is no value of {key}") from None
        last = key if CHOICES[key] is str else None
    if not name:
        raise RunError("--methods has an empty name")
    return result


def request(methods: str | None, given: dict | None = None, **choices) -> dict:
    """An ExplanationRequest; `given` is one that is read from a file, and what is chosen besides comes before it."""
    result = dict(given or {})
    if methods:
        result["methods"] = [method(text) for text in methods.split(",")]
    if not result.get("methods"):
        raise RunError("there is no method: --methods names some, such as gradcam,lime")
    result |= {name: value for name, value in choices.items() if value is not None}
    return result


def from_file(path: str | None) -> dict | None:
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError) as error:
        raise RunError(f"{path} cannot be read: {error}") from error
    if not isinstance(value, dict):
        raise RunError(f"{path} is no request: it has no object")
    return value
