#!/usr/bin/env bash
# Installs what Prism needs and is missing: system libraries by apt, and a Python environment in .venv for the tools.
# Safe to run again; does nothing where everything is there. The other scripts call it. With --program only what building
# and running the program takes, without Python; with --tests also a browser and what drives it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }
. Tools/packages.sh

packages=(
  libopenblas-dev libfftw3-dev libspng-dev libturbojpeg0-dev libtiff-dev libwebp-dev libgdcm-tools
  libsndfile1-dev libmpg123-dev libcairo2-dev
  libsqlite3-dev nettle-dev zlib1g-dev libdeflate-dev libpangocairo-1.0-0 fonts-dejavu-core pkg-config
)

if command -v dpkg-query >/dev/null; then
  if [ "${1:-}" != --program ]; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
  fi
  [ "${1:-}" != --tests ] || packages+=(chromium)
  install_packages "${packages[@]}"
else
  say "this is no Debian: install ${packages[*]} (or what your system calls them) by hand"
fi

if ! command -v swift >/dev/null; then
  say "swift is missing; install Swift 6.3 or newer from https://www.swift.org/install"
  exit 1
fi

[ "${1:-}" = --program ] && exit 0

# The environment is made again when the requirements have changed; one for the tests serves the tools as well.
stamp=.venv/requirements.txt
files=(Tools/requirements.txt)
tests=(Tools/requirements.txt Tools/requirements-tests.txt)
[ "${1:-}" != --tests ] || files=("${tests[@]}")
if ! cat "${files[@]}" | cmp --silent - "$stamp" && ! cat "${tests[@]}" | cmp --silent - "$stamp"; then
  say "making the Python environment in .venv"
  rm -rf .venv
  python3 -m venv .venv
  .venv/bin/pip install --quiet --disable-pip-version-check "${files[@]/#/--requirement=}"
  cat "${files[@]}" >"$stamp"
fi
