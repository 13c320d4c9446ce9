"""Places: plots, packhouses, markets, shops. Addresses are printed, positions may be private."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Household, Organisation
from trace.models.types import Id, Moment, Quantity

KINDS = (
    "plot",
    "greenhouse",
    "pond",
    "barn",
    "packhouse",
    "mill",
    "cold-store",
    "warehouse",
    "market",
    "stall",
    "shop",
    "port",
    "vehicle",
    "other",
)
# Its ward is where it is kept, not where something on board happens.
MOVING = "vehicle"


class Place(Model):
    __tablename__ = "places"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"), index=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)  # /l/{code} and /p/{code}
    gln: Mapped[str | None] = mapped_column(String(13), unique=True)
    identity: Mapped[str] = mapped_column(String(300), unique=True)  # canonical text
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    kind: Mapped[str] = mapped_column(String(20))
    ward_code: Mapped[str | None] = mapped_column(String(10), index=True)
    address: Mapped[str] = mapped_column(String(300), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    area_m2: Mapped[Decimal | None] = mapped_column(Quantity)
    planting_area_code: Mapped[str] = mapped_column(String(60), default="")
    public: Mapped[bool] = mapped_column(default=True)  # name and ward; the position never is
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()
    household: Mapped[Household | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
