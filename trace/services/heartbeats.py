"""Signs of life of workers: a file each in the instance folder, touched while the log is published,
and one moment in the database for all of them (models.Pulse).

A worker that ends in order takes its file away; what a killed one left is dropped after a day.
Where several machines have instance folders of their own, each sees its own workers' files, and in
the database whether there is any worker at all.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from trace.extensions import db
from trace.models.pulses import BEAT, Pulse
from trace.services.replicas import AHEAD
from trace.services.sets import is_sqlite

EVERY: Final = timedelta(seconds=5)
# Longer than any pause a healthy worker makes: ten seconds after a refusal to publish.
ALIVE: Final = timedelta(seconds=60)
FORGOTTEN: Final = timedelta(days=1)


class Heart:
    """One worker's; `beat` costs a comparison when it is not due."""

    def __init__(self, instance: Path, worker: str) -> None:
        self._path = _folder(instance) / worker
        self._last: datetime | None = None

    def beat(self, *, at: datetime) -> None:
        """Leaves a sign; a disk or a database that takes none stops no work. Commits by itself, on
        a connection of its own: never while the caller has written something."""
        if self._last is not None and timedelta() <= at - self._last < EVERY:
            return
        self._last = at
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            os.utime(self._path, (at.timestamp(), at.timestamp()))
            for other in self._path.parent.iterdir():
                if other.stat().st_mtime < (at - FORGOTTEN).timestamp():
                    other.unlink()
        with suppress(SQLAlchemyError):
            _leave(at)

    def stop(self) -> None:
        """The worker ends in order."""
        with suppress(OSError):
            self._path.unlink()


def signs(instance: Path) -> dict[str, datetime]:
    """Workers by name, with the moment of their last sign."""
    found = {}
    with suppress(FileNotFoundError):
        for path in _folder(instance).iterdir():
            with suppress(FileNotFoundError):  # ends in this very moment
                found[path.name] = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return found


def alive(instance: Path, *, now: datetime) -> int:
    """How many workers gave a sign within the last minute."""
    return sum(now - moment <= ALIVE for moment in signs(instance).values())


def _leave(at: datetime) -> None:
    """One for all, as old as EVERY at most; one from the future is replaced."""
    insert = sqlite.insert if is_sqlite() else postgresql.insert
    wanted = insert(Pulse).values(id=BEAT, at=at, count=1)
    with db.engine.begin() as connection:
        connection.execute(
            wanted.on_conflict_do_update(
                index_elements=[Pulse.id],
                set_={"at": wanted.excluded.at},
                where=or_(Pulse.at <= at - EVERY, Pulse.at > at + AHEAD),
            )
        )


def last_sign() -> datetime | None:
    """When any worker, on whatever machine, left its sign in the database; None: never."""
    found: datetime | None = db.session.scalar(select(Pulse.at).where(Pulse.id == BEAT))
    return found


def _folder(instance: Path) -> Path:
    return instance / "workers"
