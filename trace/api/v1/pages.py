"""`GET /api/v1/openapi.json`: the document, for everybody."""

from __future__ import annotations

from flask import Blueprint, Response, current_app

from trace.api.v1.document import document_of
from trace.api.v1.operations import bp as operations
from trace.services.settings import current_settings

bp = Blueprint("api_document", __name__, url_prefix="/api/v1")


def document() -> bytes:
    """The document's bytes for this application."""
    return document_of(current_app, operations, current_settings().public_url)


@bp.get("/openapi.json")
def openapi() -> Response:
    """The OpenAPI 3.1 document of this interface."""
    response = Response(document(), content_type="application/json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "public, max-age=300"
    return response
