"""What laboratories and certifiers sign, and what authorities ask in writing."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Response, request
from sqlalchemy import Select
from sqlalchemy.orm import joinedload

from trace import clock
from trace.api.v1.door import Answer, NotJsonType, operation
from trace.api.v1.nouns import PAGE, Rows, listing
from trace.api.v1.recording import CODE, organisation_of, recording
from trace.models import Certificate, Directive, DirectiveUnit, Event
from trace.schemas.api import work
from trace.schemas.api.answers import listed
from trace.schemas.api.bodies import json_body
from trace.schemas.certificates import DecisionForm
from trace.schemas.directives import AnswerForm
from trace.services import certifying, directive_files, directive_papers, directives, paging
from trace.services.actors import Actor
from trace.services.acts import measuring
from trace.services.batches import address_of
from trace.services.certificates import state_of
from trace.services.laboratory import Result, results_in, select_own_results
from trace.services.records import LOCAL_ZONE, Draw
from trace.services.settings import current_settings

WHEN: Final = "2026-11-20T07:30:00+07:00"
AT: Final = "2026-11-20T00:30:00Z"

# -- laboratories ----------------------------------------------------------------------------------

FOUND: Final = {
    "substance": "Cypermethrin",
    "verdict": "within",
    "value": 0.02,
    "unit": "mg/kg",
    "limit": 0.7,
}
RESULT: Final = {
    "id": 41,
    "statement": "urn:uuid:6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
    "at": AT,
    "address": f"https://id.example/b/{CODE}",
    "sampled": "2026-11-19",
    "passes": True,
    "findings": [FOUND],
}


@operation(
    "GET",
    "/results",
    tag="results",
    summary="What a laboratory signed, newest first",
    scope="query",
    out=listed(work.ResultOut(), "ResultPage"),
    query=PAGE,
    answer={"items": [RESULT], "next": None},
)
def list_results(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    measuring.check_laboratory(actor)
    found = paging.page(
        select_own_results(actor),
        Event.id,
        cursor=asked["cursor"] or "",
        limit=asked["limit"],
        newest=True,
    )
    told = results_in([one.id for one in found.rows]) if found.rows else []
    return {"items": [_result(one) for one in told], "next": found.next or None}


def _result(one: Result) -> dict[str, Any]:
    return {
        "id": one.event_id,
        "statement": one.statement,
        "at": one.at,
        "address": address_of(one.thing),
        "sampled": one.sampled,
        "passes": one.passes,
        "findings": one.findings,
    }


recording(
    "add_result",
    "/results",
    work.RESULT,
    measuring.tell_result,
    tag="results",
    summary="A result about one lot, signed by the laboratory",
    example={
        "when": WHEN,
        "lot": "7K3QM-P2XV4",
        "sampled": "2026-11-19",
        "findings": [
            {"substance": "Cypermethrin", "value": 0.02, "unit": "mg/kg", "limit": 0.7},
            {"substance": "Chlorpyrifos", "missing": True, "unit": "mg/kg"},
        ],
    },
    description="`sample` is the seal of a sample that an authority sent. `missing` says that"
    " nothing was detected; otherwise value and limit are needed.",
)

# -- certifiers ------------------------------------------------------------------------------------

ISSUED: Final = {
    "id": 7,
    "version": 1,
    "created_at": AT,
    "organisation": {"code": CODE, "name": "HTX Rau Đan Phượng"},
    "standard": "VietGAP",
    "number": "VG-DEMO-001",
    "valid_from": "2026-01-01",
    "valid_until": "2027-12-31",
    "decision": "asked",
    "reason": "",
    "state": "valid",
}


def _issued(row: Certificate) -> dict[str, Any]:
    names = ("id", "version", "created_at", "standard", "number", "valid_from", "valid_until")
    return {
        **{name: getattr(row, name) for name in (*names, "decision", "reason")},
        "organisation": organisation_of(row.organisation),
        "state": state_of(row, clock.now().astimezone(LOCAL_ZONE).date()),
    }


listing(
    "list_issued",
    "/certifying",
    work.IssuedOut(),
    Rows(certifying.select_issued, Certificate.id, _issued),
    tag="certifying",
    summary="Certificates that carry the certifier's name, newest first",
    answer=ISSUED,
)


@operation(
    "GET",
    "/certifying/<int:certificate_id>",
    tag="certifying",
    summary="One of them",
    scope="query",
    out=work.IssuedOut(),
    answer=ISSUED,
)
def show_issued(actor: Actor, certificate_id: int) -> Answer:
    row = certifying.get_issued(actor, certificate_id)
    return Answer(_issued(row), version=row.version)


@operation(
    "PUT",
    "/certifying/<int:certificate_id>/decision",
    tag="certifying",
    summary="The certifier's answer, signed: confirmed, rejected, suspended, resumed, withdrawn",
    scope="capture",
    body=json_body(DecisionForm, "Decision"),
    out=work.IssuedOut(),
    changes=True,
    example={"decision": "confirmed"},
    answer={**ISSUED, "version": 2, "decision": "confirmed"},
)
def decide(actor: Actor, certificate_id: int, clean: dict[str, Any], version: int) -> Answer:
    row = certifying.get_issued(actor, certificate_id)
    key = f"api:certificate:{row.id}:{version}"
    draw = Draw(current_settings().secret_key, actor.organisation.code, key)
    certifying.decide(actor, row, clean, version=version, draw=draw, at=clock.now())
    return Answer(_issued(row), version=row.version)


# -- directives ------------------------------------------------------------------------------------

PAPER_TYPES: Final = ("application/pdf", "image/jpeg", "image/png", "image/webp")
DIRECTIVE: Final = {
    "id": 9,
    "version": 1,
    "authority": {"code": "5N0W8C3RKJ", "name": "Chi cục Demo"},
    "number": "12/CĐ-DEMO",
    "title": "Rà soát sổ nhật ký",
    "text": "Đề nghị rà soát và báo lại.",
    "due_on": "2026-12-01",
    "open": True,
    "state": "seen",
    "answer": "",
    "answered_at": None,
    "remark": "",
    "papers": [{"id": 3, "name": "mau.pdf", "media_type": "application/pdf", "size": 48211}],
    "answer_papers": [],
}


def _directive(unit: DirectiveUnit) -> dict[str, Any]:
    return _asked([unit])[0]


def _asked(units: Sequence[DirectiveUnit]) -> list[dict[str, Any]]:
    files = directive_papers.files_of_units(units)
    return [_with_papers(unit, files) for unit in units]


def _with_papers(
    unit: DirectiveUnit, files: Mapping[tuple[int, int | None], list[Any]]
) -> dict[str, Any]:
    one = unit.directive
    return {
        **{name: getattr(one, name) for name in ("number", "title", "text", "due_on")},
        **{name: getattr(unit, name) for name in ("id", "version", "state", "answer")},
        "answered_at": unit.answered_at,
        "remark": unit.remark,
        "authority": organisation_of(one.authority),
        "open": one.state == "open",
        "papers": files.get((one.id, None), []),
        "answer_papers": files.get((one.id, unit.id), []),
    }


def _received(actor: Actor) -> Select[Any]:
    asked = joinedload(DirectiveUnit.directive).joinedload(Directive.authority)
    return directives.select_received(actor).options(asked)


listing(
    "list_directives",
    "/directives",
    work.DirectiveOut(),
    Rows(_received, DirectiveUnit.id, many=_asked),
    tag="directives",
    summary="What authorities asked of this organisation, newest first",
    answer=DIRECTIVE,
)


@operation(
    "GET",
    "/directives/<int:unit_id>",
    tag="directives",
    summary="One directive with its papers; that a program read it is not told as seen",
    scope="query",
    out=work.DirectiveOut(),
    answer=DIRECTIVE,
)
def show_directive(actor: Actor, unit_id: int) -> Answer:
    unit = directives.get_received(actor, unit_id)
    return Answer(_directive(unit), version=unit.version)


@operation(
    "POST",
    "/directives/<int:unit_id>/seen",
    tag="directives",
    summary="Say that whoever may answer has read it",
    scope="capture",
    out=work.DirectiveOut(),
    answer=DIRECTIVE,
)
def see_directive(actor: Actor, unit_id: int) -> Answer:
    unit = directives.get_received(actor, unit_id)
    actor.check(directives.answering_act(actor))
    directives.see(actor, unit, at=clock.now())
    return Answer(_directive(unit), version=unit.version)


@operation(
    "PUT",
    "/directives/<int:unit_id>/answer",
    tag="directives",
    summary="Answer in words, or answer again while nobody has taken it; papers are added apart",
    scope="capture",
    body=json_body(AnswerForm, "DirectiveAnswer"),
    out=work.DirectiveOut(),
    changes=True,
    example={"text": "Đã rà soát, không có sai lệch."},
    answer={**DIRECTIVE, "version": 2, "state": "answered", "answered_at": AT},
)
def answer_directive(actor: Actor, unit_id: int, clean: dict[str, Any], version: int) -> Answer:
    unit = directives.get_received(actor, unit_id)
    directives.answer(actor, unit, clean["text"], (), version=version, at=clock.now())
    return Answer(_directive(unit), version=unit.version)


@operation(
    "POST",
    "/directives/<int:unit_id>/answer/papers",
    tag="directives",
    summary="Add a paper to the answer while nobody has taken it",
    scope="capture",
    takes="application/pdf",
    out=work.DirectiveOut(),
    changes=True,
    query={
        "name": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "What the file is called.",
        },
    },
    answer={
        **DIRECTIVE,
        "version": 2,
        "state": "answered",
        "answered_at": AT,
        "answer_papers": [
            {"id": 4, "name": "ket-qua.pdf", "media_type": "application/pdf", "size": 31877}
        ],
    },
    description="A PDF file, or a photo as JPEG, PNG or WebP. It makes an answer where there is "
    "none yet; words are said by the answer itself, before or after.",
)
def add_answer_paper(actor: Actor, unit_id: int, asked: dict[str, Any], version: int) -> Answer:
    if request.mimetype not in PAPER_TYPES:
        raise NotJsonType(expected=", ".join(PAPER_TYPES))
    unit = directives.get_received(actor, unit_id)
    name, data = asked["name"] or "", io.BytesIO(request.get_data())
    directive_papers.add_paper(actor, unit, name, data, version=version, at=clock.now())
    return Answer(_directive(unit), version=unit.version)


@operation(
    "GET",
    "/directives/papers/<int:file_id>",
    tag="directives",
    summary="A paper of a directive, or of the organisation's own answer",
    scope="query",
    media="application/octet-stream",
)
def fetch_directive_paper(actor: Actor, file_id: int) -> Response:
    found = directives.get_file(actor, file_id)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    data = directive_files.fetch(found.digest)
    return Response(data, content_type="application/octet-stream", headers=headers)
