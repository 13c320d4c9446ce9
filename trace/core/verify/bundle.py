"""The verifier of bundles: nine numbered steps; raises, names the step, expected and got.

1 readable · 2 signature, by a key of the issuer from the log only · 3 key entries and approvals
hold, key valid at that position · 4 disclosures fit one to one · 5 entry well formed and of this
statement · 6 in the log · 7 checkpoint signed and witnessed as the policy asks · 8 chains without
gap up to the receipt, each shown thing linked · 9 the story (findings; refuses nothing).

Key entries go through 5, 6 and 3 before any statement's 2: a key is believed from the log alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from trace.core.signing import (
    Compact,
    IssuerMismatch,
    PasskeyPublicKey,
    PublicKey,
    TrustError,
    parse_compact,
    parse_kid,
)
from trace.core.signing.errors import BadSignature
from trace.core.signing.sdjwt import split_sd_jwt
from trace.core.statements import (
    ApprovalEntry,
    BadEntry,
    Bundle,
    BundledEntry,
    BundledStatement,
    Entry,
    ErasureEntry,
    EventEntry,
    KeyEntry,
    Keyrings,
    KeyState,
    LinksEntry,
    NotApproved,
    NotThisEntry,
    Opened,
    approval_challenge,
    check_assertion,
    is_receipt_kid,
    keyring_identity,
    open_parsed,
    open_receipt,
    open_signed,
    parse_bundle,
    parse_entry,
    statement_hash,
    tag,
)
from trace.core.statements.build import TYP
from trace.core.tlog import (
    Checkpoint,
    Note,
    NotInLog,
    NotWitnessed,
    Stale,
    Verifier,
    id_base_of_origin,
    leaf_hash,
    parse_note,
    read_checkpoint,
    verify_consistency,
    verify_inclusion,
)
from trace.core.verify.errors import (
    ChainGap,
    KeyNotValidThen,
    ReceiptOlder,
    UnknownKey,
    WrongThing,
)
from trace.core.verify.report import (
    ERASED,
    REPLAYED,
    WITHHELD,
    Finding,
    Policy,
    Report,
    VerifiedStatement,
)
from trace.core.verify.story import tell, things_of, upstream

CLOCK_SKEW = timedelta(minutes=10)  # how far ahead of ours a witness's clock may be


def verify_statement(sdjwt: str, key: PublicKey, *, issuer: str | None = None) -> Opened:
    """Steps 1, 2 and 4 for one statement and a key believed already.

    Raises Unreadable, BadSignature, IssuerMismatch or DisclosureMismatch.
    """
    opened = open_signed(sdjwt, key)
    if issuer is not None and opened.issuer != issuer:
        raise IssuerMismatch(issuer, opened.issuer)
    return opened


def verify_bundle(data: bytes, policy: Policy, now: datetime) -> Report:
    """All nine steps over a bundle's bytes at the moment `now` (aware).

    Raises the TrustError of the first step that fails.
    """
    bundle = parse_bundle(data)  # 1
    return _Verification(bundle, policy, now).run()


@dataclass(slots=True)
class _Verification:
    bundle: Bundle
    policy: Policy
    now: datetime
    checkpoint: Checkpoint = field(init=False)
    keyrings: Keyrings = field(init=False)
    entries: dict[int, Entry] = field(default_factory=dict)
    links: dict[str, int] = field(default_factory=dict)  # tag -> index
    overflow: dict[str, set[str]] = field(default_factory=dict)  # h -> tags of its links entries
    first: dict[str, int] = field(default_factory=dict)  # h -> index of its first entry
    findings: list[Finding] = field(default_factory=list)

    def run(self) -> Report:
        # 1: the notes can be read; what they say is believed only after 7 and 8.
        self.checkpoint = Checkpoint.parse(parse_note(self.bundle.checkpoint).text)
        receipt, receipt_note = open_receipt(self.bundle.receipt)
        self._read_entries()  # 5, 6
        self._replay_keys()  # 3
        verified = list(self._statements())  # 2, 3, 4, 5
        witnesses, witnessed = self._check_checkpoint()  # 7
        since = self._check_since()  # 7
        # 8
        if (receipt.origin, receipt.size, receipt.root) != (
            self.checkpoint.origin,
            self.checkpoint.size,
            self.checkpoint.root,
        ):
            raise ReceiptOlder(
                f"a receipt for size {self.checkpoint.size} and its root", f"size {receipt.size}"
            )
        if receipt.time > self.now + CLOCK_SKEW:
            raise Stale("a receipt made up to now", receipt.time, step=8)
        self._check_receipt_key(receipt_note)
        heads = {head.tag: (head.n, head.index) for head in receipt.heads}
        chains = self._check_chains(heads)
        id_base = id_base_of_origin(self.checkpoint.origin)
        linked = self._check_things(verified, chains, id_base)
        # 9
        story = tell(
            self.bundle.subject,
            verified,
            linked=linked,
            hidden_statements=self._count_hidden(),
            policy=self.policy,
            id_base=id_base,
        )
        return Report(
            subject=self.bundle.subject,
            origin=self.checkpoint.origin,
            size=self.checkpoint.size,
            time=receipt.time,
            statements=tuple(verified),
            findings=(*self.findings, *story.findings),
            recall=story.recall,
            notices=tuple(story.notices),
            witnesses=tuple(witnesses),
            witnessed=witnessed,
            since=since,
            voided=frozenset(story.voided),
        )

    # Steps 5 and 6: every entry of the bundle, statements' and others', in the log's order.

    def _read_entries(self) -> None:
        items: list[BundledEntry | BundledStatement] = [
            *self.bundle.statements,
            *self.bundle.entries,
        ]
        items.sort(key=lambda item: item.index)
        last: datetime | None = None
        for item in items:
            entry = parse_entry(item.entry)
            if last is not None and entry.t < last:
                raise BadEntry(f"a time not before {last.isoformat()}", entry.t.isoformat())
            last = entry.t
            verify_inclusion(
                leaf_hash(item.entry),
                item.index,
                self.checkpoint.size,
                item.path,
                self.checkpoint.root,
            )
            self.entries[item.index] = entry
            if isinstance(entry, EventEntry):
                self.first.setdefault(entry.h, item.index)
            self._read_links(item.index, entry)

    def _read_links(self, index: int, entry: Entry) -> None:
        if not isinstance(entry, EventEntry | LinksEntry | KeyEntry):
            return
        if isinstance(entry, LinksEntry):
            before = self.entries.get(index - 1)
            if not isinstance(before, EventEntry | LinksEntry) or before.h != entry.h:
                raise BadEntry(f"the entry of {entry.h} right before its further links", "none")
            self.overflow.setdefault(entry.h, set()).update(entry.links)
        for link in entry.links:
            if link in self.links:
                raise ChainGap(f"the link {link} once", "twice")
            self.links[link] = index

    # Step 3.

    def _replay_keys(self) -> None:
        policy = self.policy
        self.keyrings = Keyrings(
            self.checkpoint.origin, policy.root, policy.platform, policy.inspectors
        )
        for index, entry in sorted(self.entries.items()):
            if isinstance(entry, KeyEntry):
                self.keyrings.apply(index, entry)

    def _key_at(self, kid: str, index: int) -> KeyState:
        state = self.keyrings.keys.get(kid)
        if state is None:
            raise UnknownKey("a key entry for this kid", kid)
        if not state.valid_at(index):
            end = "" if state.end is None else f" and before {state.end}"
            raise KeyNotValidThen(f"an index from {state.start}{end}", index)
        return state

    def _approve(self, index: int, entry: EventEntry, issuer: str) -> bool:
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

    # Steps 2 to 5 for each statement.

    def _statements(self) -> Iterator[VerifiedStatement]:
        erased = {
            digest
            for entry in self.entries.values()
            if isinstance(entry, ErasureEntry)
            for digest in entry.digests
        }
        for item in self.bundle.statements:
            jwt, texts = split_sd_jwt(item.sdjwt)
            compact = parse_compact(jwt, typ=TYP)  # 2
            if is_receipt_kid(compact.kid):
                raise UnknownKey("a key for statements", compact.kid)
            state = self._key_at(compact.kid, item.index)  # 2, 3
            opened = self._open(compact, texts, state)  # 2, 4
            entry = self.entries[item.index]  # 5
            h = statement_hash(jwt)
            if not isinstance(entry, EventEntry) or entry.h != h:
                got = entry.h if isinstance(entry, EventEntry) else f"an entry of type {entry.type}"
                raise NotThisEntry(h, got)
            approved = self._approve(item.index, entry, opened.issuer)  # 3
            if self.first[h] != item.index:
                self.findings.append(Finding(REPLAYED, item.index))
                continue
            gone = sum(digest in erased for digest in opened.hidden_digests)
            self._note_hidden(item.index, opened.withheld, gone)
            yield VerifiedStatement(
                index=item.index,
                time=entry.t,
                statement_id=opened.statement_id,
                issuer=opened.issuer,
                kid=opened.kid,
                custody="passkey" if approved else str(state.record.custody),
                event=opened.event,
                withheld=opened.withheld,
                erased=gone,
                flagged=state.flagged_at(item.index),
            )

    def _open(self, compact: Compact, texts: list[str], state: KeyState) -> Opened:
        try:
            key = self.keyrings.public_key(compact.kid)
        except KeyError:
            raise UnknownKey("a key that signs statements", state.record.custody) from None
        return open_parsed(compact, texts, key)

    def _note_hidden(self, index: int, hidden: tuple[str, ...], gone: int) -> None:
        if hidden:
            self.findings.append(Finding(WITHHELD, index, ", ".join(hidden)))
        if gone:
            self.findings.append(Finding(ERASED, index, f"{gone} members"))

    # Step 7.

    def _check_checkpoint(self) -> tuple[list[str], datetime | None]:
        _, note = read_checkpoint(self.bundle.checkpoint, self.policy.log)
        names, newest = self._check_witnesses(note)
        if self.policy.quorum and self.policy.max_age is not None:
            oldest = self.now - self.policy.max_age
            if newest is None or newest < oldest:
                raise Stale(f"a cosignature after {oldest.isoformat()}", newest or "none")
        return names, newest

    def _check_witnesses(self, note: Note) -> tuple[list[str], datetime | None]:
        """Counts the policy's witnesses that cosigned; one key counts once, the log's own zero."""
        counted: dict[bytes, str] = {}
        moments: list[datetime] = []
        for witness in self.policy.witnesses:
            if not self._is_independent(witness) or witness.key.raw in counted:
                continue
            if not any(
                (found.name, found.key_id) == (witness.name, witness.key_id)
                for found in note.signatures
            ):
                continue
            try:
                moment = note.check(witness)
            except BadSignature as error:
                raise NotWitnessed(error.expected, error.got) from None
            if moment is None or moment > self.now + CLOCK_SKEW:
                raise NotWitnessed("a cosignature with a moment up to now", moment)
            counted[witness.key.raw] = witness.name
            moments.append(moment)
        if len(counted) < self.policy.quorum:
            raise NotWitnessed(f"{self.policy.quorum} witnesses", len(counted))
        return list(counted.values()), max(moments, default=None)

    def _is_independent(self, witness: Verifier) -> bool:
        return witness.key != self.policy.log.key and witness.name != self.policy.log.name

    def _check_since(self) -> datetime | None:
        """The first moment that witnesses saw this log with all that the bundle shows."""
        since = self.bundle.since
        if since is None:
            return None
        older, note = read_checkpoint(since.checkpoint, self.policy.log)
        verify_consistency(
            older.size, self.checkpoint.size, older.root, self.checkpoint.root, since.proof
        )
        newest_entry = max(self.entries, default=-1)
        if older.size <= newest_entry:
            raise NotInLog(f"an older checkpoint beyond {newest_entry}", older.size, step=7)
        return self._check_witnesses(note)[1]

    # Step 8.

    def _check_receipt_key(self, note: Note) -> None:
        refusal: TrustError = UnknownKey("a receipt signed by a receipt key", "none", step=8)
        for found in note.signatures:
            try:
                kid = parse_kid(found.name)
            except TrustError:
                continue
            if kid.issuer != self.policy.platform or not is_receipt_kid(found.name):
                continue
            try:
                self._key_at(found.name, self.checkpoint.size)
                note.check(Verifier(found.name, self.keyrings.public_key(found.name)))
            except TrustError as error:
                refusal = error.for_step(8)
            except KeyError:
                continue
            else:
                return
        raise refusal

    def _check_chains(self, heads: dict[str, tuple[int, int]]) -> dict[str, set[int]]:
        """Tags 0…n of every disclosed chain, rising, ending at the receipt's head.

        Returns the indexes at which each chain is linked. The subject's chain and the keyring of
        everyone whose key was used must be among them: a recall or a revocation is a link too.
        """
        chains: dict[str, set[int]] = {}
        for chain in self.bundle.chains:
            places: list[int] = []
            last = ""
            while (name := tag(chain.salt, chain.identity, len(places))) in self.links:
                places.append(self.links[name])
                last = name
            if not places:
                raise ChainGap(f"link 0 of {chain.identity}", "none")
            if any(later <= one for one, later in pairwise(places)):
                raise ChainGap(f"rising indexes of {chain.identity}", places)
            if heads.get(last) != (len(places) - 1, places[-1]):
                raise ChainGap(
                    f"link {len(places) - 1} of {chain.identity} as its head in the receipt",
                    "another head",
                )
            chains[chain.identity] = set(places)
        orgs = {self.policy.platform, *(s.record.org for s in self.keyrings.keys.values())}
        for identity in (self.bundle.subject, *map(keyring_identity, sorted(orgs))):
            if identity not in chains:
                raise ChainGap(f"the chain of {identity}", "none")
        return chains

    def _check_things(
        self, verified: list[VerifiedStatement], chains: dict[str, set[int]], id_base: str
    ) -> dict[int, frozenset[str]]:
        """Each shown thing's tag is in its statement's entry; shown ancestors' chains are here.

        Returns the disclosed chains that each statement links, by its index.
        """
        linked: dict[int, frozenset[str]] = {}
        at: dict[int, set[str]] = {}
        for name, places in chains.items():
            for place in places:
                at.setdefault(place, set()).add(name)
        for statement in verified:
            entry = self.entries[statement.index]
            own = {statement.index}
            if isinstance(entry, EventEntry):
                own |= {self.links[link] for link in self.overflow.get(entry.h, ())}
            here = frozenset(name for place in own for name in at.get(place, ()))
            linked[statement.index] = here
            for thing in things_of(statement.event, id_base):
                if thing.identity in chains and thing.identity not in here:
                    raise WrongThing(f"a link of {thing.identity} at {statement.index}", "none")
        # What was packed beside the subject is shown, but is no ancestor of it.
        missing = upstream(self.bundle.subject, verified, linked, id_base) - chains.keys()
        for statement in verified:
            for thing in things_of(statement.event, id_base):
                if thing.linked and thing.identity in missing:
                    raise ChainGap(f"the chain of the ancestor {thing.identity}", "none")
        return linked

    def _count_hidden(self) -> int:
        shown = {
            entry.h
            for item in self.bundle.statements
            if isinstance(entry := self.entries[item.index], EventEntry)
        }
        hidden = {
            index: entry
            for index, entry in self.entries.items()
            if isinstance(entry, EventEntry) and entry.h not in shown
        }
        for index in hidden:
            self.findings.append(Finding(WITHHELD, index, "the whole statement"))
        return len(hidden)
