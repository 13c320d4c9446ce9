"""A bundle proves what the page shows, by the operator's policy, and gives nothing away."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from sqlalchemy.orm import scoped_session

from tests.functional.test_demo import seed
from tests.support.factories import event, registered
from tests.support.farms import (
    Farm,
    item,
    make_farm,
    new,
    thing_id,
)
from trace.core.signing import TrustError
from trace.core.statements import parse_bundle
from trace.core.statements.bundles import MEDIA_TYPE
from trace.core.verify import Policy, Report, verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Key, Thing
from trace.services import erasures, keys, platform, witnessing
from trace.services.actors import Actor
from trace.services.bundles import bundle_of
from trace.services.demo import access
from trace.services.harvests import register_lot
from trace.services.passports import passport_of

Session = scoped_session[Any]
START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@pytest.fixture
def farm(db_session: Session) -> Farm:
    return make_farm(START)


def policy() -> Policy:
    return read_policy(witnessing.read_policy_text().encode())


def bundle(uri: str, *, at: datetime = TODAY, viewer: int | None = None) -> bytes:
    publish("test")
    wanted = thing_id(uri)
    db.session.rollback()
    data = bundle_of(wanted, at=at, viewer=viewer)
    db.session.rollback()
    return data


def proved(uri: str, **more: Any) -> Report:
    return verify_bundle(bundle(uri, **more), policy(), TODAY)


def told(uri: str) -> set[str]:
    """Statements of the lines of the page."""
    found = {line["statement"] for line in passport_of(thing_id(uri), at=TODAY).document["lines"]}
    db.session.rollback()
    return found


def refusal(data: bytes) -> str:
    with pytest.raises(TrustError) as refused:
        verify_bundle(data, policy(), TODAY)
    return refused.value.code


# -- the demo world --------------------------------------------------------------------------------


def test_every_history_of_the_demo_world_is_proved_by_its_bundle(app: Flask) -> None:
    with app.app_context():
        seed()
        publish("test")
        trusted = policy()
        rows = db.session.query(Thing.id, Thing.kind, Thing.salt, Thing.lot_id).all()
        printed = [landmark["path"] for landmark in access.describe()["addresses"]]
        db.session.rollback()
        histories = [r for r in rows if r.salt is not None or (r.kind == "unit" and r.lot_id)]
        assert {row.kind for row in histories} >= {"lot", "cycle", "logistic"}
        for row in histories:
            report = verify_bundle(bundle_of(row.id, at=TODAY), trusted, TODAY)
            lines = {line["statement"] for line in passport_of(row.id, at=TODAY).document["lines"]}
            assert lines <= {one.statement_id for one in report.statements}
            db.session.rollback()
    client = app.test_client()
    answers = 0
    for path in printed:
        with time_machine.travel(TODAY, tick=False):
            answer = client.get(f"/t{path}?format=bundle")
        if answer.content_type == MEDIA_TYPE:
            verify_bundle(answer.data, trusted, TODAY)
            answers += 1
    assert answers >= 5


# -- what is shown, and what is not ----------------------------------------------------------------


def test_a_lot_from_a_field_is_proved_with_its_field(farm: Farm) -> None:
    cycle = farm.sow()
    farm.spray(cycle)
    farm.wait(10)
    lot = farm.reap(cycle)
    report = proved(lot)
    assert {one.statement_id for one in report.statements} == told(lot)
    assert report.recall == "none-shown"
    assert report.subject == lot.replace("http://", "https://")
    assert {one.issuer for one in report.statements} == {
        f"did:web:trace.example:o:{farm.organisation.code}"
    }


def test_what_the_page_keeps_back_is_not_in_the_file_either(farm: Farm) -> None:
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    lot = new("b")
    farm.plot.public = False
    db.session.commit()
    farm.tell(
        register_lot(farm.record(performed_by="Trần Thị Bí Mật"), item(lot, 10), farm.facts())
    )
    farm.send(lot, shop, 10)
    data = bundle(lot)
    report = verify_bundle(data, policy(), TODAY)
    assert len(report.statements) == 2
    shown = orjson.dumps([one.event for one in report.statements]).decode()
    for secret in ("Bí Mật", "urn:trace:person", shop.organisation.code, farm.plot.code):
        assert secret not in shown
    withheld = {path for one in report.statements for path in one.withheld}
    assert {"trace:performedBy", "trace:recordedBy", "destinationList", "readPoint"} <= withheld
    assert {"withheld"} == {finding.code for finding in report.findings}


def test_a_household_that_the_page_names_is_in_the_file(farm: Farm) -> None:
    lot = new("b")
    farm.tell(register_lot(farm.record(performed_by="H07"), item(lot, 10), farm.facts()))
    [statement] = proved(lot).statements
    assert statement.event["trace:performedBy"] == "H07"


def test_legs_after_a_division_are_bare_entries_and_name_nobody(farm: Farm) -> None:
    lot = farm.register(480)
    shops = [make_farm(START, f"Cửa hàng Demo {n}", kind="retailer") for n in range(2)]
    for shop in shops:
        farm.send(lot, shop, 100)
        shop.at = farm.at
        shop.take(lot, farm, 100)
    data = bundle(lot)
    report = verify_bundle(data, policy(), TODAY)
    assert {one.statement_id for one in report.statements} == told(lot)
    assert report.recall == "unknown"  # what is withheld might be one
    for shop in shops:
        assert shop.organisation.code.encode() not in data
    opened = parse_bundle(data)
    hidden = [one for one in opened.entries if b'"type":"event"' in one.entry]
    assert len(hidden) == 4


def test_an_organisation_sees_its_own_whole_and_others_as_the_public_does(farm: Farm) -> None:
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    lot = farm.register(480)
    farm.send(lot, shop, 100)
    shop.at = farm.at
    shop.take(lot, farm, 100)
    report = proved(lot, viewer=farm.organisation.id)
    own = f"did:web:trace.example:o:{farm.organisation.code}"
    mine = [one for one in report.statements if one.issuer == own]
    assert len(mine) == 2
    assert not any(one.withheld for one in mine)
    assert shop.organisation.code in orjson.dumps([one.event for one in mine]).decode()
    others = proved(lot, viewer=shop.organisation.id)
    assert [one.issuer for one in others.statements if not one.withheld] != []
    assert any(one.withheld for one in others.statements if one.issuer == own)


def test_what_was_packed_beside_a_lot_needs_no_chain_of_its_own(farm: Farm) -> None:
    first, second = farm.register(20), farm.register(30)
    box = farm.box(first, second)
    opened = parse_bundle(bundle(first))
    named = {chain.identity for chain in opened.chains}
    assert first in named
    assert second not in named
    report = proved(first)
    assert second in orjson.dumps([one.event for one in report.statements]).decode()
    assert {first, second, box} <= {chain.identity for chain in parse_bundle(bundle(box)).chains}
    assert proved(box).recall == "none-shown"


def test_a_mix_is_proved_with_all_it_was_made_of(farm: Farm) -> None:
    cycles = [farm.sow() for _ in range(3)]
    lots = [farm.reap(cycle) for cycle in cycles]
    mixed = farm.mix(lots, 900)
    opened = parse_bundle(bundle(mixed))
    assert {mixed, *lots, *cycles} <= {chain.identity for chain in opened.chains}
    assert len(proved(mixed).statements) == 7


def test_a_unit_is_proved_by_the_chain_of_its_lot(farm: Farm) -> None:
    lot = farm.register(10)
    unit = f"{lot}/0123456789ABCDEF"
    farm.tell(
        event(
            "ObjectEvent",
            action="ADD",
            bizStep="commissioning",
            epcList=[unit],
            eventTime=farm.at.isoformat(),
        )
    )
    report = proved(unit)
    assert report.subject == lot
    assert {one.statement_id for one in report.statements} == told(unit)


# -- what happened since ---------------------------------------------------------------------------


def test_a_recall_of_the_field_is_in_the_bundle_of_the_box(farm: Farm) -> None:
    cycle = farm.sow()
    lot = farm.reap(cycle)
    box = farm.box(lot)
    farm.notify("recall", lot, hazard="health")
    report = proved(box)
    assert report.recall == "recalled"
    assert len(report.notices) == 1


def test_a_released_hold_is_shown_with_its_release(farm: Farm) -> None:
    lot = farm.register(10)
    held = farm.notify("hold", lot).events[0].statement_id
    farm.notify("release", lot, ends=[held])
    report = proved(lot)
    assert report.recall == "none-shown"
    assert held in {one.statement_id for one in report.statements}


def test_corrected_and_voided_lines_come_with_the_declaration_that_says_so(farm: Farm) -> None:
    lot = new("b")
    wrong = registered(lot, 480, eventTime=farm.at.isoformat(), eventID=f"urn:uuid:{uuid()}")
    right = registered(lot, 48, eventTime=farm.at.isoformat(), eventID=f"urn:uuid:{uuid()}")
    first = farm.tell(wrong)
    farm.correct(first, {**wrong, "eventID": wrong["eventID"]}, right)
    report = proved(lot)
    assert len(report.statements) == 3
    assert report.voided == {first.events[0].statement_id}
    assert report.recall == "none-shown"


def uuid() -> str:
    raw = bytearray(os.urandom(16))
    raw[6] = raw[6] & 0x0F | 0x40
    raw[8] = raw[8] & 0x3F | 0x80
    text = raw.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def test_keys_that_changed_since_are_all_in_it(farm: Farm) -> None:
    lot = farm.register(10)
    keys.rotate_key(farm.organisation, at=farm.at)
    db.session.commit()
    farm.cool(lot, 4.0)
    newest = keys.signing_key(farm.organisation)
    row = db.session.get(Key, newest.row_id)
    assert row is not None
    keys.create_key(farm.organisation, at=farm.at)
    db.session.commit()
    keys.revoke_key(row, at=farm.at)
    db.session.commit()
    report = proved(lot)
    assert [one.kid.rpartition("#")[2] for one in report.statements] == ["key-1", "key-2"]


def test_a_key_recovered_with_an_inspector_brings_the_inspectors_keys_along(farm: Farm) -> None:
    lot = farm.register(10)
    inspector = make_farm(farm.at, "Chi cục Demo", kind="authority", status="confirmed")
    keys.recover_key(farm.organisation, inspector.organisation, at=farm.at)
    db.session.commit()
    farm.cool(lot, 4.0)
    data = bundle(lot)
    assert len(verify_bundle(data, policy(), TODAY).statements) == 2
    text = witnessing.read_policy_text()
    unknown = "\n".join(line for line in text.split("\n") if "#trace inspector" not in line)
    with pytest.raises(TrustError) as refused:
        verify_bundle(data, read_policy(unknown.encode()), TODAY)
    assert refused.value.code == "bad-key-entry"


def test_an_authority_may_release_what_another_held_and_the_bundle_agrees(farm: Farm) -> None:
    lot = farm.register(10)
    authority = make_farm(farm.at, "Chi cục Demo", kind="authority", status="confirmed")
    held = farm.notify("hold", lot).events[0].statement_id
    assert proved(lot).recall == "hold"
    authority.at = farm.at
    authority.notify("release", lot, ends=[held])
    assert proved(lot).recall == "none-shown"


def test_an_erased_member_is_said_to_be_erased_and_the_rest_still_verifies(farm: Farm) -> None:
    lot = new("b")
    told_now = farm.tell(register_lot(farm.record(performed_by="H07"), item(lot, 10), farm.facts()))
    before = proved(lot)
    admin = Actor(platform.platform_organisation(), None, "admin")
    erasures.erase(
        admin, told_now.events[0].statement_id, ["trace:performedBy"], reason="asked", at=farm.at
    )
    db.session.commit()
    report = proved(lot)
    assert "erased" not in {finding.code for finding in before.findings}
    assert ("erased", before.statements[0].index) in {
        (finding.code, finding.index) for finding in report.findings
    }
    assert "trace:performedBy" not in report.statements[0].event


def test_links_that_did_not_fit_in_one_entry_are_there(farm: Farm) -> None:
    lots = [new("b") for _ in range(2600)]
    ilmd = {"cbvmda:lotNumber": "L2611"}
    farm.tell(
        event(
            "ObjectEvent",
            action="ADD",
            bizStep="commissioning",
            quantityList=[{"epcClass": lot, "quantity": 1, "uom": "KGM"} for lot in lots],
            ilmd=ilmd,
            eventTime=farm.at.isoformat(),
        )
    )
    data = bundle(lots[1300])
    assert b'\\"type\\":\\"links\\"' in data
    assert len(verify_bundle(data, policy(), TODAY).statements) == 1
