"""What a shop puts on a page of its own: a picture that says what the record says now, and a link
to it. Plain HTML: it runs nothing there and takes nothing of the reader along but the asking."""

from __future__ import annotations

from markupsafe import Markup

from trace.core.gs1 import Identity, parse_identity
from trace.errors import TraceError
from trace.services.settings import current_settings

WIDTH, HEIGHT = 320, 56


def badge_snippet(identity: str, alt: str, language: str) -> str:
    """The lines to copy for a lot or a product of this identity, "" where it has no page. `alt`
    is what stands where pictures are off."""
    settings = current_settings()
    try:
        found = parse_identity(identity, settings.id_base)
    except TraceError:
        return ""
    if not isinstance(found, Identity):
        return ""
    page = f"{settings.public_url}/t{found.path}"
    return str(
        Markup(
            '<a href="{}"><img src="{}" alt="{}" width="{}" height="{}" loading="lazy"></a>'
        ).format(page, f"{page}?format=badge&lang={language}", alt, WIDTH, HEIGHT)
    )
