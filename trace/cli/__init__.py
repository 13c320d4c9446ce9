"""The command line: `flask --app wsgi trace …`."""

from __future__ import annotations

from flask import Flask
from flask.cli import AppGroup

trace = AppGroup("trace", help="Everything about Trace that is done from a shell.")


def register_commands(app: Flask) -> None:
    """Adds the group `trace` to the application's command line."""
    app.cli.add_command(trace)
