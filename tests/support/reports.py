"""Citizens' reports as tests send and handle them."""

from __future__ import annotations

import io
from datetime import datetime
from typing import Any

import pytest
from flask import Flask, g
from sqlalchemy import select
from sqlalchemy.orm import scoped_session
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from tests.support.factories import make_actor
from tests.support.farms import Farm, make_farm
from tests.support.members import make_member, sign_in
from tests.support.pages import Page, PageClient, checked_page
from trace.extensions import db
from trace.models import Notification, Organisation, Report
from trace.services import citizen_reports
from trace.services.actors import Actor

WORDS = "Rau mốc trắng ở cuống, có mùi lạ"
CONTACT = "0912 345 678"
# Wards of Hà Nội, and one of Huế.
DAN_PHUONG, YEN_SO, HUE = "09784", "00340", "19960"
TOLD = {
    "problem": "spoiled",
    "about": "",
    "words": WORDS,
    "bought_at": "",
    "bought_ward": None,
    "bought_on": None,
    "people": None,
    "contact": "",
    "tell": False,
    "ask": False,
}
_once = iter(range(10**6))


class Signed(PageClient):
    """One of several people signed in within one application context, which would otherwise hand
    the token of one's form to the other."""

    def _open(self, method: str, address: str, status: int, **options: Any) -> Page:
        g.pop("csrf_token", None)
        return super()._open(method, address, status, **options)


def authority(
    at: datetime, name: str, area: str, sectors: str = "", role: str = "supervisor"
) -> Actor:
    """A confirmed authority with one of its people's roles."""
    actor = make_actor(at, name, "authority", "confirmed", role, area)
    actor.organisation.sectors = sectors
    db.session.commit()
    return actor


def supervisor(app: Flask, desk: Actor, role: str = "supervisor") -> PageClient:
    """Somebody of an organisation, signed in."""
    client = app.test_client()
    sign_in(app, client, make_member(app, role=role, inside=desk.organisation.id))
    return Signed(client)


def told(at: datetime, **values: Any) -> tuple[Report, str]:
    """A report that came in, and its code; `held` for one of a burst."""
    held = values.pop("held", False)
    once = values.pop("once", f"form-{next(_once):016d}")
    found = citizen_reports.submit(
        {**TOLD, **values}, values.pop("photos", ()), at=at, once=once, held=held
    )
    db.session.commit()
    return found


def send(
    pages: PageClient,
    address: str = "/report",
    *photos: bytes,
    status: int = 201,
    names: str = "photo.jpg",
    **entries: Any,
) -> Page:
    """Fills the public form as a shopper does and sends it, with photos."""
    page = pages.get(address)
    return send_on(pages, page, *photos, status=status, names=names, **entries)


def send_on(
    pages: PageClient,
    page: Page,
    *photos: bytes,
    status: int = 201,
    names: str = "photo.jpg",
    **entries: Any,
) -> Page:
    """The same on a page that is open already."""
    data = page.form().filled({"problem": "spoiled", "words": WORDS, **entries})
    data["photos"] = [FileStorage(io.BytesIO(one), names) for one in photos]
    # As bytes: the client would leave the file open in which it keeps a long request.
    boundary, body = encode_multipart(data)
    answer = pages.client.post(
        page.address,
        data=body,
        content_type=f"multipart/form-data; boundary={boundary}",
        headers={"Accept": "text/html", "Accept-Language": pages.language},
    )
    assert answer.status_code == status, answer.get_data(as_text=True)[:2000]
    return checked_page(page.address, answer)


def code_of(page: Page) -> str:
    """The tracking code on the page that says it was received."""
    return str(page.texts("//*[@class='big-code']")[0]).replace("-", "")


START = datetime.fromisoformat("2026-11-08T01:00:00+00:00")


@pytest.fixture
def farm(db_session: scoped_session[Any], now: datetime) -> Farm:
    return make_farm(START)


@pytest.fixture
def ward(db_session: scoped_session[Any], now: datetime) -> Actor:
    return authority(START, "Tổ Demo Đan Phượng", DAN_PHUONG)


def words_of(kind: str) -> list[str]:
    """What people of this word were told, by organisation."""
    rows = db.session.execute(
        select(Organisation.name)
        .join(Notification, Notification.organisation_id == Organisation.id)
        .where(Notification.word == kind)
        .order_by(Notification.id)
    )
    return [name for (name,) in rows]
