"""A bundle proves what the page shows, by the operator's policy, and gives nothing away."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy import update
from sqlalchemy.orm import scoped_session

from tests.functional.test_demo import seed
from tests.support.factories import event, registered
from tests.support.farms import (
    Farm,
    item,
    make_farm,
    new,
    path_of,
    thing_id,
)
from trace.core.signing import PrivateKey, TrustError
from trace.core.statements import parse_bundle
from trace.core.statements.bundles import MAX_BYTES, MEDIA_TYPE
from trace.core.tlog import Cosigner, add_signatures, parse_note
from trace.core.verify import Policy, Report, verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Event, Key, Thing
from trace.services import bundles, bundles_reading, erasures, keys, platform, witnessing
from trace.services.actors import Actor
from trace.services.bundles import bundle_of
from trace.services.demo import access
from trace.services.harvests import register_lot
from trace.services.log import current_state
from trace.services.log_keys import verifiers
from trace.services.passports import passport_of
from trace.services.proofs import proof_of
from trace.services.sequencer import newest_checkpoint

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
    did = f"did:web:trace.example:o:{inspector.organisation.code}"
    text = witnessing.read_policy_text() + f"#trace inspector {did}\n"
    report = verify_bundle(data, read_policy(text.encode()), TODAY)
    assert len(report.statements) == 2
    assert refusal(data) == "bad-key-entry"  # by a policy that does not know the inspector


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


# -- checkpoints and witnesses ---------------------------------------------------------------------


def test_before_the_log_is_published_there_is_no_bundle_and_it_says_so(farm: Farm) -> None:
    publish("test")
    lot = farm.register(10)
    wanted = thing_id(lot)
    db.session.rollback()
    with pytest.raises(bundles.NotPublished) as refused:
        bundle_of(wanted, at=TODAY)
    assert refused.value.code == "not-published"
    assert proof_of(wanted, at=TODAY) is None


def test_what_is_not_published_yet_is_left_out_and_the_rest_is_proved(farm: Farm) -> None:
    lot = farm.register(10)
    publish("test")
    farm.cool(lot, 4.0)
    wanted = thing_id(lot)
    db.session.rollback()
    data = bundle_of(wanted, at=TODAY)
    assert len(verify_bundle(data, policy(), TODAY).statements) == 1


def test_a_bundle_is_made_once_for_a_passport_and_a_checkpoint(farm: Farm) -> None:
    lot = farm.register(10)
    first = bundle(lot)
    assert bundle(lot, at=TODAY + timedelta(hours=1)) == first
    farm.cool(lot, 4.0)
    assert bundle(lot) != first


def test_a_bundle_takes_the_same_number_of_queries_whatever_its_size(farm: Farm) -> None:
    bundle(farm.register(10))  # opens the keys
    short = farm.register(10)
    long = farm.register(10)
    for _ in range(12):
        farm.cool(long, 4.0)
    publish("test")
    for uri in (short, long):
        passport_of(thing_id(uri), at=TODAY)
    db.session.rollback()
    counted = []
    for uri in (short, long):
        wanted = thing_id(uri)
        db.session.rollback()
        with counting() as statements:
            bundle_of(wanted, at=TODAY)
        counted.append(len(statements))
    assert counted[0] == counted[1] <= 30


@contextmanager
def counting() -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Any, _k: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    listening.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        listening.remove(db.engine, "before_cursor_execute", note)


WITNESS = Cosigner("witness.example/w1", PrivateKey.from_seed(bytes(range(32))))


def require_witness() -> None:
    """A policy that asks for one witness, run by somebody else."""
    path = witnessing.policy_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"log {verifier.vkey}" for verifier in verifiers(current_state().origin)]
    lines += [f"witness w1 {WITNESS.verifier.vkey}", "#trace operator w1 Đại học Demo", "quorum w1"]
    path.write_text("\n".join(lines) + "\n")


def cosign(at: datetime) -> None:
    newest = newest_checkpoint()
    assert newest is not None
    line = WITNESS.line(parse_note(newest.note).text, at)
    newest.note, newest.witnessed_at = add_signatures(newest.note, [line]), at
    db.session.commit()


def test_since_is_the_first_checkpoint_that_witnesses_saw_with_all_of_it(farm: Farm) -> None:
    lot = farm.register(10)
    publish("test")
    require_witness()
    assert refusal(bundle(lot)) == "not-witnessed"
    before = proof_of(thing_id(lot), at=TODAY)
    assert before is not None
    assert (before.witnessed, [w.moment for w in before.witnesses]) == (None, [None])
    db.session.rollback()
    cosign(START + timedelta(days=1))
    farm.register(10)
    publish("test")
    cosign(START + timedelta(days=2))
    report = proved(lot)
    assert report.since == START + timedelta(days=1)
    assert report.witnessed == START + timedelta(days=2)
    proof = proof_of(thing_id(lot), at=TODAY)
    assert proof is not None
    assert proof.witnessed == START + timedelta(days=1)
    assert [(w.operator, w.moment) for w in proof.witnesses] == [
        ("Đại học Demo", START + timedelta(days=1))
    ]
    assert (proof.statements, proof.hidden) == (1, 0)


def test_a_newest_checkpoint_that_nobody_saw_yet_waits_for_the_one_they_saw(farm: Farm) -> None:
    lot = farm.register(10)
    publish("test")
    require_witness()
    cosign(START + timedelta(days=1))
    seen = current_state().integrated
    farm.register(10)
    report = proved(lot)
    assert report.size == seen
    assert report.witnessed == START + timedelta(days=1)


# -- what cannot be proved -------------------------------------------------------------------------


def test_a_row_changed_behind_the_log_is_refused_by_name(farm: Farm) -> None:
    lot = farm.register(10)
    publish("test")
    wanted = thing_id(lot)
    append_only(False)
    db.session.execute(update(Event).values(disclosures='["WyJhIiwiYiIsImMiXQ"]'))
    db.session.commit()
    append_only(True)
    with pytest.raises(bundles.StatementBroken) as refused:
        bundle_of(wanted, at=TODAY)
    assert refused.value.code == "statement-broken"


def append_only(on: bool) -> None:
    """The guards of the event table, off and on: whoever owns the database can do this."""
    if db.engine.dialect.name == "sqlite":
        if on:
            for statement in append_only.kept:  # type: ignore[attr-defined]
                db.session.execute(db.text(statement))
        else:
            rows = db.session.execute(
                db.text(
                    "SELECT name, sql FROM sqlite_master "
                    "WHERE type = 'trigger' AND tbl_name = 'events'"
                )
            ).all()
            append_only.kept = [row.sql for row in rows]  # type: ignore[attr-defined]
            for row in rows:
                db.session.execute(db.text(f"DROP TRIGGER {row.name}"))
    else:
        word = "ENABLE" if on else "DISABLE"
        db.session.execute(db.text(f"ALTER TABLE events {word} TRIGGER USER"))
    db.session.commit()


def test_a_product_has_no_chain_and_says_so(farm: Farm) -> None:
    foreign = "urn:example:something"
    farm.tell(event("ObjectEvent", epcList=[foreign], eventTime=farm.at.isoformat()))
    publish("test")
    wanted = db.session.query(Thing.id).filter_by(identity=foreign).scalar()
    db.session.rollback()
    with pytest.raises(bundles.NoChain) as refused:
        bundle_of(wanted, at=TODAY)
    assert refused.value.code == "no-chain"


def test_a_history_too_large_for_a_bundle_is_refused_with_what_to_do(
    farm: Farm, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot = farm.register(10)
    farm.cool(lot, 4.0)
    publish("test")
    wanted = thing_id(lot)
    db.session.rollback()
    monkeypatch.setattr(bundles_reading, "MAX_ENTRIES", 1)
    with pytest.raises(bundles.BundleTooLarge) as refused:
        bundle_of(wanted, at=TODAY)
    assert refused.value.status == 413
    assert "log export" in refused.value.next_step


@pytest.mark.one_database
def test_a_bundle_over_twenty_megabytes_is_refused(farm: Farm) -> None:
    lot = farm.register(10)
    for _ in range(16):
        told_here = event(
            "ObjectEvent",
            quantityList=[{"epcClass": lot, "quantity": 10, "uom": "KGM"}],
            eventTime=farm.at.isoformat(),
            trace__note="rau sạch " * 120_000,
        )
        farm.tell(told_here)
    publish("test")
    wanted = thing_id(lot)
    db.session.rollback()
    with pytest.raises(bundles.BundleTooLarge) as refused:
        bundle_of(wanted, at=TODAY)
    assert refused.value.detail.endswith("larger than 20 MB.")


# -- over HTTP -------------------------------------------------------------------------------------


def test_the_address_gives_a_named_file_that_anybody_may_fetch(farm: Farm, app: Flask) -> None:
    lot = farm.register(10)
    data = bundle(lot)
    client = app.test_client()
    answer = client.get(f"/t{path_of(lot)}?format=bundle")
    assert answer.status_code == 200
    assert answer.content_type == MEDIA_TYPE
    assert parse_bundle(answer.data).subject == parse_bundle(data).subject
    code = path_of(lot).rpartition("/")[2]
    assert answer.headers["Content-Disposition"] == f'attachment; filename="b-{code}.trace.json"'
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    again = client.get(
        f"/t{path_of(lot)}?format=bundle", headers={"If-None-Match": answer.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(f"/t{path_of(new('b'))}?format=bundle").status_code == 404


def test_the_interface_reports_on_a_bundle_by_the_operators_policy(farm: Farm, app: Flask) -> None:
    lot = farm.register(10)
    data = bundle(lot)
    client = app.test_client()
    answer = client.post("/api/v1/verify", data=data, content_type=MEDIA_TYPE)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    report = answer.json
    assert report is not None
    assert report["valid"] is True
    assert [step["state"] for step in report["steps"]] == ["passed"] * 9
    assert report["subject"] == lot
    changed = data.replace(b'"index":', b'"index":1', 1)
    refused = client.post("/api/v1/verify", data=changed)
    assert (refused.status_code, refused.content_type) == (422, "application/problem+json")
    problem = refused.json
    assert problem is not None
    assert problem["valid"] is False
    assert {"step", "code", "expected", "got", "steps"} <= problem.keys()


@pytest.mark.one_database
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"{}",
        b"[" * 100_000,
        b'{"v":1,"v":1}',
        b"\xff\xfe",
        b"9" * MAX_BYTES,
        b'"' + b"a" * (MAX_BYTES - 2) + b'"',
    ],
    ids=["nothing", "null", "empty", "deep", "doubled", "no-text", "digits", "one-text"],
)
def test_the_interface_names_the_reason_for_any_garbage(
    farm: Farm, client: FlaskClient, body: bytes
) -> None:
    answer = client.post("/api/v1/verify", data=body)
    assert answer.status_code == 422
    problem = answer.json
    assert problem is not None
    assert (problem["code"], problem["step"], problem["valid"]) == ("unreadable", 1, False)
    assert len(answer.data) < 3000


@pytest.mark.one_database
def test_the_interface_takes_no_more_than_a_bundle_may_have(
    farm: Farm, client: FlaskClient
) -> None:
    answer = client.post("/api/v1/verify", data=b" " * (MAX_BYTES + 1))
    assert answer.status_code == 413
    assert answer.content_type == "application/problem+json"
