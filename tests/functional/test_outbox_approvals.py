"""A phone's entry that waits for a passkey: sent, not recorded, asked about until it is known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask

from tests.functional.test_approvals import demand, enrol, options
from tests.support.fields import Console, open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.passkeys import Phone

JSON = {"Accept": "application/json"}
APPROVED, DROPPED, LATE, NEVER = ("A" * 22, "D" * 22, "L" * 22, "N" * 22)


@pytest.fixture
def console(app: Flask, pages: PageClient, now: datetime) -> Console:
    return open_console(app, pages)


def send(console: Console, key: str) -> str:
    """Sends a lot as a phone would; where its approval is asked."""
    client = console.pages.client
    token = client.get("/producer/outbox/token", headers=JSON).get_json()["csrf_token"]
    answer = client.post(
        "/producer/batches/new",
        data={
            "form_key": key,
            "product": str(console.greens),
            "quantity": "10",
            "unit": "kg",
            "when": "2026-11-22T09:00",
        },
        headers={**JSON, "X-CSRFToken": token},
    )
    told = answer.get_json()
    assert (told["state"], told["waits"]) == ("sent", "approval"), told
    return str(told["location"])


def fates(console: Console, *keys: str) -> dict[str, str]:
    query = "&".join(f"key={key}" for key in keys)
    told: dict[str, str] = console.pages.client.get(
        f"/producer/outbox/approvals?{query}", headers=JSON
    ).get_json()
    return told


def test_what_became_of_it_is_told_by_its_key(console: Console, app: Flask, now: datetime) -> None:
    phone = Phone("chị Hoa")
    enrol(console.pages, phone)
    demand(console.pages)
    approving, dropping = send(console, APPROVED), send(console, DROPPED)
    send(console, LATE)
    assert fates(console, APPROVED, DROPPED, NEVER) == {
        APPROVED: "waits",
        DROPPED: "waits",
        NEVER: "gone",
    }
    # Asked again after a lost answer, it still waits.
    assert send(console, APPROVED) == approving
    page = console.pages.get(approving)
    console.pages.submit(page, {"assertion": phone.get(options(page))})
    console.pages.submit(
        console.pages.get(dropping), {}, which="//form[contains(@action,'discard')]"
    )
    assert fates(console, APPROVED, DROPPED, LATE) == {
        APPROVED: "recorded",
        DROPPED: "gone",
        LATE: "waits",
    }
    assert len(console.things("lot")) == 1
    # Somebody else's keys tell nothing.
    stranger = PageClient(app.test_client())
    sign_in(app, stranger.client, make_member(app))
    told = stranger.client.get(f"/producer/outbox/approvals?key={APPROVED}", headers=JSON)
    assert told.get_json() == {APPROVED: "gone"}
    with time_machine.travel(now + timedelta(hours=25), tick=False):
        assert fates(console, LATE) == {LATE: "gone"}
