"""What every answer of a printed address carries, and the way from it to its page."""

from __future__ import annotations

import re
from typing import Final

from trace.core.gs1 import parse_path

METHODS: Final = ("GET", "HEAD", "OPTIONS")
LINKSET_TYPE: Final = "application/linkset+json"
# R3: other sites' scripts may ask, and read where they are sent.
FOR_EVERYONE: Final = (
    ("Access-Control-Allow-Origin", "*"),
    ("Access-Control-Expose-Headers", "Link, Location, Content-Language"),
    ("Access-Control-Allow-Methods", ", ".join(METHODS)),
    ("Access-Control-Allow-Headers", "Accept, Accept-Language"),
    ("Vary", "Accept, Accept-Language"),
)
# Unless an answer says otherwise.
ASKED_ANEW: Final = ("Cache-Control", "no-cache")


# What of a query belongs to the address itself: names of digits only (URI Syntax, section 4.9).
_ATTRIBUTE: Final = re.compile(r"[0-9]+=[^&;]*")


def check_query(path: str, query: str) -> None:
    """R6: attributes of the address are part of its syntax. Names that are not all digits are
    somebody else's, whatever is in them. Raises a Gs1Error."""
    found = [one for one in re.split("[&;]", query) if _ATTRIBUTE.fullmatch(one)]
    if found:
        parse_path(f"{path}?{'&'.join(found)}")


def way_to(target: str, path: str, public_url: str) -> tuple[tuple[str, str], ...]:
    """R10, R25: where a printed path leads, on the same origin; and where its linkset is."""
    return (
        ("Location", target),
        ("Link", f'<{public_url}{path}?linkType=linkset>; rel="linkset"; type="{LINKSET_TYPE}"'),
    )
