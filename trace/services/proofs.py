"""What is proved of a thing's page, as plain data for its section "Bằng chứng".

Only what formats, section 6 lets a page say: whose signatures, in which log, which witnesses saw it
and since when, as of when the operator signed that the chains end, how much is withheld. Dates of
proof are witnesses'; without them there is none, and the page says "theo sổ".
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from trace.core.signing import TrustError
from trace.core.statements import (
    Bundle,
    BundledLog,
    open_receipt,
    open_statement,
    parse_bundle,
    parse_entry,
)
from trace.core.statements.entries import EventEntry
from trace.core.tlog import TrustPolicy, parse_note
from trace.services.bundles import (
    BundleTooLarge,
    ChainBroken,
    NoChain,
    NotPublished,
    SeveralLogs,
    StatementBroken,
    bundle_of,
)
from trace.services.witnessing import read_trust_policy

NOTHING_PROVED = (
    NoChain,
    NotPublished,
    SeveralLogs,
    BundleTooLarge,
    StatementBroken,
    ChainBroken,
)


@dataclass(frozen=True, slots=True)
class WitnessSeen:
    """An independent witness of the policy: who runs it and when, by its own clock, it first
    cosigned a log that holds all of this; None when it has not yet."""

    name: str
    operator: str
    moment: datetime | None


@dataclass(frozen=True, slots=True)
class Proof:
    """What the bundle of a thing proves.

    `statements` are shown, each with its organisation's signature and its place in `origin`'s log
    of `size` entries; `hidden` statements are in the log and not shown, `withheld` members of the
    shown ones neither. `signed_at` is the receipt's time: as of then the operator signed that these
    chains end here. `witnessed` is since when later changes would be noticed by witnesses; None:
    the dates are the log's own.
    """

    statements: int
    hidden: int
    withheld: int
    origin: str
    size: int
    signed_at: datetime
    witnessed: datetime | None
    witnesses: tuple[WitnessSeen, ...]


def proof_of(thing_id: int, *, at: datetime) -> Proof | None:
    """The proof of a thing for the public; None while there is nothing published to prove it by,
    for what has no chain of its own, and where the stored data no longer fits the log: then a page
    may say nothing of proofs. Call with nothing unwritten in the session."""
    try:
        bundle = parse_bundle(bundle_of(thing_id, at=at))
    except NOTHING_PROVED:
        return None
    receipt, _ = open_receipt(bundle.receipt)
    policy = read_trust_policy()
    since = _moments(bundle.since.checkpoint if bundle.since else None, policy, at)
    seen = {**_moments(bundle.checkpoint, policy, at), **since}
    logs: list[Bundle | BundledLog] = [*bundle.older, bundle]
    shown = [one for log in logs for one in log.statements]
    others = [one for log in logs for one in log.entries]
    return Proof(
        statements=len(shown),
        hidden=sum(isinstance(parse_entry(one.entry), EventEntry) for one in others),
        withheld=sum(len(open_statement(one.sdjwt).withheld) for one in shown),
        origin=receipt.origin,
        size=receipt.size,
        signed_at=receipt.time,
        witnessed=max(since.values(), default=None),
        witnesses=tuple(
            WitnessSeen(witness.name, witness.operator, seen.get(witness.name))
            for witness in (policy.witnesses if policy is not None else ())
            if not witness.own
        ),
    )


def _moments(note: str | None, policy: TrustPolicy | None, now: datetime) -> dict[str, datetime]:
    """When each independent witness of the policy cosigned a checkpoint."""
    if note is None or policy is None:
        return {}
    try:
        return policy.cosignatures(parse_note(note), now=now)
    except TrustError:  # a cosignature that does not hold is none
        return {}


__all__ = ["Proof", "WitnessSeen", "proof_of"]
