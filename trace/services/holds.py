"""Holds by our own rules on the harvest: earlier than a label allows, or a banned substance used.

Rules.
1. What is declared is recorded, never refused. A lot harvested earlier after spraying than the
   label asks, or from a cycle on which a banned substance was used before, is held by a notice that
   the platform signs (formats, section 7); what came of the lot is held with it.
2. A late word counts as an early one: a spraying recorded after its harvest is looked at again.
3. Such a hold ends by a release of a competent authority that rests on a laboratory's signed result
   about that lot, and by nothing else: not by a correction, not by the platform, not by its maker
   (`rests_on_a_result`). Otherwise the lot is destroyed or used for something else.
4. While a lot is held its maker's console gives out no label and starts no handover (`check_free`).
   A handover that the other side declares, or that comes by another door, is the truth all the
   same, and recorded: its line is marked and the authority told (`moving`, `held_goods`).
5. Every door is looked at in capture's own transaction (`concerned`), so that nobody prints a label
   in between; what bears on many harvests at once is looked at by a job.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import aliased

from trace.clock import rfc3339
from trace.core.epcis import JsonObject, event_context
from trace.core.gs1 import local_uri, parse_identity
from trace.core.history import settle
from trace.core.history.intervals import intervals
from trace.errors import Conflict
from trace.extensions import db
from trace.models import Alert, Event, EventThing, Organisation, Thing
from trace.models.events import ROLES
from trace.services.actors import Actor
from trace.services.alerts import alerts_of
from trace.services.audit import write_audit
from trace.services.catalogue import banned_lines, find_banned
from trace.services.event_rows import payload_of
from trace.services.jobs import enqueue
from trace.services.sets import among
from trace.services.settings import current_settings
from trace.services.timelines import Line, fact_of, open_event, read_events
from trace.services.vocabulary import bare_step, step

KIND: Final = "review-holds"
INTERVAL: Final = "interval"
BANNED: Final = "banned-substance"
REASONS: Final = (INTERVAL, BANNED)
TAKING: Final = frozenset({"harvesting", "egg_collecting"})
PUTTING: Final = frozenset({"spraying", "fertilising", "feeding", "vaccinating"})
LEAVING: Final = frozenset({"shipping", "consigning", "departing", "retail_selling"})
EPC, INPUT = ROLES.index("epc"), ROLES.index("input")
# Harvests that are looked at while whoever recorded them waits; a sheet of thousands is a job's.
AT_ONCE: Final = 8
# A cycle has tens of entries, a perennial's some hundreds.
LINE_LIMIT: Final = 2000


class BatchHeld(Conflict):
    code = "batch-held"
    message = "%(name)s is held: no label and no handover until the authority releases it."
    next_step = "Wait for the laboratory's result, or record that it was destroyed or diverted."


@dataclass(frozen=True, slots=True)
class Breach:
    """One lot and the rule its harvest broke, with the figures of the rule."""

    thing: Thing
    reason: str
    figures: JsonObject


def concerned(rows: Sequence[tuple[int, str]]) -> list[int]:
    """Those of newly captured events (row id, bizStep) that may make a hold due: harvests of cycles
    on which something was put, and what was put on cycles that were harvested. No question to the
    database where no step is of these kinds, which is nearly always."""
    taking, putting = _of_steps(rows, TAKING), _of_steps(rows, PUTTING)
    if not taking and not putting:
        return []
    mine, other, before = aliased(EventThing), aliased(EventThing), aliased(Event)
    found: set[int] = set()
    if taking:
        before_it = db.session.execute(
            select(mine.event_id, before.biz_step)
            .join(other, other.thing_id == mine.thing_id)
            .join(before, before.id == other.event_id)
            .where(among(mine.event_id, taking), mine.role == INPUT)
            .distinct()
        )
        found.update(row for row, word in before_it if bare_step(word) in PUTTING)
    if putting:
        found.update(
            db.session.scalars(
                select(mine.event_id)
                .join(other, other.thing_id == mine.thing_id)
                .where(among(mine.event_id, putting), other.role == INPUT)
                .distinct()
            )
        )
    return sorted(found)


def moving(rows: Sequence[tuple[int, str]]) -> list[int]:
    """Those of newly captured events by which held goods leave their holder's hands, or are sold.
    No question to the database where nothing leaves."""
    leaving = _of_steps(rows, LEAVING)
    if not leaving:
        return []
    return list(
        db.session.scalars(
            select(EventThing.event_id)
            .join(Alert, Alert.thing_id == EventThing.thing_id)
            .where(
                among(EventThing.event_id, leaving),
                EventThing.role == EPC,
                Alert.kind == "hold",
                Alert.lifted_by.is_(None),
                Alert.mixed.is_(False),
            )
            .distinct()
            .order_by(EventThing.event_id)
        )
    )


def _of_steps(rows: Sequence[tuple[int, str]], wanted: Collection[str]) -> list[int]:
    words = {word for word in {word for _, word in rows} if bare_step(word) in wanted}
    return [row for row, word in rows if word in words] if words else []


def ask_for_review(events: Sequence[int], moved: Sequence[int], *, at: datetime) -> None:
    """Asks for a look at what these events mean for harvests, and for the telling of those by which
    held goods moved."""
    if events or moved:
        enqueue(KIND, {"events": list(events), "moved": list(moved)}, at=at)


def review(event_ids: Iterable[int], *, at: datetime) -> list[JsonObject]:
    """The hold notices that are due for the harvests these events bear on.

    The caller captures them as the platform. Doing it twice holds once.
    """
    found: list[JsonObject] = []
    seen: set[tuple[int, str]] = set()
    for breach in breaches(event_ids):
        key = (breach.thing.id, breach.reason)
        if key in seen or breach.reason in _known_reasons(breach.thing.id):
            continue
        seen.add(key)
        content = {"kind": "hold", "reason": breach.reason, **breach.figures}
        found.append(notice_event(breach.thing, "holding", content, at))
        write_audit(
            None,
            "batch.hold",
            breach.thing.identity,
            at=at,
            organisation=breach.thing.owner,
            reason=breach.reason,
        )
    return found


def breaches(event_ids: Iterable[int]) -> list[Breach]:
    """The lots, harvested from the cycles these events name, whose harvests broke a rule. Cycles
    of which nothing was taken yet are not read."""
    taken = aliased(EventThing)
    rows = db.session.execute(
        select(EventThing.thing_id, Event.issuer_id)
        .join(Event, Event.id == EventThing.event_id)
        .join(Thing, Thing.id == EventThing.thing_id)
        .where(
            among(EventThing.event_id, sorted(set(event_ids))),
            Thing.kind == "cycle",
            select(taken.event_id)
            .where(taken.thing_id == EventThing.thing_id, taken.role == INPUT)
            .exists(),
        )
        .distinct()
    ).all()
    by_issuer: dict[int, set[int]] = {}
    for thing_id, issuer_id in rows:
        by_issuer.setdefault(issuer_id, set()).add(thing_id)
    found: list[Breach] = []
    for issuer_id, cycles in by_issuer.items():
        issuer = db.session.get(Organisation, issuer_id)
        if issuer is not None:
            found += _of_issuer(issuer, cycles)
    return found


def _of_issuer(issuer: Organisation, cycles: Collection[int]) -> list[Breach]:
    ids = db.session.scalars(
        select(EventThing.event_id)
        .join(Event, Event.id == EventThing.event_id)
        .where(among(EventThing.thing_id, sorted(cycles)), Event.issuer_id == issuer.id)
        .distinct()
        .order_by(EventThing.event_id.desc())
        .limit(LINE_LIMIT)
    )
    lines = {
        line.statement_id: line for line in read_events(Actor(issuer, None, "viewer"), set(ids))
    }
    live = settle(fact_of(line) for line in lines.values()).live
    found = [
        Breach(lot, INTERVAL, {"days": one.days, "required": one.required, "product": one.product})
        for one in intervals(live)
        if one.state == "short"
        for lot in _lots(lines[one.harvest])
    ]
    banned = banned_lines(issuer.id)
    if not banned:
        return found
    standing = [lines[fact.statement] for fact in live]
    for taking in standing:
        if taking.step not in TAKING:
            continue
        used = _used_before(taking, standing)
        names = find_banned(used, banned)
        if names:
            found += [
                Breach(lot, BANNED, {"product": ", ".join(names)[:200]}) for lot in _lots(taking)
            ]
    return found


def _lots(line: Line) -> list[Thing]:
    return [named.thing for named in line.named("output") if named.thing.kind == "lot"]


def _used_before(taking: Line, lines: Sequence[Line]) -> list[tuple[str, str]]:
    """(name, active ingredient) of all that was put on the harvest's cycles by that day."""
    sources = {named.thing.id for named in taking.named("input")}
    day = fact_of(taking).day
    return [
        (str(one.get("name", "")), str(one.get("activeIngredient", "")))
        for line in lines
        if sources & {named.thing.id for named in line.named("epc")} and fact_of(line).day <= day
        for one in line.document.get("trace:inputs") or ()
        if isinstance(one, dict)
    ]


def _known_reasons(thing_id: int) -> set[str]:
    """Reasons for which our rules held this very thing already, released or not: what an authority
    released on a result is not held again for the same reason."""
    rows = db.session.scalars(
        select(Event.jwt)
        .join(Alert, Alert.event_id == Event.id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .where(
            Alert.thing_id == thing_id,
            Alert.source_id == thing_id,
            Event.notice == "hold",
            Organisation.kind == "platform",
        )
    )
    return {reason_of(jwt) for jwt in rows}


def reason_of(jwt: str) -> str:
    """The reason a notice gives; notices are always in the clear (formats, section 2)."""
    content = payload_of(jwt)["credentialSubject"].get("trace:notice")
    reason = content.get("reason") if isinstance(content, dict) else ""
    return reason if isinstance(reason, str) else ""


def notice_event(thing: Thing, biz_step: str, content: JsonObject, at: datetime) -> JsonObject:
    """A notice about one lot, crate or cycle."""
    id_base = current_settings().id_base
    identity = parse_identity(thing.identity, id_base)
    uri = thing.identity if identity is None else local_uri(identity, id_base)
    single = thing.kind in ("logistic", "unit")
    return {
        "@context": event_context(id_base),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": rfc3339(at),
        "eventTimeZoneOffset": "+07:00",
        "bizStep": step(biz_step),
        **({"epcList": [uri]} if single else {"quantityList": [{"epcClass": uri}]}),
        "trace:notice": content,
    }


# -- while it is held ------------------------------------------------------------------------------


def held(thing_ids: Collection[int]) -> set[int]:
    """Those of the things on which a hold stands, its own or an ancestor's. What only may contain
    held goods is not held."""
    return {
        thing_id
        for thing_id, alerts in alerts_of(set(thing_ids)).items()
        if any(alert.kind == "hold" and not alert.mixed for alert in alerts)
    }


def check_free(things: Iterable[tuple[Thing, str]], *, path: str = "") -> None:
    """Raises BatchHeld for the first held one among (thing, its name), before a label is given out
    or a handover begins."""
    told = list(things)
    standing = held([thing.id for thing, _ in told])
    for thing, name in told:
        if thing.id in standing:
            raise BatchHeld(path=path, name=name)


# -- what ends it ----------------------------------------------------------------------------------


def rests_on_a_result(sources: Collection[int], results: Iterable[bytes]) -> bool:
    """Whether these statements hold, for every source thing of a notice, a result that a confirmed
    laboratory signed about that very thing, none of them above a limit and none in error."""
    declared = aliased(Event)
    rows = db.session.execute(
        select(Event, EventThing.thing_id)
        .join(EventThing, EventThing.event_id == Event.id)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .where(
            Event.statement_id.in_(sorted(set(results))),
            Organisation.kind == "laboratory",
            Organisation.status == "confirmed",
            Event.corrects.is_(None),
            among(EventThing.thing_id, sorted(set(sources))),
            ~select(declared.id)
            .where(declared.corrects == Event.statement_id, declared.issuer_id == Event.issuer_id)
            .exists(),
        )
    ).all()
    good = {thing_id for event, thing_id in rows if passes(_results(event))}
    failed = {thing_id for event, thing_id in rows if not passes(_results(event))}
    return bool(sources) and set(sources) <= good and not failed


def passes(results: Sequence[Any]) -> bool:
    """Whether there are results and none of them is above its limit."""
    return bool(results) and all(
        isinstance(one, dict) and one.get("verdict") in ("within", "not-detected")
        for one in results
    )


def _results(event: Event) -> list[Any]:
    document, _ = open_event(event)
    found = document.get("trace:results")
    return found if isinstance(found, list) else []
