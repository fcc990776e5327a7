#!/usr/bin/env bash
# Runs the steps of the recipe's second half in a bare Debian made with debootstrap, and asks the server in it whether it
# is well. For root, where no container engine runs. Usage: Tools/container/check.sh PRISM-SERVER
set -euo pipefail
cd "$(dirname "$0")/../.."

[ $# -eq 1 ] || { sed -n '2,3s/^# //p' Tools/container/check.sh; exit 2; }
root=$(mktemp -d)
chmod 755 "$root"
server=
end() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap end EXIT

packages=$(paste --serial --delimiters , Tools/container/packages.txt)
debootstrap --variant=minbase --include="$packages" bookworm "$root" >"$root.log" 2>&1 \
  || { tail "$root.log"; exit 1; }
rm "$root.log"
chroot "$root" useradd --uid 1000 --no-create-home --home-dir /data prism
install --directory --owner 1000 --group 1000 "$root/data"
install -D --mode 755 "$1" "$root/usr/local/bin/prism-server"
install -D --mode 644 Weights/scenes.safetensors Weights/voice.safetensors -t "$root/usr/local/share/prism/weights"
install -D --mode 644 Samples/* -t "$root/usr/local/share/prism/samples"
mount --types proc proc "$root/proc"
head --bytes 24 /dev/urandom | base64 >"$root/token"
chmod 644 "$root/token"

chroot --userspec=1000:1000 "$root" /usr/local/bin/prism-server --host 0.0.0.0 --port 8765 --data /data \
  --token-file /token &
server=$!
for _ in $(seq 50); do
  chroot "$root" curl --fail --silent http://127.0.0.1:8765/v2/health/ready && break
  sleep 0.2
done
echo
ask() { curl --fail --silent --header "Authorization: Bearer $(cat "$root/token")" "$@"; }
ask http://127.0.0.1:8765/v1/models
echo
ask --data-binary @Samples/voice-synthetic.wav --header 'Content-Type: application/octet-stream' \
  'http://127.0.0.1:8765/v1/analyses?model=voice&methods=gradcam' >"$root/answer"
address=$(sed 's/.*"url":"\([^"]*\)".*/\1/' "$root/answer")
ask --max-time 60 "http://127.0.0.1:8765$address/events" | tail -n 2
