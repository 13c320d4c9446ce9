"""The database held against what it was made from: statements, disclosures and the log.

One audit of everything. The log is rebuilt from its entries and compared with its tiles, its
checkpoints and their signatures; the keys are replayed from it; every statement's signature,
disclosures and entry are checked; every column that copies something is computed again. What was
changed behind the application's back is named by table, row and column.

Signatures and hashes are checked by as many processes as asked for. What cannot be computed again
is said where it is left out: `events.private` and `log_checkpoints.created_at` copy nothing. The
audit log copies nothing either: its closed days are held against their digests in the log.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final

import orjson
from sqlalchemy import func, select, text

from trace.core.statements import (
    KEYRING_SALT,
    parse_entry,
    use_identity,
)
from trace.core.statements.entries import AuditEntry, ErasureEntry
from trace.core.verify.spread import spread
from trace.extensions import db
from trace.models import (
    Audit,
    Event,
    EventKey,
    EventThing,
    Key,
    LogEntry,
    Organisation,
    Product,
    Succession,
    SuccessionItem,
    Thing,
)
from trace.models.types import to_micro
from trace.services import takedowns, units
from trace.services.audit_days import BEGINNING, digest_of
from trace.services.audits import compare, keyring, logged
from trace.services.audits.folded import Fold, Item, Party
from trace.services.audits.found import Difference, Progress, quiet
from trace.services.audits.rows import Checked, Known, Mention, StoredEvent, check_piece
from trace.services.capture.prepare import own_uris
from trace.services.log import current_state
from trace.services.naming import issuer_of
from trace.services.sets import among, is_sqlite
from trace.services.settings import current_settings
from trace.services.successors import voices_of

PIECE: Final = 512  # events of one piece of work


@contextmanager
def one_state() -> Iterator[None]:
    """A transaction that reads one state of the database, whatever is written meanwhile, and writes
    nothing."""
    db.session.rollback()
    if is_sqlite():
        # Reading alone begins no transaction there; a deferred one holds no lock.
        db.session.connection().exec_driver_sql("BEGIN DEFERRED")
    else:
        db.session.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
    try:
        yield
    finally:
        db.session.rollback()


@dataclass(slots=True)
class Summary:
    """What was looked at, and what is said without being a difference."""

    entries: int = 0
    events: int = 0
    otherwise: int = 0  # events that hide members otherwise than the policy does
    notes: list[str] = field(default_factory=list)


def audit(
    summary: Summary, *, now: datetime, workers: int = 1, progress: Progress = quiet
) -> Iterator[Difference]:
    """Every difference, the log's first; nothing for a sound database. Fills `summary`.

    Reads only; a transaction that sees one state of the database is the caller's to begin.
    """
    current_state()  # NoLog, before anything is said of nothing
    events = db.session.scalar(select(func.count()).select_from(Event)) or 0
    entries = db.session.scalar(select(func.count()).select_from(LogEntry)) or 0
    total = entries + events
    found = logged.Logged()
    yield from logged.read_log(found, workers=workers, progress=progress, total=total)
    summary.entries = found.size
    yield from logged.audit_trees(found, now=now, workers=workers)
    yield from logged.check_chains(_chains(), found, workers=workers)
    replayed = keyring.Replayed([], {}, {})
    yield from keyring.replay_keys(found, replayed)
    yield from keyring.audit_keys(replayed)
    yield from _audit_heads(replayed)
    yield from _audit_days(found)
    known = _known(found, replayed, now)
    fold = _fold()
    untold = 0
    for checked in spread(_pieces(), partial(check_piece, known=known), workers):
        yield from checked.found
        untold += _take(checked, summary, fold)
        progress(found.size + summary.events, total)
    fold.finish()
    yield from compare.audit_orphans()
    if untold:
        # Events that do not read, or of which an erasure left no whole event, tell nothing.
        summary.notes.append(
            f"{untold} events tell too little: things, holdings and alerts were not folded anew"
        )
        return
    things = compare.Things({}, {})
    yield from compare.audit_things(fold, found, things)
    yield from compare.audit_holdings(fold, things)
    yield from compare.audit_alerts(fold, things)


def _take(checked: Checked, summary: Summary, fold: Fold) -> int:
    summary.events += checked.done
    summary.otherwise += checked.otherwise
    asked = {m.stamp for fact in checked.facts for m in fact.mentions if m.stamp is not None}
    printed = units.printed(asked) if asked else {}
    for fact in checked.facts:
        fold.take(replace(fact, mentions=_bound(fact.mentions, printed)) if asked else fact)
    return checked.untold


def _bound(
    mentions: Sequence[Mention], printed: Mapping[tuple[str, str], units.Printed]
) -> tuple[Mention, ...]:
    """Units that carry a stamp of ours are of the lot it is bound to, whatever their address says
    (capture.things.name_stamps); of others the address tells."""
    found = []
    for one in mentions:
        stamp = printed.get(one.stamp) if one.stamp is not None else None
        if stamp is not None:
            found.append(one._replace(lot=stamp.lot or None))
        else:
            found.append(one._replace(stamp=None))
    return tuple(found)


def _chains() -> list[tuple[str, str, str, bytes, str, int]]:
    chains = [
        ("things", str(row.id), "head", bytes(row.salt or b""), row.identity, row.head)
        for row in db.session.execute(
            select(Thing.id, Thing.salt, Thing.identity, Thing.head).where(Thing.salt.is_not(None))
        )
    ]
    for row in db.session.scalars(select(Organisation)):
        # The keyring's own chain begins anew with each log: replaying its records follows it.
        use = use_identity(issuer_of(row.code))
        chains.append(("organisations", str(row.id), "use_head", row.use_salt, use, row.use_head))
    return [chain for chain in chains if _is_chain(chain)]


def _is_chain(chain: tuple[str, str, str, bytes, str, int]) -> bool:
    """A salt of another length is named with the thing; a head below zero is none."""
    return len(chain[3]) == len(KEYRING_SALT) and chain[5] >= 0


def _audit_days(found: logged.Logged) -> Iterator[Difference]:
    """Closed days of the audit log against what was logged of them."""
    for _, line in found.others:
        if not line.startswith(BEGINNING):
            continue
        entry = parse_entry(line.encode())
        if isinstance(entry, AuditEntry):
            rows, digest = digest_of(entry.day)
            day = entry.day.isoformat()
            if rows != entry.rows:
                yield Difference("audit", day, "rows", str(entry.rows), str(rows))
            elif digest != entry.digest:
                yield Difference("audit", day, "digest", entry.digest, digest)


def _audit_heads(replayed: keyring.Replayed) -> Iterator[Difference]:
    rows = db.session.execute(
        select(
            Organisation.id,
            Organisation.code,
            Organisation.keyring_head,
            Organisation.keyring_last,
        )
    )
    for row in rows:
        head, last = replayed.heads.get(issuer_of(row.code), (0, None))
        for column, expected, got in (
            ("keyring_head", head, row.keyring_head),
            ("keyring_last", last, row.keyring_last),
        ):
            if expected != got:
                yield Difference("organisations", str(row.id), column, str(expected), str(got))


def _known(found: logged.Logged, replayed: keyring.Replayed, now: datetime) -> Known:
    id_base = current_settings().id_base
    organisations = db.session.scalars(select(Organisation)).all()
    erased: set[str] = set()
    for _, line in found.others:
        entry = parse_entry(line.encode())
        if isinstance(entry, ErasureEntry):
            erased.update(entry.digests)
    return Known(
        id_base=id_base,
        now=now,
        origins=tuple(replayed.origins),
        organisations={issuer_of(one.code): one.id for one in organisations},
        kids={row.id: row.kid for row in db.session.execute(select(Key.id, Key.kid))},
        own={one.id: own_uris(one, id_base) for one in organisations},
        # A text taken down is not erased: it is kept, and has the digest that was signed.
        erased=frozenset(erased) | takedowns.withheld_digests(),
    )


def _fold() -> Fold:
    parties = {
        row.id: Party(row.kind, row.confirmed_at)
        for row in db.session.execute(
            select(Organisation.id, Organisation.kind, Organisation.confirmed_at)
        )
    }
    moved: dict[int, list[tuple[int, int]]] = {}
    for product, place, giver in db.session.execute(
        select(SuccessionItem.product_id, Succession.place, Succession.giver_id)
        .join(Succession, Succession.id == SuccessionItem.succession_id)
        .where(SuccessionItem.product_id.is_not(None), Succession.place.is_not(None))
        .order_by(Succession.place)
    ):
        moved.setdefault(product or 0, []).append((place or 0, giver))
    products = {
        row.identity: Item(
            row.id, row.organisation_id, row.created_at, tuple(moved.get(row.id, ()))
        )
        for row in db.session.execute(
            select(Product.identity, Product.id, Product.organisation_id, Product.created_at)
        )
    }
    groups: dict[bytes, int] = {}
    for subject, detail in db.session.execute(
        select(Audit.subject, Audit.detail).where(Audit.action == "capture")
    ):
        # A row that was edited tells nothing here: its day's digest names it.
        with suppress(ValueError, KeyError, TypeError):
            first = bytes.fromhex(subject.removeprefix("urn:uuid:").replace("-", ""))
            groups[first] = int(orjson.loads(detail)["events"])
    handed_on = select(SuccessionItem.thing_id).where(SuccessionItem.thing_id.is_not(None))
    rows = db.session.execute(select(Thing.identity, Thing.id).where(Thing.id.in_(handed_on)))
    ids = {row.identity: row.id for row in rows}
    return Fold(parties, products, groups, voices_of(parties), ids)


COLUMNS: Final = (
    Event.id,
    Event.statement_id,
    Event.issuer_id,
    Event.key_id,
    Event.type,
    Event.action,
    Event.event_time,
    Event.biz_step,
    Event.disposition,
    Event.read_point,
    Event.biz_location,
    Event.corrects,
    Event.notice,
    Event.jwt,
    Event.disclosures,
    Event.private,
    LogEntry.index,
    LogEntry.entry,
)


def _pieces() -> Iterator[list[StoredEvent]]:
    """All events in the log's order; those without an entry last."""
    query = (
        select(*COLUMNS)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .order_by(LogEntry.index.is_(None), LogEntry.index, Event.id)
    )
    for rows in db.session.execute(query.execution_options(yield_per=PIECE)).partitions():
        # Events of one piece were recorded one after another.
        yield _stored(rows, partial(_between, min(row.id for row in rows), max(r.id for r in rows)))


def _between(first: int, last: int, column: Any) -> Any:
    return column.between(first, last)


def stored_events(ids: Collection[int]) -> list[StoredEvent]:
    """These events, wherever they lie, with what hangs on them; in the log's order."""
    query = (
        select(*COLUMNS)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .where(among(Event.id, ids))
        .order_by(LogEntry.index.is_(None), LogEntry.index, Event.id)
    )
    return _stored(db.session.execute(query).all(), lambda column: among(column, ids))


def _stored(rows: Sequence[Any], of_these: Callable[[Any], Any]) -> list[StoredEvent]:
    things: defaultdict[int, set[tuple[int, str, int | None, str | None, int]]] = defaultdict(set)
    for event_id, role, identity, quantity, unit, visibility in db.session.execute(
        select(
            EventThing.event_id,
            EventThing.role,
            Thing.identity,
            EventThing.quantity,
            EventThing.unit,
            EventThing.visibility,
        )
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(of_these(EventThing.event_id))
    ):
        things[event_id].add((role, identity, to_micro(quantity), unit, visibility))
    keys: defaultdict[int, set[tuple[int, str, bool]]] = defaultdict(set)
    for event_id, issuer_id, event_key, declared in db.session.execute(
        select(
            EventKey.event_id, EventKey.issuer_id, EventKey.event_key, EventKey.error_declaration
        ).where(of_these(EventKey.event_id))
    ):
        keys[event_id].add((issuer_id, event_key, declared))
    return [
        StoredEvent._make(
            [
                row[0],
                bytes(row[1]),
                *row[2:11],
                None if row[11] is None else bytes(row[11]),
                *row[12:],
                frozenset(things[row[0]]),
                frozenset(keys[row[0]]),
            ]
        )
        for row in rows
    ]


__all__ = ["Difference", "Progress", "Summary", "audit", "one_state", "stored_events"]
