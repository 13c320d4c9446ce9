"""Looking for products and for who makes them, by words: what is public of both, and no lots.

Every word must stand somewhere in the names, in Vietnamese or English, with or without its marks.
What begins with the first word comes first. Names are compared folded (`trace.core.folding`); a
hundred thousand of them are looked through in some tens of milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import case, select
from sqlalchemy.orm import aliased, joinedload

from trace.core.folding import fold
from trace.extensions import db
from trace.models import Organisation, Product
from trace.services.same import root_of

MAX_WORDS: Final = 6
MOST: Final = 20
# Who makes, carries or sells: authorities, laboratories and the platform are not looked for here.
MAKERS: Final = ("producer", "co-operative", "trader", "processor", "carrier", "retailer")


@dataclass(frozen=True, slots=True)
class Found:
    """What fits, best first; `more` says that there was more than is given."""

    products: list[Product]
    organisations: list[Organisation]
    more: bool

    def __bool__(self) -> bool:
        return bool(self.products or self.organisations)


def search(text: str, limit: int = MOST) -> Found:
    """Products and makers whose names hold every word of `text`; nothing for no words."""
    words = fold(text).split()[:MAX_WORDS]
    if not words:
        return Found([], [], more=False)
    products = db.session.scalars(
        _fitting("product", Product, words)
        .options(joinedload(Product.organisation))
        .limit(limit + 1)
    ).all()
    organisations = db.session.scalars(
        _fitting("organisation", Organisation, words)
        .where(Organisation.kind.in_(MAKERS))
        .limit(limit + 1)
    ).all()
    more = len(products) > limit or len(organisations) > limit
    return Found(list(products[:limit]), list(organisations[:limit]), more)


def _fitting(kind: str, model: Any, words: list[str]) -> Any:
    """`words` are letters and digits only: nothing in them means anything to LIKE. Of records that
    are one the one that is kept, whichever has the words."""
    named = aliased(model)
    fitting = select(root_of(kind, named.id))
    for word in words:
        fitting = fitting.where(named.folded.like(f"%{word}%"))
    begins = case((model.folded.like(f"{words[0]}%"), 0), else_=1)
    return select(model).where(model.id.in_(fitting)).order_by(begins, model.folded)
