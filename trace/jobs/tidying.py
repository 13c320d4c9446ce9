"""What a worker does at its start and every hour: takedowns are obeyed, what is over is forgotten.

A backup restored at the same size of the log needs no refill, so nobody would think of takedowns:
the journal outside the database is compared whenever a worker starts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy.exc import OperationalError

from trace.errors import TraceError
from trace.extensions import db
from trace.services import requests, takedowns
from trace.services.after_commit import after_commit

logger = structlog.get_logger()
EVERY: Final = timedelta(hours=1)


class Tidying:
    """Remembers when it is due; `run` is cheap in between."""

    def __init__(self) -> None:
        self._due: datetime | None = None

    def run(self, *, at: datetime) -> None:
        """Does it when it is due, in a transaction of its own; a failure waits an hour."""
        if self._due is not None and at < self._due:
            return
        self._due = at + EVERY
        try:
            tidy(at=at)
        except (OperationalError, TraceError) as error:
            db.session.rollback()
            logger.warning("cannot-tidy", error=type(error).__name__)


def tidy(*, at: datetime) -> tuple[int, int, int]:
    """(takedowns done again, closed requests forgotten, photos deleted); commits."""
    again = takedowns.replay(at=at)
    forgotten = requests.forget_closed(at=at)
    photos = takedowns.forget_photos(at=at)
    told = {"takedowns": again, "requests": forgotten, "photos": photos}
    if any(told.values()):
        after_commit(lambda: logger.info("tidied", **told))
    db.session.commit()
    return again, forgotten, photos
