"""Large jobs, each in a process of its own that ends with it.

A spreadsheet of thousands of rows, "my data", a sheet of labels: what they need for a moment is a
multiple of what a worker needs, and a process that was large once keeps the holes. So a worker
keeps a fork server (as in Python's multiprocessing): a copy of itself from before it had threads or
connections. Each large job is done by a copy of that one. One that the system kills for its memory
takes no other work along.

Rules.
1. The claim and its lease are the worker's; the copy looks whether they still are before it begins.
2. A copy that dies, or fails where it should say how the job ended, counts as a worker that died;
   one that could not say it because the database was away does not.
3. Signals to stop are the worker's: it waits for the copy, as for any job in hand. A worker that is
   killed takes both with it (Linux; elsewhere a copy ends the job it has, which is still its own).
4. Without a fork server (it was killed) the worker does these jobs itself.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import socket
import struct
from collections.abc import Callable
from typing import Final, Literal, NoReturn

import structlog
from flask import Flask

from trace.extensions import db
from trace.models import Job
from trace.services.outages import is_outage

logger = structlog.get_logger()
Ended = Literal["told", "untold", "died", "gone"]
_OUTAGE: Final = 75  # a copy's status: sysexits.h, "temporary failure"
_ASKED: Final = struct.Struct("!q")  # a job's id
_ANSWERS: Final[dict[bytes, Ended]] = {b"t": "told", b"u": "untold", b"d": "died"}
_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


class ForkServer:
    """`run` is what a copy does with the claimed job, recording how it ended; what it raises is
    that it could not. To be made before the worker's first thread."""

    def __init__(self, app: Flask, worker: str, run: Callable[[Job], None]) -> None:
        self._worker = worker
        with app.app_context():
            db.session.remove()
            for engine in db.engines.values():
                engine.dispose()  # a connection has one owner
        self._door, inner = socket.socketpair()
        parent = os.getpid()
        if os.fork() == 0:
            self._door.close()
            _die_with(parent)
            _serve(inner, app, worker, run)
        inner.close()

    def work(self, job_id: int) -> Ended:
        """Has a claimed job done: "told" when how it ended is recorded, "untold" when the database
        was away for that, "died" when the copy was killed or failed, "gone" when there was nobody
        to ask."""
        try:
            self._door.sendall(_ASKED.pack(job_id))
        except OSError:
            return "gone"
        answer = self._door.recv(1)
        if answer:
            return _ANSWERS[answer]
        return "died"  # both at once

    def close(self) -> None:
        """Ends the server; no job may be in hand."""
        self._door.close()


def _serve(door: socket.socket, app: Flask, worker: str, run: Callable[[Job], None]) -> NoReturn:
    status = 0
    try:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        gc.freeze()  # what is there stays shared with every copy
        parent = os.getpid()
        while asked := door.recv(_ASKED.size, socket.MSG_WAITALL):
            copy = os.fork()
            if copy == 0:
                door.close()
                _die_with(parent)
                _do(app, worker, run, *_ASKED.unpack(asked))
            _, ended = os.waitpid(copy, 0)
            how = os.WEXITSTATUS(ended) if os.WIFEXITED(ended) else -1
            door.sendall({0: b"t", _OUTAGE: b"u"}.get(how, b"d"))
    except BaseException:
        logger.exception("fork-server-failed")
        status = 1
    finally:
        os._exit(status)


def _do(app: Flask, worker: str, run: Callable[[Job], None], job_id: int) -> NoReturn:
    status = 1
    try:
        with app.app_context():
            job = db.session.get(Job, job_id)
            if job is not None and (job.state, job.leased_by) == ("running", worker):
                run(job)
        status = 0
    except BaseException as error:
        if is_outage(error):
            logger.warning("database-unavailable")
            status = _OUTAGE
        else:
            logger.exception("worker-failed")
    finally:
        os._exit(status)


def _die_with(parent: int) -> None:
    """Asks the system (Linux) to kill this process when its parent ends."""
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    except (AttributeError, OSError, TypeError):
        return
    if parent != os.getppid():  # it ended before it was asked
        os._exit(1)
