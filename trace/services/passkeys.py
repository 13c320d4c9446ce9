"""Passkeys of an organisation: enrolled with proof of possession, then asked to approve.

Rules (docs/reference/formats.md, "Keys"; Web Authentication Level 3, sections 7.1 and 7.2).
1. Only ES256 on the device itself, with the user verified: fingerprint, face or screen lock.
2. The rpId is the host of TRACE_PUBLIC_URL and the origin is that address: an assertion made for
   another page is worth nothing here.
3. A new passkey answers two challenges: a random one when it is made, and that of its key record,
   which is what the log keeps as proof of possession.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from webauthn import verify_registration_response
from webauthn.helpers import decode_credential_public_key
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.decode_credential_public_key import DecodedEC2PublicKey
from webauthn.helpers.exceptions import WebAuthnException

from trace.core.signing import (
    JsonObject,
    PasskeyPublicKey,
    TrustError,
    b64url,
    loads_strict,
    unb64url,
)
from trace.core.statements import (
    Assertion,
    KeyRecord,
    check_assertion,
    possession_challenge,
    sign_key_record,
)
from trace.errors import Conflict, TraceError
from trace.extensions import db
from trace.models import Key
from trace.services import keys, log
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.custody import KeyringMoved, keep_key, valid_keys
from trace.services.settings import current_settings

ES256: Final = -7
LONGEST: Final = 20_000
TIMEOUT_MS: Final = 120_000


class PasskeyRefused(TraceError):
    code = "passkey-refused"
    message = "The device's answer cannot be used: %(reason)s"
    next_step = "Try again on a phone or computer with a screen lock."


class NotApprovedHere(TraceError):
    code = "approval-refused"
    message = "This is no approval of these lines by a passkey of the organisation."
    next_step = "Approve on the device whose passkey is registered."


class NoPasskey(Conflict):
    code = "no-passkey"
    message = "The organisation has no valid passkey."
    next_step = "Register one on the page of keys first."


@dataclass(frozen=True, slots=True)
class Made:
    """A passkey fresh from its device: the credential's id (base64url) and its public key."""

    credential: str
    jwk: JsonObject


@dataclass(frozen=True, slots=True)
class Draft:
    """The key record of a passkey, and the 32 bytes it signs to prove that it is there."""

    record: KeyRecord
    challenge: bytes


def relying_party() -> tuple[str, str]:
    """(rpId, origin) of this platform (rule 2)."""
    parts = urlsplit(current_settings().public_url)
    return parts.hostname or "", f"{parts.scheme}://{parts.netloc}"


def creation_options(actor: Actor, challenge: bytes) -> JsonObject:
    """What navigator.credentials.create takes, bytes as base64url (rule 1)."""
    actor.check("manage")
    name = actor.organisation.name
    return {
        "challenge": b64url(challenge),
        "rp": {"id": relying_party()[0], "name": "Trace"},
        "user": {"id": b64url(os.urandom(16)), "name": name, "displayName": name},
        "pubKeyCredParams": [{"type": "public-key", "alg": ES256}],
        "authenticatorSelection": {
            "authenticatorAttachment": "platform",
            "residentKey": "preferred",
            "userVerification": "required",
        },
        "excludeCredentials": [
            {"type": "public-key", "id": one} for one in credentials(actor.organisation.id)
        ],
        "attestation": "none",
        "timeout": TIMEOUT_MS,
    }


def request_options(challenge: bytes, allowed: list[str]) -> JsonObject:
    """What navigator.credentials.get takes, bytes as base64url."""
    return {
        "challenge": b64url(challenge),
        "rpId": relying_party()[0],
        "allowCredentials": [{"type": "public-key", "id": one} for one in allowed],
        "userVerification": "required",
        "timeout": TIMEOUT_MS,
    }


def credentials(organisation_id: int) -> list[str]:
    """Ids of the credentials that may approve now."""
    found = [orjson.loads(key.passkey or "{}") for key in valid_keys(organisation_id, "passkey")]
    return [one["id"] for one in found if "id" in one]


def read_made(text: str, challenge: bytes) -> Made:
    """A new credential, checked by Web Authentication section 7.1. Raises PasskeyRefused."""
    rp_id, origin = relying_party()
    try:
        given = loads_strict(text[:LONGEST], max_bytes=LONGEST, max_depth=6)
        verified = verify_registration_response(
            credential=given,
            expected_challenge=challenge,
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
            supported_pub_key_algs=[COSEAlgorithmIdentifier.ECDSA_SHA_256],
        )
        public = decode_credential_public_key(verified.credential_public_key)
        if not isinstance(public, DecodedEC2PublicKey):
            raise PasskeyRefused(reason="ES256")
        jwk = PasskeyPublicKey(public.x, public.y).jwk
    except PasskeyRefused:
        raise
    except TraceError as error:
        raise PasskeyRefused(reason=error.detail) from None
    except WebAuthnException as error:
        raise PasskeyRefused(reason=str(error)) from None
    except Exception as error:
        # The parsers below that library raise anything at all.
        raise PasskeyRefused(reason=type(error).__name__) from None
    return Made(b64url(verified.credential_id), dict(jwk))


def draft_passkey(actor: Actor, made: Made, *, origin: str = "") -> Draft:
    """The record that adds this passkey; under the log lock when the log's `origin` is given."""
    actor.check("manage")
    record = keys.next_record(
        actor.organisation,
        origin or log.current_state().origin,
        "add",
        keys.next_kid(actor.organisation, "passkey"),
        jwk=made.jwk,
        custody="passkey",
        passkey=relying_party(),
    )
    return Draft(record, possession_challenge(record))


def add_passkey(actor: Actor, made: Made, answer: str, *, at: datetime) -> Key:
    """Publishes a passkey that proved its possession by `answer` (see read_assertion).

    Raises NotAllowed, PasskeyRefused, KeyringMoved (ask the device once more), NoKey.
    """
    assertion = read_assertion(answer)
    state = log.lock()
    draft = draft_passkey(actor, made, origin=state.origin)
    rp_id, origin = relying_party()
    try:
        check_assertion(
            assertion,
            PasskeyPublicKey.from_jwk(made.jwk),
            challenge=draft.challenge,
            rp_id=rp_id,
            origin=origin,
        )
    except TrustError as error:
        if "challenge" in str(error.expected):
            raise KeyringMoved from None
        raise PasskeyRefused(reason=error.detail) from None
    signed = sign_key_record(draft.record, [keys.signer_of(actor.organisation)])
    index = keys.publish(actor.organisation, state, draft.record, signed, at, assertion)
    kept = {"id": made.credential, "rpId": rp_id, "origin": origin}
    return keep_key(actor, draft.record, index, at, passkey=kept)


def read_assertion(text: str) -> Assertion:
    """`{authenticatorData, clientDataJSON, signature}` in base64url. Raises PasskeyRefused."""
    try:
        given: Any = loads_strict(text[:LONGEST], max_bytes=LONGEST, max_depth=3)
        if not isinstance(given, dict):
            raise PasskeyRefused(reason="JSON")
        names = ("authenticatorData", "clientDataJSON", "signature")
        parts = [unb64url(str(given.get(name, ""))) for name in names]
    except TrustError as error:
        raise PasskeyRefused(reason=error.detail) from None
    if not all(parts):
        raise PasskeyRefused(reason=", ".join(names))
    return Assertion(*parts)


def find_approver(organisation_id: int, assertion: Assertion, challenge: bytes) -> Key:
    """The valid passkey that made this assertion. Raises NotApprovedHere."""
    for key in valid_keys(organisation_id, "passkey"):
        kept = orjson.loads(key.passkey or "{}")
        try:
            check_assertion(
                assertion,
                PasskeyPublicKey.from_jwk(orjson.loads(key.jwk)),
                challenge=challenge,
                rp_id=kept.get("rpId", ""),
                origin=kept.get("origin", ""),
            )
        except TrustError:
            continue
        return key
    raise NotApprovedHere


def demand_approval(actor: Actor, demanded: bool, *, at: datetime) -> None:
    """Whether what people send from the console waits for a passkey.

    Raises NotAllowed, NoPasskey.
    """
    actor.check("manage")
    organisation = actor.organisation
    if demanded and not valid_keys(organisation.id, "passkey"):
        raise NoPasskey
    if organisation.approval_required != demanded:
        organisation.approval_required = demanded
        write_audit(actor, "key.approval", organisation.code, at=at, demanded=demanded)
        db.session.flush()
