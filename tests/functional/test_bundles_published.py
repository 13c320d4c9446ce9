"""Which checkpoint a bundle leads to, what cannot be proved, and bundles over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy import update
from sqlalchemy.orm import scoped_session

from tests.support.factories import event
from tests.support.farms import (
    Farm,
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
from trace.models import Event, Thing
from trace.services import bundles, bundles_reading, witnessing
from trace.services.bundles import bundle_of
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


def refusal(data: bytes) -> str:
    with pytest.raises(TrustError) as refused:
        verify_bundle(data, policy(), TODAY)
    return refused.value.code


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


def test_the_page_names_the_witness_and_the_day_and_without_one_says_by_the_log(
    farm: Farm, app: Flask
) -> None:
    shop = make_farm(START, "Cửa hàng Demo", kind="retailer")
    lot = farm.register(10)
    farm.send(lot, shop, 5)
    shop.at = farm.at
    shop.take(lot, farm, 5)
    publish("test")
    address = f"/t{path_of(lot)}?view=proof"
    text = app.test_client().get(address).text
    assert "chưa có bên ngoài nào làm chứng" in text
    assert "nền tảng đã ký rằng các chuỗi dòng này dừng ở đây" in text
    assert "2 việc có trong sổ và không hiện ở đây" in text
    require_witness()
    cosign(datetime(2026, 11, 9, 20, tzinfo=UTC))  # the tenth already, where it is read
    text = app.test_client().get(address).text
    assert "Đại học Demo đã thấy sổ này; sửa các dòng này sau ngày 10/11/2026" in text
    assert "chưa có bên ngoài nào làm chứng" not in text
    assert "Đại học Demo saw this log" in app.test_client().get(f"{address}&lang=en").text


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


def test_an_audit_of_what_is_stored_names_the_row_that_was_edited(farm: Farm, app: Flask) -> None:
    for _ in range(3):
        farm.register(10)
    runner = app.test_cli_runner()
    good = runner.invoke(args=["trace", "audit", "--workers", "1"])
    assert good.exit_code == 0
    assert good.stdout.endswith("3 statements, 0 differences\n")
    first, second = db.session.query(Event).order_by(Event.id).limit(2)
    row_id, foreign = first.id, second.disclosures
    db.session.rollback()
    append_only(False)
    db.session.execute(update(Event).where(Event.id == row_id).values(disclosures=foreign))
    db.session.commit()
    append_only(True)
    bad = runner.invoke(args=["trace", "audit", "--workers", "1"])
    assert bad.exit_code == 1
    assert f"events {row_id} disclosures: " in bad.stdout
    assert bad.stdout.endswith("3 statements, 1 differences\n")


def test_the_command_checks_a_bundle_and_an_exported_log_by_the_published_policy(
    farm: Farm, app: Flask, tmp_path: Path
) -> None:
    lot = farm.register(10)
    client, runner = app.test_client(), app.test_cli_runner()
    (tmp_path / "bundle").write_bytes(bundle(lot))
    (tmp_path / "policy").write_bytes(client.get("/log/policy").data)
    exported = runner.invoke(args=["trace", "log", "export", str(tmp_path / "copy")])
    assert exported.exit_code == 0
    options = ["--policy", str(tmp_path / "policy"), "--workers", "1", "--json"]
    options += ["--mirror", str(tmp_path / "copy"), "--state", str(tmp_path / "seen")]
    called = ["trace", "verify", str(tmp_path / "bundle"), *options]
    with time_machine.travel(TODAY, tick=False):
        found = runner.invoke(args=called)
        report = orjson.loads(found.stdout)
        assert (found.exit_code, report["valid"]) == (0, True)
        assert report["mirror"]["bundle"] == "same"
        assert report["seen"]["state"] == "first"
        (tmp_path / "bundle").write_bytes(bundle(lot)[:-1])
        found = runner.invoke(args=called)
        assert (found.exit_code, orjson.loads(found.stdout)["code"]) == (1, "unreadable")
        found = runner.invoke(args=["trace", "verify", "nothing", *options])
        assert (found.exit_code, orjson.loads(found.stdout)["code"]) == (2, "unusable-file")


@pytest.mark.one_database
def test_a_flipped_bit_of_a_real_bundle_is_never_valid(farm: Farm) -> None:
    cycle = farm.sow()
    farm.spray(cycle)
    data = bundle(farm.box(farm.reap(cycle)))
    trusted = policy()
    for position in range(0, len(data), 61):
        changed = bytearray(data)
        changed[position] ^= 1 << (position % 8)
        with pytest.raises(TrustError):
            verify_bundle(bytes(changed), trusted, TODAY)
