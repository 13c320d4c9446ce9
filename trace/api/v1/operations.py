"""All operations of our interface: each module declares its own when it is imported."""

from __future__ import annotations

from trace.api.v1 import desk, files, goods, handovers, masters, recalls
from trace.api.v1.door import OPERATIONS, bp

__all__ = ["OPERATIONS", "bp", "desk", "files", "goods", "handovers", "masters", "recalls"]
