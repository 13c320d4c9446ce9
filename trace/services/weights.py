"""What one bó, thùng, sọt … of a product weighs, as its organisation weighed it.

Rules.
1. A count becomes kilograms only by a weight that somebody of the organisation weighed for this
   product; without one it stays a count.
2. What was typed is kept beside what it became (`trace:typed`: value, unit, kilograms of one), so
   that a wrong weight can be recognised and put right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import select

from trace.extensions import db
from trace.models import Conversion, Organisation, Product
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.records import JsonObject, number
from trace.services.vocabulary import UNITS, UNITS_BY_KEY, Amount, amount

# Units whose weight differs from product to product; kg, tạ and tấn weigh what they weigh.
WEIGHABLE: Final = tuple(unit.key for unit in UNITS if unit.uom not in ("KGM", "LTR"))


@dataclass(frozen=True, slots=True)
class Typed:
    """An amount as typed, and the kilograms that one of its unit weighs."""

    value: Decimal
    unit: str  # a key of UNITS
    each: Decimal

    def to_json(self) -> JsonObject:
        """The member `trace:typed`: the unit by its name, as the person chose it."""
        return {
            "value": number(self.value),
            "unit": UNITS_BY_KEY[self.unit].name,
            "kilograms": number(self.each),
        }


def weights_of(product: Product) -> dict[str, Conversion]:
    """The product's weighed units by key."""
    rows = db.session.scalars(select(Conversion).where(Conversion.product_id == product.id))
    return {row.unit: row for row in rows}


def all_weights(organisation: Organisation) -> dict[int, dict[str, Decimal]]:
    """Kilograms of one unit, by product and unit, of all the organisation's products."""
    found: dict[int, dict[str, Decimal]] = {}
    query = (
        select(Conversion.product_id, Conversion.unit, Conversion.kilograms)
        .join(Product, Product.id == Conversion.product_id)
        .where(Product.organisation_id == organisation.id)
    )
    for product_id, unit, kilograms in db.session.execute(query):
        found.setdefault(product_id, {})[unit] = kilograms
    return found


def weigh(product: Product | None, value: Decimal, unit: str) -> tuple[Amount, Typed | None]:
    """The amount an event carries, and what was typed where a weighed unit was counted."""
    row = None
    if product is not None and unit in WEIGHABLE:
        row = db.session.get(Conversion, (product.id, unit))
    return weigh_by(row.kilograms if row is not None else None, value, unit)


def weigh_by(each: Decimal | None, value: Decimal, unit: str) -> tuple[Amount, Typed | None]:
    """As `weigh`, by the kilograms of one unit, None where nobody weighed it."""
    if each is None:
        return amount(value, unit), None
    return Amount((value * each).normalize()), Typed(value, unit, each)


def set_weight(
    actor: Actor, product: Product, clean: Mapping[str, Any], *, on: date, at: datetime
) -> Conversion:
    """What one unit weighs from now on; what was recorded before keeps its own weight."""
    actor.check("record")
    row = db.session.get(Conversion, (product.id, clean["unit"]))
    if row is None:
        row = Conversion(product_id=product.id, unit=clean["unit"])
        db.session.add(row)
    row.kilograms, row.weighed_on = clean["kilograms"], clean.get("weighed_on") or on
    row.person_id = actor.person.id if actor.person else None
    db.session.flush()
    told = {"unit": clean["unit"], "kilograms": str(clean["kilograms"])}
    write_audit(actor, "weight.set", product.identity, at=at, **told)
    return row
