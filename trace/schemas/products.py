"""What the form of a product asks for."""

from __future__ import annotations

from typing import Final

from trace.models.products import CATEGORIES
from trace.schemas.base import Choice, FormSchema, Number, Text, Whole, YesNo
from trace.schemas.identifiers import Gtin
from trace.services.vocabulary import UNITS, UNITS_BY_KEY

# Units that count one thing each: a product is kept in one of them.
UNIT_KEYS: Final = tuple(unit.key for unit in UNITS if unit.factor == 1)


class UnitCode(Choice):
    """A unit's key ("kg", "qua"), read as the code events carry ("KGM", "H87")."""

    def __init__(self) -> None:
        super().__init__(UNIT_KEYS, required=True)

    def read(self, *args: object) -> str:
        return UNITS_BY_KEY[super().read(*args)].uom  # type: ignore[arg-type]  # the same arguments


class ProductForm(FormSchema):
    """A product."""

    name = Text(200, required=True)
    name_en = Text(200)
    category = Choice(CATEGORIES, required=True)
    description = Text(1000, lines=True)
    unit = UnitCode()
    net_weight = Number(least=0, most=100_000, decimals=6)
    shelf_life_days = Whole(least=1, most=3650)
    use_by = YesNo()


class NewProductForm(ProductForm):
    """A product being added: only now may it be given a GTIN."""

    gtin = Gtin()
