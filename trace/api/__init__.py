"""Interfaces for machines. Each blueprint states its access rule where it is registered, below."""

from __future__ import annotations

from flask import Flask

from trace.extensions import register


def register_interfaces(app: Flask) -> None:
    """Registers every blueprint of interfaces with the rule of who may call it."""
    from trace.api import epcis
    from trace.api.v1 import keys, operations, pages, sensors, statements, verify

    register(app, epcis.bp, "token")
    register(app, verify.bp, "anonymous")
    register(app, statements.bp, "token")
    register(app, keys.bp, "token")
    register(app, operations.bp, "token")
    register(app, pages.bp, "anonymous")
    # A device has a token of its own, which the views themselves look at.
    register(app, sensors.bp, "anonymous")
    # The page that shows the document is people's: it asks for it here.
    app.extensions["trace.openapi"] = pages.document
