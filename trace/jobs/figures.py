"""Figures follow the log: every few seconds the worker counts what was recorded since."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from trace.extensions import db
from trace.services import leases
from trace.services.figures import behind, fold, settle
from trace.services.outages import OUTAGES

logger = structlog.get_logger()
EVERY: Final = timedelta(seconds=5)
LEASE: Final = timedelta(seconds=15)
SCANS_EVERY: Final = timedelta(minutes=5)


def keep_up(*, at: datetime, scans: bool = True) -> int:
    """Counts all there is, and commits after each step: a killed worker is taken up where it
    stopped. How many entries. `scans` adds up those of the last days, too."""
    counted = 0
    while done := fold(at=at):
        counted += done
        db.session.commit()
    if scans:
        settle(at=at)
        db.session.commit()
    return counted


class Counting:
    """A worker's share in it: remembers when it is due; `run` is cheap in between."""

    def __init__(self, worker: str) -> None:
        self._worker = worker
        self._due: datetime | None = None
        self._scans_due: datetime | None = None

    def run(self, *, at: datetime) -> None:
        """Counts when it is due; what fails is tried again the next time."""
        if self._due is not None and timedelta() < self._due - at <= EVERY:
            return  # due later than that: the clock went back
        self._due = at + EVERY
        due = self._scans_due
        scans = due is None or not timedelta() < due - at <= SCANS_EVERY
        try:
            if (scans or behind()) and leases.take("figures", self._worker, LEASE, at=at):
                keep_up(at=at, scans=scans)
        except OUTAGES:
            db.session.rollback()
            logger.warning("cannot-count")
            return
        db.session.rollback()
        if scans:
            self._scans_due = at + SCANS_EVERY
