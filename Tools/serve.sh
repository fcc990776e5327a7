#!/usr/bin/env bash
# Sets everything up, builds the server, fetches the dog-breed model and starts at http://127.0.0.1:8000/.
# Usage: Tools/serve.sh [OPTIONS OF prism-server]
set -euo pipefail
cd "$(dirname "$0")/.."

Tools/setup.sh
swift build --configuration release --static-swift-stdlib --product prism-server
# Without a network the model that comes with the repository is there all the same.
.venv/bin/python Tools/fetch_weights.py || printf 'serve: dogs could not be fetched\n' >&2
exec "$(swift build --configuration release --show-bin-path)/prism-server" "$@"
