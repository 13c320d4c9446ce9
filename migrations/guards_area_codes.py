"""Planting-area codes move from a column of places to a table of their own."""

from __future__ import annotations

from typing import Any


def add_moved_codes(op: Any) -> None:
    """Each code of a place becomes a row: raw, its state as far as anybody said."""
    op.execute(
        "INSERT INTO area_codes (organisation_id, place_id, kind, code, folded, market, crop, "
        "state, created_at, version) "
        "SELECT organisation_id, id, 'planting', planting_area_code, "
        "REPLACE(REPLACE(REPLACE(REPLACE(UPPER(planting_area_code), '-', ''), '.', ''), ' ', ''), "
        "'/', ''), '', '', 'active', created_at, 1 FROM places WHERE planting_area_code <> ''"
    )


def drop_moved_codes(op: Any) -> None:
    """Back: the first planting code of each place; the table must still exist."""
    op.execute(
        "UPDATE places SET planting_area_code = COALESCE((SELECT code FROM area_codes WHERE id = "
        "(SELECT MIN(id) FROM area_codes c WHERE c.place_id = places.id "
        "AND c.kind = 'planting')), '')"
    )
