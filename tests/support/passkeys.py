"""A software authenticator: makes a passkey and answers challenges as a phone does
(Web Authentication Level 3, sections 6.1 and 6.5)."""

from __future__ import annotations

import json
from hashlib import sha256

import cbor2

from tests.golden.world import Passkey
from trace.core.signing import JsonObject, b64url, unb64url

RP_ID, ORIGIN = "localhost", "http://localhost"


class Phone(Passkey):
    """One passkey for the platform under test."""

    def __init__(self, label: str, rp_id: str = RP_ID, origin: str = ORIGIN) -> None:
        super().__init__(label, rp_id, origin)
        self.credential = sha256(f"credential {label}".encode()).digest()[:16]

    def create(self, options: JsonObject, *, flags: int = 0x45, algorithm: int = -7) -> str:
        """The answer to navigator.credentials.create, as the page sends it."""
        jwk = self.public.jwk
        cose = {1: 2, 3: algorithm, -1: 1, -2: unb64url(jwk["x"]), -3: unb64url(jwk["y"])}
        data = (
            sha256(self.rp_id.encode()).digest()
            + bytes([flags])
            + bytes(4)
            + bytes(16)  # aaguid: none
            + len(self.credential).to_bytes(2)
            + self.credential
            + cbor2.dumps(cose)
        )
        client = json.dumps(
            {
                "type": "webauthn.create",
                "challenge": options["challenge"],
                "origin": self.origin,
                "crossOrigin": False,
            }
        )
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        return json.dumps(
            {
                "id": b64url(self.credential),
                "rawId": b64url(self.credential),
                "type": "public-key",
                "response": {
                    "clientDataJSON": b64url(client.encode()),
                    "attestationObject": b64url(attestation),
                },
            }
        )

    def get(self, options: JsonObject, *, flags: int = 0x05) -> str:
        """The answer to navigator.credentials.get, as the page sends it."""
        made = self.assertion(unb64url(options["challenge"]), flags=flags)
        return json.dumps(
            {
                "id": b64url(self.credential),
                "authenticatorData": b64url(made.authenticator_data),
                "clientDataJSON": b64url(made.client_data_json),
                "signature": b64url(made.signature),
            }
        )
