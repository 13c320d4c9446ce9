"""The verifier of bundles; nine numbered steps; raises, names the step, expected and got.

1 readable · 2 signature, by a key of the issuer from the log only · 3 key entries and approvals
hold, key valid at that position · 4 disclosures fit one to one, attachments are named by them ·
5 entry well formed and of this statement · 6 in the log · 7 checkpoint signed and witnessed as the
policy asks, logs continue one another · 8 chains without gap up to the receipt, each shown thing
linked · 9 the story (findings; refuses nothing).

Key entries go through 5, 6 and 3 before any statement's 2: a key is believed from the log alone.
A bundle of version 2 has older logs: what is said of "the log" then holds for each of them, and
things' chains run through them all. Keyrings begin anew in each.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from trace.core.signing import (
    Compact,
    DisclosureMismatch,
    IssuerMismatch,
    PublicKey,
    TrustError,
    parse_compact,
    parse_kid,
)
from trace.core.signing.sdjwt import split_sd_jwt
from trace.core.statements import (
    Bundle,
    BundledChain,
    BundledLog,
    BundledStatement,
    ErasureEntry,
    EventEntry,
    KeyState,
    NotThisEntry,
    Opened,
    Receipt,
    ReceiptLog,
    is_receipt_kid,
    keyring_identity,
    open_parsed,
    open_receipt,
    open_signed,
    parse_bundle,
    statement_hash,
    tag,
)
from trace.core.statements.build import TYP
from trace.core.tlog import Note, Stale, Verifier, id_base_of_origin
from trace.core.verify.attachments import named_in
from trace.core.verify.checkpoints import CLOCK_SKEW, Checked, check_checkpoint, check_since
from trace.core.verify.errors import ChainGap, ReceiptOlder, UnknownKey, WrongThing
from trace.core.verify.logs import SPAN, ReadLog
from trace.core.verify.origins import Continued, check_continued
from trace.core.verify.report import (
    ERASED,
    REPLAYED,
    WITHHELD,
    Finding,
    Policy,
    Report,
    VerifiedStatement,
)
from trace.core.verify.story import Story, tell, upstream
from trace.core.verify.things import things_of


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


KEYRING = keyring_identity("")


@dataclass(slots=True)
class _Verification:
    bundle: Bundle
    policy: Policy
    now: datetime
    logs: list[ReadLog] = field(default_factory=list)  # the oldest first
    first: dict[str, int] = field(default_factory=dict)  # h -> place of its first entry
    findings: list[Finding] = field(default_factory=list)

    @property
    def log(self) -> ReadLog:
        """The newest: the one the policy is about."""
        return self.logs[-1]

    def run(self) -> Report:
        receipt, receipt_note = open_receipt(self.bundle.receipt)
        self._read_logs()  # 5, 6, 3
        verified = list(self._statements())  # 2, 3, 4, 5
        self._check_attachments(verified)  # 4
        checked = check_checkpoint(self.log.note, self.policy, self.now)  # 7
        continued = check_continued(self.bundle.older, self.logs, self.policy, self.now)  # 7
        since = check_since(self.bundle.since, self.log, self.policy, self.now)  # 7
        # 8
        self._check_receipt(receipt, receipt_note, continued)
        heads = {(head.tag, head.log): (head.n, head.index) for head in receipt.heads}
        chains = self._check_chains(heads, continued)
        id_base = id_base_of_origin(self.log.origin)
        linked = self._check_things(verified, chains, id_base)
        # 9
        hidden = self._hidden_places()
        self.findings += [finding for one in continued for finding in one.findings]
        story = tell(
            self.bundle.subject,
            verified,
            linked=linked,
            hidden=frozenset(
                name for name, places in chains.items() if not places.isdisjoint(hidden)
            ),
            hidden_statements=len(hidden),
            lost=any(one.lost for one in continued),
            policy=self.policy,
            id_base=id_base,
        )
        return self._report(receipt, checked, since, verified, story, continued)

    def _report(
        self,
        receipt: Receipt,
        checked: Checked,
        since: datetime | None,
        verified: list[VerifiedStatement],
        story: Story,
        continued: Sequence[Continued],
    ) -> Report:
        return Report(
            subject=self.bundle.subject,
            origin=self.log.origin,
            size=self.log.checkpoint.size,
            time=receipt.time,
            statements=tuple(verified),
            findings=(*self.findings, *story.findings),
            recall=story.recall,
            notices=tuple(story.notices),
            witnesses=checked.witnesses,
            witnessed=checked.newest,
            since=since,
            voided=frozenset(story.voided),
            interval=story.interval,
            older=tuple(one.part for one in continued),
            attachments=named_in(one.event for one in verified),
        )

    # Steps 5, 6 and 3: every entry of the bundle, statements' and others', in the logs' order.

    def _read_logs(self) -> None:
        bundle = self.bundle
        parts: list[Bundle | BundledLog] = [*bundle.older, bundle]
        self.logs = [
            ReadLog(rank, part.checkpoint, part.statements, part.entries, self.policy)
            for rank, part in enumerate(parts)
        ]
        last: datetime | None = None
        for log in self.logs:
            last = log.read(last)
            for index, entry in sorted(log.entries.items()):
                if isinstance(entry, EventEntry):
                    self.first.setdefault(entry.h, log.place(index))

    # Steps 2 to 5 for each statement.

    def _statements(self) -> Iterator[VerifiedStatement]:
        erased = {
            digest
            for log in self.logs
            for entry in log.entries.values()
            if isinstance(entry, ErasureEntry)
            for digest in entry.digests
        }
        for log in self.logs:
            for item in log.statements:
                found = self._statement(log, item, erased)
                if found is not None:
                    yield found

    def _statement(
        self, log: ReadLog, item: BundledStatement, erased: Collection[str]
    ) -> VerifiedStatement | None:
        """None for one that counts at an earlier place."""
        jwt, texts = split_sd_jwt(item.sdjwt)
        compact = parse_compact(jwt, typ=TYP)  # 2
        if is_receipt_kid(compact.kid):
            raise UnknownKey("a key for statements", compact.kid)
        state = log.key_at(compact.kid, item.index)  # 2, 3
        opened = self._open(log, compact, texts, state)  # 2, 4
        entry = log.entries[item.index]  # 5
        h = statement_hash(jwt)
        if not isinstance(entry, EventEntry) or entry.h != h:
            got = entry.h if isinstance(entry, EventEntry) else f"an entry of type {entry.type}"
            raise NotThisEntry(h, got)
        approved = log.approved(item.index, entry, opened.issuer)  # 3
        if self.first[h] != log.place(item.index):
            self._find(log, REPLAYED, item.index)
            return None
        gone = sum(digest in erased for digest in opened.hidden_digests)
        if opened.withheld:
            self._find(log, WITHHELD, item.index, ", ".join(opened.withheld))
        if gone:
            self._find(log, ERASED, item.index, f"{gone} members")
        return VerifiedStatement(
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
            log=log.origin,
            place=log.place(item.index),
        )

    def _open(self, log: ReadLog, compact: Compact, texts: list[str], state: KeyState) -> Opened:
        try:
            key = log.keyrings.public_key(compact.kid)
        except KeyError:
            raise UnknownKey("a key that signs statements", state.record.custody) from None
        return open_parsed(compact, texts, key)

    def _find(self, log: ReadLog, code: str, index: int, detail: str = "") -> None:
        self.findings.append(Finding(code, index, detail, log.origin))

    # Step 4.

    def _check_attachments(self, verified: Sequence[VerifiedStatement]) -> None:
        """A digest that comes along and that nobody signed would be taken for a signed one."""
        named = named_in(one.event for one in verified)
        for digest in self.bundle.attachments:
            if digest not in named:
                raise DisclosureMismatch(
                    "attachments that shown statements name", digest, path="/attachments"
                )

    # Step 8.

    def _check_receipt(self, receipt: Receipt, note: Note, continued: Sequence[Continued]) -> None:
        newest = self.log.checkpoint
        older = tuple(
            ReceiptLog(one.number, shown.origin, shown.size, shown.root)
            for one in continued
            for shown in (one.checkpoint,)
        )
        if (receipt.origin, receipt.size, receipt.root, receipt.older) != (
            newest.origin,
            newest.size,
            newest.root,
            older,
        ):
            raise ReceiptOlder(
                f"a receipt for size {newest.size} and its root", f"size {receipt.size}"
            )
        if receipt.time > self.now + CLOCK_SKEW:
            raise Stale("a receipt made up to now", receipt.time, step=8)
        self._check_receipt_key(note)

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
                self.log.key_at(found.name, self.log.checkpoint.size)
                note.check(Verifier(found.name, self.log.keyrings.public_key(found.name)))
            except TrustError as error:
                refusal = error.for_step(8)
            except KeyError:
                continue
            else:
                return
        raise refusal

    def _check_chains(
        self, heads: Mapping[tuple[str, int], tuple[int, int]], continued: Sequence[Continued]
    ) -> dict[str, set[int]]:
        """Tags 0…n of every disclosed chain, rising, ending at the receipt's head.

        Returns the places at which each chain is linked. The subject's chain and the keyring of
        everyone whose key was used must be among them: a recall or a revocation is a link too.
        Keyrings begin anew in each log; all other chains run through the logs.
        """
        numbers = [one.number for one in continued]
        numbers.append(numbers[-1] + 1 if numbers else 0)
        chains: dict[str, set[int]] = {}
        for chain in self.bundle.chains:
            anew = chain.identity.endswith(KEYRING)
            found: set[int] = set()
            for logs in [[log] for log in self.logs] if anew else [self.logs]:
                found |= _follow(chain, logs, heads, numbers)
            if not found:
                raise ChainGap(f"link 0 of {chain.identity}", "none")
            chains[chain.identity] = found
        orgs = {s.record.org for log in self.logs for s in log.keyrings.keys.values()}
        orgs.add(self.policy.platform)
        for identity in (self.bundle.subject, *map(keyring_identity, sorted(orgs))):
            if identity not in chains:
                raise ChainGap(f"the chain of {identity}", "none")
        return chains

    def _check_things(
        self, verified: list[VerifiedStatement], chains: dict[str, set[int]], id_base: str
    ) -> dict[int, frozenset[str]]:
        """Each shown thing's tag is in its statement's entry; shown ancestors' chains are here.

        Returns the disclosed chains that each statement links, by its place.
        """
        linked: dict[int, frozenset[str]] = {}
        at: dict[int, set[str]] = {}
        for name, places in chains.items():
            for place in places:
                at.setdefault(place, set()).add(name)
        for statement in verified:
            log = self.logs[statement.place // SPAN]
            entry = log.entries[statement.index]
            own = {statement.place}
            if isinstance(entry, EventEntry):
                more = log.overflow.get(entry.h, ())
                own |= {log.place(log.links[link]) for link in more}
            here = frozenset(name for place in own for name in at.get(place, ()))
            linked[statement.place] = here
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

    def _hidden_places(self) -> set[int]:
        """Places of statements that are in the log and not shown at all."""
        shown = {
            entry.h
            for log in self.logs
            for item in log.statements
            if isinstance(entry := log.entries[item.index], EventEntry)
        }
        hidden = set()
        for log in self.logs:
            for index, entry in sorted(log.entries.items()):
                if isinstance(entry, EventEntry) and entry.h not in shown:
                    self._find(log, WITHHELD, index, "the whole statement")
                    hidden.add(log.place(index))
        return hidden


def _follow(
    chain: BundledChain,
    logs: Sequence[ReadLog],
    heads: Mapping[tuple[str, int], tuple[int, int]],
    numbers: Sequence[int],
) -> set[int]:
    """The places of a chain's links in these logs, up to the receipt's head; none where it has no
    link. Raises ChainGap."""
    places: list[int] = []
    last, end, index = "", logs[0], 0
    while True:
        name = tag(chain.salt, chain.identity, len(places))
        found = [log for log in logs if name in log.links]
        if not found:
            break
        if len(found) > 1:
            raise ChainGap(f"link {len(places)} of {chain.identity} once", "in two logs")
        last, end, index = name, found[0], found[0].links[name]
        places.append(end.place(index))
    if not places:
        return set()
    if any(later <= one for one, later in pairwise(places)):
        raise ChainGap(f"rising indexes of {chain.identity}", places)
    if heads.get((last, numbers[end.rank])) != (len(places) - 1, index):
        raise ChainGap(
            f"link {len(places) - 1} of {chain.identity} as its head in the receipt",
            "another head",
        )
    return set(places)
