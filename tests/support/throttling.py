"""Limits on what comes from one address: tests run without, unless they are about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask

from trace.extensions import limiter


@contextmanager
def counting(application: Flask) -> Iterator[None]:
    """Requests are counted as in production. For an application that answered none yet."""
    application.config["RATELIMIT_ENABLED"] = True
    limiter.enabled = True
    limiter.init_app(application)
    try:
        yield
    finally:
        limiter.reset()
        limiter.enabled = False
