"""A few citizens' reports on the demonstration's goods: urgent, several on one lot, answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from trace.extensions import db
from trace.services.actors import Actor
from trace.services.citizen_reports import acts, submit
from trace.services.demo.stage import Landmark

_WARD: Final = "09784"  # Đan Phượng


@dataclass(frozen=True, slots=True)
class Told:
    """What somebody told of the lot in a state, so many hours ago; `answer` closes it."""

    state: str
    problem: str
    hours: int
    words: str
    at: str = "Chợ Demo Đan Phượng"
    answer: str = ""


TOLD: Final = (
    Told("complete", "illness", 2, "Hai người trong nhà đau bụng, nôn sau bữa tối.", "Sạp Demo 12"),
    Told("mixed", "spoiled", 20, "Rau mốc trắng ở cuống, còn hạn mà đã nhũn."),
    Told("mixed", "spoiled", 8, "Mua sáng, chiều đã có mùi lạ."),
    Told("mixed", "foreign", 3, "Có mảnh nhựa xanh trong bó rau."),
    Told(
        "gaps",
        "label",
        240,
        "Nhãn ghi rau ngót mà trong bó có rau khác.",
        answer="Đã xem lại sạp và bên làm ra hàng: bó lẫn khi xếp, đã nhắc và xếp lại.",
    ),
)


def write_reports(landmarks: Sequence[Landmark], *, now: datetime) -> int:
    """Sends them as people would, and answers what was answered; once however often it is called.
    The caller commits. Returns how many there are."""
    paths = {one.state: one.path for one in reversed(landmarks)}
    count = 0
    for number, told in enumerate(TOLD):
        if told.state not in paths:
            continue
        at = now - timedelta(hours=told.hours)
        values = {
            "problem": told.problem,
            "about": paths[told.state],
            "words": told.words,
            "bought_at": told.at,
            "bought_ward": _WARD,
            "bought_on": None,
            "people": 2,
            "contact": "",
            "tell": False,
            "ask": False,
        }
        report, _ = submit(values, at=at, once=f"demonstration-{number}")
        count += 1
        if told.answer and report.answered_at is None and report.authority is not None:
            desk = Actor(report.authority, None, "supervisor")
            later = at + timedelta(hours=30)
            acts.take(desk, report, at=at + timedelta(hours=3))
            acts.answer(
                desk,
                report,
                told.answer,
                "confirmed",
                ends=True,
                version=report.version,
                at=later,
            )
    db.session.flush()
    return count
