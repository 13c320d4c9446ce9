"""DID documents (did:web) of organisations: a convenience for other software.

An organisation's keys are believed only from the log; this document repeats the ones that are
valid now (W3C DID Core 1.0, sections 5.2 and 5.3).
"""

from __future__ import annotations

import orjson
from sqlalchemy import select

from trace.core.signing import JsonObject
from trace.extensions import db
from trace.models import Key, Organisation
from trace.services.naming import issuer_of

CONTEXTS = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"]


def did_document(organisation: Organisation) -> JsonObject:
    """The organisation's keys that may sign statements now; one query."""
    issuer = issuer_of(organisation.code)
    rows = db.session.execute(
        select(Key.kid, Key.jwk)
        .where(
            Key.organisation_id == organisation.id,
            Key.purpose == "sign",
            Key.active_from.is_not(None),
            Key.revoked_from.is_(None),
        )
        .order_by(Key.id)
    )
    methods = [
        {
            "id": kid,
            "type": "JsonWebKey",
            "controller": issuer,
            "publicKeyJwk": orjson.loads(jwk),
        }
        for kid, jwk in rows
    ]
    return {
        "@context": CONTEXTS,
        "id": issuer,
        "verificationMethod": methods,
        "assertionMethod": [method["id"] for method in methods],
    }
