"""Weights as people type them at the scale or paste them from a spreadsheet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from marshmallow import ValidationError

from trace.errors import Refused, TraceError
from trace.schemas.base import FormSchema, NotANumber
from trace.schemas.records import PastDay, Reference, check_quantity

TYPED_LIMIT: Final = 200
PASTE_LIMIT: Final = 20_000
ACCURACY: Final = Decimal("0.001")


class UnknownHouseholdCode(TraceError):
    code = "unknown-household-code"
    message = "Line %(line)d: no household of yours has the code “%(value)s”."


class PasteTooLong(TraceError):
    code = "paste-too-long"
    message = "Line %(line)d: there are only %(count)d households on this sheet."


class PasteTwice(TraceError):
    code = "paste-twice"
    message = "Line %(line)d: household %(value)s stands on line %(first)d already."


class SheetSchema(FormSchema):
    """A weighing sheet: of what, when, where."""

    product = Reference(required=True)
    place = Reference()
    day = PastDay(required=True)


def parse_weight(typed: str) -> Decimal | None:
    """Kilograms of what was typed: a number, or several joined by "+"; None for nothing. Raises
    ValidationError holding the error of the number that is none."""
    text = typed.strip()
    if not text:
        return None
    if len(text) > TYPED_LIMIT:
        raise ValidationError([NotANumber(value=text[:40])])
    try:
        found = sum((check_quantity(part.strip()) for part in text.split("+")), Decimal(0))
    except TraceError as error:
        raise ValidationError([error]) from None
    return found.quantize(ACCURACY) if found else None


_CELLS: Final = re.compile(r"\t|;|\s{2,}|(?<=[A-Za-z0-9.-])\s+(?=[\d-])")


def parse_column(text: str, codes: Sequence[str]) -> dict[str, str]:
    """Weights pasted from a spreadsheet, by household code: lines of "code weight" (by tab,
    semicolon or spaces), or a plain column in the order of `codes`. Raises Refused, a line an
    error."""
    found: dict[str, str] = {}
    lines_of: dict[str, int] = {}
    errors: list[TraceError] = []
    known = {code.upper(): code for code in codes}
    lines = text[:PASTE_LIMIT].replace("\r", "").rstrip("\n").split("\n")
    for place, line in enumerate(lines):
        cells = [cell.strip() for cell in _CELLS.split(line.strip()) if cell.strip()]
        weight = cells[-1] if cells else ""
        if len(cells) > 1:
            code = known.get(cells[0].upper())
            if code is None:
                value = cells[0][:40]
                errors.append(UnknownHouseholdCode(path="paste", line=place + 1, value=value))
                continue
        elif place < len(codes):
            code = codes[place]
        elif not weight:
            continue
        else:
            errors.append(PasteTooLong(path="paste", line=place + 1, count=len(codes)))
            break
        if not weight:
            continue
        if code in found:
            first = lines_of[code]
            errors.append(PasteTwice(path="paste", line=place + 1, value=code, first=first))
            continue
        found[code], lines_of[code] = weight, place + 1
    if errors:
        raise Refused(errors)
    return found
