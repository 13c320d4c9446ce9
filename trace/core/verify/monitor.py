"""Replaying a log entry by entry: what anyone who holds a copy can find out by themselves.

Rules, each with the code of its problem.
1. Every entry is in its one form (`unreadable`) and no record time is before an earlier one
   (`time-decreases`).
2. A `links` entry continues the entry right before it, of the same statement (`foreign-link`). No
   tag is used twice (`repeated-link`), no statement logged twice (`replayed`).
3. An approval is named by later entries only, and lists them (`not-approved`).
4. An `origin` entry is the first of its log (`misplaced-origin`).
5. Keyrings have an all-zero salt: every organisation's keys can be followed. With the platform's
   root key each signature is checked; without it the records' order and links (`bad-key-entry`).
6. With a chain's salt its tags can be computed: all of them are there up to the newest
   (`chain-gap`), each later than the one before (`chain-order`). How far the chain really goes, the
   log alone cannot say: a receipt's head can.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trace.core.signing import PublicKey, TrustError
from trace.core.statements import keyring_identity, parse_entry, tag
from trace.core.statements.chains import KEYRING_SALT
from trace.core.statements.entries import (
    ApprovalEntry,
    Entry,
    EventEntry,
    KeyEntry,
    LinksEntry,
    OriginEntry,
)
from trace.core.statements.keyring import Keyrings, key_record_hash, parse_key_record
from trace.core.statements.receipts import Head
from trace.core.verify.mirror import MOST_PROBLEMS, Problem

# A gap is seen when a later link exists; looking this far ahead finds every gap shorter than that.
LOOK_AHEAD = 512


@dataclass(frozen=True, slots=True)
class Chain:
    """A chain that may be followed: the identity's text and its 32-byte salt. `first` is the number
    of its first link in this log, None where it has none: it began, or ended, in an older one."""

    identity: str
    salt: bytes
    first: int | None = 0


@dataclass(frozen=True, slots=True)
class FollowedChain:
    """A chain as the log has it: the indexes of its links 0, 1, …"""

    identity: str
    places: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Monitored:
    """What a replay gives: counts by type, keyrings, followed chains, problems."""

    entries: int
    types: dict[str, int]
    organisations: int
    chains: tuple[FollowedChain, ...]
    problems: tuple[Problem, ...]


@dataclass(slots=True)
class Monitor:
    """Takes a log's entries in order. `root` and `platform` come from a policy, if there is one."""

    origin: str
    root: PublicKey | None = None
    platform: str = ""
    inspectors: Collection[str] = ()
    _problems: list[Problem] = field(default_factory=list)
    _types: dict[str, int] = field(default_factory=dict)
    _links: dict[bytes, int] = field(default_factory=dict)
    _hashes: set[str] = field(default_factory=set)
    _approvals: dict[int, frozenset[str]] = field(default_factory=dict)
    _orgs: dict[str, tuple[int, str]] = field(default_factory=dict)
    _keyrings: Keyrings | None = None
    _size: int = 0
    _time: datetime | None = None
    _open: str | None = None  # the statement whose links may continue here

    def __post_init__(self) -> None:
        if self.root is not None:
            self._keyrings = Keyrings(self.origin, self.root, self.platform, self.inspectors)

    def take(self, index: int, data: bytes) -> None:
        """The next entry; a problem is noted and the replay goes on."""
        self._size = index + 1
        try:
            entry = parse_entry(data)
        except TrustError as error:
            self._open = None
            self._note(error.code, index, error.detail)
            return
        self._types[entry.type] = self._types.get(entry.type, 0) + 1
        if self._time is not None and entry.t < self._time:
            self._note("time-decreases", index, f"{entry.t} comes after {self._time}")
        self._time = entry.t if self._time is None else max(self._time, entry.t)
        self._check_type(index, entry)
        self._open = entry.h if isinstance(entry, EventEntry | LinksEntry) else None

    def _check_type(self, index: int, entry: Entry) -> None:
        if isinstance(entry, EventEntry):
            if entry.h in self._hashes:
                self._note("replayed", index, f"the statement {entry.h} was logged before")
            self._hashes.add(entry.h)
            if entry.approval is not None:
                approved = self._approvals.get(entry.approval, frozenset())
                if entry.h not in approved:
                    self._note("not-approved", index, f"no approval of it at {entry.approval}")
        elif isinstance(entry, LinksEntry):
            if entry.h != self._open:
                self._note("foreign-link", index, f"links of {entry.h} after another entry")
        elif isinstance(entry, ApprovalEntry):
            self._approvals[index] = frozenset(entry.hashes)
        elif isinstance(entry, KeyEntry):
            self._take_key(index, entry)
        elif isinstance(entry, OriginEntry) and index:
            self._note("misplaced-origin", index, "an origin entry is the first of its log")
        if isinstance(entry, EventEntry | LinksEntry | KeyEntry):
            for link in entry.links:
                self._take_link(index, link)

    def _take_link(self, index: int, link: str) -> None:
        raw = link.encode()
        first = self._links.setdefault(raw, index)
        if first != index:
            self._note("repeated-link", index, f"the link {link} was at {first} already")

    def _take_key(self, index: int, entry: KeyEntry) -> None:
        try:
            if self._keyrings is not None:
                record = self._keyrings.apply(index, entry)
            else:
                record, _ = parse_key_record(entry.jws)
                number, previous = self._orgs.get(record.org, (-1, None))
                expected = tag(KEYRING_SALT, keyring_identity(record.org), record.n)
                if record.n != number + 1 or record.prev != previous:
                    detail = f"record {record.n} of {record.org} after record {number}"
                    self._note("bad-key-entry", index, detail)
                if entry.links != (expected,):
                    self._note("bad-key-entry", index, "its link is not its keyring's")
        except TrustError as error:
            self._note("bad-key-entry", index, error.detail)
            return
        self._orgs[record.org] = (record.n, key_record_hash(entry.jws[0]))

    def finish(self, chains: Sequence[Chain] = (), heads: Sequence[Head] = ()) -> Monitored:
        """Ends the replay: follows the chains whose salts are known, and tests the heads that a
        receipt gives for them."""
        known = {chain.identity for chain in chains}
        keyrings = [
            Chain(name, KEYRING_SALT)
            for name in map(keyring_identity, sorted(self._orgs))
            if name not in known
        ]
        by_tag = {head.tag: head for head in heads}
        followed = [self._follow(chain, by_tag) for chain in [*chains, *keyrings]]
        return Monitored(
            self._size,
            dict(sorted(self._types.items())),
            len(self._orgs),
            tuple(followed),
            tuple(self._problems[:MOST_PROBLEMS]),
        )

    def _follow(self, chain: Chain, heads: dict[str, Head]) -> FollowedChain:
        places: list[int] = []
        number = chain.first or 0
        newest = number - 1
        while number <= newest + LOOK_AHEAD:
            text = tag(chain.salt, chain.identity, number)
            place = self._links.get(text.encode())
            if place is not None:
                if newest != number - 1:
                    missing = f"link {newest + 1}" + (
                        f" to {number - 1}" if number - 1 > newest + 1 else ""
                    )
                    self._note("chain-gap", place, f"{missing} of {chain.identity} are missing")
                if places and place <= places[-1]:
                    detail = f"link {number} of {chain.identity} stands before an earlier one"
                    self._note("chain-order", place, detail)
                places.append(place)
                newest = number
            head = heads.get(text)
            if head is not None and place != head.index:
                detail = f"the receipt has link {number} of {chain.identity} at {head.index}"
                self._note("chain-gap", head.index, detail)
            number += 1
        if not places and chain.first is not None:
            self._note("chain-gap", 0, f"link {chain.first} of {chain.identity} is missing")
        return FollowedChain(chain.identity, tuple(places))

    def _note(self, code: str, index: int, detail: str) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            self._problems.append(Problem(code, f"entry {index}", detail))
