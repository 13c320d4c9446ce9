"""Takedowns: nobody is shown it, everybody is told, the statement still verifies."""

from __future__ import annotations

import io
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select, text, update
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from tests.support.kept import photo_file
from tests.support.photos import a_photo
from trace.core.epcis.query import Query
from trace.core.signing import PublicKey
from trace.core.statements import (
    kept_texts,
    open_statement,
    statement_hash,
    verify_signature,
)
from trace.errors import NotAllowed
from trace.extensions import db
from trace.jobs.tidying import Tidying, tidy
from trace.jobs.worker import publish
from trace.models import Audit, Erasure, Event, LogEntry, Passport, Takedown, Thing
from trace.services import erasures, takedowns
from trace.services.actors import Actor
from trace.services.attachments import PhotoTakenDown, keep_photo, reference
from trace.services.audits import Summary, audit
from trace.services.capture import capture
from trace.services.epcis_queries import run
from trace.services.passports import passport_of
from trace.services.platform import platform_organisation
from trace.services.takedown_journal import journal_path

Session = scoped_session[Any]
BAD = "Chửi bới hàng xóm rất tục"


@pytest.fixture
def maker(db_session: Session, now: datetime) -> Iterator[Actor]:
    """An organisation; whatever is taken down from it, its log entries still name its bytes."""
    yield make_actor(now)
    db.session.rollback()
    for jwt, entry in db.session.execute(
        select(Event.jwt, LogEntry.entry).join(LogEntry, LogEntry.event_id == Event.id)
    ):
        assert statement_hash(jwt) in entry


def status(app: Flask, address: str) -> int:
    with app.test_client().get(address) as answer:
        return answer.status_code


def platform() -> Actor:
    return Actor(platform_organisation(), None, "admin")


def recorded(maker: Actor, now: datetime, **members: Any) -> tuple[str, str]:
    """(statement, the lot's address)."""
    lot = new_lot()
    made = registered(lot, **members)
    statement = capture(maker, [made], at=now).events[0].statement_id
    db.session.commit()
    return statement, lot


def with_photo(maker: Actor, now: datetime) -> tuple[str, str, str]:
    kept = keep_photo(maker, io.BytesIO(a_photo()), at=now)
    statement, lot = recorded(maker, now, trace__attachments=[reference(kept)])
    return statement, lot, kept.digest


def document(lot: str, now: datetime) -> Any:
    thing = db.session.scalars(select(Thing).where(Thing.identity == lot)).one()
    db.session.commit()
    return passport_of(thing.id, at=now).document


def row_of(statement: str) -> Event:
    db.session.expire_all()
    return erasures.get_event(statement)


def opened(row: Event) -> Any:
    texts = [one for one in kept_texts(row.disclosures) if one is not None]
    return open_statement(f"{row.jwt}~{'~'.join(texts)}~")


def test_a_text_taken_down_is_shown_to_nobody_and_the_page_says_so(
    app: Flask, maker: Actor, now: datetime
) -> None:
    statement, lot = recorded(maker, now, trace__note=BAD)
    assert BAD in str(document(lot, now))
    client = app.test_client()
    before = client.get("/t" + lot.removeprefix("https://trace.example"))
    assert BAD in before.text

    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    publish("test")

    row = row_of(statement)
    verify_signature(row.jwt, PublicKey.from_jwk(orjson.loads(row.key.jwk)))
    assert "trace:note" in opened(row).withheld
    (told,) = [line for line in document(lot, now)["lines"] if line["statement"] == statement]
    assert told["taken_down"] == [
        {"kind": "text", "member": "trace:note", "reason": "insult", "day": "2026-11-22"}
    ]
    assert "trace:note" not in told["withheld"]
    assert told["signed"]
    address = "/t" + lot.removeprefix("https://trace.example")
    for query in ("", "?format=json", "?view=proof", "?format=bundle"):
        answer = client.get(address + query, headers={"Accept-Language": "vi"})
        assert answer.status_code == 200, query
        assert BAD not in answer.text
    page = client.get(address, headers={"Accept-Language": "vi"}).text
    assert "Lời đã bị gỡ ngày 22/11/2026: xúc phạm, bôi nhọ" in page
    # Not even its own author gets it back through the interfaces.
    events = run(maker, Query(), at=now).documents
    assert all("trace:note" not in one for one in events)
    assert list(audit(Summary(), now=now)) == []


def test_the_log_says_nothing_of_what_is_only_withheld(maker: Actor, now: datetime) -> None:
    statement, _ = recorded(maker, now, trace__note=BAD)
    before = db.session.scalar(select(LogEntry.index).order_by(LogEntry.index.desc()))
    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    assert db.session.scalar(select(LogEntry.index).order_by(LogEntry.index.desc())) == before
    kept = db.session.scalars(select(Takedown)).one()
    assert BAD.encode() not in (kept.kept or b"")
    assert BAD not in journal_path().read_text()
    audit = db.session.scalars(select(Audit).where(Audit.action == "takedown.text")).one()
    assert BAD not in audit.detail


def test_words_about_a_person_are_erased_and_the_log_says_so(maker: Actor, now: datetime) -> None:
    statement, lot = recorded(maker, now, trace__note="Nhà ông Ba ở cuối ngõ")
    done = takedowns.take_down_text(platform(), statement, "trace:note", reason="personal", at=now)
    db.session.commit()
    assert isinstance(done, Erasure)
    assert done.kind == "takedown"
    entry = db.session.get(LogEntry, done.index)
    assert entry is not None
    assert '"type":"erasure"' in entry.entry
    assert db.session.scalars(select(Takedown)).all() == []
    (line,) = document(lot, now)["lines"]
    (told,) = line["erased"]
    assert told["why"] == "takedown"
    assert "trace:note" in told["members"]


def test_the_hash_of_an_event_hides_with_its_text_and_comes_back_with_it(
    maker: Actor, now: datetime
) -> None:
    statement, lot = recorded(maker, now, trace__note=BAD)
    event_id = opened(row_of(statement)).event["eventID"]
    assert event_id.startswith("ni:")
    before = row_of(statement)
    stored, private = before.disclosures, before.private
    row = takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    assert "eventID" in orjson.loads(row_of(statement).private)
    assert isinstance(row, Takedown)
    takedowns.lift(platform(), row, at=now)
    db.session.commit()
    after = row_of(statement)
    assert (after.disclosures, after.private) == (stored, private)
    assert BAD in str(document(lot, now))
    db.session.refresh(row)
    assert row.kept is None
    with pytest.raises(takedowns.NothingKept):
        takedowns.lift(platform(), row, at=now)


@pytest.mark.parametrize(
    "path", ["quantityList", "trace:inputs", "trace:declaredNone", "ilmd", "eventID", "trace:nix"]
)
def test_what_a_statement_is_about_cannot_be_taken_down(
    maker: Actor, now: datetime, path: str
) -> None:
    inputs = [{"name": "Thuốc X", "amount": 1, "unit": "GRM", "intervalDays": 7}]
    statement, _ = recorded(maker, now, trace__note=BAD, trace__inputs=inputs)
    with pytest.raises(takedowns.NotTakeable):
        takedowns.take_down_text(platform(), statement, path, reason="insult", at=now)


def test_a_name_of_goods_may_go_and_twice_is_said_to_be_twice(maker: Actor, now: datetime) -> None:
    ilmd = {"trace:productName": BAD, "cbvmda:lotNumber": "L1"}
    statement, lot = recorded(maker, now, ilmd=ilmd)
    path = "ilmd/trace:productName"
    assert [one.path for one in takedowns.texts_of(row_of(statement))] == [path]
    takedowns.take_down_text(platform(), statement, path, reason="insult", at=now)
    db.session.commit()
    assert BAD not in str(document(lot, now))
    with pytest.raises(takedowns.AlreadyTakenDown):
        takedowns.take_down_text(platform(), statement, path, reason="insult", at=now)


def test_a_photo_taken_down_is_gone_from_every_address_and_its_digest_stays(
    app: Flask, maker: Actor, now: datetime
) -> None:
    statement, lot, digest = with_photo(maker, now)
    file = photo_file(digest)
    client = app.test_client()
    assert status(app, f"/photos/{digest}.jpg") == 200
    assert document(lot, now)["lines"][0]["attachments"][0]["digest"] == digest

    takedowns.take_down_photo(
        platform(), digest, reason="violence", at=now, event=row_of(statement)
    )
    db.session.commit()
    assert not file.exists()
    for address in (f"/photos/{digest}.jpg", f"/photos/small/{digest}.jpg"):
        answer = client.get(address)
        assert answer.status_code == 410
        assert "22/11/2026" in answer.text
    (line,) = document(lot, now)["lines"]
    assert "attachments" not in line
    assert line["taken_down"] == [
        {"kind": "photo", "reason": "violence", "day": "2026-11-22", "digest": digest}
    ]
    assert opened(row_of(statement)).event["trace:attachments"][0]["digest"] == digest
    page = client.get(
        "/t" + lot.removeprefix("https://trace.example"), headers={"Accept-Language": "en"}
    ).text
    assert "Photo taken down on 22/11/2026" in page


def test_the_same_picture_sent_again_is_refused(maker: Actor, now: datetime) -> None:
    _, _, digest = with_photo(maker, now)
    takedowns.take_down_photo(platform(), digest, reason="advert", at=now)
    db.session.commit()
    with pytest.raises(PhotoTakenDown):
        keep_photo(maker, io.BytesIO(a_photo()), at=now)


def test_a_photo_taken_down_by_mistake_comes_back_and_an_indecent_one_never(
    app: Flask, maker: Actor, now: datetime
) -> None:
    _, lot, digest = with_photo(maker, now)
    row = takedowns.take_down_photo(platform(), digest, reason="other", at=now)
    db.session.commit()
    takedowns.lift(platform(), row, at=now)
    db.session.commit()
    assert status(app, f"/photos/{digest}.jpg") == 200
    assert document(lot, now)["lines"][0]["attachments"][0]["digest"] == digest
    row = takedowns.take_down_photo(platform(), digest, reason="indecent", at=now)
    db.session.commit()
    with pytest.raises(takedowns.NothingKept):
        takedowns.lift(platform(), row, at=now)


def test_old_photos_are_deleted_for_good_and_younger_ones_wait(maker: Actor, now: datetime) -> None:
    _, _, digest = with_photo(maker, now)
    row = takedowns.take_down_photo(platform(), digest, reason="other", at=now)
    db.session.commit()
    assert takedowns.forget_photos(at=now + timedelta(days=takedowns.KEPT_DAYS - 1)) == 0
    assert tidy(at=now + timedelta(days=takedowns.KEPT_DAYS))["photos"] == 1
    with pytest.raises(takedowns.NothingKept):
        takedowns.lift(platform(), row, at=now)


def test_nothing_happens_to_files_when_the_decision_is_not_kept(
    maker: Actor, now: datetime
) -> None:
    _, _, digest = with_photo(maker, now)
    takedowns.take_down_photo(platform(), digest, reason="indecent", at=now)
    db.session.rollback()
    db.session.commit()
    assert photo_file(digest).is_file()
    assert not journal_path().exists()


def test_only_the_platform_and_a_supervisor_of_the_place_decide(
    maker: Actor, now: datetime
) -> None:
    statement, _ = recorded(maker, now, trace__note=BAD)
    maker.organisation.ward_code = "09784"  # in Hà Nội (01)
    db.session.commit()
    office = {"kind": "authority", "role": "supervisor"}
    city = make_actor(now, "Sở Minh họa", status="confirmed", jurisdiction="01", **office)
    other = make_actor(now, "Sở khác", status="confirmed", jurisdiction="79 80", **office)
    # Anybody may say that it is an authority; of none but a confirmed one is that believed.
    self_made = make_actor(now, "Sở tự xưng", jurisdiction="01", **office)
    inspector = Actor(city.organisation, None, "inspector")
    nobody = Actor(platform_organisation(), None, "owner")
    for wrong in (maker, other, self_made, inspector, nobody):
        with pytest.raises(NotAllowed):
            takedowns.take_down_text(wrong, statement, "trace:note", reason="insult", at=now)
    done = takedowns.take_down_text(city, statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    assert isinstance(done, Takedown)
    assert takedowns.list_takedowns(city) == [done]
    assert takedowns.list_takedowns(other) == []
    for wrong in (self_made, inspector):
        with pytest.raises(NotAllowed):
            takedowns.list_takedowns(wrong)
    city.organisation.status = "suspended"
    db.session.commit()
    with pytest.raises(NotAllowed):
        takedowns.lift(city, done, at=now)


def rolled_back(statement: str, disclosures: str) -> None:
    """The database as a backup from before the takedown brings it back; files as well."""
    sqlite = db.engine.dialect.name == "sqlite"
    drop = "DROP TRIGGER events_only_erase"
    made = None
    if sqlite:
        made = db.session.scalar(
            text("SELECT sql FROM sqlite_master WHERE name = 'events_only_erase'")
        )
        db.session.execute(text(drop))
    else:
        db.session.execute(text("ALTER TABLE events DISABLE TRIGGER events_only_erase"))
    raw = erasures.get_event(statement).statement_id
    db.session.execute(
        update(Event).where(Event.statement_id == raw).values(disclosures=disclosures, private="[]")
    )
    db.session.execute(text("DELETE FROM takedowns"))
    db.session.execute(
        text(str(made) if sqlite else "ALTER TABLE events ENABLE TRIGGER events_only_erase")
    )
    db.session.commit()
    db.session.expire_all()


def test_a_restored_backup_takes_down_again(app: Flask, maker: Actor, now: datetime) -> None:
    statement, lot = recorded(maker, now, trace__note=BAD)
    _, _, digest = with_photo(maker, now)
    before = row_of(statement).disclosures
    picture = photo_file(digest).read_bytes()
    kept = photo_file(digest)
    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    takedowns.take_down_photo(platform(), digest, reason="violence", at=now)
    db.session.commit()
    rolled_back(statement, before)
    kept.write_bytes(picture)
    assert BAD in str(opened(row_of(statement)).event)
    assert status(app, f"/photos/{digest}.jpg") == 200

    tidying = Tidying("tests")
    tidying.run(at=now + timedelta(days=1))  # a worker starts
    assert BAD not in str(opened(row_of(statement)).event)
    assert status(app, f"/photos/{digest}.jpg") == 410
    assert not kept.exists()
    told = document(lot, now)["lines"][0]["taken_down"]
    assert told[0]["day"] == "2026-11-22"  # the day it was decided
    assert takedowns.replay(at=now + timedelta(days=1)) == 0
    done = db.session.scalars(select(Takedown).where(Takedown.kind == "text")).one()
    takedowns.lift(platform(), done, at=now)  # the text was sealed again
    db.session.commit()
    assert BAD in str(opened(row_of(statement)).event)


def test_the_journal_outlives_a_line_cut_short(maker: Actor, now: datetime) -> None:
    statement, _ = recorded(maker, now, trace__note=BAD)
    before = row_of(statement).disclosures
    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    with journal_path().open("ab") as file:
        file.write(b'{"kind":"photo","dig')
    rolled_back(statement, before)
    assert takedowns.replay(at=now) == 1


def test_what_was_taken_down_can_still_be_erased(maker: Actor, now: datetime) -> None:
    statement, _ = recorded(maker, now, trace__note=BAD)
    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    told = erasures.preview(statement, ["trace:note"])
    assert ("trace:note", BAD) in told.gone
    erasures.erase(platform(), statement, ["trace:note"], reason="asked", at=now)
    db.session.commit()
    row = db.session.scalars(select(Takedown)).one()
    db.session.refresh(row)
    assert row.kept is None
    with pytest.raises(takedowns.NothingKept):
        takedowns.lift(platform(), row, at=now)


def test_the_guard_of_events_lets_nothing_back_that_was_not_lifted(
    maker: Actor, now: datetime
) -> None:
    statement, _ = recorded(maker, now, trace__note=BAD)
    row = row_of(statement)
    before = row.disclosures
    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    with pytest.raises(Exception, match="append-only"):
        db.session.execute(update(Event).where(Event.id == row.id).values(disclosures=before))
    db.session.rollback()


def test_a_new_key_encryption_key_opens_what_the_old_one_sealed(
    maker: Actor, now: datetime
) -> None:
    statement, _ = recorded(maker, now, trace__note=BAD)
    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    old, new = bytes(range(32)), bytes(reversed(range(32)))
    for _again in range(2):  # stopped half way, it is gone on with
        assert takedowns.rewrap(old, new) == 1
    assert takedowns.rewrap(new, old) == 1
    db.session.commit()
    row = db.session.scalars(select(Takedown)).one()
    takedowns.lift(platform(), row, at=now)
    assert BAD in str(opened(row_of(statement)).event)


def test_pages_downstream_are_told_anew_too(maker: Actor, now: datetime) -> None:
    statement, lot = recorded(maker, now, trace__note=BAD)
    thing = db.session.scalars(select(Thing).where(Thing.identity == lot)).one()
    document(lot, now)
    takedowns.take_down_text(platform(), statement, "trace:note", reason="insult", at=now)
    db.session.commit()
    page = db.session.get(Passport, thing.id, populate_existing=True)
    assert page is not None
    assert page.stale
    assert page.document is None


def test_files_wait_outside_the_folder_that_is_served(
    app: Flask, maker: Actor, now: datetime
) -> None:
    _, _, digest = with_photo(maker, now)
    takedowns.take_down_photo(platform(), digest, reason="other", at=now)
    db.session.commit()
    folder = Path(app.instance_path) / "taken-down"
    assert {one.name for one in folder.iterdir()} == {f"{digest}.jpg", f"{digest}-s.jpg"}
    assert folder.stat().st_mode & 0o077 == 0


def test_two_who_decide_at_once_do_so_one_after_the_other(
    app: Flask, maker: Actor, now: datetime
) -> None:
    """Each withholds another text of one statement, from the same look at it."""
    ilmd = {"trace:productName": BAD, "cbvmda:lotNumber": "L1"}
    statement, _ = recorded(maker, now, trace__note=BAD, ilmd=ilmd)
    db.session.remove()
    ready, said = threading.Barrier(2), list[str]()

    def decide(path: str) -> None:
        with app.app_context():
            erasures.get_event(statement)
            actor = platform()
            db.session.rollback()
            ready.wait(timeout=20)
            try:
                takedowns.take_down_text(actor, statement, path, reason="insult", at=now)
                db.session.commit()
                said.append(path)
            finally:
                db.session.remove()

    both = ("trace:note", "ilmd/trace:productName")
    threads = [threading.Thread(target=decide, args=(path,)) for path in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert sorted(said) == sorted(both)
    assert BAD not in str(opened(row_of(statement)).event)
    assert len(takedowns.list_takedowns(platform())) == 2
