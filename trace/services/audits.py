"""The database held against what it was made from: statements, disclosures and the log.

Every column of the event tables that copies something is computed again and compared; every
signature, digest, link and hash is checked. What was changed behind the application's back is
named by table, row and column. Not covered, because they copy nothing: `events.private` (what the
issuer shows, not what it said) and row ids.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select

from trace.core.epcis import JsonObject, check_event
from trace.core.signing import PublicKey
from trace.core.statements import (
    KEYRING_SALT,
    Opened,
    keyring_identity,
    open_statement,
    parse_entry,
    statement_hash,
    tag,
    use_identity,
    verify_signature,
)
from trace.core.statements.entries import EventEntry, LinksEntry
from trace.core.tlog import Checkpoint, append, leaf_hash, parse_note
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Event, EventKey, EventThing, Key, LogEntry, LogState, Organisation, Thing
from trace.models.events import TYPES
from trace.models.types import to_micro
from trace.services.capture.prepare import Prepared, event_key_digest, place_of, understand
from trace.services.log_reading import published
from trace.services.naming import issuer_of
from trace.services.settings import current_settings

BATCH = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """Something stored that does not follow from what was signed and logged."""

    table: str
    row: str
    column: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"{self.table} {self.row} {self.column}: expected {self.expected}, got {self.got}"


def audit_events(*, now: datetime) -> Iterator[Difference]:
    """Every difference in the event tables, oldest event first; nothing for a sound database."""
    yield from audit_log()
    entries = _Entries()
    last = 0
    while True:
        rows = db.session.scalars(
            select(Event).where(Event.id > last).order_by(Event.id).limit(BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        entries.load([row.id for row in rows])
        for row in rows:
            yield from _audit_event(row, entries, now)
        db.session.expunge_all()


def audit_log() -> Iterator[Difference]:
    """Entries in order, times never decreasing, every chain without a gap, the root as signed."""
    last_time: datetime | None = None
    links: defaultdict[str, list[int]] = defaultdict(list)
    expected = 0
    leaves: list[bytes] = []
    query = select(LogEntry.index, LogEntry.entry).order_by(LogEntry.index)
    for index, text in db.session.execute(query).yield_per(5000):
        if index != expected:
            yield Difference("log_entries", str(expected), "idx", str(expected), str(index))
            expected = index
        expected += 1
        leaves.append(leaf_hash(text.encode()))
        try:
            entry = parse_entry(text.encode())
        except TraceError as error:
            yield Difference("log_entries", str(index), "entry", "a log entry", error.detail)
            continue
        if last_time is not None and entry.t < last_time:
            yield Difference(
                "log_entries", str(index), "entry", f"t from {last_time}", str(entry.t)
            )
        last_time = entry.t
        for link in getattr(entry, "links", ()):
            links[link].append(index)
    size = db.session.scalar(select(LogState.size).order_by(LogState.id.desc()).limit(1)) or 0
    if size != expected:
        yield Difference("log_state", "1", "size", str(expected), str(size))
    yield from _audit_chains(links)
    for number in db.session.scalars(select(LogState.id)):
        try:
            log = published(number)
        except NotFound:
            continue
        root = Checkpoint.parse(parse_note(log.note).text).root
        made = append(0, _Nothing(), leaves[log.start : log.start + log.size]).root
        if made != root:
            where = f"{log.start}..{log.start + log.size - 1}"
            yield Difference("log_entries", where, "entry", f"root {root.hex()}", made.hex())


class _Nothing:
    """An empty tile store: the tree is built from its leaves alone."""

    def read(self, level: int, index: int, width: int) -> bytes:
        return b""


def _audit_chains(links: dict[str, list[int]]) -> Iterator[Difference]:
    chains = [
        ("things", str(t.id), t.salt, t.identity, t.head)
        for t in db.session.scalars(select(Thing).where(Thing.salt.is_not(None)))
    ]
    for o in db.session.scalars(select(Organisation)):
        issuer = issuer_of(o.code)
        chains.append(("use_head", str(o.id), o.use_salt, use_identity(issuer), o.use_head))
        ring = keyring_identity(issuer)
        chains.append(("keyring_head", str(o.id), KEYRING_SALT, ring, o.keyring_head))
    for kind, row, salt, identity, head in chains:
        table, column = ("things", "head") if kind == "things" else ("organisations", kind)
        indexes = []
        for n in range(head):
            found = links.get(tag(salt or b"", identity, n), [])
            if len(found) != 1:
                yield Difference(table, row, column, f"link {n} once", f"{len(found)} times")
                break
            indexes += found
        if indexes != sorted(indexes):
            yield Difference(table, row, column, "links in the log's order", str(indexes))
        if links.get(tag(salt or b"", identity, head)):
            yield Difference(table, row, column, f"more than {head}", str(head))


class _Entries:
    """What belongs to a batch of events, each kind with one query."""

    def load(self, ids: Sequence[int]) -> None:
        first, last = ids[0], ids[-1]
        self.logged: dict[int, tuple[int, str]] = {
            event: (index, entry)
            for event, index, entry in db.session.execute(
                select(LogEntry.event_id, LogEntry.index, LogEntry.entry).where(
                    LogEntry.event_id.between(first, last)
                )
            )
            if event is not None
        }
        self.things: defaultdict[int, set[tuple[Any, ...]]] = defaultdict(set)
        named = select(EventThing, Thing.identity).join(Thing, Thing.id == EventThing.thing_id)
        for row, identity in db.session.execute(
            named.where(EventThing.event_id.between(first, last))
        ):
            self.things[row.event_id].add(
                (row.role, identity, to_micro(row.quantity), row.unit, row.visibility)
            )
        self.keys: defaultdict[int, set[tuple[int, str, bool]]] = defaultdict(set)
        for key in db.session.scalars(
            select(EventKey).where(EventKey.event_id.between(first, last))
        ):
            self.keys[key.event_id].add((key.issuer_id, key.event_key, key.error_declaration))


def _audit_event(row: Event, entries: _Entries, now: datetime) -> Iterator[Difference]:
    name = str(row.id)
    try:
        texts: list[str | None] = orjson.loads(row.disclosures)
        shown = "".join(f"{text}~" for text in texts if text is not None)
        opened = open_statement(f"{row.jwt}~{shown}")
        key = db.session.get(Key, row.key_id)
        if key is None or key.kid != opened.kid:
            kid = None if key is None else key.kid
            yield Difference("events", name, "key_id", opened.kid, str(kid))
        else:
            verify_signature(row.jwt, PublicKey.from_jwk(orjson.loads(key.jwk)))
    except (TraceError, ValueError) as error:
        yield Difference(
            "events", name, "jwt or disclosures", "a statement that verifies", str(error)
        )
        return
    for column, expected in _columns(opened).items():
        got = getattr(row, column)
        if got != expected:
            yield Difference("events", name, column, str(expected), str(got))
    yield from _audit_entry(row, name, entries)
    yield from _audit_index(row, name, opened, entries, now, erased=None in texts)


def _columns(opened: Opened) -> dict[str, Any]:
    """The columns of an event row as its statement tells them."""
    core: JsonObject = opened.payload["credentialSubject"]
    corrects, notice = core.get("trace:corrects"), core.get("trace:notice")
    id_base = current_settings().id_base
    code = opened.issuer.rpartition(":")[2]
    issuer = db.session.scalar(select(Organisation.id).where(Organisation.code == code))
    found = {
        "statement_id": UUID(opened.statement_id[9:]).bytes,
        "issuer_id": issuer,
        "type": TYPES.index(core["type"]),
        "action": core.get("action"),
        "event_time": _moment(core["eventTime"]),
        "biz_step": (core.get("bizStep") or "")[:100] or None,
        "disposition": (core.get("disposition") or "")[:100] or None,
        "corrects": UUID(corrects[9:]).bytes if corrects else None,
        "notice": notice.get("kind") if isinstance(notice, dict) else notice,
    }
    for member, column in (("readPoint", "read_point"), ("bizLocation", "biz_location")):
        place = opened.event.get(member)
        found[column] = place_of(place["id"] if place else None, id_base)
    return found


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _audit_entry(row: Event, name: str, entries: _Entries) -> Iterator[Difference]:
    found = entries.logged.get(row.id)
    if found is None:
        yield Difference("log_entries", f"event {name}", "event_id", "an entry", "none")
        return
    index, text = found
    try:
        entry = parse_entry(text.encode())
    except TraceError:
        return  # named by audit_log
    if not isinstance(entry, EventEntry | LinksEntry) or entry.h != statement_hash(row.jwt):
        got = getattr(entry, "h", type(entry).__name__)
        yield Difference("log_entries", str(index), "event_id", statement_hash(row.jwt), str(got))


def _audit_index(
    row: Event, name: str, opened: Opened, entries: _Entries, now: datetime, *, erased: bool
) -> Iterator[Difference]:
    event_id = opened.event.get("eventID")
    keys = entries.keys[row.id]
    declared = "errorDeclaration" in opened.event
    wanted = {(row.issuer_id, event_key_digest(event_id), declared)} if event_id else set()
    if keys != wanted:
        yield Difference("event_keys", f"event {name}", "event_key", str(wanted), str(keys))
    if erased:
        return  # what is left may no longer be a whole event; its core columns were compared
    hidden = orjson.loads(row.private)
    prepared = _understood(opened.event, hidden, now)
    expected = {
        (m.role, m.name.identity, to_micro(m.quantity), m.unit, m.visibility)
        for m in prepared.things
    }
    if entries.things[row.id] != expected:
        missing, extra = expected - entries.things[row.id], entries.things[row.id] - expected
        yield Difference("event_things", f"event {name}", "rows", str(missing), str(extra))


def _understood(document: JsonObject, hidden: list[str], now: datetime) -> Prepared:
    id_base = current_settings().id_base
    whole = {n: v for n, v in document.items() if n not in ("trace:corrects", "trace:members")}
    event = check_event(whole, now=now, id_base=id_base)
    return understand(event, whole, hidden, id_base, {}, frozenset(), "")
