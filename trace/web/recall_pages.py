"""The pages of a case, the same for authorities and for makers: choose, preview, reason. Signing
and ending are `recall_signing`; the board, the phone list and the packet `recall_board`.

Each blueprint of a console takes these views by `add_steps`; addresses within a case are relative
to the blueprint (".show"), and the frame is the console's.
"""

from __future__ import annotations

from typing import Any, Final

from flask import Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import select

from trace import clock
from trace.extensions import db
from trace.models import Organisation, Recall, Thing
from trace.models.recalls import HAZARDS, KINDS
from trace.schemas.recalls import ChooseSchema, ClassSchema, RecallClassSchema
from trace.schemas.records import local_moment
from trace.services import jurisdictions
from trace.services.batches import short_name
from trace.services.recalls import cases, signing
from trace.services.recalls.cases import KINDS_CHOSEN, Wanted, get_recall
from trace.services.recalls.partners import known_to
from trace.services.recalls.reaching import Held, chosen_things, closure, sums
from trace.services.sets import among
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.lists import PAGE_SIZE, Listing
from trace.web.pages import number
from trace.web.recall_words import (
    WORDS,
    kind_words,
    state_words,
)

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
                sources = cases.within(actor(), cases.upstream(found))
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
    """By their rows' numbers, which anybody can count: only what one may choose is told of."""
    ids = [int(one) for one in chosen if one.isdecimal() and len(one) <= ID_LIMIT]
    rows = db.session.scalars(
        select(Thing)
        .where(among(Thing.id, ids[: cases.MOST_ITEMS]), Thing.kind.in_(KINDS_CHOSEN))
        .order_by(Thing.id)
    )
    return cases.within(actor(), rows.all())


# -- preview, reason, sign -------------------------------------------------------------------------


def preview(recall_id: int) -> ResponseReturnValue:
    """Page 2: everything downstream, who has it, whom to call."""
    recall = get_recall(actor(), recall_id)
    found = closure([thing.id for thing in chosen_things(recall)])
    held = found.holders()
    told = held
    if recall.signed_at is None or recall.rehearsal:
        told = known_to(actor().organisation, held, rehearsal=recall.rehearsal)
    names = _organisations(told)
    listing: Listing[Held] = Listing(
        told,
        words=lambda one: (
            one.name,
            names[one.organisation_id].name if one.organisation_id in names else "",
        ),
    )
    cases.note_looks(actor(), recall, at=clock.now())
    db.session.commit()
    if listing.wants_csv:
        return listing.csv("noi-giu", holder_head(), lambda one: _held_row(one, names))
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
        held=len(held),
        untold=len(held) - len(told),
        page_size=PAGE_SIZE,
    )


def holder_head() -> list[str]:
    """The columns of a list of holders."""
    return [
        gettext("Tên"),
        gettext("Điện thoại"),
        gettext("Số lô, kiện"),
        gettext("Số lượng"),
        gettext("Chỉ một bên khai"),
        gettext("Trả lời"),
    ]


def _held_row(one: Held, names: dict[int, Organisation]) -> list[object]:
    place = names.get(one.organisation_id or 0)
    name, phone = (place.name, place.phone) if place else (one.name, one.phone)
    return [name, phone, one.things, WORDS["amounts_words"](one.amounts), one.one_sided, ""]


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
        version=recall.version,
    )
    form.outbox = False  # it is looked at, not sent unseen
    if form.sent:
        with form.attempt():
            clean = form.load()
            signing.check_words(clean["reason"], "reason")
            signing.check_words(clean["instructions"], "instructions")
            values = {**clean, "grade": int(clean["grade"] or 0)}
            cases.choose_class(actor(), recall, values, version=form.version, at=clock.now())
            return form.done(url_for(".sign", recall_id=recall.id))
    return form.page(
        "inspection/recalls/reason.html", **shared(recall), hazards=HAZARDS, grades=(1, 2, 3)
    )


def may_sign() -> bool:
    """Whether this person may sign at all, whatever the office may."""
    mine = actor()
    return mine.may("decide" if mine.organisation.kind == "authority" else "manage")
