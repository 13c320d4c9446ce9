"""Promises of an hour under mixed load: no answer of 5xx, memory flat within 5 %, the scan page's
99th percentile at most five times its median.

`python -m benchmarks.soak [--minutes 60] [--database sqlite|postgresql]` starts the product as
production does (`_soak_site.py`), measures for a while how much of the mix (`_soak_acts.py`) it can
do at most, and then asks for a third of that, at random moments that do not wait for answers
(`_soak_client.py`). Ten minutes at twice that rate come first: what is remembered within bounds
(answers of functions, opened statements, bodies of pages) is full then, and what grows after that
grows for another reason. From then on it watches what its processes hold (`_soak_watch.py`,
`_soak_app.py`). At the end everything that was acknowledged is looked for in the
database, all jobs are waited for, and the product's own audit holds every row against what was
signed and logged. docs/reports/soak.md is written from it.

Through `python -m benchmarks soak` it takes BENCH_MINUTES (3) on BENCH_DATABASE (sqlite) and writes
no report. Floor: none; the promises are absolute.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import pickle
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import orjson

from benchmarks import Figure, absolute
from benchmarks.__main__ import table
from benchmarks._soak_client import Plan, run_client
from benchmarks._soak_people import Line, Strange, Visitor
from benchmarks._soak_report import changes, report, scan_ratio, write
from benchmarks._soak_site import ROOT, Site, site
from benchmarks._soak_told import Told
from benchmarks._soak_watch import Watch, inside
from trace.core.signing import b64url, unb64url
from trace.core.statements import kept_texts

CHAINS = 150
CALIBRATION = 20.0  # seconds
TURNS = 6  # over all pages, so that either process has met nearly all of them
PART = 1 / 3
WARM_UP = 20.0  # minutes, before those that are measured
REPORT = ROOT / "docs" / "reports" / "soak.md"
WHOLE = 20  # minutes from which on a run is worth a report
NAMED = 3  # parts of a disclosure of a member: salt, name, value (RFC 9901)
PATIENCE = 600  # seconds for jobs to be done after the last arrival


@dataclass(slots=True)
class Soaked:
    """All that a run has found."""

    database: str
    minutes: float
    rate: float
    most: float
    told: Told
    watch: Watch
    site: Site
    begun: datetime
    names: dict[int, str]
    warm: float  # when the warm-up was over, seconds since 1970
    facts: dict[str, Any] = field(default_factory=dict)


def soak(
    database: str,
    minutes: float,
    *,
    rate: float = 0.0,
    chains: int = CHAINS,
    traced: bool = False,
    keep: bool = False,
) -> Soaked:
    """One whole run."""
    with (
        site(database, chains, traced=traced, keep=keep) as made,
        ProcessPoolExecutor(2, get_context("spawn")) as client,
    ):
        _say(f"{made.folder}: {len(made.pages)} lots")
        acknowledged = made.folder / "acknowledged.txt"
        passwords = {one["login"]: one["password"] for one in made.demo["sign_ins"]}
        plan = Plan(
            made.socket, CALIBRATION, 0.0, passwords, made.token, made.pages, str(acknowledged)
        )
        acknowledged.touch()
        scanned = _scans(made)
        _open_all(made)
        first = client.submit(run_client, plan).result() if not rate else Told()
        most = first.acts / CALIBRATION
        _say(f"at most {most:.1f} acts a second; unexpected: {first.words[:10]}")
        rate = rate or most * PART
        begun, names = datetime.now(UTC), made.names()
        sizes = made.sizes()
        watch = Watch(names, lambda: made.get("/metrics")[1], made.sizes)
        with watch:
            ahead = 60 * min(WARM_UP, minutes / 2)
            warm = time.time() + ahead
            plan = replace(plan, seconds=ahead + 60 * minutes, rate=rate, warm=ahead)
            others, shoppers = [
                client.submit(
                    run_client,
                    replace(
                        plan, who=who, seed=seed, progress=str(made.folder / f"{who}.progress")
                    ),
                )
                for seed, who in ((2, "others"), (3, "shoppers"))
            ]
            told = others.result()
            told.add(shoppers.result())
            drained = _drain(made)
        found = Soaked(database, minutes, rate, most, told, watch, made, begun, names, warm)
        found.facts = {"first size": sizes, "last size": made.sizes(), "drained": drained}
        told.beacons += first.beacons
        found.facts["scanned before"] = scanned
        # What was measured outlives a mistake in what follows.
        measured = (told, watch.seen, watch.gauges, watch.loads, names, warm, begun)
        (made.folder / "measured.pickle").write_bytes(pickle.dumps(measured))
        found.facts["inside"] = {
            name: inside(made.folder, pid, warm) for pid, name in names.items()
        }
        _verify(found, acknowledged)
        return found


def _open_all(made: Site) -> None:
    """Every page is asked for until every process has made it: bounded memories are full before
    anything is measured."""
    told = Told()
    for turn in range(TURNS):
        visitor = Visitor(Line(made.socket, told), turn)
        for page in made.pages:
            try:
                visitor.ask("opened", page, headers={"Accept-Encoding": "gzip, deflate, br"})
            except Strange:
                continue
    _say(f"opened: {dict(told.statuses)}; {told.words[:3]}")


def _scans(made: Site) -> int:
    """How many scans are counted."""
    ((counted,),) = made.rows("SELECT coalesce(sum(count), 0) FROM scans")
    return int(counted)


def _drain(made: Site) -> float:
    """Seconds until no job is left that was due at once; PATIENCE where they never are."""
    begin = time.monotonic()
    while time.monotonic() - begin < PATIENCE:
        ((jobs,),) = made.rows(
            "SELECT count(*) FROM jobs WHERE state IN ('queued', 'running')"
            " AND attempts = 0 AND run_after <= created_at"
        )
        ((running,),) = made.rows("SELECT count(*) FROM jobs WHERE state = 'running'")
        if not jobs and not running:
            return time.monotonic() - begin
        time.sleep(1)
    return float(PATIENCE)


def _verify(found: Soaked, acknowledged: Path) -> None:
    """Everything that was answered as recorded is there, and the product's own audit agrees."""
    made, facts = found.site, found.facts
    facts["jobs failed"] = made.rows(
        "SELECT kind, count(*) FROM jobs WHERE state = 'failed' GROUP BY kind"
    )
    facts["jobs done"] = made.rows(
        "SELECT kind, count(*) FROM jobs WHERE state = 'done' GROUP BY kind ORDER BY kind"
    )
    facts["lived"] = {name: Path(f"/proc/{pid}").exists() for pid, name in found.names.items()}
    facts["same processes"] = made.names() == found.names
    facts["ended"] = made.stop()
    wanted = acknowledged.read_text().split("\n")[:-1]
    facts["acknowledged"] = len(wanted)
    facts["recorded"] = keys, notes = _recorded(made)
    facts["lost"] = missing(keys, notes, wanted)
    facts["some there"] = wanted[:5] + [one for one in wanted if not one.startswith("urn:")][:5]
    ((facts["events"],),) = made.rows("SELECT count(*) FROM events")
    facts["beacons"], facts["counted"] = found.told.beacons, _scans(made) - facts["scanned before"]
    audit = made.flask("trace", "audit", fails=False)
    facts["audit"] = (audit.returncode, (audit.stdout.strip().splitlines() or [""])[-1])
    facts["logs"] = {
        name: _errors((made.folder / f"{name}.log").read_text(errors="replace"))
        for name in ("web", "worker")
    }


def _recorded(made: Site) -> tuple[set[str], set[str]]:
    """The keys of all event numbers, and all notes."""
    keys = {key for (key,) in made.rows("SELECT event_key FROM event_keys")}
    notes = set()
    for (kept,) in made.rows("SELECT disclosures FROM events"):
        for text in kept_texts(kept):
            given = orjson.loads(unb64url(text)) if text else []
            if len(given) == NAMED and given[1] == "trace:note":
                notes.add(given[2])
    return keys, notes


def missing(keys: set[str], notes: set[str], wanted: Iterable[str]) -> list[str]:
    """Of the event numbers and notes that were acknowledged, those that are nowhere."""
    return [
        one
        for one in wanted
        if (_key(one) not in keys if one.startswith("urn:uuid:") else one not in notes)
    ]


def _key(event_id: str) -> str:
    """As event_keys has it."""
    return b64url(hashlib.sha256(event_id.encode()).digest()[:16])


def _errors(text: str) -> list[str]:
    """Lines of a log that tell of a fault."""
    marks = ("Traceback", "error", "Error", "CRITICAL", "exception")
    return [line[:300] for line in text.splitlines() if any(mark in line for mark in marks)][:20]


def _say(words: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {words}", file=sys.stderr, flush=True)


def figures(found: Soaked) -> Iterable[Figure]:
    """The promises."""
    name = f"soak, {found.minutes:g} min, {found.database}"
    bad = sum(
        count for (_, status), count in found.told.statuses.items() if status >= 500 or not status
    )
    yield absolute(f"{name}: 5xx", bad, f"of {sum(found.told.statuses.values())}", "<=", 0)
    lost = len(found.facts["lost"])
    yield absolute(f"{name}: lost", lost, f"of {found.facts['acknowledged']}", "<=", 0)
    for process, change in changes(found).items():
        yield absolute(f"{name}: memory of {process}", 100 * change, "% more", "<=", 5)
    yield absolute(f"{name}: scan page, p99 / median", scan_ratio(found), "x", "<=", 5)


def run() -> Iterable[Figure]:
    """A short one."""
    minutes = float(os.environ.get("BENCH_MINUTES", "3"))
    yield from figures(soak(os.environ.get("BENCH_DATABASE", "sqlite"), minutes))


def main() -> None:
    """One run by the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rate", type=float, default=0.0, help="acts a second; 0: measured")
    parser.add_argument("--chains", type=int, default=CHAINS)
    parser.add_argument("--traced", action="store_true", help="with tracemalloc")
    parser.add_argument("--keep", action="store_true", help="leave the folder")
    parser.add_argument("--note", default="", help="what else the machine did, for the report")
    asked = parser.parse_args()
    found = soak(
        asked.database,
        asked.minutes,
        rate=asked.rate,
        chains=asked.chains,
        traced=asked.traced,
        keep=asked.keep,
    )
    found.facts["note"] = asked.note
    print(table(list(figures(found))))
    text = report(found)
    if asked.minutes >= WHOLE:
        write(REPORT, found.database, text)
    else:
        print(text)


if __name__ == "__main__":
    main()
