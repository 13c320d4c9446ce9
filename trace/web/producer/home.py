"""The first page of the console: what there is, what to do first."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.services.certificates import list_certificates, state_of
from trace.services.households import list_households
from trace.services.places import list_places
from trace.services.products import list_products
from trace.services.records import LOCAL_ZONE
from trace.web.access import actor

blueprint = Blueprint("today", __name__, url_prefix="/producer")


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first things to do, and whether it is done."""

    text: str
    why: str
    href: str
    done: bool


@blueprint.get("/today")
def show() -> ResponseReturnValue:
    """Today: the first steps until they are done, then what is at hand."""
    acting = actor()
    today = clock.now().astimezone(LOCAL_ZONE).date()
    certificates = list_certificates(acting)
    ending = [
        one
        for one in certificates
        if state_of(one, today) == "valid" and (one.valid_until - today).days <= 30
    ]
    return render_template(
        "producer/today.html", today=today, steps=_steps(), ending=ending, known=_known
    )


def _known(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


def _steps() -> list[Step]:
    acting = actor()
    organisation = acting.organisation
    steps = [
        Step(
            gettext("Điền địa chỉ tổ chức"),
            gettext("Người mua muốn biết hàng từ đâu."),
            url_for("organisation.edit"),
            bool(organisation.ward_code and organisation.address),
        ),
        Step(
            gettext("Thêm nơi sản xuất"),
            gettext("Thửa, vườn, ao, chuồng, nhà đóng gói."),
            url_for("places.new"),
            bool(list_places(acting)),
        ),
        Step(
            gettext("Thêm sản phẩm"),
            gettext("Có hay chưa có mã vạch đều được."),
            url_for("products.new"),
            bool(list_products(acting)),
        ),
    ]
    if organisation.kind == "co-operative":
        steps.append(
            Step(
                gettext("Thêm hộ thành viên"),
                gettext("Mỗi việc ghi rõ hộ nào làm."),
                url_for("households.new"),
                bool(list_households(acting)),
            )
        )
    return steps


@blueprint.get("/catalogue")
def catalogue() -> ResponseReturnValue:
    """The nouns of the organisation, and how many there are of each."""
    acting = actor()
    return render_template(
        "producer/catalogue.html",
        places=len(list_places(acting)),
        products=len(list_products(acting)),
        households=len(list_households(acting)),
        certificates=len(list_certificates(acting)),
    )
