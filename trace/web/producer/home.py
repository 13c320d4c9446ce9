"""The first page of the console: what there is, what to do first."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.services.batches import has_any
from trace.services.certificates import list_certificates, state_of
from trace.services.cycles import Cycle, latest_cycles
from trace.services.guide import first_steps
from trace.services.handovers import count_incoming
from trace.services.households import list_households
from trace.services.inspections_answers import mark as inspected_mark
from trace.services.places import list_places
from trace.services.products import list_products
from trace.services.records import LOCAL_ZONE
from trace.services.vocabulary import bare_step, step_label
from trace.services.work import last_field_work
from trace.web.access import actor

CYCLES_SHOWN = 6
CYCLES_READ = 60  # recorded of last; what was told late belongs further down

blueprint = Blueprint("today", __name__, url_prefix="/producer")


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first things to do, and whether it is done."""

    text: str
    why: str
    href: str
    done: bool


@dataclass(frozen=True, slots=True)
class Again:
    """The last work in the field: where, what, and the cycle it belongs to."""

    thing_id: int
    step: str
    label: str
    where: str


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
    cycles = latest_cycles(acting, CYCLES_READ)
    return render_template(
        "producer/today.html",
        today=today,
        steps=_steps(),
        ending=ending,
        known=_known,
        arriving=count_incoming(acting),
        cycles=cycles[:CYCLES_SHOWN],
        batches=has_any(acting, "lot"),
        again=_again(cycles),
        step_label=step_label,
        inspected=inspected_mark(acting),
    )


def _again(cycles: list[Cycle]) -> Again | None:
    """The newest field work, to be recorded once more by one press, whatever came after it."""
    last = last_field_work(actor())
    cycle = next((one for one in cycles if last and one.batch.thing_id == last[0]), None)
    if last is None or cycle is None:
        return None
    step = bare_step(last[1])
    where = cycle.place.name if cycle.place else cycle.batch.name
    return Again(cycle.batch.thing_id, step, step_label(step), where)


def _known(endpoint: str) -> bool:
    return endpoint in current_app.view_functions


def _steps() -> list[Step]:
    words: dict[str, tuple[str, str, str]] = {
        "address": (
            gettext("Điền địa chỉ tổ chức"),
            gettext("Người mua muốn biết hàng từ đâu."),
            "organisation.edit",
        ),
        "place": (
            gettext("Thêm nơi sản xuất"),
            gettext("Thửa, vườn, ao, chuồng, nhà đóng gói."),
            "places.new",
        ),
        "product": (
            gettext("Thêm sản phẩm"),
            gettext("Có hay chưa có mã vạch đều được."),
            "products.new",
        ),
        "household": (
            gettext("Thêm hộ thành viên"),
            gettext("Mỗi việc ghi rõ hộ nào làm."),
            "households.new",
        ),
        "season": (
            gettext("Bắt đầu vụ đầu tiên"),
            gettext("Gieo, trồng hoặc thả; từ đó mỗi việc là một dòng nhật ký."),
            "cycles.new",
        ),
        "label": (
            gettext("In tem đầu tiên"),
            gettext("Mở một lô hàng rồi bấm In nhãn; quét thử bằng điện thoại."),
            "batches.index",
        ),
    }
    found = []
    for name, done in first_steps(actor()):
        text, why, endpoint = words[name]
        found.append(Step(text, why, url_for(endpoint), done))
    return found


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
