"""Kept records as operations: a list, one, a new one, a changed one, made from one declaration.

    declare(Noun("places", Place, PlaceOut(), add=…, change=…, get=…, register=…, update=…))

The services decide; here is only how their records are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import Schema
from sqlalchemy import Select, select
from sqlalchemy.orm import InstrumentedAttribute

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.schemas.api.answers import listed
from trace.services import paging
from trace.services.actors import Actor

PAGE: Final[dict[str, dict[str, Any]]] = {
    "limit": {
        "type": "integer",
        "minimum": 1,
        "maximum": paging.MOST,
        "default": paging.LIMIT,
        "description": "How many of them at most.",
    },
    "cursor": {
        "type": "string",
        "maxLength": 60,
        "description": "`next` of the page before; without it, the first page.",
    },
}


@dataclass(frozen=True, slots=True)
class Noun:
    """One kind of record. `one` and `many` are its names in paths and summaries; functions take
    the actor first, as services do."""

    one: str
    many: str
    model: type[Any]
    out: Schema
    add: Schema
    change: Schema
    get: Callable[[Actor, int], Any]
    register: Callable[..., Any]
    update: Callable[..., Any]
    example: Mapping[str, Any]
    answer: Mapping[str, Any]
    shown: Callable[[Any], Any] = lambda row: row
    page_shown: Callable[[Sequence[Any]], Iterable[Any]] | None = None
    remove: Callable[..., Any] | None = None
    tag: str = ""
    loaded: Sequence[Any] = ()  # what is read with the rows of a list, all at once
    standing: Callable[[], Sequence[Any]] = tuple  # what else holds for those that are listed


def told_page(found: paging.Page[Any], rows: Rows) -> dict[str, Any]:
    """A page as lists answer it."""
    if rows.many is not None:
        told = list(rows.many(found.rows)) if found.rows else []
    else:
        told = [rows.shown(row) for row in found.rows]
    return {"items": told, "next": found.next or None}


@dataclass(frozen=True, slots=True)
class Rows:
    """What a list shows: rows by their `key`, each as `shown`, or all of a page at once by `many`
    where more has to be read: a page is a few statements, however many rows it has. `query_of`
    takes the actor, the rule's variables and what was asked for beside the page."""

    query_of: Callable[..., Select[Any]]
    key: InstrumentedAttribute[int]
    shown: Callable[[Any], Any] = lambda row: row
    newest: bool = True
    many: Callable[[Sequence[Any]], Iterable[Any]] | None = None


def listing(
    name: str,
    rule: str,
    out: Schema,
    rows: Rows,
    *,
    answer: Mapping[str, Any],
    query: Mapping[str, dict[str, Any]] | None = None,
    scope: str = "query",
    **declared: Any,
) -> None:
    """Declares a list; `declared` is what `Operation` takes."""

    def view(actor: Actor, asked: dict[str, Any], **place: Any) -> dict[str, Any]:
        more = {one: asked[one] for one in query or ()}
        found = paging.page(
            rows.query_of(actor, **place, **more),
            rows.key,
            cursor=asked["cursor"] or "",
            limit=asked["limit"],
            newest=rows.newest,
        )
        return told_page(found, rows)

    view.__name__ = name
    operation(
        "GET",
        rule,
        scope=scope,
        out=listed(out, f"{type(out).__name__.removesuffix('Out')}Page"),
        query={**PAGE, **(query or {})},
        answer={"items": [answer], "next": None},
        **declared,
    )(view)


def declare(noun: Noun) -> None:
    """Declares the operations of a noun."""
    _declare_reading(noun)
    _declare_writing(noun)
    if noun.remove is not None:
        _declare_removing(noun, noun.remove)


def _of_one(noun: Noun) -> str:
    return f"/{noun.many}/<int:{noun.one}_id>"


def _declare_reading(noun: Noun) -> None:
    def rows(actor: Actor) -> Select[Any]:
        actor.check("read")
        mine = noun.model.organisation_id == actor.organisation.id
        return select(noun.model).where(mine, *noun.standing()).options(*noun.loaded)

    def show(actor: Actor, **place: int) -> Answer:
        row = noun.get(actor, place[f"{noun.one}_id"])
        return Answer(noun.shown(row), version=row.version)

    listing(
        f"list_{noun.many}",
        f"/{noun.many}",
        noun.out,
        Rows(rows, noun.model.id, noun.shown, newest=False, many=noun.page_shown),
        tag=noun.tag or noun.many,
        summary=f"{noun.many.capitalize()}, oldest first",
        answer=noun.answer,
    )
    _say(
        noun,
        show,
        f"show_{noun.one}",
        ("GET", _of_one(noun)),
        summary=f"One {noun.one}",
        scope="query",
        out=noun.out,
        answer=noun.answer,
    )


def _declare_writing(noun: Noun) -> None:
    def add(actor: Actor, clean: dict[str, Any]) -> Answer:
        row = noun.register(actor, clean, at=clock.now())
        address = f"/api/v1/{noun.many}/{row.id}"
        return Answer(noun.shown(row), location=address, version=row.version)

    def change(actor: Actor, clean: dict[str, Any], version: int, **place: int) -> Answer:
        row = noun.get(actor, place[f"{noun.one}_id"])
        noun.update(actor, row, clean, version=version, at=clock.now())
        return Answer(noun.shown(row), version=row.version)

    _say(
        noun,
        add,
        f"add_{noun.one}",
        ("POST", f"/{noun.many}"),
        summary=f"A new {noun.one}",
        scope="capture",
        body=noun.add,
        out=noun.out,
        status=201,
        example=noun.example,
        answer=noun.answer,
    )
    _say(
        noun,
        change,
        f"change_{noun.one}",
        ("PUT", _of_one(noun)),
        summary=f"All that can be changed of a {noun.one}; what is absent becomes empty",
        scope="capture",
        body=noun.change,
        out=noun.out,
        changes=True,
        example={key: one for key, one in noun.example.items() if key in noun.change.fields},
        answer={**noun.answer, "version": 2},
    )


def _declare_removing(noun: Noun, remove: Callable[..., Any]) -> None:
    def take_away(actor: Actor, **place: int) -> Answer:
        row = noun.get(actor, place[f"{noun.one}_id"])
        remove(actor, row, at=clock.now())
        return Answer(None, status=204)

    _say(
        noun,
        take_away,
        f"remove_{noun.one}",
        ("DELETE", _of_one(noun)),
        summary=f"Take a {noun.one} away",
        scope="capture",
        status=204,
    )


def _say(
    noun: Noun, view: Callable[..., Any], name: str, where: tuple[str, str], **declared: Any
) -> None:
    view.__name__ = name
    operation(*where, tag=noun.tag or noun.many, **declared)(view)
