"""Whether this server can serve, for whoever sends it requests: told apart for reading and writing.

A balancer asks every server the same question and takes out who says no. What is amiss with all of
them at once (the primary is away, the log waits for an operator) must therefore not be a no for
reading: it would take all of them out, and pages that a replica can answer would be answered by
nobody. Rules.

1. Reading needs `records` (the primary or a replica answers, and holds the log of our identity
   base) and `keys` (of this machine: a release with the wrong secret must not be rolled out).
2. Writing needs every part: `database` (the primary), `log` (it continues the newest checkpoint)
   and `disk` besides.
3. `replica` is needed for neither: where there is one, it says whether pages are read from it.
4. Who asks about reading waits for no primary where there is a replica: how it fares is known
   already (services.replicas, rule 4), `records` are asked of the replica, and of `log`, which only
   the primary can tell, nothing is said.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.errors import TraceError
from trace.extensions import db
from trace.services import sequencer
from trace.services.keys import log_key, root_key
from trace.services.log import OtherIdBase, current_state
from trace.services.log_guard import check_not_restored, checkpoint_path
from trace.services.replicas import Replica, read_from, replica
from trace.services.settings import current_settings

logger = structlog.get_logger()
LEAST_FREE: Final = 256 * 1024 * 1024  # bytes; below it nothing more should be written here
OK, FAILED, UNKNOWN = "ok", "failed", "unknown"
NEEDED: Final[dict[str, tuple[str, ...]]] = {
    "reading": ("records", "keys"),
    "writing": ("database", "records", "log", "keys", "disk"),
}


class WhatFor(TraceError):
    code = "ready-for-what"
    message = "A server is ready for reading or for writing, not for “%(given)s”."
    next_step = "Ask /readyz, or /readyz?for=writing."


@dataclass(frozen=True, slots=True)
class Readiness:
    """Each part that was asked about with ok, failed or unknown (what it hangs on failed)."""

    purpose: str
    checks: Mapping[str, str]

    @property
    def holds(self) -> bool:
        """Whether requests for this purpose may be sent here."""
        return all(self.checks[part] == OK for part in NEEDED[self.purpose])

    @property
    def status(self) -> str:
        """`ready`, `degraded` (it serves its purpose, and something is amiss) or `not ready`."""
        if not self.holds:
            return "not ready"
        return "ready" if all(one == OK for one in self.checks.values()) else "degraded"


def examine(purpose: str) -> Readiness:
    """Every part that is asked about; nothing is held afterwards. For `writing` the primary itself
    is asked, which may take as long as a connection may. Raises WhatFor."""
    if purpose not in NEEDED:
        raise WhatFor(given=purpose[:20], path="for")
    copy = replica()
    read_from(
        None
    )  # pages of this kind may have been turned to the replica before (web.standing_in)
    checks: dict[str, str] = {}
    if copy is None or purpose == "writing":
        checks["database"] = _told("database", _answers)
        whole = checks["database"] == OK
        checks["log"] = _told("log", _continues) if whole else UNKNOWN
    else:
        checks["database"] = OK if copy.hears else FAILED
    checks["records"] = UNKNOWN
    if copy is not None:
        checks["replica"] = _told("replica", lambda: _is_believed(copy), copy)
        checks["records"] = _told("records", _is_ours, copy)
    if checks["records"] != OK:
        checks["records"] = _told("records", _is_ours) if checks["database"] == OK else FAILED
    checks["keys"] = _told("keys", _open)
    checks["disk"] = _told("disk", _has_room)
    return Readiness(purpose, checks)


def _told(part: str, check: Callable[[], bool], copy: Replica | None = None) -> str:
    """How the part fares; reasons are only in the log."""
    if copy is not None:
        read_from(copy.engine)
    try:
        holds, why = check(), ""
    except (SQLAlchemyError, TraceError, OSError) as error:
        holds, why = False, getattr(error, "code", None) or type(error).__name__
    finally:
        db.session.rollback()
        if copy is not None:
            read_from(None)
    if not holds:
        logger.warning("not-ready", part=part, error=why)
    return OK if holds else FAILED


def _answers() -> bool:
    return bool(db.session.scalar(text("SELECT 1")))


def _is_believed(copy: Replica) -> bool:
    """Without a primary it is shown as of when it is (services.replicas, rule 4)."""
    return copy.is_current(clock.now()) or copy.away


def _is_ours() -> bool:
    frozen, given = current_state().id_base, current_settings().id_base
    if frozen != given:
        raise OtherIdBase(frozen=frozen, given=given)
    return True


def _continues() -> bool:
    # An older backup was restored: what is recorded before the log is refilled would be in its way.
    _is_ours()
    if checkpoint_path(current_state().id).exists():
        sequencer.check_continues()
    else:  # a machine that publishes nothing (services.log_guard)
        check_not_restored()
    return True


def _open() -> bool:
    root_key()
    log_key()
    return True


def _has_room() -> bool:
    folder = current_settings().instance
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= LEAST_FREE
