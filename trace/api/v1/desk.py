"""Inspections, findings and chains: for whom they concern (scope `query`), and for the
authority whose desk it is (scope `inspect`, under `/desk`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from trace import clock
from trace.api.v1.door import operation
from trace.api.v1.goods import BATCH
from trace.api.v1.nouns import Rows, listing
from trace.api.v1.recording import CODE, organisation_of
from trace.models import Finding, Inspection
from trace.schemas.api.desk import (
    AuditOut,
    ChainOut,
    FindingOut,
    InspectionOut,
)
from trace.services import inspections_answers
from trace.services.actors import Actor
from trace.services.chain_audit import audit_chain
from trace.services.chains import Narrowing, NothingKnown, Subject, read_chain
from trace.services.chains_document import chain_document
from trace.services.chains_search import search_chains
from trace.services.findings import get_finding, select_findings
from trace.services.inspections import get_inspection, select_inspections
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


def _of(row: Inspection | Finding, fields: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in fields}
    sides = ("authority", "organisation")
    return {**told, **{name: organisation_of(getattr(row, name)) for name in sides}}


def inspection_out(row: Inspection) -> dict[str, Any]:
    """An inspection as both sides read it."""
    return _of(row, InspectionOut().fields)


def _finding(row: Finding) -> dict[str, Any]:
    return _of(row, FindingOut().fields)


def _with_sides(query: Select[Any], model: type[Inspection | Finding]) -> Select[Any]:
    return query.options(joinedload(model.authority), joinedload(model.organisation))


def _own_cases(actor: Actor) -> Select[Any]:
    return _with_sides(inspections_answers.select_cases(actor), Inspection)


def _own_findings(actor: Actor) -> Select[Any]:
    return _with_sides(inspections_answers.select_own_findings(actor), Finding)


def _cases(actor: Actor) -> Select[Any]:
    return _with_sides(select_inspections(actor), Inspection)


listing(
    "list_own_inspections",
    "/inspections",
    InspectionOut(),
    Rows(_own_cases, Inspection.id, inspection_out),
    tag="desk",
    summary="Inspections at this organisation that have begun, newest first",
    answer=INSPECTION,
)
listing(
    "list_own_findings",
    "/findings",
    FindingOut(),
    Rows(_own_findings, Finding.id, _finding),
    tag="desk",
    summary="Findings about this organisation, newest first",
    answer=FINDING,
)


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


listing(
    "list_desk_inspections",
    "/desk/inspections",
    InspectionOut(),
    Rows(_cases, Inspection.id, inspection_out),
    tag="desk",
    summary="An authority's inspections, newest first",
    scope="inspect",
    answer=INSPECTION,
)


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
    return inspection_out(get_inspection(actor, inspection_id))


def _findings(actor: Actor, state: str) -> Select[Any]:
    return _with_sides(select_findings(actor, (state,)), Finding)


listing(
    "list_desk_findings",
    "/desk/findings",
    FindingOut(),
    Rows(_findings, Finding.id, _finding),
    tag="desk",
    summary="An authority's findings in one state, newest first",
    scope="inspect",
    query={
        "state": {
            "type": "string",
            "enum": ["open", "closed", "withdrawn"],
            "default": "open",
            "description": "Which.",
        },
    },
    answer=FINDING,
)


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
