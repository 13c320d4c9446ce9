"""Two cases of the demonstration's authority: a concluded inspection, a recall in progress.

The inspection is of the lot that was harvested too early: visited, a finding put right, concluded.
The recall is the case behind the notice that stands on the recalled lot since the world was told:
who has the goods was asked, one holder has answered for all, one for a part.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from sqlalchemy import exists, select

from trace.core.gs1 import canonical_uri, parse_path
from trace.extensions import db
from trace.models import Alert, Event, Inspection, Organisation, Recall, RecallNotice, Thing
from trace.services.actors import Actor
from trace.services.check_lists import get_list
from trace.services.deadlines import local_day
from trace.services.demo.stage import Landmark
from trace.services.findings import About, close_finding, open_finding
from trace.services.inspections import inspectors, plan, record_visit
from trace.services.inspections_ending import conclude
from trace.services.inspections_events import Said
from trace.services.recalls import answering, cases, telling
from trace.services.recalls.booking import Line
from trace.services.records import Draw
from trace.services.settings import current_settings

STATEMENTS: Final = 4  # of the inspection: visit, finding, closing, conclusion
_ANSWER_TIME: Final = timedelta(hours=72)


def write_cases(landmarks: Sequence[Landmark], authority: Organisation, *, now: datetime) -> int:
    """Both cases, as far as their goods are there; once however often it is called. The caller
    commits. Returns how many statements were signed for them, in this call or before."""
    actor = Actor(authority, None, "supervisor")
    at = now - timedelta(minutes=1)
    things = {one.state: one.path for one in reversed(landmarks)}
    count = 0
    if "on-hold" in things:
        if not db.session.scalar(select(exists().where(Inspection.authority_id == authority.id))):
            _inspect(actor, _thing(things["on-hold"]), at)
        count = STATEMENTS
    begun = select(exists().where(Recall.organisation_id == authority.id))
    if "recalled" in things and not db.session.scalar(begun):
        _recall(actor, _thing(things["recalled"]), at)
    return count


def _thing(path: str) -> Thing:
    identity = canonical_uri(parse_path(path).identity, current_settings().id_base)
    return db.session.scalars(select(Thing).where(Thing.identity == identity)).one()


def _said(actor: Actor, name: str, when: datetime, note: str = "") -> Said:
    secret = current_settings().secret_key
    return Said(when, Draw(secret, actor.organisation.code, f"demonstration-{name}"), note)


def _inspect(actor: Actor, lot: Thing, at: datetime) -> None:
    hours = [at - timedelta(hours=one) for one in (6, 5, 2, 1)]
    case = plan(
        actor,
        {
            "lots": lot.identity,
            "planned_on": local_day(at),
            "assigned": next((one.id for one in reversed(inspectors(actor))), None),
            "reason": "Thu sớm hơn nhãn thuốc yêu cầu",
        },
        get_list(actor, "farm"),
        at=at,
    )
    answers = {"01": {"answer": "yes"}, "03": {"answer": "no", "note": "Thu khi chưa đủ ngày"}}
    note = "Có mặt người phụ trách xưởng."
    record_visit(actor, case, answers, _said(actor, "visit", hours[0], note), at=at)
    told = {
        "rule": "interval",
        "severity": "major",
        "words": "Lô được thu trước khi đủ ngày cách ly.",
        "action": "Giữ riêng lô, xem lại cách báo ngày thu",
        "due_on": local_day(at),
    }
    about = About(case.organisation, (lot,))
    found = open_finding(actor, about, told, _said(actor, "finding", hours[1]), at=at, case=case)
    words = "Lô đã để riêng; sổ phun thuốc được xem trước khi báo ngày thu."
    close_finding(actor, found, words, _said(actor, "closed", hours[2], words), at=at)
    public = "Thiếu sót đã được khắc phục; lô còn tạm dừng bán."
    conclude(actor, case, "partly", public, _said(actor, "end", hours[3]), at=at)


def _recall(actor: Actor, lot: Thing, at: datetime) -> None:
    notice, signed = db.session.execute(
        select(Alert.event_id, Event.event_time)
        .join(Event, Event.id == Alert.event_id)
        .where(Alert.thing_id == lot.id, Alert.kind == "recall")
        .order_by(Alert.event_id)
        .limit(1)
    ).one()
    wanted = cases.Wanted([lot.identity])
    begun = signed - timedelta(hours=3)
    case = cases.begin(
        actor, wanted, cases.find(actor, wanted), kind="recall", rehearsal=False, at=begun
    )
    values = {
        "hazard": "health",
        "grade": 2,
        "reason": "Dư lượng hoạt chất vượt giới hạn (tình huống giả định)",
        "instructions": "Ngừng bán, để riêng, báo số lượng còn lại.",
        "determined_at": begun,
    }
    cases.choose_class(actor, case, values, version=case.version, at=begun)
    # The notice was signed when the world was told; the case takes it as its own.
    ends = max(signed + _ANSWER_TIME, at + timedelta(hours=20))
    reached = db.session.scalars(select(Alert.mixed).where(Alert.event_id == notice)).all()
    signer = next((one.id for one in inspectors(actor)), None)
    opened = {
        "state": "open",
        "signer": signer,
        "decided_by": signer,
        "signed_at": signed,
        "decided_at": signed,
        "answer_by": ends,
        "reached": len(reached),
        "reached_mixed": sum(reached),
    }
    cases.move(case, "draft", opened)
    db.session.add(RecallNotice(event_id=notice, recall_id=case.id))
    telling.follow(case, at=signed)
    _answer(case, at)


def _answer(case: Recall, at: datetime) -> None:
    """The first holder accounts for all it had, the second for half of it; others have not yet."""
    holders = sorted(answering.holders_of(case), key=lambda one: one.id)
    dues = answering.dues([one.id for one in holders])
    asked = [
        one for one in holders if one.organisation_id and any(due.left for due in dues[one.id])
    ]
    for part, (holder, way) in enumerate(zip(asked, ("account", "link"), strict=False), 1):
        lines = [
            Line("held" if part == 1 else "sold", due.unit, due.left / Decimal(part))
            for due in dues[holder.id]
            if due.left
        ]
        teller = "Sạp rau Demo" if way == "link" else ""
        answering.answer(holder, case, lines, way=way, at=at, teller=teller)
