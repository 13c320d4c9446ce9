"""Events as an EPCIS XML document, 2.0 or 1.2."""

from __future__ import annotations
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Literal
from trace.core.epcis.strict_json import JsonObject

Version = Literal["2.0", "1.2"]
Kind = Literal["document", "query", "event"]
MEDIA_TYPES: Final = ("application/xml", "text/xml")


def write_xml(
    events: Iterable[JsonObject],
    *,
    version: Version = "2.0",
    kind: Kind = "document",
    created: str = "",
) -> bytes:
    raise NotImplementedError


def write_exception(problem: Mapping[str, Any]) -> bytes:
    raise NotImplementedError
