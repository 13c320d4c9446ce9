"""The master data that queries may ask about (HASATTR_, EQ_ATTR_): what is registered here of the
places, parties and products that events name, as far as the caller may know it.

| of | attributes (CBV 2.0, master data) | who may know |
| --- | --- | --- |
| places | name, city (ward), state (province), countryCode | everybody, of a public place |
| | the same, streetAddressOne | its organisation |
| | latitude, longitude | its organisation; everybody where it made them public |
| parties | name, city, state, countryCode | everybody |
| products | descriptionShort (and in English) | everybody |
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from trace.core.epcis.query_matching import Attributes
from trace.core.epcis.query_names import attribute_name
from trace.core.gs1 import Identity, parse_identity
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Organisation, Place, Product, Thing
from trace.services.actors import Actor
from trace.services.addresses import organisation_named, place_named, product_named
from trace.services.settings import current_settings
from trace.services.wards import find_ward

COUNTRY = "VN"


class MasterData:
    """Asked once for each address. What is not registered has none."""

    def __init__(self, actor: Actor) -> None:
        self._reader = actor.organisation.id
        self._known: dict[str, Attributes] = {}

    def __call__(self, uri: str) -> Attributes:
        if uri not in self._known:
            found = self._found(uri)
            self._known[uri] = {
                attribute_name(name, ()): tuple(one for one in values if one not in (None, ""))
                for name, values in found.items()
                if any(one not in (None, "") for one in values)
            }
        return self._known[uri]

    def _found(self, uri: str) -> dict[str, tuple[str | float | None, ...]]:
        try:
            identity = parse_identity(uri, current_settings().id_base)
        except TraceError:
            return {}
        if identity is None:
            return {}
        if identity.key in ("l", "p", "414") and not identity.qualifiers:
            place = place_named(identity)
            return {} if place is None else self._place(place)
        if identity.key in ("o", "417"):
            party = organisation_named(identity)
            return {} if party is None else _party(party)
        product = _product(identity, uri)
        return {"descriptionShort": (product.name, product.name_en)} if product is not None else {}

    def _place(self, row: Place) -> dict[str, tuple[str | float | None, ...]]:
        own = row.organisation_id == self._reader
        found: dict[str, tuple[str | float | None, ...]] = {}
        if own or row.public:
            found |= {"name": (row.name, row.name_en), **_ward(row.ward_code)}
        if own:
            found["streetAddressOne"] = (row.address,)
        if own or (row.public and row.position_public):
            found |= {"latitude": (row.latitude,), "longitude": (row.longitude,)}
        return found


def _ward(code: str | None) -> dict[str, tuple[str | float | None, ...]]:
    ward = find_ward(code) if code else None
    if ward is None:
        return {}
    return {
        "city": (ward.name, ward.short_name),
        "state": (ward.province.name,),
        "countryCode": (COUNTRY,),
    }


def _party(row: Organisation) -> dict[str, tuple[str | float | None, ...]]:
    return {"name": (row.name, row.name_en), **_ward(row.ward_code)}


def _product(identity: Identity, uri: str) -> Product | None:
    named = product_named(identity)
    if named is not None:
        return named
    thing = db.session.scalar(
        select(Thing).where(Thing.identity == uri).options(selectinload(Thing.product))
    )
    return thing.product if thing is not None else None
