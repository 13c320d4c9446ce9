"""Passkeys that people sign in with, instead of a password (Web Authentication Level 3, section 7).

Rules.
1. Discoverable, ES256, the user verified by the device: the sign-in page asks for no name, and so
   tells nobody who has an account.
2. The rpId is the host of TRACE_PUBLIC_URL, the origin that address.
3. A challenge is good for five minutes, in the browser it was made for, and once: that it was used
   is counted in the database, because a browser's cookie can be put back.
4. A signature counter that goes back means a copy of the device: refused (section 6.1.1).
"""

from __future__ import annotations

import hashlib
import hmac
import os
from datetime import datetime, timedelta
from typing import Final

import orjson
from sqlalchemy import select

from trace.core.signing import (
    JsonObject,
    PasskeyPublicKey,
    TrustError,
    b64url,
    loads_strict,
    unb64url,
)
from trace.core.statements import check_assertion
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Person, PersonPasskey
from trace.services import counters
from trace.services.audit import write_audit
from trace.services.passkeys import (
    ES256,
    LONGEST,
    TIMEOUT_MS,
    read_assertion,
    read_made,
    relying_party,
    request_options,
)
from trace.services.settings import current_settings

CHALLENGE: Final = 32
LIFE: Final = timedelta(minutes=5)
MOST: Final = 10
_COUNT_AT: Final = 33  # authenticator data: 32 bytes of rpId hash, flags, then the counter


class PasskeyUnknown(TraceError):
    code = "passkey-unknown"
    message = "This passkey opens no account here, or the page was open for too long."
    next_step = "Try again, or sign in with the password."


class PasskeyTaken(Conflict):
    code = "passkey-taken"
    message = "This passkey is registered already."


class TooManyPasskeys(TraceError):
    code = "too-many-passkeys"
    message = "At most %(limit)d passkeys fit into one account."


def new_challenge() -> str:
    """32 random bytes as base64url, for the browser's signed cookie."""
    return b64url(os.urandom(CHALLENGE))


def creation_options(person: Person, challenge: str) -> JsonObject:
    """What navigator.credentials.create takes, bytes as base64url (rule 1)."""
    secret = current_settings().secret_key.encode()
    # The same for a person every time, so that a device replaces its passkey; names nobody.
    handle = hmac.new(secret, f"trace user handle\n{person.id}".encode(), hashlib.sha256).digest()
    name = person.phone or person.email or person.name
    return {
        "challenge": challenge,
        "rp": {"id": relying_party()[0], "name": "Trace"},
        "user": {"id": b64url(handle[:16]), "name": name, "displayName": person.name},
        "pubKeyCredParams": [{"type": "public-key", "alg": ES256}],
        "authenticatorSelection": {
            "residentKey": "required",
            "requireResidentKey": True,
            "userVerification": "required",
        },
        "excludeCredentials": [
            {"type": "public-key", "id": one.credential} for one in list_passkeys(person)
        ],
        "attestation": "none",
        "timeout": TIMEOUT_MS,
    }


def sign_in_options(challenge: str) -> JsonObject:
    """What navigator.credentials.get takes: any passkey of ours that the device has."""
    return request_options(unb64url(challenge), [])


def list_passkeys(person: Person) -> list[PersonPasskey]:
    """A person's passkeys, the oldest first."""
    query = select(PersonPasskey).where(PersonPasskey.person_id == person.id)
    return list(db.session.scalars(query.order_by(PersonPasskey.id)))


def add_passkey(
    person: Person, name: str, answer: str, challenge: str, *, at: datetime
) -> PersonPasskey:
    """Keeps a new passkey. Raises PasskeyRefused, PasskeyTaken, TooManyPasskeys, PasskeyUnknown
    for a challenge that was used."""
    _use_challenge(challenge, at)
    if len(list_passkeys(person)) >= MOST:
        raise TooManyPasskeys(limit=MOST)
    made = read_made(answer, unb64url(challenge))
    taken = select(PersonPasskey.id).where(PersonPasskey.credential == made.credential)
    if db.session.scalar(taken) is not None:
        raise PasskeyTaken
    row = PersonPasskey(
        person_id=person.id,
        credential=made.credential,
        public_key=orjson.dumps(made.jwk),
        name=name,
        created_at=at,
    )
    db.session.add(row)
    write_audit(None, "person.passkey-add", f"person:{person.id}", at=at, person=person)
    db.session.flush()
    return row


def remove_passkey(person: Person, passkey_id: int, *, at: datetime) -> None:
    """Forgets one of a person's passkeys. Raises NotFound."""
    row = get_passkey(person, passkey_id)
    db.session.delete(row)
    write_audit(None, "person.passkey-remove", f"person:{person.id}", at=at, person=person)


def get_passkey(person: Person, passkey_id: int) -> PersonPasskey:
    """One of a person's passkeys. Raises NotFound."""
    row = db.session.get(PersonPasskey, passkey_id)
    if row is None or row.person_id != person.id:
        raise NotFound
    return row


def authenticate(answer: str, challenge: str, *, at: datetime) -> Person:
    """The person whose passkey made this answer. Raises PasskeyUnknown, PasskeyRefused."""
    _use_challenge(challenge, at)
    assertion = read_assertion(answer)
    row = db.session.scalar(
        select(PersonPasskey).where(PersonPasskey.credential == _credential(answer))
    )
    if row is None or not row.person.active:
        raise PasskeyUnknown
    rp_id, origin = relying_party()
    try:
        check_assertion(
            assertion,
            PasskeyPublicKey.from_jwk(orjson.loads(row.public_key)),
            challenge=unb64url(challenge),
            rp_id=rp_id,
            origin=origin,
        )
    except TrustError:
        raise PasskeyUnknown from None
    count = int.from_bytes(assertion.authenticator_data[_COUNT_AT : _COUNT_AT + 4])
    if (count or row.sign_count) and count <= row.sign_count:
        raise PasskeyUnknown
    row.sign_count, row.used_at = count, at
    return row.person


def _credential(answer: str) -> str:
    given = loads_strict(answer[:LONGEST], max_bytes=LONGEST, max_depth=3)
    return str(given.get("id", ""))[:1400] if isinstance(given, dict) else ""


def _use_challenge(challenge: str, at: datetime) -> None:
    """Raises PasskeyUnknown unless the challenge was never used."""
    key = counters.counter_key("passkey challenge", challenge)
    if not challenge or counters.tries(key, at=at)[0]:
        raise PasskeyUnknown
    counters.hit(key, 2 * LIFE, at=at)
