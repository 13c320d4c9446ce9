"""What somebody did behind the application's back is named by one press; what the rules allow is
not."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import delete, select, text

from tests.support.audited import NOW, Story, make_story, told
from tests.support.farms import thing_id
from tests.support.intruder import without_guards
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Event, EventThing, Key, LogCheckpoint, LogWitness
from trace.services import chain_audit
from trace.services.actors import Actor
from trace.services.erasures import erase
from trace.services.keys import revoke_key
from trace.services.log_file import checkpoint_path
from trace.services.origins import new_origin
from trace.services.platform import platform_organisation

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def story() -> Story:
    return make_story()


def edited(statement: str, table: str, **values: Any) -> None:
    with without_guards([table]):
        db.session.execute(text(statement), values)
        db.session.commit()


def test_an_edited_row_is_named_with_what_was_signed(story: Story) -> None:
    story.reap().deliver()
    publish("test")
    row = thing_id(story.lot)
    edited(
        "UPDATE event_things SET quantity = 900000000 WHERE thing_id = :thing AND role = 4",
        "event_things",
        thing=row,
    )
    found = story.audit()
    one = next(one for one in found.findings if one.rule == "row-edited")
    assert one.severity == "high"
    assert one.told["columns"] == "event_things.rows"
    assert "480000000" in str(one.told["expected"])


def test_an_edited_time_an_edited_statement_and_an_edited_entry_are_each_named(
    story: Story,
) -> None:
    story.reap().deliver()
    publish("test")
    last = db.session.scalar(text("SELECT max(event_id) FROM handovers WHERE received = false"))
    edited("UPDATE events SET event_time = event_time - 1000 WHERE id = :id", "events", id=last)
    assert ("row-edited", "high") in told(story.audit())
    edited("UPDATE events SET event_time = event_time + 1000 WHERE id = :id", "events", id=last)
    jwt = db.session.get_one(Event, last).jwt
    head, _, tail = jwt.rpartition(".")
    forged = f"{head}.{'A' if tail[0] != 'A' else 'B'}{tail[1:]}"
    edited("UPDATE events SET jwt = :jwt WHERE id = :id", "events", jwt=forged, id=last)
    found = story.audit()
    assert ("signature", "high") in told(found)
    assert found.counts["signed"] == found.counts["events"] - 1
    edited("UPDATE events SET jwt = :jwt WHERE id = :id", "events", jwt=jwt, id=last)
    edited(
        "UPDATE log_entries SET entry = replace(entry, '2026', '2027') WHERE event_id = :id",
        "log_entries",
        id=last,
    )
    assert ("log-inclusion", "high") in told(story.audit())


def test_a_statement_taken_out_of_the_index_leaves_a_hole_in_its_chain(story: Story) -> None:
    story.reap().deliver()
    publish("test")
    sprayed = db.session.scalar(text("SELECT id FROM events WHERE biz_step LIKE '%spraying'"))
    with without_guards(["event_things"]):
        db.session.execute(delete(EventThing).where(EventThing.event_id == sprayed))
        db.session.commit()
    found = story.audit()
    one = next(one for one in found.findings if one.rule == "log-complete")
    assert one.severity == "high"
    assert one.told["count"] == 1


def test_a_log_that_does_not_go_on_from_what_was_kept_or_seen_is_named(story: Story) -> None:
    story.reap().deliver()
    publish("test")
    db.session.add(LogWitness(vkey="w", size=10_000))
    newest = db.session.query(LogCheckpoint).order_by(LogCheckpoint.size.desc()).first()
    assert newest is not None
    newest.witnessed_at = NOW
    db.session.commit()
    assert ("log-witnessed", "high") in told(story.audit())
    db.session.execute(delete(LogWitness))
    db.session.commit()
    found = story.audit()
    assert "log-witnessed" in {one.rule for one in found.judged}
    assert told(found) == set()
    checkpoint_path().write_text("no note")
    db.session.expire_all()
    found = chain_audit.audit_chain(story.inspector, thing_id(story.lot), at=NOW)
    assert ("log-consistent", "high") in told(found)


def test_what_was_erased_or_corrected_by_the_rules_is_no_edit(story: Story) -> None:
    story.reap()
    wrong = story.farm.send(story.lot, story.shop, 4800)
    story.farm.correct(wrong, story.farm.told[-1])
    story.deliver()
    admin = Actor(platform_organisation(), None, "admin")
    erase(admin, wrong.events[0].statement_id, ["readPoint", "bizLocation"], reason="x", at=NOW)
    db.session.commit()
    found = story.audit()
    assert told(found) == set()
    assert found.counts["signed"] == found.counts["events"]


def test_statements_after_a_key_was_declared_leaked_are_flagged_and_not_refused(
    story: Story,
) -> None:
    story.reap()
    key = db.session.scalars(
        select(Key).where(Key.organisation_id == story.farm.organisation.id)
    ).one()
    harvest = db.session.scalar(text("SELECT max(idx) FROM log_entries WHERE event_id > 0"))
    revoke_key(key, at=NOW, inspector=story.inspector.organisation, since=harvest)
    db.session.commit()
    found = story.audit()
    assert told(found) == {("key-since", "medium")}
    assert next(one for one in found.findings).told["count"] == 1


def test_a_chain_through_a_log_begun_anew_is_proven_in_both(story: Story) -> None:
    story.reap()
    publish("test")
    new_origin(at=NOW)
    db.session.commit()
    publish("test")
    found = story.deliver().audit()
    # A log's times never fall: what was typed now stands after the new log's beginning.
    assert told(found) <= {("late", "low")}
    assert {one.rule: one.of for one in found.judged}["log-inclusion"] == 5
