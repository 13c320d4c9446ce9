"""gunicorn's own settings where several processes share one /metrics:
`gunicorn -c deploy/gunicorn.conf.py wsgi:app …`. Everything else stays on the command line.

The folder of figures is made anew at each start of the server; reloading keeps it.

On a reload (SIGHUP) gunicorn tells the old processes to end as soon as it has made new ones, which
then still have to load the application: for these seconds nobody would take a connection up. Here
an old process goes on until as many new ones are ready as there are processes.

Given two addresses to listen on, the server has two doors with processes of their own: the first
for everything, the second for public pages. A form, a query or a capture holds Python's lock for
tens of milliseconds, and a shopper's page of two would wait for it in the same process. Which paths
go to which door is the proxy's to say (deploy/nginx/trace.conf).
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

FOLDER = Path(
    os.environ.setdefault(
        "PROMETHEUS_MULTIPROC_DIR",
        str(Path(os.environ.get("TRACE_INSTANCE", "instance")).absolute() / "metrics"),
    )
)
# Seconds, Python's own. Where a process does everything, wsgi.py asks for less, so that a page may
# pass what computes; where there are pages only, of two milliseconds each, threads that take the
# interpreter from one another in the middle of each cost more than they save: measured, an eighth
# of the processor's time a page.
AMONG_PAGES = 0.005
BEHIND_PAGES = 5  # nice(1): a third of a page's share where both want the same processor
# Seconds that an old process waits for new ones: a busy machine takes half a minute to load them.
PATIENCE = 120


def on_starting(server: Any) -> None:
    """Once, before any worker: what an earlier run left would be counted again."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True, mode=0o700, exist_ok=True)  # a folder mounted there stays


def post_fork(server: Any, worker: Any) -> None:
    """Where a processor is short, a page of two milliseconds comes before what takes longer."""
    if worker.sockets == server.LISTENERS[:1] != server.LISTENERS:
        with contextlib.suppress(OSError):  # a sandbox may forbid it; it decides no more than turns
            os.nice(BEHIND_PAGES)


def on_reload(server: Any) -> None:
    """Processes made from now on are of the next generation."""
    newest = _generation() + 1
    (FOLDER / "generation").write_text(str(newest))
    _ready(newest - 2).unlink(missing_ok=True)


def pre_fork(server: Any, worker: Any) -> None:
    """A process knows its generation, and serves the door that has fewest processes of it."""
    worker.generation = _generation()
    worker.pages_only = False
    doors = server.LISTENERS
    if 1 < len(doors) <= worker.cfg.workers:
        others = [one for one in server.WORKERS.values() if one.generation == worker.generation]
        worker.sockets = [min(doors, key=lambda door: sum(door in one.sockets for one in others))]
        worker.pages_only = worker.sockets == doors[1:]


def post_worker_init(worker: Any) -> None:
    """The application is loaded: says so to the generation before, and will wait for the next one
    in its turn."""
    from trace.allocator import trim_always
    from trace.web.scan.warming import warm_always

    take_turns(worker)
    trim_always()
    warm_always(worker.wsgi)
    with _ready(worker.generation).open("ab") as ready:
        ready.write(b".")  # appended by all: its length is how many are ready
    end = signal.getsignal(signal.SIGTERM)
    state = {"waits": False, "ends": False}

    def asked(number: int, frame: Any) -> None:
        # gunicorn asks again and again; what it forces it forces by SIGKILL.
        if callable(end) and (state["ends"] or _generation() == worker.generation):
            end(number, frame)
        elif not state["waits"]:
            state["waits"] = True
            threading.Thread(target=wait, daemon=True).start()

    def wait() -> None:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and _count(_generation()) < worker.cfg.workers:
            time.sleep(0.1)
        state["ends"] = True
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, asked)
    signal.siginterrupt(signal.SIGTERM, False)  # requests under way are not disturbed


def take_turns(worker: Any) -> None:
    """How soon a thread gives the interpreter up, by what the others beside it do."""
    if worker.pages_only:
        sys.setswitchinterval(AMONG_PAGES)


def _generation() -> int:
    try:
        return int((FOLDER / "generation").read_text())
    except (OSError, ValueError):
        return 0


def _ready(generation: int) -> Path:
    return FOLDER / f"ready-{generation}"


def _count(generation: int) -> int:
    try:
        return _ready(generation).stat().st_size
    except OSError:
        return 0


def child_exit(server: Any, worker: Any) -> None:
    """A worker is gone: what it counted stays in the sums."""
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # its own
