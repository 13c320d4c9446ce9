"""Every worker keeps the newest checkpoint on its own machine: looked at every few seconds."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import structlog

from trace.errors import TraceError
from trace.extensions import db
from trace.services.log_following import follow

logger = structlog.get_logger()
EVERY: Final = timedelta(seconds=5)


class Following:
    """Remembers when it is due; `run` is cheap in between."""

    def __init__(self) -> None:
        self._due: datetime | None = None

    def run(self, *, at: datetime) -> None:
        """Follows when it is due; what is refused is told and tried again."""
        if self._due is not None and timedelta() < self._due - at <= EVERY:
            return
        self._due = at + EVERY
        try:
            follow()
        except TraceError as error:
            logger.warning("cannot-follow", code=error.code, detail=error.detail)
        finally:
            db.session.rollback()
