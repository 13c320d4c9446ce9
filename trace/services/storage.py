"""Events of keeping and selling: cold storage with readings, on sale, sold, destroyed. Pure
builders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from trace.services.records import Item, JsonObject, Record, local_time, number, observed

# What goods that are no food any more are used for.
USES: Final = ("feed", "compost", "industry", "seed", "other")


@dataclass(frozen=True, slots=True)
class Reading:
    """One temperature in °C at a time."""

    time: datetime
    celsius: Decimal


def sensor_elements(readings: Sequence[Reading]) -> list[JsonObject]:
    """`sensorElementList`: a reading each, oldest first (EPCIS 2.0, section 7.3.7)."""
    return [
        {
            "sensorMetadata": {"time": local_time(reading.time)},
            "sensorReport": [
                {"type": "Temperature", "value": number(reading.celsius), "uom": "CEL"}
            ],
        }
        for reading in sorted(readings, key=lambda reading: reading.time)
    ]


def keep(
    record: Record,
    items: Sequence[Item],
    readings: Sequence[Reading] = (),
    *,
    biz_step: str = "storing",
) -> JsonObject:
    """Storing, cooling or just measuring."""
    parts = {"sensorElementList": sensor_elements(readings)} if readings else None
    return observed(record, biz_step, items, disposition="in_progress", parts=parts)


def put_on_sale(record: Record, items: Sequence[Item]) -> JsonObject:
    """The items are on sale at the record's location from now on."""
    return observed(record, "retail_selling", items, disposition="sellable_accessible")


def sell(record: Record, items: Sequence[Item]) -> JsonObject:
    """The items went to shoppers."""
    return observed(record, "retail_selling", items, disposition="retail_sold")


def destroy(record: Record, items: Sequence[Item], *, witness: str = "") -> JsonObject:
    """The items are no more."""
    parts = {"trace:witness": witness} if witness else None
    return observed(
        record, "destroying", items, action="DELETE", disposition="destroyed", parts=parts
    )


def divert(record: Record, items: Sequence[Item], use: str, *, witness: str = "") -> JsonObject:
    """The items are used for something else than food (`USES`): nobody sells them any more."""
    parts: JsonObject = {"trace:diversion": {"use": use}}
    if witness:
        parts["trace:witness"] = witness
    return observed(
        record,
        "decommissioning",
        items,
        action="DELETE",
        disposition="non_sellable_other",
        parts=parts,
    )
