"""A child that works and is killed: what it acknowledged, and what it was doing."""

from __future__ import annotations

import gc
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from tests.crash.acts import ACTS, Ack
from tests.crash.marks import STARTING, TOLD, Marks, Watch
from tests.crash.world import World
from tests.support.databases import release
from trace.extensions import db

PATIENCE: Final = 60.0  # seconds until a child that says nothing is a failure
READY: Final = b"ready\n"


@dataclass(slots=True)
class Killed:
    """One kill: the kind of work, when, at which mark, and what had been acknowledged by then."""

    kind: str
    after: float  # seconds of work
    mark: str
    acks: list[Ack] = field(default_factory=list)


class Died(RuntimeError):
    """The child ended by itself: the work, not the kill, went wrong."""


def kill(
    world: World, kind: str, after: float, marks: Marks, disturb: Callable[[], None] | None = None
) -> Killed:
    """Lets a child do `kind` again and again, and kills it `after` seconds of it, the first not
    counted. `disturb` is done to its database a moment before; the child has to bear it."""
    release(world.app)  # a fork must not share connections
    marks.set(STARTING)
    heard, speak = os.pipe()
    gc.freeze()
    child = os.fork()
    if child == 0:
        os.close(heard)
        _work(world, kind, marks, speak, bearing=disturb is not None)
    os.close(speak)
    try:
        said = _wait_for_first(heard)
        time.sleep(after)
        if disturb is not None:
            disturb()
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        said += _rest(heard)
    finally:
        os.close(heard)
    acks = [orjson.loads(line) for line in said.replace(READY, b"").splitlines()]
    if not os.WIFSIGNALED(status) or (acks and "error" in acks[-1]):
        raise Died(f"{kind}: {acks[-1] if acks else status}")
    return Killed(kind, after, marks.get(), acks)


def _work(world: World, kind: str, marks: Marks, speak: int, *, bearing: bool) -> None:
    try:
        vars(sys)["stderr"] = Path(os.devnull).open("w")  # noqa: SIM115 (until it is killed)
        with world.app.app_context():
            Watch(marks, db.engine)

            def tell(ack: Ack) -> None:
                os.write(speak, orjson.dumps(ack) + b"\n")
                marks.set(TOLD)

            # The first act of a process takes several times as long: kills would meet only that.
            ACTS[kind](world, tell)
            db.session.remove()
            os.write(speak, READY)
            while True:
                try:
                    ACTS[kind](world, tell)
                except Exception:
                    if not bearing:
                        raise
                    time.sleep(0.002)
                finally:
                    db.session.remove()
    except BaseException as error:
        os.write(speak, orjson.dumps({"error": repr(error)[:3000]}) + b"\n")
    finally:
        os._exit(1)


def _wait_for_first(heard: int) -> bytes:
    said = b""
    end = time.monotonic() + PATIENCE
    while READY not in said:
        ready, _, _ = select.select([heard], [], [], max(0.0, end - time.monotonic()))
        part = os.read(heard, 65536) if ready else b""
        if not part:
            raise Died("the child did not begin")
        said += part
    return said


def _rest(heard: int) -> bytes:
    parts: list[bytes] = []
    while part := os.read(heard, 65536):
        parts.append(part)
    return b"".join(parts)


def seconds_of(world: World, kind: str, tell: Callable[[Any], None]) -> float:
    """How long one act takes, done twice in this process."""
    took = []
    with world.app.app_context():
        for _ in range(2):
            begin = time.monotonic()
            ACTS[kind](world, tell)
            took.append(time.monotonic() - begin)
            db.session.remove()
    return min(took)
