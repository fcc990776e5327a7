#!/usr/bin/env bash
# Counts the instructions of benchmark cases under valgrind: a figure that repeats exactly on any machine.
# Usage: Benchmarks/instructions.sh COMMAND [ARGUMENT…], the arguments of prism-bench, such as
#   Benchmarks/instructions.sh operations --filter 'softmax.*value'
#   Benchmarks/instructions.sh models Weights/dogs.safetensors --batch 1
# Only the measured calls count, not what prepares them. The profile stays in Benchmarks/.cache/callgrind.out;
# callgrind_annotate shows where the instructions went.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ $# -eq 0 ]; then
  sed -n '2,7s/^# //p' "$0"
  exit 2
fi
if ! command -v valgrind >/dev/null; then
  echo "instructions: valgrind is missing; apt-get install valgrind" >&2
  exit 1
fi
swift build --configuration release --static-swift-stdlib --product prism-bench >&2
mkdir -p Benchmarks/.cache
profile=Benchmarks/.cache/callgrind.out
rm -f "$profile"

# Valgrind knows no AVX-512, and counts one thread.
PRISM_ISA=${PRISM_ISA:-avx2} OPENBLAS_NUM_THREADS=1 valgrind --tool=callgrind --quiet \
  --collect-atstart=no --toggle-collect='*measuredRegion*' --callgrind-out-file="$profile" \
  "$(swift build --configuration release --show-bin-path)/prism-bench" "$@" --once --threads 1
awk '/^(summary|totals):/ { total = $2 } END { printf "\n%d instructions in all cases above\n", total }' "$profile"
