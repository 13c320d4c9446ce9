"""Passports that shoppers look at these days are built anew before the next one asks.

What is stale is built when it is read (services.passports); that reader waits some tens of
milliseconds, and of a popular lot's readers there are many. A worker goes over what has become
stale, and builds what was scanned today or yesterday. The rest waits for its reader: a message of a
certifier can make a hundred thousand passports stale that nobody will ever ask for again.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import exists, select

from trace import clock
from trace.extensions import db
from trace.models import Passport, ScanCount
from trace.models.types import to_millis
from trace.services.passports import passport_of
from trace.services.scans import day_of

WINDOW: Final = 500  # stale passports looked at in a turn
BUDGET: Final = 0.25  # seconds of building in a turn


class Ahead:
    """Goes over what is stale, again and again from the first."""

    def __init__(self) -> None:
        self._after = 0  # the thing that was looked at last

    def turn(self, *, at: datetime) -> int:
        """Builds what is stale and scanned these days, of a window of passports, within the
        budget; how many. Where one cannot be built the next turn goes on behind it."""
        window = (
            select(Passport.thing_id)
            .where(Passport.stale, Passport.thing_id > self._after)
            .order_by(Passport.thing_id)
            .limit(WINDOW)
            .subquery()
        )
        since = day_of(to_millis(at)) - timedelta(days=1)
        scanned = exists().where(ScanCount.thing_id == window.c.thing_id, ScanCount.day >= since)
        with db.engine.connect() as connection:  # building has transactions of its own
            rows = connection.execute(select(window.c.thing_id, scanned)).all()
        end, built = time.monotonic() + BUDGET, 0
        for thing_id, wanted in rows:
            if wanted and built and time.monotonic() > end:
                return built
            self._after = thing_id
            if wanted:
                passport_of(thing_id, at=clock.now())
                built += 1
        if len(rows) < WINDOW:
            self._after = 0
        return built
