"""Step 7: the checkpoint is the log's, enough independent witnesses saw it, lately enough.

Rules.
1. A log may have two keys in a policy, while its key is changed; one of them must have signed.
2. One witness's key counts once, that of a log of the policy not at all.
3. `since` is dated by the witnesses that cosigned it; the proof that the bundle's checkpoint
   continues it makes it as good as that one, whoever of the log's keys signed it in its time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trace.core.signing.errors import BadSignature
from trace.core.statements import Since
from trace.core.tlog import (
    Checkpoint,
    Note,
    NotInLog,
    NotWitnessed,
    Stale,
    Verifier,
    parse_note,
    read_checkpoint,
    verify_consistency,
)
from trace.core.verify.logs import ReadLog
from trace.core.verify.report import Policy

CLOCK_SKEW: Final = timedelta(minutes=10)  # how far ahead of ours a witness's clock may be


@dataclass(frozen=True, slots=True)
class Checked:
    """The witnesses that count, by name, and their newest moment."""

    witnesses: tuple[str, ...]
    newest: datetime | None


def check_checkpoint(note: str, policy: Policy, now: datetime) -> Checked:
    """The bundle's own checkpoint. Raises NotWitnessed, Stale."""
    _, opened = read_signed(note, policy, policy.log.name)
    found = check_witnesses(opened, policy, now)
    if policy.quorum and policy.max_age is not None:
        oldest = now - policy.max_age
        if found.newest is None or found.newest < oldest:
            raise Stale(f"a cosignature after {oldest.isoformat()}", found.newest or "none")
    return found


def read_signed(note: str, policy: Policy, origin: str) -> tuple[Checkpoint, Note]:
    """A checkpoint of `origin` that one of its keys in the policy signed (rule 1).

    Raises Unreadable, NotWitnessed.
    """
    refusal: NotWitnessed | None = None
    for verifier in policy.keys_of(origin):
        try:
            return read_checkpoint(note, verifier)
        except NotWitnessed as error:
            refusal = error
    got = Checkpoint.parse(parse_note(note).text).origin
    raise refusal or NotWitnessed(f"a log of the policy, such as {policy.log.name}", got)


def check_witnesses(note: Note, policy: Policy, now: datetime) -> Checked:
    """Counts the policy's witnesses that cosigned (rule 2). Raises NotWitnessed."""
    counted: dict[bytes, str] = {}
    moments: list[datetime] = []
    for witness in policy.witnesses:
        if not _is_independent(witness, policy) or witness.key.raw in counted:
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
        if moment is None or moment > now + CLOCK_SKEW:
            raise NotWitnessed("a cosignature with a moment up to now", moment)
        counted[witness.key.raw] = witness.name
        moments.append(moment)
    if len(counted) < policy.quorum:
        raise NotWitnessed(f"{policy.quorum} witnesses", len(counted))
    return Checked(tuple(counted.values()), max(moments, default=None))


def _is_independent(witness: Verifier, policy: Policy) -> bool:
    logs = (policy.log, *policy.logs)
    return all(witness.key != log.key and witness.name != log.name for log in logs)


def check_since(
    since: Since | None, log: ReadLog, policy: Policy, now: datetime
) -> datetime | None:
    """The first moment that witnesses saw this log with all that the bundle shows (rule 3).

    Raises NotWitnessed, NotConsistent, NotInLog.
    """
    if since is None:
        return None
    older, note = read_signed(since.checkpoint, policy, log.origin)
    verify_consistency(
        older.size, log.checkpoint.size, older.root, log.checkpoint.root, since.proof
    )
    if older.size <= log.newest:
        raise NotInLog(f"an older checkpoint beyond {log.newest}", older.size, step=7)
    return check_witnesses(note, policy, now).newest
