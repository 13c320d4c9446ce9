"""What a code links to, as a page for people: all of it, or the few among which a request left the
choice open. And the page of an address whose query breaks a rule.

The resolver decides what is answered and asks for the page here, by the application's extensions:
audiences do not import one another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask import Response

from trace.core.gs1.linkset import Member, json_ld_of, linkset_of
from trace.errors import TraceError
from trace.web.link_words import described_words, listed
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
    html = render(
        "scan/linkset.html",
        language,
        path,
        address=f"{path}?{query}" if query else path,
        choosing=choosing,
        entries=[
            (described_words(one.description), listed(one.links, language)) for one in members
        ],
        data=json_ld_of(linkset_of(members)),
        here=f"/t{path}",
    )
    response = Response(html, 300 if choosing else 200, content_type="text/html; charset=utf-8")
    response.headers["Content-Language"] = language
    response.headers["Content-Security-Policy"] = content_security_policy()
    return response


def refused_page(error: TraceError, path: str, language: str) -> Response:
    """400 of an address whose query breaks a rule; its path alone would be none the worse."""
    return _refused(error, f"/t{path}", language)
