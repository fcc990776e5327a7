#!/usr/bin/env bash
# Checks that need no build: the format of the Swift sources and the direction of imports.
set -euo pipefail
cd "$(dirname "$0")/.."

swift format lint --strict --parallel --recursive Plugins Sources Tests Benchmarks Package.swift
python3 Tools/check_imports.py
