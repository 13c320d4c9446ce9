"""Pages of products."""

from __future__ import annotations

from typing import IO

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import NotFound
from trace.models import Product
from trace.schemas.products import NewProductForm, ProductForm
from trace.services import products
from trace.services.attachments import MEDIA_TYPE, read_kept
from trace.services.certificates import unbacked_claims
from trace.services.links import count_links
from trace.services.records import LOCAL_ZONE
from trace.services.scans import product_totals
from trace.services.vocabulary import UOM_KEYS, uom_name
from trace.web import words
from trace.web.access import actor, needs
from trace.web.badges import badge_snippet
from trace.web.copy_words import total_words
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.pages import page_language

blueprint = Blueprint("products", __name__, url_prefix="/producer/products")


def _values(product: Product) -> dict[str, object]:
    return {
        "name": product.name,
        "name_en": product.name_en,
        "category": product.category,
        "description": product.description,
        "unit": UOM_KEYS.get(product.unit, ""),
        "net_weight": product.net_weight,
        "shelf_life_days": product.shelf_life_days,
        "use_by": product.use_by,
    }


def _picture() -> IO[bytes] | None:
    file = request.files.get("picture")
    return file.stream if file is not None and file.filename else None


def _context() -> dict[str, object]:
    return {"categories": words.categories(), "units": words.units()}


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """All products; `?format=csv` for a spreadsheet."""
    listing = Listing(
        products.list_products(actor()),
        words=lambda one: (one.name, one.name_en, one.code, one.gtin or ""),
        filters={"category": lambda one: one.category},
    )
    if listing.wants_csv:
        return _csv(listing)
    return render_template(
        "producer/products/index.html",
        listing=listing,
        categories=words.categories(),
        category=words.category,
    )


def _csv(listing: Listing[Product]) -> Response:
    head = [gettext("Mã"), "GTIN", gettext("Tên"), gettext("Tên tiếng Anh"), gettext("Loại")]
    head += [gettext("Đơn vị"), gettext("Khối lượng tịnh (kg)"), gettext("Hạn (ngày)")]
    return listing.csv(
        "products",
        head,
        lambda one: [
            one.code,
            one.gtin,
            one.name,
            one.name_en,
            words.category(one.category),
            uom_name(one.unit),
            one.net_weight,
            one.shelf_life_days,
        ],
    )


@blueprint.route("/new", methods=["GET", "POST"])
@needs("record")
def new() -> ResponseReturnValue:
    """A product more."""
    form = Form(NewProductForm(), {"category": "leaf-vegetable", "unit": "kg"})
    if form.sent:
        with form.attempt():
            product = products.register_product(
                actor(), form.load(), at=clock.now(), picture=_picture()
            )
            address = url_for("products.show", product_id=product.id)
            return form.done(address, gettext("Đã thêm %(name)s.", name=product.name))
    return form.page("producer/products/form.html", product=None, **_context())


@blueprint.get("/<int:product_id>")
def show(product_id: int) -> ResponseReturnValue:
    """One product."""
    product = products.get_product(actor(), product_id)
    return render_template(
        "producer/products/show.html",
        product=product,
        category=words.category(product.category),
        unit=words.unit_name(UOM_KEYS[product.unit]) if product.unit in UOM_KEYS else product.unit,
        address=products.product_uri(product),
        badge=badge_snippet(product.identity, gettext("Xem hồ sơ truy xuất"), page_language()),
        unbacked=unbacked_claims(actor(), product, clock.now().astimezone(LOCAL_ZONE).date()),
        linked=count_links(actor(), product),
        scanned=total_words(product_totals([product.id]).get(product.id)),
    )


@blueprint.get("/<int:product_id>/picture")
def picture(product_id: int) -> Response:
    """The product's picture, as kept; `?small` for its thumbnail."""
    product = products.get_product(actor(), product_id)
    if product.picture is None:
        raise NotFound
    data = read_kept(product.picture, thumbnail="small" in request.args)
    return Response(data, mimetype=MEDIA_TYPE)


@blueprint.route("/<int:product_id>/edit", methods=["GET", "POST"])
@needs("record")
def edit(product_id: int) -> ResponseReturnValue:
    """Changes to one product."""
    product = products.get_product(actor(), product_id)
    form = Form(ProductForm(), _values(product), version=product.version)
    if form.sent:
        with form.attempt():
            products.update_product(
                actor(),
                product,
                form.load(),
                version=form.version,
                at=clock.now(),
                picture=_picture(),
            )
            return form.done(url_for("products.show", product_id=product_id), gettext("Đã lưu."))
    return form.page("producer/products/form.html", product=product, **_context())
