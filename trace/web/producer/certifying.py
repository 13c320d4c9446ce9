"""The certifier's desk: certificates that carry its name wait for its answer."""

from __future__ import annotations

from flask import Blueprint, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Certificate
from trace.schemas.certificates import DECISIONS, DecisionForm
from trace.services import certifying
from trace.services.certificates import covers_of, state_of
from trace.services.records import LOCAL_ZONE, Draw
from trace.services.settings import current_settings
from trace.web import words
from trace.web.access import actor, needs
from trace.web.deciding import decides
from trace.web.forms import Form
from trace.web.lists import Listing

blueprint = Blueprint("certifying", __name__, url_prefix="/producer/certifying")


def decision_words() -> dict[str, tuple[str, str]]:
    """(kind of tag, words) of what the issuer answered."""
    return {
        "": ("neutral", gettext("Tự khai, chưa được xác nhận")),
        "asked": ("wait", gettext("Chờ tổ chức cấp trả lời")),
        "confirmed": ("ok", gettext("Tổ chức cấp đã xác nhận")),
        "rejected": ("stop", gettext("Tổ chức cấp không xác nhận")),
    }


def answer_options(certificate: Certificate) -> list[tuple[str, str]]:
    """What the issuer may say now."""
    all_words: dict[str, str] = {
        "confirmed": gettext("Xác nhận: chúng tôi đã cấp đúng như trên"),
        "rejected": gettext("Không xác nhận"),
        "suspended": gettext("Đình chỉ"),
        "resumed": gettext("Có hiệu lực trở lại"),
        "withdrawn": gettext("Thu hồi, huỷ bỏ"),
    }
    confirmed = certificate.decision == "confirmed"
    offered = DECISIONS[2:] if confirmed else DECISIONS[:2]
    return [(one, all_words[one]) for one in offered]


def _state(certificate: Certificate) -> str:
    return state_of(certificate, clock.now().astimezone(LOCAL_ZONE).date())


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """Certificates that carry the certifier's name; those waiting first."""
    listing = Listing(
        certifying.list_issued(actor()),
        words=lambda one: (one.standard, one.number, one.organisation.name),
        filters={"decision": lambda one: one.decision},
    )
    if listing.wants_csv:
        head = [gettext("Tiêu chuẩn"), gettext("Số"), gettext("Của ai"), gettext("Từ ngày")]
        head += [gettext("Đến ngày"), gettext("Trả lời")]
        return listing.csv(
            "chung-nhan-da-cap",
            head,
            lambda one: [
                one.standard,
                one.number,
                one.organisation.name,
                one.valid_from,
                one.valid_until,
                decision_words()[one.decision][1],
            ],
        )
    return render_template(
        "producer/certifying/index.html",
        listing=listing,
        decision=lambda one: decision_words()[one.decision],
        decisions=[(key, text) for key, (_, text) in decision_words().items() if key],
    )


@blueprint.route("/<int:certificate_id>", methods=["GET", "POST"])
@needs("record")
@decides
def answer(certificate_id: int) -> ResponseReturnValue:
    """One certificate as its holder states it, and the answer."""
    certificate = certifying.get_issued(actor(), certificate_id)
    form = Form(DecisionForm(), {"decision": ""}, version=certificate.version)
    form.outbox = False
    if form.sent:
        with form.attempt():
            draw = Draw(current_settings().secret_key, actor().organisation.code, form.key)
            certifying.decide(
                actor(),
                certificate,
                form.load(),
                version=form.version,
                draw=draw,
                at=clock.now(),
            )
            message = gettext("Đã trả lời. Vào sổ công khai trong giây lát.")
            return form.done(url_for("certifying.index"), message)
    return form.page(
        "producer/certifying/answer.html",
        certificate=certificate,
        covers=covers_of(certificate),
        decision=decision_words()[certificate.decision],
        state=words.certificate_state(_state(certificate)),
        answers=answer_options(certificate),
    )
