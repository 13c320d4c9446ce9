"""Delivery notes: in parts with something amiss, the rest refused, and on paper."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event as listening
from sqlalchemy import select

from tests.functional.test_handovers import (
    SHOP,
    answer,
    held,
    link_of,
    note_path,
    send,
    somebody,
    sound,
    state,
)
from tests.support.factories import handed, make_actor, new_lot, registered
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Handover
from trace.services.capture import capture


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


@pytest.fixture
def shop(app: Flask, console: Console) -> PageClient:
    return somebody(app, SHOP)


# -- in parts, with something amiss, and the rest refused ------------------------------------------


def test_something_amiss_in_a_part_is_told_to_the_end(console: Console, shop: PageClient) -> None:
    shipment = send(console)
    damaged = {"lines-0-quantity": "40", "lines-0-reason": "dập nát"}
    answer(shop, shipment, answer="part", **damaged)
    assert state(console, shipment) == "part-differs"
    assert "đã nhận một phần, có chênh lệch" in shop.get("/producer/shipments/").text
    answer(shop, shipment, answer="all")
    assert state(console, shipment) == "differs"
    assert held(console) == {"HTX Minh họa": 380, SHOP: 100}
    page = console.pages.get("/producer/shipments/?view=outgoing&state=differs")
    assert "đã nhận, có chênh lệch" in page.text
    sound(console)


def test_of_a_rest_that_is_refused_only_the_rest_comes_back(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    answer(shop, shipment, answer="part", **{"lines-0-quantity": "40"})
    answer(shop, shipment, answer="refused", refuse_reason="héo úa")
    assert state(console, shipment) == "rest-refused"
    note = console.pages.get(f"/producer/shipments/{shipment}")
    assert "phần còn lại bị từ chối" in note.text
    form = console.pages.get(note.link("Hàng đã về chỗ mình"))
    assert "60 kg" in form.text
    console.pages.submit(form, {})
    assert state(console, shipment) == "rest-back"
    assert held(console) == {"HTX Minh họa": 440, SHOP: 40}
    console.pages.get(f"/producer/shipments/{shipment}/back", status=404)
    sound(console)


# -- on paper --------------------------------------------------------------------------------------


def test_the_paper_is_in_both_languages_and_its_code_answers_the_note(
    console: Console, shop: PageClient
) -> None:
    shipment = send(console)
    page = console.pages.get(f"/producer/shipments/{shipment}")
    paper = console.pages.get(page.link("In phiếu giao"))
    secret = link_of(console, shipment).secret
    for words in (
        "Phiếu giao hàng",
        "/ Delivery note",
        "Cải ngọt",
        "(01) 08936012340013 (10) L2611",
        "100 kg",
        "HTX Minh họa",
        SHOP,
        note_path(console, shipment)[3:8],
        f"/g/{secret}",
    ):
        assert words in paper.text, words
    assert paper.texts("//nav//*[@aria-current='page']")[-1] == "A5"
    wide = console.pages.get(f"/producer/shipments/{shipment}/paper?size=a4")
    assert wide.find("//section[contains(@class, 'a4')]")
    console.pages.get(f"/producer/shipments/{shipment}/paper?size=a0", status=404)
    tonight = console.pages.get("/producer/tonight/")
    assert f"/g/{secret}" in tonight.text
    # The receiver's copy, and an answered note's, say nothing secret.
    theirs = shop.get(f"/producer/shipments/{shipment}/paper")
    assert secret not in theirs.text
    answer(shop, shipment, answer="all")
    assert secret not in console.pages.get(f"/producer/shipments/{shipment}/paper").text


def test_goods_sent_back_have_a_note_that_answers_too(console: Console, shop: PageClient) -> None:
    answer(shop, send(console), answer="all")
    receipt = console.events()[-1].event_id
    form = shop.get(f"/producer/shipments/{receipt}/return")
    shop.submit(form, {"lines-0-quantity": "30", "reason": "dập nát"})
    returned = console.events()[-1].event_id
    assert (
        f"/g/{link_of(console, returned).secret}"
        in shop.get(f"/producer/shipments/{returned}/paper").text
    )


# -- many at once ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("db_session")
def test_many_notes_in_one_document_meet_their_answers_by_as_many_statements_as_few(
    now: datetime,
) -> None:
    farm, shop = make_actor(now), make_actor(now, SHOP, kind="retailer")
    lots = [new_lot() for _ in range(8)]
    capture(farm, [registered(lot) for lot in lots], at=now)
    asked = []
    for some in (lots[:2], lots[2:]):
        notes = {lot: f"urn:uuid:{uuid.uuid4()}" for lot in some}
        # A receipt may come before what it answers; and joined it is by either side.
        early = [handed("receiving", lot, farm, shop, notes[lot]) for lot in some[::2]]
        capture(shop, early, at=now)
        with selecting() as seen:
            sent = [handed("shipping", lot, farm, shop, notes[lot]) for lot in some]
            capture(farm, sent, at=now)
            late = [handed("receiving", lot, farm, shop, notes[lot]) for lot in some[1::2]]
            capture(shop, late, at=now)
        asked.append(len(seen))
    assert asked[0] == asked[1]
    shipped = db.session.scalars(select(Handover).where(~Handover.received)).all()
    assert [one.state for one in shipped] == ["accepted"] * len(lots)


@contextmanager
def selecting() -> Iterator[list[str]]:
    """What is read of handovers."""
    seen: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        if statement.startswith("SELECT") and "FROM handovers" in statement:
            seen.append(statement)

    listening.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        listening.remove(db.engine, "before_cursor_execute", note)
