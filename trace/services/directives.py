"""Directives: sent by an authority to units below it, read, answered by a day, answers judged.

Rules.
1. A supervisor sends, within the authority's own reach: to authorities whose area lies inside its
   own, and to organisations that sit there, chosen by kind and ward. Nobody else can be written to.
2. Who is a unit is settled when it is sent. An answer is read by its unit and the authority only.
3. sent -> seen -> answered -> accepted, or returned with a remark, and answered again. A directive
   that was withdrawn, or closed, takes no answers.
4. Whoever owes an answer is reminded `remind_days` before the day, on the day, and every week after
   it; the authority hears once what is overdue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from trace.errors import Conflict, NotAllowed, NotFound, TraceError
from trace.extensions import db
from trace.models import Directive, DirectiveFile, DirectiveUnit, Organisation
from trace.models.directives import OWED
from trace.services import directive_files
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.competence import areas, contains
from trace.services.deadlines import local_day
from trace.services.jobs import enqueue
from trace.services.jurisdictions import Scope, scope_of
from trace.services.notifications import notify, notify_each
from trace.services.sets import among
from trace.services.versions import check_version

KIND: Final = "directive"
# Who can be chosen by kind: everybody who is no authority and not the platform.
UNIT_KINDS: Final = (
    *("producer", "co-operative", "trader", "processor", "carrier", "retailer"),
    *("laboratory", "certifier"),
)
BELOW: Final = "authority"
UNIT_LIMIT: Final = 20_000
PAGE: Final = 50
LONGEST: Final = timedelta(days=730)
Files = Sequence[tuple[str, IO[bytes]]]


class NobodyChosen(TraceError):
    code = "nobody-chosen"
    message = "Nobody in your area fits this choice. Choose other kinds, or another ward."


class TooManyUnits(TraceError):
    code = "too-many-units"
    message = "This would go to %(count)d units; at most %(limit)d are possible. Choose fewer."


class DueDayPassed(TraceError):
    code = "due-day-passed"
    message = "The day for answers must be today or later, and within two years."


class WardOutside(TraceError):
    code = "ward-outside"
    message = "This ward is not in your area."


class DirectiveOver(Conflict):
    code = "directive-over"
    message = "This directive was withdrawn or closed; it takes no more answers."


class NotAnswered(Conflict):
    code = "not-answered"
    message = "There is no answer to judge, or it was judged already."


class AnswerMissing(TraceError):
    code = "answer-missing"
    message = "Write an answer, or add a file."


@dataclass(frozen=True, slots=True)
class Sent:
    """A directive with how many of its units answered, and how many owe an answer."""

    directive: Directive
    answered: int
    owed: int
    judged: int


# -- sending ---------------------------------------------------------------------------------------


def chosen(scope: Scope, kinds: Sequence[str], ward_code: str) -> ColumnElement[bool]:
    """Which organisations a choice means (rule 1)."""
    found: list[ColumnElement[bool]] = []
    others = [kind for kind in kinds if kind in UNIT_KINDS]
    if others:
        place = Organisation.ward_code == ward_code if ward_code else scope.organisations()
        found.append(Organisation.kind.in_(others) & place)
    if BELOW in kinds:
        found.append(among(Organisation.id, _below(scope, ward_code)))
    return or_(false(), *found) & Organisation.closed_at.is_(None)


def _below(scope: Scope, ward_code: str) -> list[int]:
    """Authorities whose area lies inside this one's; there are a few thousand at most."""
    own = scope.authority
    rows = db.session.scalars(
        select(Organisation).where(
            Organisation.kind == "authority",
            Organisation.status == "confirmed",
            Organisation.id != own.id,
        )
    )
    return [
        one.id
        for one in rows
        if contains(own.jurisdiction, one.jurisdiction)
        and areas(one.jurisdiction) != areas(own.jurisdiction)
        and (not ward_code or ward_code in areas(one.jurisdiction))
    ]


def send(actor: Actor, values: Mapping[str, Any], files: Files, *, at: datetime) -> Directive:
    """Sends a directive: `number`, `title`, `text`, `due_on`, `kinds`, `ward_code`. Its units are
    told by a job. Raises NotAllowed, DueDayPassed, WardOutside, NobodyChosen, TooManyUnits and what
    `directive_files.keep` raises."""
    scope = scope_of(actor, "decide")  # where looking alone was lent, nothing is ordered
    today = local_day(at)
    if not today <= values["due_on"] <= today + LONGEST:
        raise DueDayPassed(path="due_on")
    ward = values.get("ward_code") or ""
    if ward and not scope.covers(ward):
        raise WardOutside(path="ward_code")
    where = chosen(scope, values["kinds"], ward)
    count = db.session.scalar(select(func.count(Organisation.id)).where(where)) or 0
    if count == 0:
        raise NobodyChosen(path="kinds")
    if count > UNIT_LIMIT:
        raise TooManyUnits(path="kinds", count=count, limit=UNIT_LIMIT)
    papers = directive_files.keep(files)
    made = Directive(
        authority_id=actor.organisation.id,
        person_id=actor.person.id if actor.person else None,
        number=values.get("number") or "",
        title=values["title"],
        text=values["text"],
        due_on=values["due_on"],
        units_count=count,
        created_at=at,
    )
    db.session.add(made)
    db.session.flush()
    columns = ("directive_id", "organisation_id", "state", "answer", "remark", "version")
    rows = select(
        literal(made.id), Organisation.id, literal("sent"), literal(""), literal(""), literal(1)
    ).where(where)
    db.session.execute(insert(DirectiveUnit).from_select(columns, rows))
    attach(made, None, papers, at)
    write_audit(actor, "directive.send", f"directive:{made.id}", at=at, units=count)
    enqueue(KIND, {"directive": made.id, "word": "directive-sent"}, at=at)
    return made


def attach(
    made: Directive,
    unit: DirectiveUnit | None,
    papers: Sequence[directive_files.Paper],
    at: datetime,
) -> None:
    """Hangs kept papers on the directive, or on a unit's answer."""
    db.session.add_all(
        DirectiveFile(
            directive_id=made.id,
            unit_id=unit.id if unit else None,
            name=paper.name,
            media_type=paper.media_type,
            digest=paper.digest,
            size=paper.size,
            created_at=at,
        )
        for paper in papers
    )


def tell(directive_id: int, word: str, states: Sequence[str], *, at: datetime) -> int:
    """Tells the people of all units that stand in these states; how many. Twice tells once on a
    day. The caller commits."""
    one = db.session.get(Directive, directive_id)
    if one is None:
        return 0
    units = db.session.execute(
        select(DirectiveUnit.id, Organisation)
        .join(Organisation, Organisation.id == DirectiveUnit.organisation_id)
        .where(DirectiveUnit.directive_id == one.id, DirectiveUnit.state.in_(states))
    )
    context = {"by": one.authority.name, "what": one.title, "day": f"{one.due_on:%d/%m/%Y}"}
    told: dict[Organisation, tuple[Mapping[str, object], str]] = {
        organisation: (context, f"/directives/{unit_id}") for unit_id, organisation in units
    }
    subject = f"{word}:{one.id}:{local_day(at).isoformat()}"
    return notify_each(told, word, at=at, subject=subject[:60]) if told else 0


# -- the authority's side --------------------------------------------------------------------------


def list_sent(actor: Actor, *, state: str = "", page: int = 1) -> tuple[list[Sent], int]:
    """Directives of the authority, the newest first: a page of them, and how many there are.
    Raises NotAllowed."""
    scope_of(actor)
    query = select(Directive).where(Directive.authority_id == actor.organisation.id)
    if state:
        query = query.where(Directive.state == state)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    rows = db.session.scalars(
        query.order_by(Directive.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    ).all()
    return counted(rows), total


def due_first(actor: Actor, *, limit: int) -> list[Sent]:
    """Open directives of the authority that somebody owes an answer to, the earliest day first."""
    owing = (
        select(DirectiveUnit.id)
        .where(DirectiveUnit.directive_id == Directive.id, DirectiveUnit.state.in_(OWED))
        .exists()
    )
    rows = db.session.scalars(
        select(Directive)
        .where(Directive.authority_id == actor.organisation.id, Directive.state == "open", owing)
        .order_by(Directive.due_on, Directive.id)
        .limit(limit)
    ).all()
    return counted(rows)


def counted(rows: Sequence[Directive]) -> list[Sent]:
    """Directives, each with how its units stand."""

    def how_many(*states: str) -> Any:
        return func.sum(case((DirectiveUnit.state.in_(states), 1), else_=0))

    counts = {
        one: (answered, owed, judged)
        for one, answered, owed, judged in db.session.execute(
            select(
                DirectiveUnit.directive_id,
                how_many("answered", "accepted"),
                how_many(*OWED),
                how_many("accepted"),
            )
            .where(among(DirectiveUnit.directive_id, [row.id for row in rows]))
            .group_by(DirectiveUnit.directive_id)
        )
    }
    return [Sent(row, *(int(n) for n in counts.get(row.id, (0, 0, 0)))) for row in rows]


def get_sent(actor: Actor, directive_id: int) -> Sent:
    """One of the authority's. Raises NotAllowed, NotFound."""
    scope_of(actor)
    found = db.session.get(Directive, directive_id)
    if found is None or found.authority_id != actor.organisation.id:
        raise NotFound
    return counted([found])[0]


def units_of(
    actor: Actor, directive: Directive, *, state: str = "", page: int | None = 1
) -> tuple[list[DirectiveUnit], int]:
    """Its units, those that owe an answer first: a page (None: all), and how many there are."""
    query = select(DirectiveUnit).where(DirectiveUnit.directive_id == directive.id)
    if state == "overdue":
        query = query.where(DirectiveUnit.state.in_(OWED))
    elif state:
        query = query.where(DirectiveUnit.state == state)
    total = db.session.scalar(select(func.count()).select_from(query.subquery())) or 0
    order = case(
        (DirectiveUnit.state == "answered", 0), (DirectiveUnit.state.in_(OWED), 1), else_=2
    )
    query = query.join(DirectiveUnit.organisation).order_by(order, Organisation.name)
    query = query.order_by(DirectiveUnit.id)
    if page is not None:
        query = query.limit(PAGE).offset((page - 1) * PAGE)
    return list(db.session.scalars(query)), total


def get_unit(actor: Actor, directive_id: int, unit_id: int) -> DirectiveUnit:
    """A unit of one of the authority's directives. Raises NotAllowed, NotFound."""
    sent = get_sent(actor, directive_id)
    unit = db.session.get(DirectiveUnit, unit_id)
    if unit is None or unit.directive_id != sent.directive.id:
        raise NotFound
    return unit


def judge(
    actor: Actor, unit: DirectiveUnit, taken: bool, remark: str, *, version: int, at: datetime
) -> None:
    """Takes an answer, or sends it back with a remark. Raises NotAllowed, NotAnswered,
    AnswerMissing (a remark without words), ChangedMeanwhile, DirectiveOver."""
    actor.check("decide")
    check_version(unit, version)
    if unit.directive.state != "open":
        raise DirectiveOver
    if unit.state != "answered":
        raise NotAnswered
    if not taken and not remark:
        raise AnswerMissing(path="remark")
    unit.state, unit.remark, unit.judged_at = "accepted" if taken else "returned", remark, at
    write_audit(
        actor, f"directive.{unit.state}", f"directive:{unit.directive_id}", at=at, unit=unit.id
    )
    context = {"by": actor.organisation.name, "what": unit.directive.title}
    notify(
        unit.organisation,
        f"directive-{unit.state}",
        context,
        at=at,
        address=f"/directives/{unit.id}",
    )


def end(actor: Actor, directive: Directive, state: str, *, version: int, at: datetime) -> None:
    """Closes a directive, or withdraws it: its units are told. Raises NotAllowed, DirectiveOver,
    ChangedMeanwhile."""
    actor.check("decide")
    check_version(directive, version)
    if state not in ("closed", "withdrawn"):
        raise NotAllowed
    if directive.state != "open":
        raise DirectiveOver
    directive.state, directive.ended_at = state, at
    write_audit(actor, f"directive.{state}", f"directive:{directive.id}", at=at)
    if state == "withdrawn":
        enqueue(KIND, {"directive": directive.id, "word": "directive-withdrawn"}, at=at)


# -- the unit's side -------------------------------------------------------------------------------


def answering_act(actor: Actor) -> str:
    """What a role must include to answer for its organisation."""
    return "inspect" if actor.organisation.kind == "authority" else "record"


def select_received(actor: Actor) -> Select[DirectiveUnit]:
    """What others asked of this organisation, in no order."""
    actor.check("read")
    return select(DirectiveUnit).where(DirectiveUnit.organisation_id == actor.organisation.id)


def list_received(actor: Actor) -> list[DirectiveUnit]:
    """The same, what it owes first."""
    owed = case((DirectiveUnit.state.in_(OWED) & (Directive.state == "open"), 0), else_=1)
    query = (
        select_received(actor)
        .join(DirectiveUnit.directive)
        .order_by(owed, Directive.due_on.desc(), DirectiveUnit.id.desc())
        .limit(500)
    )
    return list(db.session.scalars(query))


def count_owed(actor: Actor) -> int:
    """How many answers this organisation owes."""
    query = (
        select(func.count(DirectiveUnit.id))
        .join(Directive, Directive.id == DirectiveUnit.directive_id)
        .where(
            DirectiveUnit.organisation_id == actor.organisation.id,
            DirectiveUnit.state.in_(OWED),
            Directive.state == "open",
        )
    )
    return db.session.scalar(query) or 0


def count_waiting(actor: Actor) -> int:
    """What waits for an authority: answers to be judged, and answers it owes itself."""
    query = (
        select(func.count(DirectiveUnit.id))
        .join(Directive, Directive.id == DirectiveUnit.directive_id)
        .where(
            Directive.authority_id == actor.organisation.id,
            Directive.state == "open",
            DirectiveUnit.state == "answered",
        )
    )
    return (db.session.scalar(query) or 0) + count_owed(actor)


def get_received(actor: Actor, unit_id: int) -> DirectiveUnit:
    """One of them. Raises NotFound."""
    actor.check("read")
    unit = db.session.get(DirectiveUnit, unit_id)
    if unit is None or unit.organisation_id != actor.organisation.id:
        raise NotFound
    return unit


def see(actor: Actor, unit: DirectiveUnit, *, at: datetime) -> bool:
    """Notes that somebody who may answer has read it; whether that was news."""
    if unit.state != "sent" or not actor.may(answering_act(actor)):
        return False
    changed = db.session.execute(
        update(DirectiveUnit)
        .where(DirectiveUnit.id == unit.id, DirectiveUnit.state == "sent")
        .values(state="seen", seen_at=at)
        .execution_options(synchronize_session=False)
    )
    db.session.refresh(unit)
    return bool(changed.rowcount)  # type: ignore[attr-defined]  # a cursor's result


def answer(
    actor: Actor, unit: DirectiveUnit, text: str, files: Files, *, version: int, at: datetime
) -> None:
    """Answers, or answers again while nobody has taken it. Raises NotAllowed, ChangedMeanwhile,
    DirectiveOver, NotAnswered (it was taken), AnswerMissing, and what `keep` raises."""
    check_open(actor, unit, version)
    if not text and not files:
        raise AnswerMissing(path="text")
    papers = directive_files.keep(files)
    unit.state, unit.answer, unit.answered_at = "answered", text, at
    unit.seen_at = unit.seen_at or at
    attach(unit.directive, unit, papers, at)
    write_audit(actor, "directive.answer", f"directive:{unit.directive_id}", at=at, unit=unit.id)
    notify(
        unit.directive.authority,
        "directive-answered",
        {"by": actor.organisation.name, "what": unit.directive.title},
        at=at,
        address=f"/inspection/directives/{unit.directive_id}/units/{unit.id}",
    )


def check_open(actor: Actor, unit: DirectiveUnit, version: int) -> None:
    """Whether it may be answered now. Raises NotAllowed, ChangedMeanwhile, DirectiveOver,
    NotAnswered."""
    actor.check(answering_act(actor))
    check_version(unit, version)
    if unit.directive.state != "open":
        raise DirectiveOver
    if unit.state == "accepted":
        raise NotAnswered


def files_of(directive: Directive, unit: DirectiveUnit | None) -> Sequence[DirectiveFile]:
    """The papers of a directive, or of a unit's answers."""
    where = DirectiveFile.unit_id == unit.id if unit else DirectiveFile.unit_id.is_(None)
    query = select(DirectiveFile).where(DirectiveFile.directive_id == directive.id, where)
    return db.session.scalars(query.order_by(DirectiveFile.id)).all()


def get_file(actor: Actor, file_id: int) -> DirectiveFile:
    """A paper that this organisation may see: the authority's own, a directive's for its units, an
    answer's for its unit. Raises NotFound."""
    actor.check("read")
    found = db.session.get(DirectiveFile, file_id)
    if found is None:
        raise NotFound
    mine = actor.organisation.id
    one = db.session.get_one(Directive, found.directive_id)
    if one.authority_id == mine and actor.organisation.kind == "authority":
        return found
    unit = db.session.scalar(
        select(DirectiveUnit).where(
            DirectiveUnit.directive_id == one.id, DirectiveUnit.organisation_id == mine
        )
    )
    if unit is None or found.unit_id not in (None, unit.id):
        raise NotFound
    return found
