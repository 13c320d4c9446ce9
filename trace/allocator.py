"""What the C library has freed goes back to the system once a minute.

glibc keeps freed blocks between ones still in use. A process that answers large requests in several
threads comes to hold half as much again as it uses, and more every hour: an hour of mixed load left
58 MB of such holes in a web process (docs/reports/soak.md). `malloc_trim` returns the whole pages
among them: some milliseconds, outside the interpreter's lock. Other C libraries have no such call
and keep none: there, nothing is done.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Final

EVERY: Final = 60.0  # seconds


def trim_always(every: float = EVERY) -> None:
    """Gives back what is free, again and again, in a thread that ends with the process."""
    trim = _malloc_trim()
    if trim is not None:
        threading.Thread(target=_again, args=(trim, every), name="allocator", daemon=True).start()


def _again(trim: Callable[[int], int], every: float) -> None:
    while True:
        time.sleep(every)
        trim(0)


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """malloc_trim(3); None where the C library has none."""
    try:
        found = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):
        return None
    found.argtypes, found.restype = [ctypes.c_size_t], ctypes.c_int
    call: Callable[[int], int] = found
    return call
