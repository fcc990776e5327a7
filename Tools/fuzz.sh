#!/usr/bin/env bash
# Feeds the readers of files with inputs that libFuzzer makes up, under the address sanitizer.
# Usage: Tools/fuzz.sh [SECONDS] [TARGET]   (default: 10 seconds for every target; the targets stand in Tools/fuzz/Fuzz.swift)
# What ends a reader is kept in out/fuzz/TARGET, and the script fails. Inputs that were worth keeping stay for the next run.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-10}
targets=(${2:-picture sound weights card graph json npy csv checkpoint request archive form asking tensor pixels frames})

export PRISM_FUZZ=1
flags=(--configuration debug --scratch-path .build-fuzz --product PrismFuzz
  -Xswiftc -sanitize=fuzzer,address -Xswiftc -parse-as-library)
swift build "${flags[@]}"
program=$(swift build "${flags[@]}" --show-bin-path)/PrismFuzz

python3 Tools/fuzz/seeds.py out/fuzz/seeds
for target in "${targets[@]}"; do
  mkdir -p "out/fuzz/$target/corpus"
  printf 'fuzz: %s for %s s\n' "$target" "$seconds"
  # A trap is told at once: Swift's own account of it takes minutes with the sanitizer.
  # Memory beyond 2 GiB and an input that takes over 10 s are failures like a trap.
  PRISM_FUZZ_TARGET=$target SWIFT_BACKTRACE=enable=no ASAN_OPTIONS=detect_leaks=0 "$program" \
    "out/fuzz/$target/corpus" "out/fuzz/seeds/$target" \
    -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="out/fuzz/$target/" 2>&1 |
    grep -E 'stat::number_of_executed_units|stat::peak_rss_mb|ERROR|SUMMARY|fuzz:|Test unit written' || true
  [ "${PIPESTATUS[0]}" -eq 0 ] || { printf 'fuzz: %s failed; its input is in out/fuzz/%s\n' "$target" "$target" >&2; exit 1; }
done
