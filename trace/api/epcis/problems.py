"""The standard's exception types on our refusals (EPCIS 2.0 §12, RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response, request

from trace.core.epcis.query import QueryParameterError
from trace.core.epcis.xml import write_exception
from trace.errors import Refused, TraceError

# By status, as the standard's OpenAPI file gives them.
TYPES: Final = {
    400: "ValidationException",
    401: "SecurityException",
    403: "SecurityException",
    404: "NoSuchResourceException",
    406: "NotAcceptableException",
    409: "ResourceAlreadyExistsException",
    413: "CaptureLimitExceededException",
    414: "URITooLongException",
    415: "UnsupportedMediaTypeException",
}
MEDIA_TYPE: Final = "application/problem+json"
XML_MEDIA_TYPE: Final = "application/problem+xml"


class UnsupportedMediaType(TraceError):
    code = "unsupported-media-type"
    status = 415
    message = "Send JSON (application/json); documents of events also as application/xml."


class NotAcceptable(TraceError):
    code = "not-acceptable"
    status = 406
    message = "This is answered as application/json; events also as application/xml."


def problem_of(error: TraceError) -> dict[str, Any]:
    """The members of the answer: the standard's `type` and `title`, ours beside them."""
    kind = getattr(error, "exception", None) or TYPES.get(error.status, "ImplementationException")
    body: dict[str, Any] = {
        "type": f"epcisException:{kind}",
        "title": error.message if not error.params else error.detail,
        "status": error.status,
        "detail": error.detail,
        "code": error.code,
    }
    if error.path:
        body["path"] = error.path
    if isinstance(error, Refused):
        body["errors"] = [
            {"code": e.code, "detail": e.detail, "path": e.path} for e in error.errors[:1000]
        ]
    return body


def prefers_xml() -> bool:
    """Whether the caller would rather have XML than JSON."""
    accepted = request.accept_mimetypes
    in_json = max(accepted[one] for one in (MEDIA_TYPE, "application/json", "application/ld+json"))
    in_xml = max(accepted[one] for one in (XML_MEDIA_TYPE, "application/xml", "text/xml"))
    return bool(in_xml > in_json)


def answer(error: TraceError) -> Response:
    """The refusal as problem+json, or as problem+xml to who would rather have XML."""
    body = problem_of(error)
    if prefers_xml():
        data, kind = write_exception(body), f"{XML_MEDIA_TYPE}; charset=utf-8"
    else:
        data, kind = orjson.dumps(body), MEDIA_TYPE
    return Response(data, status=error.status, content_type=kind, headers={"Vary": "Accept"})


__all__ = [
    "MEDIA_TYPE",
    "XML_MEDIA_TYPE",
    "NotAcceptable",
    "QueryParameterError",
    "UnsupportedMediaType",
    "answer",
    "prefers_xml",
    "problem_of",
]
