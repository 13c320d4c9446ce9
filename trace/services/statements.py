"""Statements that come in signed: by a key that the organisation holds itself (custody `own`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import orjson

from trace.core.signing import PublicKey
from trace.core.statements import open_statement
from trace.errors import Refused, TraceError
from trace.services.actors import Actor
from trace.services.capture import Captured, capture_statements
from trace.services.custody import valid_keys
from trace.services.keys import NamedKey

MOST: Final = 1_000


class NotStatements(TraceError):
    code = "not-statements"
    message = 'Send 1 to %(most)d statements as {"statements": ["<SD-JWT>", …]}.'


class NotOwnKey(TraceError):
    code = "not-own-key"
    status = 403
    message = "%(kid)s is no valid key that the organisation holds itself."
    next_step = "Register the key on the page of keys, or send events for the server to sign."


class SeveralKeys(TraceError):
    code = "several-keys"
    message = "The statements of one request are signed with one key."


def upload_statements(
    actor: Actor,
    texts: Sequence[str],
    *,
    at: datetime,
    idempotency_key: str = "",
    paths: Sequence[str] | None = None,
) -> Captured:
    """Records complete SD-JWT statements signed with one own key, as they are.

    Raises NotStatements, NotOwnKey, SeveralKeys, and what `capture_statements` raises.
    """
    actor.check("record")
    if not 1 <= len(texts) <= MOST:
        raise NotStatements(most=MOST)
    where = paths or [f"/statements/{number}" for number in range(len(texts))]
    kids, errors = [], []
    for text, path in zip(texts, where, strict=True):
        try:
            kids.append(open_statement(text).kid)
        except TraceError as error:
            errors.append(error.at(path))
    if errors:
        raise errors[0] if len(errors) == 1 else Refused(errors)
    if len(set(kids)) > 1:
        raise SeveralKeys
    key = next((k for k in valid_keys(actor.organisation.id, "own") if k.kid == kids[0]), None)
    if key is None:
        raise NotOwnKey(path=where[0], kid=kids[0])
    return capture_statements(
        actor,
        texts,
        NamedKey(key.id, key.kid),
        PublicKey.from_jwk(orjson.loads(key.jwk)),
        at=at,
        idempotency_key=idempotency_key,
        paths=where,
    )
