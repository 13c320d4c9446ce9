"""What one bó, thùng, sọt … of a product weighs here."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.schemas.plans import WeightSchema
from trace.services.products import get_product
from trace.services.records import LOCAL_ZONE
from trace.services.vocabulary import UNITS_BY_KEY
from trace.services.weights import WEIGHABLE, set_weight, weights_of
from trace.web.access import actor, needs
from trace.web.forms import Form

blueprint = Blueprint("weights", __name__, url_prefix="/producer/products")


@blueprint.route("/<int:product_id>/weights", methods=["GET", "POST"])
@needs("record")
def edit(product_id: int) -> ResponseReturnValue:
    """The weighed units of a product, and a form to weigh one (again)."""
    product = get_product(actor(), product_id)
    today = clock.now().astimezone(LOCAL_ZONE).date()
    form = Form(WeightSchema(), {"weighed_on": today})
    if form.sent:
        with form.attempt():
            set_weight(actor(), product, form.load(), on=today, at=clock.now())
            return form.done(url_for("weights.edit", product_id=product.id), gettext("Đã lưu."))
    known = weights_of(product)
    return form.page(
        "producer/weights/edit.html",
        product=product,
        units=[(key, gettext(UNITS_BY_KEY[key].name)) for key in WEIGHABLE],
        known=[(gettext(UNITS_BY_KEY[key].name), known[key]) for key in WEIGHABLE if key in known],
    )
