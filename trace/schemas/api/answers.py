"""What our interface answers: records as objects, quantities as numbers with their unit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from marshmallow import Schema, fields

from trace.services.records import number


class Quantity(fields.Field[Any]):
    """A stored quantity as a JSON number, null where nobody said one."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        return number(value) if isinstance(value, Decimal) else value


class Moment(fields.AwareDateTime):
    """A time in UTC: `2026-11-20T00:30:00Z`."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> Any:
        if value is None:
            return None
        precision = "milliseconds" if value.microsecond else "seconds"
        return value.isoformat(timespec=precision).replace("+00:00", "Z")


@cache
def _page_of(of: type[Schema], name: str) -> Schema:
    members: Mapping[str, Any] = {
        "items": fields.List(fields.Nested(of), required=True),
        "next": fields.String(required=True, allow_none=True),
        "__doc__": "A page of a list.",
    }
    made: type[Schema] = type(name, (Schema,), dict(members))
    return made()


def listed(of: Schema, name: str) -> Schema:
    """A page of a list: `items`, and `next` for what follows (null at the end); one schema for each
    name, however many lists answer it."""
    return _page_of(type(of), name)


class Record(Schema):
    """What every kept record has."""

    id = fields.Integer(required=True)
    version = fields.Integer(required=True)
    created_at = Moment(required=True)


class _Located(Schema):
    """What has a code, may have a GLN, and lies somewhere."""

    code = fields.String(required=True)
    gln = fields.String(required=True, allow_none=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    kind = fields.String(required=True)
    ward_code = fields.String(required=True, allow_none=True)
    address = fields.String(required=True)


class OrganisationOut(_Located):
    """An organisation as it says of itself, and how far it is confirmed."""

    status = fields.String(required=True)
    phone = fields.String(required=True)
    phone_public = fields.Boolean(required=True)
    demonstration = fields.Boolean(required=True)
    closed_at = Moment(required=True, allow_none=True)
    version = fields.Integer(required=True)


class PlaceOut(_Located, Record):
    """A place. `address` is private; `identity` is what events name."""

    identity = fields.String(required=True)
    household = fields.Integer(required=True, allow_none=True, attribute="household_id")
    latitude = fields.Float(required=True, allow_none=True)
    longitude = fields.Float(required=True, allow_none=True)
    area_m2 = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})
    outline_area = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})
    outline_source = fields.String(required=True)
    public = fields.Boolean(required=True)
    position_public = fields.Boolean(required=True)


class AreaCodeOut(Record):
    """A code of a planting area or a packing house."""

    place_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    code = fields.String(required=True)
    market = fields.String(required=True)
    crop = fields.String(required=True)
    state = fields.String(required=True)
    issued = fields.Date(required=True, allow_none=True)
    expires = fields.Date(required=True, allow_none=True)
    area_m2 = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})


class ProductOut(Record):
    """A product. `unit` is the code events carry (UN/ECE Recommendation 20)."""

    code = fields.String(required=True)
    gtin = fields.String(required=True, allow_none=True)
    gtin_confirmed = fields.Boolean(required=True)
    identity = fields.String(required=True)
    name = fields.String(required=True)
    name_en = fields.String(required=True)
    category = fields.String(required=True)
    description = fields.String(required=True)
    unit = fields.String(required=True)
    net_weight = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})
    shelf_life_days = fields.Integer(required=True, allow_none=True)
    use_by = fields.Boolean(required=True)
    picture = fields.String(required=True, allow_none=True)


class HouseholdOut(Record):
    """A member household; only its code is public."""

    code = fields.String(required=True)
    name = fields.String(required=True)
    phone = fields.String(required=True)
    hamlet = fields.String(required=True)
    ward_code = fields.String(required=True, allow_none=True)
    active = fields.Boolean(required=True)


class CertificateOut(Record):
    """A certificate; empty lists mean that it covers all."""

    standard = fields.String(required=True)
    number = fields.String(required=True)
    issuer_id = fields.Integer(required=True, allow_none=True)
    issuer_name = fields.String(required=True)
    valid_from = fields.Date(required=True)
    valid_until = fields.Date(required=True)
    decision = fields.String(required=True)
    reason = fields.String(required=True)
    state = fields.String(required=True)
    products = fields.List(fields.Integer(), required=True)
    places = fields.List(fields.Integer(), required=True)
    members = fields.List(fields.Integer(), required=True)
    yearly_yield = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})


class PhotoOut(Schema):
    """A photo, as records refer to it."""

    digest = fields.String(required=True)
    mediaType = fields.String(required=True)  # noqa: N815  # the member's name in events
    bytes = fields.Integer(required=True)
