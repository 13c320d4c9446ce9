"""The forms of labels: a sheet, the same labels again, blank stamps, a stretch of a roll."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from trace.core.labels import LAYOUTS, Label
from trace.errors import Refused
from trace.models import LabelRange
from trace.schemas.base import Choice, FormSchema, Number, NumberTooLarge, Text, Whole
from trace.schemas.records import CircumstancesSchema, Reference
from trace.services.crates import RUN_LIMIT
from trace.services.labels import FORMATS, LABEL_LIMIT, NOTE_STOCKS, Sheet
from trace.services.refusals import FieldMissing
from trace.services.units import Stretch

CUSTOM = "custom"
WHAT = ("same", "unit")


class StockSchema(FormSchema):
    """On what: a stock from the shop or one measured with a ruler, and which kind of file."""

    layout = Choice((*LAYOUTS, CUSTOM), required=True)
    format = Choice(tuple(FORMATS), load_default="pdf")
    skip = Whole(least=0, most=100, load_default=0)
    columns = Whole(least=1, most=20, load_default=1)
    rows = Whole(least=1, most=40, load_default=1)
    width = Number(least=20, most=300)
    height = Number(least=15, most=300)
    left = Number(least=0, most=100)
    top = Number(least=0, most=100)
    gap_x = Number(least=0, most=50)
    gap_y = Number(least=0, most=50)


class SheetSchema(StockSchema):
    """Which stock, how many, one code for all or one each."""

    what = Choice(WHAT, load_default="same")
    count = Whole(least=1, most=LABEL_LIMIT, required=True)
    weight = Text(30)
    gs1 = Choice(("yes",), load_default="")
    reason = Text(200)


class StampsSchema(StockSchema):
    """Blank stamps: how many, for one product or any."""

    count = Whole(least=1, most=LABEL_LIMIT, required=True)
    product = Reference()


class AgainSchema(StockSchema):
    """The same numbers once more, and why; the first time nobody asks why."""

    first = Whole(least=1, most=LABEL_LIMIT, required=True)
    last = Whole(least=1, most=LABEL_LIMIT, required=True)
    reason = Text(200, required=True)

    def __init__(self, *, first_time: bool = False) -> None:
        super().__init__()
        self.fields["reason"].required = not first_time
        if first_time:
            self.fields["reason"].load_default = ""


class CratesSchema(StockSchema):
    """Labels of crates ahead of packing: how many, and what stands on them."""

    count = Whole(least=1, most=RUN_LIMIT, required=True)
    text = Text(60)


class PrefixSchema(FormSchema):
    """A company prefix, and the extension digit kept for this register."""

    prefix = Text(30, required=True)
    extension = Whole(least=0, most=9, load_default=0)


class NotePaperSchema(FormSchema):
    """The delivery note on narrow paper."""

    layout = Choice(NOTE_STOCKS, load_default=NOTE_STOCKS[0])
    format = Choice(tuple(FORMATS), load_default="pdf")


class BindSchema(CircumstancesSchema):
    """A stretch of a roll, as scanned or typed, and the lot it goes on."""

    first = Text(300, required=True)
    last = Text(300)
    lot = Reference(required=True)


class VoidSchema(FormSchema):
    """Unused stamps that will not be used."""

    first = Whole(least=1, most=LABEL_LIMIT, required=True)
    last = Whole(least=1, most=LABEL_LIMIT, required=True)
    reason = Text(200, required=True)


def custom_of(clean: dict[str, Any]) -> tuple[float, ...]:
    """Arguments of `custom_layout`, nothing for stock from the list. Raises FieldMissing."""
    if clean["layout"] != CUSTOM:
        return ()
    for name in ("width", "height"):
        if clean[name] is None:
            raise FieldMissing(path=name)
    names = ("width", "height", "left", "top", "gap_x", "gap_y")
    return (clean["columns"], clean["rows"], *(float(clean[name] or 0) for name in names))


def sheet_from(clean: Mapping[str, Any], label: Label, count: int, **more: Any) -> Sheet:
    """The sheet that was asked for, on the stock that was chosen."""
    return Sheet(
        label,
        count,
        clean["layout"],
        clean["skip"],
        clean["format"] or "pdf",
        custom=custom_of(dict(clean)),
        **more,
    )


def stretch_of(roll: LabelRange, clean: Mapping[str, Any]) -> Stretch:
    """The numbers typed, in either order. Raises Refused for numbers the roll has not."""
    for name in ("first", "last"):
        if clean[name] > roll.count:
            raise Refused([NumberTooLarge(path=name, limit=roll.count)])
    return Stretch(roll, min(clean["first"], clean["last"]), max(clean["first"], clean["last"]))
