#!/usr/bin/env python3
"""Checks that modules import only what stands before them on the way from kernels to the command.

The order is that of MODULES. A module may use system libraries (names that begin with C and a capital) and modules
of an earlier line; ALLOWED narrows that further. Both the manifest's dependencies and the sources' imports count.
"""

import json
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent

MODULES = [
    "PrismKernelsBaseline",
    "PrismKernelsAVX2",
    "PrismKernelsAVX512",
    "PrismKernels",
    "PrismTensor",
    "PrismAutodiff",
    "PrismFiles",
    "PrismCard",
    "PrismWeights",
    "PrismLayers",
    "PrismModels",
    "PrismRuntime",
    "PrismExplain",
    "PrismMedia",
    "PrismTraining",
    "Prism",
    "PrismReport",
    "PageEmbedder",
    "PrismPage",
    "PrismServer",
    "PrismServerMain",
    "PrismCLI",
    "PrismMain",
]

# Modules that may use less than everything before them.
ALLOWED = {
    "PrismKernelsBaseline": set(),
    "PrismKernelsAVX2": {"PrismKernelsBaseline"},
    "PrismKernelsAVX512": {"PrismKernelsBaseline"},
    "PrismKernels": {"PrismKernelsBaseline", "PrismKernelsAVX2", "PrismKernelsAVX512"},
    "PrismTensor": {"PrismKernels"},
    "PrismAutodiff": {"PrismTensor", "PrismKernels"},
    "PrismFiles": set(),
    "PrismCard": {"PrismFiles"},
    "PrismWeights": {"PrismKernels", "PrismTensor", "PrismFiles", "PrismCard"},
    "PrismLayers": {"PrismTensor", "PrismAutodiff", "PrismCard", "PrismWeights"},
    "PrismModels": {"PrismTensor", "PrismAutodiff", "PrismFiles", "PrismCard", "PrismWeights", "PrismLayers"},
    "PrismRuntime": {"PrismTensor", "PrismAutodiff", "PrismKernels"},
    "PrismExplain": {"PrismKernels", "PrismTensor", "PrismAutodiff", "PrismRuntime"},
    "PrismMedia": {"PrismCard", "PrismKernels", "PrismTensor", "PrismFiles"},
    "PrismReport": {"Prism"},
    "PageEmbedder": set(),
    "PrismPage": set(),
    "PrismServer": {"PrismPage", "PrismReport", "Prism"},
    "PrismServerMain": {"PrismServer"},
    "PrismCLI": {"PrismReport", "Prism"},
    "PrismMain": {"PrismCLI"},
}

IMPORT = re.compile(r"^\s*(?:@\w+\s+)?(?:(?:public|package|internal|private)\s+)?import\s+(\w+)", re.M)


def allowed(module: str) -> set[str]:
    before = set(MODULES[: MODULES.index(module)])
    return ALLOWED.get(module, before)


def main() -> int:
    dump = subprocess.run(
        ["swift", "package", "dump-package"], cwd=ROOT, check=True, capture_output=True, text=True
    )
    problems = []
    for target in json.loads(dump.stdout)["targets"]:
        name = target["name"]
        if target["type"] not in ("regular", "executable") or target.get("path"):
            continue
        if name not in MODULES:
            problems.append(f"{name} has no place in the order of modules (Tools/check_imports.py)")
            continue
        used = {d["byName"][0] for d in target["dependencies"] if "byName" in d}
        for source in sorted((ROOT / "Sources" / name).rglob("*.swift")):
            used |= set(IMPORT.findall(source.read_text(encoding="utf-8")))
        for other in sorted(used & set(MODULES) - allowed(name) - {name}):
            problems.append(f"{name} may not import {other}")
    for problem in problems:
        print(f"check_imports: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
