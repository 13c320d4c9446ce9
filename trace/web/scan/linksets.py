"""What a code links to, as a page for people: all of it, or the few among which a request left the
choice open. And the page of an address whose query breaks a rule.

The resolver decides what is answered and asks for the page here, by the application's extensions:
audiences do not import one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Response
from markupsafe import Markup

from trace.core.gs1.linkset import DEFAULT, Member, Target, json_ld_of, linkset_of
from trace.errors import TraceError
from trace.services.links import host_of
from trace.services.settings import current_settings
from trace.web.link_words import language_word, media_word, type_word
from trace.web.scan.pages import content_security_policy, render
from trace.web.scan.views import _refused, bp

# Under which name the resolver finds this.
PAGES: Final = "trace.scan.linkset_pages"


@bp.record_once
def _offer(state: Any) -> None:
    state.app.extensions[PAGES] = {"linkset": linkset_page, "refused": refused_page}


def linkset_page(
    members: Sequence[Member], path: str, language: str, *, query: str, choosing: bool = False
) -> Response:
    """The links of a printed path; `choosing`: those among which the reader is to choose (300)."""
    origin = current_settings().public_url
    html = render(
        "scan/linkset.html",
        language,
        path,
        address=f"{path}?{query}" if query else path,
        choosing=choosing,
        entries=[(one.description, _listed(one.links, origin, language)) for one in members],
        data=json_ld_of(linkset_of(members)),
        here=f"/t{path}",
    )
    response = Response(html, 300 if choosing else 200, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers["Content-Security-Policy"] = content_security_policy()
    return response


def _listed(
    links: Mapping[str, Sequence[Target]], origin: str, language: str
) -> list[dict[str, Any]]:
    """Each link in words; the default is not told twice."""
    return [
        {
            "href": one.href.removeprefix(origin),
            "title": one.title,
            "type": type_word(link_type),
            "media": media_word(one.media_type) if one.media_type != "text/html" else "",
            "languages": ", ".join(language_word(tag, language) for tag in one.languages),
            "tag": Markup(' hreflang="{}"').format(one.languages[0])
            if len(one.languages) == 1
            else "",
            "context": ", ".join(one.context),
            "host": "" if one.href.startswith(f"{origin}/") else host_of(one.href),
        }
        for link_type, targets in links.items()
        if link_type != DEFAULT
        for one in targets
    ]


def refused_page(error: TraceError, path: str, language: str) -> Response:
    """400 of an address whose query breaks a rule; its path alone would be none the worse."""
    return _refused(error, f"/t{path}", language)
