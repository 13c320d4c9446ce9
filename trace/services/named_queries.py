"""Queries under a name: views on the events that the organisation may see (EPCIS 2.0 §8.2).

A name belongs to one organisation; another's is not found. What is kept is what was given, read
anew each time it is asked; nothing that cannot be read is kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import orjson
from sqlalchemy import delete, func, select

from trace.core.epcis import JsonObject, JsonValue
from trace.core.epcis.query import Query
from trace.core.epcis.query_parsing import parse_query
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import DeadLetter, NamedQuery, Subscription
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.settings import current_settings

MOST: Final = 200  # of one organisation
# What fits into one step of an address, as a person would type it.
_NO = r"/\\?#%\x00-\x1f\x7f\ud800-\udfff"
NAME: Final = re.compile(rf"(?!\.+$)[^\s{_NO}][^{_NO}]{{0,99}}")
MEMBERS: Final = frozenset({"name", "query"})
QUERY_SIZE: Final = 100_000  # bytes of a query


class NoSuchName(NotFound):
    code = "no-such-query"
    message = "No query of this name is known here."
    exception = "NoSuchNameException"


class QueryExists(Conflict):
    code = "query-exists"
    message = "A query of this name exists already."
    next_step = "Give another name, or delete that query first; its subscriptions end with it."


class BadQuery(TraceError):
    code = "bad-query"
    message = "A query is {“name”: …, “query”: {…}}: %(reason)s."
    exception = "QueryValidationException"


class TooManyQueries(TraceError):
    code = "too-many-queries"
    message = "An organisation keeps at most %(limit)d named queries."
    next_step = "Delete those that are not used any more."
    exception = "ImplementationException"


def create_query(
    actor: Actor, body: JsonValue, *, at: datetime, extensions: Mapping[str, str] | None = None
) -> NamedQuery:
    """Keeps the query that `body` gives, {"name", "query"}; `extensions` are prefixes that hold for
    it besides its own. Raises BadQuery, QueryExists, TooManyQueries, and what reading it raises."""
    actor.check("read")
    name, query = _checked(body)
    if extensions:
        own = query.get("@context", [])
        query = {**query, "@context": [*(own if isinstance(own, list) else [own]), {**extensions}]}
    try:
        parse_query(query, id_base=current_settings().id_base)
    except TraceError as error:
        for one in getattr(error, "errors", ()):
            one.at("/query/")
        raise error.at("/query/") from None
    mine = NamedQuery.organisation_id == actor.organisation.id
    if db.session.scalar(select(NamedQuery.id).where(mine, NamedQuery.name == name)):
        raise QueryExists(path="/name")
    if (db.session.scalar(select(func.count()).select_from(NamedQuery).where(mine)) or 0) >= MOST:
        raise TooManyQueries(limit=MOST)
    row = NamedQuery(
        organisation_id=actor.organisation.id,
        name=name,
        query=orjson.dumps(query).decode(),
        created_at=at,
    )
    db.session.add(row)
    db.session.flush()
    write_audit(actor, "query.create", f"query:{row.id}", at=at)
    return row


def _checked(body: JsonValue) -> tuple[str, JsonObject]:
    if not isinstance(body, dict):
        raise BadQuery(reason="it is no object")
    for member in body:
        if member not in MEMBERS:
            shown = member[:100]
            raise BadQuery(path=f"/{shown}", reason=f"“{shown}” is not known")
    name, query = body.get("name"), body.get("query")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadQuery(
            path="/name",
            reason="a name has 1 to 100 characters, none of them / \\ ? # or the sign of per cent",
        )
    if not isinstance(query, dict):
        raise BadQuery(path="/query", reason="the query is no object")
    if len(orjson.dumps(query)) > QUERY_SIZE:
        raise BadQuery(path="/query", reason=f"it is longer than {QUERY_SIZE} bytes")
    return name, query


def get_query(actor: Actor, name: str) -> NamedQuery:
    """Raises NoSuchName."""
    actor.check("read")
    row = None
    if NAME.fullmatch(name):
        row = db.session.scalar(
            select(NamedQuery).where(
                NamedQuery.organisation_id == actor.organisation.id, NamedQuery.name == name
            )
        )
    if row is None:
        raise NoSuchName
    return row


def list_queries(actor: Actor, *, before: int | None, limit: int) -> list[NamedQuery]:
    """The organisation's queries, the newest first; those with an id below `before`."""
    actor.check("read")
    query = select(NamedQuery).where(NamedQuery.organisation_id == actor.organisation.id)
    if before is not None:
        query = query.where(NamedQuery.id < before)
    return list(db.session.scalars(query.order_by(NamedQuery.id.desc()).limit(limit)))


def delete_query(actor: Actor, row: NamedQuery, *, at: datetime) -> None:
    """The query and all subscriptions to it end."""
    actor.check("read")
    own = select(Subscription.id).where(Subscription.query_id == row.id)
    db.session.execute(delete(DeadLetter).where(DeadLetter.subscription_id.in_(own)))
    db.session.execute(delete(Subscription).where(Subscription.query_id == row.id))
    write_audit(actor, "query.delete", f"query:{row.id}", at=at)
    db.session.delete(row)
    db.session.flush()


def told(row: NamedQuery) -> JsonObject:
    """A query as it was given."""
    query: Any = orjson.loads(row.query)
    return {"name": row.name, "query": query}


def parsed(row: NamedQuery) -> Query:
    """A kept query, read. Raises QueryParameterError for one that this version does not know."""
    return parse_query(orjson.loads(row.query), id_base=current_settings().id_base)
