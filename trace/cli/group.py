"""The command group, in a module of its own so that commands can hang themselves on it."""

from __future__ import annotations

from flask.cli import AppGroup

trace = AppGroup("trace", help="Everything about Trace that is done from a shell.")
