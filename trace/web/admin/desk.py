"""The desks of requests and of files of registration, and who may open which face of them."""

from __future__ import annotations

from typing import Final

from flask import Blueprint

# Importing them adds their pages.
from trace.web.admin import (
    accreditations,
    applications,
    audit,
    closings,
    erasing,  # noqa: F401
    home,
    jobs_aside,
    keys,
    organisations,
    prefixes,
    same_records,
    second_steps,
    settings,
    takedowns,  # noqa: F401
)
from trace.web.admin.requests import blueprint, own, reports

DESKS: Final[tuple[tuple[Blueprint, str], ...]] = (
    (blueprint, "platform:administer"),
    (own, "member:manage"),
    (reports, "authority:decide"),
    (applications.blueprint, "platform:administer"),
    (applications.local, "authority:decide"),
    (closings.blueprint, "platform:administer"),
    (home.blueprint, "platform:administer"),
    (organisations.blueprint, "platform:administer"),
    (organisations.local, "authority:decide"),
    (accreditations.blueprint, "platform:administer"),
    (prefixes.blueprint, "platform:administer"),
    (same_records.blueprint, "platform:administer"),
    (keys.blueprint, "platform:administer"),
    (jobs_aside.blueprint, "platform:administer"),
    (audit.blueprint, "platform:administer"),
    (audit.local, "authority:decide"),
    (settings.blueprint, "platform:administer"),
    (second_steps.blueprint, "platform:administer"),
)
