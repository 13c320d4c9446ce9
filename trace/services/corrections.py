"""Corrections: the EPCIS error declaration, with or without the event that stands instead.

The declaration repeats the original event with its eventID (EPCIS 2.0, section 7.4.1.3) and names
by `trace:corrects` the statement it is about. Only the original's issuer may make one. Pure
builders.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from trace.services.records import JsonObject, local_time
from trace.services.vocabulary import context

REASONS: Final = {
    "incorrect_data": "Ghi sai",
    "did_not_occur": "Việc này không xảy ra",
}
# A second declaration replaces these; the signature adds `trace:members` itself.
_NOT_REPEATED: Final = ("recordTime", "errorDeclaration", "trace:corrects", "trace:members")


def declare_error(
    original: JsonObject,
    statement_id: str,
    *,
    id_base: str,
    at: datetime,
    reason: str,
    corrective: Sequence[str] = (),
) -> JsonObject:
    """The original event, declared to be in error. Without corrective events it is void."""
    declaration: JsonObject = {"declarationTime": local_time(at), "reason": reason}
    if corrective:
        declaration["correctiveEventIDs"] = list(corrective)
    kept = {name: value for name, value in original.items() if name not in _NOT_REPEATED}
    return {
        **kept,
        "@context": original.get("@context", context(id_base)),
        "errorDeclaration": declaration,
        "trace:corrects": statement_id,
    }
