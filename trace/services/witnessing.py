"""Asking witnesses to cosign, keeping what they answer, and saying who they are.

The policy names the witnesses and how many must cosign. An unreachable witness blocks nothing: the
checkpoint is published at once and the witness is asked again. A witness that the operator runs is
asked too and counts for nothing. Network and database are kept apart: `plan` reads, `ask` talks,
`record` writes.
"""

from __future__ import annotations

import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http.client import HTTPException
from pathlib import Path

import structlog
from sqlalchemy import select

from trace.core.signing import TrustError, b64url
from trace.core.tlog import (
    BadPolicy,
    PolicyWitness,
    TrustPolicy,
    consistency_proof,
    origin_of,
    parse_note,
    parse_policy,
)
from trace.core.tlog.policy import NONE
from trace.core.tlog.witness import AddCheckpoint, cosignature_lines
from trace.extensions import db
from trace.models import LogCheckpoint, LogState, LogWitness, Organisation
from trace.models.types import EPOCH
from trace.services import log
from trace.services.keys import MissingKeyFile, root_public
from trace.services.log_file import LogForked
from trace.services.log_keys import known_verifiers, verifiers
from trace.services.named_servers import open_named
from trace.services.naming import issuer_of
from trace.services.sequencer import TileReader
from trace.services.settings import current_settings

logger = structlog.get_logger()
TIMEOUT = 10  # seconds for one answer
LARGEST_ANSWER = 64 * 1024
# A quiet log is cosigned again, so that the newest cosignature is never much older than this.
AGAIN_AFTER = timedelta(hours=1)
# After a failure a witness is left alone for a while.
PAUSE = timedelta(seconds=30)
SCANNED = 100  # checkpoints looked through for the newest cosignature


@dataclass(frozen=True, slots=True)
class Question:
    """What one witness is asked. `start` is the place of the origin's index 0."""

    witness: PolicyWitness
    request: AddCheckpoint
    start: int
    place: int


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: cosignature lines; or the size the witness has; or why there is nothing.

    `forked` tells that the witness refuses because it has seen another log than this one.
    """

    question: Question
    lines: tuple[str, ...] = ()
    has_size: int | None = None
    failure: str = ""
    forked: bool = False


@dataclass(frozen=True, slots=True)
class WitnessView:
    """A witness for a page: who runs it, whether it counts, and what it cosigned newest (size of
    the log, moment by its own clock; both None before the first)."""

    name: str
    operator: str
    counts: bool
    size: int | None
    cosigned_at: datetime | None
    failure: str | None


def policy_path() -> Path:
    """Where the policy file is looked for."""
    settings = current_settings()
    return Path(settings.log_policy or settings.instance / "log" / "policy")


def read_trust_policy() -> TrustPolicy | None:
    """The policy file; None where there is none. Raises BadPolicy.

    A witness under the log's own name counts for nothing, whatever the file says.
    """
    path = policy_path()
    if not path.exists():
        return None
    try:
        policy = parse_policy(path.read_bytes())
    except OSError as error:
        raise BadPolicy(line=0, reason=f"{path} cannot be read: {error.strerror}") from error
    settings = current_settings()
    host = origin_of(settings.id_base).partition("/")[0]
    keys = [one.verifier.key for one in policy.logs]
    return replace(
        policy,
        witnesses=tuple(
            replace(
                w,
                own=w.own or w.verifier.key in keys or w.verifier.name.partition("/")[0] == host,
            )
            for w in policy.witnesses
        ),
    )


def read_policy_text() -> str:
    """A policy file for this log: its keys, the platform's root key, and the witnesses of the
    policy in force. Who relies on it should compare it with one got elsewhere."""
    state = log.current_state()
    public_url = current_settings().public_url
    code = db.session.scalar(select(Organisation.code).where(Organisation.kind == "platform"))
    where = f"{public_url}/log" + (f"/{state.id}" if state.id > 1 else "")
    lines = [f"log {verifier.vkey} {where}" for verifier in verifiers(state.origin)]
    lines += _older_logs(state.id)
    lines.append(f"#trace platform {issuer_of(code or '')}")
    lines.append(f"#trace root {b64url(root_public().raw)}")
    lines += _competent(code or "")
    policy = read_trust_policy()
    if policy is None:
        return "\n".join([*lines, f"quorum {NONE}"]) + "\n"
    said = [f"#trace {word} {value}" for word, value in policy.directives]
    lines += [
        line for line in said if line not in lines and line.split()[1] not in ("platform", "root")
    ]
    for witness in policy.witnesses:
        url = f" {witness.url}" if witness.url else ""
        lines.append(f"witness {witness.name} {witness.verifier.vkey}{url}")
        lines.append(f"#trace operator {witness.name} {witness.operator}")
        if witness.own:
            lines.append(f"#trace own {witness.name}")
    lines += [f"group {g.name} {g.needed} {' '.join(g.members)}" for g in policy.groups]
    return "\n".join([*lines, f"quorum {policy.quorum}"]) + "\n"


def _older_logs(newest: int) -> Iterator[str]:
    """The logs that this one continues, so that verifiers may follow histories into them. One whose
    key is not held here any more is left out: whoever has it may add its line."""
    public_url = current_settings().public_url
    older = select(LogState.id, LogState.origin).where(LogState.id < newest).order_by(LogState.id)
    for number, origin in db.session.execute(older):
        where = f"{public_url}/log" + (f"/{number}" if number > 1 else "")
        try:
            known = known_verifiers(origin)
        except MissingKeyFile:
            continue
        yield from (f"log {verifier.vkey} {where}" for verifier in known)


def _competent(platform: str) -> list[str]:
    """Whose notices and releases count beside the issuer's own, and who may take part in recovering
    keys: confirmed authorities. The platform gives notices too, and inspects nobody."""
    codes = db.session.scalars(
        select(Organisation.code)
        .where(Organisation.kind == "authority", Organisation.status == "confirmed")
        .order_by(Organisation.code)
    ).all()
    lines = [f"#trace {word} {issuer_of(c)}" for c in codes for word in ("inspector", "authority")]
    return [*lines, f"#trace authority {issuer_of(platform)}"]


def witnesses() -> list[WitnessView]:
    """The witnesses of the policy, for the proof page; none where there is no policy."""
    policy = read_trust_policy()
    if policy is None:
        return []
    known = {row.vkey: row for row in db.session.scalars(select(LogWitness))}
    start = log.current_state().start
    views = []
    for witness in policy.witnesses:
        row = known.get(witness.verifier.vkey)
        cosigned = row is not None and row.cosigned_at is not None and row.size > start
        views.append(
            WitnessView(
                name=witness.name,
                operator=witness.operator,
                counts=not witness.own,
                size=row.size - start if row is not None and cosigned else None,
                cosigned_at=row.cosigned_at if row is not None and cosigned else None,
                failure=row.failure if row is not None else None,
            )
        )
    return views


def plan(*, now: datetime, every: bool = False) -> list[Question]:
    """What to ask now: each witness with an address that has not cosigned the newest checkpoint,
    or not lately; with `every` all of them: a restored database remembers cosignatures that are
    no longer the newest. Empty where there is no policy or no checkpoint."""
    policy = read_trust_policy()
    state = db.session.scalar(select(LogState).order_by(LogState.id.desc()).limit(1))
    if policy is None or state is None:
        return []
    newest = db.session.scalar(
        select(LogCheckpoint)
        .where(LogCheckpoint.size > state.start)
        .order_by(LogCheckpoint.size.desc())
        .limit(1)
    )
    if newest is None:
        return []
    known = {row.vkey: row for row in db.session.scalars(select(LogWitness))}
    questions = []
    for witness in policy.witnesses:
        row = known.get(witness.verifier.vkey)
        if not _has_address(witness) or not (every or _is_due(witness, row, newest, now)):
            continue
        seen = max(0, row.size - state.start) if row is not None else 0
        questions.append(_question(witness, state, newest, min(seen, newest.size - state.start)))
    return questions


def _has_address(witness: PolicyWitness) -> bool:
    return witness.url is not None and witness.url.startswith(("http://", "https://"))


def _is_due(
    witness: PolicyWitness, row: LogWitness | None, newest: LogCheckpoint, now: datetime
) -> bool:
    if row is None:
        return True
    if row.failure is not None and row.asked_at is not None and now - row.asked_at < PAUSE:
        return False
    verifier = witness.verifier
    cosigned = any(
        (line.name, line.key_id) == (verifier.name, verifier.key_id)
        for line in parse_note(newest.note).signatures
    )
    return not cosigned or row.cosigned_at is None or now - row.cosigned_at >= AGAIN_AFTER


def _question(witness: PolicyWitness, state: LogState, newest: LogCheckpoint, old: int) -> Question:
    size = newest.size - state.start
    proof = consistency_proof(old, size, TileReader(state.id))
    request = AddCheckpoint(old, tuple(proof), newest.note)
    return Question(witness, request, state.start, newest.size)


def ask(question: Question) -> Answer:
    """Sends one question. No database, no exception: whatever happens is an answer."""
    address = f"{(question.witness.url or '').rstrip('/')}/add-checkpoint"
    request = urllib.request.Request(address, data=question.request.body, method="POST")  # noqa: S310
    request.add_header("Content-Type", "text/plain; charset=utf-8")
    try:
        with open_named(request, timeout=TIMEOUT) as response:
            body = response.read(LARGEST_ANSWER)
    except urllib.error.HTTPError as error:
        return _refused(question, error.code, error.read(LARGEST_ANSWER))
    except (OSError, HTTPException, ValueError) as error:
        return Answer(question, failure=f"unreachable: {error}")
    try:
        lines = cosignature_lines(body.decode(), question.request.note, [question.witness.verifier])
    except (TrustError, UnicodeDecodeError) as error:
        return Answer(question, failure=f"its answer does not hold: {error}")
    if not lines:
        return Answer(question, failure="its answer has no cosignature by the key in the policy")
    return Answer(question, lines=tuple(lines))


def _refused(question: Question, status: int, body: bytes) -> Answer:
    text = body.decode("utf-8", "replace").strip()
    size = int(text) if text.isascii() and text.isdigit() and len(text) < 17 else None
    if status == 409 and size is not None:
        mine = question.place - question.start
        if size > mine:
            failure = f"it has seen a log of {size} entries, longer than the {mine} here"
            return Answer(question, has_size=size, failure=failure, forked=True)
        if size == question.request.old:
            failure = f"it has seen another log of {size} entries"
            return Answer(question, has_size=size, failure=failure, forked=True)
        return Answer(question, has_size=size)
    if status == 422:
        failure = "it has seen a log that this one does not continue"
        return Answer(question, failure=failure, forked=True)
    return Answer(question, failure=f"HTTP {status}: {text[:200]}")


def record(answers: Sequence[Answer], *, now: datetime) -> None:
    """Keeps answers: cosignatures on the checkpoint they are about, sizes, failures."""
    policy = read_trust_policy()
    for answer in answers:
        question, vkey = answer.question, answer.question.witness.verifier.vkey
        row = db.session.get(LogWitness, vkey) or LogWitness(vkey=vkey, size=0)
        db.session.add(row)
        row.asked_at, row.failure = now, answer.failure or None
        if answer.has_size is not None and not answer.forked:
            row.size = question.start + answer.has_size
        if answer.forked:
            logger.error("witness-sees-another-log", witness=vkey, detail=answer.failure)
        if not answer.lines:
            continue
        checkpoint = db.session.get(LogCheckpoint, question.place, populate_existing=True)
        row.size = max(row.size, question.place)
        if (
            checkpoint is None
            or parse_note(checkpoint.note).text != parse_note(question.request.note).text
        ):
            continue
        checkpoint.note = _with_lines(checkpoint.note, question.witness, answer.lines)
        row.cosigned_at = parse_note(checkpoint.note).check(question.witness.verifier)
        if policy is not None and checkpoint.witnessed_at is None:
            _count(checkpoint, policy, now)
    db.session.flush()


def _with_lines(note: str, witness: PolicyWitness, lines: Sequence[str]) -> str:
    """The note with this witness's newest cosignature in the place of its older one."""
    opened = parse_note(note)
    verifier = witness.verifier
    kept = [
        f"— {line.name} {b64encode(line.key_id + line.signature).decode()}\n"
        for line in opened.signatures
        if (line.name, line.key_id) != (verifier.name, verifier.key_id)
    ]
    return opened.text + "\n" + "".join([*kept, *lines])


def _count(checkpoint: LogCheckpoint, policy: TrustPolicy, now: datetime) -> None:
    cosigned = policy.cosignatures(parse_note(checkpoint.note), now=now)
    if policy.quorum != NONE and policy.satisfied_by(cosigned):
        checkpoint.witnessed_at = max(cosigned.values())


def witnessed_no_later_than(note: str, *, now: datetime) -> datetime | None:
    """The newest moment at which the policy's witnesses cosigned a checkpoint; None without a
    policy. The beginning of time where they are too few: then it was not witnessed at all."""
    policy = read_trust_policy()
    if policy is None:
        return None
    try:
        cosigned = policy.cosignatures(parse_note(note), now=now)
    except TrustError:
        cosigned = {}
    if policy.quorum == NONE or not policy.satisfied_by(cosigned):
        return EPOCH
    return max(cosigned.values())


def first_witnessed(place: int) -> LogCheckpoint | None:
    """The first checkpoint with the quorum's cosignatures that covers the entry at `place`."""
    return db.session.scalar(
        select(LogCheckpoint)
        .where(LogCheckpoint.size > place, LogCheckpoint.witnessed_at.is_not(None))
        .order_by(LogCheckpoint.size)
        .limit(1)
    )


def check_against_witnesses(answers: Sequence[Answer]) -> None:
    """At the start: raises LogForked when a witness has seen another log than the database's."""
    for answer in answers:
        if answer.forked:
            raise LogForked(
                kept=answer.has_size if answer.has_size is not None else "?",
                reason=f"the witness {answer.question.witness.operator} says {answer.failure}",
            )
