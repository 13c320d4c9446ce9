"""Warnings and their answers, for whoever had the goods (scope `query`); cases, for the authority
that runs them (scope `inspect`, under `/desk`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from flask import Response
from sqlalchemy import Select, select

from trace import clock
from trace.api.v1.door import operation
from trace.api.v1.nouns import Rows, listing
from trace.api.v1.recording import recorded, request_key
from trace.extensions import db
from trace.models import Recall, RecallHolder
from trace.schemas.api.desk import (
    FATES_BODY,
    CaseOut,
    RecallOut,
    WarningOut,
)
from trace.services.actors import Actor
from trace.services.jobs import enqueue
from trace.services.jurisdictions import scope_of
from trace.services.recalls import leading  # noqa: F401  # an open case leads to what it reaches
from trace.services.recalls.answering import answer, dues, own_holder, select_to_answer
from trace.services.recalls.boards import board_of
from trace.services.recalls.booking import Line
from trace.services.recalls.cases import get_recall, select_recalls
from trace.services.recalls.packet import packet_of, to_json
from trace.services.recalls.signing import FOLLOW
from trace.services.records import Draw
from trace.services.sets import among
from trace.services.settings import current_settings

RECALL: Final = {
    "id": 4,
    "code": "4T8WQ2MX7A",
    "kind": "recall",
    "rehearsal": False,
    "state": "open",
    "hazard": "pesticide",
    "grade": 1,
    "reason": "dư lượng vượt mức",
    "instructions": "Ngừng bán, để riêng, chờ thu gom.",
    "reached": 31,
    "signed_at": "2026-11-20T03:00:00Z",
    "answer_by": "2026-11-21T03:00:00Z",
    "ended_at": None,
}
BOARD: Final = {
    "warned": 31,
    "holders": 4,
    "told": 4,
    "answered": 1,
    "part": 1,
    "silent": 2,
    "had": [{"uom": "KGM", "quantity": 480}],
    "accounted": [{"uom": "KGM", "quantity": 120}],
}
DUE: Final = {"uom": "KGM", "had": 100, "sold": 40, "answered": 0, "left": 100}
WARNING: Final = {"id": 9, "state": "", "recall": RECALL, "due": [DUE]}


def warning_out(holder: RecallHolder, recall: Recall) -> dict[str, Any]:
    """A warning as its holder reads it."""
    told = dues([holder.id]).get(holder.id, [])
    return {"id": holder.id, "state": holder.state, "recall": recall, "due": told}


def _listed(holders: Sequence[RecallHolder]) -> list[dict[str, Any]]:
    told = dues([one.id for one in holders])
    cases = {one.id: one for one in cases_named([one.recall_id for one in holders])}
    return [
        {
            "id": one.id,
            "state": one.state,
            "recall": cases[one.recall_id],
            "due": told[one.id],
        }
        for one in holders
    ]


def cases_named(ids: Sequence[int]) -> list[Recall]:
    """Cases by their ids."""
    return list(db.session.scalars(select(Recall).where(among(Recall.id, sorted(set(ids))))))


listing(
    "list_warnings",
    "/warnings",
    WarningOut(),
    Rows(select_to_answer, RecallHolder.id, many=_listed),
    tag="recalls",
    summary="Recalls, holds and advice that ask what became of goods the organisation had",
    answer=WARNING,
)


@operation(
    "GET",
    "/warnings/<int:holder_id>",
    tag="recalls",
    summary="One of them",
    scope="query",
    out=WarningOut(),
    answer=WARNING,
)
def show_warning(actor: Actor, holder_id: int) -> dict[str, Any]:
    actor.check("read")
    return warning_out(*own_holder(actor, holder_id))


@operation(
    "POST",
    "/warnings/<int:holder_id>/answers",
    tag="recalls",
    summary="What became of the goods, whole or in part; what it says of own lots is signed",
    scope="capture",
    body=FATES_BODY,
    out=WarningOut(),
    status=201,
    example={"lines": [{"fate": "destroyed", "uom": "KGM", "quantity": 60}]},
    answer={**WARNING, "state": "part"},
)
def answer_warning(actor: Actor, holder_id: int, clean: dict[str, Any]) -> dict[str, Any]:
    actor.check("record")
    holder, recall = own_holder(actor, holder_id)
    lines = [
        Line(row["fate"], row["uom"], row["quantity"], clean["note"], row["thing"])
        for row in clean["lines"]
    ]
    draw = Draw(current_settings().secret_key, actor.organisation.code, f"api:{request_key()}")
    now = clock.now()
    events = answer(holder, recall, lines, way="account", at=now, actor=actor, draw=draw)
    if events:
        enqueue(FOLLOW, {"recall": recall.id}, at=now)
        recorded(actor, events)
    return warning_out(holder, recall)


# -- an authority's cases --------------------------------------------------------------------------


def _shares(told: Mapping[str, Decimal]) -> list[dict[str, Any]]:
    return [{"uom": unit, "quantity": told[unit]} for unit in sorted(told)]


def _cases(actor: Actor) -> Select[Recall]:
    scope_of(actor)
    return select_recalls(actor)


listing(
    "list_cases",
    "/desk/recalls",
    RecallOut(),
    Rows(_cases, Recall.id),
    tag="recalls",
    summary="An authority's cases, what it proposed too, newest first",
    scope="inspect",
    answer=RECALL,
)


def case_out(name: str, rule: str, *, scope: str) -> None:
    """Declares the operations that show one case and its packet: an authority's, or a maker's."""

    def show(actor: Actor, recall_id: int) -> dict[str, Any]:
        recall = get_recall(actor, recall_id)
        board = board_of(recall)
        names = ("warned", "holders", "told", "answered", "part", "silent")
        told = {one: getattr(recall, one) for one in RecallOut().fields}
        shares = {"had": _shares(board.had), "accounted": _shares(board.accounted)}
        return {**told, "board": {**{one: getattr(board, one) for one in names}, **shares}}

    def packet(actor: Actor, recall_id: int) -> Response:
        body = to_json(packet_of(get_recall(actor, recall_id), at=clock.now()))
        headers = {"Cache-Control": "no-store"}
        return Response(body, content_type="application/json", headers=headers)

    show.__name__, packet.__name__ = f"show_{name}", f"fetch_{name}_packet"
    operation(
        "GET",
        rule,
        tag="recalls",
        summary="One case, and how it stands",
        scope=scope,
        out=CaseOut(),
        answer={**RECALL, "board": BOARD},
    )(show)
    operation(
        "GET",
        f"{rule}/packet",
        tag="recalls",
        summary="The whole case for another authority: goods, holders, answers, evidence",
        scope=scope,
        media="application/json",
    )(packet)


case_out("case", "/desk/recalls/<int:recall_id>", scope="inspect")
