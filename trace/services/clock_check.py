"""A machine's clock held against the database's, before what cannot be taken back is done by it.

A clock that leaps a year ahead makes everything look over: photos that were taken down, keys,
memberships. On SQLite there is no second clock to ask.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import text

from trace import clock
from trace.extensions import db
from trace.services.sets import is_sqlite
from trace.services.settings import current_settings

logger = structlog.get_logger()
APART: Final = timedelta(seconds=10)  # machines under NTP are milliseconds apart


def clocks_agree() -> bool:
    """Whether this machine's clock and the database's are at most APART; says so where not."""
    if is_sqlite() or current_settings().testing:  # tests set their clock as they please
        return True
    before = clock.now()
    told: datetime = db.session.execute(text("SELECT clock_timestamp()")).scalar_one()
    apart = max(before - told, told - clock.now(), timedelta())
    if apart > APART:
        logger.error("clocks-apart", seconds=round(apart.total_seconds()))
    return apart <= APART
