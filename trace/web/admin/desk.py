"""The desk of requests with all its pages, and who may open which face of it."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

# Importing them adds their pages.
from trace.web.admin import erasing, takedowns  # noqa: F401
from trace.web.admin.requests import blueprint, own, reports

DESKS: Final[tuple[tuple[Blueprint, str], ...]] = (
    (blueprint, "platform:administer"),
    (own, "member:manage"),
    (reports, "authority:decide"),
)
