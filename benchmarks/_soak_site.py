"""The product as production runs it, for `benchmarks.soak`: gunicorn by the words of its systemd
unit (recycling of processes left out, so that it hides nothing), one worker, an instance of its
own with the simulated world, SQLite or a PostgreSQL of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmarks._soak_people import HOST, Unix
from tests.support.postgresql import Server, running_server
from trace.core.gs1 import parse_identity

ROOT: Final = Path(__file__).resolve().parents[1]
WEB_WORKERS: Final = 2  # one a processor
METRICS_TOKEN: Final = "only-for-a-soak-thrown-away-with-its-folder-40"
RECYCLING: Final = ("--max-requests", "--max-requests-jitter")


@dataclass(slots=True)
class Site:
    """A running installation."""

    folder: Path
    environment: dict[str, str]
    server: Server | None
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    demo: dict[str, Any] = field(default_factory=dict)
    token: tuple[tuple[str, str], ...] = ()
    pages: tuple[str, ...] = ()
    command: str = ""

    @property
    def socket(self) -> str:
        """Where everything but public pages is asked for."""
        return str(self.folder / "web.sock")

    @property
    def database(self) -> Path:
        return self.folder / "instance" / "trace.db"

    def flask(self, *words: str, fails: bool = True) -> subprocess.CompletedProcess[str]:
        """A command of the product. Raises RuntimeError where it fails, unless it may."""
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode and fails:
            raise RuntimeError(f"flask {' '.join(words)}: {done.stdout}{done.stderr}")
        return done

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the database holds, read past the product."""
        if self.server is not None:
            with self.server.connect("soak") as connection:
                return connection.execute(query.encode()).fetchall()
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            return connection.execute(query).fetchall()

    def start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=log, stderr=log
            )

    def start_all(self) -> None:
        command = web_command(self.folder)
        self.command = " ".join(command[1:])
        self.start("web", command)
        self.start(
            "worker",
            [
                *("nice", "-n", niceness(), sys.executable),
                *("-m", "flask", "--app", "benchmarks._soak_app", "trace", "worker"),
            ],
        )
        end = time.monotonic() + 120
        while not (
            self.answers()
            and len(self.web_workers()) == WEB_WORKERS
            and children(self.processes["worker"].pid)
        ):
            if time.monotonic() > end:
                raise RuntimeError((self.folder / "web.log").read_text()[-3000:])
            time.sleep(0.2)

    def answers(self) -> bool:
        try:
            return self.get("/healthz")[0] == 200
        except OSError:
            return False

    def get(self, path: str) -> tuple[int, str]:
        connection = Unix(self.socket)
        try:
            connection.request(
                "GET", path, headers={"Host": HOST, "Authorization": f"Bearer {METRICS_TOKEN}"}
            )
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def web_workers(self) -> list[int]:
        """gunicorn's children."""
        return children(self.processes["web"].pid)

    def names(self) -> dict[int, str]:
        """All processes by number, but for those of large jobs, which end with them."""
        named = {pid: f"web {at + 1}" for at, pid in enumerate(self.web_workers())}
        (server,) = children(self.processes["worker"].pid)
        return {
            **named,
            server: "worker's fork server",
            self.processes["web"].pid: "gunicorn itself",
            self.processes["worker"].pid: "worker",
        }

    def sizes(self) -> dict[str, float]:
        """Bytes of the database and of its log of writes; connections."""
        if self.server is not None:
            query = (
                "SELECT pg_database_size('soak'), (SELECT sum(size) FROM pg_ls_waldir()),"
                " (SELECT count(*) FROM pg_stat_activity WHERE usename = 'trace')"
            )
            with self.server.connect("postgres", user="postgres") as connection:
                row = connection.execute(query.encode()).fetchone() or (0, 0, 0)
            return {
                "database, bytes": float(row[0]),
                "WAL, bytes": float(row[1]),
                "connections": float(row[2]),
            }
        wal = Path(f"{self.database}-wal")
        return {
            "database, bytes": float(self.database.stat().st_size),
            "WAL, bytes": float(wal.stat().st_size if wal.exists() else 0),
        }

    def stop(self) -> dict[str, int]:
        """Asks all to end, in order; their statuses."""
        ended = {}
        for process in self.processes.values():
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for name, process in self.processes.items():
            try:
                ended[name] = process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                ended[name] = process.wait()
        self.processes.clear()
        return ended


def children(process: int) -> list[int]:
    """Of a process, by number."""
    told = Path(f"/proc/{process}/task").glob("*/children")
    return sorted({int(pid) for one in told for pid in one.read_text().split()})


def web_command(folder: Path) -> list[str]:
    """The unit's own command, its paths ours, without the recycling of processes."""
    unit = _unit("trace-web")
    (line,) = (one for one in unit.splitlines() if one.startswith("ExecStart="))
    words = line.removeprefix("ExecStart=").split()
    words[0] = str(Path(sys.executable).parent / "gunicorn")
    words[words.index("wsgi:app")] = "benchmarks._soak_app:app"
    for option in RECYCLING:
        at = words.index(option)
        del words[at : at + 2]
    named = {"${WEB_WORKERS}": str(WEB_WORKERS), "/run/trace": str(folder)}
    for old, new in named.items():
        words = [word.replace(old, new) for word in words]
    doors = ("web.sock", "pages.sock")  # of trace-web.socket
    return [*words, *(word for door in doors for word in ("--bind", f"unix:{folder}/{door}"))]


def niceness() -> str:
    """What the worker's unit says of its turn."""
    (found,) = re.findall(r"^Nice=(\d+)$", _unit("trace-worker@"), re.MULTILINE)
    return str(found)


def _unit(name: str) -> str:
    return (ROOT / f"deploy/systemd/{name}.service").read_text()


def allocator() -> dict[str, str]:
    """What the unit tells malloc."""
    unit = _unit("trace-web")
    return dict(re.findall(r"\b(MALLOC_\w+)=(\S+)", unit))


@contextmanager
def site(database: str, chains: int, *, traced: bool = False, keep: bool = False) -> Iterator[Site]:
    """Builds everything from nothing; takes it down again."""
    folder = Path(tempfile.mkdtemp(prefix="trace-soak-", dir="/tmp"))
    with ExitStack() as stack:
        if not keep:
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = stack.enter_context(running_server()) if database == "postgresql" else None
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
        (folder / "instance").mkdir()
        environment = {
            **kept,
            "PYTHONPATH": str(ROOT),
            "TRACE_ENVIRONMENT": "production",
            "TRACE_INSTANCE": str(folder / "instance"),
            "TRACE_DATABASE_URL": server.create_database("soak")
            if server
            else f"sqlite:///{folder / 'instance' / 'trace.db'}",
            "TRACE_PUBLIC_URL": f"https://{HOST}",
            "TRACE_ID_BASE": f"https://{HOST}",
            "TRACE_PROXIES": "1",
            "TRACE_SECRET_KEY": "kR7-only-for-a-soak-thrown-away-with-its-folder",
            "TRACE_KEY_ENCRYPTION_KEY": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            "TRACE_METRICS_TOKEN": METRICS_TOKEN,
            "SOAK_FOLDER": str(folder),
            **allocator(),
            **({"SOAK_TRACEMALLOC": "1"} if traced else {}),
        }
        made = Site(folder, environment, server)
        stack.callback(made.stop)
        _furnish(made, chains, os.environ.get("SOAK_WORLD", ""))
        made.start_all()
        yield made


def _furnish(made: Site, chains: int, world: str = "") -> None:
    """Tables, the world (or the instance of a run that was kept, on SQLite), tokens, and the pages
    of its lots."""
    if world:
        shutil.copytree(Path(world) / "instance", made.folder / "instance", dirs_exist_ok=True)
    else:
        made.flask("db", "upgrade")
        made.flask("trace", "seed", "--chains", str(chains), "--batch", "100")
    made.demo = json.loads(made.flask("trace", "demo", "--json").stdout)
    holders = made.rows(
        "SELECT code FROM organisations WHERE kind IN ('co-operative', 'processor', 'trader')"
        " ORDER BY id LIMIT 4"
    )
    made.token = tuple(
        (
            code,
            made.flask(
                *("trace", "token", "create", "--organisation", code),
                *("--scope", "capture", "--scope", "query"),
            ).stdout.strip(),
        )
        for (code,) in holders
    )
    identities = (
        parse_identity(identity, f"https://{HOST}")
        for (identity,) in made.rows("SELECT identity FROM things WHERE kind = 'lot' ORDER BY id")
    )
    made.pages = tuple("/t" + one.path for one in identities if one is not None)
