"""The OpenAPI 3.1 document of our interface, made of what each operation declares.

It is built when somebody first asks for it, and kept: to build it takes a while, and an application
that serves pages needs none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
from apispec import APISpec
from flask import Flask
from flask_smorest import Api
from flask_smorest import Blueprint as SmorestBlueprint
from marshmallow import Schema, fields

from trace.api.v1.by_hand import PATHS
from trace.api.v1.words import ABOUT, TAGS
from trace.schemas.api.bodies import property_of

VERSION: Final = "1.0"
OPENAPI: Final = "3.1.0"
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


class OneError(Schema):
    """One of several errors."""

    code = fields.String(required=True)
    detail = fields.String(required=True)
    path = fields.String(required=True)


class Problem(Schema):
    """Every refusal (RFC 9457)."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Stable; programs look at this."})
    path = fields.String(metadata={"description": "JSON Pointer to what is wrong."})
    next_step = fields.String(metadata={"description": "What to do now."})
    errors = fields.List(fields.Nested(OneError))


def documented(bp: SmorestBlueprint, told: Any, view: Callable[..., Any]) -> Callable[..., Any]:
    """The view with what the document says of it."""
    outer = view
    if told.body is not None:
        outer = bp.arguments(told.body, example=told.example)(outer)
    if told.media:
        schema: Any = {"type": "string", "format": "binary"}
        outer = bp.response(told.status, schema, content_type=told.media)(outer)
    else:
        outer = bp.response(told.status, told.out, example=told.answer)(outer)
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


class _Document(Api):  # type: ignore[misc]  # the package has no types
    """Only the document: pages of the package and its handlers of errors are ours already."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        return


_KEPT: Final[dict[str, bytes]] = {}


def document_of(app: Flask, public_url: str) -> bytes:
    """The document as JSON, for the host under which people reach us."""
    if public_url not in _KEPT:
        _KEPT[public_url] = orjson.dumps(_build(app, public_url), option=orjson.OPT_INDENT_2)
    return _KEPT[public_url]


def _build(app: Flask, public_url: str) -> dict[str, Any]:
    from trace.api.v1.door import bp

    api = _Document(
        spec_kwargs={
            "title": "Trace",
            "version": VERSION,
            "openapi_version": OPENAPI,
            "info": {"description": ABOUT},
            "servers": [{"url": public_url}],
        }
    )
    api.init_app(app)
    spec: APISpec = api.spec
    api.ma_plugin.converter.add_attribute_function(_of_a_form)
    spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})
    bp.register_views_in_doc(api, app, spec, name=bp.name, parameters=None)
    found: dict[str, Any] = spec.to_dict()
    found["paths"] = {
        path: {method: _tidied(one) for method, one in operations.items() if method != "parameters"}
        | ({"parameters": operations["parameters"]} if operations.get("parameters") else {})
        for path, operations in {**found["paths"], **PATHS}.items()
    }
    found["tags"] = [{"name": name, "description": words} for name, words in TAGS.items()]
    return found


def _tidied(one: Any) -> Any:
    if isinstance(one, dict):
        one.get("responses", {}).pop("default", None)
        if not one.get("description"):
            one.pop("description", None)
    return one


def _of_a_form(_converter: Any, field: fields.Field[Any], **_: Any) -> dict[str, Any]:
    """Fields of forms, which the package knows nothing of."""
    from trace.schemas.records import Rows

    if isinstance(field, Rows):
        nested = _converter.resolve_nested_schema(field.rows)
        return {"type": "array", "items": nested, "maxItems": 200}
    return property_of(field)
