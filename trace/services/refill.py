"""After an older backup was restored: taking back from a copy what the log had published since.

Only the log comes back: entries and tiles. What the entries were about (statements, disclosures,
new things, private keys) was in the lost part of the database and is gone; it is counted and said.
The backup holds again what was erased or taken down after it was made: that is done again at once.
Chains go on after the links that the copy shows, so that no link is ever used twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import select, update

from trace.core.signing import TrustError
from trace.core.statements import parse_entry, tag, use_identity
from trace.core.statements.entries import ErasureEntry, EventEntry, KeyEntry, LinksEntry
from trace.core.statements.keyring import (
    KeyRecord,
    is_receipt_kid,
    key_record_hash,
    parse_key_record,
)
from trace.core.tlog import append, leaf_hash, root
from trace.core.verify.mirror import (
    Mirror,
    MirrorTiles,
    MirrorUnreadable,
    each_entry,
    read_checkpoint_of,
)
from trace.extensions import db
from trace.models import Key, LogState, Organisation, Thing
from trace.services import erasures, log, takedowns
from trace.services.bulk import insert_rows
from trace.services.keys import forget_opened
from trace.services.log_file import LogForked, keep
from trace.services.log_guard import mending
from trace.services.log_keys import verifiers
from trace.services.naming import issuer_of
from trace.services.sequencer import TileReader, leaf_hashes, root_at


@dataclass(frozen=True, slots=True)
class Refilled:
    """The log's size before and after; hashes of the statements whose contents are lost; indexes
    of the erasures that came back; kids of keys whose private half is lost; how many statements
    forgot again what had been erased, and how many takedowns were done again."""

    before: int
    after: int
    lost: tuple[str, ...]
    erasures: tuple[int, ...]
    keys: tuple[str, ...]
    forgotten: int = 0
    taken_down: int = 0


def refill(mirror: Mirror, *, at: datetime) -> Refilled:
    """Adds the entries that the database lacks; the caller commits, then publishes.

    Raises LogForked when the copy and the database disagree, MirrorUnreadable, NotWitnessed.
    """
    with mending():
        return _refill(mirror, at)


def _refill(mirror: Mirror, at: datetime) -> Refilled:
    state = log.lock()
    row = db.session.get(LogState, state.number, populate_existing=True)
    if row is None:
        raise log.NoLog
    held, start = row.size - row.start, row.start
    checkpoint, note = read_checkpoint_of(mirror, verifiers(state.origin))
    if checkpoint.size <= held:
        if root_at(checkpoint.size) != checkpoint.root:
            raise LogForked(kept=checkpoint.size, reason="the copy holds other entries")
        keep(state.number, state.origin, note)
        again = erasures.replay(), takedowns.replay(at=at)
        return Refilled(held, held, (), (), (), *again)
    if root_at(held) != root(held, MirrorTiles(mirror, checkpoint.size)):
        raise LogForked(kept=checkpoint.size, reason=f"its first {held} entries are different ones")
    tail = [entry for _, entry in each_entry(mirror, held, checkpoint.size)]
    _check_tail(row, tail, checkpoint.root)
    insert_rows(
        "log_entries",
        ("idx", "entry", "event_id"),
        [(start + held + i, entry.decode(), None) for i, entry in enumerate(tail)],
    )
    parsed = [parse_entry(entry) for entry in tail]
    db.session.execute(
        update(LogState)
        .where(LogState.id == state.number)
        .values(size=start + checkpoint.size, last_time=max(state.last_time, parsed[-1].t))
        .execution_options(synchronize_session=False)
    )
    links = {link for e in parsed if isinstance(e, EventEntry | LinksEntry) for link in e.links}
    _advance(links)
    keys = [
        _take_key(start + held + i, entry, at)
        for i, entry in enumerate(parsed)
        if isinstance(entry, KeyEntry)
    ]
    forget_opened()
    keep(state.number, state.origin, note)
    return Refilled(
        held,
        checkpoint.size,
        tuple(entry.h for entry in parsed if isinstance(entry, EventEntry)),
        tuple(held + i for i, entry in enumerate(parsed) if isinstance(entry, ErasureEntry)),
        tuple(kid for kid in keys if kid is not None),
        erasures.replay(),
        takedowns.replay(at=at),
    )


def _check_tail(row: LogState, tail: Sequence[bytes], expected: bytes) -> None:
    """The copy's entries lead to its checkpoint, and every one has its form."""
    leaves = [*leaf_hashes(row.integrated, row.size), *map(leaf_hash, tail)]
    made = append(row.integrated - row.start, TileReader(row.id), leaves)
    if made.root != expected:
        raise MirrorUnreadable(name="tile/entries", reason="its entries do not lead to its root")
    for entry in tail:
        try:
            parse_entry(entry)
        except TrustError as error:
            raise MirrorUnreadable(name="tile/entries", reason=error.detail) from None


def _advance(links: set[str]) -> None:
    """Moves the heads of all chains behind the links that came back."""
    rows = db.session.execute(
        select(Thing.id, Thing.identity, Thing.salt, Thing.head)
        .where(Thing.salt.is_not(None))
        .execution_options(yield_per=10_000)
    )
    changed = []
    for thing_id, identity, salt, head in rows:
        if salt is None:
            continue
        next_head = _behind(links, salt, identity, head)
        if next_head != head:
            changed.append({"id": thing_id, "head": next_head})
    if changed:
        db.session.execute(update(Thing), changed)
    for organisation in db.session.scalars(select(Organisation)):
        identity = use_identity(issuer_of(organisation.code))
        organisation.use_head = _behind(
            links, organisation.use_salt, identity, organisation.use_head
        )
    db.session.flush()


def _behind(links: set[str], salt: bytes, identity: str, head: int) -> int:
    while tag(salt, identity, head) in links:
        head += 1
    return head


def _take_key(place: int, entry: KeyEntry, at: datetime) -> str | None:
    """Carries a key change over; returns the kid of a key whose private half is lost."""
    record, signatures = parse_key_record(entry.jws)
    organisation = next(
        (o for o in db.session.scalars(select(Organisation)) if issuer_of(o.code) == record.org),
        None,
    )
    if organisation is None:  # it came after the backup, like everything else of it
        return record.kid if record.action != "revoke" else None
    organisation.keyring_head = record.n + 1
    organisation.keyring_last = key_record_hash(entry.jws[0])
    ended = {"rotate": signatures[0].kid, "revoke": record.kid}.get(record.action)
    of_it = (Key.organisation_id == organisation.id) & Key.revoked_from.is_(None)
    if ended is not None:
        of_it &= Key.kid == ended
    if record.action != "add":
        db.session.execute(update(Key).where(of_it).values(revoked_from=place))
    if record.action == "revoke":
        return None
    db.session.add(
        Key(
            organisation_id=organisation.id,
            purpose="receipt" if is_receipt_kid(record.kid) else "sign",
            kid=record.kid,
            jwk=orjson.dumps(record.jwk).decode(),
            sealed=None,
            custody=record.custody or "server",
            passkey=_passkey(record),
            active_from=place,
            created_at=at,
        )
    )
    db.session.flush()
    return record.kid if record.custody == "server" else None  # others' halves were never here


def _passkey(record: KeyRecord) -> str | None:
    """What the log knows of a passkey; its credential's id only the device knows."""
    if record.rp_id is None:
        return None
    return orjson.dumps({"rpId": record.rp_id, "origin": record.rp_origin}).decode()
