"""The floor of the scan page: a Flask application of one route that returns the same bytes and
headers, given by BENCH_ANSWER (a JSON file with `headers` and `body` in base64)."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

from flask import Flask, Response

app = Flask(__name__, static_folder=None)
_answer = json.loads(Path(os.environ["BENCH_ANSWER"]).read_text())
BODY = base64.b64decode(_answer["body"])
HEADERS = [(name, value) for name, value in _answer["headers"]]


@app.get("/t/<path:rest>")
def page(rest: str) -> Response:  # the path is read, as ours is
    return Response(BODY, headers=HEADERS)
