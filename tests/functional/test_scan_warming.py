"""Pages that were looked at are drawn anew before the next one asks; on both databases."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import scoped_session

from tests.functional.test_scan_cost import LATER, START, counted, grown, publish
from tests.support.farms import Farm, make_farm, path_of, thing_id
from trace.extensions import db
from trace.services.passports import passport_of
from trace.web.scan import views
from trace.web.scan.pages import history_page
from trace.web.scan.warming import warm

pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses of pages as they are drawn."""
    seen: list[str] = []

    def note(document: Any, alerts: Any, how: Any) -> bytes:
        seen.append(how.path)
        return history_page(document, alerts, how)

    monkeypatch.setattr(views, "history_page", note)
    return seen


def built(lot: str) -> None:
    """As the worker builds ahead."""
    db.session.rollback()
    passport_of(thing_id(lot), at=LATER)


def test_a_page_that_was_looked_at_waits_in_memory_with_what_was_recorded_since(
    farm: Farm, app: Flask, client: FlaskClient, drawn: list[str]
) -> None:
    lot = grown(farm)
    address = "/t" + path_of(lot)
    client.get(address)
    farm.notify("advice", lot, reason="Rửa kỹ trước khi dùng")
    publish()
    assert warm(app) == 0  # nobody has built it: that is not the page's work
    built(lot)
    drawn.clear()
    assert (warm(app), warm(app)) == (1, 0)
    assert drawn == [path_of(lot)]
    with counted() as statements:
        page = client.get(address)
    assert drawn == [path_of(lot)]
    assert len(statements) == 1
    app.extensions["trace.scan"].bodies.clear()
    assert client.get(address).data == page.data
    assert "Rửa kỹ trước khi dùng" in page.text


def test_a_line_that_was_published_is_no_longer_said_to_wait(
    farm: Farm, app: Flask, client: FlaskClient, drawn: list[str]
) -> None:
    lot = farm.register(480)
    address = "/t" + path_of(lot)
    waiting = client.get(address).data
    publish()
    drawn.clear()
    assert warm(app) == 1
    assert client.get(address).data != waiting
    assert drawn == [path_of(lot)]


def test_pages_nobody_looked_at_and_other_views_are_not_drawn(
    farm: Farm, app: Flask, client: FlaskClient, drawn: list[str]
) -> None:
    looked, other = grown(farm), grown(farm)
    client.get("/t" + path_of(looked) + "?view=proof")
    client.get("/t" + path_of(looked) + "?lang=en")
    for lot in (looked, other):
        farm.notify("advice", lot, reason="Rửa kỹ")
        built(lot)
    drawn.clear()
    assert warm(app) == 0
    assert drawn == []
