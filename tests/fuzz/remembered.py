"""Which functions of core remember answers."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from trace import core


def remembering() -> dict[str, Any]:
    """Every function of core that remembers answers, by its module and name."""
    found = {}
    for module in pkgutil.walk_packages(core.__path__, "trace.core."):
        for name, value in vars(importlib.import_module(module.name)).items():
            if hasattr(value, "cache_clear") and value.__module__ == module.name:
                found[f"{module.name}.{name}"] = value
    return found
