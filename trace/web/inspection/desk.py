"""The pages of the desk, and who may open them."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from trace.web.inspection import authorities, copies, delegations, holds, home

DESKS: Final[tuple[tuple[Blueprint, str], ...]] = (
    (home.blueprint, "authority:read"),
    (authorities.blueprint, "authority:decide"),
    (delegations.blueprint, "authority:decide"),
    (holds.blueprint, "authority:decide"),
    (copies.blueprint, "authority:decide"),
)
