"""What the desk's own tables hold of a person who has no account there, found and emptied for
`services.subjects`.

1. Holders a recall lists from delivery notes: their name and number, and what they or whoever
   answered the telephone said in their name. Found by the number, or by the case's code. While the
   case is open they are not emptied: goods that may harm people are being looked for.
2. The contact a citizen left with a report: sealed, so each is opened and compared; there are only
   those of reports that are open or were closed a short time ago.
3. What an inspected organisation wrote in answer to a finding, by the finding's code: a name may
   stand in it. The copy the desk reads is emptied; the signed answer is private and stays.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Finding,
    FindingAnswer,
    NoteLink,
    Organisation,
    Recall,
    RecallAnswer,
    RecallHolder,
    Report,
)
from trace.services.citizen_reports.intake import forget_contact
from trace.services.citizen_reports.reading import contact_of
from trace.services.people import parse_login
from trace.services.sets import among

# Two years, as long as records of goods must be kept at most (reference: Circular 74/2011).
RECALLS_KEPT: Final = timedelta(days=730)
MOST: Final = 200
SHOWN: Final = 80
Found = tuple[str, str, str, tuple[str, ...]]  # key, label, where, fields


class RecallRunning(Conflict):
    code = "recall-running"
    message = "The recall %(code)s is open: whoever may have the goods must be reached."
    next_step = "Refuse this part with that reason, or do it when the recall has ended."


def by_number(typed: Sequence[str]) -> list[Found]:
    """Holders of recalls under a telephone number, in the ways it is written."""
    return _holders(RecallHolder.phone.in_(typed))


def by_code(code: str) -> list[Found]:
    """Holders of the recall with this code; answers to the finding with it."""
    answers = db.session.execute(
        select(FindingAnswer, Organisation.name)
        .join(Finding, Finding.id == FindingAnswer.finding_id)
        .join(Organisation, Organisation.id == FindingAnswer.organisation_id)
        .where(Finding.code == code, FindingAnswer.words != "")
        .order_by(FindingAnswer.id)
        .limit(MOST)
    )
    told: list[Found] = [
        (f"finding-answer:{row.id}", row.words[:SHOWN], name, ("words",)) for row, name in answers
    ]
    return _holders(Recall.code == code) + told


def _holders(which: ColumnElement[bool]) -> list[Found]:
    rows = db.session.execute(
        select(RecallHolder, Recall.code)
        .join(Recall, Recall.id == RecallHolder.recall_id)
        .where(which)
        .order_by(RecallHolder.id)
        .limit(MOST)
    ).all()
    said = _tellers([holder.id for holder, _ in rows])
    found: list[Found] = []
    for holder, code in rows:
        told = {"name": holder.name, "phone": holder.phone, "teller": said.get(holder.id, "")}
        fields = tuple(name for name, text in told.items() if text)
        if fields:
            label = " · ".join(text for text in told.values() if text)
            found.append((f"recall-holder:{holder.id}", label, code, fields))
    return found


def _tellers(holders: Collection[int]) -> dict[int, str]:
    rows = db.session.execute(
        select(RecallAnswer.holder_id, func.max(RecallAnswer.teller))
        .where(among(RecallAnswer.holder_id, sorted(holders)), RecallAnswer.teller != "")
        .group_by(RecallAnswer.holder_id)
    )
    return {row[0]: row[1] for row in rows}


def by_contact(value: str) -> list[Found]:
    """Reports whose reporter left this number or address (rule 2)."""
    found: list[Found] = []
    for report in db.session.scalars(select(Report).where(Report.contact.is_not(None))):
        left = ""
        try:
            left = contact_of(report).contact
            same = parse_login(left).value == value
        except TraceError:  # broken, or neither a number nor an address: compared as it stands
            same = left.strip() == value
        if same:
            found.append((f"report:{report.id}", left, f"{report.id}", ("contact",)))
    return found


def erase(kind: str, number: int, *, at: datetime) -> bool:
    """Empties what one of these keys names; False for another's kind. Raises NotFound,
    RecallRunning."""
    if kind == "recall-holder":
        holder = db.session.get(RecallHolder, number)
        if holder is None:
            raise NotFound
        recall = db.session.get_one(Recall, holder.recall_id)
        if recall.state == "open":
            raise RecallRunning(code=recall.code)
        _empty([holder.id])
        if holder.shipment_id is not None:  # the note it was listed from says the same
            link = db.session.get(NoteLink, holder.shipment_id)
            if link is not None:
                link.name = link.phone = ""
    elif kind == "report":
        report = db.session.get(Report, number)
        if report is None:
            raise NotFound
        forget_contact(report, at=at)
    elif kind == "finding-answer":
        answer = db.session.get(FindingAnswer, number)
        if answer is None:
            raise NotFound
        answer.words = ""
    else:
        return False
    return True


def empty_shipment(shipment_id: int) -> None:
    """The same of recalls that listed whoever answered this note. Raises RecallRunning."""
    rows = db.session.execute(
        select(RecallHolder.id, Recall.code, Recall.state)
        .join(Recall, Recall.id == RecallHolder.recall_id)
        .where(RecallHolder.shipment_id == shipment_id)
    ).all()
    for row in rows:
        if row.state == "open":
            raise RecallRunning(code=row.code)
    _empty([row.id for row in rows])


def forget_recalls(*, at: datetime) -> int:
    """Empties names, numbers and what was said by link or telephone of the holders of recalls that
    ended RECALLS_KEPT ago, and ends their links; how many. The caller commits, every hour."""
    over = select(Recall.id).where(Recall.ended_at <= at - RECALLS_KEPT)
    told = db.session.scalars(
        select(RecallHolder.id)
        .where(RecallHolder.recall_id.in_(over), RecallHolder.secret.is_not(None))
        .limit(10_000)
    ).all()
    _empty(told)
    db.session.execute(
        update(RecallHolder)
        .where(among(RecallHolder.id, list(told)))
        .values(secret=None)
        .execution_options(synchronize_session=False)
    )
    return len(told)


def _empty(holders: Collection[int]) -> None:
    db.session.execute(
        update(RecallHolder)
        .where(among(RecallHolder.id, list(holders)))
        .values(name="", phone="")
        .execution_options(synchronize_session="fetch")
    )
    db.session.execute(
        update(RecallAnswer)
        .where(among(RecallAnswer.holder_id, list(holders)), RecallAnswer.way != "account")
        .values(teller="", note="")
        .execution_options(synchronize_session="fetch")
    )
