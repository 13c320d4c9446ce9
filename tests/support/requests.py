"""Requests of people as tests send and handle them."""

from __future__ import annotations

from flask import Flask
from sqlalchemy import inspect, select, text

from tests.support.factories import make_actor
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import Page, PageClient
from trace import clock
from trace.extensions import db
from trace.models import Audit, Request
from trace.services.platform import platform_organisation

SECRET = "Bà Tám ở xóm Chùa, nhà có cây khế"
CONTACT = "0912 345 678"
ASKED = {"kind": "erasure", "words": SECRET, "contact": CONTACT, "name": "Tám", "about": ""}


def ask(pages: PageClient, **entries: str) -> str:
    """Sends a request; returns its code."""
    page = pages.submit(pages.get("/requests/"), {**ASKED, **entries}, status=201)
    return page.texts("//main//*[contains(@class, 'code')]")[0]


def state(pages: PageClient, code: str, status: int = 200) -> Page:
    return pages.submit(pages.get("/requests/state"), {"code": code}, status=status)


def admin(app: Flask, pages: PageClient) -> Member:
    """Signs in somebody of the platform."""
    with app.app_context():
        make_actor(clock.now(), "Ai đó Minh họa")
        inside = platform_organisation().id
    member = make_member(app, role="admin", inside=inside)
    sign_in(app, pages.client, member)
    return member


def only(app: Flask) -> Request:
    with app.app_context():
        found = db.session.scalars(select(Request)).one()
        db.session.expunge_all()
        return found


def everything(app: Flask) -> str:
    with app.app_context():
        found = []
        for table in inspect(db.engine).get_table_names():
            for row in db.session.execute(text(f"SELECT * FROM {table}")):
                found += [repr(value) for value in row]
        return "\n".join(found)


def audited(app: Flask, like: str) -> list[str]:
    with app.app_context():
        query = select(Audit.action).where(Audit.action.like(like)).order_by(Audit.id)
        return list(db.session.scalars(query))
