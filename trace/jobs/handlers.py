"""What each kind of job does. A handler gets the job, works in transactions of its own and
returns a JSON-able result; it is run again after a crash, so doing it twice must do it once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from trace import clock
from trace.core.epcis import JsonObject
from trace.extensions import db
from trace.models import Job
from trace.services import balances, erasures, freshness, held_goods, holds, log
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.platform import platform_organisation

Handler = Callable[[Job], Any]
HANDLERS: dict[str, Handler] = {}
APART: set[str] = set()  # kinds of jobs that a worker does in a process of their own (jobs.apart)


def handles(kind: str, *, apart: bool = False) -> Callable[[Handler], Handler]:
    """Registers the function for jobs of this kind; `apart` where one may need much memory."""

    def register(handler: Handler) -> Handler:
        HANDLERS[kind] = handler
        if apart:
            APART.add(kind)
        return handler

    return register


@handles("stale-descendants")
def stale_descendants(job: Job) -> dict[str, int]:
    """Marks the passports of everything downstream of the named things stale."""
    reached = freshness.mark_downstream(orjson.loads(job.argument)["things"])
    db.session.commit()
    return {"things": reached}


@handles(freshness.KIND)
def stale_pages(job: Job) -> dict[str, int]:
    """Marks the passports stale that tell of what changed, and of anything downstream of that."""
    [(subject, key)] = orjson.loads(job.argument).items()
    reached = 0
    for things in freshness.named_by(subject, key):
        reached += freshness.mark_downstream(things)
        db.session.commit()
    return {"things": reached}


@handles(erasures.FORGET_PAGES)
def forget_pages(job: Job) -> None:
    """Empties once more, after the commit, the passports that may show what was erased."""
    erasures.forget_pages(orjson.loads(job.argument)["event"])
    db.session.commit()


@handles(balances.KIND)
def review_balances(job: Job) -> dict[str, int]:
    """Holds what is overdrawn beyond tolerance and releases what has settled, as the platform."""
    now, things = clock.now(), orjson.loads(job.argument)["things"]
    platform = platform_organisation().id
    noticed = _notice(lambda: balances.review(platform, things, at=now), at=now)
    db.session.commit()
    return {"notices": noticed}


@handles(holds.KIND)
def review_holds(job: Job) -> dict[str, int]:
    """Holds lots harvested too early or treated with what is banned, as the platform; tells the
    authorities of held goods that moved."""
    now, argument = clock.now(), orjson.loads(job.argument)
    noticed = _notice(lambda: holds.review(argument["events"], at=now), at=now)
    told = held_goods.tell(argument.get("moved", ()), at=now)
    db.session.commit()
    return {"notices": noticed, "told": told}


def _notice(review: Callable[[], list[JsonObject]], *, at: datetime) -> int:
    """Captures as the platform what a review finds due; how many notices.

    Most find nothing, and nobody waits for them. Where something is due it is looked at once more
    under the log lock: jobs about one lot run in several workers, and each would hold it.
    """
    if not review():
        return 0
    db.session.rollback()  # what the first look noted
    log.lock()
    due = review()
    if due:
        capture(Actor(platform_organisation(), None, "admin"), due, at=at)
    return len(due)
