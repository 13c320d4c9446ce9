"""Python's cycle collector, put to rest over large work."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def collector_resting() -> Iterator[None]:
    """For work whose objects are bounded, hold no cycles and live to its end: the collector would
    walk all of them again and again and free nothing."""
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
