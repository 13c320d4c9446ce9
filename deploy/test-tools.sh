#!/usr/bin/env bash
# The programs tests need beside Python: a real browser, PostgreSQL, Redis, Node.js, a PDF reader.
# Installs what is missing through apt-get when it may; otherwise says in one sentence what to install.
set -euo pipefail

missing=()

have() { command -v "$1" >/dev/null 2>&1; }

have chromium || have chromium-browser || have google-chrome || missing+=(chromium)
# The server's programs are outside PATH on Debian.
have postgres || compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null || missing+=(postgresql)
have node || missing+=(nodejs)
have npm || missing+=(npm)
have pdftoppm || missing+=(poppler-utils)
have setpriv || missing+=(util-linux)
have redis-server || missing+=(redis-server)

(( ${#missing[@]} )) || exit 0

if [[ $EUID -eq 0 ]] && have apt-get; then
  echo "Installing for the tests: ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  if apt-get -qq update >"$log" 2>&1 \
    && apt-get -qq install -y --no-install-recommends "${missing[@]}" >>"$log" 2>&1; then
    rm -f "$log"
    exit 0
  fi
  tail -n 20 "$log" >&2
  rm -f "$log"
fi
echo "The tests need these programs, please install them: ${missing[*]} (Debian's package names)." >&2
exit 1
