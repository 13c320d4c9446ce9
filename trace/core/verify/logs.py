"""One log's part of a bundle: its entries read and proved (steps 5 and 6), its keys replayed (3).

A bundle of version 1 has one log; one of version 2 has older ones too, each with a checkpoint and
keys of its own. A position is (log, index): `place` makes one number of both, which rises from the
older log to the newer and is the index itself where there is but one log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from trace.core.signing import SAFE_INTEGER, PasskeyPublicKey, TrustError, Unreadable
from trace.core.statements import (
    ApprovalEntry,
    BundledEntry,
    BundledStatement,
    Entry,
    EventEntry,
    KeyEntry,
    Keyrings,
    KeyState,
    LinksEntry,
    NotApproved,
    NotThisEntry,
    approval_challenge,
    check_assertion,
    parse_entry,
)
from trace.core.tlog import Checkpoint, leaf_hash, parse_note, verify_inclusion
from trace.core.verify.errors import ChainGap, KeyNotValidThen, UnknownKey
from trace.core.verify.report import Policy

SPAN: Final = SAFE_INTEGER + 1  # more places than any log has


@dataclass(slots=True)
class ReadLog:
    """A log as a bundle shows it. `rank` counts the bundle's logs from the oldest, 0."""

    rank: int
    note: str
    statements: Sequence[BundledStatement]
    others: Sequence[BundledEntry]
    policy: Policy
    checkpoint: Checkpoint = field(init=False)
    keyrings: Keyrings = field(init=False)
    entries: dict[int, Entry] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)  # tag -> index
    overflow: dict[str, set[str]] = field(default_factory=dict)  # h -> tags of its links entries

    def __post_init__(self) -> None:
        # 1: the note can be read; what it says is believed only after 7.
        self.checkpoint = Checkpoint.parse(parse_note(self.note).text)

    @property
    def origin(self) -> str:
        return self.checkpoint.origin

    @property
    def newest(self) -> int:
        """The highest index that the bundle shows of this log, -1 for none."""
        return max(self.entries, default=-1)

    def place(self, index: int) -> int:
        return self.rank * SPAN + index

    def read(self, not_before: datetime | None) -> datetime | None:
        """Steps 5, 6 and 3, in the log's order; returns the newest entry's time."""
        items: list[BundledEntry | BundledStatement] = [*self.statements, *self.others]
        items.sort(key=lambda item: item.index)
        last = not_before
        for item in items:
            entry = parse_entry(item.entry)
            if last is not None and entry.t < last:
                raise Unreadable(
                    f"a time not before {last.isoformat()}", entry.t.isoformat(), step=5
                )
            last = entry.t
            verify_inclusion(
                leaf_hash(item.entry),
                item.index,
                self.checkpoint.size,
                item.path,
                self.checkpoint.root,
            )
            self.entries[item.index] = entry
            self._read_links(item.index, entry)
        self._replay_keys()
        return last

    def _read_links(self, index: int, entry: Entry) -> None:
        if not isinstance(entry, EventEntry | LinksEntry | KeyEntry):
            return
        if isinstance(entry, LinksEntry):
            before = self.entries.get(index - 1)
            if not isinstance(before, EventEntry | LinksEntry) or before.h != entry.h:
                raise NotThisEntry(f"the entry of {entry.h} right before its further links", "none")
            self.overflow.setdefault(entry.h, set()).update(entry.links)
        for link in entry.links:
            if link in self.links:
                raise ChainGap(f"the link {link} once", "twice")
            self.links[link] = index

    def _replay_keys(self) -> None:
        policy = self.policy
        self.keyrings = Keyrings(self.origin, policy.root, policy.platform, policy.inspectors)
        for index, entry in sorted(self.entries.items()):
            if isinstance(entry, KeyEntry):
                self.keyrings.apply(index, entry)

    def key_at(self, kid: str, index: int) -> KeyState:
        """The key of a kid, valid at this index. Raises UnknownKey, KeyNotValidThen."""
        state = self.keyrings.keys.get(kid)
        if state is None:
            raise UnknownKey("a key entry for this kid", kid)
        if not state.valid_at(index):
            end = "" if state.end is None else f" and before {state.end}"
            raise KeyNotValidThen(f"an index from {state.start}{end}", index)
        return state

    def approved(self, index: int, entry: EventEntry, issuer: str) -> bool:
        """True when a passkey of the issuer approved this statement; raises when it claims so."""
        if entry.approval is None:
            return False
        approval = self.entries.get(entry.approval)
        if not isinstance(approval, ApprovalEntry) or entry.approval >= index:
            raise NotApproved(f"an approval at {entry.approval}, before the statement", "none")
        if entry.h not in approval.hashes:
            raise NotApproved(f"an approval of {entry.h}", "of other statements")
        refusal: TrustError = NotApproved(f"a passkey of {issuer} valid then", "none")
        for state in self.keyrings.of(issuer):
            record = state.record
            if record.rp_id is None or record.jwk is None or not state.valid_at(entry.approval):
                continue
            try:
                check_assertion(
                    approval.assertion,
                    PasskeyPublicKey.from_jwk(record.jwk),
                    challenge=approval_challenge(approval.hashes),
                    rp_id=record.rp_id,
                    origin=record.rp_origin or "",
                )
            except NotApproved as error:
                refusal = error
            else:
                return True
        raise refusal
