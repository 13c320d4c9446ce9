"""Which disclosures a bundle carries: those behind what the audience's page shows, no more.

The public sees what issuers let it see; beyond that no name of a person (households stand as
registered codes), no picture that is not public, no place whose owner keeps it private. An
organisation sees its own statements whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from trace.core.signing import JsonObject, TrustError
from trace.core.statements import (
    Opened,
    Statement,
    disclosures_of,
    kept_texts,
    open_statement,
    present,
)
from trace.errors import TraceError
from trace.services.bundles_reading import PublicWords, StatementRow
from trace.services.event_rows import with_event_id
from trace.services.histories import canonical

ATTACHMENTS = "trace:attachments"
PERFORMER = "trace:performedBy"


class StatementBroken(TraceError):
    """A stored row is no statement any more: nothing can be proved with it."""

    code = "statement-broken"
    status = 503
    message = "The stored statement %(statement)s is damaged: %(reason)s."
    next_step = "Restore it from a backup; the log tells which bytes it had."


def show(
    row: StatementRow, words: PublicWords, *, id_base: str, viewer: int | None
) -> tuple[str, Opened]:
    """(the statement as `<jwt>~<disclosure>~…`, the same opened) for the organisation `viewer`, or
    for the public. Raises StatementBroken."""
    try:
        statement = Statement(row.jwt, disclosures_of(row.jwt, kept_texts(row.disclosures)))
        withhold: set[str] = set()
        if viewer is None or viewer != row.issuer_id:
            private = {*orjson.loads(row.private), *_unfit(statement, row, words, id_base)}
            withhold = with_event_id(statement, private)
        sdjwt = present(statement, withhold)
        return sdjwt, open_statement(sdjwt)
    except TrustError as error:
        raise StatementBroken(statement=row.statement, reason=error.detail) from error


def _unfit(
    statement: Statement, row: StatementRow, words: PublicWords, id_base: str
) -> Iterator[str]:
    """Paths of members that issuers do not keep private and pages leave out all the same."""
    event = open_statement(present(statement)).event
    if PERFORMER in event and not _is_household(event[PERFORMER], row.issuer_id, words):
        yield PERFORMER
    for member in ("readPoint", "bizLocation"):
        value = event.get(member)
        place = value.get("id") if isinstance(value, dict) else None
        if isinstance(place, str) and canonical(place, id_base) in words.hidden_places:
            yield member
    if not all(digest in words.pictures for digest in attached(event)):
        yield ATTACHMENTS


def _is_household(said: Any, issuer_id: int, words: PublicWords) -> bool:
    if isinstance(said, dict):
        said = said.get("code") or said.get("id")
    if not isinstance(said, str):
        return False
    code = said.rpartition("#")[2].rpartition("/")[2]
    return (issuer_id, code) in words.households


def attached(event: JsonObject) -> list[str]:
    """Digests of the files a statement names."""
    value = event.get(ATTACHMENTS)
    elements = value if isinstance(value, list) else [value]
    return [
        one["digest"]
        for one in elements
        if isinstance(one, dict) and isinstance(one.get("digest"), str)
    ]
