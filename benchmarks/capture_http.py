"""Promises: capturing JSON documents of 1,000 events over HTTP takes at most 2.2 times the floor;
quartet-epcis (PyPI) takes at least 10 times as long over the same events as XML.

Ours: CPU time of the server that takes the document (gunicorn, one worker) and of the process that
runs its job, from the request to the committed end of the job, which told that every event is
recorded; SQLite. What captures ask for afterwards (passports, alerts to subscribers) is not in it.

Floors, in the same run: a raw driver-level bulk insert of the same rows into the same tables and
indexes and one bare Ed25519 signature per event (benchmarks.capture); and quartet-epcis, which
parses the same events as EPCIS 1.2 XML and stores them in SQLite. To its advantage there is no
request around it, and its loose parser, which enforces nothing, is measured beside the default. It
signs nothing, hashes nothing and keeps no log. It has a virtual environment of its own in the
user's cache folder, made on the first run; where that cannot be made its figures are left out.
"""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks import Figure, compare, faster
from benchmarks.capture import (
    EVENTS,
    ID_BASE,
    Bench,
    bench,
    bench_over,
    document,
    floor,
    marks,
    new_rows,
)
from benchmarks.scan_page import Served, _gunicorn
from trace.clock import rfc3339
from trace.core.epcis import parse_document
from trace.core.epcis.xml import write_xml
from trace.core.signing import PrivateKey
from trace.extensions import db
from trace.services.tokens import issue_token

ROOT = Path(__file__).resolve().parent.parent
NEEDED = Path(__file__).with_name("quartet.txt")
ROUNDS = 5
GOAL, OTHERS = 2.2, 10
MOMENT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
PARSERS = ("loose", "business")


@dataclass(slots=True)
class Asked:
    """A process that answers each line with CPU seconds and a number of events."""

    process: subprocess.Popen[str]

    def ask(self, line: str) -> float:
        """Raises RuntimeError where not every event was recorded."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("no pipes")
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        seconds, _, events = self.process.stdout.readline().partition(" ")
        if not events.strip() or int(events) == 0 or int(events) % 50:
            raise RuntimeError(f"not everything was recorded: {events or 'it ended'}")
        return float(seconds)


@dataclass(slots=True)
class Spent:
    """CPU seconds of every round."""

    request: list[float] = field(default_factory=list)
    job: list[float] = field(default_factory=list)
    xml: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)
    others: dict[str, list[float]] = field(default_factory=lambda: {one: [] for one in PARSERS})

    def ours(self) -> float:
        """The least of both processes together, of one round."""
        return min(map(sum, zip(self.request, self.job, strict=True)))


def run() -> Iterable[Figure]:
    """Documents through the door, the others' parser beside it, then the raw rows."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-capture-"))
    try:
        spent, captured = Spent(), []
        with bench(folder, "ours") as made:
            _, token = issue_token(made.actor.organisation, "bench", ["capture"], at=MOMENT)
            db.session.commit()
            environment = _environment(folder / "ours")
            others = _quartet(folder)
            with (
                _gunicorn("wsgi:app", environment) as server,
                _asked([sys.executable, "-m", "benchmarks._capture_job"], environment) as jobs,
                others if others is not None else nullcontext() as quartet,
            ):
                for number in range(-1, ROUNDS):
                    # The first is small and opens everything.
                    events = EVENTS if number >= 0 else 50
                    rows = _round(made, events, (server, jobs, quartet), token, folder, spent)
                    captured.append(rows)
        for one in (spent.request, spent.job, spent.xml, *spent.others.values()):
            del one[:1]
        shutil.copy(folder / "ours.db", folder / "floor.db")
        key = PrivateKey.generate()
        with bench_over(folder, "floor"):
            spent.floor = [floor(rows, key) for rows in captured[1:]]
        yield from _figures(spent)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _round(
    made: Bench,
    events: int,
    processes: tuple[Served, Asked, Asked | None],
    token: str,
    folder: Path,
    spent: Spent,
) -> dict[str, tuple[str, list[tuple[Any, ...]]]]:
    """One document in JSON, another in XML, and the first as XML to the others; the rows of the
    first."""
    server, jobs, quartet = processes
    data = document(events, made.actor.organisation.code)
    before = marks()
    db.session.rollback()
    spent.request.append(_post(server, data, "application/json", token))
    spent.job.append(jobs.ask("next"))
    rows = new_rows(before)
    db.session.rollback()
    if len(rows["events"][1]) != events:
        raise RuntimeError(f"{len(rows['events'][1])} events were recorded")
    other = _as_xml(document(events, made.actor.organisation.code))
    spent.xml.append(_post(server, other, "application/xml", token) + jobs.ask("next"))
    if quartet is not None:
        path = folder / "given.xml"
        path.write_bytes(_as_xml(data))
        for parser in PARSERS:
            # The second takes the same: it wants the parents of aggregations commissioned before.
            spent.others[parser].append(quartet.ask(f"{parser} {path}"))
    return rows


def _as_xml(data: bytes) -> bytes:
    """The same events as EPCIS 1.2 XML, which is what quartet-epcis reads."""
    return write_xml(parse_document(data).events, created=rfc3339(MOMENT), version="1.2")


def _post(server: Served, data: bytes, kind: str, token: str) -> float:
    """CPU seconds of the server for taking a document. Raises RuntimeError where it does not."""
    start = _cpu(server.worker)
    connection = HTTPConnection("127.0.0.1", server.port, timeout=120)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": kind}
    connection.request("POST", "/epcis/v2/capture", body=data, headers=headers)
    answer = connection.getresponse()
    told = answer.read()
    connection.close()
    if answer.status != 202:
        raise RuntimeError(f"{answer.status}: {told[:300]!r}")
    return _cpu(server.worker) - start


def _cpu(process: int) -> float:
    """CPU seconds of another process, all its threads: its own clock (clock_getcpuclockid(3)), in
    nanoseconds where proc(5) counts hundredths of a second."""
    return time.clock_gettime((~process << 3) | 2)


def _environment(instance: Path) -> dict[str, str]:
    return {
        "TRACE_INSTANCE": str(instance),
        "TRACE_DATABASE_URL": f"sqlite:///{instance}.db",
        "TRACE_PUBLIC_URL": "http://localhost",
        "TRACE_ID_BASE": ID_BASE,
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "TRACE_SECRET_KEY": "only for measuring, and long enough",
    }


@contextmanager
def _asked(command: list[str], environment: Mapping[str, str]) -> Iterator[Asked]:
    """A process that is ready to be asked."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            while process.stdout is not None and (line := process.stdout.readline()):
                if line == "ready\n":
                    break
            else:
                raise RuntimeError(f"{command} did not start")
            yield Asked(process)
        finally:
            process.kill()


def _quartet(folder: Path) -> Any:
    """quartet-epcis, ready to be asked; None, and a word, where it cannot be had."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    place = cache / "trace-bench" / "quartet-epcis-4.1.5"
    ready, python = place / "ready", place / "bin" / "python"
    if not ready.exists() or ready.read_bytes() != NEEDED.read_bytes():
        print("making a virtual environment for quartet-epcis …", file=sys.stderr, flush=True)
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(place)], check=True)
            subprocess.run(
                [str(python), "-m", "pip", "install", "--quiet", "-r", str(NEEDED)],
                check=True,
                timeout=300,
                stderr=subprocess.DEVNULL,
            )
        except (OSError, subprocess.SubprocessError) as error:
            print(
                f"quartet-epcis cannot be installed ({error}): its figures are left out.",
                file=sys.stderr,
            )
            return None
        ready.write_bytes(NEEDED.read_bytes())
    return _asked([str(python), str(ROOT / "benchmarks" / "_quartet.py"), str(folder)], {})


def _figures(spent: Spent) -> Iterable[Figure]:
    def each(seconds: float) -> float:
        return seconds * 1e6 / EVENTS

    ours, unit = each(spent.ours()), "µs CPU/event"
    least = each(min(spent.floor))
    print(
        f"of this in the request {each(min(spent.request)):.0f} µs an event, in the job"
        f" {each(min(spent.job)):.0f}; XML in place of JSON {each(min(spent.xml)):.0f}",
        file=sys.stderr,
    )
    yield compare("capture over HTTP, 1,000-event documents", ours, unit, least, "<=", GOAL)
    for parser in PARSERS:
        if spent.others[parser]:
            theirs = each(min(spent.others[parser]))
            name = f"capture over HTTP, against quartet-epcis ({parser} parser)"
            yield faster(name, ours, unit, theirs, OTHERS)
