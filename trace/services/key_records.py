"""Key records signed outside by an organisation that holds its own keys: its keyring is its own.

Rules (formats, section 5).
1. A record is signed by a valid key that the organisation holds itself; one that brings a key in
   (add, rotate) also by that key: proof of possession. The platform signs nothing here.
2. It is the next record of the keyring, in this log, and no other: origin, number and the hash of
   the record before are what they must be, the kid of a new key is the next one of its kind.
3. `rotate` ends the key that signed it; `revoke` ends any of the organisation's signing keys and
   passkeys, the platform-held one and itself included.
4. Recovery, revocation with `since`, and the first key are the platform's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from sqlalchemy import select

from trace.core.signing import Compact, PublicKey, TrustError, Unreadable, verify_compact
from trace.core.statements import KeyRecord
from trace.core.statements.keyring import parse_key_record
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Key
from trace.services import keys, log
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.custody import (
    LONGEST,
    KeyEnded,
    KeyringMoved,
    NotPossessed,
    check_new,
    keep_key,
    signing_input,
    valid_keys,
)

ACTIONS = ("add", "rotate", "revoke")


@dataclass(frozen=True, slots=True)
class NextRecord:
    """What the organisation's next record must say, and the kid of its next own key."""

    origin: str
    org: str
    n: int
    prev: str | None
    kid: str


@dataclass(frozen=True, slots=True)
class Published:
    """A record that is in the log now: at which index, what it did, to which key."""

    index: int
    action: str
    kid: str


def next_record(actor: Actor) -> NextRecord:
    """What a record must say to be taken now."""
    actor.check("read")
    organisation = actor.organisation
    kid = keys.next_kid(organisation, "own")
    record = keys.next_record(organisation, log.current_state().origin, "revoke", kid)
    return NextRecord(record.origin, record.org, record.n, record.prev, kid)


def signing_inputs(
    actor: Actor,
    action: str,
    signer: Key,
    *,
    ended: Key | None = None,
    public: PublicKey | None = None,
) -> list[str]:
    """What is signed for a record, in the order in which it is sent: by `signer`, then, for a new
    key with this public half, by that one. Raises NotFound unless `signer` is a valid own key."""
    organisation = actor.organisation
    if signer.id not in {key.id for key in valid_keys(organisation.id, "own")}:
        raise NotFound
    origin = log.current_state().origin
    if action == "revoke":
        record = keys.next_record(organisation, origin, action, (ended or signer).kid)
        return [signing_input(record, signer.kid)]
    if public is None:
        raise ValueError("a record that brings a key in names it")
    check_new(actor, public.jwk)
    kid = keys.next_kid(organisation, "own")
    record = keys.next_record(organisation, origin, action, kid, jwk=public.jwk, custody="own")
    return [signing_input(record, signer.kid), signing_input(record)]


def publish_signed(actor: Actor, jws: Sequence[str], *, at: datetime) -> Published:
    """Logs a record (rules 1 to 4); the caller commits.

    Raises NotPossessed for what is not signed as it must be, KeyringMoved for a record that is not
    the next one, KeyKnown, KeyEnded, NotFound (a key to revoke that is not the organisation's).
    """
    try:
        record, parts = parse_key_record([text.strip()[:LONGEST] for text in jws])
        _check_form(record, parts)
    except TrustError as error:
        raise NotPossessed(path="jws", got=f"{error.got} ({error.expected})") from None
    if record.action != "revoke" and record.jwk is not None:
        check_new(actor, record.jwk)
    state = log.lock()
    signer = _check_signer(actor, parts[0])
    ended = _ended(actor, record, signer)
    _check_next(actor, record, state.origin)
    index = keys.publish(actor.organisation, state, record, [part.text for part in parts], at)
    if record.action != "revoke":
        keep_key(actor, record, index, at)
    if ended is not None:
        keys.end_keys(Key.id == ended.id, index)
        act = f"key.{record.action}"
        write_audit(actor, act, ended.kid, at=at, index=index, custody=ended.custody)
    return Published(index, record.action, record.kid)


def _check_form(record: KeyRecord, parts: Sequence[Compact]) -> None:
    """Rule 1 for the form, and the new key's signature."""
    if record.action not in ACTIONS or record.since is not None:
        raise Unreadable(f"one of {', '.join(ACTIONS)}, without since", record.action)
    if record.action == "revoke":
        if len(parts) != 1:
            raise Unreadable("one signature", len(parts))
        return
    if record.custody != "own" or record.jwk is None:
        raise Unreadable("a key of custody own", record.custody)
    if len(parts) != 2 or parts[1].kid != record.kid:
        raise Unreadable(f"two signatures, the second by {record.kid}", len(parts))
    verify_compact(parts[1], PublicKey.from_jwk(record.jwk))


def _check_signer(actor: Actor, part: Compact) -> Key:
    """The valid own key that signed; asked for under the log lock."""
    signer = {key.kid: key for key in valid_keys(actor.organisation.id, "own")}.get(part.kid)
    try:
        if signer is None:
            raise Unreadable("a valid key of the organisation's own", part.kid)
        verify_compact(part, PublicKey.from_jwk(orjson.loads(signer.jwk)))
    except TrustError as error:
        raise NotPossessed(path="jws", got=f"{error.got} ({error.expected})") from None
    return signer


def _ended(actor: Actor, record: KeyRecord, signer: Key) -> Key | None:
    """Rule 3."""
    if record.action == "add":
        return None
    if record.action == "rotate":
        return signer
    found = db.session.scalar(
        select(Key)
        .where(
            Key.organisation_id == actor.organisation.id,
            Key.kid == record.kid,
            Key.purpose == "sign",
        )
        .execution_options(populate_existing=True)
    )
    if found is None:
        raise NotFound
    if found.revoked_from is not None:
        raise KeyEnded
    return found


def _check_next(actor: Actor, record: KeyRecord, origin: str) -> None:
    """Rule 2."""
    organisation = actor.organisation
    expected = keys.next_record(
        organisation,
        origin,
        record.action,
        record.kid,
        jwk=record.jwk,
        custody=record.custody,
    )
    new = record.action == "revoke" or record.kid == keys.next_kid(organisation, "own")
    if expected != record or not new:
        raise KeyringMoved(path="jws")
