#!/usr/bin/env bash
# Tests the package in an environment of its own, .venv-distributed. Usage: Tools/distributed/test.sh [--engines]
#   --engines   also Ray and Spark, which are large downloads and take a minute; Spark needs Java 17, of apt or installed
set -euo pipefail
cd "$(dirname "$0")"

say() { printf 'distributed: %s\n' "$*" >&2; }
requirements=requirements.txt
[ "${1:-}" != --engines ] || requirements=requirements-engines.txt
environment=../../.venv-distributed

if [ "$requirements" = requirements-engines.txt ] && ! command -v java >/dev/null; then
  . ../packages.sh
  install_packages openjdk-17-jre-headless
fi
# An environment with the engines serves both.
if ! cat requirements.txt requirements-engines.txt | cmp --silent - "$environment/requirements.txt" \
  && ! { [ "$requirements" = requirements.txt ] && cmp --silent requirements.txt "$environment/requirements.txt"; }; then
  say "making the environment in .venv-distributed"
  rm -rf "$environment"
  python3 -m venv "$environment"
  "$environment/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements"
  if [ "$requirements" = requirements.txt ]; then cat requirements.txt; else cat requirements.txt requirements-engines.txt; fi \
    >"$environment/requirements.txt"
fi

"$environment/bin/python" -m unittest discover --start-directory tests
[ "${1:-}" != --engines ] || "$environment/bin/python" -m unittest discover --start-directory tests/engines
