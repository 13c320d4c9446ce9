"""Keys: what the database does with them is what a verifier reads from the log alone."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from tests.support.farms import make_farm
from trace import clock
from trace.core.signing import SealBroken
from trace.core.statements import Keyrings, parse_entry
from trace.core.statements.entries import KeyEntry
from trace.core.tlog import origin_of
from trace.extensions import db
from trace.models import Alert, Event, Job, Key, LogEntry, Organisation, Thing
from trace.services import holds, keys, log_keys
from trace.services.capture import capture
from trace.services.keys import (
    NoKey,
    create_key,
    recover_key,
    revoke_key,
    rewrap,
    root_public,
    rotate_key,
    signing_key,
)
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings

Session = scoped_session[Any]


def read_keyrings(session: Session, *inspectors: str) -> Keyrings:
    """Every key entry of the log, replayed as a verifier does."""
    rings = Keyrings(
        origin=origin_of("https://trace.example"),
        root=root_public(),
        platform=issuer_of(platform_organisation().code),
        inspectors=inspectors,
    )
    for index, entry in session.execute(
        select(LogEntry.index, LogEntry.entry).order_by(LogEntry.index)
    ):
        parsed = parse_entry(entry.encode())
        if isinstance(parsed, KeyEntry):
            rings.apply(index, parsed)
    return rings


def spans(rings: Keyrings, issuer: str) -> dict[str, tuple[int, int | None]]:
    """When each key of an organisation counts, by the log."""
    return {
        state.record.kid.partition("#")[2]: (state.start, state.end) for state in rings.of(issuer)
    }


def stored(session: Session, organisation_id: int) -> dict[str, tuple[int | None, int | None]]:
    """When each key counts, by the database."""
    rows = session.scalars(select(Key).where(Key.organisation_id == organisation_id))
    return {row.kid.partition("#")[2]: (row.active_from, row.revoked_from) for row in rows}


def test_a_verifier_accepts_every_key_entry_the_platform_writes(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    inspector = make_actor(now, "Chi cục Demo", "authority", "confirmed").organisation
    organisation, issuer = actor.organisation, issuer_of(actor.organisation.code)
    rotate_key(organisation, at=now)
    create_key(organisation, at=now)
    first = db_session.scalars(
        select(Key).where(Key.organisation_id == organisation.id).order_by(Key.id.desc())
    ).first()
    assert first is not None
    revoke_key(first, at=now)
    recover_key(organisation, inspector, at=now)
    db_session.commit()
    rings = read_keyrings(db_session, issuer_of(inspector.code))
    assert spans(rings, issuer) == stored(db_session, organisation.id)
    ended = [end is None for _, end in spans(rings, issuer).values()]
    assert ended == [False, False, False, True]


def test_after_a_rotation_the_new_key_signs_and_the_old_statements_still_count(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    capture(actor, [registered(new_lot())], at=now)
    rotate_key(actor.organisation, at=now)
    capture(actor, [registered(new_lot())], at=now)
    db_session.commit()
    kids = [row.key.kid.partition("#")[2] for row in db_session.scalars(select(Event))]
    assert kids == ["key-1", "key-2"]
    indexes = db_session.scalars(
        select(LogEntry.index).where(LogEntry.event_id.is_not(None)).order_by(LogEntry.index)
    ).all()
    span = stored(db_session, actor.organisation.id)
    for kid, index in zip(kids, indexes, strict=True):
        start, end = span[kid]
        assert start is not None
        assert start <= index
        assert end is None or index < end


def test_a_revoked_key_signs_nothing_more(db_session: Session, now: datetime) -> None:
    actor = make_actor(now)
    row = db_session.scalars(select(Key).where(Key.organisation_id == actor.organisation.id)).one()
    revoke_key(row, at=now)
    db_session.commit()
    with pytest.raises(NoKey):
        capture(actor, [registered(new_lot())], at=now)


def test_a_key_revoked_between_signing_and_the_log_lock_is_noticed_under_it(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    opened = signing_key(actor.organisation)
    row = db_session.get(Key, opened.row_id)
    assert row is not None
    revoke_key(row, at=now)
    db_session.flush()
    # Another process still has the key open: its cache knows nothing of the revocation.
    with pytest.raises(NoKey):
        keys.check_still_valid(opened)


def rotated_elsewhere(organisation: Organisation) -> None:
    """It gets a new key from another process, while this one has the old one open."""
    signing_key(organisation)
    opened = dict(keys._opened)
    keys.forget_opened()
    rotate_key(organisation, at=clock.now())
    db.session.commit()
    keys._opened.update(opened)


def test_what_another_process_rotated_is_followed_by_records_of_its_newest_key(
    db_session: Session, now: datetime
) -> None:
    organisation = make_actor(now).organisation
    rotated_elsewhere(organisation)
    rotate_key(organisation, at=now)
    rotated_elsewhere(organisation)
    create_key(organisation, at=now)
    db_session.commit()
    told = spans(read_keyrings(db_session), issuer_of(organisation.code))
    assert told == stored(db_session, organisation.id)
    assert [name for name, (_, end) in told.items() if end is None] == ["key-4", "key-5"]


def test_the_first_signature_after_another_process_rotated_the_key_is_the_new_keys_and_once(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    rotated_elsewhere(actor.organisation)
    said = [registered(new_lot()), registered(new_lot())]
    told = [capture(actor, said, at=now, idempotency_key="once") for _ in range(2)]
    db_session.commit()
    assert [one.repeated for one in told] == [False, True]
    assert told[0].events == told[1].events
    kids = [row.key.kid.partition("#")[2] for row in db_session.scalars(select(Event))]
    assert kids == ["key-2", "key-2"]


def test_a_hold_is_not_lost_when_another_process_rotated_the_platforms_key(
    db_session: Session, now: datetime
) -> None:
    farm = make_farm(now - timedelta(days=20))
    cycle = farm.sow()
    farm.spray(cycle, interval=7)
    rotated_elsewhere(platform_organisation())
    lot = farm.wait(3).reap(cycle)  # nobody has to wait for a job, and no job is there to fail
    held = select(Thing.identity).join(Alert, Alert.thing_id == Thing.id)
    assert list(db_session.scalars(held)) == [lot]
    assert holds.KIND not in set(db_session.scalars(select(Job.kind)))


def test_keys_are_sealed_anew_and_only_the_new_secret_opens_them(
    db_session: Session, now: datetime
) -> None:
    actor = make_actor(now)
    old, new = bytes(range(32)), bytes(range(1, 33))
    count = rewrap(old, new)
    assert count == 3  # the platform's two, the co-operative's one
    with pytest.raises(SealBroken):
        signing_key(actor.organisation)
    assert rewrap(old, new) == 0  # run again, it goes on where it was
    with pytest.raises(SealBroken):
        rewrap(old, bytes(range(2, 34)))


def test_every_organisations_first_key_is_signed_in_by_the_root_alone(
    db_session: Session, now: datetime
) -> None:
    make_actor(now)
    firsts = [
        parsed
        for entry in db_session.scalars(select(LogEntry.entry).order_by(LogEntry.index))
        if isinstance(parsed := parse_entry(entry.encode()), KeyEntry)
    ]
    assert [len(entry.jws) for entry in firsts] == [1, 2, 1]


def test_next_and_retired_log_keys_are_sealed_anew_with_the_others(
    db_session: Session, now: datetime
) -> None:
    make_actor(now)
    origin = origin_of("https://trace.example")
    log_keys.begin(origin)
    log_keys.finish(origin)
    log_keys.begin(origin)
    folder = current_settings().instance / "keys"
    before = {path.name: path.read_bytes() for path in folder.glob("*.sealed")}
    assert len(before) == 4  # root, log, the next one, the retired one
    old, new = bytes(range(32)), bytes(range(1, 33))
    rewrap(old, new)
    keys.finish_rewrap(new)
    after = {path.name: path.read_bytes() for path in folder.glob("*.sealed")}
    assert after.keys() == before.keys()
    assert all(after[name] != data for name, data in before.items())
    rewrap(new, old)
    keys.finish_rewrap(old)
    assert len(log_keys.signers(origin)) == 2
