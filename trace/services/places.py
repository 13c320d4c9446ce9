"""Places: plots, packhouses, markets, shops. Their addresses are printed and never change."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from trace.core.gs1 import Identity, canonical_uri, local_uri, new_code
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Household, Place
from trace.services import freshness
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


def list_places(actor: Actor, *, kinds: tuple[str, ...] = ()) -> list[Place]:
    """The organisation's places by name; `kinds` picks some."""
    actor.check("read")
    query = select(Place).where(Place.organisation_id == actor.organisation.id)
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
    Raises NotAllowed, GlnTaken, HalfPosition, UnknownHousehold."""
    actor.check("record")
    _check(actor, values)
    gln = values.get("gln") or None
    if gln and db.session.scalar(select(Place.id).where(Place.gln == gln)) is not None:
        raise GlnTaken(path="gln", value=gln)
    code = new_code(os.urandom)
    place = Place(
        organisation_id=actor.organisation.id,
        code=code,
        created_at=at,
        **{**values, "gln": gln},
    )
    place.identity = canonical_uri(place_identity(place), current_settings().id_base)
    db.session.add(place)
    db.session.flush()
    write_audit(actor, "place.create", f"place:{code}", at=at)
    return place


def update_place(
    actor: Actor, place: Place, values: Mapping[str, Any], *, version: int, at: datetime
) -> None:
    """Changes a place; code and GLN stay, because events and cards name them. Raises NotAllowed,
    ChangedMeanwhile, HalfPosition, UnknownHousehold."""
    actor.check("record")
    check_version(place, version)
    _check(actor, values)
    kept = {name: value for name, value in values.items() if name not in ("gln", "code")}
    changed = apply(place, kept)
    if changed:
        write_audit(actor, "place.change", f"place:{place.code}", at=at, fields=changed)
        freshness.place_changed(place, at=at)


def _check(actor: Actor, values: Mapping[str, Any]) -> None:
    latitude, longitude = values.get("latitude"), values.get("longitude")
    if (latitude is None) != (longitude is None):
        raise HalfPosition(path="latitude" if latitude is None else "longitude")
    household_id = values.get("household_id")
    if household_id is not None:
        household = db.session.get(Household, household_id)
        if household is None or household.organisation_id != actor.organisation.id:
            raise UnknownHousehold(path="household_id")
