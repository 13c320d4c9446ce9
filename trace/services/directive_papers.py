"""Papers of many answers at once, and papers added one by one: for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import IO, Any

from sqlalchemy import select

from trace.extensions import db
from trace.models import DirectiveFile, DirectiveUnit
from trace.services import directive_files
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.directives import answer, attach, check_open, files_of
from trace.services.platform_settings import number_of
from trace.services.sets import among


def add_paper(
    actor: Actor, unit: DirectiveUnit, name: str, data: IO[bytes], *, version: int, at: datetime
) -> None:
    """One paper more of an answer, which it makes where there is none yet; the words stay as they
    are. No more than one answer may bring along. Raises what `answer` raises."""
    check_open(actor, unit, version)
    limit = number_of("attachments")
    if len(files_of(unit.directive, unit)) >= limit:
        raise directive_files.TooManyFiles(path="/name", limit=limit)
    if unit.state != "answered":
        answer(actor, unit, unit.answer, [(name, data)], version=version, at=at)
        return
    # The authority was told of the answer already; who judges it judges a new version.
    attach(unit.directive, unit, directive_files.keep([(name, data)], path="/name"), at)
    unit.answered_at = at
    write_audit(actor, "directive.paper", f"directive:{unit.directive_id}", at=at, unit=unit.id)
    db.session.flush()


def files_of_units(units: Sequence[DirectiveUnit]) -> dict[tuple[int, int | None], list[Any]]:
    """The papers of the directives of these units, and of their answers, by (directive, unit); one
    statement. A directive's own stand under the unit None."""
    found: dict[tuple[int, int | None], list[Any]] = {}
    query = select(DirectiveFile).where(
        among(DirectiveFile.directive_id, [one.directive_id for one in units]),
        DirectiveFile.unit_id.is_(None) | among(DirectiveFile.unit_id, [one.id for one in units]),
    )
    for row in db.session.scalars(query.order_by(DirectiveFile.id)):
        found.setdefault((row.directive_id, row.unit_id), []).append(row)
    return found
