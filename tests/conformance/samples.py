"""Events to capture: of GS1's demonstration prefix 952, each with a serial of its own run."""

from __future__ import annotations

import itertools
import uuid
from typing import Any, Final

from tests.conformance.client import Json

CONTEXT: Final = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
EXTENSION: Final = {"ex": "https://ns.example.com/epcis/"}
RUN: Final = uuid.uuid4().hex[:10]
_numbers = itertools.count(1)


def number() -> str:
    """A serial or lot that nobody had before."""
    return f"{RUN}{next(_numbers)}"


def check_digit(digits: str) -> str:
    """GS1's, for the digits before it."""
    return str(-sum(int(d) * (3, 1)[n % 2] for n, d in enumerate(reversed(digits))) % 10)


GTIN: Final = "0952123400001" + check_digit("0952123400001")
GLN: Final = "952123400001" + check_digit("952123400001")


def item(serial: str | None = None) -> str:
    """An instance as a Digital Link."""
    return f"https://id.gs1.org/01/{GTIN}/21/{serial or number()}"


def item_urn(serial: str) -> str:
    """The same instance as a URN."""
    return f"urn:epc:id:sgtin:9521234.000001.{serial}"


def lot(name: str | None = None) -> str:
    """A class with its lot, as a Digital Link."""
    return f"https://id.gs1.org/01/{GTIN}/10/{name or number()}"


def place(extension: str | None = None) -> str:
    """A physical place."""
    return f"https://id.gs1.org/414/{GLN}" + (f"/254/{extension}" if extension else "")


def party() -> str:
    """A party."""
    return f"https://id.gs1.org/417/{GLN}"


def event(kind: str = "ObjectEvent", **members: Any) -> Json:
    """One event; `members` widen or replace (None takes away). Members of the test's own vocabulary
    are written with two underscores: ex__note."""
    made = {
        "type": kind,
        "eventTime": "2024-05-06T07:08:09.000+07:00",
        "eventTimeZoneOffset": "+07:00",
        **_OF_TYPE[kind](),
        **{name.replace("__", ":"): value for name, value in members.items()},
    }
    return {name: value for name, value in made.items() if value is not None}


_OF_TYPE: Final[dict[str, Any]] = {
    "ObjectEvent": lambda: {"action": "OBSERVE", "epcList": [item()], "bizStep": "inspecting"},
    "AggregationEvent": lambda: {
        "action": "ADD",
        "parentID": item(),
        "childEPCs": [item()],
        "bizStep": "packing",
    },
    "TransactionEvent": lambda: {
        "action": "ADD",
        "epcList": [item()],
        "bizTransactionList": [
            {"type": "po", "bizTransaction": f"https://example.com/po/{number()}"}
        ],
    },
    "TransformationEvent": lambda: {
        "inputEPCList": [item()],
        "outputQuantityList": [{"epcClass": lot(), "quantity": 5, "uom": "KGM"}],
    },
    "AssociationEvent": lambda: {"action": "ADD", "parentID": item(), "childEPCs": [item()]},
}
TYPES: Final = tuple(_OF_TYPE)


def bare(made: Json) -> Json:
    """An event by itself, with its context."""
    return {"@context": [CONTEXT, EXTENSION], **made}


def document(*events: Json, kind: str = "EPCISDocument") -> Json:
    """A document of these events."""
    body: Json = {"eventList": list(events)}
    if kind == "EPCISQueryDocument":
        body = {"queryResults": {"queryName": "sample", "resultsBody": body}}
    return {
        "@context": [CONTEXT, EXTENSION],
        "type": kind,
        "schemaVersion": "2.0",
        "creationDate": "2024-05-06T07:08:09.000Z",
        "epcisBody": body,
    }
