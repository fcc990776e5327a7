#!/usr/bin/env bash
# Builds Prism and installs it: the programs, completions for bash, zsh and fish, manual pages, the model of the repository.
# Usage: Tools/install.sh [--prefix DIR] [--uninstall]
#   --prefix DIR   where to (default: /usr/local for root, else ~/.local)
#   --uninstall    removes what was installed there, and nothing else
set -euo pipefail
start=$PWD
cd "$(dirname "$0")/.."

say() { printf 'install: %s\n' "$*" >&2; }
usage() {
  sed -n '3,5s/^# //p' "Tools/$(basename "$0")"
}

prefix=
uninstall=
while [ $# -gt 0 ]; do
  case $1 in
    --prefix)
      [ $# -ge 2 ] || { say "--prefix takes a folder"; exit 2; }
      prefix=$2
      shift
      ;;
    --prefix=*) prefix=${1#--prefix=} ;;
    --uninstall) uninstall=yes ;;
    -h | --help) usage; exit 0 ;;
    *) say "$1 is not known"; usage >&2; exit 2 ;;
  esac
  shift
done
if [ -z "$prefix" ]; then
  if [ "$(id -u)" -eq 0 ]; then prefix=/usr/local; else prefix=$HOME/.local; fi
fi
case $prefix in
  /*) ;;
  *) prefix=$start/$prefix ;;
esac

# What is installed is listed here, a path relative to the prefix in a line.
list=$prefix/share/prism/installed.txt

remove() {
  local file folder
  while IFS= read -r file; do
    rm -f -- "$prefix/$file"
    # Folders that nothing else is in go too, up to the prefix.
    folder=$(dirname "$file")
    while [ "$folder" != . ] && rmdir -- "$prefix/$folder" 2>/dev/null; do
      folder=$(dirname "$folder")
    done
  done <"$1"
}

if [ -n "$uninstall" ]; then
  if [ ! -f "$list" ]; then
    say "nothing is installed in $prefix"
    exit 1
  fi
  copy=$(mktemp)
  trap 'rm -f "$copy"' EXIT
  { cat "$list"; echo share/prism/installed.txt; } >"$copy"
  remove "$copy"
  say "removed from $prefix"
  exit 0
fi

# A place that cannot be written to is known before the build, not after it.
if ! mkdir -p "$prefix" 2>/dev/null || [ ! -w "$prefix" ]; then
  say "$prefix cannot be written to; choose another with --prefix, or run this as root"
  exit 1
fi

Tools/setup.sh --program
say "building"
for product in prism prism-server; do
  swift build --configuration release --static-swift-stdlib --product "$product"
done
built=$(swift build --configuration release --show-bin-path)/prism

staged=$(mktemp -d)
trap 'rm -rf "$staged"' EXIT

# put FILE PLACE [MODE]: a file on its way to its place.
put() {
  install -D -m "${3:-644}" "$1" "$staged/$2"
}
for product in prism prism-server; do
  put "$(dirname "$built")/$product" "bin/$product" 755
  strip "$staged/bin/$product" 2>/dev/null || true
done
for sample in Samples/*; do put "$sample" "share/prism/samples/$(basename "$sample")"; done
for shell in bash zsh fish; do
  "$built" --generate-completion-script "$shell" >"$staged/completion"
  case $shell in
    bash) place=share/bash-completion/completions/prism ;;
    zsh) place=share/zsh/site-functions/_prism ;;
    fish) place=share/fish/vendor_completions.d/prism.fish ;;
  esac
  put "$staged/completion" "$place"
  rm "$staged/completion"
done
for model in scenes voice; do
  put "Weights/$model.safetensors" "share/prism/weights/$model.safetensors"
  put "Weights/$model.md" "share/prism/weights/$model.md"
done
put Weights/README.md share/prism/weights/README.md
put LICENSE share/prism/LICENSE

# The plugin's help builds the tool behind it; the plugin itself would build every product of the package.
say "making the manual"
swift package plugin generate-manual --help >"$staged/log" 2>&1 || { cat "$staged/log" >&2; exit 1; }
rm "$staged/log"
manual=$(swift build --show-bin-path)/generate-manual-tool
mkdir -p "$staged/manual"
date=$(git log -1 --format=%cs 2>/dev/null || true)
"$manual" "$built" --multi-page ${date:+--date "$date"} --output-directory "$staged/manual"
for page in "$staged"/manual/*.1; do
  # As `man prism explain` looks for it.
  name=$(basename "$page" .1)
  sed -i -E 's/prism\.([a-z]+)/prism-\1/g; s/PRISM\.([A-Z]+)/PRISM-\1/g' "$page"
  put "$page" "share/man/man1/${name/./-}.1"
done
rm -r "$staged/manual"

(cd "$staged" && find . -type f | sed 's|^\./||' | LC_ALL=C sort) >"$staged.list"
trap 'rm -rf "$staged" "$staged.list"' EXIT
# What an earlier version had and this one has not is removed.
if [ -f "$list" ]; then
  LC_ALL=C comm -23 "$list" "$staged.list" >"$staged.old"
  remove "$staged.old"
  rm "$staged.old"
fi
while IFS= read -r file; do
  mkdir -p "$prefix/$(dirname "$file")"
  # Beside its place first: a program that runs is not written over.
  cp "$staged/$file" "$prefix/$file.new"
  mv -f "$prefix/$file.new" "$prefix/$file"
  printf '%s\n' "$prefix/$file"
done <"$staged.list"
mkdir -p "$(dirname "$list")"
cp "$staged.list" "$list"

case :$PATH: in
  *":$prefix/bin:"*) ;;
  *) say "$prefix/bin is not in PATH; add it to use prism from anywhere" ;;
esac
