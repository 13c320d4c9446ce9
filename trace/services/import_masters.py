"""Rows of catalogues from a spreadsheet: households, places and products, written set-based."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from trace.core.gs1 import Identity, canonical_uri
from trace.models import Import, Product
from trace.models.types import to_micro, to_millis
from trace.services import area_codes, freshness, geometry, prefixes
from trace.services.actors import Actor
from trace.services.bulk import Row, allocate_ids, execute_many, insert_rows
from trace.services.import_events import Frame
from trace.services.sets import among

_COMMON: Final = ("id", "organisation_id", "created_at", "version")
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "households": ("code", "name", "phone", "ward_code", "active"),
    "places": (
        *("household_id", "code", "gln", "identity", "name", "name_en", "kind", "ward_code"),
        *("address", "latitude", "longitude", "area_m2", "planting_area_code", "public"),
        *geometry.SHAPE_COLUMNS,
    ),
    "products": (
        *("code", "gtin", "gtin_confirmed", "identity", "name", "name_en", "category"),
        *("description", "unit", "net_weight", "shelf_life_days", "use_by"),
    ),
}


def write_masters(
    actor: Actor,
    row: Import,
    frame: Frame,
    told: Sequence[tuple[int, Mapping[str, Any]]],
    *,
    at: datetime,
) -> int:
    """Inserts what the rows say and marks them made, in the caller's transaction."""
    make = {"households": _household, "places": _place, "products": _product}[row.kind]
    import_id, kind = row.id, row.kind
    # The write lock (SQLite) before ids are read off the table.
    execute_many("UPDATE imports SET done = ? WHERE id = ?", [(len(told), import_id)])
    ids = allocate_ids(kind, len(told))
    moment, organisation = to_millis(at), actor.organisation.id
    rows: list[Row] = [
        (row_id, organisation, moment, 1, *make(frame, number, clean))
        for row_id, (number, clean) in zip(ids, told, strict=True)
    ]
    insert_rows(kind, (*_COMMON, *_COLUMNS[kind]), rows)
    if kind == "products":  # GTINs under a prefix that is confirmed
        prefixes.settle(among(Product.id, list(ids)))
    if kind == "places":
        area_codes.insert_codes(
            organisation,
            [
                (row_id, str(clean["planting_area_code"]), str(clean["kind"]))
                for row_id, (_, clean) in zip(ids, told, strict=True)
                if clean.get("planting_area_code")
            ],
            at=at,
        )
    if kind == "households" or any(clean.get("gln") for _, clean in told):
        # Once for all of them: its own events may have named them before.
        freshness.organisation_changed(actor.organisation, at=at)
    execute_many(
        "UPDATE import_rows SET state = 'made', record_id = ? WHERE import_id = ? AND number = ?",
        [(row_id, import_id, number) for row_id, (number, _) in zip(ids, told, strict=True)],
    )
    return len(told)


def _household(frame: Frame, number: int, clean: Mapping[str, Any]) -> Row:
    ward = clean.get("ward_code")
    return clean["code"], clean.get("name") or "", clean.get("phone") or "", ward, True


def _place(frame: Frame, number: int, clean: Mapping[str, Any]) -> Row:
    code, gln = frame.draw(number).code(), clean.get("gln")
    identity = Identity("414", gln) if gln else Identity("l", code)
    household = clean.get("household_id")
    outline = geometry.parse_outline(clean.get("outline"))
    latitude, longitude = clean.get("latitude"), clean.get("longitude")
    if outline is not None and latitude is None:
        latitude, longitude = geometry.middle_of(outline)
    shape = geometry.shape_values(outline, "file")
    shape["outline_area"] = to_micro(shape["outline_area"])
    return (
        household["id"] if household else None,
        code,
        gln,
        canonical_uri(identity, frame.id_base),
        clean["name"],
        clean.get("name_en") or "",
        clean["kind"],
        clean["ward_code"],
        clean.get("address") or "",
        latitude,
        longitude,
        _micro(clean.get("area_m2")),
        "",  # codes have a table of their own; the column goes in a later release
        clean.get("public") != "no",
        *(shape[name] for name in geometry.SHAPE_COLUMNS),
    )


def _product(frame: Frame, number: int, clean: Mapping[str, Any]) -> Row:
    code, gtin = frame.draw(number).code(), clean.get("gtin")
    identity = Identity("01", gtin) if gtin else Identity("q", code)
    return (
        code,
        gtin,
        False,
        canonical_uri(identity, frame.id_base),
        clean["name"],
        clean.get("name_en") or "",
        clean["category"],
        clean.get("description") or "",
        clean["unit"],
        _micro(clean.get("net_weight")),
        clean.get("shelf_life_days"),
        clean.get("use_by") == "yes",
    )


def _micro(told: str | None) -> int | None:
    return None if told is None else to_micro(Decimal(told))
