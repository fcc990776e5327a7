# Sourced by scripts that need Debian packages, after they have defined `say`.

# Installs those of the named packages that are missing; where that is not allowed, prints the command and ends the script.
install_packages() {
  local package status as_root missing=()
  for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  if [ "$(id -u)" -eq 0 ]; then
    as_root=()
  elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
    as_root=(sudo)
  else
    say "packages are missing and may not be installed from here; run this command and start again:"
    say "  apt-get update && apt-get install --yes ${missing[*]}"
    exit 1
  fi
  say "installing ${missing[*]}"
  "${as_root[@]}" apt-get update --quiet --quiet
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet \
    --no-install-recommends "${missing[@]}" >/dev/null
}
