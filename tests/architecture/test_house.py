"""The rules tests live by: no network, clean databases, a clock that stands still."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
import pytest_socket
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from tests.conftest import FIXED_NOW
from trace import clock
from trace.models.audit import Audit

ROOT = Path(__file__).parents[2]


def test_nothing_but_this_machine_can_be_reached() -> None:
    blocked = (pytest_socket.SocketConnectBlockedError, UserWarning)  # warnings are errors here
    with pytest.raises(blocked, match=r"192\.0\.2\.1"):
        # An address reserved for documentation: nobody is there even if the block fails.
        socket.create_connection(("192.0.2.1", 80), timeout=0.2)


def test_the_clock_stands_still_where_a_test_asks_for_it(now: datetime) -> None:
    first = clock.now()
    time.sleep(0.002)
    assert clock.now() == first == now == FIXED_NOW


@pytest.mark.parametrize("round_", [1, 2])
def test_a_test_never_sees_what_another_left_behind(db_session: Session, round_: int) -> None:
    assert db_session.execute(text("SELECT count(*) FROM audit")).scalar_one() == 0
    db_session.add(Audit(at=clock.now(), action="left-behind", subject="a test"))
    db_session.commit()


def test_guards_against_rewriting_stay_on_during_tests(db_session: Session) -> None:
    db_session.add(Audit(at=clock.now(), action="made", subject="a test"))
    db_session.commit()
    for change in ("UPDATE audit SET action = 'other'", "DELETE FROM audit"):
        with pytest.raises(DBAPIError):
            db_session.execute(text(change))
        db_session.rollback()
    assert db_session.execute(text("SELECT action FROM audit")).scalars().all() == ["made"]


@pytest.mark.skipif(not Path("/proc").exists(), reason="reads the process table of Linux")
def test_a_killed_test_run_leaves_no_server_behind() -> None:
    program = (
        "import os, signal\n"
        "from tests.support.postgresql import running_server\n"
        "with running_server() as server:\n"
        "    print(server.socket_folder, flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    folder = answer.stdout.strip()
    assert folder.startswith("/tmp/trace-pg-"), answer.stderr
    end = time.monotonic() + 20
    while _runs_in(folder) and time.monotonic() < end:
        time.sleep(0.05)
    assert not _runs_in(folder)
    subprocess.run(["rm", "-rf", folder], check=True)


def _runs_in(folder: str) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if folder in (process / "cmdline").read_text():
                return True
        except OSError:  # it ended meanwhile
            continue
    return False
