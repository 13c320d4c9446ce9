"""The farm's part of the page "today": given to its template as `today_work()`."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask

from trace import clock
from trace.services.batches import short_name
from trace.services.records import LOCAL_ZONE
from trace.services.work import Work, work_of
from trace.web.access import actor
from trace.web.producer.plans import do_href
from trace.web.producer.telling import Told, tell


@dataclass(frozen=True, slots=True)
class TodayWork:
    """What the template shows."""

    work: Work
    told: list[Told]


def today_work() -> TodayWork:
    """What waits and what was written down last."""
    now = clock.now()
    work = work_of(actor(), now=now, today=now.astimezone(LOCAL_ZONE).date())
    return TodayWork(work, tell(work.latest))


def register_work(app: Flask) -> None:
    """Lets the template of the page ask for it."""
    app.jinja_env.globals.update(today_work=today_work, short_name=short_name, do_href=do_href)
