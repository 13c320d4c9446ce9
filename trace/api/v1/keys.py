"""`/api/v1/keys`: the keyring of an organisation that signs its own key records.

`GET` answers the keys and what the next record must say; `POST {"jws": ["<JWS>", …]}` publishes a
record (`trace-key+jwt`) signed outside: by a valid own key and, where it brings a key in, by that
one. The token only says who sends; what counts is signed.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

import orjson
from flask import Blueprint, Response, g, request

from trace import clock
from trace.core.signing import TrustError, loads_strict
from trace.errors import TraceError
from trace.extensions import csrf, db, needs
from trace.services.actors import Actor
from trace.services.custody import list_keys
from trace.services.key_records import next_record, publish_signed

bp = Blueprint("api_keys", __name__, url_prefix="/api/v1")
csrf.exempt(bp)


class NotKeyRecords(TraceError):
    code = "not-key-records"
    message = 'Send the signed record as {"jws": ["<JWS>", …]}, one or two of them.'


@bp.get("/keys")
@needs("capture")
def get_keys() -> Response:
    """The organisation's keys, and what its next key record must say."""
    actor = cast("Actor", g.actor)
    found = [
        {
            "kid": key.kid,
            "custody": key.custody,
            "jwk": orjson.loads(key.jwk),
            "from": key.active_from,
            "until": key.revoked_from,
        }
        for key in list_keys(actor)
    ]
    return _answer({"keys": found, "next": asdict(next_record(actor))}, 200)


@bp.post("/keys")
@needs("capture")
def post_keys() -> Response:
    """201 with the record's log index: an own key added, rotated, or a key revoked."""
    done = publish_signed(cast("Actor", g.actor), _read(), at=clock.now())
    db.session.commit()
    return _answer(asdict(done), 201)


def _read() -> list[str]:
    try:
        body = loads_strict(request.get_data(), max_bytes=100_000, max_depth=3)
    except TrustError:
        raise NotKeyRecords from None
    texts = body.get("jws") if isinstance(body, dict) else None
    if (
        not isinstance(texts, list)
        or not 1 <= len(texts) <= 2
        or not all(isinstance(text, str) for text in texts)
    ):
        raise NotKeyRecords(path="/jws")
    return texts


def _answer(body: dict[str, Any], status: int) -> Response:
    return Response(
        orjson.dumps(body),
        status=status,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )
