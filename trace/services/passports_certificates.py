"""The certificates a passport tells of: those in force on the day of harvest, and how much of the
goods they cover."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from sqlalchemy import Connection, Select, Table, select
from sqlalchemy.orm import aliased

from trace.core.history import Fact, Journey, Source, coverage
from trace.core.signing import JsonObject
from trace.models import Certificate, CertificateCover, Household, Organisation, Place
from trace.services.histories import Loaded
from trace.services.passports_corrections import Told
from trace.services.sets import among_given, given, is_sqlite


def certificates_of(
    connection: Connection,
    sources: Sequence[Source],
    journey: Journey,
    loaded: Loaded,
    told: Told,
) -> list[JsonObject]:
    """Certificates of the growers in force on the day of harvest, with how many origins each
    covers. A claim without a day to judge it on is not made. Confirmed is what a certifier says who
    is confirmed by an authority: anyone may register as one."""
    growers = {
        loaded.organisations[source.issuer].id: source.issuer
        for source in sources
        if source.last is not None
    }
    own_products = {
        loaded.things[identity].product_id for identity in (journey.target, *journey.ancestors)
    }
    grown_at = _growing_places(sources, journey.lines, loaded)
    grown_by = _growing_households(sources, journey.lines, told)
    found: dict[tuple[str, str, bool], JsonObject] = {}
    covered: dict[tuple[str, str, bool], dict[str, bool]] = {}
    for row, covers in _certificate_rows(connection, growers):
        products = {row.product_id, *(one.cover_product for one in covers)} - {None}
        places = {row.place, *(one.cover_place for one in covers)} - {None}
        members = {one.member for one in covers} - {None}
        if products and not products & own_products:
            continue
        confirmed = row.confirmer_status == "confirmed"
        key = (row.standard, row.issuer_name, confirmed)
        for source in sources:
            if source.issuer != growers.get(row.organisation_id) or not _in_force(row, source):
                continue
            if places and not places & grown_at.get(source.thing, set()):
                continue
            if members and not members & grown_by.get(source.thing, set()):
                continue
            covered.setdefault(key, {})[source.thing] = True
            found.setdefault(
                key,
                {
                    "standard": row.standard,
                    "number": row.number,
                    "issuer": row.issuer_name,
                    "confirmed": confirmed,
                    "confirmed_by": row.confirmer if confirmed else None,
                    "valid_from": row.valid_from.isoformat(),
                    "valid_until": row.valid_until.isoformat(),
                    "holder": source.issuer,
                },
            )
    for key, certificate in found.items():
        certificate["covers"], certificate["of"] = coverage(sources, covered[key])
    return [found[key] for key in sorted(found)]


def _certificate_rows(
    connection: Connection, growers: Mapping[int, str]
) -> list[tuple[Any, list[Any]]]:
    """The growers' certificates that their issuers did not reject, each with the rows of what it
    covers. One query."""
    rows = connection.execute(_certificates_query(is_sqlite()), {"growers": given(growers)})
    found: dict[int, tuple[Any, list[Any]]] = {}
    for row in rows:
        found.setdefault(row.id, (row, []))[1].append(row)
    return list(found.values())


@cache
def _certificates_query(sqlite: bool) -> Select[*tuple[Any, ...]]:
    confirmer, cover_place = aliased(Organisation), aliased(Place)
    table = cast("Table", Certificate.__table__)
    growers = among_given(table.c.organisation_id, "growers", sqlite=sqlite)
    return (
        select(
            *table.c,
            confirmer.name.label("confirmer"),
            confirmer.status.label("confirmer_status"),
            Place.identity.label("place"),
            CertificateCover.product_id.label("cover_product"),
            cover_place.identity.label("cover_place"),
            Household.code.label("member"),
        )
        .outerjoin(Place, Place.id == table.c.place_id)
        .outerjoin(confirmer, confirmer.id == table.c.confirmed_by_id)
        .outerjoin(CertificateCover, CertificateCover.certificate_id == table.c.id)
        .outerjoin(cover_place, cover_place.id == CertificateCover.place_id)
        .outerjoin(Household, Household.id == CertificateCover.household_id)
        .where(growers, table.c.decision != "rejected")
        .order_by(table.c.standard, table.c.id)
    )


def _growing_households(
    sources: Sequence[Source], lines: Sequence[Fact], told: Told
) -> dict[str, set[str]]:
    """Whose work a source's lines say it is: a group certificate lists its members by code."""
    found: dict[str, set[str]] = {source.thing: set() for source in sources}
    for fact in lines:
        # What was mended in time is told by its own words only: it has no line here.
        opened, _ = told.get(fact.statement, (None, False))
        said = opened.event.get("trace:performedBy") if opened is not None else None
        if isinstance(said, str):
            for thing in fact.things() & found.keys():
                found[thing].add(said)
    return found


def _growing_places(
    sources: Sequence[Source], lines: Sequence[Fact], loaded: Loaded
) -> dict[str, set[str]]:
    places: dict[str, set[str]] = {source.thing: set() for source in sources}
    for fact in lines:
        row = loaded.events[fact.statement]
        for thing in fact.things() & places.keys():
            places[thing] |= {place for place in (row.read_point, row.biz_location) if place}
    return places


def _in_force(row: Any, source: Source) -> bool:
    if source.first is None or source.last is None:
        return False
    if row.withdrawn_on is not None and row.withdrawn_on <= source.last:
        return False
    first, last = row.suspended_from, row.suspended_until
    if first is not None and first <= source.last and (last is None or source.first <= last):
        return False
    return bool(row.valid_from <= source.first and source.last <= row.valid_until)
