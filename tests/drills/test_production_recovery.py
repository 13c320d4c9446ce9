"""Point-in-time recovery on PostgreSQL, as docs/how-to/back-up-and-restore.md tells it.

A base backup and an archive of the write-ahead log, the data folder lost, recovery to a moment;
then the fork guard refuses every capture until the log was refilled."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from flask import Flask

from tests.support.databases import migrate, release
from tests.support.factories import make_actor, new_lot, registered
from tests.support.postgresql import Server, programs
from trace import clock
from trace.app import create_app
from trace.config import Settings
from trace.extensions import db
from trace.jobs import worker
from trace.services import keys, platform
from trace.services.capture import capture
from trace.services.log import current_state
from trace.services.log_file import LogForked

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        os.geteuid() == 0 and shutil.which("setpriv") is None, reason="needs setpriv (util-linux)"
    ),
]
SECONDS = 120


class Archiving:
    """A PostgreSQL of ours whose write-ahead log is archived."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data, self.archive = folder, folder / "data", folder / "archive"
        self.base = folder / "base"
        self._prefix: list[str] = []
        self._process: subprocess.Popen[bytes] | None = None
        self.archive.mkdir()
        if os.geteuid() == 0:
            user = pwd.getpwnam("postgres")
            for path in (folder, self.archive):
                os.chown(path, user.pw_uid, user.pw_gid)
            ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
            self._prefix = [shutil.which("setpriv") or "", *ids]
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "-E", "UTF8")

    def run(self, program: str, *arguments: str) -> None:
        """One of PostgreSQL's own programs, to its end."""
        answer = subprocess.run(
            [*self._prefix, str(programs() / program), *arguments],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr

    def start(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.folder),
            "wal_level": "replica",
            "archive_mode": "on",
            "archive_command": f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f",
            "fsync": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._prefix, str(programs() / "postgres"), "-D", str(self.data), *options],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._until("SELECT NOT pg_is_in_recovery()")

    def _until(self, question: str) -> None:
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            with suppress(psycopg.OperationalError):
                if self.ask(question):
                    return
            time.sleep(0.1)
        raise AssertionError((self.folder / "log").read_text()[-4000:])

    def ask(self, question: str) -> object:
        with Server(self.folder).connect("postgres", user="postgres") as connection:
            row = connection.execute(question.encode()).fetchone()
        return row[0] if row else None

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(SECONDS)
            self._process = None

    def recover(self, moment: str) -> None:
        """The base backup in the place of the lost data, brought forward to the moment."""
        self.base.rename(self.data)
        told = (
            f"restore_command = 'cp {self.archive}/%f %p'\n"
            f"recovery_target_time = '{moment}'\n"
            "recovery_target_action = 'promote'\n"
        )
        with (self.data / "postgresql.auto.conf").open("a") as file:
            file.write(told)
        (self.data / "recovery.signal").touch()
        # What is written from here on is another history: its files must not meet the old ones.
        self.start()


@pytest.fixture
def machine() -> Iterator[Archiving]:
    folder = Path(tempfile.mkdtemp(prefix="trace-pitr-", dir="/tmp"))
    made = Archiving(folder)
    try:
        yield made
    finally:
        made.stop(signal.SIGQUIT)
        shutil.rmtree(folder, ignore_errors=True)


def record(app: Flask) -> int:
    """One lot more, published; the log's size."""
    keys.forget_opened()
    with app.app_context():
        at = clock.now()
        capture(make_actor(at), [registered(new_lot())], at=at)
        db.session.commit()
        worker.publish("drill")
        return current_state().size


def run(app: Flask, *words: str, status: int = 0) -> str:
    keys.forget_opened()
    answer = app.test_cli_runner().invoke(args=["trace", *words])
    assert answer.exit_code == status, answer.output
    return answer.output


def test_a_database_recovered_to_a_moment_takes_nothing_in_until_its_log_was_refilled(
    machine: Archiving, tmp_path: Path
) -> None:
    machine.start()
    machine.ask("SELECT 1")
    with Server(machine.folder).connect("postgres", user="postgres") as connection:
        connection.execute("CREATE ROLE trace LOGIN")
    url = Server(machine.folder).create_database("trace")
    app = create_app(
        Settings.from_env(
            {
                "TRACE_INSTANCE": str(tmp_path / "instance"),
                "TRACE_DATABASE_URL": url,
                "TRACE_ID_BASE": "https://trace.example",
                "TRACE_PUBLIC_URL": "https://trace.example",
            }
        )
    )
    migrate(app)
    with app.app_context():
        platform.initialise(at=datetime.now(UTC))
        db.session.commit()
    before = record(app)
    machine.run(
        "pg_basebackup",
        *("-h", str(machine.folder), "-U", "postgres", "-D", str(machine.base)),
        *("--wal-method=none", "--checkpoint=fast", "--no-sync"),
    )
    kept = record(app)  # after the base backup, before the moment
    moment = str(machine.ask("SELECT clock_timestamp()::text"))
    lost = record(app)
    assert before < kept < lost
    mirror = tmp_path / "mirror"
    run(app, "log", "export", str(mirror))
    machine.ask("SELECT pg_switch_wal()")
    machine._until("SELECT count(*) = 0 FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'")
    release(app)
    machine.stop(signal.SIGQUIT)
    shutil.rmtree(machine.data)

    machine.recover(moment)
    with app.app_context():
        assert current_state().size == kept
    with pytest.raises(LogForked, match=f"published \\(size {lost}\\)") as refused:
        record(app)
    assert refused.value.status == 503
    assert "refill" in refused.value.next_step
    client = app.test_client()
    assert client.get("/readyz").json["checks"]["log"] == "failed"  # type: ignore[index]
    assert client.get("/log/checkpoint").status_code == 200  # reading goes on
    assert "holds only" in run(app, "doctor", status=1)
    assert "log-forked" in run(app, "log", "resume", status=1)
    assert ", 0 differences" in run(app, "audit", "--workers", "1")  # what is there is whole

    told = run(app, "log", "refill", str(mirror))
    assert f"{lost - kept} entries taken back, the log has {lost}" in told
    assert told.count("lost: the contents of statement") >= 1
    assert client.get("/readyz").json["checks"]["log"] == "ok"  # type: ignore[index]
    assert record(app) > lost
    # What was lost stays lost, and is told each time; nothing else differs.
    found = [
        one for one in run(app, "audit", "--workers", "1", status=1).splitlines() if "got" in one
    ]
    assert len(found) == lost - kept  # an event, and the key that signed it
    assert all(one.endswith("got none") for one in found)
    run(app, "log", "export", str(mirror))
    assert "whole: " in run(app, "log", "check", str(mirror), "--workers", "1")
    release(app)
