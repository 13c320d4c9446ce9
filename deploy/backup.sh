#!/usr/bin/env bash
# A backup in a folder named by the moment, looked at once it is written; then the oldest ones go.
#
#   deploy/backup.sh FOLDER KEEP [KEYS]    KEEP: how many backups stay; KEYS: new file for sealed keys
#
# Nothing is removed unless a new backup was found whole, and only what bears a backup's name. Where
# the bucket holds broken files, the backup without them is kept, the newest one that has all stays
# as well, and the status is 1: somebody has to see to them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

folder=${1:?'folder of backups'} keep=${2:?'how many to keep'}
if [[ ! $keep =~ ^[1-9][0-9]{0,3}$ ]]; then
  echo "How many backups to keep is a number from 1 to 9999, not \"$keep\"." >&2
  exit 1
fi
umask 077
mkdir -p "$folder"
name=$folder/trace-$(date -u +%Y%m%dT%H%M%SZ)
flask=.venv/bin/flask

# Two at once would remove each other's.
exec 9>"$folder/.lock"
flock -n 9 || { echo "Another backup into $folder is under way." >&2; exit 1; }
# Of this very second: it is whole, and not ours to remove if we fail.
if [[ -e $name ]]; then echo "There is a backup of this moment already: $name" >&2; exit 1; fi

status=0
"$flask" --app wsgi trace backup "$name" ${3:+--keys "$3"} || status=$?
if [[ $status != 0 && $status != 3 ]] \
  || ! "$flask" --app wsgi trace restore "$name" --check; then
  # What there is of it would fill the disk that was perhaps the reason, and be counted below.
  rm -rf -- "$name"
  echo "The backup failed; older ones are kept." >&2
  exit 1
fi

# A folder without a manifest was cut short (the machine went down): it counts for nothing and goes.
mapfile -t found < <(find "$folder" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended \
  -regex '.*/trace-[0-9]{8}T[0-9]{6}Z' -printf '%p\n' | sort)
all=()
for one in "${found[@]}"; do
  if [[ -f $one/manifest.json ]]; then all+=("$one"); else rm -rf -- "$one"; fi
done
complete=
for one in "${all[@]}"; do
  if ! grep -q '"broken"' "$one/manifest.json"; then complete=$one; fi
done
over=$(( ${#all[@]} - keep ))
for one in "${all[@]}"; do
  if (( over <= 0 )); then break; fi
  if [[ $one == "$name" || $one == "$complete" ]]; then continue; fi
  rm -rf -- "$one"
  over=$(( over - 1 ))
done
if [[ $status == 3 ]]; then
  echo "The backup is kept, but the files named above are broken and not in it: $name" >&2
  exit 1
fi
