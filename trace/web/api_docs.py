"""`/api/docs`: the interface for programs on pages, drawn from its OpenAPI document.

Nothing is loaded from anywhere and nothing runs: whoever wants to try an operation takes the
example and a token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Final

import orjson
from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup, escape

from trace.errors import NotFound

blueprint = Blueprint("api_docs", __name__, url_prefix="/api/docs")

_MARKED: Final = re.compile(r"\*\*(.+?)\*\*|`([^`]+)`")
METHODS: Final = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a body: what it is called, what it may be, whether it must be there. `inside`
    are the members of its rows."""

    name: str
    kind: str
    required: bool
    note: str
    inside: tuple[Member, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """An operation as its page tells it."""

    name: str
    method: str
    path: str
    summary: str
    description: str
    scope: str
    parameters: tuple[Member, ...]
    members: tuple[Member, ...]
    request: str
    answers: tuple[tuple[str, str, str], ...]  # status, words, example
    media: str


def marked(text: str) -> Markup:
    """The document's own emphasis and code as HTML; everything else stays text."""
    found, at = Markup(), 0
    for one in _MARKED.finditer(text):
        found += escape(text[at : one.start()])
        tag, words = ("strong", one[1]) if one[1] else ("code", one[2])
        found += Markup("<{0}>{1}</{0}>").format(Markup(tag), words)  # noqa: S704  # of two names
        at = one.end()
    return found + escape(text[at:])


def _document() -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(current_app.extensions["trace.openapi"]())
    return found


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What there is, by subject."""
    document = _document()
    groups = [
        (tag["name"], tag["description"], operations_of(document, tag["name"]))
        for tag in document["tags"]
    ]
    return render_template(
        "api/index.html",
        about=document["info"]["description"].strip().split("\n\n"),
        marked=marked,
        groups=[group for group in groups if group[2]],
        document=url_for("api_document.openapi"),
    )


@blueprint.get("/<tag>")
def subject(tag: str) -> ResponseReturnValue:
    """The operations of one subject, in full."""
    document = _document()
    words = {one["name"]: one["description"] for one in document["tags"]}
    if tag not in words:
        raise NotFound
    found = operations_of(document, tag)
    return render_template(
        "api/subject.html", tag=tag, words=words[tag], operations=found, marked=marked
    )


def operations_of(document: dict[str, Any], tag: str) -> list[Shown]:
    """The operations with this tag, in the document's order."""
    return [
        _shown(document, method, path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if method in METHODS and tag in operation.get("tags", ())
    ]


def _shown(document: dict[str, Any], method: str, path: str, told: dict[str, Any]) -> Shown:
    content = (told.get("requestBody") or {}).get("content", {})
    media = next(iter(content), "")
    body = content.get(media, {})
    security = told.get("security") or []
    in_path = document["paths"][path].get("parameters", [])
    return Shown(
        name=told["operationId"],
        method=method.upper(),
        path=path,
        summary=told["summary"],
        description=told.get("description", ""),
        scope=", ".join(scope for one in security for scope in one.get("token", ())),
        parameters=tuple(
            Member(
                one["name"],
                kind_of(one.get("schema", {})),
                bool(one.get("required")),
                one.get("description", ""),
            )
            for one in (*in_path, *told.get("parameters", ()))
        ),
        members=members_of(document, body.get("schema", {})),
        request=_example(body.get("example")),
        answers=tuple(
            (
                status,
                answer["description"],
                _example(answer.get("content", {}).get("application/json", {}).get("example")),
            )
            for status, answer in sorted(told["responses"].items())
        ),
        media=media,
    )


def _example(value: Any) -> str:
    return "" if value is None else orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def members_of(
    document: dict[str, Any], schema: dict[str, Any], depth: int = 3
) -> tuple[Member, ...]:
    """The members of an object's schema, those that must be there first."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    required = set(schema.get("required", ()))
    found = [
        Member(
            name,
            kind_of(one),
            name in required,
            _note(one),
            members_of(document, one.get("items", {}), depth - 1) if depth > 1 else (),
        )
        for name, one in schema.get("properties", {}).items()
    ]
    return tuple(sorted(found, key=lambda one: not one.required))


def kind_of(schema: dict[str, Any]) -> str:
    """ "text", "list of whole numbers": what a value may be, without null."""
    kinds = schema.get("type", "")
    kinds = [kinds] if isinstance(kinds, str) else [one for one in kinds if one != "null"]
    words = {"string": "text", "integer": "whole number", "array": "list", "": "object"}
    found = " or ".join(words.get(one, one) for one in kinds)
    if "format" in schema:
        found = {"date": "day (2026-11-20)", "date-time": "time with offset"}.get(
            schema["format"], found
        )
    if "array" in kinds and schema.get("items"):
        found = f"list of: {kind_of(schema['items'])}"
    return found


def _note(schema: dict[str, Any]) -> str:
    parts = [schema.get("description", "")]
    if "enum" in schema:
        parts.append(" · ".join(str(one) for one in schema["enum"] if one is not None))
    if "items" in schema and "enum" in schema["items"]:
        parts.append(" · ".join(map(str, schema["items"]["enum"])))
    if "maxLength" in schema:
        parts.append(f"≤ {schema['maxLength']} characters")
    for name, sign in (("minimum", "≥"), ("maximum", "≤")):
        if name in schema:
            parts.append(f"{sign} {schema[name]:g}")
    if schema.get("default") not in (None, ""):
        parts.append(f"default: {schema['default']}")
    return "; ".join(part for part in parts if part)
