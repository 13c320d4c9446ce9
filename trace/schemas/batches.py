"""Forms of the packhouse, the store and the stall, and of corrections."""

from __future__ import annotations

from typing import Any

from trace.schemas.base import Choice, Day, Text, Whole
from trace.schemas.cycles import InputRow
from trace.schemas.group import References
from trace.schemas.records import (
    PREFILLED,
    UNIT_KEYS,
    CircumstancesSchema,
    LotName,
    Moment,
    Quantity,
    RecordSchema,
    Reference,
    Rows,
    Temperature,
)
from trace.services.corrections import REASONS
from trace.services.storage import USES
from trace.services.vocabulary import PROCESS_STEPS, STORE_STEPS


class LotRow(RecordSchema):
    """Some of a lot: which, how much. Without an amount, how much is not said."""

    thing = Reference()
    quantity = Quantity()
    unit = Choice(UNIT_KEYS, load_default="kg")


class TakenRow(LotRow):
    """Some of a lot where the amount matters."""

    thing = Reference(required=True)
    quantity = Quantity(required=True)


class PackedRow(LotRow):
    """A lot with its amount, or a crate as it is."""

    thing = Reference(required=True)


class PackSchema(CircumstancesSchema):
    """Into a crate or pallet: new ones, the one whose code is typed, or those from the first to
    the last label of a run."""

    # A crate is chosen and has no amount.
    prefilled = PREFILLED - {"thing"}

    parent = Text(300)
    last = Text(300)
    crates = Whole(least=1, most=999, load_default=1)
    lots = Rows(PackedRow, required=True)


class UnpackSchema(CircumstancesSchema):
    """Out of a crate: which of what lies in it."""

    things = References()


class OutputRow(RecordSchema):
    """A lot that comes out."""

    product = Reference()
    product_name = Text(200)
    quantity = Quantity(required=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    lot = LotName()
    use_by = Day()
    best_before = Day()


class ProcessSchema(CircumstancesSchema):
    """Lots in, lots out."""

    step = Choice(PROCESS_STEPS, required=True)
    lots = Rows(TakenRow, required=True)
    outputs = Rows(OutputRow, required=True)


class MergeRow(LotRow):
    """A lot that may be poured in."""

    take = Text(10)


class MergeSchema(CircumstancesSchema):
    """What a stall pours together, and what it weighs."""

    lots = Rows(MergeRow)
    quantity = Quantity(required=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    product = Reference()
    product_name = Text(200)
    uncoded = Text(10)
    uncoded_quantity = Quantity()
    uncoded_unit = Choice(UNIT_KEYS, load_default="kg")
    supplier = Text(200)


class ReadingRow(RecordSchema):
    """One temperature."""

    time = Moment()
    celsius = Temperature(required=True)


class StoreSchema(CircumstancesSchema):
    """Kept, cooled or measured."""

    step = Choice(STORE_STEPS, load_default="storing")
    celsius = Temperature()
    quantity = Quantity()
    unit = Choice(UNIT_KEYS, load_default="kg")
    readings = Rows(ReadingRow)


class SaleSchema(CircumstancesSchema):
    """On sale at a place, or sold."""

    act = Choice(("on-sale", "sold"), required=True)
    quantity = Quantity()
    unit = Choice(UNIT_KEYS, load_default="kg")


class DestroySchema(CircumstancesSchema):
    """The end of some of a lot: destroyed, or used for something else; the reason is asked for."""

    end = Choice(("destroyed", *USES), load_default="destroyed")
    witness = Text(200)
    quantity = Quantity(required=True)
    unit = Choice(UNIT_KEYS, load_default="kg")
    note = Text(1000, lines=True, required=True)


class ThingRow(RecordSchema):
    """How much of a thing a corrected event speaks of."""

    quantity = Quantity()
    unit = Choice(UNIT_KEYS, load_default="kg")


class CorrectSchema(CircumstancesSchema):
    """What stands instead of an event."""

    reason = Choice(tuple(REASONS), load_default="incorrect_data")
    things = Rows(ThingRow)
    inputs = Rows(InputRow)
    use_by = Day()
    best_before = Day()


class VoidSchema(RecordSchema):
    """Nothing stands instead."""

    reason = Choice(tuple(REASONS), required=True)

    @staticmethod
    def reasons() -> list[tuple[str, Any]]:
        """The choices with their words (msgids)."""
        return list(REASONS.items())
