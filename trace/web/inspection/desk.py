"""The pages of the desk, and who may open them."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from trace.web.inspection import copies, holds, home

DESKS: Final[tuple[tuple[Blueprint, str], ...]] = (
    (home.blueprint, "authority:read"),
    (holds.blueprint, "authority:decide"),
    (copies.blueprint, "authority:decide"),
)
