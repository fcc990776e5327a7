#!/usr/bin/env bash
# Sets everything up and runs every check: format, imports, the tools' tests, the documentation, the Swift tests.
set -euo pipefail
cd "$(dirname "$0")/.."

Tools/setup.sh
Tools/check.sh

.venv/bin/python Tools/fetch_weights.py
.venv/bin/python -m unittest discover --start-directory Tests/ToolsTests
swift build --build-tests
Tools/docs.sh
swift test --skip-build
