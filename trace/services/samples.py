"""Samples: what was taken of which lot, under which seal, through whose hands, and the result.

1. A sample is of one lot of the case; its seal is unique within the authority.
2. Each hand it goes through is a signed event: the authority's for what its people do, the
   laboratory's for what arrived there.
3. A result is the laboratory's own signed event about the lot, which names the seal. From a
   laboratory without an account it is copied from its paper by the authority: recorded, and said
   not to be confirmed, as a result of a laboratory that nobody accredited is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import func, select, update

from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import (
    Event,
    EventKey,
    Inspection,
    InspectionEvent,
    Organisation,
    Sample,
    Thing,
)
from trace.services.accredited import covers, spans_of
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import organisation_address, short_name
from trace.services.capture.prepare import event_key_digest
from trace.services.deadlines import local_day
from trace.services.holds import passes
from trace.services.inspections import begin, case_of, check_open, things_of
from trace.services.inspections_events import Of, Said, Told, build, sign, told_of
from trace.services.inspections_subjects import check_goods, find_goods
from trace.services.jurisdictions import get_kept, scope_of
from trace.services.laboratory import Finding
from trace.services.notifications import notify
from trace.services.records import JsonObject, number
from trace.services.timelines import open_event
from trace.services.vocabulary import Amount

STEPS: Final = ("sent", "received", "returned", "lost")
LIST_LIMIT: Final = 500
LABORATORIES: Final = 200


class SampleOfNothing(TraceError):
    code = "sample-of-nothing"
    message = "Choose the lot the sample is of, or type its code."


class SampleOfOne(TraceError):
    code = "sample-of-one"
    message = "A sample is of one lot; take one for each."


class SealUsed(Conflict):
    code = "seal-used"
    message = "Seal %(seal)s is on a sample already: of %(lot)s, taken on %(day)s."


class NoLaboratory(TraceError):
    code = "no-laboratory"
    message = "Choose the laboratory, or write its name."


class SampleDone(Conflict):
    code = "sample-done"
    message = "This sample has its result, or is lost; nothing is added to it any more."


class UnknownSeal(TraceError):
    code = "unknown-seal"
    message = "No sample of this lot that was sent to you carries the seal “%(seal)s”."


# -- reading ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """A sample's result: what was found, who says so, and whether that counts as confirmed."""

    event_id: int
    issuer: Organisation
    findings: tuple[JsonObject, ...]
    confirmed: bool
    copied: bool  # by the authority, from a paper
    accredited: bool  # the laboratory was, on that day
    at: datetime

    @property
    def passes(self) -> bool:
        return passes(self.findings)


def get_sample(actor: Actor, sample_id: int, *, write: bool = False) -> Sample:
    """A sample of the authority's, or to read one of an authority below. Raises NotFound."""
    return get_kept(actor, Sample, sample_id, write=write)


def list_samples(actor: Actor) -> list[Sample]:
    """The authority's samples, the newest first."""
    scope = scope_of(actor)
    return list(
        db.session.scalars(
            select(Sample)
            .where(Sample.authority_id == scope.authority.id)
            .order_by(Sample.id.desc())
            .limit(LIST_LIMIT)
        )
    )


def samples_of(inspection_id: int) -> list[Sample]:
    """A case's samples in order."""
    return list(
        db.session.scalars(
            select(Sample).where(Sample.inspection_id == inspection_id).order_by(Sample.id)
        )
    )


def waiting_count(actor: Actor) -> int:
    """How many samples of the authority have no result yet."""
    found = db.session.scalar(
        select(func.count())
        .select_from(Sample)
        .where(
            Sample.authority_id == actor.organisation.id,
            Sample.state.in_(("taken", "sent", "received")),
        )
    )
    return found or 0


def custody_of(sample: Sample) -> list[Told]:
    """Whose hands it went through, oldest first."""
    return told_of(sample_ids=[sample.id])


def outcomes(samples: Sequence[Sample]) -> dict[int, Outcome]:
    """The results there are, by sample."""
    keys = {one.result_key: one.id for one in samples if one.result_key}
    if not keys:
        return {}
    rows = db.session.execute(
        select(EventKey.event_key, Event, Organisation)
        .join(Event, Event.id == EventKey.event_id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .where(
            EventKey.event_key.in_(sorted(keys)),
            EventKey.error_declaration.is_(False),
            EventKey.issuer_id.in_(
                {one.laboratory_id or one.authority_id for one in samples}
                | {one.authority_id for one in samples}
            ),
        )
    )
    by_key = {one.result_key: one for one in samples}
    spans = spans_of({one.laboratory_id for one in samples if one.laboratory_id is not None})
    found = {}
    for key, event, issuer in rows:
        document, _ = open_event(event)
        told = tuple(one for one in document.get("trace:results") or () if isinstance(one, dict))
        laboratory = issuer.kind == "laboratory"
        found[keys[key]] = Outcome(
            event.id,
            issuer,
            told,
            laboratory and issuer.status == "confirmed",
            not laboratory,
            covers(spans, by_key[key].laboratory_id or 0, local_day(event.event_time)),
            event.event_time,
        )
    return found


def unaccredited_lots(inspection_id: int) -> list[Thing]:
    """The case's lots of which there are results, and none from an accredited laboratory."""
    samples = samples_of(inspection_id)
    found = outcomes(samples)
    tested = {one.thing_id: one.thing for one in samples if one.id in found}
    sound = {one.thing_id for one in samples if one.id in found and found[one.id].accredited}
    return [thing for row, thing in tested.items() if row not in sound]


def laboratories() -> list[Organisation]:
    """The laboratories there are, those that are confirmed first."""
    rows = db.session.scalars(
        select(Organisation)
        .where(Organisation.kind == "laboratory", Organisation.closed_at.is_(None))
        .order_by(Organisation.status != "confirmed", Organisation.name)
        .limit(LABORATORIES)
    )
    return list(rows)


# -- taking, handing on ----------------------------------------------------------------------------


def take_sample(
    actor: Actor,
    case: Inspection,
    values: Mapping[str, Any],
    amount: Amount | None,
    said: Said,
    *,
    at: datetime,
) -> Sample:
    """A sample of one lot, sealed and signed. `values`: thing (of the case) or lots (typed), seal,
    laboratory (a row) or laboratory_name. Raises SampleOfNothing, SampleOfOne, SealUsed,
    NoLaboratory, CaseEnded."""
    actor.check("inspect")
    check_open(case)
    lot = _lot(actor, case, values, at)
    laboratory = _laboratory(values)
    name = laboratory.name if laboratory else str(values.get("laboratory_name") or "")
    if not name:
        raise NoLaboratory(path="laboratory")
    seal = str(values["seal"])
    _check_seal(actor, seal)
    told: JsonObject = {"seal": seal, "laboratory": name}
    if laboratory is not None:
        told["laboratory"] = organisation_address(laboratory)
    if amount is not None:
        told |= {"quantity": number(amount.quantity), "unit": amount.uom}
    event = build(
        said,
        case_of(case, "sample"),
        case.organisation,
        [lot],
        {"trace:sample": told},
        step="sampling",
    )
    made = sign(actor, event, "sample", at=at, of=Of(case.id))
    row = Sample(
        authority_id=actor.organisation.id,
        inspection_id=case.id,
        thing_id=lot.id,
        seal=seal,
        quantity=amount.quantity if amount else None,
        unit=amount.uom if amount else "",
        laboratory_id=laboratory.id if laboratory else None,
        laboratory_name="" if laboratory else name,
        event_id=made.event_id,
        taken_at=said.when,
        taken_by=actor.person.id if actor.person else None,
    )
    db.session.add(row)
    db.session.flush()
    _belongs(made.event_id, row)
    begin(case, said.when)
    write_audit(actor, "sample.take", f"inspection:{case.code}", at=at)
    if laboratory is not None:
        notify(
            laboratory,
            "sample-coming",
            {"by": actor.organisation.name, "seal": seal},
            at=at,
            address="/producer/samples/",
        )
    return row


def _belongs(event_id: int, row: Sample) -> None:
    db.session.execute(
        update(InspectionEvent).where(InspectionEvent.event_id == event_id).values(sample_id=row.id)
    )


def _lot(actor: Actor, case: Inspection, values: Mapping[str, Any], at: datetime) -> Thing:
    offered = {one.id: one for one in things_of([case.id])[case.id]}
    chosen = values.get("thing")
    typed = find_goods(values.get("lots", ""))
    found = [offered[chosen]] if chosen in offered else []
    found += [one for one in typed if one not in found]
    if not found:
        raise SampleOfNothing(path="lots")
    if len(found) > 1:
        raise SampleOfOne(path="lots")
    check_goods(actor, [one for one in found if one.id not in offered], at=at)
    return found[0]


def _laboratory(values: Mapping[str, Any]) -> Organisation | None:
    wanted = values.get("laboratory")
    if wanted is None:
        return None
    row = db.session.get(Organisation, wanted)
    if row is None or row.kind != "laboratory":
        raise NoLaboratory(path="laboratory")
    return row


def _check_seal(actor: Actor, seal: str) -> None:
    known = db.session.scalar(
        select(Sample).where(Sample.authority_id == actor.organisation.id, Sample.seal == seal)
    )
    if known is not None:
        lot = short_name(known.thing.identity)
        raise SealUsed(path="seal", seal=seal, lot=lot, day=f"{known.taken_at:%d/%m/%Y}")


def hand_on(
    actor: Actor, row: Sample, step: str, intact: bool, said: Said, *, at: datetime
) -> None:
    """The sample went on, came back or was lost. Raises SampleDone."""
    actor.check("inspect")
    states = {"sent": "sent", "received": "received", "returned": "taken", "lost": "lost"}
    _move(row, states[step])
    told = {"seal": row.seal, "step": step, "intact": intact}
    event = build(
        said,
        case_of(row.inspection, "custody"),
        row.inspection.organisation,
        [row.thing],
        {"trace:sample": told},
    )
    sign(actor, event, "custody", at=at, of=Of(row.inspection_id, sample=row.id))
    write_audit(actor, "sample.hand-on", f"inspection:{row.inspection.code}", at=at, step=step)


def _move(row: Sample, state: str) -> None:
    done = db.session.execute(
        update(Sample)
        .where(Sample.id == row.id, Sample.state.in_(("taken", "sent", "received")))
        .values(state=state)
    )
    if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        raise SampleDone
    db.session.refresh(row)


def copy_result(
    actor: Actor, row: Sample, findings: Sequence[Finding], said: Said, *, at: datetime
) -> None:
    """The result as it stands on the laboratory's paper, signed by the authority as its copy.
    Raises SampleDone."""
    actor.check("inspect")
    _move(row, "resulted")
    event = build(
        said,
        case_of(row.inspection, "result"),
        row.inspection.organisation,
        [row.thing],
        {
            "trace:sample": {"seal": row.seal, "laboratory": laboratory_name(row)},
            "trace:results": [one.to_json() for one in findings],
        },
    )
    made = sign(actor, event, "result", at=at, of=Of(row.inspection_id, sample=row.id))
    row.result_key = event_key_digest(made.event_key)
    db.session.flush()
    write_audit(actor, "sample.result", f"inspection:{row.inspection.code}", at=at)


def laboratory_name(row: Sample) -> str:
    """What the laboratory is called."""
    return row.laboratory.name if row.laboratory else row.laboratory_name


# -- the laboratory's side -------------------------------------------------------------------------


def sent_to(actor: Actor) -> list[Sample]:
    """The samples that authorities sent to this laboratory, those without a result first."""
    actor.check("read")
    return list(
        db.session.scalars(
            select(Sample)
            .where(Sample.laboratory_id == actor.organisation.id, Sample.state != "lost")
            .order_by(Sample.state == "resulted", Sample.id.desc())
            .limit(LIST_LIMIT)
        )
    )


def get_sent(actor: Actor, sample_id: int) -> Sample:
    """One of them. Raises NotFound."""
    actor.check("read")
    row = db.session.get(Sample, sample_id) if sample_id < 2**53 else None
    if row is None or row.laboratory_id != actor.organisation.id:
        raise NotFound
    return row


def receipt(row: Sample, intact: bool, said: Said) -> JsonObject:
    """The laboratory's event: the sample arrived, with its seal as it was or not."""
    told = {"seal": row.seal, "step": "received", "intact": intact}
    case = case_of(row.inspection, "custody")
    return build(said, case, row.inspection.organisation, [row.thing], {"trace:sample": told})


def note_receipt(actor: Actor, row: Sample, *, at: datetime) -> None:
    """The sample is at the laboratory. Raises SampleDone."""
    _move(row, "received")
    write_audit(actor, "sample.receive", f"inspection:{row.inspection.code}", at=at)


def match_seal(actor: Actor, seal: str, lot: Thing) -> Sample | None:
    """The sample a result is of; None where no seal is named. Raises UnknownSeal."""
    if not seal:
        return None
    row = db.session.scalar(
        select(Sample).where(
            Sample.laboratory_id == actor.organisation.id,
            Sample.seal == seal,
            Sample.thing_id == lot.id,
            Sample.state != "lost",
        )
    )
    if row is None:
        raise UnknownSeal(path="sample", seal=seal[:40])
    return row


def note_result(row: Sample, event_id: str) -> None:
    """The result's event is the sample's; a corrected result takes the former's place."""
    row.result_key = event_key_digest(event_id)
    row.state = "resulted"
    db.session.flush()
