#!/usr/bin/env bash
# Sets everything up and shows the main job: fine-tuned networks explain a picture with several labels, a voice, and a picture.
# Usage: Tools/demo.sh [PICTURE] (default: Samples/husky.png)
set -euo pipefail
cd "$(dirname "$0")/.."
picture=${1:-Samples/husky.png}
scene=Samples/scene-1.png
voice=Samples/voice-synthetic.wav

Tools/setup.sh
swift build --configuration release --static-swift-stdlib --product prism
prism=$(swift build --configuration release --show-bin-path)/prism

# These models come with the repository, so that they work without any download.
"$prism" explain "$scene" --model scenes --method gradcam,lime --target above-threshold --output out
name=$(basename "${scene%.*}")
printf '\nWhat shows each label is in out/%s.gradcam.*.png; where it really is, in Samples/%s.*.png.\n\n' "$name" "$name"

"$prism" explain "$voice" --model voice --method gradcam,lime --target fake --format png,npy,json,wav --output out
name=$(basename "${voice%.*}")
printf '\nThe evidence is shown in out/%s.lime.png; out/%s.lime.kept.wav is the sound of it alone.\n\n' \
  "$name" "$name"

.venv/bin/python Tools/fetch_weights.py
"$prism" explain "$picture" --model dogs --method gradcam --output out
name=$(basename "${picture%.*}")
printf '\nThe picture is out/%s.gradcam.png, the figures are in out/%s.json.\n' "$name" "$name"
