"""A throw-away PostgreSQL server from the system's own programs: one per pytest worker.

It listens on a Unix socket only, keeps nothing (fsync off) and dies with the process that
started it. The server refuses to run as root, so root hands it to the `postgres` user.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

START_SECONDS = 60


class NoPostgresql(RuntimeError):
    """The server's programs are not installed, or it would not start."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server; every database belongs to the role `trace`."""

    socket_folder: Path

    def url(self, database: str) -> str:
        """What `TRACE_DATABASE_URL` takes."""
        return f"postgresql+psycopg://trace@/{database}?host={self.socket_folder}"

    def connect(self, database: str, user: str = "trace") -> psycopg.Connection:
        """A connection of our own in autocommit mode, for cleaning up around tests."""
        return psycopg.connect(
            host=str(self.socket_folder), dbname=database, user=user, autocommit=True
        )

    def create_database(self, name: str) -> str:
        """Makes an empty database and returns its address."""
        with self.connect("postgres", user="postgres") as connection:
            connection.execute(f'CREATE DATABASE "{name}" OWNER trace TEMPLATE template0')
        return self.url(name)


def programs() -> Path:
    """The folder of `initdb` and `postgres`; raises NoPostgresql naming what to install."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    if config := shutil.which("pg_config"):
        answer = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=True)
        found.append(Path(answer.stdout.strip()))
    if server := shutil.which("postgres"):
        found.append(Path(server).parent)
    whole = [folder for folder in found if (folder / "initdb").exists()]
    if not whole:
        raise NoPostgresql(
            "PostgreSQL's server is not installed (Debian: apt-get install postgresql). "
            "To leave it out once: TRACE_TEST_DATABASES=sqlite make test"
        )
    return max(whole, key=_version)


def _version(folder: Path) -> float:
    name = folder.parent.name.removeprefix("pgsql-")
    return float(name) if name.replace(".", "", 1).isdigit() else 0.0


@contextmanager
def running_server(within: str | None = None) -> Iterator[Server]:
    """Starts a server in a new folder, yields it, stops it and removes the folder; `within` a short
    path other than /tmp."""
    binaries = programs()
    # Not pytest's folder: a socket's path may have 107 bytes only.
    folder = Path(tempfile.mkdtemp(prefix="trace-pg-", dir=within or "/tmp"))
    prefix = as_server_user(folder)
    process: subprocess.Popen[bytes] | None = None
    try:
        initialise(prefix, binaries, folder)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *prefix,
                    str(binaries / "postgres"),
                    "-D",
                    str(folder / "data"),
                    *_options(folder),
                ],
                stdout=log,
                stderr=log,
                cwd=folder,
                # Own group: Ctrl-C reaches pytest, which then stops the server in order.
                start_new_session=True,
            )
        server = Server(folder)
        _wait(server, process, folder / "log")
        with server.connect("postgres", user="postgres") as connection:
            connection.execute("CREATE ROLE trace LOGIN")
        yield server
    finally:
        if process is not None:
            process.send_signal(signal.SIGQUIT)  # nothing is worth a checkpoint
            process.wait(timeout=START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def as_server_user(folder: Path) -> list[str]:
    """The words before a command that make it run as a user PostgreSQL accepts."""
    prefix = []
    if setpriv := shutil.which("setpriv"):
        prefix = [setpriv, "--pdeathsig", "QUIT"]
    if os.geteuid() != 0:
        return prefix
    if not prefix:
        raise NoPostgresql("setpriv (package util-linux) is needed to run PostgreSQL as root")
    known = {entry.pw_name for entry in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in known else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return [*prefix, f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]


def initialise(prefix: list[str], binaries: Path, folder: Path) -> None:
    command = [
        *prefix,
        str(binaries / "initdb"),
        *("-D", str(folder / "data"), "-U", "postgres", "-A", "trust"),
        *("-E", "UTF8", "--locale=C.UTF-8", "--no-sync"),
    ]
    answer = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    if answer.returncode:
        raise NoPostgresql(f"initdb failed:\n{answer.stdout}\n{answer.stderr}")


def _options(folder: Path) -> list[str]:
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": str(folder),
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "shared_buffers": "64MB",
        "max_connections": "60",
        "autovacuum": "off",  # tests truncate; a vacuum in between only adds noise
    }
    return [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]


def _wait(server: Server, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            server.connect("postgres", user="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise NoPostgresql(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
