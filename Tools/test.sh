#!/usr/bin/env bash
# Sets everything up and runs every check: format, imports, the tools' tests, the documentation, the Swift tests, the page
# in a browser, and the server against its description and under load. Screenshots are in out/page.
set -euo pipefail
cd "$(dirname "$0")/.."

Tools/setup.sh --tests
Tools/check.sh

.venv/bin/python Tools/fetch_weights.py
.venv/bin/python -m unittest discover --start-directory Tests/ToolsTests
Tools/distributed/test.sh
swift build --build-tests
Tools/docs.sh
swift test --skip-build
.venv/bin/python -m unittest discover --start-directory Tests/PageTests
.venv/bin/python Tools/server_trials.py api --examples 3 --schemathesis .venv/bin/schemathesis
.venv/bin/python Tools/server_trials.py load --seconds 2
