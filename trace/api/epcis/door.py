"""What every part of the EPCIS 2.0 REST interface shares: the blueprint, headers, media types."""

from __future__ import annotations

from typing import cast

import orjson
from flask import Blueprint, Response, g, request

from trace import clock
from trace.api.epcis.problems import UnsupportedMediaType, answer
from trace.clock import rfc3339
from trace.core.epcis import JsonObject, own_namespace
from trace.core.epcis.vocabulary import OWN_PREFIX
from trace.errors import TraceError
from trace.extensions import csrf
from trace.services.actors import Actor
from trace.services.settings import current_settings

bp = Blueprint("epcis", __name__, url_prefix="/epcis/v2")
csrf.exempt(bp)

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
HEADERS = {
    "GS1-EPCIS-Version": "2.0.0",
    "GS1-EPCIS-Min": "2.0.0",
    "GS1-EPCIS-Max": "2.0.0",
    "GS1-CBV-Version": "2.0.0",
    "GS1-CBV-Min": "2.0.0",
    "GS1-CBV-Max": "2.0.0",
    "GS1-Vendor-Version": "0.1.0",
    "GS1-EPC-Format": "Always_GS1_Digital_Link",
}
bp.register_error_handler(TraceError, answer)


@bp.after_request
def headers(response: Response) -> Response:
    """What the standard asks of every answer."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    namespace = own_namespace(current_settings().id_base)
    response.headers.setdefault("GS1-Extensions", f"{OWN_PREFIX}={namespace}")
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def discovery(*methods: str) -> Response:
    """What `OPTIONS` answers: 204, the methods, and how words are written in XML unless somebody
    asks otherwise; the other headers come with every answer."""
    headers = {"Allow": ", ".join(("OPTIONS", *methods)), "GS1-CBV-XML-Format": "Always_URN"}
    return Response(status=204, headers=headers)


def acting() -> Actor:
    """Who the token acts for: set at the door (trace.web.access)."""
    return cast("Actor", g.actor)


def check_media_type() -> None:
    """Raises UnsupportedMediaType unless the body is said to be JSON."""
    if request.mimetype not in ("application/json", "application/ld+json"):
        raise UnsupportedMediaType


def as_json(body: object) -> Response:
    """JSON, under the name that the caller would rather have: all of it is JSON-LD as well."""
    accepted = request.accept_mimetypes
    linked = accepted["application/ld+json"] > accepted["application/json"]
    kind = "application/ld+json" if linked else "application/json"
    return Response(orjson.dumps(body), content_type=kind)


def query_document(events: list[JsonObject]) -> JsonObject:
    """Events as an EPCISQueryDocument; each keeps its own context."""
    return {
        "@context": [CONTEXT],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": rfc3339(clock.now()),
        "epcisBody": {
            "queryResults": {
                "queryName": "SimpleEventQuery",
                "resultsBody": {"eventList": events},
            }
        },
    }
