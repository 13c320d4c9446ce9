"""The command line: `flask --app wsgi trace …`."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

# Each module hangs its commands on the group when imported.
MODULES = (
    "core",
    "log",
    "monitor",
    "pages",
    "witness",
    "keys",
    "erase",
    "export",
    "files",
    "requests",
    "retention",
    "jobs",
    "audit",
    "people",
    "tokens",
    "demo",
    "backup",
    "doctor",
    "verify",
)


def register_commands(app: Flask) -> None:
    """Adds the group `trace` to the application's command line."""
    from trace.cli.group import trace

    for name in MODULES:
        import_module(f"trace.cli.{name}")
    app.cli.add_command(trace)
