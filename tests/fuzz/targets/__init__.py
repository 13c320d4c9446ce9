"""All targets: importing this module fills TARGETS."""

from __future__ import annotations

from tests.fuzz.target import TARGETS
from tests.fuzz.targets import (
    bundles,
    epcis,
    gs1,
    outside,
    places,
    questions,
    signing,
    statements,
    tlog,
)

__all__ = [
    "TARGETS",
    "bundles",
    "epcis",
    "gs1",
    "outside",
    "places",
    "questions",
    "signing",
    "statements",
    "tlog",
]
