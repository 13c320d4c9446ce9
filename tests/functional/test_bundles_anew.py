"""Bundles after the log was begun anew or its key changed, and which checkpoints are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import scoped_session

from tests.functional.test_log_copies import look, roll_back
from tests.support.farms import Farm, make_farm, thing_id
from trace.core.signing import PrivateKey
from trace.core.statements import parse_bundle
from trace.core.tlog import Cosigner, add_signatures, parse_note
from trace.core.verify import Policy, Report, verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import LogCheckpoint
from trace.services import log_keys, sequencer, witnessing
from trace.services.bundles import bundle_of
from trace.services.log import current_state
from trace.services.log_file import checkpoint_path
from trace.services.origins import new_origin
from trace.services.proofs import proof_of
from trace.services.sequencer import newest_checkpoint

Session = scoped_session[Any]
START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
WITNESS = Cosigner("witness.example/w1", PrivateKey.from_seed(bytes(range(32))))


@pytest.fixture
def farm(db_session: Session) -> Farm:
    return make_farm(START)


def policy(**members: Any) -> Policy:
    known = read_policy(witnessing.read_policy_text().encode())
    return Policy(
        **{name: members.get(name, getattr(known, name)) for name in Policy.__dataclass_fields__}
    )


def bundle(uri: str) -> bytes:
    publish("test")
    wanted = thing_id(uri)
    db.session.rollback()
    data = bundle_of(wanted, at=TODAY)
    db.session.rollback()
    return data


def proved(uri: str) -> Report:
    return verify_bundle(bundle(uri), policy(), TODAY)


def begin_anew(note: str | None = None) -> None:
    publish("test")
    new_origin(at=TODAY, note=note)
    db.session.commit()
    publish("test")


def codes(report: Report) -> set[str]:
    return {one.code for one in report.findings}


def test_a_history_that_goes_on_in_a_new_log_is_proved_with_both(farm: Farm) -> None:
    cycle = farm.sow()
    lot = farm.reap(cycle)
    begin_anew()
    farm.cool(lot, 4.0)
    data = bundle(lot)
    assert parse_bundle(data).older
    report = verify_bundle(data, policy(), TODAY)
    assert [one.log.endswith("/log/2") for one in report.statements] == [False, False, True]
    assert "chain-gap" in codes(report)
    assert not report.older[0].lost
    told = proof_of(thing_id(lot), at=TODAY)
    assert told is not None
    assert told.statements == 3


def test_a_history_that_ended_before_is_proved_by_both_logs_too(farm: Farm) -> None:
    lot = farm.register(10)
    begin_anew()
    report = proved(lot)
    assert [one.log.endswith("/2") for one in report.statements] == [False]
    assert report.older[0].number == 1


def test_a_history_of_the_new_log_alone_needs_no_other(farm: Farm) -> None:
    farm.register(10)
    begin_anew()
    lot = farm.register(5)
    data = bundle(lot)
    assert orjson.loads(data)["v"] == 1
    assert len(verify_bundle(data, policy(), TODAY).statements) == 1


def test_a_log_begun_anew_twice_is_followed_through_all_three(farm: Farm) -> None:
    lot = farm.register(10)
    begin_anew()
    begin_anew()
    farm.cool(lot, 4.0)
    report = proved(lot)
    assert [one.number for one in report.older] == [1, 2]
    assert [one.log[-6:] for one in report.statements] == ["le/log", "/log/3"]


def test_a_recall_in_the_new_log_reaches_what_the_old_one_has(farm: Farm) -> None:
    lot = farm.register(10)
    begin_anew()
    farm.notify("recall", lot)
    assert proved(lot).recall == "recalled"


def test_after_a_restored_backup_readers_are_told_what_is_lost(farm: Farm) -> None:
    lot = farm.register(10)
    publish("test")
    before = look()
    farm.cool(farm.register(3), 4.0)
    publish("test")
    last = checkpoint_path().read_text()
    roll_back(before)
    new_origin(at=TODAY, note=last)
    db.session.commit()
    publish("test")
    report = proved(lot)
    assert report.older[0].lost
    assert report.recall == "unknown"
    assert {"chain-gap", "recall-unknown"} <= codes(report)


@pytest.mark.one_database
def test_every_face_reads_a_history_in_two_logs(farm: Farm, app: Flask, tmp_path: Path) -> None:
    lot = farm.register(10)
    begin_anew()
    farm.cool(lot, 4.0)
    data = bundle(lot)
    client, runner = app.test_client(), app.test_cli_runner()
    (tmp_path / "bundle").write_bytes(data)
    (tmp_path / "policy").write_bytes(client.get("/log/policy").data)
    with time_machine.travel(TODAY, tick=False):
        answer = client.post("/api/v1/verify", data=data)
        assert answer.status_code == 200, answer.text
        assert answer.json is not None
        assert [one["number"] for one in answer.json["older"]] == [1]
        called = ["trace", "verify", str(tmp_path / "bundle"), "--policy", str(tmp_path / "policy")]
        found = runner.invoke(args=called)
    assert found.exit_code == 0, found.output
    assert "The log was begun anew:" in found.output


# -- another key -----------------------------------------------------------------------------------


def witnessed(at: datetime) -> None:
    """The newest checkpoint gets a cosignature, as from a witness that was asked."""
    publish("test")
    row = newest_checkpoint()
    assert row is not None
    line = WITNESS.line(parse_note(row.note).text, at)
    row.note = add_signatures(row.note, [line])
    row.witnessed_at = at
    db.session.commit()


def test_since_outlives_the_key_that_signed_it(farm: Farm) -> None:
    lot = farm.register(10)
    seen = datetime(2026, 11, 9, 1, 0, tzinfo=UTC)
    witnessed(seen)
    farm.cool(farm.register(3), 4.0)
    publish("test")
    origin = current_state().origin
    log_keys.begin(origin)
    sequencer.sign_again(now=TODAY)
    db.session.commit()
    log_keys.finish(origin)
    farm.cool(farm.register(3), 5.0)
    asked = policy(witnesses=(WITNESS.verifier,))
    report = verify_bundle(bundle(lot), asked, TODAY)
    assert len(log_keys.verifiers(origin)) == 1
    assert report.since == seen


# -- what is kept of checkpoints -------------------------------------------------------------------


def sizes() -> list[int]:
    return list(db.session.scalars(select(LogCheckpoint.size).order_by(LogCheckpoint.size)))


def test_checkpoints_that_nobody_saw_go_and_bundles_stay_true(farm: Farm) -> None:
    lot = farm.register(10)
    witnessed(START)
    kept = sizes()[-1]
    for _ in range(4):
        farm.cool(lot, 4.0)
        publish("test")
    before = sizes()
    assert len(before) == 5
    db.session.rollback()
    assert sequencer.forget_unwitnessed(now=datetime.now(UTC) + timedelta(minutes=30)) == 0
    gone = sequencer.forget_unwitnessed(now=datetime.now(UTC) + timedelta(hours=2))
    db.session.commit()
    assert sizes() == [kept, before[-1]]
    assert gone == len(before) - 2
    report = verify_bundle(bundle(lot), policy(witnesses=(WITNESS.verifier,)), TODAY)
    assert report.since is None or report.since >= START
    publish("test")


def test_the_last_checkpoint_of_an_older_log_stays(farm: Farm) -> None:
    lot = farm.register(10)
    begin_anew()
    farm.cool(lot, 4.0)
    publish("test")
    ended = db.session.scalar(
        select(func.max(LogCheckpoint.size)).where(LogCheckpoint.size <= current_state().start)
    )
    sequencer.forget_unwitnessed(now=datetime.now(UTC) + timedelta(hours=2))
    db.session.commit()
    assert ended in sizes()
    assert proved(lot).older


@pytest.mark.one_database
def test_the_monitor_follows_a_history_of_two_logs_in_each_of_them(
    farm: Farm, app: Flask, tmp_path: Path
) -> None:
    lot = farm.register(10)
    farm.cool(lot, 4.0)
    publish("test")
    runner = app.test_cli_runner()
    exported = [runner.invoke(args=["trace", "log", "export", str(tmp_path / "one")])]
    begin_anew()
    farm.cool(lot, 5.0)
    (tmp_path / "bundle").write_bytes(bundle(lot))
    exported.append(runner.invoke(args=["trace", "log", "export", str(tmp_path / "two")]))
    assert [done.exit_code for done in exported] == [0, 0]
    (tmp_path / "policy").write_bytes(app.test_client().get("/log/policy").data)
    for copy, links in (("one", 2), ("two", 1)):
        called = ["trace", "monitor", str(tmp_path / copy), "--policy", str(tmp_path / "policy")]
        done = runner.invoke(args=[*called, "--bundle", str(tmp_path / "bundle")])
        assert done.exit_code == 0, done.output
        assert f"{links} link{'s' if links > 1 else ''} of {lot}" in done.output
        assert "no problem found" in done.output
