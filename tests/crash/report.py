"""A thousand kills a database, and two programs that are wrong on purpose: docs/reports/crash.md.

Run as `python -m tests.crash.report [KILLS [FILE]]`. PostgreSQL's server, SQLite's file and the
instance folder are new; nothing else is touched.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from tests.crash.marks import ORDER

ROOT: Final = Path(__file__).parents[2]
REPORT: Final = ROOT / "docs" / "reports" / "crash.md"
HOURS: Final = 6


# Every fsync and fdatasync of the process and its children waits a tenth of a second.
SLOW: Final = (
    *("strace", "--follow-forks", "--seccomp-bpf", "--quiet=all", "--output=/dev/null"),
    *("--trace=fsync,fdatasync", "--inject=fsync,fdatasync:delay_enter=100000"),
)


def run(*words: str, folder: Path | None = None, before: Sequence[str] = ()) -> dict[str, Any]:
    """One run of the harness in a process of its own; what it found. `before` starts it."""
    with tempfile.TemporaryDirectory(prefix="trace-crash-") as made:
        where = str(folder or Path(made) / "instance")
        done = subprocess.run(
            [*before, sys.executable, "-m", "tests.crash", where, *words],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=HOURS * 3600,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    found: dict[str, Any] = orjson.loads(done.stdout.splitlines()[-1])
    return found


def whole(kills: int, seed: int = 1) -> list[dict[str, Any]]:
    """Both databases."""
    words = ("--kills", str(kills), "--seed", str(seed), "--every", "100")
    return [run(*words), run("--server", *words)]


def careless(seed: int = 1) -> list[dict[str, Any]]:
    """What must be found: an acknowledgement before the commit, a server that does not wait for its
    disk and is killed."""
    early = ("--early", "--only", "capture", "--kills", "200", "--seed", str(seed))
    loose = ("--server", "--loose", "--only", "capture", "--kills", "200", "--seed", str(seed))
    return [run(*early), run(*loose)]


def write(good: list[dict[str, Any]], bad: list[dict[str, Any]], path: Path = REPORT) -> None:
    """The report, in whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines(good, bad)) + "\n")


def lines(good: list[dict[str, Any]], bad: list[dict[str, Any]]) -> list[str]:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    text = [
        "# Killed at random moments",
        "",
        "Written by `python -m tests.crash.report`. A warmed process forks a child that does one",
        "kind of work again and again and acknowledges through a pipe what it committed. SIGKILL",
        "comes after a random time. The next start is what a restart does, with a clock that has",
        "gone on; nothing in the database or on the disk is touched by hand. Then everything",
        "acknowledged is looked for, every new event is held against its log entry, no job or",
        "import may be under way; after every hundred kills the log is rebuilt from its entries,",
        "every row is audited against its statement, and the disk is compared with the rows.",
        "On PostgreSQL some kills take a server process, or the whole server, along.",
        "",
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC · {os.cpu_count()} cores · load {load} at the end",
        "",
        "| | " + " | ".join(one["database"] for one in good) + " |",
        "| --- |" + " ---: |" * len(good),
    ]
    rows = {
        "SIGKILLs": "kills",
        "… with a server process": "backends",
        "… with the whole server": "servers",
        "acknowledgements checked": "acked",
        "whole audits": "audits",
        "entries in the log at the end": "size",
    }
    text += [
        f"| {name} | " + " | ".join(f"{one[key]:,}" for one in good) + " |"
        for name, key in rows.items()
    ]
    text += [
        "| **acknowledged and lost, or half done** | "
        + " | ".join(f"**{one['broken'] or 0}**" for one in good)
        + " |",
        "| **mended by hand** | " + " | ".join("**0**" for _ in good) + " |",
        "| longest start until all that was left is done, s | "
        + " | ".join(f"{one['longest']:.2f}" for one in good)
        + " |",
        "| seconds for all | " + " | ".join(f"{one['seconds']:.0f}" for one in good) + " |",
    ]
    for one in good:
        text += ["", f"## What each kill met: {one['database']}", "", *_histogram(one)]
    return [*text, *_caught(bad)] if bad else text


def _caught(bad: list[dict[str, Any]]) -> list[str]:
    text = [
        "",
        "## The check can fail",
        "",
        "| what was wrong on purpose | kills until it was found | found |",
        "| --- | ---: | --- |",
    ]
    names = ("acknowledged before the commit", "PostgreSQL with synchronous_commit=off")
    for name, one in zip(names, bad, strict=True):
        text.append(f"| {name} | {one['kills']} | {_plain(one['broken']) or '**nothing**'} |")
    return text


def _plain(broken: str) -> str:
    """Without names that differ from run to run."""
    return broken.split(": urn:", maxsplit=1)[0].replace("|", "/")


def _histogram(found: dict[str, Any]) -> list[str]:
    kinds = list(found["marks"])
    total: Counter[str] = Counter()
    for counts in found["marks"].values():
        total.update(counts)
    rows = ["| | " + " | ".join([*kinds, "all"]) + " |", "| --- |" + " ---: |" * (len(kinds) + 1)]
    for mark in ORDER:
        if total[mark]:
            each = [str(found["marks"][kind].get(mark, "")) for kind in kinds]
            rows.append(f"| {mark} | " + " | ".join([*each, str(total[mark])]) + " |")
    return rows


def main() -> None:
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    path = Path(sys.argv[2]) if len(sys.argv) > 2 else REPORT
    good, bad = whole(kills), careless()
    write(good, bad, path)
    if any(one["broken"] for one in good) or not all(one["broken"] for one in bad):
        raise SystemExit("something was lost, or was not found lost: see the report")


if __name__ == "__main__":
    main()
