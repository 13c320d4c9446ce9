"""Pages of the links that an organisation adds to a product or to its lots."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.gs1 import parse_identity
from trace.core.gs1.linkset import OFFERED
from trace.models import Link, Product
from trace.schemas.links import LinkForm, NewLinkForm
from trace.services import links
from trace.services.passports_lines import code_of
from trace.services.products import get_product
from trace.services.settings import current_settings
from trace.web import link_words
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.pages import page_language

blueprint = Blueprint("links", __name__, url_prefix="/producer/products/<int:product_id>/links")


def _lot_word(identity: str) -> str:
    found = parse_identity(identity, current_settings().id_base)
    return code_of(found) if found else ""


def _level_word(link: Link) -> str:
    if link.lot_id is None:
        return str(gettext("sản phẩm"))
    return str(gettext("lô %(code)s", code=_lot_word(link.identity)))


def _values(link: Link) -> dict[str, object]:
    return {name: getattr(link, name) for name in links.CONTENT}


def _context(product: Product, link: Link | None = None) -> dict[str, object]:
    reader = page_language()
    types = sorted(
        ((name, link_words.type_word(name)) for name in OFFERED), key=lambda one: one[1].casefold()
    )
    return {
        "product": product,
        "link": link,
        "types": types,
        "media": [(name, link_words.media_word(name)) for name in links.MEDIA_TYPES],
        "languages": [(code, link_words.language_word(code, reader)) for code in links.LANGUAGES],
        "lots": [(one.id, _lot_word(one.identity)) for one in links.lots_of(actor(), product)],
    }


def _shown(link: Link) -> dict[str, object]:
    """A link in words."""
    return {
        "link": link,
        "type": link_words.type_word(link.link_type),
        "level": _level_word(link),
        "host": links.host_of(link.href),
        "check": link_words.check_words(link.check, link.check_reason),
        "why_not": link_words.why_not_words(links.why_not_given(link, at=clock.now())),
    }


@blueprint.get("/")
def index(product_id: int) -> ResponseReturnValue:
    """All links of a product and its lots."""
    product = get_product(actor(), product_id)
    listed = [_shown(one) for one in links.list_links(actor(), product)]
    return render_template("producer/links/index.html", product=product, links=listed)


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new(product_id: int) -> ResponseReturnValue:
    """A link more."""
    product = get_product(actor(), product_id)
    form = Form(NewLinkForm(), {"languages": page_language(), "media_type": "text/html"})
    if form.sent:
        with form.attempt():
            link = links.add_link(actor(), product, form.load(), at=clock.now())
            address = url_for("links.show", product_id=product_id, link_id=link.id)
            return form.done(address, gettext("Đã thêm liên kết; máy đang thử mở."))
    return form.page("producer/links/form.html", **_context(product))


@blueprint.get("/<int:link_id>")
def show(product_id: int, link_id: int) -> ResponseReturnValue:
    """One link, and everything it ever said."""
    product = get_product(actor(), product_id)
    link = links.get_link(actor(), product, link_id)
    history = [
        {
            "version": version,
            "action": link_words.action_word(version.action),
            "content": content,
            "type": link_words.type_word(content["link_type"]),
            "host": links.host_of(content["href"]),
            "stands": link.state == "shown" and content == _values(link),
        }
        for version, content in links.versions_of(link)
    ]
    reader = page_language()
    return render_template(
        "producer/links/show.html",
        product=product,
        history=history,
        languages=", ".join(
            link_words.language_word(code, reader) for code in link.languages.split()
        ),
        media=link_words.media_word(link.media_type),
        **_shown(link),
    )


@blueprint.route("/<int:link_id>/edit", methods=["GET", "POST"])
@needs("record")
def edit(product_id: int, link_id: int) -> ResponseReturnValue:
    """Changes to one link."""
    product = get_product(actor(), product_id)
    link = links.get_link(actor(), product, link_id)
    form = Form(LinkForm(), _values(link), version=link.version)
    if form.sent:
        with form.attempt():
            links.change_link(actor(), link, form.load(), version=form.version, at=clock.now())
            address = url_for("links.show", product_id=product_id, link_id=link_id)
            return form.done(address, gettext("Đã lưu."))
    return form.page("producer/links/form.html", **_context(product, link))


@blueprint.route("/<int:link_id>/remove", methods=["GET", "POST"])
@needs("record")
def remove(product_id: int, link_id: int) -> ResponseReturnValue:
    """Takes a link away, after asking once."""
    product = get_product(actor(), product_id)
    link = links.get_link(actor(), product, link_id)
    form = Form()
    if form.sent:
        with form.attempt():
            links.remove_link(actor(), link, at=clock.now())
            return form.done(
                url_for("links.index", product_id=product_id), gettext("Đã bỏ liên kết.")
            )
    return form.page(
        "producer/links/remove.html",
        link=link,
        act=gettext("Bỏ liên kết này"),
        cancel=url_for("links.show", product_id=product_id, link_id=link_id),
        danger=True,
    )


@blueprint.route("/<int:link_id>/restore/<int:number>", methods=["GET", "POST"])
@needs("record")
def restore(product_id: int, link_id: int, number: int) -> ResponseReturnValue:
    """Brings back what a link said before, after asking once."""
    product = get_product(actor(), product_id)
    link = links.get_link(actor(), product, link_id)
    content = links.get_version(link, number)
    address = url_for("links.show", product_id=product_id, link_id=link_id)
    form = Form()
    if form.sent:
        with form.attempt():
            links.restore_link(actor(), link, number, at=clock.now())
            return form.done(address, gettext("Đã lấy lại; máy đang thử mở."))
    return form.page(
        "producer/links/restore.html",
        content=content,
        type=link_words.type_word(content["link_type"]),
        act=gettext("Lấy lại"),
        cancel=address,
    )
