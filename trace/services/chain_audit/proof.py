"""The proof rules: signatures, keys, what the log holds, and whether rows say what was signed.

Statements and rows are checked as the audit of the whole database does (`services.audits.rows`),
keys are replayed from the log as everybody may (`core.statements.Keyrings`), and paths lead to the
newest signed checkpoint. One press never asks the network: what witnesses saw is told by their
signatures on our checkpoints and by what they were last known to have.

Not looked at here, but by the audit of the whole database (`trace log audit`): amounts held,
alerts, and rows that name no statement.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from itertools import chain as joined
from typing import Any, Final

import orjson
from sqlalchemy import func, select

from trace.core.signing import TrustError, parse_kid
from trace.core.statements import KeyEntry, Keyrings, kept_texts, parse_entry, root_kid, tags
from trace.core.statements.entries import ENTRY_LIMIT, ErasureEntry
from trace.core.statements.keyring import parse_key_record
from trace.core.tlog import (
    BrokenTiles,
    leaf_hash,
    open_checkpoint_by,
    verify_consistency,
    verify_inclusion,
)
from trace.core.verify.signed import known_keys
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Key, LogCheckpoint, LogWitness, Organisation, Takedown
from trace.services import bundles_reading, takedowns
from trace.services.audits.found import Difference
from trace.services.audits.rows import Known, Origin, check_piece
from trace.services.bundles_older import LogPart, log_parts, republished
from trace.services.chain_audit.found import Book
from trace.services.chain_audit.reading import Chain, open_unproven, unit_entries
from trace.services.keys import root_public
from trace.services.log_file import LogForked, read_kept
from trace.services.log_keys import known_verifiers
from trace.services.log_reading import Published, published, read_growth, warm_interiors
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation
from trace.services.sets import among
from trace.services.settings import current_settings

KEY_CODES: Final = frozenset({"unknown-key", "key-not-valid-then", "issuer-mismatch"})


def judge_proof(chain: Chain, book: Book, *, at: datetime) -> None:
    """All rules of the group, in the order of the proof; fills `chain.documents`."""
    parts = log_parts()
    rings = _keyrings(chain, parts, book)
    _judge_rows(chain, parts, rings, book, at)
    _judge_since(chain, parts, rings, book)
    newest = _judge_inclusion(chain, parts, book)
    _judge_complete(chain, book)
    _judge_growth(newest, book)


# -- keys --------------------------------------------------------------------------------------


def _keyrings(chain: Chain, parts: list[LogPart], book: Book) -> dict[int, Keyrings]:
    """The keyrings of everyone who signed in this chain, by the log's number."""
    key_rows = db.session.execute(
        select(Key.id, Key.kid, Organisation.code)
        .join(Organisation, Organisation.id == Key.organisation_id)
        .where(among(Key.id, sorted({row.key_id for row in chain.rows})))
    ).all()
    issuers = {row.issuer_id for row in chain.rows}
    codes = {row.code for row in key_rows}
    codes |= {row.code for row in chain.organisations.values() if row.id in issuers}
    oldest = min((row.place for row in chain.rows if row.place is not None), default=0)
    found = {}
    for part in parts:
        if part.end is not None and part.end <= oldest:
            continue
        entries = _key_entries(part, codes)
        rings = Keyrings(
            part.origin,
            root_public(),
            issuer_of(platform_organisation().code),
            _inspectors(entries.values()),
        )
        for place in sorted(entries):
            entry = entries[place]
            try:
                rings.apply(place - part.start, entry)
            except TrustError as error:
                book.find(
                    "key-valid", "high", "key-entry", place=place, why=error.code, got=error.detail
                )
        found[part.number] = rings
    return found


def _key_entries(part: LogPart, codes: Collection[str]) -> dict[int, KeyEntry]:
    waiting, done, found = set(codes), set[str](), dict[int, KeyEntry]()
    while waiting:
        known = bundles_reading.key_places(waiting)
        places = {place for some in known.values() for place in some if part.holds(place)}
        done |= waiting
        rows = [*bundles_reading.entries_at(places), *republished(part, waiting)]
        waiting = set()
        for row in rows:
            try:
                entry = parse_entry(row.entry.encode())
            except TrustError:
                continue  # then its key is unknown, and the statements say so
            if isinstance(entry, KeyEntry):
                found[row.place] = entry
                waiting |= _signers(entry) - done
    return found


def _signers(entry: KeyEntry) -> set[str]:
    """Codes of the organisations that signed a key entry; the platform's root is none's."""
    try:
        _, signatures = parse_key_record(entry.jws)
    except TrustError:
        return set()
    issuers = {parse_kid(one.kid).issuer: one.kid for one in signatures}
    return {who.rpartition(":")[2] for who, kid in issuers.items() if kid != root_kid(who)}


def _inspectors(entries: Iterable[KeyEntry]) -> frozenset[str]:
    """Those who signed some of these and are authorities."""
    codes = sorted(set(joined.from_iterable(_signers(one) for one in entries)))
    query = select(Organisation.code).where(
        among(Organisation.code, codes), Organisation.kind == "authority"
    )
    return (
        frozenset(issuer_of(code) for code in db.session.scalars(query)) if codes else frozenset()
    )


def _judge_since(
    chain: Chain, parts: list[LogPart], rings: dict[int, Keyrings], book: Book
) -> None:
    """Statements from the index on from which a key's end says not to rely on it."""
    kids = {
        row.id: row.kid
        for row in db.session.execute(
            select(Key.id, Key.kid).where(among(Key.id, sorted({r.key_id for r in chain.rows})))
        )
    }
    flagged: dict[str, list[int]] = {}
    for row in chain.rows:
        part = next((one for one in parts if row.place is not None and one.holds(row.place)), None)
        if part is None or row.place is None or part.number not in rings:
            continue
        state = rings[part.number].keys.get(kids.get(row.key_id, ""))
        if state is None:
            continue
        book.saw("key-since")
        if state.flagged_at(row.place - part.start):
            flagged.setdefault(kids[row.key_id], []).append(row.id)
    for kid, events in sorted(flagged.items()):
        name = kid.rpartition("#")[2]
        book.find("key-since", "medium", "key-since", events=events, key=name, count=len(events))


# -- statements and rows -----------------------------------------------------------------------


def _judge_rows(
    chain: Chain, parts: list[LogPart], rings: dict[int, Keyrings], book: Book, at: datetime
) -> None:
    """Every statement and every row that copies from it (services.audits.rows, rules 1 to 3)."""
    known = _known(chain, parts, rings, at)
    checked = check_piece(chain.rows, known, keep_opened=True)
    chain.opened = checked.opened or {}
    for row in chain.rows:
        opened = chain.opened.get(row.id)
        document = opened.event if opened is not None else open_unproven(row)
        if document is not None:
            chain.documents[row.id] = document
    wrong: dict[str, dict[int, list[Difference]]] = {}
    places = {row.place: row.id for row in chain.rows}
    for one in checked.found:
        wrong.setdefault(_rule_of(one), {}).setdefault(_event_of(one, places), []).append(one)
    for rule in ("signature", "key-valid", "row-edited"):
        book.saw(rule, len(chain.rows))
    for rule, by_event in wrong.items():
        for event, some in sorted(by_event.items()):
            _tell(book, rule, event, some)


def _tell(book: Book, rule: str, event: int, some: list[Difference]) -> None:
    first = some[0]
    if rule == "row-edited":
        columns = sorted({f"{one.table}.{one.column}" for one in some})
        book.find(
            rule,
            "high",
            "row-edited",
            events=[event],
            columns=", ".join(columns),
            expected=_short(first.expected),
            got=_short(first.got),
        )
        return
    book.find(rule, "high", rule, events=[event], why=first.code or "none", got=_short(first.got))


def _rule_of(one: Difference) -> str:
    if one.table == "log_entries":
        return "log-inclusion"
    if one.column == "jwt" and one.code:
        return "key-valid" if one.code in KEY_CODES else "signature"
    return "row-edited"


def _event_of(one: Difference, places: dict[int | None, int]) -> int:
    digits = one.row.removeprefix("event ")
    if one.table == "log_entries" and digits == one.row:
        return places.get(int(digits), 0)
    return int(digits)


def _short(text: str) -> str:
    return text if len(text) <= 160 else text[:157] + "…"


def _known(chain: Chain, parts: list[LogPart], rings: dict[int, Keyrings], at: datetime) -> Known:
    end = max((row.place for row in chain.rows if row.place is not None), default=0) + 1
    return Known(
        id_base=current_settings().id_base,
        now=at,
        origins=tuple(
            Origin(part.start, part.end or max(end, part.start), known_keys(rings[part.number]))
            for part in parts
            if part.number in rings
        ),
        organisations={issuer_of(row.code): row.id for row in chain.organisations.values()},
        kids={
            row.id: row.kid
            for row in db.session.execute(
                select(Key.id, Key.kid).where(among(Key.id, sorted({r.key_id for r in chain.rows})))
            )
        },
        own={},
        erased=_erased(chain),
    )


def _erased(chain: Chain) -> frozenset[str]:
    """Digests of what the log says was erased of these statements, and of what was taken down."""
    # Most have no null in any sense; whether it is an erased disclosure's, only reading tells.
    ids = [
        row.id
        for row in chain.rows
        if "null" in row.disclosures and None in kept_texts(row.disclosures)
    ]
    if not ids:
        return frozenset()
    digests: set[str] = set()
    for row in bundles_reading.entries_at(bundles_reading.erasure_places(ids)):
        entry = parse_entry(row.entry.encode())
        if isinstance(entry, ErasureEntry):
            digests.update(entry.digests)
    down = db.session.scalar(
        select(func.count()).select_from(Takedown).where(among(Takedown.event_id, ids))
    )
    return frozenset(digests) | (takedowns.withheld_digests() if down else frozenset())


# -- the log -----------------------------------------------------------------------------------


def _judge_inclusion(chain: Chain, parts: list[LogPart], book: Book) -> Published | None:
    """Each entry's path to the newest signed checkpoint of its log."""
    newest: Published | None = None
    waiting = sum(row.place is None for row in chain.rows)
    for part in parts:
        rows = [row for row in chain.rows if row.place is not None and part.holds(row.place)]
        try:
            log = published(part.number)
            checkpoint = open_checkpoint_by(log.note, known_verifiers(log.origin))
        except NotFound:
            waiting += len(rows)
            continue
        except TrustError as error:
            if rows:
                book.find("log-inclusion", "high", "checkpoint", why=error.code, size=log.size)
            continue
        if part.end is None:
            newest = log
        indexes = {
            row.place - part.start: row
            for row in rows
            if row.place is not None and row.place - part.start < log.size
        }
        waiting += len(rows) - len(indexes)
        book.saw("log-inclusion", len(indexes))
        bad = []
        proofs = bundles_reading.paths(
            part.number, log.size, sorted(indexes), warm_interiors(part.number)
        )
        try:
            for index, path in proofs:
                leaf = leaf_hash((indexes[index].entry or "").encode())
                try:
                    verify_inclusion(leaf, index, log.size, path, checkpoint.root)
                except TrustError:
                    bad.append(indexes[index].id)
        except BrokenTiles as error:
            book.find("log-inclusion", "high", "tiles", why=error.code, size=log.size)
        if bad:
            book.find(
                "log-inclusion", "high", "not-in-tree", events=bad, count=len(bad), size=log.size
            )
    if waiting:
        book.miss("log-inclusion", "waiting", count=waiting)
    return newest


def _judge_complete(chain: Chain, book: Book) -> None:
    """Every link 0, 1, … of each thing's chain stands in the entries of what names it: a statement
    that was taken out of the database leaves a hole."""
    if chain.truncated:
        book.miss("log-complete", "cut")
        return
    family = [chain.things[one] for one in sorted(chain.family) if one in chain.things]
    chained = [one for one in family if one.salt is not None]
    lots = [one.id for one in chained if one.kind == "lot"]
    more = unit_entries(lots, [row.id for row in chain.rows]) if lots else []
    if more is None:
        book.miss("log-complete", "many-units")
        return
    entries = [(row.place, row.entry) for row in chain.rows if row.place is not None and row.entry]
    links: set[str] = set()
    overflow: set[int] = set()
    for place, entry in (*entries, *more):
        links.update(_links(entry))
        if len(entry) > ENTRY_LIMIT // 2:
            overflow.add(place + 1)
    while overflow:
        rows = [r for r in bundles_reading.entries_at(overflow) if r.event_id is None]
        for row in rows:
            links.update(_links(row.entry))
        overflow = {row.place + 1 for row in rows if '"type":"links"' in row.entry[:40]}
    for one in chained:
        if one.salt is None or len(one.salt) != 32 or one.head < 0:
            book.find("log-complete", "high", "chain-edited", things=[one.identity])
            continue
        made = tags(one.salt, one.identity, 0, one.head + 1)
        missing = [n for n, tag in enumerate(made[:-1]) if tag not in links]
        book.saw("log-complete", one.head)
        if missing:
            book.find(
                "log-complete",
                "high",
                "link-missing",
                things=[one.identity],
                link=missing[0],
                count=len(missing),
                of=one.head,
            )
        if made[-1] in links:
            book.find("log-complete", "high", "link-beyond", things=[one.identity], head=one.head)


def _links(entry: str) -> list[str]:
    try:
        links: Any = orjson.loads(entry).get("links", ())
    except (ValueError, AttributeError):
        return []
    return [one for one in links if isinstance(one, str)] if isinstance(links, list) else []


def _judge_growth(log: Published | None, book: Book) -> None:
    """The newest checkpoint grew out of the one kept outside the database, and out of what
    witnesses cosigned; no witness has seen more than this database holds."""
    if log is None:
        book.miss("log-consistent", "no-checkpoint")
        book.miss("log-witnessed", "no-checkpoint")
        return
    try:
        kept = read_kept(log.number, log.origin, known_verifiers(log.origin))
    except LogForked as error:
        book.find("log-consistent", "high", "file-broken", why=error.code)
        kept = None
    else:
        if kept is None:
            book.miss("log-consistent", "no-file")
    if kept is not None:
        book.saw("log-consistent")
        _grown(book, "log-consistent", log, kept.checkpoint.size, kept.checkpoint.root)
    _judge_witnessed(log, book)


def _judge_witnessed(log: Published, book: Book) -> None:
    row = db.session.scalar(
        select(LogCheckpoint)
        .where(
            LogCheckpoint.witnessed_at.is_not(None),
            LogCheckpoint.size > log.start,
            LogCheckpoint.size <= log.start + log.size,
        )
        .order_by(LogCheckpoint.size.desc())
        .limit(1)
    )
    ahead = db.session.scalar(select(func.max(LogWitness.size))) or 0
    if ahead > log.start + log.size:
        book.saw("log-witnessed")
        book.find("log-witnessed", "high", "witness-ahead", size=log.size, seen=ahead - log.start)
    if row is None:
        if ahead <= log.start + log.size:
            book.miss("log-witnessed", "no-witness")
        return
    book.saw("log-witnessed")
    try:
        seen = open_checkpoint_by(row.note, known_verifiers(log.origin))
    except TrustError as error:
        book.find("log-witnessed", "high", "checkpoint", why=error.code, size=row.size)
        return
    _grown(book, "log-witnessed", log, seen.size, seen.root)


def _grown(book: Book, rule: str, log: Published, size: int, old_root: bytes) -> None:
    if size > log.size:
        book.find(rule, "high", "log-shorter", size=log.size, seen=size)
        return
    try:
        growth = read_growth(size, log.size, log.number)
        verify_consistency(size, log.size, old_root, growth.new_root, growth.proof)
        newest = open_checkpoint_by(log.note, known_verifiers(log.origin))
        if newest.root != growth.new_root:
            book.find(rule, "high", "log-forked", size=log.size, seen=size)
    except TraceError as error:
        book.find(rule, "high", "log-forked", size=log.size, seen=size, why=error.code)
