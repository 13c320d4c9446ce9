"""What the OpenAPI document says of one operation, as flask-smorest takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from flask_smorest import Blueprint as SmorestBlueprint

PROBLEM: Final = "application/problem+json"
STATUSES: Final = {
    400: "What was sent is wrong; each error has a code and a path.",
    401: "No valid token.",
    403: "The token may not do this.",
    404: "Nothing of yours is under this address.",
    409: "Something stands against it.",
    412: "The record was changed since the version you name.",
    413: "Too large.",
    415: "Not the type this takes.",
    422: "The Idempotency-Key came with another request.",
    428: "If-Match is missing.",
    429: "Too many requests; Retry-After says when.",
}
KEY_PARAMETER: Final = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": True,
    "description": "New for each request; the same one when it is sent again.",
    "schema": {"type": "string", "minLength": 8, "maxLength": 80, "pattern": "^[!-~]+$"},
    "example": "2f1c8a6e-5b0d-4c8e-9f3a-7d2e4b6a1c90",
}
MATCH_PARAMETER: Final = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of the version you change.",
    "schema": {"type": "string", "maxLength": 20},
    "example": '"1"',
}


def documented(bp: SmorestBlueprint, told: Any, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view with what the document says of it."""
    outer = view
    if told.body is not None:
        outer = bp.arguments(told.body, example=told.example)(outer)
    if told.media:
        schema: Any = {"type": "string", "format": "binary"}
        if told.media.endswith("json"):  # told whole elsewhere: it is an object
            schema = {"type": "object"}
        example = told.answer or {}
        outer = bp.response(told.status, schema, content_type=told.media, example=example)(outer)
    else:
        headers = _headers(told)
        outer = bp.response(told.status, told.out, example=told.answer, headers=headers)(outer)
    manual: dict[str, Any] = {
        "summary": told.summary,
        "description": told.description,
        "operationId": view.__name__,
        "security": [{"token": [told.scope]}],
        "parameters": _parameters(told),
        "responses": {str(status): _problem(status) for status in _statuses(told)},
    }
    if told.takes:
        binary = {"schema": {"type": "string", "format": "binary"}}
        manual["requestBody"] = {"required": True, "content": {told.takes: binary}}
    return bp.doc(**manual)(outer)  # type: ignore[no-any-return]  # the view, as given


def _headers(told: Any) -> dict[str, Any] | None:
    """What comes beside the body: the version, and where a new record is."""
    versioned = told.out is not None and "version" in told.out.fields
    text = {"schema": {"type": "string"}}
    found = {"ETag": {"description": "The version.", **text}} if versioned else {}
    if versioned and told.status == 201:
        found["Location"] = {"description": "Where it is.", **text}
    return found or None


def _parameters(told: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {
            "name": name,
            "in": "query",
            "required": False,
            "description": schema.get("description", ""),
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in told.query.items()
    ]
    if told.method == "POST":
        found.append(KEY_PARAMETER)
    if told.changes:
        found.append(MATCH_PARAMETER)
    return found


def _statuses(told: Any) -> list[int]:
    found = [400, 401, 403, 404, 429]
    if told.method != "GET":
        found += [409, 413]
    if told.body is not None or told.takes:
        found.append(415)
    if told.method == "POST":
        found.append(422)
    if told.changes:
        found += [412, 428]
    return sorted(found)


def _problem(status: int) -> dict[str, Any]:
    return {
        "description": STATUSES[status],
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
