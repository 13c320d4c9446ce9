"""The settings of the running application, for services."""

from __future__ import annotations

from typing import cast

from flask import current_app

from trace.config import Settings


def current_settings() -> Settings:
    """The frozen settings this application was made with."""
    return cast("Settings", current_app.extensions["trace.settings"])
