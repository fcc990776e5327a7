#!/usr/bin/env bash
# Sets everything up and shows the main job: a fine-tuned network explains a picture.
# Usage: Tools/demo.sh [PICTURE] (default: Samples/husky.png)
set -euo pipefail
cd "$(dirname "$0")/.."
picture=${1:-Samples/husky.png}

Tools/setup.sh
swift build --configuration release --static-swift-stdlib --product prism
.venv/bin/python Tools/fetch_weights.py
"$(swift build --configuration release --show-bin-path)/prism" explain "$picture" \
  --model dogs --method gradcam --output out

name=$(basename "${picture%.*}")
printf '\nThe picture is out/%s.gradcam.png, the figures are in out/%s.json.\n' "$name" "$name"
