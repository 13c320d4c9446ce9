"""The weighing sheet: households × kilograms, filled in at the scale, made one lot in the end.

Rules.
1. A line is one household's weight, typed as one number or as a sum of several ("12,5 + 13"): what
   was typed is kept beside what it came to. Empty takes the line away.
2. Two phones may fill in one sheet: only lines that were changed are written, so that nobody's
   empty box wipes out what another typed.
3. A sheet becomes one lot by one event: a harvest from the households' plantings of that product
   (each stays a possible origin), or a registration where nobody keeps a diary. Who brought how
   much is told in `trace:shares`, which stays private; how many brought is public.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from trace.core.folding import fold
from trace.errors import Conflict, NotFound, TraceError
from trace.extensions import db
from trace.models import Household, WeighingLine, WeighingSheet
from trace.services import choices
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.group import Planting
from trace.services.records import JsonObject, number
from trace.services.sets import among


class SheetClosed(Conflict):
    code = "sheet-closed"
    message = "This weighing sheet was made a lot already; it can no longer be changed."


class NothingWeighed(TraceError):
    code = "nothing-weighed"
    message = "Nobody's weight is entered yet."


@dataclass(frozen=True, slots=True)
class Total:
    """What a sheet comes to."""

    kilograms: Decimal
    households: int


# -- sheets ----------------------------------------------------------------------------------------


def list_sheets(actor: Actor) -> list[tuple[WeighingSheet, Total]]:
    """The organisation's sheets, newest first, with what each comes to."""
    actor.check("read")
    sheets = db.session.scalars(
        select(WeighingSheet)
        .where(
            WeighingSheet.organisation_id == actor.organisation.id,
            WeighingSheet.dropped_at.is_(None),
        )
        .order_by(WeighingSheet.day.desc(), WeighingSheet.id.desc())
    ).all()
    sums = {
        row[0]: Total(row[1], row[2])
        for row in db.session.execute(
            select(WeighingLine.sheet_id, func.sum(WeighingLine.kilograms), func.count())
            .where(WeighingLine.sheet_id.in_([sheet.id for sheet in sheets]))
            .group_by(WeighingLine.sheet_id)
        )
    }
    return [(sheet, sums.get(sheet.id, Total(Decimal(0), 0))) for sheet in sheets]


def get_sheet(actor: Actor, sheet_id: int) -> WeighingSheet:
    """One of the organisation's sheets. Raises NotFound."""
    actor.check("read")
    sheet = db.session.get(WeighingSheet, sheet_id)
    if (
        sheet is None
        or sheet.organisation_id != actor.organisation.id
        or sheet.dropped_at is not None
    ):
        raise NotFound
    return sheet


def open_sheet(actor: Actor, values: Mapping[str, Any], *, at: datetime) -> WeighingSheet:
    """A new sheet: a product, a day, where it is weighed. Raises NotAllowed, NotOffered."""
    actor.check("record")
    product = choices.get_product(actor, values["product"])
    place = choices.get_place(actor, values.get("place"))
    sheet = WeighingSheet(
        organisation_id=actor.organisation.id,
        product=product,
        place=place,
        day=values["day"],
        person_id=actor.person.id if actor.person else None,
        created_at=at,
    )
    db.session.add(sheet)
    db.session.flush()
    return sheet


def drop_sheet(actor: Actor, sheet: WeighingSheet, *, at: datetime) -> None:
    """Takes a sheet that became no lot out of the list. Raises NotAllowed, SheetClosed."""
    actor.check("record")
    check_open(sheet)
    sheet.dropped_at = at
    write_audit(actor, "weighing.drop", f"weighing:{sheet.id}", at=at)


def check_open(sheet: WeighingSheet) -> None:
    """Raises SheetClosed."""
    if sheet.thing_id is not None:
        raise SheetClosed


def lines_of_each(sheets: Sequence[WeighingSheet]) -> dict[int, dict[int, WeighingLine]]:
    """The lines of each sheet by household, with whose they are; one statement."""
    found: dict[int, dict[int, WeighingLine]] = {one.id: {} for one in sheets}
    query = select(WeighingLine).where(among(WeighingLine.sheet_id, list(found)))
    for row in db.session.scalars(query.options(joinedload(WeighingLine.household))):
        found[row.sheet_id][row.household_id] = row
    return found


def lines_of(sheet: WeighingSheet) -> dict[int, WeighingLine]:
    """The sheet's lines by household."""
    rows = db.session.scalars(select(WeighingLine).where(WeighingLine.sheet_id == sheet.id))
    return {row.household_id: row for row in rows}


def total_of(lines: Mapping[int, WeighingLine]) -> Total:
    """What the lines come to."""
    return Total(sum((row.kilograms for row in lines.values()), Decimal(0)), len(lines))


def households_of(actor: Actor, sheet: WeighingSheet) -> list[Household]:
    """Whom the sheet lists: the active households, and whoever stands on it already; by hamlet."""
    known = {one.id: one for one in choices.households(actor)}
    for row in lines_of(sheet).values():
        known.setdefault(row.household_id, row.household)
    return sorted(known.values(), key=lambda one: (fold(one.hamlet), _natural(one.code)))


def _natural(code: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (0, part) for part in re.split(r"(\d+)", code)]


def write_weights(
    actor: Actor, sheet: WeighingSheet, weights: Mapping[int, tuple[Decimal | None, str]]
) -> dict[int, WeighingLine]:
    """Writes the lines given: by household the kilograms (None: no line) and what was typed; the
    other lines stay. Raises NotAllowed, SheetClosed, NotFound for a household not on the sheet."""
    actor.check("record")
    check_open(sheet)
    households = {one.id: one for one in households_of(actor, sheet)}
    lines = lines_of(sheet)
    for household_id, (kilograms, typed) in weights.items():
        if household_id not in households:
            raise NotFound
        row = lines.get(household_id)
        if row is None and kilograms is not None:
            row = lines[household_id] = WeighingLine(
                sheet_id=sheet.id, kilograms=kilograms, typed=typed
            )
            row.household = households[household_id]
            db.session.add(row)
        elif row is not None and kilograms is None:
            db.session.delete(lines.pop(household_id))
        elif row is not None and kilograms is not None:
            row.kilograms, row.typed = kilograms, typed
    db.session.flush()
    return lines


# -- the lot ---------------------------------------------------------------------------------------


def shares(lines: Mapping[int, WeighingLine]) -> list[JsonObject]:
    """`trace:shares`: who brought how much, by the households' codes."""
    return [
        {"household": row.household.code, "quantity": number(row.kilograms), "uom": "KGM"}
        for row in sorted(lines.values(), key=lambda row: _natural(row.household.code))
    ]


def origins(
    sheet: WeighingSheet, lines: Mapping[int, WeighingLine], plantings: Sequence[Planting]
) -> tuple[list[Planting], list[str]]:
    """The plantings of this product of those who brought some, and the codes of those who have
    none: their goods' origin stays undeclared."""
    mine = [
        one
        for one in plantings
        if one.product_id == sheet.product_id
        and one.household is not None
        and one.household.id in lines
    ]
    having = {one.household.id for one in mine if one.household is not None}
    missing = [row.household.code for key, row in lines.items() if key not in having]
    return mine, sorted(missing, key=_natural)


def with_shares(event: JsonObject, lines: Mapping[int, WeighingLine]) -> JsonObject:
    """The lot's event with who brought how much (private) and how many did (public)."""
    ilmd = {**(event.get("ilmd") or {}), "trace:contributors": {"households": len(lines)}}
    return {**event, "ilmd": ilmd, "trace:shares": shares(lines)}
