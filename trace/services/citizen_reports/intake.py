"""A report comes in, and its reporter comes back to it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select

from trace.errors import Conflict, TraceError
from trace.extensions import db
from trace.models import Organisation, Report, ReportStep
from trace.models.reports import URGENT
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import short_name
from trace.services.citizen_reports import photos
from trace.services.citizen_reports.goods import Goods, find_goods, ward_of_sale
from trace.services.citizen_reports.reading import (
    SEVERAL,
    Contact,
    by_code,
    main_of,
    put_contact,
    same_lot,
    subject_of,
)
from trace.services.citizen_reports.routing import deadlines_for, route
from trace.services.deadlines import local_day
from trace.services.notifications import notify
from trace.services.tracking_codes import code_for, digest_of

KEPT_DAYS: Final = 90
DESK: Final = "/inspection/citizen-reports/"
MAKERS: Final = "/producer/citizen-reports/"
REPLIES: Final = 20  # of one reporter: a page to answer on, not to fill


class ReportClosed(Conflict):
    code = "report-closed"
    message = "This report is closed."


class TooManyReplies(TraceError):
    code = "too-many-replies"
    status = 429
    message = "At most %(limit)d additions fit to one report. Send a new report for something new."


def submit(
    values: Mapping[str, Any],
    kept: photos.Kept = (),
    *,
    at: datetime,
    once: str,
    locale: str = "vi",
    held: bool = False,
) -> tuple[Report, str]:
    """(the report, its tracking code). `values` are those of schemas.reports.ProblemForm; `once`,
    the form's one-time key, gives the same report and code again."""
    code = code_for("report", once)
    earlier = by_code(code)
    if earlier is not None:
        return earlier, code
    goods = find_goods(values["about"]) if values["about"] else Goods("")
    report = Report(
        code_hash=digest_of(code),
        problem=values["problem"],
        locale=locale,
        about=goods.about[:300],
        lot_id=goods.lot.id if goods.lot else None,
        product_id=goods.product.id if goods.product else None,
        maker_id=goods.maker.id if goods.maker else None,
        bought_on=values["bought_on"],
        bought_ward=values["bought_ward"],
        bought_at=values["bought_at"],
        people=values["people"] if values["problem"] in URGENT else None,
        words=values["words"],
        urgent=values["problem"] in URGENT,
        held=held,
        received_at=at,
    )
    _place(report, goods, at)
    if values["contact"]:
        left = Contact(values["contact"], values["tell"], values["ask"], code)
        put_contact(report, left)
    db.session.add(report)
    db.session.flush()
    photos.attach(report, kept)
    step(report, "received", at=at, seen="reporter", by=report.authority)
    write_audit(None, "report.receive", subject_of(report), at=at, problem=report.problem)
    tell_desk(report, at=at)
    return report, code


def _place(report: Report, goods: Goods, at: datetime) -> None:
    """Where it goes (rule 2), and by when (rule 3)."""
    ways = (
        ("bought", report.bought_ward),
        ("sale", ward_of_sale(goods)),
        ("maker", goods.maker.ward_code if goods.maker else None),
    )
    by, ward = next(((by, ward) for by, ward in ways if ward), ("nowhere", None))
    category = goods.product.category if goods.product else ""
    found = route(ward, report.problem, category)
    report.ward_code, report.placed_by, report.sector = ward, by, found.sector
    report.authority_id = found.authority.id if found.authority else None
    report.authority = found.authority
    report.look_by, report.answer_by = deadlines_for(found.authority, report.problem, at=at)


def step(
    report: Report,
    kind: str,
    *,
    at: datetime,
    seen: str = "desk",
    actor: Actor | None = None,
    by: Organisation | None = None,
    text: str = "",
    reference: str = "",
) -> ReportStep:
    """Writes down what happened to a report; `by` is the organisation named, the actor's unless
    said otherwise."""
    named = by or (actor.organisation if actor else None)
    made = ReportStep(
        report_id=report.id,
        at=at,
        kind=kind,
        seen=seen,
        organisation_id=named.id if named is not None else None,
        person_id=actor.person.id if actor and actor.person else None,
        text=text,
        reference=reference,
    )
    db.session.add(made)
    return made


def tell_desk(report: Report, *, at: datetime, maker: bool = True) -> None:
    """Tells the desk that has it, and the maker; of one held apart only that there is a burst."""
    desk = report.authority
    if desk is None:  # no authority for this place is here yet; looked for again every hour
        for one in db.session.scalars(select(Organisation).where(Organisation.kind == "platform")):
            notify(one, "report-unplaced", at=at, once=True)
        return
    address = desk_page(report)
    if report.held:
        notify(desk, "report-held", at=at, address=f"{DESK}?view=held", once=True)
        return
    day = f"{local_day(report.look_by):%d/%m/%Y}"
    word = "report-urgent" if report.urgent else "report-waiting"
    told = {"day": day, "what": what(report)}
    # What is not urgent is told once until somebody looks: the list has the rest.
    notify(desk, word, told, at=at, address=address, once=not report.urgent)
    if report.lot_id is not None:
        count = same_lot([report.lot_id], at=at).get(report.lot_id, 0)
        if count >= SEVERAL:
            notify(
                desk,
                "report-several",
                {"count": count, "what": what(report)},
                at=at,
                address=address,
                subject=f"several:{report.lot_id}:{local_day(at):%G-%V}",
            )
    if maker and report.maker is not None and report.maker.closed_at is None:
        notify(
            report.maker,
            "report-goods",
            {"what": what(report)},
            at=at,
            address=maker_page(report),
            once=True,
        )


def desk_page(report: Report) -> str:
    """The address of a report on the desk."""
    return f"{DESK}{report.id}"


def maker_page(report: Report) -> str:
    """The address of a report for the maker of its goods."""
    return f"{MAKERS}{report.id}"


def what(report: Report) -> str:
    """The goods in a few words: the product and the lot's short name, or what was typed."""
    lot = short_name(report.lot.identity) if report.lot is not None else ""
    product = report.product.name if report.product is not None else ""
    return " ".join(part for part in (product, lot) if part) or report.about[:60] or "–"


def reply(report: Report, text: str, *, at: datetime, once: str) -> None:
    """The reporter adds something, or answers what was asked; the same form (`once`) adds it once.
    Raises ReportClosed, TooManyReplies."""
    known = select(ReportStep.id).where(
        ReportStep.report_id == report.id, ReportStep.reference == f"form:{once}"
    )
    if db.session.scalar(known) is not None:
        return
    main = main_of(report)
    if report.closed_at is not None or main.closed_at is not None:
        raise ReportClosed
    sent = db.session.scalar(
        select(func.count()).where(ReportStep.report_id == report.id, ReportStep.kind == "reply")
    )
    if (sent or 0) >= REPLIES:
        raise TooManyReplies(path="text", limit=REPLIES)
    step(report, "reply", at=at, seen="reporter", text=text, reference=f"form:{once}")
    if report.state in ("asked", "answered"):
        report.state = "looking"
    write_audit(None, "report.reply", subject_of(report), at=at)
    if report.authority is not None and not report.held:
        notify(
            report.authority,
            "report-replied",
            {"what": what(report)},
            at=at,
            address=desk_page(main),
            once=True,
        )


def forget_contact(report: Report, *, at: datetime) -> None:
    """The reporter takes the contact back before its time."""
    if report.contact is not None:
        report.contact = None
        write_audit(None, "report.forget", subject_of(report), at=at)
