#!/usr/bin/env bash
# Formats the Swift sources, then lints what formatting cannot mend.
set -euo pipefail
cd "$(dirname "$0")/.."
swift format --in-place --parallel --recursive Plugins Sources Tests Benchmarks Package.swift
Tools/check.sh
