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

# What failed stands at the end again: thousands of lines come between.
results=$(mktemp)
trap 'rm -f "$results"' EXIT
swift test --skip-build 2>&1 | tee "$results" || {
    echo "These tests failed:"
    grep --after-context=1 'recorded an issue' "$results" || tail --lines=30 "$results"
    exit 1
}

.venv/bin/python -m unittest discover --start-directory Tests/PageTests
.venv/bin/python Tools/server_trials.py api --examples 3 --schemathesis .venv/bin/schemathesis
.venv/bin/python Tools/server_trials.py load --seconds 2
