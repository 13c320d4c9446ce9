"""The standard's exception types on our refusals (EPCIS 2.0 §12, RFC 9457)."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response

from trace.core.epcis.query import QueryParameterError
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


class UnsupportedMediaType(TraceError):
    code = "unsupported-media-type"
    status = 415
    message = "Send application/json or application/ld+json."


class NotAcceptable(TraceError):
    code = "not-acceptable"
    status = 406
    message = "This is answered as application/json."


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


def answer(error: TraceError) -> Response:
    """The refusal as problem+json."""
    return Response(orjson.dumps(problem_of(error)), status=error.status, content_type=MEDIA_TYPE)


__all__ = [
    "MEDIA_TYPE",
    "NotAcceptable",
    "QueryParameterError",
    "UnsupportedMediaType",
    "answer",
    "problem_of",
]
