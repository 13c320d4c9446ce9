"""Page tokens: where a walk stands, sealed for one caller and one query, for one day.

AES-256-GCM under a key derived from the application's secret, with caller and query as associated
data: a token tells nothing (row numbers would tell how much others record), and opens nothing for
anybody else or for another question. There is no state to throw away.
"""

from __future__ import annotations

import hmac
import os
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trace.core.epcis.query import Query
from trace.core.signing import Unreadable, b64url, unb64url
from trace.errors import TraceError
from trace.models.types import from_millis, to_millis
from trace.services.actors import Actor
from trace.services.epcis_queries_walk import Position
from trace.services.settings import current_settings

LIFETIME: Final = timedelta(days=1)
_FORM: Final = struct.Struct(">qqqq")  # expiry, key, event row, events told so far
_NONCE: Final = 12


class BadPageToken(TraceError):
    code = "page-token"
    message = "This nextPageToken is not one of this query's and this caller's, or has expired."
    next_step = "Ask the query again from its first page."
    exception = "QueryParameterException"


@dataclass(frozen=True, slots=True)
class Place:
    """Behind which event to go on, and how many were told before."""

    position: Position | None
    told: int


def seal_token(actor: Actor, query: Query, place: Place, *, at: datetime) -> tuple[str, datetime]:
    """The token for a place, and until when it holds."""
    expires = (at + LIFETIME).replace(microsecond=0)
    if place.position is None:
        raise AssertionError("the first page needs no token")
    told = _FORM.pack(to_millis(expires), *place.position, place.told)
    nonce = os.urandom(_NONCE)
    return b64url(nonce + AESGCM(_key()).encrypt(nonce, told, _bound(actor, query))), expires


def open_token(actor: Actor, query: Query, token: str, *, at: datetime) -> Place:
    """The place a token of this caller and query stands for. Raises BadPageToken."""
    try:
        raw = unb64url(token) if len(token) < 200 else b""
        told = AESGCM(_key()).decrypt(raw[:_NONCE], raw[_NONCE:], _bound(actor, query))
        expires, key, event_id, count = _FORM.unpack(told)
    except (InvalidTag, Unreadable, ValueError, struct.error) as error:
        raise BadPageToken(path="nextPageToken") from error
    if from_millis(expires) <= at:
        raise BadPageToken(path="nextPageToken")
    return Place(Position(key, event_id), count)


def _key() -> bytes:
    secret = current_settings().secret_key.encode()
    return hmac.new(secret, b"trace-epcis-page/v1", sha256).digest()


def _bound(actor: Actor, query: Query) -> bytes:
    return sha256(f"{actor.organisation.id}\n{query!r}".encode()).digest()
