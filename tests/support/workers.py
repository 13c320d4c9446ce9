"""A worker in a process of its own."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from flask import Flask

from tests.support.databases import release
from trace.jobs import worker


@contextmanager
def working(app: Flask) -> Iterator[int]:
    """Its number; asked to end at the end, and waited for. What `app` had connected is released."""
    release(app)  # a fork must not share connections
    child = os.fork()
    if child == 0:
        _work(app)
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGTERM)
        with suppress(ChildProcessError):  # a test has waited for it
            os.waitpid(child, 0)


def ended_in_order(child: int) -> bool:
    """Whether a worker ends well when it is asked to."""
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def _work(app: Flask) -> None:
    """In this process, which ends with it."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        with app.app_context():
            worker.work()
        os._exit(0)
    finally:
        os._exit(1)
