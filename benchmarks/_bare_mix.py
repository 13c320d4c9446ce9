"""The floor of the load: a Flask application that answers what phones ask with as little as can be:
the redirect, one page of the same bytes and headers (304 for who has it), 204 for the beacon."""

from __future__ import annotations

from flask import Response, redirect, request
from werkzeug.wrappers import Response as Answer

from benchmarks._bare import app


@app.post("/t/<path:rest>")
def seen(rest: str) -> Response:
    request.get_data()
    return Response(status=204)


@app.get("/<path:rest>")
def printed(rest: str) -> Answer:
    return redirect(f"/t/{rest}", 307)
