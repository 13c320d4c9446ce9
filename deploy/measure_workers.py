"""Which worker class of gunicorn serves this product best: measured, and written to
docs/reports/workers.md. `python -m deploy.measure_workers [SECONDS]`, on a quiet machine.

Each class serves the same PostgreSQL and the same world, two processes each (one a processor):
`sync` (one request at a time), `gthread` (8 threads), `gevent` (up to 1,000 greenlets). Clients are
processes of their own over a Unix socket, as nginx is: a connection a request.

1. scans: history pages from memory, and their beacons: the product's most frequent work
2. pages: a page of the long way that reads the database
3. captures: single EPCIS events: checking, signing, committing before the answer
4. mixed: all of these at once, and what a scan then takes
5. waiting: requests that wait for the database (a lock held for a second), as many as there are
   threads and more: does anybody else get an answer meanwhile?
"""

from __future__ import annotations

import contextlib
import http.client
import importlib.util
import json
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import psycopg

from tests.support.postgresql import Server, running_server

ROOT: Final = Path(__file__).resolve().parents[1]
REPORT: Final = ROOT / "docs" / "reports" / "workers.md"
TARGET: Final = "deploy.measure_workers:unlimited()"
PROCESSES: Final = 2
CLIENTS: Final = 6
WAITING: Final = 40
CLASSES: Final[dict[str, list[str]]] = {
    "sync": ["--worker-class", "sync"],
    "gthread": ["--worker-class", "gthread", "--threads", "8"],
    "gevent": ["--worker-class", "gevent", "--worker-connections", "1000"],
}


class Unix(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float = 60) -> None:
        super().__init__("trace.example", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Asked:
    """One kind of request."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    body: str = ""

    def once(self, path: str) -> float:
        """Milliseconds of one; raises RuntimeError for another status than the right one."""
        body = event() if self.body == "event" else None
        start = time.perf_counter()
        connection = Unix(path)
        connection.request(self.method, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != self.status:
            raise RuntimeError(f"{self.method} {self.path} answered {answer.status}")
        return 1000 * (time.perf_counter() - start)


def unlimited() -> Any:
    """What is served: the product, with one token that may ask as often as it likes."""
    from trace.services import token_rates
    from wsgi import app

    token_rates.LIMIT = 1_000_000_000  # type: ignore[misc]
    return app


def event() -> bytes:
    """One event, as /events takes it."""
    at = (datetime.now(UTC) - timedelta(minutes=5)).isoformat(timespec="milliseconds")
    one = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "ObjectEvent",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "eventTime": at,
        "eventTimeZoneOffset": "+07:00",
        "epcList": ["https://id.gs1.org/00/095201234567891235"],
    }
    return json.dumps(one).encode()


def client(path: str, asked: list[Asked], seconds: float) -> list[list[float]]:
    """Asks for these in turn for so long; milliseconds by kind."""
    told: list[list[float]] = [[] for _ in asked]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for kind, one in enumerate(asked):
            told[kind].append(one.once(path))
    return told


def main() -> None:
    """Measures and writes the report."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 8.0
    folder = Path(tempfile.mkdtemp(prefix="trace-workers-", dir="/tmp"))
    load = os.getloadavg()[0]
    try:
        with running_server() as server:
            environment, demo = _world(folder, server)
            found = {}
            for name in CLASSES:
                if name == "gevent" and importlib.util.find_spec("gevent") is None:
                    continue
                with _served(folder, name, environment) as served:
                    found[name] = _measure(served, demo, seconds, server)
                sys.stdout.write(f"{name}: {found[name]}\n")
                sys.stdout.flush()
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text(_report(found, seconds, load))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _world(folder: Path, server: Server) -> tuple[dict[str, str], dict[str, Any]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
    environment = {
        **kept,
        "PYTHONPATH": str(ROOT),
        "TRACE_INSTANCE": str(folder / "instance"),
        "TRACE_DATABASE_URL": server.create_database("workers"),
        "TRACE_ID_BASE": "https://trace.example",
        "TRACE_PROXIES": "1",
    }

    def flask(*words: str) -> str:
        command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
        return subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
        ).stdout

    flask("db", "upgrade")
    flask("trace", "seed", "--if-empty")
    demo: dict[str, Any] = json.loads(flask("trace", "demo", "--json"))
    return environment, demo


@dataclass(frozen=True, slots=True)
class Served:
    """A running server, asked over its socket."""

    path: str
    process: subprocess.Popen[bytes]

    def memory(self) -> float:
        """MiB that its processes have for themselves (proc(5), smaps_rollup)."""
        told = subprocess.run(
            ["/bin/ps", "-o", "pid=", "--ppid", str(self.process.pid)],
            capture_output=True,
            text=True,
            check=False,
        )
        total = 0
        for pid in told.stdout.split():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += sum(int(size) for size in re.findall(r"Private_\w+:\s+(\d+)", rollup))
        return total / 1024


@contextlib.contextmanager
def _served(folder: Path, name: str, environment: dict[str, str]) -> Iterator[Served]:
    path = str(folder / f"{name}.sock")
    command = [
        *(sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", TARGET),
        *("--bind", f"unix:{path}", "--workers", str(PROCESSES), "--no-control-socket"),
        *("--log-level", "warning", *CLASSES[name]),
    ]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)
    try:
        end = time.monotonic() + 60
        while True:
            try:
                Asked("GET", "/healthz", 200, {}).once(path)
                break
            except OSError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.1)
        yield Served(path, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _measure(
    served: Served, demo: dict[str, Any], seconds: float, server: Server
) -> dict[str, float]:
    page = _history_page(served, demo)
    own = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}
    scans = [Asked("GET", page, 200, {"Accept": "text/html"}), Asked("POST", page, 204, own)]
    pages = [Asked("GET", "/about", 200, {})]
    machine = {
        "Content-Type": "application/ld+json",
        "Authorization": f"Bearer {demo['token']}",
    }
    captures = [Asked("POST", "/epcis/v2/events", 201, machine, "event")]
    found: dict[str, float] = {}
    with ProcessPoolExecutor(CLIENTS, get_context("spawn")) as pool:
        client_set = {"scans": scans, "pages": pages, "captures": captures}
        for _ in pool.map(
            client, [served.path] * CLIENTS, [[*scans, *pages]] * CLIENTS, [1] * CLIENTS
        ):
            pass  # warm
        for name, asked in client_set.items():
            found |= _told(
                name,
                [pool.submit(client, served.path, asked, seconds) for _ in range(CLIENTS)],
                seconds,
            )
        mixed = [
            pool.submit(client, served.path, asked, seconds)
            for asked in (scans, scans, scans, pages, captures, captures)
        ]
        found |= _told("mixed", mixed, seconds, first=3)
        found["memory"] = served.memory()
        found["waiting"] = _waiting(served, server, scans[0], captures[0])
    return found


def _told(
    name: str, asked: list[Future[list[list[float]]]], seconds: float, first: int | None = None
) -> dict[str, float]:
    """Requests a second of all, percentiles of the first kind of the first clients."""
    told = [one.result() for one in asked]
    whole = sum(len(kind) for one in told for kind in one) / seconds
    times = [ms for one in told[:first] for ms in one[0]]
    cuts = statistics.quantiles(times, n=100)
    return {name: whole, f"{name} median": cuts[49], f"{name} p99": cuts[98]}


def _history_page(served: Served, demo: dict[str, Any]) -> str:
    connection = Unix(served.path)
    path = urlsplit(demo["addresses"][0]["address"]).path
    connection.request("GET", path, headers={"Accept": "text/html"})
    answer = connection.getresponse()
    answer.read()
    return str(urlsplit(urljoin("http://x", answer.headers["Location"])).path)


def _waiting(served: Served, server: Server, scan: Asked, capture: Asked) -> float:
    """Milliseconds of a scan page while forty captures wait for the log's lock; at most 10,000."""
    with (
        psycopg.connect(server.url("workers").replace("+psycopg", "")) as holder,
        ProcessPoolExecutor(WAITING, get_context("fork")) as pool,
    ):
        holder.execute("SELECT 1 FROM log_state FOR UPDATE")
        waiting = [pool.submit(capture.once, served.path) for _ in range(WAITING)]
        time.sleep(2)
        took = 10_000.0
        with contextlib.suppress(TimeoutError):
            connection = Unix(served.path, 10)
            start = time.perf_counter()
            connection.request(scan.method, scan.path, headers=dict(scan.headers))
            connection.getresponse().read()
            took = 1000 * (time.perf_counter() - start)
        holder.rollback()
        for one in waiting:
            with contextlib.suppress(
                RuntimeError
            ):  # some classes answer 503: no connection is free
                one.result()
    return took


def _report(found: dict[str, dict[str, float]], seconds: float, load: float) -> str:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    rows = [
        ("scans and beacons a second", "scans", "{:.0f}"),
        ("scan page, median / p99 ms", "scans", "{} / {}"),
        ("pages of the long way a second", "pages", "{:.0f}"),
        ("captures (one event) a second", "captures", "{:.0f}"),
        ("capture, median / p99 ms", "captures", "{} / {}"),
        ("mixed: requests a second", "mixed", "{:.0f}"),
        ("mixed: scan page, median / p99 ms", "mixed", "{} / {}"),
        ("memory of both processes, MiB", "memory", "{:.0f}"),
        (f"scan page while {WAITING} captures wait for the database, ms", "waiting", "{:.0f}"),
    ]
    lines = [
        "# Worker classes of gunicorn, measured",
        "",
        "Written by `python -m deploy.measure_workers`. Two processes each over PostgreSQL on the",
        f"same machine; {CLIENTS} clients over a Unix socket, a connection a request,",
        f"{seconds:.0f} s a figure. {datetime.now(UTC):%Y-%m-%d}; {os.cpu_count()} processors,",
        f"{memory:.0f} GiB; load average before the run {load:.1f} (near 0 on a quiet machine;",
        "otherwise read the figures against each other, not by themselves).",
        "",
        f"| what | {' | '.join(found)} |",
        f"| --- |{' --- |' * len(found)}",
    ]
    for words, key, form in rows:
        cells = [
            form.format(f"{told[f'{key} median']:.1f}", f"{told[f'{key} p99']:.1f}")
            if " / " in form
            else form.format(told[key])
            for told in found.values()
        ]
        lines.append(f"| {words} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *CHOICE, ""])


# Reasons, not figures: whoever measures again holds them against the table.
CHOICE: Final = (
    "**Chosen: `gthread`, 8 threads, one process a processor.** Not for its scans: where nothing",
    "waits, `sync` and `gevent` send more of them, since threads hand the interpreter to one",
    "another within a page. `sync` is out by the mixed line: scans stand behind captures, and one",
    "that waits for the database stops a whole process. `gevent` is first wherever much waits and",
    "would be the choice for PostgreSQL alone. It was not taken because the same processes also",
    "run on SQLite and hash passwords: these calls, re-encoding of photos and compression hold up",
    "every greenlet of a process, where threads go on; and because `monkey.patch_all` replaces",
    "the standard library under drivers and under the threads that draw pages ahead and store",
    "scans. What threads leave open is the last line: more requests that wait for the database",
    "than there are threads stop the scans of that process. Slow senders and slow readers are",
    "nginx' matter ([figures](production.md)).",
)

if __name__ == "__main__":
    main()
