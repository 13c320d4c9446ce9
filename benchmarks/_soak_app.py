"""The product as gunicorn and the worker load it, with one thread more that tells every ten seconds
what its process holds: blocks of Python's memory, what malloc has from the system and what of it is
in use, what its bounded memories hold. `benchmarks.soak` reads it; nothing else is changed.

With SOAK_TRACEMALLOC=1 it also tells what grew between the fifth minute and every tenth after it.
"""

from __future__ import annotations

import ctypes
import functools
import gc
import json
import os
import sys
import threading
import time
import tracemalloc
from pathlib import Path
from typing import Any, Final

from trace.services import bundles, untp
from trace.web.scan import views
from wsgi import app

EVERY: Final = 10.0
FOLDER: Final = Path(os.environ["SOAK_FOLDER"])
TRACED: Final = bool(os.environ.get("SOAK_TRACEMALLOC"))


class Mallinfo(ctypes.Structure):
    """mallinfo2(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            *("arena", "ordblks", "smblks", "hblks", "hblkhd"),
            *("usmblks", "fsmblks", "uordblks", "fordblks", "keepcost"),
        )
    ]


def _malloc() -> dict[str, int]:
    """Bytes from the system (`system`), in use, and free within."""
    try:
        asked = ctypes.CDLL(None).mallinfo2
    except (AttributeError, OSError):
        return {}
    asked.restype = Mallinfo
    told = asked()
    return {
        "system": told.arena + told.hblkhd,
        "used": told.uordblks + told.hblkhd,
        "free": told.fordblks,
    }


def _caches() -> dict[str, int]:
    """Bytes, or entries, of what is remembered within bounds."""
    found: dict[str, int] = {}
    memory: Any = app.extensions.get("trace.scan")
    if memory is not None:
        for name in getattr(type(memory), "__slots__", None) or vars(memory):
            one: Any = getattr(memory, name, None)
            size = getattr(one, "_bytes", None)
            if isinstance(size, int):
                found[f"pages: {name}, bytes"] = size
            elif hasattr(one, "__len__"):
                found[f"pages: {name}"] = len(one)
    kept: Any = app.extensions.get("trace.bundles")
    found["bundles, bytes"] = int(kept.currsize) if kept is not None else 0
    for one in _remembering():
        told = one.cache_info()
        name = "answers remembered by functions"
        found[name] = found.get(name, 0) + told.currsize
        # Without a bound: one answer for each of a few arguments, or a leak.
        if told.maxsize is None:
            found["unbounded"] = found.get("unbounded", 0) + told.currsize
    return found


@functools.cache
def _remembering() -> list[Any]:
    """The functions of ours that remember answers."""
    found = {
        id(one): one
        for name, module in list(sys.modules.items())
        if name.startswith("trace.") and module is not None
        for one in list(vars(module).values())
        if isinstance(one, functools._lru_cache_wrapper)
    }
    return list(found.values())


def _tell() -> None:
    path = FOLDER / f"inside-{os.getpid()}.jsonl"
    first, begun, number = None, time.monotonic(), 0
    if TRACED:
        tracemalloc.start(8)
    while True:
        told = {
            "at": time.time(),
            "blocks": sys.getallocatedblocks(),
            "collections": [one["collections"] for one in gc.get_stats()],
            "malloc": _malloc(),
            "caches": _caches(),
            "functions": {
                f"{one.__module__}.{one.__name__}": one.cache_info().currsize
                for one in _remembering()
            },
            "threads": threading.active_count(),
            "switch": sys.getswitchinterval(),
        }
        with path.open("a") as file:
            file.write(json.dumps(told) + "\n")
        if TRACED:
            minute = (time.monotonic() - begun) / 60
            if first is None and minute > 2:
                gc.collect()
                first = tracemalloc.take_snapshot()
            elif first is not None and minute > 2 + 4 * (number + 1):
                number += 1
                gc.collect()
                now = tracemalloc.take_snapshot()
                lines = [str(one) for one in now.compare_to(first, "lineno")[:40]]
                for one in now.compare_to(first, "traceback")[:12]:
                    lines += ["", str(one), *one.traceback.format()]
                (FOLDER / f"grown-{os.getpid()}-{number}.txt").write_text("\n".join(lines))
        time.sleep(EVERY)


threading.Thread(target=_tell, name="soak", daemon=True).start()

__all__ = ["app", "bundles", "untp", "views"]
