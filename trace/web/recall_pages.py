"""The pages of a case, the same for authorities and for makers: choose, preview, reason, sign, the
second signature, the board, the phone list, the packet, ending it.

Each blueprint of a console takes these views by `add_steps`; addresses within a case are relative
to the blueprint (".show"), and the frame is the console's.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from flask import Blueprint, Response, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from trace import clock
from trace.extensions import db
from trace.models import Organisation, Recall, Thing
from trace.models.recalls import FATES, HAZARDS, KINDS
from trace.schemas.recalls import (
    ChooseSchema,
    ClassSchema,
    OpenAnswerSchema,
    ReasonSchema,
    RecallClassSchema,
    SignSchema,
)
from trace.schemas.records import local_moment
from trace.services import jurisdictions
from trace.services.batches import short_name
from trace.services.recalls import cases, signing
from trace.services.recalls.answering import (
    Line,
    answer,
    answers_of,
    board_of,
    dues,
    follow,
    holder_of_case,
    holders_of,
    names_of,
)
from trace.services.recalls.cases import KINDS_CHOSEN, Wanted, get_recall
from trace.services.recalls.packet import packet_of, to_json, to_xlsx
from trace.services.recalls.papers import to_pdf
from trace.services.recalls.reaching import Held, chosen_things, closure, sums
from trace.services.recalls.rules import decide_by, powers_of
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.lists import PAGE_SIZE, Listing
from trace.web.pages import number
from trace.web.recall_words import WORDS, holder_words, kind_words, state_words

ID_LIMIT: Final = 18  # digits of a row's number


def frame() -> str:
    """The console's frame."""
    return f"{'inspection' if request.blueprint == 'recalls' else 'producer/recalls'}/frame.html"


def shared(recall: Recall | None = None) -> dict[str, Any]:
    """What every template of a case may use."""
    told: dict[str, Any] = {
        **WORDS,
        "frame": frame(),
        "short_name": short_name,
        "number_of": number,
        "recall": recall,
        "at_desk": request.blueprint == "recalls",
        "back_to": url_for(".index"),
        "back_words": gettext("Thu hồi, tạm giữ, khuyến cáo"),
        "mine": recall is not None and recall.organisation_id == actor().organisation.id,
    }
    if recall is not None and request.endpoint and not request.endpoint.endswith((".show", ".new")):
        told |= {"back_to": url_for(".show", recall_id=recall.id), "back_words": title_of(recall)}
    return told


def title_of(recall: Recall) -> str:
    """ "Thu hồi 7K3QM-P2XV4"."""
    words = f"{kind_words(recall.kind)} {recall.code[:5]}-{recall.code[5:]}"
    return f"{gettext('DIỄN TẬP')}: {words}" if recall.rehearsal else words


def listing_of() -> Listing[Recall]:
    """The organisation's cases."""
    return Listing(
        cases.list_recalls(actor()),
        words=lambda one: (one.code, one.reason, kind_words(one.kind), one.organisation.name),
        filters={"state": lambda one: one.state, "kind": lambda one: one.kind},
    )


def csv_of(listing: Listing[Recall]) -> Response:
    """The same as a spreadsheet."""
    head = [
        gettext("Mã hồ sơ"),
        gettext("Loại"),
        gettext("Tình trạng"),
        gettext("Lý do"),
        gettext("Xác định lúc"),
        gettext("Ký lúc"),
        gettext("Trang cảnh báo"),
    ]
    return listing.csv(
        "thu-hoi",
        head,
        lambda one: [
            one.code,
            kind_words(one.kind),
            state_words(one.state),
            one.reason,
            one.determined_at,
            one.signed_at,
            one.reached,
        ],
    )


# -- choose ----------------------------------------------------------------------------------------


def new() -> ResponseReturnValue:
    """Page 1: codes, a place and a time; then what was found, and where it comes from."""
    form = Form(
        ChooseSchema(),
        {
            "codes": request.args.get("of", "")[:2000],
            "kind": request.args.get("kind", "recall"),
            "rehearsal": request.args.get("rehearsal") == "yes",
            "sector": min(jurisdictions.sectors_of(actor().organisation)),
        },
    )
    found: list[Thing] = []
    sources: list[Thing] = []
    chosen = set(form.all("thing"))
    if form.sent:
        with form.attempt():
            clean = form.load()
            wanted = _wanted(clean)
            if chosen:
                found = _things(chosen)
            if not chosen or request.form.get("act") == "look":
                found = cases.find(actor(), wanted)
                cases.check_reach(actor(), found)
                sources = _within(cases.upstream(found))
                chosen = {str(thing.id) for thing in found}
            else:
                recall = cases.begin(
                    actor(),
                    wanted,
                    found,
                    kind=clean["kind"],
                    rehearsal=clean["rehearsal"],
                    sector=clean["sector"] if actor().organisation.kind == "authority" else "",
                    at=clock.now(),
                )
                return form.done(url_for(".preview", recall_id=recall.id))
    if chosen and not found:
        found = _things(chosen)
    return form.page(
        "inspection/recalls/new.html",
        **shared(),
        found=found,
        sources=sources,
        chosen=chosen,
        kinds=[(kind, kind_words(kind)) for kind in KINDS],
        sectors=sorted(jurisdictions.sectors_of(actor().organisation)),
    )


def _wanted(clean: dict[str, Any]) -> Wanted:
    codes = [line.strip() for line in clean["codes"].splitlines() if line.strip()]
    return Wanted(codes, clean["place"], clean["since"] or None, clean["until"] or None)


def _things(chosen: set[str]) -> list[Thing]:
    ids = [int(one) for one in chosen if one.isdecimal() and len(one) <= ID_LIMIT]
    return list(
        db.session.scalars(
            select(Thing)
            .where(among(Thing.id, ids[: cases.MOST_ITEMS]), Thing.kind.in_(KINDS_CHOSEN))
            .order_by(Thing.id)
        )
    )


def _within(things: list[Thing]) -> list[Thing]:
    """Those that one may choose as well."""
    mine = actor().organisation
    if mine.kind != "authority":
        return [thing for thing in things if thing.owner_id == mine.id]
    within = jurisdictions.reach(actor(), [thing.id for thing in things])
    return [thing for thing in things if within.get(thing.id) is not None]


# -- preview, reason, sign -------------------------------------------------------------------------


def preview(recall_id: int) -> ResponseReturnValue:
    """Page 2: everything downstream, who has it, whom to call."""
    recall = get_recall(actor(), recall_id)
    found = closure([thing.id for thing in chosen_things(recall)])
    held = found.holders()
    names = _organisations(held)
    listing = Listing(
        held,
        words=lambda one: (
            one.name,
            names[one.organisation_id].name if one.organisation_id in names else "",
        ),
    )
    cases.note_looks(actor(), recall, at=clock.now())
    db.session.commit()
    return render_template(
        "inspection/recalls/preview.html",
        **shared(recall),
        counts=found.counted(),
        total=len(found.things),
        mixed=found.mixed,
        totals=sums(held),
        listing=listing,
        names=names,
        items=chosen_things(recall),
        one_sided=sum(one.one_sided for one in held),
        page_size=PAGE_SIZE,
    )


def _organisations(held: list[Held]) -> dict[int, Organisation]:
    ids = {one.organisation_id for one in held} | {one.giver_id for one in held}
    rows = db.session.scalars(
        select(Organisation).where(among(Organisation.id, sorted(i for i in ids if i is not None)))
    )
    return {row.id: row for row in rows}


def reason(recall_id: int) -> ResponseReturnValue:
    """Page 3: why, how grave, what to do."""
    recall = get_recall(actor(), recall_id)
    schema = RecallClassSchema() if recall.kind == "recall" else ClassSchema()
    form = Form(
        schema,
        {
            "hazard": recall.hazard,
            "grade": recall.grade or "",
            "reason": recall.reason,
            "instructions": recall.instructions,
            "determined_at": local_moment(recall.determined_at or clock.now()),
        },
    )
    if form.sent:
        with form.attempt():
            clean = form.load()
            signing.check_words(clean["reason"], "reason")
            signing.check_words(clean["instructions"], "instructions")
            values = {**clean, "grade": int(clean["grade"] or 0)}
            cases.choose_class(actor(), recall, values, at=clock.now())
            return form.done(url_for(".sign", recall_id=recall.id))
    return form.page(
        "inspection/recalls/reason.html", **shared(recall), hazards=HAZARDS, grades=(1, 2, 3)
    )


def sign(recall_id: int) -> ResponseReturnValue:
    """Page 4: signing, or handing it to who may."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    powers = cases.powers_for(actor(), recall, at=clock.now())
    form = Form(SignSchema())
    total = len(closure([thing.id for thing in chosen_things(recall)]).things)
    if form.sent:
        with form.attempt():
            clean = form.load()
            if request.form.get("act") == "propose":
                cases.propose(actor(), recall, at=clock.now())
                address = url_for(".show", recall_id=recall.id)
                return form.done(address, gettext("Đã gửi đề xuất."))
            confirm_person()
            typed = clean["count"]
            typed = None if typed is None else int(typed)
            told = signing.sign(actor(), recall, typed, at=clock.now())
            message = (
                gettext("Đã ký lần thứ nhất. Chờ người phụ trách thứ hai.")
                if told.waits
                else _signed_words(recall, told.reached)
            )
            return form.done(url_for(".show", recall_id=recall.id), message)
    wide = powers.most is not None and total > powers.most
    return form.page(
        "inspection/recalls/sign.html",
        **shared(recall),
        ask_password=password_asked(),
        total=total,
        confirm=total >= powers.confirm_from,
        two=not recall.rehearsal and powers.needs_two(recall.kind, recall.grade),
        may_sign=_may_sign() and powers.may(recall.kind) == "decide" and not wide,
        may_propose=powers.level != "maker" and (powers.may(recall.kind) == "propose" or wide),
        decider=cases.decider_for(recall) if powers.level != "maker" else None,
        names=names_of(recall),
        hours=int(powers.answer_within(recall.grade).total_seconds() // 3600),
    )


def _signed_words(recall: Recall, reached: int) -> str:
    if recall.rehearsal:
        return str(gettext("Diễn tập bắt đầu: không có gì công khai."))
    return str(gettext("Đã ký. %(count)s trang đang cảnh báo.", count=reached))


def _may_sign() -> bool:
    mine = actor()
    return mine.may("decide" if mine.organisation.kind == "authority" else "manage")


def second(recall_id: int) -> ResponseReturnValue:
    """The second supervisor's own page, with the time that is left."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    form = Form(SignSchema())
    if form.sent:
        with form.attempt():
            if request.form.get("act") == "back":
                signing.take_back(actor(), recall, at=clock.now())
                address = url_for(".show", recall_id=recall.id)
                return form.done(address, gettext("Đã rút chữ ký."))
            confirm_person()
            told = signing.sign_second(actor(), recall, at=clock.now())
            address = url_for(".show", recall_id=recall.id)
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
    )


def end(recall_id: int, what: str) -> ResponseReturnValue:
    """Withdrawing what was a mistake, closing what is done: both signed and public."""
    recall = get_recall(actor(), recall_id)
    cases.check_mine(actor(), recall)
    form = Form(ReasonSchema())
    if form.sent:
        with form.attempt():
            clean = form.load()
            confirm_person()
            state = "withdrawn" if what == "withdraw" else "closed"
            signing.end(actor(), recall, state, clean["reason"], at=clock.now())
            return form.done(url_for(".show", recall_id=recall.id), gettext("Đã ký kết thúc."))
    act = gettext("Ký rút lại") if what == "withdraw" else gettext("Ký kết thúc")
    return form.page(
        "inspection/recalls/end.html",
        **shared(recall),
        what=what,
        act=act,
        names=names_of(recall),
        board=board_of(recall),
        ask_password=password_asked(),
    )


def withdraw(recall_id: int) -> ResponseReturnValue:
    """It was a mistake."""
    return end(recall_id, "withdraw")


def close(recall_id: int) -> ResponseReturnValue:
    """It is done."""
    return end(recall_id, "close")


# -- the board -------------------------------------------------------------------------------------


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
        may_sign=_may_sign(),
        may=powers.may(recall.kind),
        fates=FATES,
    )


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
    form = Form(OpenAnswerSchema(), start_of(row.id))
    if form.sent:
        with form.attempt():
            clean = form.load()
            at = clock.now()
            told = lines_of(clean)
            answer(row, recall, told, way="phone", at=at, actor=actor(), teller=clean["name"])
            return form.done(url_for(".show", recall_id=recall.id), gettext("Đã ghi trả lời."))
    return form.page(
        "inspection/recalls/holder.html",
        **shared(recall),
        holder=row,
        due=dues([row.id])[row.id],
        answers=answers_of(row),
        fates=FATES,
        by_phone=True,
        link=link_of(row.secret) if not recall.rehearsal else "",
    )


def link_of(secret: str | None) -> str:
    """What whoever has no account opens to answer."""
    return f"{current_settings().public_url.rstrip('/')}/recall/{secret}" if secret else ""


def start_of(holder_id: int) -> dict[str, object]:
    """What a first answer is filled in with: what the holder's own records say it sold."""
    found: dict[str, object] = {}
    place = 0
    for due in dues([holder_id])[holder_id]:
        for fate in FATES:
            if fate == "sold" and due.sold and not due.answered:
                found[f"lines-{place}-quantity"] = due.sold
            place += 1
    return found


def lines_of(clean: dict[str, Any]) -> list[Line]:
    """The lines of an answer as typed, each at the place it has in the form."""
    rows = clean["lines"] or ()
    length = 1 + max((row["row"] for row in rows), default=-1)
    found = [Line("held", "", Decimal(0))] * length
    for row in rows:
        quantity = row["quantity"] or Decimal(0)
        found[row["row"]] = Line(row["fate"], row["unit"], quantity, clean["note"])
    return found


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
        link_of=link_of,
    )


FORMATS: Final = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", to_xlsx),
    "pdf": ("application/pdf", to_pdf),
    "json": ("application/json", to_json),
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
    blueprint.add_url_rule("/new", view_func=new, methods=both)
    blueprint.add_url_rule(case, view_func=show)
    blueprint.add_url_rule(f"{case}/preview", view_func=preview)
    for view in (reason, sign, second, refuse, withdraw, close):
        blueprint.add_url_rule(f"{case}/{view.__name__}", view_func=view, methods=both)
    blueprint.add_url_rule(f"{case}/refresh", view_func=refresh, methods=["POST"])
    blueprint.add_url_rule(f"{case}/phones", view_func=phones)
    blueprint.add_url_rule(f"{case}/packet.<any(xlsx, pdf, json):form>", view_func=packet)
    blueprint.add_url_rule(f"{case}/holders/<int:holder_id>", view_func=holder, methods=both)
