"""All operations of our interface: each module declares its own when it is imported."""

from __future__ import annotations

from trace.api.v1 import (
    desk,
    devices,
    files,
    goods,
    handovers,
    lot_papers,
    masters,
    product_links,
    recalls,
    reports,
    signed,
    working,
)
from trace.api.v1.door import OPERATIONS, bp

MODULES = (
    *(desk, devices, files, goods, handovers, lot_papers),
    *(masters, product_links, recalls, reports, signed, working),
)
__all__ = ["MODULES", "OPERATIONS", "bp"]
