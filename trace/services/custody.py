"""Who holds an organisation's keys: the platform, a passkey on somebody's phone, or itself.

Rules (docs/reference/formats.md, "Keys").
1. `server`: the platform holds the key and signs with it. Owners rotate and revoke it here.
2. `own`: the organisation made the key and signs outside. Its key record is signed by a valid
   server key (or, where none is left, by a valid own key) and, as proof of possession, by the new
   key itself.
3. `passkey`: approves statements that the server key signs. Its possession is proved by an
   assertion over the record.
4. A record is signed outside, so the keyring may move meanwhile: then it is signed once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy import select

from trace.core.signing import (
    Compact,
    JsonObject,
    PublicKey,
    TrustError,
    Unreadable,
    b64url,
    dumps,
    loads_strict,
    parse_kid,
    verify_compact,
)
from trace.core.statements import KeyRecord, sign_key_record
from trace.core.statements.keyring import TYP, parse_key_record
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Key
from trace.services import keys, log
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.notifications import notify

LONGEST: Final = 20_000  # characters of a pasted key or signature


class KeyringMoved(Conflict):
    code = "keyring-moved"
    message = "The organisation's keys changed meanwhile."
    next_step = "Sign the record that is shown now."


class BadPublicKey(TraceError):
    code = "bad-public-key"
    message = "This is not an Ed25519 public key in PEM or as a JWK."


class KeyKnown(Conflict):
    code = "key-known"
    message = "This key is registered already."


class NotPossessed(TraceError):
    code = "key-not-possessed"
    message = "The record is not signed by the new key: %(got)s"
    next_step = "Sign the record that is shown, with the private half of this key."


class KeyEnded(Conflict):
    code = "key-ended"
    message = "This key has ended already."


@dataclass(frozen=True, slots=True)
class Draft:
    """A key record to be signed by the new key, and what exactly its holder signs."""

    record: KeyRecord
    signing_input: str  # header.payload of the JWS: ASCII, as RFC 7515 section 5.1 says


def list_keys(actor: Actor) -> list[Key]:
    """The keys that sign or approve the organisation's statements, newest first."""
    actor.check("read")
    return list(
        db.session.scalars(
            select(Key)
            .where(Key.organisation_id == actor.organisation.id, Key.purpose == "sign")
            .order_by(Key.id.desc())
        )
    )


def get_key(actor: Actor, key_id: int) -> Key:
    """One of the organisation's keys. Raises NotFound."""
    actor.check("manage")
    key = db.session.get(Key, key_id)
    if key is None or key.organisation_id != actor.organisation.id or key.purpose != "sign":
        raise NotFound
    return key


def valid_keys(organisation_id: int, custody: str) -> list[Key]:
    """Keys of a custody that count now, oldest first."""
    return list(
        db.session.scalars(
            select(Key)
            .where(
                Key.organisation_id == organisation_id,
                Key.purpose == "sign",
                Key.custody == custody,
                Key.active_from.is_not(None),
                Key.revoked_from.is_(None),
            )
            .order_by(Key.id)
        )
    )


def rotate(actor: Actor, *, at: datetime) -> Key:
    """A new server-held key in the place of the newest. Raises NotAllowed, NoKey."""
    actor.check("manage")
    made = keys.rotate_key(actor.organisation, at=at)
    write_audit(actor, "key.rotate", made.kid, at=at)
    _tell(actor, "key-rotated", made.kid, at)
    return made


def revoke(actor: Actor, key: Key, *, at: datetime) -> None:
    """The key counts no more. Raises NotAllowed, KeyEnded, NoKey (no server key signs it out)."""
    actor.check("manage")
    if key.revoked_from is not None:
        raise KeyEnded
    index = keys.revoke_key(key, at=at)
    write_audit(actor, "key.revoke", key.kid, at=at, index=index, custody=key.custody)
    _tell(actor, "key-revoked", key.kid, at)


def read_public_key(text: str) -> PublicKey:
    """An Ed25519 key from PEM (SubjectPublicKeyInfo) or a JWK; a JWK may carry more members.

    Raises BadPublicKey, also for a private key: it must never leave its holder.
    """
    text = text.strip()[:LONGEST]
    if text.startswith("{"):
        return _read_jwk(text)
    try:
        key = serialization.load_pem_public_key(text.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise BadPublicKey(path="public_key") from None
    if not isinstance(key, Ed25519PublicKey):
        raise BadPublicKey(path="public_key")
    raw = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return PublicKey(raw)


def _read_jwk(text: str) -> PublicKey:
    try:
        jwk = loads_strict(text, max_bytes=LONGEST, max_depth=3)
        if not isinstance(jwk, dict) or "d" in jwk:
            raise BadPublicKey(path="public_key")
        return PublicKey.from_jwk({name: jwk.get(name) for name in ("kty", "crv", "x")})
    except TrustError:
        raise BadPublicKey(path="public_key") from None


def draft_own_key(actor: Actor, public: PublicKey) -> Draft:
    """The record that adds a key of the organisation's own. Raises NotAllowed, KeyKnown."""
    actor.check("manage")
    check_new(actor, public.jwk)
    organisation = actor.organisation
    kid = keys.next_kid(organisation, "own")
    origin = log.current_state().origin
    record = keys.next_record(organisation, origin, "add", kid, jwk=public.jwk, custody="own")
    return Draft(record, signing_input(record))


def signing_input(record: KeyRecord, kid: str = "") -> str:
    """What is signed to sign a record: base64url of header and payload, joined by a dot."""
    header = {"alg": "Ed25519", "typ": TYP, "kid": kid or record.kid}
    return f"{b64url(dumps(header))}.{b64url(record.to_json())}"


def add_own_key(actor: Actor, jws: Sequence[str], *, at: datetime) -> Key:
    """Publishes a key the organisation holds itself.

    `jws` is the record signed by the new key; before it, where no server key is valid any more, the
    same record signed by a valid key of the organisation's own. Raises NotAllowed, NotPossessed,
    KeyringMoved, KeyKnown, NoKey.
    """
    actor.check("manage")
    organisation = actor.organisation
    try:
        record, parts = parse_key_record([text.strip()[:LONGEST] for text in jws])
        if record.custody != "own" or record.action != "add" or record.jwk is None:
            raise Unreadable("an add of a key of custody own", record.action)
        verify_compact(_by(parts[-1], record.kid), PublicKey.from_jwk(record.jwk))
    except TrustError as error:
        raise NotPossessed(path="jws", got=f"{error.got} ({error.expected})") from None
    check_new(actor, record.jwk)
    state = log.lock()
    expected = keys.next_record(
        organisation, state.origin, "add", record.kid, jwk=record.jwk, custody="own"
    )
    if expected != record or keys.next_kid(organisation, "own") != record.kid:
        raise KeyringMoved(path="jws")
    texts = [part.text for part in parts]
    if len(parts) == 1:
        texts = [*sign_key_record(record, [keys.signer_of(organisation)]), *texts]
    else:
        _check_authority(actor, parts)
    index = keys.publish(organisation, state, record, texts, at)
    return keep_key(actor, record, index, at)


def keep_key(
    actor: Actor, record: KeyRecord, index: int, at: datetime, passkey: JsonObject | None = None
) -> Key:
    """The row of a key that is held elsewhere, and its line in the audit."""
    row = Key(
        organisation_id=actor.organisation.id,
        kid=record.kid,
        jwk=orjson.dumps(record.jwk).decode(),
        sealed=None,
        custody=str(record.custody),
        passkey=orjson.dumps(passkey).decode() if passkey else None,
        active_from=index,
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    write_audit(actor, "key.add", record.kid, at=at, index=index, custody=record.custody)
    _tell(actor, "key-added", record.kid, at)
    return row


def _tell(actor: Actor, word: str, kid: str, at: datetime) -> None:
    """The other owners learn of every change of a key, whoever made it."""
    notify(
        actor.organisation,
        word,
        {"what": kid.rpartition("#")[2]},
        at=at,
        address="/producer/keys/",
        but=actor.person,
    )


def _by(part: Compact, kid: str) -> Compact:
    if part.kid != kid:
        raise Unreadable(f"a signature by {kid}", part.kid)
    return part


def _check_authority(actor: Actor, parts: Sequence[Compact]) -> None:
    """The first of two signatures is by a valid key that the organisation holds itself."""
    if len(parts) != 2:
        raise NotPossessed(path="jws", got=f"{len(parts)} signatures")
    own = {key.kid: key for key in valid_keys(actor.organisation.id, "own")}
    key = own.get(parts[0].kid)
    try:
        if key is None:
            raise Unreadable("a valid key of the organisation's own", parse_kid(parts[0].kid).name)
        verify_compact(parts[0], PublicKey.from_jwk(orjson.loads(key.jwk)))
    except TrustError as error:
        raise NotPossessed(path="jws", got=f"{error.got} ({error.expected})") from None


def check_new(actor: Actor, jwk: JsonObject) -> None:
    """A key registered in this log stays what it was; in a log begun anew it may enrol again."""
    known = db.session.scalar(
        select(Key.id).where(
            Key.organisation_id == actor.organisation.id,
            Key.jwk == orjson.dumps(jwk).decode(),
            Key.active_from >= log.current_state().start,
        )
    )
    if known is not None:
        raise KeyKnown(path="public_key")
