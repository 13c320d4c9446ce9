"""Rows of events held against their statements: pure, in any process.

1. The JWT is signed by a key of its issuer that the log had at that place, and its hash is in the
   entry bound to the row.
2. Every kept disclosure belongs to one digest, in the order in which they were made; what is gone
   was erased by an entry of the log.
3. Every column follows from JWT, disclosures or entry; so do the rows of event_things and
   event_keys. `private` copies nothing: it is a list of paths, and the visibility of things
   follows from it; rows that hide otherwise than the policy does are counted, never refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from trace.core.epcis import Checker, JsonObject
from trace.core.signing import DisclosureMismatch, TrustError, Unreadable, parse_compact
from trace.core.statements import Opened, keep_changed, kept_texts
from trace.core.statements.build import TYP, escape
from trace.core.statements.opening import open_parsed
from trace.core.verify.signed import KnownKey, check_entry, key_at
from trace.errors import TraceError
from trace.models.events import TYPES
from trace.models.types import to_micro
from trace.services.audits.found import Difference
from trace.services.capture.holdings import changes, is_sold, moved_crates, on_sale_at
from trace.services.capture.prepare import Prepared, Reader, event_key_digest, place_of
from trace.services.visibility import private_members


class StoredEvent(NamedTuple):
    """A row of `events` with everything that hangs on it."""

    id: int
    statement_id: bytes
    issuer_id: int
    key_id: int
    type: int
    action: str | None
    event_time: datetime
    biz_step: str | None
    disposition: str | None
    read_point: str | None
    biz_location: str | None
    corrects: bytes | None
    notice: str | None
    jwt: str
    disclosures: str
    private: str
    place: int | None  # in the log; None where no entry is bound to the row
    entry: str | None
    things: frozenset[tuple[int, str, int | None, str | None, int]]
    keys: frozenset[tuple[int, str, bool]]


@dataclass(frozen=True, slots=True)
class Origin:
    """The places of one origin's log and the keys it knows, by its own indexes."""

    start: int
    end: int
    keys: Mapping[str, KnownKey]


@dataclass(frozen=True, slots=True)
class Known:
    """What the checks of rows need from elsewhere; sent to every process."""

    id_base: str
    now: datetime
    origins: tuple[Origin, ...]
    organisations: Mapping[str, int]  # DID: row id
    kids: Mapping[int, str]  # row id of a key: its kid
    own: Mapping[int, frozenset[str]]  # row id of an organisation: the URIs that mean it
    erased: frozenset[str]  # digests


class Mention(NamedTuple):
    """A thing as an event names it."""

    role: int
    identity: str
    kind: str
    lot: str | None
    product: str | None  # the trade item, by the thing's own name
    told: str | None  # the trade item that the event's ilmd names
    unit: str | None
    micro: int | None
    stamp: tuple[str, str] | None = None  # of a unit, as its roll would list it


@dataclass(frozen=True, slots=True)
class Fact:
    """What one event means for things, holdings and alerts."""

    id: int
    place: int
    issuer_id: int
    statement_id: bytes
    moment: str
    creates: frozenset[int]
    mentions: tuple[Mention, ...]
    changes: tuple[tuple[str, str, Decimal], ...]
    moves: tuple[tuple[str, int], ...]
    packing: int  # +1 packed, -1 unpacked or taken back, 0 neither
    at: tuple[str | None, bool] | None  # where its lots lie afterwards, and whether on sale
    hidden: bool  # where that is was erased
    notice: str | None
    hazard: str
    ends: tuple[str, ...]
    declared: bool  # an error declaration
    corrects: bytes | None  # the statement it is about


@dataclass(slots=True)
class Checked:
    """The answer for some rows."""

    done: int = 0
    found: list[Difference] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    otherwise: int = 0  # rows that hide otherwise than the policy
    untold: int = 0  # rows whose facts are not known, so that nothing can be folded
    # By row id, where asked for: the statements whose signature and disclosures hold.
    opened: dict[int, Opened] | None = None


def check_piece(rows: Sequence[StoredEvent], known: Known, *, keep_opened: bool = False) -> Checked:
    """Checks some rows; runs in any process."""
    checked = Checked(len(rows), opened={} if keep_opened else None)
    checker, reader = Checker(now=known.now, id_base=known.id_base), Reader(known.id_base)
    for row in rows:
        before = len(checked.facts)
        checked.found += _check_row(row, known, checked, checker, reader)
        checked.untold += len(checked.facts) == before
    return checked


def _check_row(
    row: StoredEvent, known: Known, checked: Checked, checker: Checker, reader: Reader
) -> Iterator[Difference]:
    name = str(row.id)
    opened = None
    try:
        texts = _texts(row)
        kept = [text for text in texts if text is not None]
        compact = parse_compact(row.jwt, typ=TYP)
        if known.kids.get(row.key_id) != compact.kid:
            got = str(known.kids.get(row.key_id))
            yield Difference("events", name, "key_id", compact.kid, got)
        index, keys = _where(row, known)
        opened = open_parsed(compact, kept, key_at(keys, compact.kid, index))
        if checked.opened is not None:
            checked.opened[row.id] = opened
    except DisclosureMismatch as error:
        yield Difference("events", name, "disclosures", error.expected, error.got, error.code)
    except TrustError as error:
        got = f"{error.got} ({error.code})"
        yield Difference("events", name, "jwt", error.expected, got, error.code)
    if row.place is None or row.entry is None:
        yield Difference("log_entries", f"event {name}", "event_id", "an entry", "none")
    if opened is None or row.place is None or row.entry is None:
        return
    try:
        check_entry(row.entry.encode(), row.jwt)
    except TrustError as error:
        got = error.got
        yield Difference("log_entries", str(row.place), "event_id", error.expected, got, error.code)
    yield from _check_erased(name, opened, known.erased, gone=len(kept) != len(texts))
    for column, expected in _columns(opened, known).items():
        got_value = getattr(row, column)
        if got_value != expected:
            yield Difference("events", name, column, str(expected), str(got_value))
    yield from _check_keys(row, opened)
    yield from _check_story(row, opened, known, checked, checker, reader)


def _check_story(
    row: StoredEvent,
    opened: Opened,
    known: Known,
    checked: Checked,
    checker: Checker,
    reader: Reader,
) -> Iterator[Difference]:
    """Rule 3 for things and what hides them; and the fact."""
    name, hidden = str(row.id), _hidden(row.private)
    if hidden is None:
        yield Difference("events", name, "private", "a list of paths", row.private[:80])
        return
    whole = {n: v for n, v in opened.event.items() if n not in ("trace:corrects", "trace:members")}
    try:
        checker.check(whole)
        prepared = reader.read(whole, hidden, "")
    except TraceError as error:
        if not opened.hidden_digests:  # what an erasure leaves may be no whole event
            yield Difference("events", name, "jwt", "an event by our rules", error.detail)
        return
    policy = private_members(whole, known.own.get(row.issuer_id, frozenset()))
    checked.otherwise += sorted(hidden) != sorted(policy)
    yield from _check_things(row, prepared)
    prepared.corrects = row.corrects
    gone = not {"bizLocation", "readPoint"}.isdisjoint(opened.withheld)
    checked.facts.append(_fact(row, prepared, place_gone=gone))


def _texts(row: StoredEvent) -> list[str | None]:
    try:
        texts = kept_texts(row.disclosures)
        same = keep_changed(row.disclosures, texts)
    except Unreadable:
        raise DisclosureMismatch("a list of disclosures", row.disclosures[:40]) from None
    if same != row.disclosures:
        raise DisclosureMismatch("a list as it was written", "another form of it")
    return texts


def _where(row: StoredEvent, known: Known) -> tuple[int, Mapping[str, KnownKey]]:
    """The row's index in its origin's log, and that log's keys. A row without an entry is held
    against every key that ever counted."""
    for origin in known.origins:
        if row.place is not None and origin.start <= row.place < origin.end:
            return row.place - origin.start, origin.keys
    every = {kid: key for origin in known.origins for kid, key in origin.keys.items()}
    start = every[kid].start if (kid := known.kids.get(row.key_id, "")) in every else 0
    return start, every


def _check_erased(
    name: str, opened: Opened, erased: Collection[str], *, gone: bool
) -> Iterator[Difference]:
    """Rule 2."""
    unasked = [digest for digest in opened.hidden_digests if digest not in erased]
    if unasked:
        yield Difference(
            "events", name, "disclosures", "what the log does not say is erased", unasked[0]
        )
    if gone != bool(opened.hidden_digests):
        expected = "null for each that is erased"
        yield Difference("events", name, "disclosures", expected, "another number of them")
    if not _in_order(opened):
        yield Difference("events", name, "disclosures", "the order of the members", "another")


def _in_order(opened: Opened) -> bool:
    members = opened.payload["credentialSubject"]["trace:members"]
    rank = {path: place for place, path in enumerate(members)}
    last = (-1, -1)
    for path in opened.shown.values():
        parts = [escape(part) for part in path[1:] if isinstance(part, str)]
        index = path[-1] if isinstance(path[-1], int) else -1
        here = (rank.get("/".join(parts), -1), index)
        if here <= last:
            return False
        last = here
    return True


def _columns(opened: Opened, known: Known) -> dict[str, Any]:
    """The columns of an event row as its statement tells them."""
    core: JsonObject = opened.payload["credentialSubject"]
    corrects, notice = core.get("trace:corrects"), core.get("trace:notice")
    found = {
        "statement_id": UUID(opened.statement_id[9:]).bytes,
        "issuer_id": known.organisations.get(opened.issuer),
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
        found[column] = place_of(place["id"], known.id_base) if place else None
    return found


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def _check_keys(row: StoredEvent, opened: Opened) -> Iterator[Difference]:
    event_id = opened.event.get("eventID")
    declared = "errorDeclaration" in opened.event
    wanted = {(row.issuer_id, event_key_digest(event_id), declared)} if event_id else set()
    if row.keys != wanted:
        got = str(set(row.keys))
        yield Difference("event_keys", f"event {row.id}", "rows", str(wanted), got)


def _check_things(row: StoredEvent, prepared: Prepared) -> Iterator[Difference]:
    expected = {
        (m.role, m.name.identity, to_micro(m.quantity), m.unit, m.visibility)
        for m in prepared.things
    }
    if row.things != expected:
        missing, extra = expected - row.things, row.things - expected
        yield Difference("event_things", f"event {row.id}", "rows", str(missing), str(extra))


def _hidden(text: str) -> list[str] | None:
    try:
        paths = orjson.loads(text)
    except ValueError:
        return None
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        return None
    return None if orjson.dumps(paths).decode() != text else paths


def _fact(row: StoredEvent, p: Prepared, *, place_gone: bool) -> Fact:
    action = p.action
    packing = 0
    if p.type == "AggregationEvent" and action in ("ADD", "DELETE"):
        packing = (-1 if action == "DELETE" else 1) * (-1 if p.corrects is not None else 1)
    sale = on_sale_at(p)
    told = (p.biz_location or place_gone) and not p.error_declaration and not is_sold(p)
    return Fact(
        id=row.id,
        place=row.place or 0,
        issuer_id=row.issuer_id,
        statement_id=row.statement_id,
        moment=(row.entry or "").partition('"t":"')[2][:24],
        creates=p.creates,
        mentions=tuple(
            Mention(
                m.role,
                m.name.identity,
                m.name.kind,
                m.name.lot.identity if m.name.lot else None,
                m.name.product,
                p.product_of.get(m.name.identity),
                m.unit,
                to_micro(m.quantity),
                m.name.stamp,
            )
            for m in p.things
        ),
        changes=tuple(changes(p)),
        moves=tuple(moved_crates(p)),
        packing=packing,
        at=(sale or p.biz_location, sale is not None) if told else None,
        hidden=place_gone,
        notice=p.notice,
        hazard=p.hazard,
        ends=tuple(p.ends),
        declared=p.error_declaration,
        corrects=p.corrects,
    )
