"""Where a lot grew, as Regulation (EU) 2023/1115 wants it: GeoJSON of the plots, and what is wrong
with them.

Article 2(28): plots above four hectares need a polygon, a point does for others; at least six
decimal digits. WGS 84, longitude first, rings closed (RFC 7946: core.geo writes them so). Nothing
is mended: what has fewer digits keeps them and is told, for digits cannot be invented.

Exact positions are their owner's affair: a reader gets those of its own places, those whose owner
made them public, and an authority those of what it reads whole. A plot that may not be shown is
told as `not-disclosed`, never drawn. Those without a public name are told of together: how many
private places lie behind a lot is nobody's affair.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import undefer

from trace.core import geo
from trace.core.geo import Feature, Outline, Position
from trace.extensions import db
from trace.models import Event, Place
from trace.services.chain_papers import Around, documents
from trace.services.geometry import GROWING, outline_of, position_of
from trace.services.paper_names import canonical, place_of
from trace.services.sets import among

POINT_LIMIT_M2: Final = 40_000
DECIMALS: Final = 6
HECTARE: Final = 10_000
COUNTRY: Final = "VN"
# Steps of growing: where the goods stood in the ground, or on it.
STEPS: Final = frozenset(
    {
        *("sowing", "transplanting", "irrigating", "fertilising", "spraying", "weeding"),
        *("pruning", "field_observation", "harvesting", "commissioning", "egg_collecting"),
    }
)
# What makes a declaration fail; the rest is told and passes.
FAILING: Final = frozenset(
    {"no-shape", "point-too-large", "few-decimals", "not-disclosed", "abroad", "no-plot"}
)


@dataclass(frozen=True, slots=True)
class Check:
    """Something found about a plot (`place`: its code, "" where the reader may not know it)."""

    code: str
    place: str = ""
    name: str = ""
    detail: str = ""

    @property
    def fails(self) -> bool:
        """Whether a due-diligence statement with this would be turned back."""
        return self.code in FAILING

    def to_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "fails": self.fails,
            "place": self.place or None,
            "name": self.name or None,
            "detail": self.detail or None,
        }


@dataclass(slots=True)
class Plots:
    """The plots of a lot as one reader may have them, with what was found."""

    features: list[Feature] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)

    @property
    def passes(self) -> bool:
        """Whether nothing was found that fails."""
        return not any(check.fails for check in self.checks)

    @property
    def geojson(self) -> str:
        """The FeatureCollection (RFC 7946)."""
        return geo.geojson(self.features)


def plots_of(found: Around) -> Plots:
    """Where the lot, or what it was made of, grew. `found` is read up only."""
    plots = Plots()
    places, read, unnamed = _places(found)
    for place in places:
        near = place.organisation_id == found.actor.organisation.id or place.identity in read
        if not (near or place.position_public):
            if place.public:
                plots.checks.append(Check("not-disclosed", place.code, place.name))
            else:
                unnamed = True
            continue
        outline, position = outline_of(place), position_of(place)
        plots.features.append(_feature(place, outline, position))
        plots.checks += check_plot(
            outline, position, place.area_m2, code=place.code, name=place.name
        )
    if unnamed:
        plots.checks.append(Check("not-disclosed"))
    if not places and not unnamed:
        plots.checks.append(Check("no-plot"))
    return plots


def _places(found: Around) -> tuple[list[Place], set[str], bool]:
    """The growing places that events of the lot and its sources name, by name; those of them that
    an authority reads in events it reads whole; and whether more are kept private."""
    authority = found.actor.organisation.kind == "authority"
    named: set[str] = set()
    read: set[str] = set()
    hidden: set[int] = set()
    for told, document in documents(found):
        if told.step not in STEPS or not any(use.thing in found.walked.up for use in told.uses):
            continue
        where = place_of(document)
        if where:
            named.add(canonical(where))
            if authority and told.id in found.whole:
                read.add(canonical(where))
        elif told.id not in found.whole:
            hidden.add(told.id)
    rows = db.session.scalars(
        select(Place)
        .where(among(Place.identity, sorted(named)), Place.kind.in_(GROWING))
        .options(undefer(Place.outline))
        .order_by(Place.name, Place.id)
    ).all()
    return list(rows), read, _hide_places(hidden)


def _hide_places(events: Iterable[int]) -> bool:
    """Whether these events keep a place private."""
    placed = or_(Event.read_point.is_not(None), Event.biz_location.is_not(None))
    rows = select(Event.id).where(among(Event.id, sorted(events)), placed)
    return db.session.scalar(rows.limit(1)) is not None


def check_plot(
    outline: Outline | None,
    position: Position | None,
    declared_m2: Decimal | None,
    *,
    code: str = "",
    name: str = "",
) -> list[Check]:
    """What is wrong with one plot. Pure."""

    def found(what: str, detail: str = "") -> Check:
        return Check(what, code, name, detail)

    shape = outline or position
    if shape is None:
        return [found("no-shape")]
    checks = []
    points: Sequence[Position] = outline.points if outline else [position] if position else []
    if outline is None and declared_m2 is None:
        checks.append(found("area-unknown"))
    elif outline is None and declared_m2 is not None and declared_m2 > POINT_LIMIT_M2:
        checks.append(found("point-too-large", _hectares(declared_m2)))
    digits = min(geo.decimals_of(axis) for point in points for axis in (point.lon, point.lat))
    if digits < DECIMALS:
        checks.append(found("few-decimals", str(digits)))
    if not all(geo.in_viet_nam(point) for point in points):
        checks.append(found("abroad"))
    return checks


def _feature(place: Place, outline: Outline | None, position: Position | None) -> Feature:
    area = place.outline_area if outline else place.area_m2
    told: dict[str, str | int | float] = {
        "ProducerName": place.organisation.name,
        "ProducerCountry": COUNTRY,
        "ProductionPlace": place.name,
    }
    if area is not None:
        told["Area"] = float(round(area / HECTARE, 4))  # hectares
    return Feature(place.name, place.identity, outline or position, told)


def _hectares(area: Decimal) -> str:
    return f"{(area / HECTARE).normalize():f} ha"
