"""Places: plots, packhouses, markets, shops. Their addresses are printed and never change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import undefer

from trace.core.geo import Outline, Position, check_position, position
from trace.core.gs1 import Identity, canonical_uri, local_uri, new_code
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Household, Place
from trace.services import area_codes, freshness, geometry
from trace.services.actors import Actor
from trace.services.audit import apply, write_audit
from trace.services.settings import current_settings
from trace.services.versions import check_version


class GlnTaken(TraceError):
    code = "gln-taken"
    status = 409
    message = "The GLN %(value)s is already registered for another place."


class HalfPosition(TraceError):
    code = "half-position"
    message = "A position needs both latitude and longitude."


class UnknownHousehold(TraceError):
    code = "unknown-household"
    message = "Choose one of your own households."


def place_identity(place: Place) -> Identity:
    """The identity of a place: its GLN where it has one, else its code."""
    return Identity("414", place.gln) if place.gln else Identity("l", place.code)


def place_uri(place: Place) -> str:
    """What events say: `{id_base}/414/{gln}` or `{id_base}/l/{code}`."""
    return local_uri(place_identity(place), current_settings().id_base)


def card_uri(place: Place) -> str:
    """What is printed on a stall's or shop's card: `{id_base}/p/{code}`."""
    return local_uri(Identity("p", place.code), current_settings().id_base)


def list_places(actor: Actor, *, kinds: tuple[str, ...] = (), shapes: bool = False) -> list[Place]:
    """The organisation's places by name; `kinds` picks some, `shapes` reads their outlines too."""
    actor.check("read")
    query = select(Place).where(Place.organisation_id == actor.organisation.id)
    if shapes:
        query = query.options(undefer(Place.outline))
    if kinds:
        query = query.where(Place.kind.in_(kinds))
    return sorted(db.session.scalars(query), key=lambda place: place.name.casefold())


def get_place(actor: Actor, place_id: int) -> Place:
    """One of the organisation's places. Raises NotFound."""
    actor.check("read")
    place = db.session.get(Place, place_id)
    if place is None or place.organisation_id != actor.organisation.id:
        raise NotFound
    return place


def register_place(actor: Actor, values: Mapping[str, Any], *, at: datetime) -> Place:
    """Adds a place. With a GLN its identity is `/414/{gln}`, else `/l/{code}`, for good.

    `shape` is an outline or a position (geometry.read_shape), with `outline_source` and
    `outline_accuracy`; `planting_area_code` is a code as written. Raises NotAllowed, GlnTaken,
    HalfPosition, SwappedAxes, NotDegrees, UnknownHousehold."""
    actor.check("record")
    _check(actor, values)
    gln = values.get("gln") or None
    if gln and db.session.scalar(select(Place.id).where(Place.gln == gln)) is not None:
        raise GlnTaken(path="gln", value=gln)
    code = new_code(os.urandom)
    columns = _columns(values)
    area_code = columns.pop("planting_area_code", "")
    place = Place(
        organisation_id=actor.organisation.id,
        code=code,
        created_at=at,
        **{**columns, "gln": gln},
    )
    place.identity = canonical_uri(place_identity(place), current_settings().id_base)
    db.session.add(place)
    db.session.flush()
    write_audit(actor, "place.create", f"place:{code}", at=at)
    if area_code:
        area_codes.add_code(actor, place, {"code": area_code}, at=at)
    if gln:  # events may have named it before; nobody knows a code that was just drawn
        freshness.place_changed(place, at=at)
    return place


def update_place(
    actor: Actor, place: Place, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Changes a place; code and GLN stay, because events and cards name them. Raises NotAllowed,
    ChangedMeanwhile, HalfPosition, SwappedAxes, NotDegrees, UnknownHousehold."""
    actor.check("record")
    check_version(place, version)
    _check(actor, values)
    told = _columns(values, place)
    kept = {
        name: value
        for name, value in told.items()
        if name not in ("gln", "code", "planting_area_code")
    }
    changed = apply(place, kept)
    if changed:
        write_audit(actor, "place.change", f"place:{place.code}", at=at, fields=changed)
        freshness.place_changed(place, at=at)


def _columns(values: Mapping[str, Any], place: Place | None = None) -> dict[str, Any]:
    """Form values as columns: a shape becomes outline, area, box and, where none was given, the
    position. A box that was not in the form (`shape` absent) changes nothing."""
    found = dict(values)
    source, accuracy = found.pop("outline_source", ""), found.pop("outline_accuracy", None)
    if "shape" not in found:
        return found
    shape: Outline | Position | None = found.pop("shape")
    if isinstance(shape, Position):
        found["latitude"], found["longitude"] = float(shape.lat), float(shape.lon)
        shape = None
    before = geometry.outline_of(place) if place is not None else None
    if shape is not None and shape == before:
        return found  # the same outline: where it came from stays true
    found.update(geometry.shape_values(shape, source, accuracy))
    if shape is not None:
        typed = found.get("latitude"), found.get("longitude")
        if typed == (None, None) or (before is not None and typed == geometry.middle_of(before)):
            found["latitude"], found["longitude"] = geometry.middle_of(shape)
    return found


def _check(actor: Actor, values: Mapping[str, Any]) -> None:
    check_degrees(values.get("latitude"), values.get("longitude"))
    household_id = values.get("household_id")
    if household_id is not None:
        household = db.session.get(Household, household_id)
        if household is None or household.organisation_id != actor.organisation.id:
            raise UnknownHousehold(path="household")


def check_degrees(latitude: float | None, longitude: float | None) -> None:
    """Both or none, and a position. Raises HalfPosition, SwappedAxes, NotDegrees on `latitude`."""
    if latitude is None and longitude is None:
        return
    if latitude is None or longitude is None:
        raise HalfPosition(path="latitude" if latitude is None else "longitude")
    try:
        check_position(position(longitude, latitude))
    except TraceError as error:
        error.path = "latitude"
        raise
