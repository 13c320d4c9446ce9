"""All operations of our interface: each module declares its own when it is imported."""

from __future__ import annotations

from trace.api.v1 import files, goods, handovers, masters
from trace.api.v1.door import OPERATIONS, bp

__all__ = ["OPERATIONS", "bp", "files", "goods", "handovers", "masters"]
