"""`POST /api/v1/statements`: statements signed outside, with a key the organisation holds itself.

The body is `{"statements": ["<jwt>~<disclosure>~…~", …]}`, or one statement alone as
`application/vc+sd-jwt`. All are recorded, or none. `Idempotency-Key` makes a repeat safe.
"""

from __future__ import annotations

from typing import cast

import orjson
from flask import Blueprint, Response, g, request

from trace import clock
from trace.core.signing import TrustError, loads_strict
from trace.extensions import csrf, db, needs
from trace.services.actors import Actor
from trace.services.statements import MOST, NotStatements, upload_statements

bp = Blueprint("api_statements", __name__, url_prefix="/api/v1")
csrf.exempt(bp)
SINGLE = "application/vc+sd-jwt"


@bp.post("/statements")
@needs("capture")
def post_statements() -> Response:
    """201 with each statement's id, eventID and log index, in the order sent."""
    texts, paths = _read()
    done = upload_statements(
        cast("Actor", g.actor),
        texts,
        at=clock.now(),
        idempotency_key=request.headers.get("Idempotency-Key", "")[:100],
        paths=paths,
    )
    db.session.commit()
    body = {
        "statements": [
            {"id": one.statement_id, "eventID": one.event_key, "index": one.index}
            for one in done.events
        ]
    }
    return Response(
        orjson.dumps(body),
        status=200 if done.repeated else 201,
        content_type="application/json",
        headers={"Cache-Control": "no-store"},
    )


def _read() -> tuple[list[str], list[str] | None]:
    """The statements of the body and where each stood. Raises NotStatements."""
    data = request.get_data()
    if request.mimetype == SINGLE:
        return [data.decode("utf-8", "replace").strip()], [""]
    try:
        body = loads_strict(data, max_depth=4)
    except TrustError:
        raise NotStatements(most=MOST) from None
    texts = body.get("statements") if isinstance(body, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise NotStatements(most=MOST, path="/statements")
    return texts, None
