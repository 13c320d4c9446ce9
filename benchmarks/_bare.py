"""The floor of the scan page: a Flask application of one route that returns the same bytes and
headers, given by BENCH_ANSWER (a JSON file with `headers`, `known` (those of the 304) and `body` in
base64), and 304 to whoever sends the same If-None-Match."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from flask import Flask, Response, request

app = Flask(__name__, static_folder=None)
_answer = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
BODY = base64.b64decode(_answer["body"])
HEADERS = [(name, value) for name, value in _answer["headers"]]
KNOWN = [(name, value) for name, value in _answer["known"]]
ETAG = dict(HEADERS)["ETag"]


@app.get("/t/<path:rest>")
def page(rest: str) -> Response:  # the path is read, as ours is
    if request.headers.get("If-None-Match") == ETAG:
        return Response(status=304, headers=KNOWN)
    return Response(BODY, headers=HEADERS)
