"""All targets: importing this module fills TARGETS."""

from __future__ import annotations

from tests.fuzz.target import TARGETS
from tests.fuzz.targets import epcis, gs1, outside, places, signing, statements, tlog

__all__ = ["TARGETS", "epcis", "gs1", "outside", "places", "signing", "statements", "tlog"]
