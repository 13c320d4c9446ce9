"""All targets: importing this module fills TARGETS."""

from __future__ import annotations

from tests.fuzz.target import TARGETS
from tests.fuzz.targets import gs1, signing, tlog

__all__ = ["TARGETS", "gs1", "signing", "tlog"]
