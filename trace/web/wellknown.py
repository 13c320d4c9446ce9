"""What other software looks for at fixed addresses (RFC 8615): whom to tell of a weakness
(RFC 9116), and the DID document of this server's own name (did:web)."""

from __future__ import annotations

from datetime import timedelta

import orjson
from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.services.did import platform_document
from trace.services.settings import current_settings

blueprint = Blueprint("wellknown", __name__, url_prefix="/.well-known")

# Contacts change: readers ask again at the latest then (RFC 9116, section 2.5.5: under a year).
VALID = timedelta(days=180)


@blueprint.get("/security.txt")
def security() -> ResponseReturnValue:
    """Where weaknesses are reported; not found where the operator named nobody."""
    settings = current_settings()
    if not settings.security_contact:
        raise NotFound
    until = (clock.now() + VALID).replace(hour=0, minute=0, second=0, microsecond=0)
    lines = (
        f"Contact: {settings.security_contact}",
        f"Expires: {clock.rfc3339(until)}",
        "Preferred-Languages: vi, en",
        f"Canonical: {settings.public_url}/.well-known/security.txt",
    )
    response = Response("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@blueprint.get("/did.json")
def did() -> ResponseReturnValue:
    """The platform under the bare name of its identities; keys are believed only from the log."""
    body = platform_document()
    db.session.rollback()
    if body is None:
        raise NotFound
    response = Response(orjson.dumps(body), content_type="application/did+json")
    response.headers["Cache-Control"] = "no-cache"
    return response
