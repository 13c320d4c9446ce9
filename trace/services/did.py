"""DID documents (did:web) of organisations: a convenience for other software.

An organisation's keys are believed only from the log; this document repeats the ones that are
valid now, each as its entry in the log has it (W3C DID Core 1.0, sections 5.2 and 5.3). Passkeys
approve and sign no statement: they are named, and are no assertion methods.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import select

from trace.core.signing import JsonObject
from trace.core.statements import KeyEntry, parse_entry
from trace.core.statements.keyring import parse_key_record
from trace.extensions import db
from trace.models import Key, LogEntry, Organisation
from trace.services.naming import issuer_of
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings

CONTEXTS = ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"]


def platform_document() -> JsonObject | None:
    """The platform's keys under did:web and the name of the server alone. None where identities
    hang under a path: the name alone is not ours then (did:web, section 3.2)."""
    parts = urlsplit(current_settings().id_base)
    if parts.path.strip("/"):
        return None
    return did_document(platform_organisation(), f"did:web:{parts.netloc.replace(':', '%3A')}")


def did_document(organisation: Organisation, name: str = "") -> JsonObject:
    """The organisation's keys that count now; one query. Under another `name` than its own it
    says what it is also known as; the keys keep the names they have in the log."""
    issuer = issuer_of(organisation.code)
    entries = db.session.scalars(
        select(LogEntry.entry)
        .join(Key, Key.active_from == LogEntry.index)
        .where(
            Key.organisation_id == organisation.id,
            Key.purpose == "sign",
            Key.revoked_from.is_(None),
        )
        .order_by(Key.id)
    )
    records = [
        parse_key_record(parsed.jws)[0]
        for entry in entries
        if isinstance(parsed := parse_entry(entry.encode()), KeyEntry)
    ]
    alias: JsonObject = {"alsoKnownAs": [issuer]} if name else {}
    return {
        "@context": CONTEXTS,
        "id": name or issuer,
        **alias,
        "verificationMethod": [
            {
                "id": record.kid,
                "type": "JsonWebKey",
                "controller": issuer,
                "publicKeyJwk": record.jwk,
            }
            for record in records
        ],
        "assertionMethod": [record.kid for record in records if record.custody != "passkey"],
    }
