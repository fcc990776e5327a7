#!/usr/bin/env bash
# Builds the documentation of the library after `swift build`, and fails on any warning, such as a link to nowhere.
# Usage: Tools/docs.sh [OUTPUT] (default: a folder that is thrown away)
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
output=${1:-$work/Prism.doccarchive}
modules=$(swift build --show-bin-path)/Modules
toolchain=$(dirname "$(readlink -f "$(command -v swift)")")
triple=$(swift -print-target-info | sed -n 's/.*"triple": "\([^"]*\)".*/\1/p' | head -n 1)

# The headers of system libraries, by their module maps.
includes=()
for library in Sources/C*/module.modulemap; do includes+=(-I "$(dirname "$library")"); done
for flag in $(pkg-config --cflags cairo libpng sndfile); do includes+=(-Xcc "$flag"); done

exported=$(sed -n 's/^@_exported .*import \([a-z]* \)\?\(Prism[A-Za-z]*\).*/\2/p' \
  Sources/Prism/Exports.swift | sort --unique | paste --serial --delimiters ,)

# Of the modules that Prism exports, what programs see with `import Prism` alone.
mkdir "$work/symbols"
"$toolchain/swift-symbolgraph-extract" -module-name Prism -I "$modules" "${includes[@]}" \
  -target "$triple" \
  "-experimental-allowed-reexported-modules=$exported" \
  -minimum-access-level public -skip-synthesized-members -output-dir "$work/symbols"

"$toolchain/docc" convert Sources/Prism/Prism.docc --warnings-as-errors \
  --additional-symbol-graph-dir "$work/symbols" --fallback-display-name Prism \
  --fallback-bundle-identifier prism --output-path "$output"
