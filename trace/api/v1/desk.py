"""Inspections, findings, chains and reports: for whom they concern (scope `query`), and for the
authority whose desk it is (scope `inspect`, under `/desk`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.api.v1.goods import BATCH
from trace.api.v1.nouns import PAGE, told_page
from trace.api.v1.recording import CODE, organisation_of
from trace.models import Finding, Inspection
from trace.schemas.api.answers import listed
from trace.schemas.api.desk import (
    WORDS,
    AuditOut,
    ChainOut,
    FindingOut,
    InspectionOut,
    ReportOut,
)
from trace.services import inspections_answers, paging
from trace.services.actors import Actor
from trace.services.chain_audit import audit_chain
from trace.services.chains import Narrowing, NothingKnown, Subject, read_chain
from trace.services.chains_document import chain_document
from trace.services.chains_search import search_chains
from trace.services.citizen_reports import makers
from trace.services.findings import get_finding, list_findings
from trace.services.inspections import get_inspection, list_inspections
from trace.services.jurisdictions import scope_of
from trace.services.recalls import leading  # noqa: F401  # an open case leads to what it reaches

# -- inspections and findings ----------------------------------------------------------------------

INSPECTION: Final = {
    "id": 3,
    "code": "2QZX7M4TA0",
    "authority": {"code": "5N0W8C3RKJ", "name": "Chi cục Demo"},
    "organisation": {"code": CODE, "name": "HTX Rau Đan Phượng"},
    "state": "concluded",
    "planned_on": "2026-11-18",
    "begun_at": "2026-11-18T01:00:00Z",
    "conclusion": "passed",
    "words": "",
    "concluded_at": "2026-11-18T04:00:00Z",
}
FINDING: Final = {
    "id": 6,
    "code": "8MX2QWT4ZA",
    "authority": {"code": "5N0W8C3RKJ", "name": "Chi cục Demo"},
    "organisation": {"code": CODE, "name": "HTX Rau Đan Phượng"},
    "inspection_id": 3,
    "rule": "diary",
    "severity": "minor",
    "words": "Nhật ký thiếu tên thuốc.",
    "action": "Bổ sung nhật ký.",
    "due_on": "2026-12-01",
    "state": "open",
    "created_at": "2026-11-18T02:00:00Z",
    "closed_at": None,
    "closed_words": "",
}
INSPECTIONS: Final = listed(InspectionOut(), "InspectionPage")
FINDINGS: Final = listed(FindingOut(), "FindingPage")


def _of(row: Inspection | Finding, fields: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in fields}
    sides = ("authority", "organisation")
    return {**told, **{name: organisation_of(getattr(row, name)) for name in sides}}


def _inspection(row: Inspection) -> dict[str, Any]:
    return _of(row, InspectionOut().fields)


def _finding(row: Finding) -> dict[str, Any]:
    return _of(row, FindingOut().fields)


@operation(
    "GET",
    "/inspections",
    tag="desk",
    summary="Inspections at this organisation that have begun, newest first",
    scope="query",
    out=INSPECTIONS,
    query=PAGE,
    answer={"items": [INSPECTION], "next": None},
)
def list_own_inspections(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = inspections_answers.cases(actor)
    page = paging.page_of(found, cursor=asked["cursor"] or "", limit=asked["limit"])
    return told_page(page, _inspection)


@operation(
    "GET",
    "/findings",
    tag="desk",
    summary="Findings about this organisation, open ones first",
    scope="query",
    out=FINDINGS,
    query=PAGE,
    answer={"items": [FINDING], "next": None},
)
def list_own_findings(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = inspections_answers.own_findings(actor)
    page = paging.page_of(found, cursor=asked["cursor"] or "", limit=asked["limit"])
    return told_page(page, _finding)


@operation(
    "GET",
    "/findings/<int:finding_id>",
    tag="desk",
    summary="One finding about this organisation",
    scope="query",
    out=FindingOut(),
    answer=FINDING,
)
def show_own_finding(actor: Actor, finding_id: int) -> dict[str, Any]:
    return _finding(inspections_answers.get_own_finding(actor, finding_id))


@operation(
    "GET",
    "/desk/inspections",
    tag="desk",
    summary="An authority's inspections, the next ones first",
    scope="inspect",
    out=INSPECTIONS,
    query=PAGE,
    answer={"items": [INSPECTION], "next": None},
)
def list_desk_inspections(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = list_inspections(actor)
    page = paging.page_of(found, cursor=asked["cursor"] or "", limit=asked["limit"])
    return told_page(page, _inspection)


@operation(
    "GET",
    "/desk/inspections/<int:inspection_id>",
    tag="desk",
    summary="One inspection",
    scope="inspect",
    out=InspectionOut(),
    answer=INSPECTION,
)
def show_desk_inspection(actor: Actor, inspection_id: int) -> dict[str, Any]:
    return _inspection(get_inspection(actor, inspection_id))


@operation(
    "GET",
    "/desk/findings",
    tag="desk",
    summary="An authority's findings in one state, those due first in front",
    scope="inspect",
    out=FINDINGS,
    query={
        **PAGE,
        "state": {
            "type": "string",
            "enum": ["open", "closed", "withdrawn"],
            "default": "open",
            "description": "Which.",
        },
    },
    answer={"items": [FINDING], "next": None},
)
def list_desk_findings(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = list_findings(actor, (asked["state"],))
    page = paging.page_of(found, cursor=asked["cursor"] or "", limit=asked["limit"])
    return told_page(page, _finding)


@operation(
    "GET",
    "/desk/findings/<int:finding_id>",
    tag="desk",
    summary="One finding",
    scope="inspect",
    out=FindingOut(),
    answer=FINDING,
)
def show_desk_finding(actor: Actor, finding_id: int) -> dict[str, Any]:
    return _finding(get_finding(actor, finding_id))


# -- chains ----------------------------------------------------------------------------------------

OF: Final = {
    "of": {
        "type": "string",
        "maxLength": 300,
        "description": "A code, a path such as `/b/7K3QMP2XV4`, or a whole address.",
    }
}


def _subject(actor: Actor, text: str) -> Subject:
    """What a code or an address is about. Raises NothingKnown, or what is wrong with the code."""
    found = search_chains(actor, text, None, None)
    if found.subject is None:
        raise found.refusal or NothingKnown(path="of")
    return found.subject


@operation(
    "GET",
    "/desk/chain",
    tag="desk",
    summary="The chain of a lot, crate, package or note: where it came from, where it went",
    scope="inspect",
    out=ChainOut(),
    query=OF,
    answer={
        "v": 1,
        "subject": f"/b/{CODE}",
        "more": False,
        "sources": 1,
        "places": 2,
        "stations": [],
        "flows": [],
        "events": [],
    },
    description="What lies outside the authority's area is written down as looked at.",
)
def show_chain(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    scope_of(actor)
    return chain_document(
        read_chain(actor, _subject(actor, asked["of"] or ""), Narrowing(), at=clock.now())
    )


@operation(
    "GET",
    "/desk/audits/<int:thing_id>",
    tag="desk",
    summary="The whole chain of a thing judged by every rule, now; nothing is kept of it",
    scope="inspect",
    out=AuditOut(),
    answer={
        "v": 1,
        "identity": BATCH["identity"],
        "at": "2026-11-20T03:00:00Z",
        "findings": [],
        "judged": [],
        "not_judged": [],
        "counts": {"events": 9},
        "truncated": False,
        "descendants": False,
        "took": 210,
    },
)
def show_audit(actor: Actor, thing_id: int) -> dict[str, Any]:
    return audit_chain(actor, thing_id, at=clock.now(), why="api").to_json()


# -- shoppers' reports -----------------------------------------------------------------------------

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


@operation(
    "GET",
    "/reports",
    tag="reports",
    summary="Shoppers' reports about this organisation's goods, newest first",
    scope="query",
    out=listed(ReportOut(), "ReportPage"),
    query=PAGE,
    answer={"items": [REPORT], "next": None},
)
def list_reports(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = makers.parts_of(actor)
    page = paging.page_of(found, cursor=asked["cursor"] or "", limit=asked["limit"])
    return told_page(page, _report)


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
