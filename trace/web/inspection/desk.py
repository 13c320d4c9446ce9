"""The pages of the desk, and who may open them."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

from trace.web.inspection import (
    audits,
    authorities,
    board,
    chain,
    checks,
    copies,
    delegations,
    directives,
    findings,
    holds,
    home,
    inspections,
    papers,
    queue,
    readings,
    recalls,
    reports,
    samples,
    statistics,
)

DESKS: Final[tuple[tuple[Blueprint, str], ...]] = (
    (home.blueprint, "authority:read"),
    (authorities.blueprint, "authority:decide"),
    (delegations.blueprint, "authority:decide"),
    (chain.blueprint, "authority:inspect"),
    (audits.blueprint, "authority:inspect"),
    (checks.blueprint, "authority:inspect"),
    (holds.blueprint, "authority:decide"),
    (copies.blueprint, "authority:decide"),
    (recalls.blueprint, "authority:inspect"),
    (board.blueprint, "authority:inspect"),
    (directives.blueprint, "authority:inspect"),
    (statistics.blueprint, "authority:inspect"),
    (reports.blueprint, "authority:inspect"),
    (queue.blueprint, "authority:inspect"),
    (queue.lists, "authority:inspect"),
    (inspections.blueprint, "authority:inspect"),
    (findings.blueprint, "authority:inspect"),
    (samples.blueprint, "authority:inspect"),
    (papers.blueprint, "authority:inspect"),
    (readings.blueprint, "authority:inspect"),
)
