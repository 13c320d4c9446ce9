"""A PostgreSQL server that may be killed: it keeps what it acknowledged, as in production."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import psycopg

from tests.support.postgresql import Server, as_server_user, initialise, programs

SECONDS: Final = 60


class Postgresql:
    """`with Postgresql() as server`; `loose` lets it acknowledge before the commit is on the disk,
    `slow` makes each commit wait.

    fsync is on: what a commit waits for in production is waited for here.
    """

    def __init__(self, *, loose: bool = False, slow: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="trace-crash-", dir="/tmp"))
        self._server = Server(self.folder)
        self._prefix = as_server_user(self.folder)
        self._programs = programs()
        self._loose, self._slow = loose, slow
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return self._server.url("trace")

    def __enter__(self) -> Self:
        initialise(self._prefix, self._programs, self.folder)
        self.start()
        with self._server.connect("postgres", user="postgres") as connection:
            connection.execute("CREATE ROLE trace LOGIN")
        self._server.create_database("trace")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop_at_once()
        shutil.rmtree(self.folder, ignore_errors=True)

    def start(self) -> None:
        """Starts it where it is not running; ready when it answers."""
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "shared_buffers": "64MB",
            "max_connections": "40",
            "synchronous_commit": "off" if self._loose else "on",
            # The longest there is: what is not waited for is really not there.
            "wal_writer_delay": "10s" if self._loose else "200ms",
            # What a slow disk does to a commit: a tenth of a second before it is flushed.
            "commit_delay": "100000" if self._slow else "0",
            "commit_siblings": "0",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *self._prefix,
                    *(str(self._programs / "postgres"), "-D", str(self.folder / "data")),
                    *options,
                ],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )
        self.wait()

    def stop_at_once(self) -> None:
        """Immediate shutdown: nothing is written any more, nobody is told."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(timeout=SECONDS)
            self._process = None

    def stop(self) -> None:
        """Fast shutdown: in order, but everybody is sent away."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=SECONDS)
            self._process = None

    def kill_a_backend(self) -> None:
        """SIGKILL to a backend that works for the application; the server then resets itself."""
        try:
            with self._server.connect("postgres", user="postgres") as connection:
                row = connection.execute(
                    "SELECT pid FROM pg_stat_activity WHERE usename = 'trace' LIMIT 1"
                ).fetchone()
        except psycopg.OperationalError:
            return
        if row is not None:
            os.kill(row[0], signal.SIGKILL)

    def finish(self) -> None:
        """Until what a killed process had sent is done: its backend goes on with the commit it is
        at, and ends when it finds nobody to answer. A machine that starts again takes longer."""
        count = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'trace'"
        with self._server.connect("postgres", user="postgres") as connection:
            end = time.monotonic() + SECONDS
            while time.monotonic() < end:
                ((left,),) = connection.execute(count).fetchall()
                if not left:
                    return
                time.sleep(0.01)
        raise RuntimeError(f"{left} connections of a process that was killed are still there")

    def wait(self) -> None:
        """Until it answers."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            try:
                self._server.connect("postgres", user="postgres").close()
            except psycopg.OperationalError:
                time.sleep(0.02)
            else:
                return
        log = (self.folder / "log").read_text(errors="replace")
        raise RuntimeError(f"PostgreSQL did not start:\n{log[-3000:]}")
