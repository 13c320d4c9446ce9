"""An authority's desk (scope `inspect`): inspections planned, samples, holds, the queue, packages
that may be copies, audits that are kept, check-lists. What an official decides or signs in person
(visits, findings, conclusions, holds ended, samples taken) is done in the console."""

from __future__ import annotations

from typing import Any, Final

import orjson
from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from trace import clock
from trace.api.v1.answering import SAMPLE, sample_out
from trace.api.v1.desk import INSPECTION, inspection_out
from trace.api.v1.door import Answer, operation
from trace.api.v1.nouns import Rows, listing
from trace.api.v1.recording import CODE, organisation_of
from trace.models import KeptAudit, Sample
from trace.schemas.api import office as out
from trace.schemas.api.answering import SampleOut
from trace.schemas.api.desk import AuditOut, InspectionOut
from trace.services import chain_audit, check_lists, copies, inspections, inspections_risks
from trace.services.actors import Actor
from trace.services.batches import address_of
from trace.services.chains_search import goods_of_text
from trace.services.jurisdictions import scope_of
from trace.services.laboratory import Held, held_lots

AT: Final = "2026-11-20T00:30:00Z"

# -- inspections planned ---------------------------------------------------------------------------


def _list_of(actor: Actor, code: str) -> check_lists.ListView | None:
    return next((one for one in check_lists.library(actor) if one.code == code), None)


@operation(
    "POST",
    "/desk/inspections",
    tag="desk",
    summary="Plan an inspection; who is inspected learns of it with the first visit",
    scope="inspect",
    body=out.INSPECTION_PLAN,
    out=InspectionOut(),
    status=201,
    example={"organisation": CODE, "planned_on": "2026-12-03", "reason": "theo kế hoạch quý"},
    answer={**INSPECTION, "state": "planned", "begun_at": None, "conclusion": ""},
    description="`organisation` is a code or a name, `lots` are codes as printed. The visit itself"
    " is a person's, in the console.",
)
def plan_inspection(actor: Actor, clean: dict[str, Any]) -> Answer:
    scope_of(actor)
    wanted = _list_of(actor, clean["check_list"] or "")
    row = inspections.plan(actor, clean, wanted, at=clock.now())
    return Answer(inspection_out(row), location=f"/api/v1/desk/inspections/{row.id}")


@operation(
    "POST",
    "/desk/inspections/<int:inspection_id>/plan",
    tag="desk",
    summary="Another day, another inspector, another reason",
    scope="inspect",
    body=out.PLAN_CHANGE,
    out=InspectionOut(),
    example={"planned_on": "2026-12-05"},
    answer={**INSPECTION, "state": "planned", "begun_at": None, "conclusion": ""},
)
def change_inspection_plan(
    actor: Actor, inspection_id: int, clean: dict[str, Any]
) -> dict[str, Any]:
    row = inspections.get_inspection(actor, inspection_id, write=True)
    inspections.change_plan(actor, row, clean, at=clock.now())
    return inspection_out(row)


# -- samples, holds, the queue ---------------------------------------------------------------------


def _samples(actor: Actor) -> Select[Any]:
    mine = Sample.authority_id == scope_of(actor).authority.id
    sides = (joinedload(Sample.authority), joinedload(Sample.thing), joinedload(Sample.laboratory))
    return select(Sample).where(mine).options(*sides)


listing(
    "list_desk_samples",
    "/desk/samples",
    SampleOut(),
    Rows(_samples, Sample.id, sample_out),
    tag="desk",
    summary="The authority's samples, newest first",
    scope="inspect",
    answer=SAMPLE,
)


def _held(one: Held) -> dict[str, Any]:
    names = ("statement", "reason", "given_at")
    return {
        **{name: getattr(one, name) for name in names},
        "id": one.event_id,
        "thing": one.thing.id,
        "address": address_of(one.thing),
        "results": len(one.results),
    }


@operation(
    "GET",
    "/desk/holds",
    tag="desk",
    summary="Lots in the area that a rule holds, oldest first",
    scope="inspect",
    out=out.HeldsOut(),
    answer={
        "items": [
            {
                "id": 41,
                "statement": "urn:uuid:6f9619ff-8b86-4d01-b42d-00cf4fc964ff",
                "reason": "interval",
                "given_at": AT,
                "thing": 12,
                "address": f"https://id.example/b/{CODE}",
                "results": 1,
            }
        ]
    },
)
def list_holds(actor: Actor) -> dict[str, Any]:
    scope_of(actor)
    return {"items": [_held(one) for one in held_lots(actor)]}


def _ranked(one: inspections_risks.Ranked) -> dict[str, Any]:
    return {
        "organisation": organisation_of(one.organisation),
        "points": one.points,
        "reasons": [
            {"factor": r.factor, "points": r.points, "figure": r.figure, "counted_at": r.at}
            for r in one.reasons
        ],
        "planned": one.planned.id if one.planned else None,
    }


@operation(
    "GET",
    "/desk/queue",
    tag="desk",
    summary="The organisations of the area with the most points, each with its reasons",
    scope="inspect",
    out=out.QueueOut(),
    answer={
        "items": [
            {
                "organisation": {"code": CODE, "name": "HTX Rau Đan Phượng"},
                "points": 12,
                "reasons": [
                    {"factor": "findings", "points": 12, "figure": 2, "counted_at": AT},
                ],
                "planned": None,
            }
        ]
    },
)
def list_queue(actor: Actor) -> dict[str, Any]:
    return {"items": [_ranked(one) for one in inspections_risks.queue(actor)]}


@operation(
    "GET",
    "/desk/copies",
    tag="desk",
    summary="Packages that may have been copied, the most suspicious first",
    scope="inspect",
    out=out.SuspectsOut(),
    answer={
        "items": [
            {
                "key": f"b/{CODE}",
                "serial": "0V7KQ2M4XT8ZP3WA",
                "thing": 12,
                "score": 24,
                "reasons": {"places": 2},
                "places": ["01", "79"],
                "since": AT,
                "last_at": AT,
            }
        ]
    },
)
def list_copies(actor: Actor) -> dict[str, Any]:
    scope_of(actor)
    names = ("key", "serial", "score", "since", "last_at")
    return {
        "items": [
            {
                **{name: getattr(one.row, name) for name in names},
                "thing": one.row.lot_id,
                "reasons": dict(one.reasons),
                "places": list(one.places),
            }
            for one in copies.suspects(actor)
        ]
    }


# -- audits that are kept --------------------------------------------------------------------------

KEPT: Final = {"id": 5, "thing": 12, "made_at": AT, "events": 9, "high": 0, "medium": 1, "low": 2}


def _kept(actor: Actor) -> Select[Any]:
    scope_of(actor)
    return select(KeptAudit).where(KeptAudit.authority_id == actor.organisation.id)


listing(
    "list_kept_audits",
    "/desk/kept-audits",
    out.KeptAuditOut(),
    Rows(_kept, KeptAudit.id),
    tag="desk",
    summary="Audits of chains the authority made and kept, newest first",
    scope="inspect",
    answer=KEPT,
)


@operation(
    "POST",
    "/desk/kept-audits",
    tag="desk",
    summary="Judge the whole chain of a thing by every rule, and keep what was found",
    scope="inspect",
    body=out.AUDIT,
    out=out.KeptAuditOut(),
    status=201,
    example={"of": CODE, "descendants": True, "case": "12/KH-DEMO"},
    answer=KEPT,
)
def keep_audit(actor: Actor, clean: dict[str, Any]) -> Answer:
    scope_of(actor)
    now, why, thing = clock.now(), clean["case"] or "api", goods_of_text(clean["of"], path="of")
    found = chain_audit.audit_chain(
        actor, thing.id, at=now, descendants=bool(clean["descendants"]), why=why
    )
    row = chain_audit.keep(actor, thing.id, found, at=now)
    return Answer(row, location=f"/api/v1/desk/kept-audits/{row.id}")


@operation(
    "GET",
    "/desk/kept-audits/<int:audit_id>",
    tag="desk",
    summary="One kept audit as it was found",
    scope="inspect",
    out=AuditOut(),
    answer={
        "v": 1,
        "identity": f"https://id.example/b/{CODE}",
        "at": AT,
        "findings": [],
        "judged": [],
        "not_judged": [],
        "counts": {"events": 9},
        "truncated": False,
        "descendants": True,
        "took": 210,
    },
)
def show_kept_audit(actor: Actor, audit_id: int) -> dict[str, Any]:
    row, _ = chain_audit.get_kept(actor, audit_id)
    found: dict[str, Any] = orjson.loads(row.result)
    return found


@operation(
    "GET",
    "/desk/check-lists",
    tag="desk",
    summary="The check-lists offered, the newest version of each",
    scope="inspect",
    out=out.CheckListsOut(),
    answer={
        "items": [
            {
                "code": "vietgap",
                "number": 0,
                "name": "VietGAP trồng trọt",
                "kinds": ["producer"],
                "items": {"01": "Có nhật ký sản xuất"},
            }
        ]
    },
)
def list_check_lists(actor: Actor) -> dict[str, Any]:
    scope_of(actor)
    return {
        "items": [
            {
                "code": one.code,
                "number": one.number,
                "name": one.name,
                "kinds": list(one.kinds),
                "items": dict(one.items),
            }
            for one in check_lists.library(actor)
        ]
    }
