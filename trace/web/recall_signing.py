"""Signing a case and ending it: pages that an act of weight leaves from.

Each form carries the version of the case its reader saw, and what it said then. Where somebody
changed the case meanwhile nothing is signed: the page comes back as the case stands now, with what
it said before beside it (409), and is signed from there.
"""

from __future__ import annotations

from flask import g, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext, ngettext

from trace import clock
from trace.models import Recall
from trace.schemas.recalls import ReasonSchema, SignSchema
from trace.services.recalls import cases, ending, signing
from trace.services.recalls.boards import board_of
from trace.services.recalls.cases import get_recall
from trace.services.recalls.reaching import chosen_things, closure
from trace.services.recalls.telling import names_of
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.pages import moment
from trace.web.recall_pages import may_sign, shared
from trace.web.recall_words import grade_words, hazard_words


class SignForm(Form):
    """A form of an act under what its page says; `seen-…` is what its reader read."""

    def __init__(self, schema: SignSchema | ReasonSchema, recall: Recall) -> None:
        super().__init__(schema, seen(recall), version=recall.version)
        self.outbox = False  # never sent unseen
        if self._posted and not request.form.get("version", "").isdecimal():
            self._version = 0  # who does not say what was read has read nothing


def seen(recall: Recall) -> dict[str, object]:
    """What a page of signing says of a case, in one line each."""
    told = {
        "reason": recall.reason,
        "hazard": hazard_words(recall.hazard),
        "grade": grade_words(recall.grade),
        "instructions": recall.instructions,
        "determined": moment(recall.determined_at) if recall.determined_at else "",
        "end": recall.end_reason if recall.state == "open" else "",
    }
    return {f"seen-{name}": " ".join(words.split()) for name, words in told.items()}


def sign(recall_id: int) -> ResponseReturnValue:
    """Page 4: signing, or handing it to who may."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    form = SignForm(SignSchema(), recall)
    if form.sent:
        with form.attempt():
            clean = form.load()
            if request.form.get("act") == "propose":
                cases.propose(actor(), recall, version=form.version, at=clock.now())
                address = url_for(".show", recall_id=recall.id)
                return form.done(address, gettext("Đã gửi đề xuất."))
            confirm_person()
            typed = None if clean["count"] is None else int(clean["count"])
            told = signing.sign(actor(), recall, typed, version=form.version, at=clock.now())
            message = (
                gettext("Đã ký lần thứ nhất. Chờ người phụ trách thứ hai.")
                if told.waits
                else _signed_words(recall, told.reached)
            )
            return form.done(url_for(".show", recall_id=recall.id), message)
    powers = cases.powers_for(actor(), recall, at=clock.now())
    total = len(closure([thing.id for thing in chosen_things(recall)]).things)
    wide = powers.most is not None and total > powers.most
    return form.page(
        "inspection/recalls/sign.html",
        **shared(recall),
        ask_password=password_asked(),
        total=total,
        confirm=total >= powers.confirm_from,
        two=not recall.rehearsal and powers.needs_two(recall.kind, recall.grade),
        may_sign=may_sign() and powers.may(recall.kind) == "decide" and not wide,
        may_propose=powers.level != "maker" and (powers.may(recall.kind) == "propose" or wide),
        decider=cases.decider_for(recall) if powers.level != "maker" else None,
        names=names_of(recall),
        hours=int(powers.answer_within(recall.grade).total_seconds() // 3600),
    )


def _signed_words(recall: Recall, reached: int) -> str:
    if recall.rehearsal:
        return str(gettext("Diễn tập bắt đầu: không có gì công khai."))
    return str(
        ngettext(
            "Đã ký. %(num)s trang đang cảnh báo.", "Đã ký. %(num)s trang đang cảnh báo.", reached
        )
    )


def second(recall_id: int) -> ResponseReturnValue:
    """The second supervisor's own page, with the time that is left."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    form = SignForm(SignSchema(), recall)
    if form.sent:
        with form.attempt():
            address = url_for(".show", recall_id=recall.id)
            if request.form.get("act") == "back":
                signing.take_back(actor(), recall, at=clock.now())
                return form.done(address, gettext("Đã rút chữ ký."))
            confirm_person()
            told = signing.sign_second(actor(), recall, version=form.version, at=clock.now())
            return form.done(address, _signed_words(recall, told.reached))
    return form.page(
        "inspection/recalls/second.html",
        **shared(recall),
        ask_password=password_asked(),
        names=names_of(recall),
        signers=signing.signers(recall),
        first=g.person.id == recall.first_signer,
        late=recall.waits_until is not None and clock.now() > recall.waits_until,
    )


def refuse(recall_id: int) -> ResponseReturnValue:
    """A proposal is not accepted, and why."""
    recall = get_recall(actor(), recall_id)
    form = Form(ReasonSchema())
    if form.sent:
        with form.attempt():
            clean = form.load()
            cases.refuse(actor(), recall, clean["reason"], at=clock.now())
            return form.done(url_for(".show", recall_id=recall.id), gettext("Đã trả lời đề xuất."))
    return form.page(
        "inspection/recalls/end.html",
        **shared(recall),
        what="refuse",
        act=gettext("Không chấp nhận"),
        names=names_of(recall),
        waits=False,
        two=False,
    )


def end(recall_id: int, what: str) -> ResponseReturnValue:
    """Withdrawing what was a mistake, closing what is done: both signed and public."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    waits = ending.waits(recall, at=clock.now())
    seconding = request.form.get("act") == "second"
    form = SignForm(SignSchema() if seconding else ReasonSchema(), recall)
    if form.sent:
        with form.attempt():
            message = _end(recall, form, "withdrawn" if what == "withdraw" else "closed")
            return form.done(url_for(".show", recall_id=recall.id), message)
    act = gettext("Ký rút lại") if what == "withdraw" else gettext("Ký kết thúc")
    return form.page(
        "inspection/recalls/end.html",
        **shared(recall),
        what=what,
        act=act,
        names=names_of(recall),
        board=board_of(recall),
        ask_password=password_asked(),
        waits=waits,
        two=recall.state == "open" and ending.takes_two(actor(), recall, at=clock.now()),
        first=g.person.id == recall.end_first,
        signers=signing.names_in_order(recall.end_first),
    )


def _end(recall: Recall, form: Form, state: str) -> str:
    """What was sent of a page of ending, and what to say of it."""
    at = clock.now()
    act = request.form.get("act")
    if act == "back":
        ending.take_end_back(actor(), recall, at=at)
        return str(gettext("Đã rút chữ ký."))
    clean = form.load()
    confirm_person()
    if act == "second":
        ending.end_second(actor(), recall, version=form.version, at=at)
    elif ending.end(actor(), recall, state, clean["reason"], version=form.version, at=at):
        return str(gettext("Đã ký lần thứ nhất. Chờ người phụ trách thứ hai."))
    return str(gettext("Đã ký kết thúc."))


def withdraw(recall_id: int) -> ResponseReturnValue:
    """It was a mistake."""
    return end(recall_id, "withdraw")


def close(recall_id: int) -> ResponseReturnValue:
    """It is done."""
    return end(recall_id, "close")
