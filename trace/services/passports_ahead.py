"""Passports that shoppers look at these days are built anew before the next one asks.

What is stale is built when it is read (services.passports); that reader waits some tens of
milliseconds, and of a popular lot's readers there are many. A worker goes over what has become
stale, and builds first what was scanned today or yesterday. Of the rest it builds a few in each
turn: a message of a certifier can make a hundred thousand passports stale that nobody will ever ask
for again, and must not keep a processor busy for half an hour.
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
from trace.services.outages import is_outage
from trace.services.passports import passport_of
from trace.services.scans import day_of

WINDOW: Final = 500  # stale passports looked at in a turn
BUDGET: Final = 0.25  # seconds of building in a turn
SPARE: Final = 0.04  # of them, at most, for what was not scanned lately


class Ahead:
    """Goes over what is stale, again and again from the first."""

    def __init__(self) -> None:
        self._after = 0  # the thing that was looked at last
        self._failed: set[int] = set()  # left to their readers, who are told what is wrong

    def turn(self, *, at: datetime) -> int:
        """Builds what is stale, of a window of passports and within the budget, first what was
        scanned these days; how many. Raises what building does; the next turn goes on without
        the one that could not be built."""
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
        begun, built = time.monotonic(), 0
        for thing_id, wanted in rows:
            if wanted and built and time.monotonic() > begun + BUDGET:
                return built
            self._after = thing_id
            if wanted:
                built += self._build(thing_id)
        if len(rows) < WINDOW:
            self._after = 0
        end = min(begun + BUDGET, time.monotonic() + SPARE)
        for thing_id in (one for one, wanted in rows if not wanted):
            if time.monotonic() > end:
                break
            built += self._build(thing_id)
        return built

    def _build(self, thing_id: int) -> bool:
        if thing_id in self._failed:
            return False
        try:
            passport_of(thing_id, at=clock.now())
        except Exception as error:
            if not is_outage(error):
                self._failed.add(thing_id)
            raise
        return True
