#!/usr/bin/env bash
# Makes the default picture model anew: its data (Tools/scenes/scenes.sh), the runs of the table in Weights/scenes.md, their
# evaluation, and Weights/scenes.safetensors with its learning curve, which is the run with the highest AUC in validation.
# Usage: Tools/scenes/scenes_model.sh [FOLDER] (default: out/scenes; it keeps data and runs, and what is there is not made again)
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-out/scenes}

Tools/setup.sh
[ -f Weights/dogs.safetensors ] || .venv/bin/python Tools/fetch_weights.py
[ -f "$folder/data/index.csv" ] || Tools/scenes/scenes.sh "$folder/data"
swift build --configuration release --static-swift-stdlib --product prism >&2

exec python3 Tools/scenes/scenes_model.py "$(swift build --configuration release --show-bin-path)/prism" "$folder"
