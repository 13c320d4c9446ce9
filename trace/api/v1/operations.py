"""All operations of our interface: each module declares its own when it is imported."""

from __future__ import annotations

from trace.api.v1 import (
    answering,
    area,
    desk,
    devices,
    files,
    goods,
    handovers,
    lot_papers,
    masters,
    office,
    outward,
    product_links,
    recalls,
    registers,
    reports,
    signed,
    working,
)
from trace.api.v1.door import OPERATIONS, bp

MODULES = (
    *(answering, area, desk, devices, files, goods, handovers, lot_papers),
    *(masters, office, outward, product_links, recalls, registers, reports, signed, working),
)
__all__ = ["MODULES", "OPERATIONS", "bp"]
