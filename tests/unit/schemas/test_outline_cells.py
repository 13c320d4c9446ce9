"""Outlines in a spreadsheet's cell: corners in a row, or GeoJSON; stored as they came."""

from __future__ import annotations

import pytest
from marshmallow import ValidationError

from trace.schemas.places import Market, OutlineCell

CORNERS = "21.093, 105.671; 21.093, 105.672; 21.094, 105.672"
STORED = "[[105.671,21.093],[105.672,21.093],[105.672,21.094]]"
RING = "[105.671,21.093],[105.672,21.093],[105.672,21.094]"


@pytest.mark.parametrize(
    "typed", [CORNERS, f'{{"type":"Polygon","coordinates":[[{RING},[105.671,21.093]]]}}']
)
def test_a_cell_holds_corners_or_geojson(typed: str) -> None:
    assert OutlineCell().deserialize(typed) == STORED
    assert OutlineCell().deserialize("") is None


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ("21.093, 105.671", "too-few-points"),
        ("105.671, 21.093; 105.672, 21.093; 105.672, 21.094", "swapped-axes"),
        (f'{{"type":"Polygon","coordinates":[[{RING}]]}}', "open-ring"),
        ("sau nhà", "outline-unreadable"),
    ],
)
def test_what_is_wrong_with_a_cell_is_named(typed: str, code: str) -> None:
    with pytest.raises(ValidationError) as found:
        OutlineCell().deserialize(typed)
    assert [error.code for error in found.value.messages] == [code]  # type: ignore[union-attr]


def test_a_market_is_a_code_of_letters() -> None:
    assert [Market().deserialize(text) for text in ("chn", "EU", "")] == ["CHN", "EU", ""]
    for wrong in ("China", "C1", "中国"):
        with pytest.raises(ValidationError):
            Market().deserialize(wrong)
