"""How a case ends: the conclusion, who may draw it, and how it is corrected.

Findings of a severity that the authority's rule names (`RULE`), and cases that have one, are closed
and concluded by supervisors. The conclusion is the one public word of a case.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update

from trace.errors import TraceError
from trace.extensions import db
from trace.models import Finding, Inspection
from trace.models.inspections import SEVERITIES
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.batches import short_name
from trace.services.deadlines import local_day
from trace.services.inspections import case_of, ended, things_of
from trace.services.inspections_events import Of, Said, build, sign, told_of
from trace.services.jurisdictions import may_decide, rule_of
from trace.services.notifications import notify
from trace.services.records import JsonObject, declare_error
from trace.services.samples import unaccredited_lots
from trace.services.settings import current_settings
from trace.services.timelines import open_event

RULE: Final = "inspection-decide"
# Between the authority and whom it inspected: it stands before the reason in the words.
WITHOUT: Final = "Dựa vào kết quả của phòng kiểm nghiệm chưa được công nhận, vì: "
DEFAULTS: Final[dict[str, Any]] = {"supervisor_from": "critical"}


class NeedsSupervisor(TraceError):
    code = "needs-supervisor"
    message = "A supervisor of your authority has to decide this: it is that severe."


class NoAccreditedResult(TraceError):
    code = "no-accredited-result"
    message = "No accredited laboratory tested %(lots)s. Say why you conclude on these results."


class NotBegun(TraceError):
    code = "inspection-not-begun"
    message = "Nothing was recorded on site yet; there is nothing to conclude."


def needs_supervisor(actor: Actor, severity: str) -> bool:
    """Whether the rule leaves this to supervisors."""
    told = str(rule_of(actor.organisation, RULE, DEFAULTS).get("supervisor_from", ""))
    if told not in SEVERITIES:
        return False
    return SEVERITIES.index(severity) >= SEVERITIES.index(told)


def check_decides(actor: Actor, severity: str, row: Inspection | Finding) -> None:
    """Raises NeedsSupervisor where the rule wants one and this person is none for the ward that the
    case was opened in, wherever the organisation has moved since."""
    case = row if isinstance(row, Inspection) else row.inspection
    sector = (case.sector if case else "") or None
    ward = row.ward_code or row.organisation.ward_code
    if needs_supervisor(actor, severity) and not may_decide(actor, ward_code=ward, sector=sector):
        raise NeedsSupervisor


def conclude(
    actor: Actor,
    row: Inspection,
    conclusion: str,
    words: str,
    said: Said,
    *,
    at: datetime,
    corrects: int | None = None,
    without: str = "",
) -> int:
    """Ends the case by the public conclusion; or corrects the one there is, seen in the version
    `corrects`. Of two at once the first's stands, the second gets CaseEnded.
    `without` says why it rests on results of laboratories that were not accredited; it is kept with
    the words. Raises NeedsSupervisor, NotBegun, NoAccreditedResult."""
    again = corrects is not None
    if row.state in ("begun" if again else "concluded", "cancelled"):
        raise ended(row)
    if again and row.version != corrects:
        raise ended(row)
    counts = _counts(row)
    worst = max((one for one in SEVERITIES if counts.get(one)), key=SEVERITIES.index, default="")
    if worst:
        check_decides(actor, worst, row)
    if again:
        actor.check("decide")
    weak = unaccredited_lots(row.id)
    if weak and not without:
        lots = ", ".join(short_name(one.identity) for one in weak[:5])
        raise NoAccreditedResult(path="without", lots=lots)
    if weak:
        words = f"{words}\n{WITHOUT}{without}".lstrip()
    values = {
        "state": "concluded",
        "conclusion": conclusion,
        "words": words,
        "concluded_at": at,
        "concluded_by": actor.person.id if actor.person else None,
        "version": Inspection.version + 1,
    }
    expected = [Inspection.state == "concluded" if again else Inspection.state.in_(("begun",))]
    done = db.session.execute(
        update(Inspection)
        .where(Inspection.id == row.id, Inspection.version == row.version, *expected)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]  # an UPDATE has one
        db.session.refresh(row)
        if row.state == "planned":
            raise NotBegun
        raise ended(row)
    told: JsonObject = {
        **case_of(row, "conclusion"),
        "conclusion": conclusion,
        "on": local_day(row.begun_at or said.when).isoformat(),
        "findings": counts,
    }
    things = things_of([row.id])[row.id]
    event = build(said, told, row.organisation, things, {})
    along = [_declaration(row, event, at)] if again else []
    made = sign(actor, event, "conclusion", at=at, of=Of(row.id), along=along)
    db.session.expire(row)
    write_audit(
        actor,
        "inspection.conclude",
        f"inspection:{row.code}",
        at=at,
        conclusion=conclusion,
        unaccredited=len(weak),
    )
    notify(
        row.organisation,
        "inspection-concluded",
        {"by": row.authority.name},
        at=at,
        address=f"/producer/inspections/{row.id}",
    )
    return made.event_id


def _counts(row: Inspection) -> dict[str, int]:
    rows = db.session.execute(
        select(Finding.severity, func.count())
        .where(Finding.inspection_id == row.id, Finding.state != "withdrawn")
        .group_by(Finding.severity)
    )
    return {row.severity: row[1] for row in rows}


def _declaration(row: Inspection, corrective: JsonObject, at: datetime) -> JsonObject:
    """The conclusion there is, declared to be in error by the one that follows."""
    last = [one for one in told_of(inspection_id=row.id) if one.part == "conclusion"][-1]
    document, _ = open_event(last.event)
    return declare_again(
        document, last.event.statement_id, corrective, at=at, reason="incorrect_data"
    )


def declare_again(
    document: JsonObject,
    statement: bytes,
    corrective: JsonObject | None,
    *,
    at: datetime,
    reason: str,
) -> JsonObject:
    """The error declaration of an event of a case; what stands instead, if anything does."""
    return declare_error(
        document,
        f"urn:uuid:{UUID(bytes=bytes(statement))}",
        id_base=current_settings().id_base,
        at=at,
        reason=reason,
        corrective=[str(corrective["eventID"])] if corrective else (),
    )
