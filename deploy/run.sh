#!/usr/bin/env bash
# `make run`: migrations, demo chain where there is none, then the web server and the worker.
#
# PORT            where to listen (8000)
# TRACE_INSTANCE  folder that holds database, photos and keys (instance/)
# HOST            address to listen on (0.0.0.0, so that a phone in the same network can scan)
#
# One supervisor for both children: signals are passed on, a worker that dies is started again,
# and when the web server ends everything ends with its exit code.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

bin=$PWD/.venv/bin
export PORT=${PORT:-8000}
export TRACE_INSTANCE=${TRACE_INSTANCE:-$PWD/instance}
# The package shares its name with a standard-library module: the project's folder comes first.
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH}
# As in production (deploy/systemd/trace-web.service).
export MALLOC_ARENA_MAX=1 MALLOC_MMAP_THRESHOLD_=262144 MALLOC_TRIM_THRESHOLD_=262144
host=${HOST:-0.0.0.0}

if [[ ! $PORT =~ ^[0-9]{1,5}$ ]] || (( 10#$PORT < 1 || 10#$PORT > 65535 )); then
  echo "PORT must be a number from 1 to 65535, not \"$PORT\"." >&2
  exit 1
fi

if ! "$bin/python" - "$host" "$PORT" <<'PY'
import socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind((sys.argv[1], int(sys.argv[2])))
    except OSError:
        sys.exit(1)
PY
then
  echo "Port $PORT is taken by another program. Choose another one: make run PORT=$((PORT < 65535 ? PORT + 1 : 8000))" >&2
  exit 1
fi

network_address() {
  [[ $host == 0.0.0.0 ]] || return 0
  # Asks the routing table which address of ours would speak; nothing is sent.
  "$bin/python" - <<'PY' || true
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
    try:
        probe.connect(("192.0.2.1", 9))
        print(probe.getsockname()[0])
    except OSError:
        pass
PY
}

# The demo's codes carry the public address: a phone that scans them must be able to open it.
network=$(network_address)
if [[ -n $network && -z ${TRACE_PUBLIC_URL:-} ]]; then
  export TRACE_PUBLIC_URL=http://$network:$PORT
fi

mkdir -p "$TRACE_INSTANCE"
TRACE_INSTANCE=$(cd "$TRACE_INSTANCE" && pwd)

flask() { "$bin/flask" --app wsgi "$@"; }

flask db upgrade
flask trace seed --if-empty

# gunicorn's control socket defaults to one path per user: two copies would fight over it.
# A socket's path may have 107 bytes at most; beyond that we do without.
control=$TRACE_INSTANCE/gunicorn-$PORT.ctl
if (( ${#control} <= 100 )); then
  control_options=(--control-socket "$control")
else
  control_options=(--no-control-socket)
fi

web='' worker='' stopping='' pause=1

start_web() {
  "$bin/gunicorn" -c deploy/gunicorn.conf.py wsgi:app --bind "$host:$PORT" --worker-class gthread \
    --workers "${WEB_WORKERS:-2}" --threads 8 --log-level warning --graceful-timeout 10 \
    "${control_options[@]}" &
  web=$!
}

start_worker() {
  "$bin/flask" --app wsgi trace worker &
  worker=$! worker_began=$SECONDS
}

stop() {
  stopping=1
  kill -TERM "$web" "$worker" 2>/dev/null || true
}
trap stop TERM INT HUP

alive() { kill -0 "$1" 2>/dev/null; }

# Half a minute for what was asked to stop; nothing acknowledged is lost by ending it then.
finish() {
  local tries=0
  while alive "$1" && (( tries++ < 150 )); do sleep 0.2; done
  kill -KILL "$1" 2>/dev/null || true
}

announce() {
  # The page first, then the words: what is printed is true when it is printed.
  "$bin/python" - "$PORT" <<'PY' || return 0
import sys, time, urllib.error, urllib.request
end = time.monotonic() + 60
while time.monotonic() < end:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/", timeout=5)
        sys.exit(0)
    except urllib.error.HTTPError:
        sys.exit(0)
    except OSError:
        time.sleep(0.2)
sys.exit(1)
PY
  flask trace demo || true
  echo
  echo "Trace is running on http://localhost:$PORT (instance: $TRACE_INSTANCE). Ctrl-C stops it."
  [[ -z $network ]] || echo "From a phone in the same network: http://$network:$PORT"
}

start_web
start_worker
announce &
announcer=$!

status=0
while alive "$web"; do
  # Ends whenever a child ends or a signal arrives; who it was is asked afterwards.
  wait -n "$web" "$worker" 2>/dev/null || true
  [[ $stopping ]] && break
  if alive "$web" && ! alive "$worker"; then
    # One that dies at once would otherwise spin: wait longer each time, half a minute at most.
    (( SECONDS - worker_began > 30 )) && pause=1
    echo "The worker ended; starting it again in $pause s." >&2
    sleep "$pause" &
    nap=$!
    wait "$nap" || true
    kill "$nap" 2>/dev/null || true
    pause=$(( pause < 16 ? pause * 2 : 30 ))
    [[ $stopping ]] || start_worker
  fi
done

kill "$announcer" 2>/dev/null || true
kill -TERM "$worker" 2>/dev/null || true
finish "$web"
finish "$worker"
wait "$web" || status=$?
wait "$worker" 2>/dev/null || true
rm -f "$control"
# Asked to stop is not a failure.
[[ $stopping ]] && exit 0
exit "$status"
