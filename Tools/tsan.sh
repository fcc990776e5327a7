#!/bin/bash
# Runs the tests of what threads share under the thread sanitizer.
#
#   Tools/tsan.sh [FILTER] [FOLDER]
#
# FILTER is a regular expression of suites; FOLDER keeps the build (default .build-tsan). The sources are copied, since the
# locks in the copy are other ones (tsan/Mutex.swift says why). Any race is a failure.
set -euo pipefail
cd "$(dirname "$0")/.."
filter=${1:-'PlannedClassifierTests|WorkspaceMemoryTests|WorkTests|CancellationTests|AsynchronousTests'}
folder=${2:-.build-tsan}

parts=(Package.swift Plugins Sources Tests Tools Benchmarks Samples Weights)
mkdir -p "$folder/copy"
# What has not changed keeps its date, so that it is not built again.
for part in "${parts[@]}"; do
  rm -rf "${folder:?}/copy/$part"
  cp -a "$part" "$folder/copy/$part"
done
cd "$folder/copy"
for module in Sources/* Tests/*; do
  if grep -rqs --include='*.swift' 'Mutex[<(]' "$module"; then
    cp -p Tools/tsan/Mutex.swift "$module/Mutex.swift"
  fi
done
export TSAN_OPTIONS="allocator_may_return_null=1 halt_on_error=0 exitcode=66"
swift test --sanitize=thread --filter "$filter"
