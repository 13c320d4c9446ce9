"""Shoppers' reports, for the maker of the goods they are about."""

from __future__ import annotations

from typing import Any, Final

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.api.v1.nouns import Rows, listing
from trace.api.v1.recording import CODE
from trace.models import Report
from trace.schemas.api.desk import WORDS, ReportOut
from trace.services.actors import Actor
from trace.services.citizen_reports import makers

REPORT: Final = {
    "id": 5,
    "problem": "spoiled",
    "day": "2026-11-20",
    "lot": "L2611",
    "product": "Cải ngọt",
    "path": f"/t/b/{CODE}",
    "province": "Thành phố Hà Nội",
    "authority": "Chi cục Demo",
    "state": "open",
    "outcome": "",
    "passed": True,
    "steps": [],
}


def _report(part: makers.Part) -> dict[str, Any]:
    names = [name for name in ReportOut().fields if name != "steps"]
    return {
        **{name: getattr(part, name) for name in names},
        "steps": [
            {
                "at": one.at,
                "kind": one.kind,
                "by": one.organisation.name if one.organisation else "",
                "text": one.text,
            }
            for one in part.steps
        ],
    }


def _listed(report: Report) -> dict[str, Any]:
    return _report(makers.part(report))


listing(
    "list_reports",
    "/reports",
    ReportOut(),
    Rows(makers.select_reports, Report.id, _listed),
    tag="reports",
    summary="Shoppers' reports about this organisation's goods, newest first",
    answer=REPORT,
)


@operation(
    "GET",
    "/reports/<int:report_id>",
    tag="reports",
    summary="One report, with what was passed on and answered",
    scope="query",
    out=ReportOut(),
    answer=REPORT,
)
def show_report(actor: Actor, report_id: int) -> dict[str, Any]:
    return _report(makers.part_of(actor, report_id))


@operation(
    "POST",
    "/reports/<int:report_id>/answers",
    tag="reports",
    summary="The maker's answer to the authority; the reporter does not see it",
    scope="capture",
    body=WORDS,
    out=ReportOut(),
    status=201,
    example={"words": "Lô này đã bán hết ngày 19/11; đang kiểm lại kho mát."},
    answer=REPORT,
)
def answer_report(actor: Actor, report_id: int, clean: dict[str, Any]) -> Answer:
    makers.answer_desk(actor, report_id, clean["words"], at=clock.now())
    return Answer(_report(makers.part_of(actor, report_id)))
