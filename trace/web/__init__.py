"""Pages by audience. Each blueprint states its access rule where it is registered, below."""

from __future__ import annotations

from flask import Flask


def register_pages(app: Flask) -> None:
    """Registers every blueprint of pages with the rule of who may open it."""
