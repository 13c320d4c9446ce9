"""The live board of a case and what hangs on it: holders and answers, the phone list, the packet;
and which addresses a console gives the pages of a case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from flask import Blueprint, Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from sqlalchemy import select

from trace import clock
from trace.core.labels import qr_svg
from trace.extensions import db
from trace.models import RecallHolder, Thing
from trace.models.recalls import FATES
from trace.schemas.recalls import OpenAnswerSchema
from trace.services.batches import short_name
from trace.services.recalls import cases, signing
from trace.services.recalls.answering import (
    Due,
    answer,
    answers_of,
    dues,
    holder_of_case,
    holders_of,
    take_back,
)
from trace.services.recalls.boards import board_of
from trace.services.recalls.booking import states_of
from trace.services.recalls.bundled import to_zip
from trace.services.recalls.cases import get_recall
from trace.services.recalls.packet import packet_of, to_json, to_xlsx
from trace.services.recalls.papers import to_pdf
from trace.services.recalls.reaching import chosen_things
from trace.services.recalls.rules import decide_by, powers_of
from trace.services.recalls.telling import follow, names_of
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.web import recall_pages, recall_signing
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.lists import Listing
from trace.web.recall_fields import boxes_of, lines_of, start_of
from trace.web.recall_pages import ID_LIMIT, holder_head, may_sign, shared, title_of
from trace.web.recall_words import WORDS, answer_words, holder_words
from trace.web.secret_links import grouped


def show(recall_id: int) -> ResponseReturnValue:
    """How the case stands; of an open one the live board."""
    recall = get_recall(actor(), recall_id)
    running = recall.state in ("open", "closed", "withdrawn")
    rows = holders_of(recall) if running else []
    listing = Listing(
        rows, words=lambda one: (holder_words(one), one.phone), filters={"state": _answer_state}
    )
    if running:
        cases.note_looks(actor(), recall, at=clock.now())
        db.session.commit()
    if listing.wants_csv:
        all_due = dues([one.id for one in rows])
        return listing.csv("noi-giu", holder_head(), lambda one: _holder_row(one, all_due[one.id]))
    powers = powers_of(actor().organisation, recall.sector)
    return render_template(
        "inspection/recalls/show.html",
        **shared(recall),
        title=title_of(recall),
        items=chosen_things(recall),
        names=names_of(recall),
        board=board_of(recall) if running else None,
        listing=listing,
        due=dues([one.id for one in listing.rows]) if rows else {},
        notices=signing.notices_of(recall),
        signers=signing.signers(recall),
        decide_by=decide_by(recall.determined_at) if recall.determined_at else None,
        now=clock.now(),
        may_sign=may_sign(),
        may=powers.may(recall.kind),
        fates=FATES,
    )


def _holder_row(one: RecallHolder, due: list[Due]) -> list[object]:
    place = one.organisation
    had = WORDS["amounts_words"]({each.unit: each.had for each in due})
    phone = place.phone if place else one.phone
    return [holder_words(one), phone, one.things, had, one.one_sided, answer_words(one.state)]


def _answer_state(holder: Any) -> str:
    return str(holder.state or "none")


def refresh(recall_id: int) -> ResponseReturnValue:
    """Looks once more who has some of it, and tells those who are new."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    fresh = follow(recall, at=clock.now())
    db.session.commit()
    flash(gettext("Đã rà lại: %(count)s nơi mới.", count=fresh))
    return redirect(url_for(".show", recall_id=recall.id), 303)


def holder(recall_id: int, holder_id: int) -> ResponseReturnValue:
    """One holder: what it had, what it said; an answer given by telephone."""
    recall = get_recall(actor(), recall_id)
    row = holder_of_case(actor(), recall, holder_id)
    due = dues([row.id])[row.id]
    boxes = boxes_of(due)
    form = Form(OpenAnswerSchema(), start_of(boxes, due))
    if form.sent:
        with form.attempt():
            at, undo = clock.now(), undo_of(form)
            if undo is not None:
                take_back(actor(), row, recall, undo, at=at)
                address = url_for(".holder", recall_id=recall.id, holder_id=row.id)
                return form.done(address, gettext("Đã rút lại dòng trả lời."))
            clean = form.load()
            told = lines_of(clean)
            answer(row, recall, told, way="phone", at=at, actor=actor(), teller=clean["name"])
            return form.done(url_for(".show", recall_id=recall.id), gettext("Đã ghi trả lời."))
    return form.page(
        "inspection/recalls/holder.html",
        **shared(recall),
        holder=row,
        due=due,
        boxes=boxes,
        **told_so_far(row),
        undoable=("phone", "link") if recall.state == "open" else (),
        link=link_of(row.secret) if not recall.rehearsal else "",
    )


def undo_of(form: Form) -> int | None:
    """The line that is to be taken back, where that was pressed."""
    asked = form.value("undo")
    return int(asked) if asked.isdecimal() and len(asked) <= ID_LIMIT else None


def told_so_far(row: RecallHolder) -> dict[str, Any]:
    """What templates show of a holder's answers."""
    told = answers_of(row)
    lots = db.session.scalars(
        select(Thing).where(among(Thing.id, [one.thing_id for one in told if one.thing_id]))
    )
    return {
        "answers": told,
        "undone": {one.undoes_id for one in told if one.undoes_id is not None},
        "book": states_of(told),
        "lots": {one.id: short_name(one.identity) for one in lots},
    }


def link_of(secret: str | None) -> str:
    """What whoever has no account opens to answer; nothing without a secret."""
    return f"{link_base()}{secret}" if secret else ""


def link_base() -> str:
    """What every such address begins with."""
    return f"{current_settings().public_url.rstrip('/')}/recall/"


def phones(recall_id: int) -> ResponseReturnValue:
    """Whom to call, to be printed: also those without an account."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    cases.note_looks(actor(), recall, at=clock.now())
    db.session.commit()
    rows = holders_of(recall)
    return render_template(
        "inspection/recalls/phones.html",
        **shared(recall),
        holders=rows,
        due=dues([one.id for one in rows]),
        names=names_of(recall),
        link_base=link_base().partition("://")[2],
        code_of=code_of,
        grouped=grouped,
    )


def code_of(secret: str) -> Markup:
    """The code that opens the page of answering, an inch wide on paper."""
    svg = qr_svg(link_of(secret), engine="zxing", title=grouped(secret))
    drawn = svg[svg.index("<svg") :].replace("<svg ", '<svg width="96" height="96" ', 1)
    return Markup(drawn)  # noqa: S704 (drawn by us, its title escaped)


FORMATS: Final = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx),
    "pdf": ("application/pdf", to_pdf),
    "json": ("application/json", to_json),
    "zip": ("application/zip", to_zip),
}


def packet(recall_id: int, form: str) -> ResponseReturnValue:
    """The regulator's packet as a file."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    media_type, write = FORMATS[form]
    at: datetime = clock.now()
    cases.note_looks(actor(), recall, at=at)
    db.session.commit()
    name = f"{'dien-tap' if recall.rehearsal else 'thu-hoi'}-{recall.code}.{form}"
    return Response(
        write(packet_of(recall, at=at)),
        content_type=media_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )


def add_steps(blueprint: Blueprint) -> None:
    """Gives a console these pages."""
    both = ["GET", "POST"]
    case = "/<int:recall_id>"
    blueprint.add_url_rule("/new", view_func=recall_pages.new, methods=both)
    blueprint.add_url_rule(case, view_func=show)
    blueprint.add_url_rule(f"{case}/preview", view_func=recall_pages.preview)
    for view in (
        recall_pages.reason,
        recall_signing.sign,
        recall_signing.second,
        recall_signing.refuse,
        recall_signing.withdraw,
        recall_signing.close,
    ):
        blueprint.add_url_rule(f"{case}/{view.__name__}", view_func=view, methods=both)
    blueprint.add_url_rule(f"{case}/refresh", view_func=refresh, methods=["POST"])
    blueprint.add_url_rule(f"{case}/phones", view_func=phones)
    blueprint.add_url_rule(f"{case}/packet.<any(xlsx, pdf, json, zip):form>", view_func=packet)
    blueprint.add_url_rule(f"{case}/holders/<int:holder_id>", view_func=holder, methods=both)
