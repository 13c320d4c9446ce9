"""What every answer of a printed address carries, and the way from it to its page."""

from __future__ import annotations

from typing import Final

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


def way_to(target: str, path: str, public_url: str) -> tuple[tuple[str, str], ...]:
    """R10, R25: where a printed path leads, on the same origin; and where its linkset is."""
    return (
        ("Location", target),
        ("Link", f'<{public_url}{path}?linkType=linkset>; rel="linkset"; type="{LINKSET_TYPE}"'),
    )
