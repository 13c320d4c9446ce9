"""Products (trade items), with or without a GTIN. A GTIN has one owner organisation."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from trace.core.folding import fold
from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.types import Id, Moment, Quantity

CATEGORIES = (
    "leaf-vegetable",
    "fruit-vegetable",
    "root-vegetable",
    "herb",
    "fruit",
    "rice",
    "egg",
    "meat",
    "fish",
    "tea",
    "mushroom",
    "processed",
    "other",
)


class Product(Model):
    __tablename__ = "products"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)  # /q/{code}
    gtin: Mapped[str | None] = mapped_column(String(14), unique=True)
    gtin_confirmed: Mapped[bool] = mapped_column(default=False)
    identity: Mapped[str] = mapped_column(String(300), unique=True)  # canonical text
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    # Both names as people type them who look for something; kept by `_fold`.
    folded: Mapped[str] = mapped_column(String(500), default="", server_default="")
    category: Mapped[str] = mapped_column(String(30), default="other")
    description: Mapped[str] = mapped_column(String(1000), default="")
    unit: Mapped[str] = mapped_column(String(3), default="KGM")  # UN/ECE Rec. 20
    net_weight: Mapped[Decimal | None] = mapped_column(Quantity)  # kg of one package
    shelf_life_days: Mapped[int | None]
    use_by: Mapped[bool] = mapped_column(default=False)  # the date is a use-by, not a best-before
    picture: Mapped[str | None] = mapped_column(ForeignKey("attachments.digest"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()

    @validates("name", "name_en")
    def _fold(self, key: str, text: str) -> str:
        names = {"name": self.name, "name_en": self.name_en, key: text}
        self.folded = fold(f"{names['name'] or ''} {names['name_en'] or ''}")[:500]
        return text

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
