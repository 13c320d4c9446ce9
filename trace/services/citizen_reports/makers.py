"""The maker's side: that there are reports on its goods, what the desk passed on, and answering it.

What a maker sees of a report holds nothing of the reporter's: no words, no contact, no place closer
than the province, no day of buying, and a photo only where the desk shared it (rule 4).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from trace.core.gs1 import parse_identity
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Report, ReportStep, Thing
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.citizen_reports import photos
from trace.services.citizen_reports.intake import ReportClosed, desk_page, step, what
from trace.services.citizen_reports.reading import main_of, steps_of, subject_of
from trace.services.deadlines import local_day
from trace.services.notifications import notify
from trace.services.settings import current_settings
from trace.services.successors import predecessors
from trace.services.wards import find_ward

LIST_LIMIT: Final = 500


class NothingAsked(TraceError):
    code = "report-not-passed"
    message = "The authority has not passed this report on to you yet; there is nothing to answer."


@dataclass(frozen=True, slots=True)
class Part:
    """What the maker of the goods sees of one report."""

    id: int
    problem: str
    day: date
    lot: str
    product: str
    path: str
    province: str
    authority: str
    state: str
    outcome: str
    passed: bool
    photos: tuple[int, ...] = ()
    steps: tuple[ReportStep, ...] = ()


def select_reports(actor: Actor) -> Select[Report]:
    """Reports on this organisation's goods, without those held apart, in no order."""
    actor.check("read")
    return (
        select(Report)
        .where(Report.maker_id.in_(_answers_for(actor)), Report.held.is_(False))
        .options(
            joinedload(Report.lot).joinedload(Thing.product),
            joinedload(Report.product),
            joinedload(Report.authority),
        )
    )


def parts_of(actor: Actor) -> list[Part]:
    """The same, the newest first, as many as a page shows."""
    order = (Report.received_at.desc(), Report.id.desc())
    query = select_reports(actor).order_by(*order).limit(LIST_LIMIT)
    return [part(one) for one in db.session.scalars(query)]


def part_of(actor: Actor, report_id: int) -> Part:
    """One of them, with what was passed on and answered. Raises NotFound."""
    report = _get(actor, report_id)
    shared = tuple(one.number for one in photos.photos_of(report) if one.shared)
    return part(report, shared, tuple(steps_of(report, "maker")))


def photo_for_maker(actor: Actor, report_id: int, number: int) -> bytes:
    """A photo the desk shared (JPEG). Raises NotFound."""
    return photos.read_photo_of(_get(actor, report_id), number, shared=True)


def answer_desk(actor: Actor, report_id: int, text: str, *, at: datetime) -> None:
    """The maker's answer to the authority; the reporter does not see it. Raises NotFound,
    NothingAsked, ReportClosed."""
    actor.check("record")
    report = _get(actor, report_id)
    if report.passed_at is None:
        raise NothingAsked
    main = main_of(report)
    if main.closed_at is not None:
        raise ReportClosed
    step(report, "maker", at=at, seen="maker", actor=actor, text=text)
    write_audit(actor, "report.maker", subject_of(report), at=at)
    if report.authority is not None:
        told = {"by": actor.organisation.name, "what": what(report)}
        notify(report.authority, "report-maker", told, at=at, address=desk_page(main))


def _answers_for(actor: Actor) -> list[int]:
    return [actor.organisation.id, *predecessors(actor.organisation.id)]


def _get(actor: Actor, report_id: int) -> Report:
    actor.check("read")
    found = db.session.scalar(
        select(Report).where(
            Report.id == report_id,
            Report.maker_id.in_(_answers_for(actor)),
            Report.held.is_(False),
        )
    )
    if found is None:
        raise NotFound
    return found


def part(report: Report, shared: tuple[int, ...] = (), steps: tuple[ReportStep, ...] = ()) -> Part:
    ward = find_ward(report.bought_ward) if report.bought_ward else None
    base = current_settings().id_base
    identity = parse_identity(report.lot.identity, base) if report.lot is not None else None
    return Part(
        id=report.id,
        problem=report.problem,
        day=local_day(report.received_at),
        lot=what(report) if report.lot is not None else "",
        product=report.product.name if report.product is not None else "",
        # Of the lot: the code of one package would tell who bought it.
        path=f"/t{identity.path}" if identity is not None else "",
        province=ward.province.full_name if ward else "",
        authority=report.authority.name if report.authority is not None else "",
        state=report.state,
        outcome=report.outcome,
        passed=report.passed_at is not None,
        photos=shared,
        steps=steps,
    )
