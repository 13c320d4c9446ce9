"""After a drill: is everything there that was acknowledged, and is the log one log?"""

from __future__ import annotations

import hashlib
import sys
from base64 import urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import psycopg

from deploy.cluster.building import run
from deploy.cluster.layout import NODES, Layout
from deploy.cluster.processes import wait

KEYS = "SELECT event_key FROM event_keys JOIN log_entries USING (event_id)"
OPEN = "SELECT count(*) FROM jobs WHERE kind = 'epcis-capture' AND state IN ('queued', 'running')"
WHOLE = (
    "SELECT count(*), coalesce(md5(string_agg(entry, E'\\n' ORDER BY idx)), '') FROM log_entries"
)


@dataclass(frozen=True, slots=True)
class Checked:
    """`lost`: acknowledged, and not in the record or not in the log. `alike`: seconds until all
    nodes held the same log; `recorded`: until what was accepted was recorded. `log` is what
    `trace log check` said, `grown` whether the log of after begins with the log of before."""

    lost: int
    doubled: int
    entries: int
    alike: float
    recorded: float
    log: str
    grown: str


def digest(event_id: str) -> str:
    """An eventID as the record keeps it: base64url of the first 16 bytes of its SHA-256."""
    return urlsafe_b64encode(hashlib.sha256(event_id.encode()).digest()[:16]).decode().rstrip("=")


def connect(layout: Layout, where: str) -> psycopg.Connection[Any]:
    url = layout.url(where).replace("postgresql+psycopg", "postgresql")
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def lost(layout: Layout, acknowledged: Collection[str]) -> tuple[int, int]:
    """(how many acknowledged events are missing on the primary, how many are there twice)."""
    with connect(layout, "write") as connection:
        rows = [key for (key,) in connection.execute(KEYS).fetchall()]
    wanted = {digest(event_id) for event_id in acknowledged}
    there = set(rows)
    return len(wanted - there), len(rows) - len(there)


def alike(layout: Layout) -> tuple[float, int]:
    """(seconds until every node held the same entries, how many). Nothing writes meanwhile."""
    found: list[tuple[int, str]] = []

    def same() -> bool:
        found.clear()
        for node in NODES:
            try:
                with connect(layout, node) as connection:
                    row = connection.execute(WHOLE).fetchone()
            except psycopg.Error:
                return False
            found.append(row or (0, ""))
        return len(set(found)) == 1

    took = wait("node that holds the same as the others", same, 120)
    return took, found[0][0]


def settled(layout: Layout) -> float:
    """Seconds until nothing that was accepted waits to be recorded."""

    def done() -> bool:
        try:
            with connect(layout, "write") as connection:
                row = connection.execute(OPEN).fetchone()
        except psycopg.Error:
            return False
        return row == (0,)

    return wait("recording of what was accepted", done, 600)


def checkpoint(layout: Layout) -> int:
    """How long the published log is."""
    with connect(layout, "write") as connection:
        row = connection.execute("SELECT coalesce(max(size), 0) FROM log_checkpoints").fetchone()
    return int(row[0]) if row else 0


def check(layout: Layout, acknowledged: Collection[str], before: int) -> Checked:
    """All of it; `before` is the size of the published log before the drill."""
    recorded = settled(layout)
    missing, doubled = lost(layout, acknowledged)
    took, entries = alike(layout)
    wait("publication of the whole log", lambda: checkpoint(layout) >= entries, 60)
    flask = [sys.executable, "-m", "flask", "--app", "wsgi", "trace", "log"]
    environment = layout.environment()
    try:
        said = run(layout, [*flask, "check", f"{layout.web}/log", "--workers", "1"], environment)
        log = said.strip().splitlines()[-1].split(", root")[0]
    except SystemExit as error:
        log = f"BROKEN: {str(error)[-200:]}"
    try:
        proof = run(layout, [*flask, "consistency", str(before)], environment).split()
        run(layout, [*flask, "verify-consistency", *proof], environment)
        grown = f"{before} → {proof[2]}: proved"
    except SystemExit as error:
        grown = f"BROKEN: {str(error)[-200:]}"
    return Checked(missing, doubled, entries, took, recorded, log, grown)
