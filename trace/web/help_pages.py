"""“Trợ giúp”: how to do each thing, with pictures. For everybody, signed in or not.

The address is below the console's, so that a phone keeps the pages people opened, and shows them
where there is no signal. The pages are in Vietnamese, in the words of the screens.
"""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from trace.errors import NotFound
from trace.web import how_to

blueprint = Blueprint("help", __name__, url_prefix="/producer/help")
DAY = 24 * 3600


def page_address(name: str) -> str:
    """Where a page is read."""
    return url_for("help.index") if name == how_to.INDEX else url_for("help.show", name=name)


def picture_address(file: str) -> str:
    """Where a picture is."""
    return url_for("help.picture", file=file)


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All pages, by who needs them."""
    page = how_to.read(how_to.INDEX)
    if page is None:
        raise NotFound
    return render_template("app/help.html", page=page, text=_html(page), following=None)


@blueprint.get("/<name>")
def show(name: str) -> ResponseReturnValue:
    """One page."""
    pages = how_to.pages()
    place = next((place for place, page in enumerate(pages) if page.name == name), None)
    if place is None:
        raise NotFound
    following = pages[place + 1] if place + 1 < len(pages) else None
    page = pages[place]
    return render_template("app/help.html", page=page, text=_html(page), following=following)


@blueprint.get("/print")
def printed() -> ResponseReturnValue:
    """All pages in one, for the wall of the co-operative's office."""
    pages = [(page, _html(page, top=3, inside=True)) for page in how_to.pages()]
    return render_template("app/help_print.html", pages=pages)


@blueprint.get("/pictures/<file>")
def picture(file: str) -> ResponseReturnValue:
    """A picture of a page."""
    if file not in {name for page in how_to.pages() for name in page.pictures}:
        raise NotFound
    response = Response((how_to.PICTURES / file).read_bytes(), content_type="image/png")
    response.headers["Cache-Control"] = f"public, max-age={DAY}"
    response.add_etag()
    return response.make_conditional(request)


def _html(page: how_to.Page, top: int = 2, *, inside: bool = False) -> str:
    address = (lambda name: f"#{name}") if inside else page_address
    return how_to.to_html(page.text, address, picture_address, top)
