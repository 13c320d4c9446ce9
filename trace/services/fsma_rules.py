"""Key data elements of FSMA 204 (21 CFR 1, subpart S), by critical tracking event. Pure.

Which elements each event must have: §1.1325 harvesting and cooling, §1.1330 initial packing,
§1.1340 shipping, §1.1345 receiving, §1.1350 transformation. Names of columns are the regulation's
own words in English, whatever the reader's language: that is who reads them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

COLUMNS: Final = (
    "Critical tracking event",
    "Direction",
    "Date",
    "Traceability lot code",
    "Lot number on the label",
    "Role in the event",
    "Commodity",
    "Variety",
    "Product description",
    "Quantity",
    "Unit of measure",
    "Location description",
    "Growing area name",
    "Harvest date",
    "Harvester name and phone",
    "Cooling location",
    "Cooling date",
    "Previous source location",
    "Next recipient location",
    "Traceability lot code source",
    "Reference document type",
    "Reference document number",
    "Stated by",
    "Statement",
    "Elements not recorded",
)
HARVEST: Final = "Harvesting"
COOL: Final = "Cooling"
PACK: Final = "Initial packing"
SHIP: Final = "Shipping"
RECEIVE: Final = "Receiving"
TRANSFORM: Final = "Transformation"
_WHAT: Final = ("Quantity", "Unit of measure")
_REFERENCE: Final = ("Reference document type", "Reference document number")
REQUIRED: Final[Mapping[str, tuple[str, ...]]] = {
    HARVEST: (
        "Commodity",
        "Variety",
        *_WHAT,
        "Location description",
        "Growing area name",
        "Harvest date",
        "Next recipient location",
        *_REFERENCE,
    ),
    COOL: ("Commodity", "Variety", *_WHAT, "Cooling location", "Cooling date", *_REFERENCE),
    PACK: (
        "Traceability lot code",
        "Commodity",
        "Variety",
        "Product description",
        *_WHAT,
        "Location description",
        "Growing area name",
        "Harvest date",
        "Harvester name and phone",
        "Traceability lot code source",
        *_REFERENCE,
    ),
    SHIP: (
        "Traceability lot code",
        *_WHAT,
        "Product description",
        "Next recipient location",
        "Location description",
        "Date",
        "Traceability lot code source",
        *_REFERENCE,
    ),
    RECEIVE: (
        "Traceability lot code",
        *_WHAT,
        "Product description",
        "Previous source location",
        "Location description",
        "Date",
        "Traceability lot code source",
        *_REFERENCE,
    ),
    TRANSFORM: (
        "Traceability lot code",
        "Product description",
        *_WHAT,
        "Location description",
        "Date",
        *_REFERENCE,
    ),
}
_GATHERING: Final = frozenset({"harvesting", "egg_collecting"})
_ARRIVING: Final = frozenset({"receiving", "accepting"})


def tracking_event(kind: str, step: str, action: str | None, *, harvested: bool) -> str | None:
    """Which critical tracking event an EPCIS event is; None for what is none. `harvested` says that
    it tells a day of harvest: so does who keeps no diary."""
    if step in _GATHERING:
        return HARVEST
    if step == "cooling":
        return COOL
    if step == "shipping":
        return SHIP
    if step in _ARRIVING:
        return RECEIVE
    if step == "packing" and (kind == "TransformationEvent" or action == "ADD"):
        return PACK
    if kind == "TransformationEvent":
        return TRANSFORM
    if kind == "ObjectEvent" and action == "ADD" and harvested:
        return HARVEST
    return None


def not_recorded(event: str, row: Mapping[str, object]) -> list[str]:
    """The elements that the regulation asks of this event and the row lacks."""
    return [name for name in REQUIRED[event] if row.get(name) in (None, "")]
