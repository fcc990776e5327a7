#!/usr/bin/env bash
# Makes the default voice model anew: its data (Tools/voices/voices.sh), the runs of the table in Weights/voice.md, their
# evaluation, and Weights/voice.safetensors with its learning curve, which is the run with the lowest validation loss.
# Usage: Tools/voices/voice_model.sh [FOLDER] (default: out/voice; it keeps data and runs, and what is there is not made again)
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-out/voice}

Tools/setup.sh
[ -f Weights/dogs.safetensors ] || .venv/bin/python Tools/fetch_weights.py
[ -f "$folder/data/index.csv" ] || Tools/voices/voices.sh "$folder/data"
swift build --configuration release --static-swift-stdlib --product prism >&2

exec python3 Tools/voices/voice_model.py "$(swift build --configuration release --show-bin-path)/prism" "$folder"
