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
_EXPIRY: Final = struct.Struct(">q")
_FORM: Final = struct.Struct(">qqq")  # key, event row, events told so far
_NONCE: Final = 12
_LONGEST: Final = 4000  # an address of a place at most, sealed


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
    if place.position is None:
        raise AssertionError("the first page needs no token")
    told = _FORM.pack(*place.position, place.told)
    return _seal(actor, repr(query), told, at)


def open_token(actor: Actor, query: Query, token: str, *, at: datetime) -> Place:
    """The place a token of this caller and query stands for. Raises BadPageToken."""
    told = _open(actor, repr(query), token, at)
    try:
        key, event_id, count = _FORM.unpack(told)
    except struct.error as error:
        raise BadPageToken(path="nextPageToken") from error
    return Place(Position(key, event_id), count)


def seal_text(actor: Actor, purpose: str, text: str, *, at: datetime) -> tuple[str, datetime]:
    """The token of a list that is no list of events: behind which entry to go on."""
    return _seal(actor, purpose, text.encode(), at)


def open_text(actor: Actor, purpose: str, token: str, *, at: datetime) -> str:
    """The entry a token of this caller and list stands for. Raises BadPageToken."""
    return _open(actor, purpose, token, at).decode()


def _seal(actor: Actor, purpose: str, told: bytes, at: datetime) -> tuple[str, datetime]:
    expires = (at + LIFETIME).replace(microsecond=0)
    nonce = os.urandom(_NONCE)
    whole = _EXPIRY.pack(to_millis(expires)) + told
    sealed = AESGCM(_key()).encrypt(nonce, whole, _bound(actor, purpose))
    return b64url(nonce + sealed), expires


def _open(actor: Actor, purpose: str, token: str, at: datetime) -> bytes:
    try:
        raw = unb64url(token) if len(token) < _LONGEST else b""
        whole = AESGCM(_key()).decrypt(raw[:_NONCE], raw[_NONCE:], _bound(actor, purpose))
    except (InvalidTag, Unreadable, ValueError) as error:
        raise BadPageToken(path="nextPageToken") from error
    (expires,) = _EXPIRY.unpack(whole[: _EXPIRY.size])
    if from_millis(expires) <= at:
        raise BadPageToken(path="nextPageToken")
    return whole[_EXPIRY.size :]


def _key() -> bytes:
    secret = current_settings().secret_key.encode()
    return hmac.new(secret, b"trace-epcis-page/v1", sha256).digest()


def _bound(actor: Actor, purpose: str) -> bytes:
    return sha256(f"{actor.organisation.id}\n{purpose}".encode()).digest()
