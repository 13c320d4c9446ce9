"""Pages of shoppers: the history behind a printed code, and the cards beside it."""

from trace.web.scan import (
    beacon,  # noqa: F401  # adds the address that counts
    linksets,  # noqa: F401  # offers pages of links to the resolver
    seen,  # noqa: F401  # adds the worker of pages seen before
    shortcut,  # noqa: F401  # opens the short way
)
from trace.web.scan.following import follow
from trace.web.scan.views import bp

__all__ = ["bp", "follow"]
