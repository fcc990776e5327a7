#!/usr/bin/env bash
# Builds the scenes data set: pictures with several labels and a mask of each, from Debian packages alone.
# Usage: Tools/scenes/scenes.sh FOLDER [OPTION…]   (a folder that does not exist yet; 2 processors need about five minutes)
#
# The packages are downloaded and unpacked into out/packages, without installing them. Tools/scenes/scenes.py says what a
# picture holds and which options there are (--shortcut fruit:0.5, --pair, --labels, --counts, --side, --seed, --clutter);
# Tools/scenes/scenes_check.py shows that backgrounds and corners do not tell the labels.
set -euo pipefail
if [ $# -lt 1 ] || [ "${1#-}" != "$1" ]; then
  printf 'usage: Tools/scenes/scenes.sh FOLDER [OPTION…]\n' >&2
  exit 2
fi
folder=$(realpath --canonicalize-missing "$1")
shift
cd "$(dirname "$0")/../.."

say() { printf 'scenes: %s\n' "$*" >&2; }

root=$PWD/out/packages
mkdir -p "$root"
for package in tuxpaint-stamps-default openclipart-png gnome-backgrounds plasma-workspace-wallpapers; do
  [ ! -f "$root/$package.version" ] || continue
  say "fetching $package"
  temporary=$(mktemp --directory)
  if ! (cd "$temporary" && apt-get download --quiet --quiet "$package" 2>/dev/null); then
    rm -r "$temporary"
    say "$package could not be fetched; run apt-get update, and start again"
    exit 1
  fi
  dpkg-deb --extract "$temporary"/*.deb "$root"
  dpkg-deb --field "$temporary"/*.deb Version >"$root/$package.version"
  rm -r "$temporary"
done

Tools/setup.sh
.venv/bin/python Tools/scenes/scenes.py "$folder" --root "$root" "$@"
case " $* " in
  *" --shortcut"*) .venv/bin/python Tools/scenes/scenes_check.py "$folder" || say "as it should be: a shortcut was planted" ;;
  *) .venv/bin/python Tools/scenes/scenes_check.py "$folder" ;;
esac
