#!/usr/bin/env bash
# Measures Prism beside ONNX Runtime, OpenVINO, torch, pytorch-grad-cam, captum, lime and shap, on the same weights and pictures.
# Needs nothing installed by hand; see Benchmarks/README.md. Usage: Benchmarks/compare.sh [--quick] [--record] [--help]
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'compare: %s\n' "$*" >&2; }

Tools/setup.sh
swift build --configuration release --static-swift-stdlib --product prism >&2
swift build --configuration release --static-swift-stdlib --product prism-bench >&2

# The environment is made again when the requirements have changed.
wanted=$(cat Tools/requirements.txt Benchmarks/requirements.txt Benchmarks/requirements-no-deps.txt)
stamp=.venv-bench/requirements.txt
if [ ! -f "$stamp" ] || [ "$wanted" != "$(cat "$stamp")" ]; then
  say "making the Python environment in .venv-bench"
  rm -rf .venv-bench
  python3 -m venv .venv-bench
  pip=(.venv-bench/bin/pip install --quiet --disable-pip-version-check)
  "${pip[@]}" --requirement Benchmarks/requirements.txt
  "${pip[@]}" --no-deps --requirement Benchmarks/requirements-no-deps.txt
  printf '%s\n' "$wanted" > "$stamp"
fi

# The cold start is measured on the dogs model, too, where it can be had.
[ -f Weights/dogs.safetensors ] || .venv/bin/python Tools/fetch_weights.py >&2 ||
  say "the dogs model could not be fetched; its row is left out"

exec .venv-bench/bin/python Benchmarks/compare.py \
  --programs "$(swift build --configuration release --show-bin-path)" "$@"
