"""Which notices a release ends, and what a release declared to be in error no longer ends.

1. A release names notices by statement id and ends those that were given before it, if its issuer
   gave them or is a competent authority (formats, section 7).
2. An authority is competent for a notice if it is confirmed and its jurisdiction holds the creator
   of every thing the notice stands on; of another authority's notice also that one's jurisdiction:
   a commune does not lift what the city ordered.
3. A hold by our rules on the harvest ends only by an authority's release that rests on a
   laboratory's result about that lot (services.holds, rule 3).
4. A release that its issuer declares to be in error ends nothing: what it had lifted stands again,
   unless another release ends it. Declaring anything else in error lifts and restores nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import select, update
from sqlalchemy.orm import aliased

from trace.core.signing import unb64url
from trace.extensions import db
from trace.models import Alert, Event, EventThing, LogEntry, Organisation, Thing
from trace.services import holds
from trace.services.capture.prepare import Prepared
from trace.services.competence import contains, covers
from trace.services.replicas import announce_notices
from trace.services.sets import among

ALERTING = frozenset({"recall", "hold", "advice"})
RELEASE = "release"
_NOT_YET = 1 << 62  # sorts after everything that has a place in the log


@dataclass(slots=True)
class Given:
    """A notice with alerts: where it stands in the log, who gave it, and where the creators of the
    things it stands on are (None: nobody knows)."""

    id: int
    statement: bytes
    place: tuple[int, int]
    issuer_id: int
    issuer_kind: str
    jurisdiction: str | None
    wards: set[str | None]
    reason: str = ""
    sources: set[int] = field(default_factory=set)

    @property
    def needs_result(self) -> bool:
        """Rule 3."""
        return self.issuer_kind == "platform" and self.reason in holds.REASONS


def may_end(issuer: Organisation, notice: Given, results: Collection[bytes] = ()) -> bool:
    """Rules 1 to 3; `results` are the statements a release says it rests on."""
    if notice.needs_result and not holds.rests_on_a_result(notice.sources, results):
        return False
    if issuer.id == notice.issuer_id and not notice.needs_result:
        return True
    if issuer.kind != "authority" or issuer.status != "confirmed":
        return False
    if notice.issuer_kind == "authority" and not contains(issuer.jurisdiction, notice.jurisdiction):
        return False
    return all(covers(issuer.jurisdiction, ward) for ward in notice.wards)


def lift_alerts(issuer: Organisation, event: Prepared, event_id: int) -> None:
    """Under the log lock: ends what this release names and may end."""
    if event.notice != RELEASE or event.error_declaration:
        return
    notices = _given(Event.statement_id.in_(_statements(event.ends)))
    results = _results_of(event.document.get("trace:notice"))
    _lift([notice.id for notice in notices if may_end(issuer, notice, results)], event_id)


def withdraw_releases(issuer: Organisation, prepared: Sequence[Prepared]) -> None:
    """Under the log lock, after everything else: rule 4 for the releases declared in error here."""
    corrected = {event.corrects for event in prepared if event.corrects is not None}
    if not corrected:
        return
    withdrawn = db.session.scalars(
        select(Event.id).where(
            Event.statement_id.in_(corrected),
            Event.issuer_id == issuer.id,
            Event.notice == RELEASE,
            Event.corrects.is_(None),
        )
    ).all()
    if not withdrawn:
        return
    notices = _given(Alert.lifted_by.in_(withdrawn))
    announce_notices()
    db.session.execute(
        update(Alert)
        .where(Alert.lifted_by.in_(withdrawn))
        .values(lifted_by=None)
        .execution_options(synchronize_session=False)
    )
    for other in _other_releases([notice.id for notice in notices]):
        ended = [
            notice.id
            for notice in notices
            if notice.statement in other.ends
            and notice.place < other.place
            and may_end(other.author, notice, other.results)
        ]
        _lift(ended, other.id)


def _lift(notices: Collection[int], release: int) -> None:
    if notices:
        db.session.execute(
            update(Alert)
            .where(among(Alert.event_id, notices), Alert.lifted_by.is_(None))
            .values(lifted_by=release)
            .execution_options(synchronize_session=False)
        )


def _statements(ends: Iterable[str]) -> list[bytes]:
    """The statement ids among these texts, as they are stored."""
    found = []
    for text in ends:
        try:
            found.append(UUID(text.removeprefix("urn:uuid:")).bytes)
        except ValueError:
            continue
    return found


def _given(which: Any) -> list[Given]:
    """The notices with alerts that meet a condition."""
    author, owner = aliased(Organisation), aliased(Organisation)
    rows = db.session.execute(
        select(
            Event.id,
            Event.statement_id,
            LogEntry.index,
            Event.issuer_id,
            author.kind,
            author.jurisdiction,
            owner.ward_code,
            Alert.source_id,
            Event.jwt,
        )
        .join(Alert, Alert.event_id == Event.id)
        .join(author, author.id == Event.issuer_id)
        .join(Thing, Thing.id == Alert.source_id)
        .outerjoin(owner, owner.id == Thing.owner_id)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .where(which, Event.notice.in_(ALERTING), Event.corrects.is_(None))
        .distinct()
    )
    found: dict[int, Given] = {}
    for row_id, statement, index, issuer, kind, jurisdiction, ward, source, jwt in rows:
        place = (_place(index), row_id)
        notice = found.get(row_id)
        if notice is None:
            reason = holds.reason_of(jwt)
            notice = Given(row_id, bytes(statement), place, issuer, kind, jurisdiction, set())
            notice.reason = reason
            found[row_id] = notice
        notice.wards.add(ward)
        notice.sources.add(source)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Release:
    id: int
    author: Organisation
    ends: frozenset[bytes]
    results: frozenset[bytes]
    place: tuple[int, int]


def _other_releases(notices: Collection[int]) -> list[_Release]:
    """Releases that stand and name things of these notices, in the order of the log."""
    about = select(EventThing.thing_id).where(among(EventThing.event_id, notices))
    declared = aliased(Event)
    rows = db.session.execute(
        select(Event.id, Event.jwt, LogEntry.index.label("place"), Organisation)
        .join(Organisation, Organisation.id == Event.issuer_id)
        .outerjoin(LogEntry, LogEntry.event_id == Event.id)
        .where(
            Event.id.in_(select(EventThing.event_id).where(EventThing.thing_id.in_(about))),
            Event.notice == RELEASE,
            Event.corrects.is_(None),
            ~select(declared.id)
            .where(declared.corrects == Event.statement_id, declared.issuer_id == Event.issuer_id)
            .exists(),
        )
    ).all()
    found = []
    for row in rows:
        ends, results = _ends_of(row.jwt)
        place = (_place(row.place), row.id)
        found.append(_Release(row.id, row.Organisation, ends, results, place))
    return sorted(found, key=lambda one: one.place)


def _place(index: int | None) -> int:
    return _NOT_YET if index is None else index


def _ends_of(jwt: str) -> tuple[frozenset[bytes], frozenset[bytes]]:
    """What a release ends, and the results it rests on."""
    subject: Mapping[str, Any] = orjson.loads(unb64url(jwt.split(".", 2)[1]))["credentialSubject"]
    if "errorDeclaration" in subject:  # repeats a release without being one
        return frozenset(), frozenset()
    notice = subject.get("trace:notice")
    return _named(notice, "ends"), _results_of(notice)


def _results_of(notice: object) -> frozenset[bytes]:
    return _named(notice, "results")


def _named(notice: object, member: str) -> frozenset[bytes]:
    listed = notice.get(member) if isinstance(notice, dict) else None
    texts = [text for text in listed if isinstance(text, str)] if isinstance(listed, list) else []
    return frozenset(_statements(texts))
