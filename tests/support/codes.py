"""One-time codes as their receivers see them: read from the message that waits to be sent."""

from __future__ import annotations

import re
from typing import Any

from flask import Flask
from sqlalchemy import select

from tests.support.pages import Page, PageClient
from trace.extensions import db
from trace.models import Job
from trace.services.senders import JOB_KIND, message_of

REGISTRATION = {
    "organisation": "Hộ Minh Họa",
    "kind": "producer",
    "ward_code": "Xã Đan Phượng, Hà Nội",
    "name": "Nguyễn Minh Họa",
    "password": "vườn rau sau nhà",
}


def messages(app: Flask) -> list[dict[str, Any]]:
    """What waits to be sent, the oldest first."""
    with app.app_context():
        jobs = db.session.scalars(
            select(Job).where(Job.kind == JOB_KIND, Job.payload.is_not(None)).order_by(Job.id)
        )
        return [message_of(job) for job in jobs]


def last_code(app: Flask) -> str:
    """The six digits of the newest message."""
    found = re.search(r"\b\d{6}\b", messages(app)[-1]["text"])
    assert found is not None
    return found[0]


def prove(
    app: Flask, pages: PageClient, login: str, *, start: str = "/register", status: int = 200
) -> Page:
    """Asks for a code and types it; returns the page that follows."""
    asked = pages.submit(pages.get(start), {"login": login})
    return pages.submit(asked, {"code": last_code(app)}, status=status)


def register(app: Flask, pages: PageClient, login: str = "0987 654 321", **entries: Any) -> Page:
    """A person registers an organisation, start to finish."""
    return pages.submit(prove(app, pages, login), {**REGISTRATION, **entries})
