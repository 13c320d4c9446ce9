"""An organisation is confirmed under a name, as a kind, in a ward, not as all it says later."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.api import Program
from tests.support.factories import make_actor
from tests.support.farms import Farm, make_farm, thing_id
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import Application, Organisation
from trace.services import applications
from trace.services.actors import Actor
from trace.services.organisations import (
    ConfirmedAs,
    SuspendedAs,
    update_organisation,
)
from trace.services.passports import passport_of
from trace.services.platform import platform_organisation

pytestmark = pytest.mark.one_database


@pytest.fixture
def farm(db_session: scoped_session[Any], now: datetime) -> Farm:
    made = make_farm(now - timedelta(days=1))
    made.organisation.status, made.organisation.confirmed_at = "confirmed", now
    db.session.commit()
    return made


def change(farm: Farm, now: datetime, **values: Any) -> Organisation:
    mine = db.session.get_one(Organisation, farm.organisation.id)
    owner = Actor(mine, None, "owner")
    return update_organisation(owner, values, version=mine.version, at=now)


OTHER = {
    "name": "Tập đoàn Demo nổi tiếng",
    "name_en": "Famous Demo",
    "kind": "laboratory",
    "ward_code": "00070",
}


@pytest.mark.parametrize("what", OTHER)
def test_a_confirmed_name_kind_and_ward_stay(farm: Farm, now: datetime, what: str) -> None:
    with pytest.raises(ConfirmedAs) as refused:
        change(farm, now, **{what: OTHER[what]})
    assert refused.value.path == what
    assert change(farm, now, address="Thôn 5").status == "confirmed"


@pytest.mark.parametrize("what", OTHER)
def test_changed_on_purpose_it_is_unconfirmed_until_the_desk_has_looked_again(
    farm: Farm, now: datetime, what: str
) -> None:
    lot = farm.reap(farm.sow(), kilos=10)
    db.session.rollback()
    assert passport_of(thing_id(lot), at=now).document["lines"][-1]["who"]["confirmed"] is True
    changed = change(farm, now, **{what: OTHER[what]}, confirm_anew=True)
    db.session.commit()
    assert (changed.status, changed.confirmed_at) == ("unconfirmed", None)
    assert passport_of(thing_id(lot), at=now).document["lines"][-1]["who"]["confirmed"] is False
    file = db.session.scalars(select(Application)).one()
    assert (file.state, file.steps[-1].kind) == ("answered", "changed")
    platform = Actor(platform_organisation(), None, "admin")
    assert [one.id for one in applications.list_applications(platform)] == [file.id]
    applications.decide(platform, file, "confirmed", "", version=file.version, at=now)
    db.session.commit()
    assert changed.status == "confirmed"


def test_who_is_suspended_keeps_its_name(farm: Farm, now: datetime) -> None:
    farm.organisation.status = "suspended"
    db.session.commit()
    with pytest.raises(SuspendedAs):
        change(farm, now, name="Tên khác", confirm_anew=True)


def test_programs_are_told_and_may_say_so(app: Flask, client: FlaskClient, now: datetime) -> None:
    with app.app_context():
        mine = make_actor(now, status="confirmed").organisation
        mine.ward_code = "00070"
        db.session.commit()
        program = Program(client, mine)
    told = {"name": "HTX Khác", "kind": "co-operative", "ward_code": "00070"}
    version = program.get("/organisation")["version"]
    answer = program.ask(
        "PUT", "/organisation", expect=409, json=told, headers={"If-Match": f'"{version}"'}
    )
    assert answer.get_json()["code"] == "confirmed-as"
    changed = program.put("/organisation", {**told, "confirm_anew": True}, version)
    assert (changed["name"], changed["status"]) == ("HTX Khác", "unconfirmed")


def test_the_form_asks_first(app: Flask, pages: PageClient, now: datetime) -> None:
    console: Console = open_console(app, pages)
    with app.app_context():
        mine = db.session.scalars(select(Organisation).where(Organisation.kind != "platform")).one()
        mine.status = "confirmed"
        db.session.commit()
    form = console.pages.get("/producer/organisation/edit")
    refused = console.pages.submit(form, {"name": "Tên khác"}, status=409)
    assert "đã được xác nhận với tên" in refused.text
    saved = console.pages.submit(refused, {"name": "Tên khác", "confirm_anew": "yes"})
    assert saved.h1 == "Tên khác"
    file = console.pages.get("/producer/application/")
    assert "Đổi tên, việc làm hoặc xã" in file.text
