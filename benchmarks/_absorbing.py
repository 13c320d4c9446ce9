"""The floor of counting scans: a Flask application of one route that reads the same requests and
answers them with 204."""

from __future__ import annotations

from flask import Flask, Response, request

app = Flask(__name__, static_folder=None)


@app.post("/t/<path:rest>")
def seen(rest: str) -> Response:  # the path is read, as ours is
    request.get_data()
    return Response(status=204)
