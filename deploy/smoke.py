"""A smoke run: clone this project into a new folder, `make run` there, use it once, stop it.

Opens a printed address of the demo chain as a phone would (following the redirect), captures one
EPCIS document with the demo's token, restores a backup at another place, and asks that the stop
leaves nothing running.
"""

from __future__ import annotations

import contextlib
import html
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 600
STOP_SECONDS = 90


class Failed(SystemExit):
    """The smoke run failed; the message says where."""


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="trace-smoke-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(
            ["git", "clone", "--quiet", "--no-hardlinks", str(ROOT), str(clone)], check=True
        )
        environment = _environment(Path(folder))
        site = f"http://127.0.0.1:{environment['PORT']}"
        began = time.monotonic()
        with _running(clone, environment, Path(folder) / "log") as process:
            _wait_for_page(site, process)
            say(f"From clean clone to first page: {time.monotonic() - began:.0f} s")
            demo = _demo(clone, environment)
            _open_printed_addresses(site, demo)
            _capture(site, demo["token"])
            _worker_comes_back(process.pid)
            _restored_elsewhere(clone, environment, Path(folder), demo["token"], site)
            _capture(site, demo["token"])
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", int(environment["PORT"])), 1).close()
            raise Failed("something still listens after the stop")
    say("Smoke run: ok")


def _environment(folder: Path) -> dict[str, str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRACE_")}
    # make hands its own options to what it starts; this run must not inherit them.
    for name in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "VIRTUAL_ENV", "PYTHONPATH"):
        kept.pop(name, None)
    return {
        **kept,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "TRACE_INSTANCE": str(folder / "instance"),
    }


@contextlib.contextmanager
def _running(
    clone: Path, environment: dict[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as output:
        process = subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield process
        process.send_signal(signal.SIGTERM)
        process.wait(STOP_SECONDS)
        _group_is_gone(process.pid)
    except BaseException:
        say("make run said last:\n" + "\n".join(log.read_text().splitlines()[-40:]))
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _group_is_gone(group: int) -> None:
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise Failed(f"{STOP_SECONDS} s after the stop something of make run is still there")


def _get(address: str) -> http.client.HTTPResponse:
    request = urllib.request.Request(address, headers={"Accept": "text/html"})
    answer: http.client.HTTPResponse = urllib.request.urlopen(request, timeout=30)
    return answer


def _wait_for_page(site: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if process.poll() is not None:
            raise Failed("make run ended before the first page")
        with contextlib.suppress(OSError), _get(site + "/") as answer:
            if answer.status == 200:
                return
        time.sleep(0.5)
    raise Failed(f"no first page after {START_SECONDS} s")


def _demo(clone: Path, environment: dict[str, str]) -> dict[str, Any]:
    demo: dict[str, Any] = json.loads(_flask(clone, environment, "trace", "demo", "--json"))
    return demo


def _open_printed_addresses(site: str, demo: dict[str, Any]) -> None:
    """Every printed address leads to a page that names its product."""
    if not demo["addresses"]:
        raise Failed("the demo has no printed addresses")
    for printed in demo["addresses"]:
        # The printed host is the product's own; here the same path is asked of this machine.
        parts = urlsplit(printed["address"])
        with _get(urljoin(site, parts.path)) as answer:
            page = answer.read().decode()
            if urlsplit(answer.url).path == parts.path:
                raise Failed(f"{parts.path} did not redirect to its history page")
        if printed["product"] not in html.unescape(page):
            raise Failed(f"{answer.url} does not name {printed['product']!r}")
    say(f"Printed addresses opened: {len(demo['addresses'])}")


def _capture(site: str, token: str) -> None:
    """Captures one ObjectEvent and waits until its job says that it was taken."""
    happened = datetime.now(UTC) - timedelta(minutes=5)
    document = {
        "@context": ["https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": happened.isoformat(timespec="milliseconds"),
        "epcisBody": {
            "eventList": [
                {
                    "type": "ObjectEvent",
                    "eventID": f"urn:uuid:{uuid.uuid4()}",
                    "action": "OBSERVE",
                    "bizStep": "inspecting",
                    "eventTime": happened.isoformat(timespec="milliseconds"),
                    "eventTimeZoneOffset": "+07:00",
                    "epcList": ["https://id.gs1.org/00/095201234567891235"],
                }
            ]
        },
    }
    request = urllib.request.Request(
        site + "/epcis/v2/capture",
        data=json.dumps(document).encode(),
        headers={"Content-Type": "application/ld+json", "Authorization": f"Bearer {token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, job = answer.status, urljoin(site, answer.headers["Location"])
    except urllib.error.HTTPError as refused:
        raise Failed(f"capture answered {refused.code}: {refused.read()!r}") from refused
    if status != 202:
        raise Failed(f"capture answered {status}, not 202")
    _wait_for_job(job, token)
    say("EPCIS document captured")


def _restored_elsewhere(
    clone: Path, environment: dict[str, str], folder: Path, token: str, site: str
) -> None:
    """A backup taken while the product runs, put back into an empty place beside it: refused any
    recording until its log was refilled from a copy, then found to be what was signed."""
    began = time.monotonic()
    own = {"TRACE_BACKUP_PASSPHRASE": "only for a smoke run"}
    backup, keys, copy = (str(folder / name) for name in ("backup", "keys.json", "copy"))
    _flask(clone, environment | own, "trace", "backup", backup, "--keys", keys)
    _capture(site, token)  # not in the backup
    _flask(clone, environment, "trace", "log", "publish")
    _flask(clone, environment, "trace", "log", "export", copy)
    there = environment | own | {"TRACE_INSTANCE": str(folder / "restored")}
    secrets = folder / "secrets.env"
    restore = ("trace", "restore", backup, "--keys", keys, "--secrets", str(secrets))
    _flask(clone, there, *restore)
    there |= dict(line.split("=", 1) for line in secrets.read_text().splitlines())
    _flask(clone, there, "db", "upgrade")
    told = _flask(clone, there, "trace", "doctor", may_fail=True)
    if "a backup was restored" not in told.lower():
        raise Failed(f"the doctor does not see that a backup was restored:\n{told}")
    if ", 0 differences" not in _flask(clone, there, "trace", "audit", "--workers", "2"):
        raise Failed("what was restored is not what was signed")
    if " entries taken back" not in _flask(clone, there, "trace", "log", "refill", copy):
        raise Failed("nothing was refilled")
    again = str(folder / "again")
    _flask(clone, there, "trace", "log", "export", again)
    if "whole: " not in _flask(clone, there, "trace", "log", "check", again):
        raise Failed("the log is not whole after the refill")
    say(f"Backup restored, refilled and audited: {time.monotonic() - began:.0f} s")


def _flask(clone: Path, environment: dict[str, str], *words: str, may_fail: bool = False) -> str:
    answer = subprocess.run(
        [".venv/bin/flask", "--app", "wsgi", *words],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode and not may_fail:
        raise Failed(f"{' '.join(words)} failed:\n{answer.stdout}{answer.stderr}")
    return answer.stdout


def _workers(group: int) -> set[int]:
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            words = (folder / "cmdline").read_text().split("\0")
            if "worker" in words and os.getpgid(int(folder.name)) == group:
                found.add(int(folder.name))
    return found


def _worker_comes_back(group: int) -> None:
    """A worker that is killed is started again."""
    before = _workers(group)
    if not before:
        raise Failed("no worker is running")
    for worker in before:
        os.kill(worker, signal.SIGKILL)
    end = time.monotonic() + STOP_SECONDS
    while time.monotonic() < end:
        if _workers(group) - before:
            say("A killed worker was started again")
            return
        time.sleep(0.1)
    raise Failed("the worker was not started again")


def _wait_for_job(address: str, token: str) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with urllib.request.urlopen(
            urllib.request.Request(address, headers=headers), timeout=30
        ) as answer:
            job = json.load(answer)
        if not job["running"]:
            if not job["success"]:
                raise Failed(f"the capture job failed: {job}")
            return
        time.sleep(0.2)
    raise Failed("the capture job did not end within a minute")


if __name__ == "__main__":
    main()
