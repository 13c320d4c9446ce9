"""Names of our cookies.

Over https they bear the prefix that browsers take only from this very host, encrypted and for all
of it (RFC 6265bis, 4.1.3.2): no other host of the domain and no page that came in the clear can
plant one. Without https (a trial in one's own network) there is no such promise to ask for.
"""

from __future__ import annotations

from flask import Flask, current_app

HOST_ONLY = "__Host-"


def named(app: Flask, name: str) -> str:
    """The name that a cookie has in this application."""
    return f"{HOST_ONLY}{name}" if app.config["SESSION_COOKIE_SECURE"] else name


def cookie_name(name: str) -> str:
    """The same of the application that answers."""
    return named(current_app, name)
