"""Which members of an event the public does not see, unless its issuer decides otherwise.

The default of whoever states nothing (formats, sections 2 and 9). Private are: parties other than
the issuer itself (who trades with whom), business documents, who typed the entry, positions,
prices, phone numbers and what else names a person. Everything else is public: a rule that hides by
default would make every page empty.
Of an authority's inspection everything is private but its conclusion (`is_open_case`).
An `eventID` that is the hash of the event is private wherever anything it covers is private:
the hash would let a reader test guesses about what is withheld (formats, section 2).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from trace.core.remembering import remembered
from trace.core.signing import JsonObject
from trace.core.statements.build import CORE, SPLIT_FROM, SPLIT_TO, escape

# Whole members, by name.
PRIVATE_MEMBERS: Final = frozenset(
    {
        *("bizTransactionList", "trace:recordedBy", "trace:shares", "trace:market"),
        *("trace:witness", "trace:inspected", "trace:finding", "trace:sample", "trace:checkList"),
    }
)
# Lists of {type, party} and the name of the party inside an element.
PARTY_LISTS: Final = {"sourceList": "source", "destinationList": "destination"}
# A place may be named; where exactly it lies is its owner's affair.
PLACE_MEMBERS: Final = ("readPoint", "bizLocation")
_NEVER_HIDDEN: Final = frozenset({*CORE, "@context", "recordTime"})
# Words that mark a member of anybody's vocabulary as nobody else's business.
PRIVATE_WORDS: Final = (
    "price",
    "cost",
    "amountpaid",
    "latitude",
    "longitude",
    "geolocation",
    "position",
    "coordinates",
    "phone",
    "email",
)


def private_members(event: JsonObject, issuer: Collection[str] = ()) -> tuple[str, ...]:
    """Paths of the members of `event` that are private by default, in the event's order.

    `issuer` holds every URI that means the issuing organisation or one of its places; a party
    among them is public, since the page names the issuer anyway. Paths are those of
    `core.statements`: lists of 2 to 32 elements element by element, others whole.
    """
    if is_open_case(event):
        return tuple(escape(name) for name in event if name not in _NEVER_HIDDEN)
    found = [
        path
        for name, value in event.items()
        if _may_be_private(name)
        for path in _of_member(name, value, issuer)
    ]
    if found and _is_hash(event.get("eventID")):
        found.append("eventID")
    return tuple(found)


def is_open_case(event: JsonObject) -> bool:
    """Whether an event is of an authority's inspection and not its conclusion: then nothing of it
    is for the public, not even what it is about."""
    case = event.get("trace:inspection")
    return isinstance(case, dict) and case.get("part") != "conclusion"


@remembered(4096)
def _may_be_private(name: str) -> bool:
    """False for members that are public whatever they hold: nearly all."""
    return (
        name in PRIVATE_MEMBERS
        or name in PARTY_LISTS
        or name in PLACE_MEMBERS
        or name in ("ilmd", "sensorElementList")
        or _sounds_private(name)
    )


def _of_member(name: str, value: Any, issuer: Collection[str]) -> Iterator[str]:
    if name in PRIVATE_MEMBERS or _sounds_private(name):
        yield escape(name)
    elif name in PARTY_LISTS and isinstance(value, list):
        yield from _other_parties(name, value, issuer)
    elif name in PLACE_MEMBERS and isinstance(value, dict):
        if str(value.get("id", "")).lower().startswith("geo:"):
            yield name
    elif name == "ilmd" and isinstance(value, dict):
        for inner in value:
            if _sounds_private(inner):
                yield f"ilmd/{escape(inner)}"
    elif name == "sensorElementList" and isinstance(value, list) and _holds_position(value):
        yield name


def _other_parties(name: str, values: list[Any], issuer: Collection[str]) -> Iterator[str]:
    inner = PARTY_LISTS[name]
    others = [
        place
        for place, value in enumerate(values)
        if not (isinstance(value, dict) and value.get(inner) in issuer)
    ]
    if not others:
        return
    if SPLIT_FROM <= len(values) <= SPLIT_TO and len(others) < len(values):
        yield from (f"{name}/{place}" for place in others)
    else:
        yield name


@remembered(4096)
def _sounds_private(name: str) -> bool:
    bare = name.rpartition(":")[2].rpartition("/")[2].replace("_", "").replace("-", "").lower()
    return any(word in bare for word in PRIVATE_WORDS)


def _holds_position(elements: list[Any]) -> bool:
    """Whether a reading of these sensors says where they were."""
    for element in elements:
        reports = element.get("sensorReport", []) if isinstance(element, dict) else []
        for report in reports if isinstance(reports, list) else []:
            if not isinstance(report, dict):
                continue
            if "coordinateReferenceSystem" in report or str(report.get("component", "")).endswith(
                ("latitude", "longitude", "easting", "northing")
            ):
                return True
    return False


def _is_hash(event_id: Any) -> bool:
    return isinstance(event_id, str) and event_id.startswith("ni:")
