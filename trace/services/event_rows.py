"""One event as its row keeps it: opened as the public may see it, and its signature checked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import orjson

from trace.core.signing import JsonObject, PublicKey, unb64url
from trace.core.statements import (
    Opened,
    Statement,
    disclosures_of,
    kept_texts,
    open_statement,
    present,
    verify_signature,
)


@dataclass(frozen=True, slots=True)
class EventRow:
    """One event with its place in the log and the key that signed it."""

    id: int
    issuer_id: int
    jwt: str
    read_point: str | None
    biz_location: str | None
    private: str
    index: int | None
    entry: str | None
    kid: str
    jwk: str
    custody: str
    active_from: int | None
    revoked_from: int | None

    @property
    def counted(self) -> bool:
        """Whether the key was valid at the statement's place in the log (formats, section 5)."""
        return (
            self.index is not None
            and self.active_from is not None
            and self.active_from <= self.index
            and (self.revoked_from is None or self.index < self.revoked_from)
        )


def open_public(row: EventRow, disclosures: str) -> Opened:
    """The statement as the public may see it: what its issuer keeps private is left out. It is only
    read: others are given the same.

    Raises a TrustError for a row that is no statement any more.
    """
    return _opened(row.jwt, disclosures, row.private)


def open_checked(row: EventRow, disclosures: str, issuer: str) -> Opened:
    """The same, signed by the issuer with the key of its row. Raises a TrustError."""
    opened = _opened(row.jwt, disclosures, row.private)
    _check_signature(row.jwt, row.jwk, issuer)
    return opened


# Of the very same bytes the answer is the same: when one line joins a history of hundreds, only
# that one is opened and checked. About ten kilobytes each.
MAX_OPENED: Final = 1024


@lru_cache(maxsize=MAX_OPENED)
def _opened(jwt: str, disclosures: str, private: str) -> Opened:
    statement = Statement(jwt, disclosures_of(jwt, kept_texts(disclosures)))
    return open_statement(present(statement, with_event_id(statement, orjson.loads(private))))


@lru_cache(maxsize=MAX_OPENED)
def _check_signature(jwt: str, jwk: str, issuer: str) -> None:
    """Raises a TrustError, which is not remembered."""
    verify_signature(jwt, PublicKey.from_jwk(orjson.loads(jwk)), issuer=issuer)


def with_event_id(statement: Statement, withhold: Iterable[str]) -> set[str]:
    """The paths of `withhold` that the statement has, and its eventID where that is the hash of an
    event: it would let a reader test guesses about what it covers (formats, section 2)."""
    known = {disclosure.path for disclosure in statement.disclosures}
    found = known.intersection(withhold)
    if found and "eventID" in known - found:
        text = next(one.text for one in statement.disclosures if one.path == "eventID")
        if str(orjson.loads(unb64url(text))[-1]).startswith("ni:"):
            found.add("eventID")
    return found


def payload_of(jwt: str) -> JsonObject:
    """The signed payload, unchecked: our own row, verified before it is shown as signed."""
    payload: JsonObject = orjson.loads(unb64url(jwt.split(".", 2)[1]))
    return payload
