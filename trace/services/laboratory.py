"""What a laboratory found in a lot: its own signed event (CBV `inspecting`), with `trace:results`.

The laboratory signs what it measured; whether the lot may be sold is not its word but the
authority's. A result names substance, verdict, and where there are figures value, unit and limit
(what the value was held against), with the method. The document goes along as a photo.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, true
from sqlalchemy.orm import aliased

from trace.core.gs1 import canonical_uri
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Alert, Event, EventThing, Organisation, Thing
from trace.services.actors import Actor
from trace.services.capture import Captured, capture
from trace.services.codes import identities_of
from trace.services.competence import EVERYWHERE, areas
from trace.services.holds import REASONS, notice_event, passes, reason_of
from trace.services.records import Item, JsonObject, Record, number, observed
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.timelines import open_event
from trace.services.wards import wards_in

VERDICTS: Final = ("within", "above", "not-detected")
LIST_LIMIT: Final = 300


class UnknownLot(TraceError):
    code = "unknown-lot"
    message = "No lot has the code “%(text)s”. Type it as printed under the label."


class ResultMissing(TraceError):
    code = "result-missing"
    message = "Choose a laboratory's result about this lot that is within the limits."


class NotReleased(TraceError):
    code = "not-released"
    status = 409
    message = "This hold cannot be released by your office, or not on this result."


@dataclass(frozen=True, slots=True)
class Finding:
    """One substance: value and limit in `unit`, absent where nothing was measured."""

    substance: str
    verdict: str
    value: Decimal | None = None
    unit: str = ""
    limit: Decimal | None = None
    method: str = ""

    def to_json(self) -> JsonObject:
        """The element of `trace:results`; what is not known is absent."""
        members: JsonObject = {
            "substance": self.substance,
            "verdict": self.verdict,
            "value": None if self.value is None else number(self.value),
            "unit": self.unit if self.value is not None or self.limit is not None else "",
            "limit": None if self.limit is None else number(self.limit),
            "method": self.method,
        }
        return {name: value for name, value in members.items() if value not in ("", None)}


def verdict_of(value: Decimal | None, limit: Decimal | None, *, detected: bool) -> str:
    """What figures say: not detected, within the limit, or above it. A substance that was found
    where no limit is known counts as above: it was not shown to be within."""
    if not detected:
        return "not-detected"
    if value is not None and limit is not None and value <= limit:
        return "within"
    return "above"


def result_event(
    record: Record, lot: str, findings: Sequence[Finding], sampled: date, seal: str = ""
) -> JsonObject:
    """The event a laboratory signs about a lot's sample, `seal` where an authority sealed it.
    Pure."""
    parts: JsonObject = {
        "trace:results": [one.to_json() for one in findings],
        "trace:sampleDate": sampled.isoformat(),
    }
    if seal:
        parts["trace:sample"] = {"seal": seal}
    return observed(record, "inspecting", [Item(lot)], parts=parts)


def find_lot(actor: Actor, text: str, path: str = "lot") -> Thing:
    """The lot of a printed code or address: a laboratory tests goods it neither made nor holds.
    Raises UnknownLot."""
    actor.check("record")
    id_base = current_settings().id_base
    wanted = [canonical_uri(one, id_base) for one in identities_of(text, id_base)]
    row = db.session.scalar(
        select(Thing).where(Thing.identity.in_(wanted), Thing.kind.in_(("lot", "cycle")))
    )
    if row is None:
        raise UnknownLot(path=path, text=text[:60])
    return row


@dataclass(frozen=True, slots=True)
class Result:
    """A laboratory's result about a lot, as signed."""

    event_id: int
    statement: str
    laboratory: Organisation
    at: datetime
    thing: Thing
    document: JsonObject

    @property
    def findings(self) -> list[JsonObject]:
        return [one for one in self.document.get("trace:results") or () if isinstance(one, dict)]

    @property
    def sampled(self) -> date | None:
        """The day of the sample, None where the laboratory gave none we can read."""
        try:
            return date.fromisoformat(str(self.document.get("trace:sampleDate", ""))[:10])
        except ValueError:
            return None

    @property
    def passes(self) -> bool:
        """Whether nothing in it is above a limit."""
        return passes(self.findings)


def _standing() -> tuple[ColumnElement[bool], ...]:
    """What holds for an event that is a result and was not voided."""
    declared = aliased(Event)
    voided = select(declared.id).where(
        declared.corrects == Event.statement_id, declared.issuer_id == Event.issuer_id
    )
    return Event.biz_step.like("%inspecting"), Event.corrects.is_(None), ~voided.exists()


def _results(where: ColumnElement[bool]) -> list[Result]:
    rows = db.session.execute(
        select(Event, Thing, Organisation)
        .join(EventThing, EventThing.event_id == Event.id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .where(where, Organisation.kind == "laboratory", *_standing())
        .order_by(Event.id.desc())
        .limit(LIST_LIMIT)
    )
    found = []
    for event, thing, laboratory in rows:
        document, _ = open_event(event)
        if document.get("trace:results"):
            statement = f"urn:uuid:{UUID(bytes=bytes(event.statement_id))}"
            found.append(Result(event.id, statement, laboratory, event.event_time, thing, document))
    return found


def own_results(actor: Actor) -> list[Result]:
    """What the laboratory signed, newest first."""
    actor.check("read")
    return _results(Event.issuer_id == actor.organisation.id)


def select_own_results(actor: Actor) -> Select[Event]:
    """The events this laboratory signed as results, in no order, for paging."""
    actor.check("read")
    return select(Event).where(Event.issuer_id == actor.organisation.id, *_standing())


def results_in(event_ids: Sequence[int]) -> list[Result]:
    """The results that these events tell, newest first."""
    return _results(among(Event.id, sorted(set(event_ids))))


def results_about(thing_ids: Sequence[int]) -> list[Result]:
    """What confirmed laboratories signed about these things, newest first."""
    return [
        one
        for one in _results(among(EventThing.thing_id, sorted(set(thing_ids))))
        if one.laboratory.status == "confirmed"
    ]


# -- the authority's side --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """A hold that stands on the lot it names, and what laboratories said of that lot since."""

    event_id: int
    statement: str
    reason: str
    notice: JsonObject
    given_at: datetime
    thing: Thing
    results: tuple[Result, ...]


def held_lots(actor: Actor) -> list[Held]:
    """Holds by the platform's rules on harvests whose makers are in the authority's jurisdiction,
    oldest first: the inspectors' queue."""
    return _held_lots(actor)


def _held_lots(actor: Actor, *more: ColumnElement[bool]) -> list[Held]:
    actor.check("read")
    if actor.organisation.status != "confirmed":
        return []
    maker = aliased(Organisation)
    own = areas(actor.organisation.jurisdiction)
    inside = true() if EVERYWHERE in own else among(maker.ward_code, sorted(wards_in(own)))
    rows = db.session.execute(
        select(Event, Thing)
        .join(Alert, Alert.event_id == Event.id)
        .join(Thing, Thing.id == Alert.thing_id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(maker, maker.id == Thing.owner_id)
        .where(
            Alert.thing_id == Alert.source_id,
            Alert.lifted_by.is_(None),
            Event.notice == "hold",
            Organisation.kind == "platform",
            inside,  # before the limit: an office's own are not lost behind those of others
            *more,
        )
        .order_by(Event.id)
        .limit(LIST_LIMIT)
    ).all()
    told = [(event, thing) for event, thing in rows if reason_of(event.jwt) in REASONS]
    results = results_about([thing.id for _, thing in told]) if told else []
    return [_held(event, thing, results) for event, thing in told]


def _held(event: Event, thing: Thing, results: Sequence[Result]) -> Held:
    document, _ = open_event(event)
    return Held(
        event.id,
        f"urn:uuid:{UUID(bytes=bytes(event.statement_id))}",
        reason_of(event.jwt),
        document.get("trace:notice") or {},
        event.event_time,
        thing,
        tuple(one for one in results if one.thing.id == thing.id),
    )


def get_held(actor: Actor, event_id: int) -> Held:
    """One hold of the queue. Raises NotFound."""
    found = next(iter(_held_lots(actor, Event.id == event_id)), None)
    if found is None:
        raise NotFound
    return found


def release(
    actor: Actor, hold: Held, result_id: int | None, words: str, *, at: datetime
) -> Captured:
    """Ends the hold by the authority's signed notice that rests on the result chosen.

    Raises NotAllowed, ResultMissing, NotReleased; nothing is recorded then (the caller rolls
    back)."""
    actor.check("decide")
    result = next((one for one in hold.results if one.event_id == result_id), None)
    if result is None or not result.passes:
        raise ResultMissing(path="result")
    content: JsonObject = {
        "kind": "release",
        "reason": words,
        "ends": [hold.statement],
        "results": [result.statement],
    }
    # A supervisor decides; it is the office that signs.
    office = Actor(actor.organisation, actor.person, "admin")
    event = notice_event(hold.thing, "inspecting", content, at)
    captured = capture(office, [event], at=at)
    standing = select(Alert.event_id).where(
        Alert.event_id == hold.event_id, Alert.lifted_by.is_(None)
    )
    if db.session.scalar(standing.limit(1)) is not None:
        raise NotReleased
    return captured
