"""The OpenAPI 3.1 document of our interface, made of what each operation declares.

It is built when somebody first asks for it, and kept: to build it takes a while, and an application
that serves pages needs none.
"""

from __future__ import annotations

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
from trace.schemas.records import Rows

VERSION: Final = "1.0"
OPENAPI: Final = "3.1.0"


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


class _Document(Api):  # type: ignore[misc]  # the package has no types
    """Only the document: pages of the package and its handlers of errors are ours already."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        return


_KEPT: Final[dict[str, bytes]] = {}


def document_of(app: Flask, bp: SmorestBlueprint, public_url: str) -> bytes:
    """The document of a blueprint's operations as JSON, for the host under which people reach
    us."""
    if public_url not in _KEPT:
        built = _build(app, bp, public_url)
        _KEPT[public_url] = orjson.dumps(built, option=orjson.OPT_INDENT_2)
    return _KEPT[public_url]


def _build(app: Flask, bp: SmorestBlueprint, public_url: str) -> dict[str, Any]:
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
    found["components"]["schemas"].pop("PaginationMetadata", None)
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
    if isinstance(field, Rows):
        nested = _converter.resolve_nested_schema(field.rows)
        return {"type": "array", "items": nested, "maxItems": 200}
    return property_of(field)
