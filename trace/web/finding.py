"""Finding a record without a phone that scans: by name, by the page's own camera, by a photo; and
what search engines may list."""

from __future__ import annotations

from typing import Final
from xml.sax.saxutils import escape

from flask import Blueprint, Response, redirect, request
from flask.typing import ResponseReturnValue
from limits import parse
from sqlalchemy import Select, and_, func, select

from trace.core.gs1 import parse_identity
from trace.errors import NotFound, TraceError
from trace.extensions import csrf, db
from trace.models import Organisation, Product
from trace.services.codes import NotOurCode, read_codes
from trace.services.refusals import NothingChosen
from trace.services.search import MAKERS, search
from trace.services.settings import current_settings
from trace.web import throttle
from trace.web.forms import Form, showable
from trace.web.guessing import TooManyCodes, check_waiting, path_of_guess
from trace.web.pages import page_language
from trace.web.words import organisation_kind

blueprint = Blueprint("finding", __name__)

# To read a photo costs the server a second at worst.
PHOTOS: Final = parse("30/10 minutes")
MAX_LISTED: Final = 50_000  # addresses in one file of a sitemap (sitemaps.org, protocol 0.9)
MOST_FILES: Final = 50_000


class WordsForm(Form):
    """The box for names, sent by GET."""

    def __init__(self) -> None:
        super().__init__()
        self.words = showable(request.args.get("q", "")).strip()[:100]

    def value(self, name: str) -> str:
        return self.words if name == "q" else super().value(name)


@blueprint.get("/search")
def by_name() -> ResponseReturnValue:
    """Products and makers by words of their names."""
    form = WordsForm()
    found = search(form.words)
    base = current_settings().id_base
    paths = {one.id: _path(one.identity, base) for one in found.products}
    return form.page(
        "search.html",
        found=found,
        paths=paths,
        kind_word=organisation_kind,
        language=page_language(),
    )


@blueprint.route("/scan", methods=["GET", "POST"])
def by_camera() -> ResponseReturnValue:
    """The page's own camera where the browser can read codes, else a photo read here."""
    form = Form()
    if typed := request.args.get("code", ""):
        return _open(form, [typed])
    if form.sent:
        with form.attempt():
            throttle.check(PHOTOS, "photo", throttle.address())
            throttle.count(PHOTOS, "photo", throttle.address())
            photo = request.files.get("photo")
            if photo is None or not photo.filename:
                raise NothingChosen(path="photo")
            return _open(form, read_codes(photo.stream))
    return form.page("scanning.html")


csrf.exempt(by_camera)  # it reads a picture and changes nothing: no cookie is needed for that


def _open(form: Form, texts: list[str]) -> ResponseReturnValue:
    """Leads to the first of these texts that is a label of ours, by our own path whatever host it
    names; says which is not."""
    try:
        check_waiting("photo")
    except TooManyCodes as error:
        form.refuse(error)
        return form.page("scanning.html")
    for text in texts:
        try:
            return redirect(f"/t{path_of_guess(text)}", 303)
        except TraceError:
            continue
    form.refuse(NotOurCode(path="photo", text=showable(texts[0])[:80]))
    return form.page("scanning.html")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """What crawlers may open: pages say themselves whether they may be listed."""
    site = current_settings().public_url
    lines = ("User-agent: *", "Disallow: /producer/", "Disallow: /admin/", "Disallow: /log/")
    return _text("\n".join((*lines, f"Sitemap: {site}/sitemap.xml")) + "\n", "text/plain")


@blueprint.get("/sitemap.xml")
def sitemap() -> Response:
    """The list of lists: products and makers in files of at most MAX_LISTED addresses each."""
    site = current_settings().public_url
    names = [
        f"{kind}-{number}"
        for kind, listed in LISTS.items()
        for number in range(-(-_count(listed()) // MAX_LISTED))
    ]
    body = "".join(f"<sitemap><loc>{site}/sitemap/{name}.xml</loc></sitemap>" for name in names)
    return _text(_xml("sitemapindex", body), "application/xml")


@blueprint.get("/sitemap/<any(products, makers):kind>-<int:number>.xml")
def sitemap_file(kind: str, number: int) -> ResponseReturnValue:
    """One file of the list. No lots and no packages: they come and go with their season."""
    rows = db.session.scalars(
        LISTS[kind]().limit(MAX_LISTED).offset(min(number, MOST_FILES) * MAX_LISTED)
    ).all()
    if not rows:
        raise NotFound
    site, base = current_settings().public_url, current_settings().id_base
    paths = ((_path(one, base) if kind == "products" else f"/o/{one}") for one in rows)
    body = "".join(f"<url><loc>{escape(f'{site}/t{path}')}</loc></url>" for path in paths)
    return _text(_xml("urlset", body), "application/xml")


def _products() -> Select[str]:
    makers = and_(Organisation.id == Product.organisation_id, *_REAL)
    return select(Product.identity).join(Organisation, makers).order_by(Product.id)


def _makers() -> Select[str]:
    return (
        select(Organisation.code)
        .where(*_REAL, Organisation.kind.in_(MAKERS))
        .order_by(Organisation.id)
    )


# Whom an authority confirmed: search engines are not for what anybody may have typed.
_REAL = (Organisation.status == "confirmed", Organisation.demonstration.is_(False))
LISTS = {"products": _products, "makers": _makers}


def _count(listed: Select[str]) -> int:
    return db.session.scalar(select(func.count()).select_from(listed.subquery())) or 0


def _path(identity: str, base: str) -> str:
    found = parse_identity(identity, base)
    return found.path if found else ""


def _xml(root: str, body: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        f'<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{body}</{root}>'
    )


def _text(body: str, media_type: str) -> Response:
    response = Response(body, content_type=f"{media_type}; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response
