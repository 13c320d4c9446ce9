"""Kept records as operations: a list, one, a new one, a changed one, made from one declaration.

    declare(Noun("places", Place, PlaceOut(), add=…, change=…, get=…, register=…, update=…))

The services decide; here is only how their records are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from marshmallow import Schema
from sqlalchemy import select

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
    remove: Callable[..., Any] | None = None


def told_page(found: paging.Page[Any], shown: Callable[[Any], Any]) -> dict[str, Any]:
    """A page as lists answer it."""
    return {"items": [shown(row) for row in found.rows], "next": found.next or None}


def declare(noun: Noun) -> None:
    """Declares the operations of a noun."""
    path, name = f"/{noun.many}", noun.one
    of_one = f"{path}/<int:{name}_id>"

    def list_all(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
        actor.check("read")
        model = noun.model
        query = select(model).where(model.organisation_id == actor.organisation.id)
        found = paging.page(query, model.id, cursor=asked["cursor"] or "", limit=asked["limit"])
        return told_page(found, noun.shown)

    def show(actor: Actor, **place: int) -> Answer:
        row = noun.get(actor, place[f"{name}_id"])
        return Answer(noun.shown(row), version=row.version)

    def add(actor: Actor, clean: dict[str, Any]) -> Answer:
        row = noun.register(actor, clean, at=clock.now())
        address = f"/api/v1{path}/{row.id}"
        return Answer(noun.shown(row), location=address, version=row.version)

    def change(actor: Actor, clean: dict[str, Any], version: int, **place: int) -> Answer:
        row = noun.get(actor, place[f"{name}_id"])
        noun.update(actor, row, clean, version=version, at=clock.now())
        return Answer(noun.shown(row), version=row.version)

    page = listed(noun.out, f"{type(noun.out).__name__.removesuffix('Out')}Page")
    list_answer = {"items": [noun.answer], "next": None}
    _say(
        "GET",
        path,
        list_all,
        f"list_{noun.many}",
        f"{noun.many.capitalize()}, oldest first",
        noun.many,
        scope="query",
        out=page,
        query=PAGE,
        answer=list_answer,
    )
    _say(
        "GET",
        of_one,
        show,
        f"show_{name}",
        f"One {name}",
        noun.many,
        scope="query",
        out=noun.out,
        answer=noun.answer,
    )
    _say(
        "POST",
        path,
        add,
        f"add_{name}",
        f"A new {name}",
        noun.many,
        scope="capture",
        body=noun.add,
        out=noun.out,
        status=201,
        example=noun.example,
        answer=noun.answer,
    )
    example = {key: value for key, value in noun.example.items() if key in noun.change.fields}
    _say(
        "PUT",
        of_one,
        change,
        f"change_{name}",
        f"All that can be changed of a {name}; what is absent becomes empty",
        noun.many,
        scope="capture",
        body=noun.change,
        out=noun.out,
        changes=True,
        example=example,
        answer={**noun.answer, "version": 2},
    )
    remove = noun.remove
    if remove is None:
        return

    def take_away(actor: Actor, **place: int) -> Answer:
        row = noun.get(actor, place[f"{name}_id"])
        remove(actor, row, at=clock.now())
        return Answer(None, status=204)

    _say(
        "DELETE",
        of_one,
        take_away,
        f"remove_{name}",
        f"Take a {name} away",
        noun.many,
        scope="capture",
        status=204,
    )


def _say(
    method: str,
    rule: str,
    view: Callable[..., Any],
    name: str,
    summary: str,
    tag: str,
    **declared: Any,
) -> None:
    view.__name__ = name
    operation(method, rule, summary=summary, tag=tag, **declared)(view)
