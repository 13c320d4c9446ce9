"""Approval of a session's statements by a passkey (Web Authentication Level 3, section 7.2).

Rules (docs/reference/formats.md, "Keys").
1. The challenge is SHA-256 of `trace-approval/v1` and the sorted statement hashes, joined by LF.
2. The client data are of type `webauthn.get`, with this challenge and the registered origin, and
   not from a cross-origin frame.
3. The authenticator data begin with SHA-256 of the rpId; user present and user verified are set.
4. The ES256 signature is over authenticator data ‖ SHA-256(client data), by the registered key.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

from trace.core.signing import PasskeyPublicKey, TrustError, b64url, loads_strict
from trace.core.statements.entries import Assertion
from trace.core.statements.errors import NotApproved

USER_PRESENT: Final = 0x01
USER_VERIFIED: Final = 0x04
_AUTHENTICATOR_DATA = 37  # rpId hash 32, flags 1, counter 4; extensions may follow


def approval_challenge(hashes: Iterable[str]) -> bytes:
    """The 32 bytes that a passkey signs for these statements (rule 1)."""
    return sha256("\n".join(["trace-approval/v1", *sorted(hashes)]).encode()).digest()


def check_assertion(
    assertion: Assertion, key: PasskeyPublicKey, *, challenge: bytes, rp_id: str, origin: str
) -> None:
    """Raises NotApproved unless `key` made this assertion for `challenge` (rules 2 to 4)."""
    try:
        client = loads_strict(assertion.client_data_json, max_bytes=8192, max_depth=4)
    except TrustError as error:
        raise NotApproved(error.expected, error.got) from None
    if not isinstance(client, dict) or client.get("type") != "webauthn.get":
        raise NotApproved("client data of type webauthn.get", client)
    if client.get("challenge") != b64url(challenge):
        raise NotApproved(f"the challenge {b64url(challenge)}", client.get("challenge"))
    if client.get("origin") != origin or client.get("crossOrigin", False) is not False:
        raise NotApproved(f"the origin {origin}", client.get("origin"))
    data = assertion.authenticator_data
    if len(data) < _AUTHENTICATOR_DATA or data[:32] != sha256(rp_id.encode()).digest():
        raise NotApproved(f"authenticator data for {rp_id}", b64url(data[:32]))
    if data[32] & (USER_PRESENT | USER_VERIFIED) != USER_PRESENT | USER_VERIFIED:
        raise NotApproved("a user present and verified", f"flags {data[32]:#04x}")
    try:
        key.verify(assertion.signature, data + sha256(assertion.client_data_json).digest())
    except TrustError as error:
        raise NotApproved(error.expected, error.got) from None
