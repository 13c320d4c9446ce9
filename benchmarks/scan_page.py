"""Promises: of a page that was scanned before we answer at least 0.8 times as many requests a
second as a bare Flask route that returns the same bytes and headers under the same gunicorn, and
at least 0.85 times as many with 304 where the phone has the page, and 0.8 times as many redirects
from the printed address to it; the first view of a history of forty lines takes at most 14 kB over
the wire.

One worker each, one keep-alive connection; CPU time of the worker process from the kernel, ours
and the floor in turns: what the sender does costs neither. A lot's page, and that of one package
(one query more). The answer is the compressed page a phone gets.
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.client import HTTPConnection
from pathlib import Path

from flask_migrate import upgrade

from benchmarks import Figure, absolute, compare
from tests.support.farms import make_farm, path_of
from tests.support.stamps import bind_stamps, make_stamps, stamp_page
from trace.app import create_app
from trace.config import Settings
from trace.extensions import db
from trace.services import sequencer
from trace.services.diary import Input, diary_entry

ROOT = Path(__file__).resolve().parent.parent
REQUESTS, ROUNDS, WARM_UP = 1500, 4, 300
PHONE = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Encoding": "gzip, deflate, br",
    "Accept-Language": "vi-VN,vi;q=0.9,en;q=0.8",
    "User-Agent": "Mozilla/5.0 (Linux; Android 13) Mobile",
}
START = datetime(2026, 11, 1, 1, 0, tzinfo=UTC)
# What the server itself adds to every answer, ours and the floor's.
SERVERS_OWN = frozenset({"server", "date", "connection", "content-length", "transfer-encoding"})


@dataclass(frozen=True, slots=True)
class Served:
    """A gunicorn with one worker."""

    port: int
    worker: int

    def cpu(self) -> float:
        """Seconds of CPU the worker has used, user and system (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self.worker}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def ask(self, path: str, times: int, etag: str = "") -> None:
        """The same request again and again over one connection; with an ETag, 304 is expected,
        and of a printed address the way to its page."""
        headers = {**PHONE, "If-None-Match": etag} if etag else PHONE
        connection = HTTPConnection("127.0.0.1", self.port, timeout=30)
        for _ in range(times):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            answer.read()
            if answer.status != _status(path, etag):
                raise RuntimeError(f"{path} answered {answer.status}")
        connection.close()


def _status(path: str, etag: str) -> int:
    return 307 if not path.startswith("/t/") else 304 if etag else 200


def run() -> Iterable[Figure]:
    """The cost of a scan, and its size."""
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-scan-"))
    try:
        lot, package, environment = _world(folder)
        with _gunicorn("wsgi:app", environment) as ours:
            sizes = []
            for what, path in (("a lot's page", lot), ("a package's page", package)):
                headers, body = _answer(ours, path)
                etag = dict(headers)["ETag"]
                known, _ = _answer(ours, path, etag)
                given = folder / "answer.json"
                told = {"headers": headers, "known": known, "body": base64.b64encode(body).decode()}
                given.write_text(json.dumps(told))
                with _gunicorn("benchmarks._bare:app", {"BENCH_ANSWER": str(given)}) as bare:
                    if (_answer(bare, path), _answer(bare, path, etag)[0]) != (
                        (headers, body),
                        known,
                    ):
                        raise RuntimeError("the floor does not answer with the same bytes")
                    full, unchanged = _measure(ours, bare, path), _measure(ours, bare, path, etag)
                yield compare(f"{what}, per CPU second", full[0], "1/s", full[1], ">=", 0.8)
                yield compare(
                    f"{what}, 304 per CPU second", unchanged[0], "1/s", unchanged[1], ">=", 0.85
                )
                sizes.append(len(body) + sum(len(name) + len(v) + 4 for name, v in headers))
            printed = lot.removeprefix("/t")
            way, _ = _answer(ours, printed)
            given.write_text(json.dumps({**told, "way": way}))
            with _gunicorn("benchmarks._bare_mix:app", {"BENCH_ANSWER": str(given)}) as bare:
                if _answer(bare, printed) != (way, b""):
                    raise RuntimeError("the floor does not send on with the same headers")
                sent_on = _measure(ours, bare, printed)
            yield compare(
                "sent on to a page, per CPU second", sent_on[0], "1/s", sent_on[1], ">=", 0.8
            )
        yield absolute("scan page, first view of forty lines", sizes[0], "B", "<=", 14_000)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _world(folder: Path) -> tuple[str, str, dict[str, str]]:
    """A lot with sixty lines behind it and one package of it: their addresses under /t, and the
    settings."""
    environment = {
        "TRACE_INSTANCE": str(folder),
        "TRACE_DATABASE_URL": f"sqlite:///{folder / 'bench.db'}",
        "TRACE_ID_BASE": "https://trace.example",
        "TRACE_KEY_ENCRYPTION_KEY": base64.urlsafe_b64encode(bytes(32)).decode(),
        "TRACE_SECRET_KEY": "only for a benchmark, thrown away with its folder",
    }
    app = create_app(Settings.from_env(environment))
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        farm = make_farm(START)
        cycle = farm.sow()
        farm.tell(
            *(
                diary_entry(farm.record(note=_note(n)), cycle, "spraying", inputs=[_input(n)])
                for n in range(60)
            )
        )
        farm.wait(15)
        lot = farm.reap(cycle)
        roll = make_stamps(farm.actor, 10)
        bind_stamps(farm, roll, 1, 10, lot)
        sequencer.publish(now=datetime.now(UTC))
        db.session.commit()
        paths = "/t" + path_of(lot), stamp_page(roll, 1)
        db.session.remove()
        db.engine.dispose()
    return *paths, environment


def _input(number: int) -> Input:
    return Input(f"Thuốc {number * 7919 % 1000}EC", None, "", f"hoạt chất {number}", number % 14)


def _note(number: int) -> str:
    return f"Luống số {number}, lá {number * 37 % 100} phần trăm"


@contextmanager
def _gunicorn(target: str, environment: dict[str, str]) -> Iterator[Served]:
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "gunicorn", target),
            *("--bind", "127.0.0.1:0", "--workers", "1", "--threads", "2"),
            *("--worker-class", "gthread", "--no-control-socket", "--log-level", "info"),
        ],
        cwd=ROOT,
        env={**os.environ, **environment, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        port = worker = 0
        for line in process.stderr or ():
            if "Listening at" in line:
                port = int(line.split("127.0.0.1:")[1].split()[0].rstrip("/"))
            if "Booting worker with pid" in line:
                worker = int(line.rsplit(maxsplit=1)[1])
                break
        if not port or not worker:
            raise RuntimeError(f"{target} did not start")
        yield Served(port, worker)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=30)
        if process.stderr is not None:
            process.stderr.close()


def _answer(served: Served, path: str, etag: str = "") -> tuple[list[tuple[str, str]], bytes]:
    """Headers the application set, and the body, once the worker answers."""
    end = time.monotonic() + 60
    headers = {**PHONE, "If-None-Match": etag} if etag else PHONE
    while True:
        try:
            connection = HTTPConnection("127.0.0.1", served.port, timeout=30)
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            body = answer.read()
            connection.close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
            continue
        expected = _status(path, etag)
        encoding = "br" if expected == 200 else None
        if (answer.status, answer.getheader("Content-Encoding")) != (expected, encoding):
            raise RuntimeError(f"{path} answered {answer.status}")
        kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in SERVERS_OWN]
        return sorted(kept), body


def _measure(ours: Served, bare: Served, path: str, etag: str = "") -> tuple[float, float]:
    """(ours, floor) in answers per CPU second: the best round of each, taken in turns."""
    for served in (ours, bare):
        served.ask(path, WARM_UP, etag)
    best = {ours.port: 0.0, bare.port: 0.0}
    for _ in range(ROUNDS):
        for served in (ours, bare):
            before = served.cpu()
            served.ask(path, REQUESTS, etag)
            best[served.port] = max(best[served.port], REQUESTS / (served.cpu() - before))
    return best[ours.port], best[bare.port]
