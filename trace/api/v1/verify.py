"""`POST /api/v1/verify`: a bundle in the body, the report of its verification as JSON.

By the policy that this log's operator gives out at /log/policy. Who does not want to trust the
operator takes trace-verify.pyz and a policy of his own; the answer here is a convenience.
"""

from __future__ import annotations

import orjson
from flask import Blueprint, Response, request

from trace import clock
from trace.core.signing import TrustError
from trace.core.verify import verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.core.verify.telling import refusal_json, report_json
from trace.extensions import csrf, limiter
from trace.services.witnessing import read_policy_text

bp = Blueprint("api_verify", __name__, url_prefix="/api/v1")
csrf.exempt(bp)
# A bundle of 20 MB keeps a processor busy for seconds.
LIMIT = "30 per minute"


@bp.after_request
def readable_elsewhere(response: Response) -> Response:
    """Pages served by others may ask too: nothing here depends on who asks."""
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/verify")
@limiter.limit(LIMIT)
def verify() -> Response:
    """200 with the report of a bundle that passes; 422 with the step, the code, and what was
    expected and found of one that does not."""
    policy = read_policy(read_policy_text().encode())
    try:
        report = verify_bundle(request.get_data(), policy, clock.now())
    except TrustError as error:
        body = {
            "type": f"urn:trace:error:{error.code}",
            "title": "The bundle is not valid.",
            "status": 422,
            **refusal_json(error),
        }
        return Response(orjson.dumps(body), status=422, content_type="application/problem+json")
    return Response(orjson.dumps(report_json(report)), content_type="application/json")
