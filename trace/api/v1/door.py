"""The door of our interface: one way to declare an operation, one way to refuse.

    @operation("POST", "/places", scope="capture", tag="places", body=PLACE, out=PlaceOut, …)
    def add_place(actor: Actor, clean: dict[str, Any]) -> Answer: …

The declaration is what the OpenAPI document is made of (flask-smorest, apispec), and what happens
around each view: strict JSON in, the body's schema, the Idempotency-Key of every POST, If-Match and
ETag of what has versions, the commit, the answer's schema. Views read as check, act, answer.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, Never, cast

import orjson
from flask import Response, g, request
from flask_smorest import Blueprint
from marshmallow import Schema, ValidationError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from webargs.flaskparser import FlaskParser

from trace import clock
from trace.api.v1.documented import documented
from trace.core.signing import TrustError, loads_strict
from trace.errors import Refused, TraceError, problem_members
from trace.extensions import csrf, db, needs
from trace.schemas.api.bodies import pointer
from trace.services import idempotency
from trace.services.actors import Actor
from trace.services.versions import ChangedAtOnce, ChangedMeanwhile

BODY_LIMIT: Final = 1_000_000
DEPTH_LIMIT: Final = 12
QUERY_LIMIT: Final = 200


class NotJson(TraceError):
    code = "not-json"
    message = "The body is no JSON that can be read: expected %(expected)s, got %(got)s."


class NotJsonType(TraceError):
    code = "wrong-media-type"
    status = 415
    message = "Send this as %(expected)s."


class UnknownParameter(TraceError):
    code = "unknown-parameter"
    message = "There is no query parameter called “%(name)s” here."


class BadParameter(TraceError):
    code = "bad-parameter"
    message = "The query parameter %(name)s must be %(expected)s."


class VersionMissing(TraceError):
    code = "if-match-missing"
    status = 428
    message = "Send If-Match with the ETag you last saw of this record."
    next_step = "Read the record first; its ETag says which version you change."


class VersionPassed(TraceError):
    code = "if-match-failed"
    status = 412
    message = "This record was changed since the version you name."
    next_step = "Read it again, look at what changed, and send your change with the new ETag."


@dataclass(frozen=True, slots=True)
class Answer:
    """What a view answers: an object for the answer's schema, or bytes as they are."""

    data: Any
    status: int = 0
    location: str = ""
    version: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Parser(FlaskParser):
    """Reads bodies strictly: no doubled names, no depth, no number that is not exactly one."""

    DEFAULT_VALIDATION_STATUS = 400

    def load_json(self, req: Any, schema: Schema) -> Any:
        """The body's value. Raises NotJsonType, NotJson."""
        if req.mimetype != "application/json":
            raise NotJsonType(expected="application/json")
        return read_json()

    def handle_error(self, error: ValidationError, *_: Any, **__: Any) -> Never:
        """Every error with its code and its JSON Pointer."""
        raise Refused(errors_of(error))


def read_json() -> Any:
    """The request's body as strict JSON. Raises NotJson."""
    try:
        return loads_strict(request.get_data(), max_bytes=BODY_LIMIT, max_depth=DEPTH_LIMIT)
    except TrustError as error:
        told = {"expected": getattr(error, "expected", ""), "got": getattr(error, "got", "")}
        raise NotJson(path=error.path, **told) from None


def errors_of(error: ValidationError) -> list[TraceError]:
    """Our errors in marshmallow's, each with a JSON Pointer."""
    # The parser puts what the schema said under the name of where the data stood.
    told = cast("dict[str, Any]", error.messages)["json"]
    messages = told if isinstance(told, dict) else {"_schema": told}
    found = []
    for name, several in messages.items():
        for one in several:
            one.path = pointer(one.path or ("" if name == "_schema" else name))
            found.append(one)
    return found


class Door(Blueprint):  # type: ignore[misc]  # the package has no types
    """A blueprint whose bodies are read by our parser."""

    ARGUMENTS_PARSER = Parser()


bp = Door("api_v1", __name__, url_prefix="/api/v1")
csrf.exempt(bp)


def refuse(error: TraceError) -> Response:
    """Every refusal: problem+json with `code`, `path` (a JSON Pointer) and `next_step`."""
    db.session.rollback()
    for one in (error, *(error.errors if isinstance(error, Refused) else ())):
        one.path = pointer(one.path)
    headers = {"Cache-Control": "no-store"}
    return Response(
        orjson.dumps(problem_members(error)),
        status=error.status,
        content_type="application/problem+json",
        headers=headers,
    )


bp.register_error_handler(TraceError, refuse)


# -- operations ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Operation:
    """What is declared of an operation."""

    method: str
    rule: str
    tag: str
    summary: str
    scope: str
    body: Schema | None = None
    out: Schema | None = None
    status: int = 200
    example: Any = None
    answer: Any = None
    query: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    changes: bool = False  # says which version it changes
    media: str = ""  # the answer's type where it is no JSON
    takes: str = ""  # the body's type where it is no JSON
    once: bool = True  # a POST's answer is kept, to be given again
    description: str = ""


OPERATIONS: Final[list[Operation]] = []
View = Callable[..., Any]


def operation(method: str, rule: str, **declared: Any) -> Callable[[View], View]:
    """Declares a view as an operation; see `Operation` for what is declared."""
    told = Operation(method, rule, **declared)
    OPERATIONS.append(told)

    def decorate(view: View) -> View:
        @wraps(view)
        def around(*bodies: Any, **place: Any) -> Response:
            actor = cast("Actor", g.actor)
            given: dict[str, Any] = dict(place)
            if told.body is not None:
                given["clean"] = bodies[0]
            if told.query:
                given["asked"] = read_query(told.query)
            if told.changes:
                given["version"] = read_version()
            if method == "POST" and not told.once:
                idempotency.check_key(request.headers.get("Idempotency-Key", ""))
            elif method == "POST":
                return _once(told, lambda: view(actor, **given))
            return _done(told, lambda: view(actor, **given))

        outer = documented(bp, told, around)
        marked = needs(told.scope)(outer)
        name = view.__name__
        bp.add_url_rule(rule, name, marked, methods=[method], tags=[told.tag])
        return view

    return decorate


def _done(told: Operation, act: Callable[[], Any]) -> Response:
    """Carries out an act, commits and answers. Raises ChangedAtOnce, VersionPassed."""
    try:
        answer = _found(act())
        if isinstance(answer.data, Response):
            db.session.commit()
            return answer.data
        db.session.flush()
        # Before the commit: after it each row of a list would be read again, one by one.
        body = _dumped(told, answer.data)
        db.session.commit()
    except ChangedMeanwhile:
        raise VersionPassed from None
    except (StaleDataError, IntegrityError):
        raise ChangedAtOnce from None
    return _response(answer.status or told.status, _headers(answer), body)


def _once(told: Operation, act: Callable[[], Any]) -> Response:
    """Carries out a POST once for its key: who asks again gets the first answer again."""
    actor = cast("Actor", g.actor)
    key = idempotency.check_key(request.headers.get("Idempotency-Key", ""))
    digest = hashlib.sha256(request.path.encode() + b"\n" + request.get_data()).digest()
    known = idempotency.find(actor, key, digest)
    if known is not None:
        return _again(known)
    organisation = actor.organisation.id
    try:
        answer = _found(act())
        kept = idempotency.Kept(
            answer.status or told.status, _headers(answer), _dumped(told, answer.data)
        )
        idempotency.keep(actor, key, digest, kept, at=clock.now())
        db.session.commit()
    except (TraceError, StaleDataError, IntegrityError) as error:
        # Refused perhaps because the same request, sent at the same moment, was first.
        db.session.rollback()
        earlier = idempotency.find(actor, key, digest) if organisation else None
        if earlier is not None:
            return _again(earlier)
        if isinstance(error, TraceError):
            raise
        raise ChangedAtOnce from None
    return _response(kept.status, kept.headers, kept.body)


def _found(done: Any) -> Answer:
    return done if isinstance(done, Answer) else Answer(done)


def _again(kept: idempotency.Kept) -> Response:
    return _response(kept.status, {**kept.headers, "Idempotent-Replay": "true"}, kept.body)


def _dumped(told: Operation, data: Any) -> Any:
    return told.out.dump(data) if told.out is not None and data is not None else data


def _headers(answer: Answer) -> dict[str, str]:
    found = dict(answer.headers)
    if answer.location:
        found["Location"] = answer.location
    if answer.version is not None:
        found["ETag"] = f'"{answer.version}"'
    return found


def _response(status: int, headers: Mapping[str, str], body: Any) -> Response:
    return Response(
        b"" if body is None else orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store", **headers},
    )


# -- what requests carry ---------------------------------------------------------------------------


def read_version() -> int:
    """The version of If-Match. Raises VersionMissing, VersionPassed for what no record has."""
    text = request.headers.get("If-Match", "").strip()
    if not text:
        raise VersionMissing
    plain = text.removeprefix("W/").strip('"')
    if not plain.isascii() or not plain.isdecimal() or len(plain) > 9:
        raise VersionPassed
    return int(plain)


def read_query(known: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """The query's parameters by their schemas; those absent take their default, or None. Raises
    UnknownParameter, BadParameter."""
    for name in request.args:
        if name not in known:
            raise UnknownParameter(path=f"/{name[:60]}", name=name[:60])
    return {name: _parameter(name, schema) for name, schema in known.items()}


def _parameter(name: str, schema: Mapping[str, Any]) -> Any:
    text = request.args.get(name)
    if text is None:
        return schema.get("default")
    if schema["type"] == "integer":
        least, most = schema.get("minimum", 0), schema.get("maximum", 2**53)
        whole = text.isascii() and text.isdecimal() and len(text) <= 16
        if not whole or not least <= int(text) <= most:
            expected = f"a whole number from {least} to {most}"
            raise BadParameter(path=f"/{name}", name=name, expected=expected)
        return int(text)
    if "enum" in schema and text not in schema["enum"]:
        expected = "one of " + ", ".join(schema["enum"])
        raise BadParameter(path=f"/{name}", name=name, expected=expected)
    limit = schema.get("maxLength", QUERY_LIMIT)
    if len(text) > limit or not text.isprintable():
        expected = f"at most {limit} printable characters"
        raise BadParameter(path=f"/{name}", name=name, expected=expected)
    return text
