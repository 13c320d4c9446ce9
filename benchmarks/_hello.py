"""The floor of the resolver: a bare Flask application that says hello to every address."""

from __future__ import annotations

from flask import Flask

app = Flask(__name__, static_folder=None)


@app.get("/<path:rest>")
def hello(rest: str) -> str:
    return "hello"
