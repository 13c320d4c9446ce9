"""The floor of the load: a Flask application that answers what phones ask with as little as can be:
the redirect with the headers of ours (`way` in BENCH_ANSWER), one page of the same bytes and
headers (304 for who has it), 204 for the beacon."""

from __future__ import annotations

import json
import os
from pathlib import Path

from flask import Response, request

from benchmarks._bare import app

WAY = [
    (name, value) for name, value in json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())["way"]
]


@app.post("/t/<path:rest>")
def seen(rest: str) -> Response:
    request.get_data()
    return Response(status=204)


@app.get("/<path:rest>")
def printed(rest: str) -> Response:
    return Response(status=307, headers=WAY)
