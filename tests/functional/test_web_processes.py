"""Two addresses of one web server have processes of their own, also after one of them died."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks._soak_people import Unix, door

ROOT = Path(__file__).resolve().parents[2]
# The product's own settings of gunicorn around an application that says which process answers, and
# how soon its threads give the interpreter up.
SERVED = """
import os, sys
sys.setswitchinterval(0.0005)
def app(environ, start):
    start("200 OK", [("Content-Length", "15")])
    return [b"%07d %.5f" % (os.getpid(), sys.getswitchinterval())]
"""
SETTINGS = """
import runpy
made = runpy.run_path({path!r})
pre_fork = made["pre_fork"]
post_worker_init = made["take_turns"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "served.py").write_text(SERVED)
    path = str(ROOT / "deploy/gunicorn.conf.py")
    (tmp_path / "settings.py").write_text(SETTINGS.format(path=path))
    return tmp_path


def said_at(path: Path) -> list[bytes]:
    connection = Unix(str(path))
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().split()
    except OSError:
        return [b"0", b""]
    finally:
        connection.close()


def answering(path: Path) -> set[int]:
    return {int(said_at(path)[0]) for _ in range(40)} - {0}


def until(path: Path, count: int, without: int = 0) -> set[int]:
    """The processes behind an address, as soon as there are so many."""
    end = time.monotonic() + 30
    while len(found := answering(path)) != count or without in found:
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def test_each_door_has_half_of_the_processes_and_gets_a_new_one_for_one_that_died(
    folder: Path,
) -> None:
    desk, pages = folder / "web.sock", folder / "pages.sock"
    command = [
        *(sys.executable, "-m", "gunicorn", "-c", "settings.py", "served:app"),
        *("--bind", f"unix:{desk}", "--bind", f"unix:{pages}", "--workers", "4"),
        *("--worker-class", "gthread", "--threads", "2", "--no-control-socket"),
    ]
    environment = {**os.environ, "TRACE_INSTANCE": str(folder), "PYTHONPATH": str(ROOT)}
    environment.pop("PROMETHEUS_MULTIPROC_DIR", None)
    process = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
    try:
        first, second = until(desk, 2), until(pages, 2)
        assert not first & second
        assert {said_at(desk)[1] for _ in range(20)} == {b"0.00050"}
        assert {said_at(pages)[1] for _ in range(20)} == {b"0.00500"}
        died = min(second)
        os.kill(died, signal.SIGKILL)
        assert until(pages, 2, without=died) > second - {died}
        assert until(desk, 2) == first
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize(
    ("path", "own"),
    [
        ("/t/b/7104GM2RCZ", True),
        ("/b/7104GM2RCZ", True),
        ("/01/09521234543213/10/A", True),
        ("/8006/095212345432130101", True),
        ("/log/tile/0/000", True),
        ("/producer/today", False),
        ("/api/v1/batches", False),
        ("/epcis/v2/events", False),
        ("/b", False),
        ("/report/x", False),
    ],
)
def test_the_proxy_sends_what_people_scan_to_the_second(path: str, own: bool) -> None:
    assert (door("/run/trace/web.sock", path) == "/run/trace/pages.sock") is own
