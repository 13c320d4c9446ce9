"""What is asked of an organisation and answered by it: findings, samples that came to a
laboratory, lines that wait for a passkey, rehearsals of recalls."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import defer, joinedload

from trace import clock
from trace.api.v1.desk import INSPECTION, inspection_out
from trace.api.v1.door import Answer, operation
from trace.api.v1.nouns import Rows, listing
from trace.api.v1.recalls import RECALL, WARNING, case_out, warning_out
from trace.api.v1.recording import CODE, organisation_of, recorded, recording
from trace.errors import NotFound
from trace.models import Finding, PendingApproval, Recall, Sample
from trace.schemas.api import answering as out
from trace.schemas.api.desk import InspectionOut, RecallOut, WarningOut
from trace.services import approvals, samples
from trace.services import inspections_answers as answers
from trace.services.actors import Actor
from trace.services.acts import Told
from trace.services.batches import address_of
from trace.services.capture import Captured
from trace.services.findings import answers_to
from trace.services.inspections_events import Of, Said, note_event
from trace.services.jobs import enqueue
from trace.services.recalls import answering, rehearsing
from trace.services.recalls.signing import FOLLOW
from trace.services.records import JsonObject

AT: Final = "2026-11-20T00:30:00Z"
WHEN: Final = "2026-11-20T07:30:00+07:00"


def _said(told: Told) -> Said:
    return Said(when=told["when"], draw=told.draw, note=told["note"] or "", photos=told.photos)


# -- findings --------------------------------------------------------------------------------------


@operation(
    "GET",
    "/inspections/<int:inspection_id>",
    tag="desk",
    summary="One inspection at this organisation that has begun",
    scope="query",
    out=InspectionOut(),
    answer=INSPECTION,
)
def show_own_inspection(actor: Actor, inspection_id: int) -> dict[str, Any]:
    return inspection_out(answers.get_case(actor, inspection_id))


@operation(
    "GET",
    "/findings/<int:finding_id>/answers",
    tag="desk",
    summary="What the organisation answered to a finding, oldest first",
    scope="query",
    out=out.AnsweredOut(),
    answer={"items": [{"words": "Đã bổ sung nhật ký.", "photos": [], "at": AT}]},
)
def list_finding_answers(actor: Actor, finding_id: int) -> dict[str, Any]:
    row = answers.get_own_finding(actor, finding_id)
    return {
        "items": [
            {
                "words": one.row.words,
                "photos": one.row.photos.split(),
                "at": one.row.created_at,
            }
            for one in answers_to(row.id)
        ]
    }


def _answer(actor: Actor, told: Told, finding_id: int) -> list[JsonObject]:
    row: Finding = answers.get_own_finding(actor, finding_id)
    said = Said(when=told["when"], draw=told.draw, photos=told.photos)
    event = answers.answer_event(row, told["words"], said)
    digests = [str(one["digest"]) for one in told.photos]
    answers.note_answer(actor, row, told["words"], event, digests, at=clock.now())
    return [event]


recording(
    "answer_finding",
    "/findings/<int:finding_id>/answers",
    out.FINDING_ANSWER,
    _answer,
    tag="desk",
    summary="The organisation's answer to a finding, signed; all of it private",
    example={"when": WHEN, "words": "Đã bổ sung nhật ký từ ngày 10/11."},
    description="Photos that only the two sides shall see are sent by `POST /photos?private=true`.",
)

# -- a laboratory's samples ------------------------------------------------------------------------

SAMPLE: Final = {
    "id": 8,
    "authority": {"code": "5N0W8C3RKJ", "name": "Chi cục Demo"},
    "seal": "NP-0041",
    "address": f"https://id.example/b/{CODE}",
    "state": "sent",
    "laboratory": "Phòng thử nghiệm Demo",
    "taken_at": AT,
}


def sample_out(row: Sample) -> dict[str, Any]:
    """A sample as both sides read it."""
    return {
        **{name: getattr(row, name) for name in ("id", "seal", "state", "taken_at")},
        "authority": organisation_of(row.authority),
        "address": address_of(row.thing),
        "laboratory": samples.laboratory_name(row),
    }


def _laboratory(actor: Actor) -> None:
    actor.check("read")
    if actor.organisation.kind != "laboratory":
        raise NotFound


def _sent(actor: Actor) -> Select[Any]:
    _laboratory(actor)
    mine = Sample.laboratory_id == actor.organisation.id
    sides = (joinedload(Sample.authority), joinedload(Sample.thing))
    return select(Sample).where(mine, Sample.state != "lost").options(*sides)


listing(
    "list_samples",
    "/samples",
    out.SampleOut(),
    Rows(_sent, Sample.id, sample_out),
    tag="results",
    summary="Samples that authorities sent to this laboratory, newest first",
    answer=SAMPLE,
)


def _receive(actor: Actor, told: Told, sample_id: int) -> list[JsonObject]:
    _laboratory(actor)
    row = samples.get_sent(actor, sample_id)
    event = samples.receipt(row, bool(told["intact"]), _said(told))
    samples.note_receipt(actor, row, at=clock.now())
    return [event]


def _noted(actor: Actor, done: Captured, sample_id: int) -> None:
    row = samples.get_sent(actor, sample_id)
    of = Of(row.inspection_id, sample=row.id)
    note_event(done.events[0].event_id, "custody", actor, of, at=clock.now())


recording(
    "receive_sample",
    "/samples/<int:sample_id>/receipt",
    out.RECEIPT,
    _receive,
    then=_noted,
    tag="results",
    summary="The sample arrived at the laboratory: with its seal as it was, or not",
    example={"when": WHEN, "intact": True},
)

# -- lines that wait for a passkey -----------------------------------------------------------------

WAITING: Final = {"id": 4, "created_at": AT, "expires_at": "2026-11-21T00:30:00Z"}


def _waiting(actor: Actor) -> Select[Any]:
    actor.check("record")
    mine = PendingApproval.organisation_id == actor.organisation.id
    query = select(PendingApproval).where(mine, PendingApproval.expires_at > clock.now())
    return query.options(defer(PendingApproval.body))  # a file's statements are megabytes


listing(
    "list_waiting",
    "/approvals",
    out.WaitingOut(),
    Rows(_waiting, PendingApproval.id, newest=False),
    tag="events",
    summary="What waits for somebody's passkey before it is recorded, oldest first",
    answer=WAITING,
)


@operation(
    "GET",
    "/approvals/<int:waiting_id>",
    tag="events",
    summary="What exactly would be signed",
    scope="query",
    out=out.WaitingEventsOut(),
    answer={**WAITING, "events": [{"type": "ObjectEvent", "action": "ADD"}]},
)
def show_waiting(actor: Actor, waiting_id: int) -> dict[str, Any]:
    found = approvals.get_waiting(actor, waiting_id, at=clock.now())
    names = ("id", "created_at", "expires_at")
    return {**{name: getattr(found.row, name) for name in names}, "events": list(found.events)}


@operation(
    "DELETE",
    "/approvals/<int:waiting_id>",
    tag="events",
    summary="Nothing of it is recorded",
    scope="capture",
    status=204,
)
def discard_waiting(actor: Actor, waiting_id: int) -> Answer:
    at = clock.now()
    approvals.discard(actor, approvals.get_waiting(actor, waiting_id, at=at), at=at)
    return Answer(None, status=204)


# -- recalls ---------------------------------------------------------------------------------------


def _cases(actor: Actor) -> Select[Any]:
    actor.check("read")
    mine = actor.organisation.id
    return select(Recall).where((Recall.organisation_id == mine) | (Recall.proposer_id == mine))


listing(
    "list_own_recalls",
    "/recalls",
    RecallOut(),
    Rows(_cases, Recall.id),
    tag="recalls",
    summary="Recalls this organisation began or proposed, newest first",
    answer=RECALL,
    description="A recall is chosen, signed and ended by a person in the console.",
)
case_out("own_recall", "/recalls/<int:recall_id>", scope="query")


@operation(
    "POST",
    "/warnings/<int:holder_id>/answers/<int:answer_id>/undo",
    tag="recalls",
    summary="Take one line of an answer back; what was signed with it is declared void",
    scope="capture",
    out=WarningOut(),
    answer=WARNING,
)
def take_answer_back(actor: Actor, holder_id: int, answer_id: int) -> dict[str, Any]:
    actor.check("record")
    holder, recall = answering.own_holder(actor, holder_id)
    now = clock.now()
    events = answering.take_back(actor, holder, recall, answer_id, at=now)
    if events:
        enqueue(FOLLOW, {"recall": recall.id}, at=now)
        recorded(actor, events)
    return warning_out(holder, recall)


@operation(
    "GET",
    "/rehearsals",
    tag="recalls",
    summary="Whether the organisation takes part in rehearsals of recalls",
    scope="query",
    out=out.ConsentOut(),
    answer={"agrees": True},
)
def show_rehearsals(actor: Actor) -> dict[str, bool]:
    actor.check("read")
    return {"agrees": rehearsing.takes_part(actor.organisation.id)}


@operation(
    "POST",
    "/rehearsals",
    tag="recalls",
    summary="Take part in rehearsals of recalls from now on, or no more",
    scope="manage",
    body=out.CONSENT,
    out=out.ConsentOut(),
    example={"agrees": True},
    answer={"agrees": True},
)
def agree_to_rehearsals(actor: Actor, clean: dict[str, Any]) -> dict[str, bool]:
    rehearsing.agree(actor, bool(clean["agrees"]), at=clock.now())
    return {"agrees": bool(clean["agrees"])}
