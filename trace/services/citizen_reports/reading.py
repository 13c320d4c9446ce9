"""Reports as read: by their code, their steps, how many there are on one lot."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from trace.errors import NotFound
from trace.extensions import db
from trace.models import Report, ReportStep
from trace.services.sealing import seal, unseal
from trace.services.sets import among
from trace.services.tracking_codes import digest_of, read_code

WEEK: Final = timedelta(days=7)
SEVERAL: Final = 3  # on one lot within a week: looked at before others


class UnknownReport(NotFound):
    code = "unknown-report"
    message = "No report has this code. Look at it again, character by character."


@dataclass(frozen=True, slots=True)
class Contact:
    """How the reporter can be reached, and for what: to be told of the answer, to be asked. `code`
    opens the reporter's page from a message."""

    contact: str = ""
    tell: bool = False
    ask: bool = False
    code: str = ""


def find_by_code(typed: str) -> Report:
    """The report of a code as typed. Raises CodeLength, CodeCharacter, UnknownReport."""
    found = by_code(read_code(typed))
    if found is None:
        raise UnknownReport(path="code")
    return found


def by_code(code: str) -> Report | None:
    """The report of a code as it was given out."""
    return db.session.scalar(select(Report).where(Report.code_hash == digest_of(code)))


def main_of(report: Report) -> Report:
    """The report it was merged into, else itself: where its answer is written."""
    if report.merged_into_id is None:
        return report
    return db.session.get_one(Report, report.merged_into_id)


def merged_into(report: Report) -> list[Report]:
    """The reports that are looked into together with this one."""
    query = select(Report).where(Report.merged_into_id == report.id).order_by(Report.id)
    return list(db.session.scalars(query))


def steps_of(report: Report, *seen: str) -> list[ReportStep]:
    """What happened, the oldest first; only what is `seen` by these, where any are named."""
    query = (
        select(ReportStep)
        .where(ReportStep.report_id == report.id)
        .options(joinedload(ReportStep.organisation))
        .order_by(ReportStep.at, ReportStep.id)
    )
    if seen:
        query = query.where(ReportStep.seen.in_(seen))
    return list(db.session.scalars(query))


def same_lot(lots: Collection[int], *, at: datetime) -> dict[int, int]:
    """How many reports each lot had within the week before; those held apart are not counted."""
    rows = db.session.execute(
        select(Report.lot_id, func.count())
        .where(
            among(Report.lot_id, sorted(lots)),
            Report.received_at > at - WEEK,
            Report.received_at <= at,
            Report.held.is_(False),
        )
        .group_by(Report.lot_id)
    )
    return {lot: count for lot, count in rows if lot is not None}


def contact_of(report: Report) -> Contact:
    """What the reporter left; empty where nothing was left or it is forgotten. Raises
    SealedTextBroken."""
    if report.contact is None:
        return Contact()
    return Contact(**unseal(report.contact, sealed_for(report)))


def put_contact(report: Report, contact: Contact) -> None:
    """Seals what the reporter left."""
    told = {name: getattr(contact, name) for name in Contact.__slots__}
    report.contact = seal(told, sealed_for(report))


def sealed_for(report: Report) -> str:
    """What a contact is sealed for: it does not open beside another report."""
    return f"report:{report.code_hash.hex()}"


def late(report: Report, *, at: datetime) -> bool:
    """Whether one of its days has passed with nothing done."""
    if report.closed_at is not None or report.answered_at is not None:
        return False
    return next_deadline(report) < at


def next_deadline(report: Report) -> datetime:
    """By when the next thing should have happened."""
    return report.look_by if report.looked_at is None else report.answer_by


def subject_of(report: Report) -> str:
    """How the audit and notifications name a report."""
    return f"report:{report.id}"
