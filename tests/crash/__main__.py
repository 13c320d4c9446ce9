"""Run as `python -m tests.crash URL INSTANCE --kills N --seed S`: kills, checks, and says as JSON
what it met. With `--server` it starts a PostgreSQL server of its own, which it kills as well."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import orjson

from tests.crash.run import run, with_file, with_server


def main() -> None:
    words = argparse.ArgumentParser()
    words.add_argument("instance", type=Path)
    words.add_argument("--url", default="")
    words.add_argument("--server", action="store_true")
    words.add_argument("--kills", type=int, default=40)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--every", type=int, default=50, help="kills between two audits")
    words.add_argument("--seconds", type=float, default=1e9, help="end after so long")
    words.add_argument("--only", default="", help="one kind of work")
    words.add_argument("--early", action="store_true", help="acknowledge before the commit")
    words.add_argument("--loose", action="store_true", help="synchronous_commit=off")
    words.add_argument("--slow", action="store_true", help="every commit waits for a slow disk")
    given = words.parse_args()
    act = with_server if given.server else run if given.url else with_file
    found = act(given)
    sys.stdout.write(orjson.dumps(found.to_json()).decode() + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
