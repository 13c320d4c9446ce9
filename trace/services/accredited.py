"""On which days laboratories and certifiers were accredited: what pages of goods read. Granting and
withdrawing is `services.accrediting`, which marks those pages stale and so stands above them.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from trace.extensions import db
from trace.models import Accreditation
from trace.services.sets import among

Spans = Mapping[int, Sequence[tuple[date, date]]]


def spans_of(organisations: Collection[int], connection: Connection | None = None) -> Spans:
    """The days on which laboratories and certifiers among these are accredited: by organisation,
    [first, last] each. One query, none for nobody."""
    if not organisations:
        return {}
    execute: Any = (connection or db.session).execute
    rows = execute(
        select(
            Accreditation.organisation_id,
            Accreditation.valid_from,
            Accreditation.valid_until,
            Accreditation.withdrawn_on,
        ).where(
            among(Accreditation.organisation_id, sorted(organisations)),
            Accreditation.kind != "inspector",
        )
    )
    found: dict[int, list[tuple[date, date]]] = {}
    for organisation, first, last, withdrawn in rows:
        ends = min(last, date.fromordinal(withdrawn.toordinal() - 1)) if withdrawn else last
        found.setdefault(organisation, []).append((first, ends))
    return found


def covers(spans: Spans, organisation_id: int, day: date) -> bool:
    """Whether an organisation was accredited on a day."""
    return any(first <= day <= last for first, last in spans.get(organisation_id, ()))
