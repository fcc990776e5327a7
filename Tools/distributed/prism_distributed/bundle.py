"""The package with the program and the model in it, as a folder or a wheel, for nodes that have neither."""

import base64
import dataclasses
import hashlib
import os
import pathlib
import shutil
import zipfile

from . import __version__
from .errors import RunError
from .worker import BUNDLE, WorkerOptions, find_program, is_path

PACKAGE = pathlib.Path(__file__).parent
NAME = PACKAGE.name


def staged(folder: str) -> str:
    """A copy of the package's modules under `folder`; its path."""
    target = pathlib.Path(folder) / NAME
    shutil.copytree(PACKAGE, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", "bin", "weights"))
    return str(target)


def bundled(worker: WorkerOptions, folder: str) -> str:
    """A module with the program and the model under `folder`; its path."""
    target = pathlib.Path(folder) / BUNDLE
    target.mkdir()
    (target / "__init__.py").touch()
    _add_program(worker, target)
    return str(target)


def _add_program(worker: WorkerOptions, target: pathlib.Path) -> None:
    for part in ("bin", "weights"):
        (target / part).mkdir()
    shutil.copy(find_program(worker.program), target / "bin" / "prism")
    shutil.copy(model_file(worker), target / "weights")


def sent(worker: WorkerOptions) -> WorkerOptions:
    """The options of a node that has everything from the job."""
    return dataclasses.replace(worker, program=None, weights=None, model=pathlib.Path(model_file(worker)).stem)


def model_file(worker: WorkerOptions) -> str:
    """The weights file of a model that is named or given by its path."""
    if is_path(worker.model):
        if os.path.isfile(worker.model):
            return worker.model
        raise RunError(f"{worker.model}: no such file")
    places = [worker.weights, *os.environ.get("PRISM_WEIGHTS", "").split(":"), "Weights", str(PACKAGE / "weights")]
    places.append(str(pathlib.Path(find_program(worker.program)).resolve().parent.parent / "share" / "prism" / "weights"))
    for place in filter(None, places):
        path = os.path.join(place, f"{worker.model}.safetensors")
        if os.path.isfile(path):
            return path
    raise RunError(f"the weights file of {worker.model} is not found: --model takes its path, --weights its folder")


def zipped(folder: str, path: str) -> None:
    """A folder's files as an archive, with their permissions, in the order of their names."""
    root = pathlib.Path(folder)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(root.rglob("*")):
            if file.is_file():
                _add(archive, f"{root.name}/{file.relative_to(root)}", file.read_bytes(), os.access(file, os.X_OK))


def wheel(worker: WorkerOptions, output: str, folder: str) -> str:
    """Writes a wheel of the package with the program and the model in it; its path.

    It fits the machine that the program was built for: Linux with the C library of the build, of this architecture.
    """
    package = pathlib.Path(staged(folder))
    _add_program(worker, package)
    tag = f"py3-none-{_platform()}"
    information = f"{NAME}-{__version__}.dist-info"
    contents = {}
    for file in sorted(package.rglob("*")):
        if file.is_file():
            contents[f"{NAME}/{file.relative_to(package)}"] = (file.read_bytes(), os.access(file, os.X_OK))
    requirements = "".join(f"Requires-Dist: {line}\n" for line in ("pyarrow>=20", "numpy"))
    contents[f"{information}/METADATA"] = (
        f"Metadata-Version: 2.1\nName: {NAME}\nVersion: {__version__}\nRequires-Python: >=3.11\n{requirements}".encode(), False,
    )  # fmt: skip
    contents[f"{information}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: {NAME}\nRoot-Is-Purelib: false\nTag: {tag}\n".encode(), False,
    )  # fmt: skip
    record = []
    for name, (data, _) in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        record.append(f"{name},sha256={digest},{len(data)}\n")
    record.append(f"{information}/RECORD,,\n")
    contents[f"{information}/RECORD"] = ("".join(record).encode(), False)
    os.makedirs(output, exist_ok=True)
    path = os.path.join(output, f"{NAME}-{__version__}-{tag}.whl")
    try:
        with zipfile.ZipFile(f"{path}.part", "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
            for name, (data, is_executable) in contents.items():
                _add(archive, name, data, is_executable)
        os.replace(f"{path}.part", path)
    except BaseException:
        pathlib.Path(f"{path}.part").unlink(missing_ok=True)
        raise
    return path


def _platform() -> str:
    import sysconfig

    return sysconfig.get_platform().replace("-", "_").replace(".", "_")


def _add(archive: zipfile.ZipFile, name: str, data: bytes, is_executable: bool) -> None:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = (0o100755 if is_executable else 0o100644) << 16
    entry.compress_type = archive.compression
    archive.writestr(entry, data)
