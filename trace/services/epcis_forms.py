"""How the addresses in events are written for whom they are sent to (GS1-EPC-Format).

What is signed keeps what was recorded: this changes copies on their way out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from trace.core.epcis import JsonObject
from trace.core.epcis.query_format import company_digits, digital_link_of, epc_urn_of, translated
from trace.core.gs1 import Gs1Error, parse_identity
from trace.services.epcis_resources import company_prefixes
from trace.services.settings import current_settings

DEFAULT: Final = "Always_GS1_Digital_Link"
FORMS: Final = (DEFAULT, "Always_EPC_URN", "No_Preference", "Never_Translates")


def written(events: list[JsonObject], wanted: str) -> list[JsonObject]:
    """The events with their addresses in one of FORMS."""
    change = changing([uri for event in events for uri in _addresses(event)], wanted)
    return events if change is None else [translated(event, change) for event in events]


def changing(uris: Sequence[str], wanted: str) -> Callable[[str], str] | None:
    """How each of these addresses is written in one of FORMS; None: as it stands."""
    id_base = current_settings().id_base
    if wanted == "Always_GS1_Digital_Link":
        return lambda uri: digital_link_of(uri, id_base)
    if wanted != "Always_EPC_URN":
        return None
    digits = []
    for uri in uris:
        try:
            identity = parse_identity(uri, id_base)
        except Gs1Error:
            continue
        if identity is not None:
            digits.append(company_digits(identity))
    prefixes = company_prefixes(digits)
    return lambda uri: epc_urn_of(uri, id_base, prefixes)


def _addresses(event: JsonObject) -> list[str]:
    found: list[str] = []

    def note(uri: str) -> str:
        found.append(uri)
        return uri

    translated(event, note)
    return found
