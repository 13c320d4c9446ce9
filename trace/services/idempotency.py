"""A request that is sent twice is carried out once (the Idempotency-Key header of our interface).

The key, what was asked and what was answered are one row, written in the transaction of the act.
The same key with another request is refused. Keys of the console's forms live in the same table
under other names, and are forgotten with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import orjson

from trace.errors import TraceError
from trace.extensions import db
from trace.models import IdempotencyKey
from trace.services.actors import Actor

KEY: Final = re.compile(r"[\x21-\x7e]{8,80}")


class KeyMissing(TraceError):
    code = "idempotency-key-missing"
    message = "Send an Idempotency-Key: 8 to 80 visible ASCII characters, new for each request."
    next_step = "Make a random UUID for each request, and send the same one when you repeat it."


class KeyReused(TraceError):
    code = "idempotency-key-reused"
    status = 422
    message = "This idempotency key was used before for a different request."
    next_step = "Use a new key for a new request."


@dataclass(frozen=True, slots=True)
class Kept:
    """An answer as it was given."""

    status: int
    headers: dict[str, str]
    body: Any


def check_key(text: str) -> str:
    """The key of a request. Raises KeyMissing."""
    if not KEY.fullmatch(text):
        raise KeyMissing
    return text


def find(actor: Actor, key: str, digest: bytes) -> Kept | None:
    """The answer this key was given before. Raises KeyReused for another request."""
    row = db.session.get(IdempotencyKey, (actor.organisation.id, f"api:{key}"))
    if row is None:
        return None
    if bytes(row.request_hash) != digest:
        raise KeyReused
    told = orjson.loads(row.response)
    return Kept(told["status"], told["headers"], told["body"])


def keep(actor: Actor, key: str, digest: bytes, answer: Kept, *, at: datetime) -> None:
    """Remembers an answer; the row is written with the caller's transaction."""
    told = {"status": answer.status, "headers": answer.headers, "body": answer.body}
    db.session.add(
        IdempotencyKey(
            organisation_id=actor.organisation.id,
            key=f"api:{key}",
            request_hash=digest,
            response=orjson.dumps(told).decode(),
            created_at=at,
        )
    )
    db.session.flush()
