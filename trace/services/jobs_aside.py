"""Jobs set aside: failed by no fault of whoever asked for them, and somebody has to look.

Rules.
1. A try that ends without an answer (the process that made it was killed, or ran out of memory) is
   known by its lease: it ran out. After DEATHS such tries in a row the job is tried no more: it
   would take a worker with it each time, for ever.
2. A job that failed every time for a reason nobody foresaw is set aside, too; and one whose files,
   keys or log were away for about a day, however often it was tried.
3. What was set aside keeps what it was asked to do. It is done again, from the beginning of its
   tries, or left, when an administrator of the platform says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import func, select, update

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Job, Organisation
from trace.services.actors import Actor
from trace.services.audit import write_audit

DEATHS: Final = 5
WORKER_DIED: Final = "worker-died"
INTERNAL: Final = "internal"
AWAY: Final = "away"
LISTED: Final = 500


@dataclass(frozen=True, slots=True)
class Aside:
    """One of them; `reason` is WORKER_DIED, INTERNAL or AWAY, `organisation` is empty for the
    platform's own work."""

    public_id: str
    kind: str
    organisation: str
    reason: str
    asked_at: datetime
    at: datetime


def list_aside(actor: Actor) -> list[Aside]:
    """The newest first, at most LISTED. Raises NotAllowed."""
    actor.check("administer")
    return [_aside(*row) for row in db.session.execute(_asked().limit(LISTED))]


def get_aside(actor: Actor, public_id: str) -> Aside:
    """One. Raises NotAllowed, NotFound."""
    actor.check("administer")
    row = db.session.execute(_asked().where(Job.public_id == public_id)).one_or_none()
    if row is None:
        raise NotFound
    return _aside(*row)


def count_aside() -> list[tuple[str, int]]:
    """How many of each kind."""
    found = db.session.execute(
        select(Job.kind, func.count()).where(Job.set_aside_at.is_not(None)).group_by(Job.kind)
    )
    return sorted((kind, count) for kind, count in found)


def try_again(actor: Actor, public_id: str, *, at: datetime) -> None:
    """Puts it back, as if it had never been tried. Raises NotAllowed, NotFound."""
    _settle(
        actor,
        public_id,
        at,
        "job.again",
        state="queued",
        attempts=0,
        deaths=0,
        result=None,
        finished_at=None,
        leased_by=None,
        lease_until=None,
        run_after=at,
    )


def leave(actor: Actor, public_id: str, *, at: datetime) -> None:
    """It stays failed, what it was asked to do is forgotten, and nobody is told any more. Raises
    NotAllowed, NotFound."""
    _settle(actor, public_id, at, "job.leave", payload=None)


def set_aside(job_id: int, worker: str | None, reason: str, *, at: datetime) -> None:
    """By the worker that holds it, and commits."""
    db.session.execute(
        update(Job)
        .where(Job.id == job_id, Job.leased_by == worker)
        .values(
            state="failed",
            result=orjson.dumps({"error": reason}).decode(),
            finished_at=at,
            set_aside_at=at,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )


def _settle(actor: Actor, public_id: str, at: datetime, action: str, **values: Any) -> None:
    actor.check("administer")
    kind = db.session.scalar(
        update(Job)
        .where(Job.public_id == public_id, Job.set_aside_at.is_not(None))
        .values(set_aside_at=None, **values)
        .returning(Job.kind)
        .execution_options(synchronize_session=False)
    )
    if kind is None:
        raise NotFound
    write_audit(actor, action, public_id, at=at, kind=kind)


def _asked() -> Any:
    return (
        select(Job, Organisation.name)
        .outerjoin(Organisation, Organisation.id == Job.organisation_id)
        .where(Job.set_aside_at.is_not(None))
        .order_by(Job.set_aside_at.desc(), Job.id.desc())
    )


def _aside(job: Job, organisation: str | None) -> Aside:
    reason = orjson.loads(job.result or "{}").get("error", INTERNAL)
    at = job.set_aside_at or job.run_after
    return Aside(job.public_id, job.kind, organisation or "", reason, job.created_at, at)
