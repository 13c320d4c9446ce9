"""What the EPCIS interface lists beside events: things, places and words a caller may know of.

The same rule of what is seen as for events (`epcis_queries_scope`); a place that an event keeps
private is not listed for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import and_, or_, select

from trace.core.epcis import vocabulary as words
from trace.core.epcis.query_format import prefixes_of
from trace.extensions import db
from trace.models import CompanyPrefix, Event, PrefixClaim, Thing
from trace.services.actors import Actor
from trace.services.epcis_queries_scope import (
    is_own,
    known_things,
    scope_of,
    shows,
    sides,
    tells_of_known,
)
from trace.services.sets import among

PLACES: Final[dict[str, Any]] = {
    "readPoint": Event.read_point,
    "bizLocation": Event.biz_location,
}


def list_things(actor: Actor, *, after: int, limit: int) -> list[tuple[int, str]]:
    """(row, canonical address) of the things known to the organisation, from a row on."""
    scope = scope_of(actor)
    area, known = scope.area, Thing.id.in_(known_things(scope))
    rows = db.session.execute(
        select(Thing.id, Thing.identity)
        .where(Thing.id > after, known if area is None else or_(known, area.thing(Thing.id)))
        .order_by(Thing.id)
        .limit(limit)
    )
    return [(row.id, row.identity) for row in rows]


def list_places(actor: Actor, member: str, *, after: str, limit: int) -> list[str]:
    """The canonical addresses of places that events show in `member`, in order, behind one."""
    scope = scope_of(actor)
    column = PLACES[member]
    mine = is_own(scope)
    ways = [
        mine,
        and_(~mine, Event.id.in_(sides(scope))),
        and_(~mine, tells_of_known(scope), shows(member, scope)),
    ]
    if scope.area is not None:
        ways.append(and_(~mine, scope.area.event()))
    found: set[str] = set()
    for way in ways:
        found.update(
            db.session.scalars(
                select(column)
                .where(way, column.is_not(None), column > after)
                .distinct()
                .order_by(column)
                .limit(limit)
            )
        )
    # As the database sorts, which need not be as Python does.
    if len(found) <= limit:
        return sorted(found)
    return list(_sorted_by_database(found))[:limit]


def _sorted_by_database(texts: set[str]) -> Sequence[str]:
    """Two ways' places in the order that `after` is compared by: none in the middle is lost."""
    column = Event.read_point
    smallest = select(column.label("place")).where(among(column, sorted(texts)))
    other = select(Event.biz_location.label("place")).where(
        among(Event.biz_location, sorted(texts))
    )
    both = smallest.union(other).subquery()
    return db.session.scalars(select(both.c.place).order_by(both.c.place)).all()


def words_of(kind: str) -> list[str]:
    """The words an event may use here as `bizStep` or `disposition`: the standard's, and ours."""
    listed = words.BIZ_STEPS if kind == "bizStep" else words.DISPOSITIONS
    own = [words.own_word(word) for word in sorted(words.OWN_STEPS)] if kind == "bizStep" else []
    return [*sorted(listed.words), *own]


def company_prefixes(digits: Sequence[str]) -> frozenset[str]:
    """The company prefixes somebody has, or that were confirmed, among the beginnings of these
    digits of keys."""
    wanted = sorted({prefix for one in digits for prefix in prefixes_of(one)})
    if not wanted:
        return frozenset()
    confirmed = select(PrefixClaim.prefix).where(
        among(PrefixClaim.prefix, wanted), PrefixClaim.state == "confirmed"
    )
    given = select(CompanyPrefix.prefix).where(among(CompanyPrefix.prefix, wanted))
    return frozenset(db.session.scalars(confirmed.union(given)))
