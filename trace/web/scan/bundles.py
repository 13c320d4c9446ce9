"""`/t/…?format=bundle`: what proves the page, as a file to keep or to check."""

from __future__ import annotations

from hashlib import sha256

from flask import Response, request

from trace import clock
from trace.core.statements.bundles import MEDIA_TYPE
from trace.services.bundles import bundle_of


def answer_bundle(thing_id: int, path: str) -> Response:
    """The public bundle of a thing, named after its printed address; 304 when it is known."""
    data = bundle_of(thing_id, at=clock.now())
    response = Response(data, content_type=MEDIA_TYPE)
    name = path.strip("/").replace("/", "-").replace('"', "")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.trace.json"'
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.set_etag(sha256(data).hexdigest()[:32])
    response.make_conditional(request)
    return response
