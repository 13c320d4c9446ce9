"""The bundle of a thing: everything that proves what its page shows (formats, section 6).

Rules.
1. Statements are those the thing's passport tells of, their corrections, and the notices that stand
   on it, each with the disclosures its audience may see. What else a disclosed chain holds is there
   as its bare entry: that it exists cannot be hidden, what it says can.
2. Disclosed chains: the thing's own (a unit's is its lot's), those of its ancestors as far as the
   shown statements name them, and the keyrings of everyone whose keys were used.
3. One checkpoint for all: the newest that witnesses cosigned if it covers everything, otherwise the
   newest. All paths lead to it and the receipt is made for it, by the platform's receipt key.
4. What the checkpoint does not cover yet is left out; it will be covered within seconds.
5. A history that began before the log was begun anew is a bundle of version 2: the older logs
   stand in it with checkpoints of their own (bundles_older).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from typing import Final

from cachetools import LRUCache
from flask import current_app
from sqlalchemy import select

from trace.core.signing import JsonObject, TrustError, Unreadable, parse_kid
from trace.core.statements import (
    KEYRING_SALT,
    BundledChain,
    BundledEntry,
    BundledLog,
    BundledStatement,
    Head,
    Opened,
    ReceiptLog,
    Since,
    keyring_identity,
    make_bundle,
    make_receipt,
    parse_entry,
    root_kid,
    tag,
)
from trace.core.statements.bundles import MAX_BYTES
from trace.core.statements.entries import ENTRY_LIMIT, EventEntry, KeyEntry
from trace.core.statements.keyring import parse_key_record
from trace.core.tlog import Checkpoint, consistency_proof, open_checkpoint_by, parse_note
from trace.core.verify.things import things_of
from trace.errors import TraceError
from trace.extensions import db
from trace.models import LogCheckpoint
from trace.services import bundles_reading as reading
from trace.services.bundles_older import (
    LogPart,
    SeveralLogs,
    Shown,
    log_parts,
    republished,
    show_older,
)
from trace.services.bundles_reading import (
    BundleTooLarge,
    EntryRow,
    NoChain,
    StatementRow,
    ThingRow,
)
from trace.services.bundles_showing import StatementBroken, attached, show
from trace.services.keys import signing_key
from trace.services.log import current_state
from trace.services.log_keys import verifiers
from trace.services.log_reading import Published, published, warm_interiors
from trace.services.naming import issuer_of
from trace.services.passports import passport_of
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings

KEPT_BYTES: Final = 64 * 1024 * 1024
UPSTREAM: Final = frozenset({"input", "child"})
DOWNSTREAM: Final = frozenset({"output", "parent"})


class NotPublished(TraceError):
    code = "not-published"
    status = 503
    message = "The log has not published this yet."
    next_step = "Try again in a few seconds."


class ChainBroken(TraceError):
    code = "chain-broken"
    status = 503
    message = "The log lacks a link of %(identity)s that was given out."
    next_step = "Restore the database from its newest backup and refill the log from a mirror."


def bundle_of(thing_id: int, *, at: datetime, viewer: int | None = None) -> bytes:
    """The bundle of a thing for the public, or for the organisation `viewer` (a row id).

    Kept for as long as passport and checkpoint are the same. Call with nothing unwritten in the
    session. Raises NotFound, NoChain, NotPublished, SeveralLogs, BundleTooLarge, StatementBroken,
    ChainBroken.
    """
    subject = reading.chain_of(thing_id)
    passport = passport_of(thing_id, at=at)
    log = published(current_state().id)
    key = (thing_id, passport.thing_id, passport.version, log.number, log.note)
    if viewer is None and (kept := _kept().get(key)) is not None:
        return kept
    data = _Bundling(subject, thing_id, passport.document, at, viewer).make()
    if viewer is None and len(data) <= KEPT_BYTES:
        _kept()[key] = data
    return data


def _kept() -> LRUCache[tuple[object, ...], bytes]:
    kept: LRUCache[tuple[object, ...], bytes] = current_app.extensions.setdefault(
        "trace.bundles", LRUCache(maxsize=KEPT_BYTES, getsizeof=len)
    )
    return kept


@dataclass(slots=True)
class _Chain:
    """A disclosed chain with the places of its links 0, 1, … in the logs as they stand. A keyring
    is one such chain in each log: `log` is its number there, 0 for all other chains."""

    identity: str
    salt: bytes
    head: int
    log: int = 0
    places: list[int] = field(default_factory=list)


@dataclass(slots=True)
class _Bundling:
    subject: ThingRow
    thing_id: int
    document: JsonObject
    at: datetime
    viewer: int | None
    id_base: str = field(init=False)
    shown: dict[int, tuple[StatementRow, str, Opened]] = field(default_factory=dict)  # by row id
    entries: dict[int, EntryRow] = field(default_factory=dict)  # by place
    chains: dict[str, _Chain] = field(default_factory=dict)
    keyrings: list[_Chain] = field(default_factory=list)
    logs: list[LogPart] = field(default_factory=list)  # those that are needed, the newest last

    def make(self) -> bytes:
        self.id_base = current_settings().id_base
        self.logs = log_parts()
        self._show(self._told())
        while True:
            self._take(reading.entries_naming(self._follow()))
            own = self._own_besides()
            if not own:
                break
            self._show(reading.statements_by_id(own).values())
        self._take_what_belongs()
        oldest = min(self.entries, default=self.logs[-1].start)
        self.logs = [part for part in self.logs if part.end is None or part.end > oldest]
        for part in self.logs:
            self._take_keys(part)
        self._take(reading.entries_at({part.start for part in self.logs[1:]}))
        log, checkpoint = self._choose()
        return self._write(log, checkpoint)

    # Rule 1.

    def _told(self) -> Iterable[StatementRow]:
        """The statements of the passport, declarations about them, and notices that stand."""
        # Errors mended in time are told on no page; what they led to must not be lost with them.
        named: set[str] = set(self.document.get("mended", ()))
        for line in self.document["lines"]:
            for one in (line, *line.get("was", ())):
                named.add(one["statement"])
                named |= {one[word]["statement"] for word in ("voided", "corrected") if word in one}
        rows = reading.statements_by_uuid(named)
        issuers = {row.issuer_id for name, row in rows.items() if name in named}
        found = {n: row for n, row in rows.items() if n in named or row.issuer_id in issuers}
        missing = reading.alerting({self.thing_id, self.subject.id}) - {
            row.id for row in found.values()
        }
        return {**found, **reading.statements_by_id(missing)}.values()

    def _show(self, rows: Iterable[StatementRow]) -> None:
        rows = list(rows)
        words = reading.public_words(rows)
        for row in rows:
            sdjwt, opened = show(row, words, id_base=self.id_base, viewer=self.viewer)
            self.shown[row.id] = (row, sdjwt, opened)
            self._take([EntryRow(row.place, row.entry, row.id)])

    def _own_besides(self) -> set[int]:
        """What the viewer signed of these chains and its page does not tell."""
        if self.viewer is None:
            return set()
        ids = {e.event_id for e in self.entries.values() if e.event_id is not None}
        return reading.issued_by(self.viewer, ids - self.shown.keys())

    def _take(self, entries: Iterable[EntryRow]) -> None:
        for entry in entries:
            self.entries.setdefault(entry.place, entry)

    # Rule 2.

    def _follow(self) -> list[int]:
        """Sets the chains of the subject and its ancestors; their things' row ids."""
        above: dict[str, set[str]] = {}  # identity -> what went into it
        known = reading.edges_of(self.shown)
        for row_id, (_, _, opened) in self.shown.items():
            inputs = {
                thing.identity
                for thing in things_of(opened.event, self.id_base)
                if thing.role in UPSTREAM and thing.linked
            }
            for role, identity, lot in known.get(row_id, ()):
                if role in DOWNSTREAM and inputs:
                    above.setdefault(lot or identity, set()).update(inputs)
        wanted = {self.subject.identity, *(a["identity"] for a in self.document["ancestors"])}
        waiting = list(wanted)
        while waiting:
            new = above.get(waiting.pop(), set()) - wanted
            wanted |= new
            waiting += new
        rows = reading.things_named(wanted)
        self.chains = {
            name: _Chain(name, row.salt, row.head) for name, row in rows.items() if row.salt
        }
        return [row.id for row in rows.values()]

    def _take_what_belongs(self) -> None:
        """Links that did not fit in one entry, approvals, erasures."""
        places = reading.erasure_places(self.shown)
        places |= {e.place + 1 for e in self.entries.values() if len(e.entry) > ENTRY_LIMIT // 2}
        for entry in self.entries.values():
            if '"a":' in entry.entry[-24:]:
                parsed = parse_entry(entry.entry.encode())
                if isinstance(parsed, EventEntry) and parsed.approval is not None:
                    places.add(self._log_of(entry.place).start + parsed.approval)
        while places:
            found = [
                e for e in reading.entries_at(places - self.entries.keys()) if e.event_id is None
            ]
            self._take(found)
            places = {e.place + 1 for e in found if '"type":"links"' in e.entry[:40]}

    def _log_of(self, place: int) -> LogPart:
        return next(log for log in self.logs if log.holds(place))

    def _take_keys(self, log: LogPart) -> None:
        """All of a log's key entries of who issued what is shown of it, of whoever signed those,
        and in the newest log of the platform, whose receipt key is there."""
        rows = {row.issuer_id for row, _, _ in self.shown.values() if log.holds(row.place)}
        waiting, done = {*reading.codes_of(rows).values()}, set[str]()
        if log.end is None:
            waiting.add(platform_organisation().code)
        while waiting:
            places = reading.key_places(waiting)
            done |= waiting
            found = reading.entries_at(
                {p for some in places.values() for p in some if log.holds(p)}
            )
            found += republished(log, waiting)
            self._take(found)
            waiting = {code for entry in found for code in _key_signers(entry)} - done
        for code in done:
            name = keyring_identity(issuer_of(code))
            self.keyrings.append(_Chain(name, KEYRING_SALT, 0, log.number))

    # Rules 3, 4 and 5.

    def _choose(self) -> tuple[Published, LogCheckpoint]:
        state = current_state()
        log = published(state.id)
        end = log.start + log.size
        newest = max((place for place in self.entries if place < end), default=-1)
        witnessed = _checkpoint(
            LogCheckpoint.witnessed_at.is_not(None),
            LogCheckpoint.size > newest,
            LogCheckpoint.size > log.start,
            LogCheckpoint.size <= end,
            newest_first=True,
        )
        if (
            witnessed is not None
            and newest == max(self.entries, default=-1)
            and _is_signed_now(witnessed.note, log.origin)
        ):
            return log, witnessed
        return log, LogCheckpoint(size=end, note=log.note)

    def _write(self, log: Published, checkpoint: LogCheckpoint) -> bytes:
        tree = Checkpoint.parse(parse_note(checkpoint.note).text)
        end = log.start + tree.size
        covered = {place: e for place, e in self.entries.items() if place < end}
        older = [
            show_older(part, covered[after.start].entry, max(filter(part.holds, covered)))
            for part, after in pairwise(self.logs)
        ]
        chains = self._measure(covered)
        statements, entries = self._prove(self.logs[-1], tree, covered)
        attachments = {
            digest
            for row, _, opened in self.shown.values()
            if row.place in covered
            for digest in attached(opened.event)
        }
        try:
            return make_bundle(
                subject=self.subject.identity,
                checkpoint=checkpoint.note,
                statements=statements,
                entries=entries,
                chains=list({BundledChain(chain.identity, chain.salt) for chain in chains}),
                receipt=self._receipt(tree, chains, older),
                since=_since(log, tree, max(covered)),
                attachments=sorted(attachments),
                older=[
                    BundledLog(one.note, *self._prove(one.part, one.tree, covered), one.proof)
                    for one in older
                ],
            )
        except Unreadable as error:
            raise BundleTooLarge(limit=f"{MAX_BYTES // 2**20} MB") from error

    def _prove(
        self, log: LogPart, tree: Checkpoint, covered: dict[int, EntryRow]
    ) -> tuple[tuple[BundledStatement, ...], tuple[BundledEntry, ...]]:
        """A log's statements and other entries, with their paths to this checkpoint."""
        own = {place - log.start: entry for place, entry in covered.items() if log.holds(place)}
        warm = warm_interiors(log.number)
        path_of = dict(reading.paths(log.number, tree.size, sorted(own), warm))
        statements, entries = [], []
        for index, entry in own.items():
            data, path = entry.entry.encode(), path_of[index]
            told = self.shown.get(entry.event_id or -1)
            if told is not None:
                statements.append(BundledStatement(told[1], index, data, path))
            else:
                entries.append(BundledEntry(index, data, path))
        return tuple(statements), tuple(entries)

    def _measure(self, covered: dict[int, EntryRow]) -> list[_Chain]:
        """Follows each chain through the entries; leaves out what is not published yet."""
        at: dict[tuple[int, str], int] = {}  # by 0 or a log's number, and link
        for place, entry in sorted(self.entries.items()):
            number = self._log_of(place).number
            for link in entry.links:
                at[number, link] = at[0, link] = place
        chains = [*self.chains.values(), *self.keyrings]
        for chain in chains:
            while (key := (chain.log, tag(chain.salt, chain.identity, len(chain.places)))) in at:
                chain.places.append(at[key])
            if len(chain.places) < chain.head:
                raise ChainBroken(identity=chain.identity)
            chain.places = [place for place in chain.places if place in covered]
        found = [chain for chain in chains if chain.places]
        if self.subject.identity not in {chain.identity for chain in found}:
            raise NotPublished
        return found

    def _receipt(self, tree: Checkpoint, chains: Collection[_Chain], older: Sequence[Shown]) -> str:
        own = signing_key(platform_organisation(), "receipt")
        heads = []
        for chain in chains:
            n = len(chain.places) - 1
            log = self._log_of(chain.places[n])
            link = tag(chain.salt, chain.identity, n)
            number = log.number if older else 0
            heads.append(Head(link, n, chain.places[n] - log.start, number))
        return make_receipt(
            origin=tree.origin,
            size=tree.size,
            root=tree.root,
            time=self.at,
            heads=heads,
            name=own.kid,
            key=own.private,
            older=[
                ReceiptLog(one.part.number, one.tree.origin, one.tree.size, one.tree.root)
                for one in older
            ],
        )


def _key_signers(entry: EntryRow) -> Iterator[str]:
    """Codes of the organisations that signed a key entry; the platform's root is none's."""
    parsed = parse_entry(entry.entry.encode())
    if not isinstance(parsed, KeyEntry):
        return
    _, signatures = parse_key_record(parsed.jws)
    for signature in signatures:
        issuer = parse_kid(signature.kid).issuer
        if signature.kid != root_kid(issuer):
            yield issuer.rpartition(":")[2]


def _since(log: Published, tree: Checkpoint, newest: int) -> Since | None:
    """The first witnessed checkpoint beyond `newest` that a key of now signed (sequencer.sign_again
    sees to it when the key changes; policies name no others)."""
    first = _checkpoint(
        LogCheckpoint.witnessed_at.is_not(None),
        LogCheckpoint.size > max(newest, log.start),
        LogCheckpoint.size <= log.start + tree.size,
    )
    if first is None:
        return None
    if not _is_signed_now(first.note, log.origin):
        return None
    old = first.size - log.start
    store = reading.TilesAtOnce(log.number, tree.size, [old - 1])
    proof = consistency_proof(old, tree.size, store, warm_interiors(log.number))
    return Since(first.note, tuple(proof))


def _is_signed_now(note: str, origin: str) -> bool:
    try:
        open_checkpoint_by(note, verifiers(origin))
    except TrustError:
        return False
    return True


def _checkpoint(*conditions: object, newest_first: bool = False) -> LogCheckpoint | None:
    order = LogCheckpoint.size.desc() if newest_first else LogCheckpoint.size
    found: LogCheckpoint | None = db.session.scalar(
        select(LogCheckpoint).where(*conditions).order_by(order).limit(1)  # type: ignore[arg-type]
    )
    return found


__all__ = [
    "BundleTooLarge",
    "ChainBroken",
    "NoChain",
    "NotPublished",
    "SeveralLogs",
    "StatementBroken",
    "bundle_of",
]
