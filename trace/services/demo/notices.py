"""Notices of the demo world: recall, hold, release. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from trace.services.records import Item, JsonObject, Record, observed

Kind = Literal["recall", "hold", "release"]
_STEPS: Final = {"recall": "recalling", "hold": "holding", "release": "inspecting"}
_DISPOSITIONS: Final = {"recall": "recalled", "hold": "non_sellable_other", "release": "available"}


def notice(
    record: Record,
    kind: Kind,
    items: Sequence[Item],
    *,
    hazard: str = "",
    reason: str = "",
    ends: Sequence[str] = (),
) -> JsonObject:
    """An event that carries a notice about the items.

    `ends` of a release are the eventIDs of the notices it ends: statement ids exist only once
    those have been captured, and the loader puts them in.
    """
    members: JsonObject = {"kind": kind, "hazard": hazard, "reason": reason, "ends": list(ends)}
    members = {name: value for name, value in members.items() if value}
    return observed(
        record,
        _STEPS[kind],
        items,
        disposition=_DISPOSITIONS[kind],
        parts={"trace:notice": members},
    )
