#!/usr/bin/env bash
# Builds the voice data set: recorded human speech against synthesised speech, from Debian packages alone.
# Usage: Tools/voices/voices.sh FOLDER   (a folder that does not exist yet; 2 processors need about ten minutes)
#
# Real speech is the telephone prompts of asterisk-core-sounds (CC-BY-SA-3.0 and CC-BY-3.0); the same sentences are
# spoken by espeak-ng, flite and festival. Tools/voices/voices.py says what is done to a recording, and how it is split;
# Tools/voices/voices_check.py shows that loudness, length and bandwidth do not tell the two apart.
set -euo pipefail
if [ $# -ne 1 ] || [ "${1#-}" != "$1" ]; then
  printf 'usage: Tools/voices/voices.sh FOLDER\n' >&2
  exit 2
fi
folder=$(realpath --canonicalize-missing "$1")
cd "$(dirname "$0")/../.."

say() { printf 'voices: %s\n' "$*" >&2; }
. Tools/packages.sh

packages=(
  espeak-ng flite festival
  festvox-kdlpc16k festvox-us-slt-hts festvox-italp16k festvox-itapc16k festvox-ru
  python3-numpy python3-scipy python3-sklearn
)
for language in en es fr it ru; do
  packages+=("asterisk-core-sounds-$language" "asterisk-core-sounds-$language-wav")
done

install_packages "${packages[@]}"

# Debian's own Python and libraries, whatever else is installed: the same packages give the same samples.
/usr/bin/python3 Tools/voices/voices.py "$folder"
/usr/bin/python3 Tools/voices/voices_check.py "$folder"
