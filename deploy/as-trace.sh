#!/usr/bin/env bash
# A command of the product as its services run: their settings, their user, their folder, and the code
# this script lies in. As root, where the units of deploy/systemd are installed:
#
#   /opt/trace/deploy/as-trace.sh trace doctor
#   /opt/trace-NEW/deploy/as-trace.sh db upgrade
#
# Without it `flask --app wsgi …` knows none of /etc/trace/trace.env: it would make a database of its
# own and say that all is well; and what root writes into the instance folder no service can read.
set -euo pipefail
code=$(cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/.." && pwd)
how=(--pipe --wait)
if [[ -t 0 && -t 1 ]]; then how=(--pty); fi
exec systemd-run --quiet --collect "${how[@]}" --uid=trace --gid=trace --working-directory="$code" \
  -p EnvironmentFile=/etc/trace/trace.env -p EnvironmentFile=-/etc/trace/straight.env \
  -p StateDirectory=trace -p StateDirectoryMode=0700 -p UMask=0077 -E TRACE_INSTANCE=/var/lib/trace \
  "$code/.venv/bin/flask" --app wsgi "$@"
