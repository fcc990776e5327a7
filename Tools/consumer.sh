#!/usr/bin/env bash
# Builds and runs the program of Tests/ConsumerPackage, which depends on Prism by its version, against the last commit.
# Takes minutes: everything is built anew.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
git clone --quiet --no-tags . "$work/prism"
git -C "$work/prism" -c user.name=consumer -c user.email=consumer@localhost \
  tag --annotate --message "what the program depends on" 0.1.0
cp -R Tests/ConsumerPackage "$work/consumer"

# The package's address stands for the clone, in this shell alone.
cat >"$work/gitconfig" <<CONFIG
[url "file://$work/prism"]
  insteadOf = https://github.com/prism-xai/prism
CONFIG
export GIT_CONFIG_GLOBAL=$work/gitconfig
voice=$PWD/Weights/voice.safetensors
cd "$work/consumer"
# What SwiftPM remembers of a version elsewhere is neither used nor changed.
paths=(--cache-path "$work/cache" --security-path "$work/security" --config-path "$work/config")
swift build "${paths[@]}"
"$(swift build "${paths[@]}" --show-bin-path)/Consumer" "$voice"
