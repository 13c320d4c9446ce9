"""Pages of shoppers: the history behind a printed code, and the cards beside it."""

from trace.web.scan import (
    beacon,  # noqa: F401  # adds the address that counts
    shortcut,  # noqa: F401  # opens the short way
)
from trace.web.scan.views import bp

__all__ = ["bp"]
