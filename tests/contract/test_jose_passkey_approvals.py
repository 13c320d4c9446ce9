"""Approvals before the published WebAuthn library: it accepts and refuses what we do."""

from __future__ import annotations

import cbor2
import pytest
from webauthn import verify_authentication_response
from webauthn.helpers.exceptions import WebAuthnException

from tests.golden.world import RP_ID, RP_ORIGIN, Passkey
from trace.core.signing import b64url, unb64url
from trace.core.statements import Assertion, NotApproved, approval_challenge, check_assertion

PASSKEY = Passkey("approver")
CHALLENGE = approval_challenge([b64url(bytes(32))])


def cose(passkey: Passkey) -> bytes:
    """The public key as an authenticator gives it (RFC 9053 section 7.1.1)."""
    jwk = passkey.public.jwk
    return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: unb64url(jwk["x"]), -3: unb64url(jwk["y"])})


def by_library(assertion: Assertion, passkey: Passkey = PASSKEY) -> None:
    verify_authentication_response(
        credential={
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {
                "authenticatorData": b64url(assertion.authenticator_data),
                "clientDataJSON": b64url(assertion.client_data_json),
                "signature": b64url(assertion.signature),
            },
        },
        expected_challenge=CHALLENGE,
        expected_rp_id=RP_ID,
        expected_origin=RP_ORIGIN,
        credential_public_key=cose(passkey),
        credential_current_sign_count=0,
        require_user_verification=True,
    )


def by_us(assertion: Assertion, passkey: Passkey = PASSKEY) -> None:
    check_assertion(assertion, passkey.public, challenge=CHALLENGE, rp_id=RP_ID, origin=RP_ORIGIN)


def test_both_accept_an_approval() -> None:
    assertion = PASSKEY.assertion(CHALLENGE)
    by_library(assertion)
    by_us(assertion)


@pytest.mark.parametrize(
    "assertion",
    [
        PASSKEY.assertion(bytes(32)),
        PASSKEY.assertion(CHALLENGE, flags=0x01),
        PASSKEY.assertion(CHALLENGE, flags=0x04),
        PASSKEY.assertion(CHALLENGE, kind="webauthn.create"),
        Passkey("thief").assertion(CHALLENGE),
        Passkey("approver", rp_id="evil.example").assertion(CHALLENGE),
        Passkey("approver", origin="https://evil.example").assertion(CHALLENGE),
    ],
)
def test_both_refuse_what_is_no_approval(assertion: Assertion) -> None:
    with pytest.raises(WebAuthnException):
        by_library(assertion)
    with pytest.raises(NotApproved):
        by_us(assertion)
