"""Places: plots, packhouses, markets, shops. Addresses are printed, positions may be private."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from trace.core.folding import fold
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

# Where a shape came from: walked with the phone, drawn, pasted, a file, a spreadsheet's position.
SHAPE_SOURCES = ("walked", "drawn", "pasted", "file")
# A planting-area code (PUC) names where something grew, a packing-house code (PHC) where it was
# packed.
AREA_CODE_KINDS = ("planting", "packing")
AREA_CODE_STATES = ("active", "pending", "suspended", "revoked")


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
    # Both names as people type them when they look for it: no capitals, no marks.
    folded: Mapped[str] = mapped_column(String(500), default="", server_default="")
    kind: Mapped[str] = mapped_column(String(20))
    ward_code: Mapped[str | None] = mapped_column(String(10), index=True)
    address: Mapped[str] = mapped_column(String(300), default="")
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    area_m2: Mapped[Decimal | None] = mapped_column(Quantity)  # as declared
    # A JSON list of [longitude, latitude] with the digits that came in; the ring is open.
    outline: Mapped[str | None] = mapped_column(Text, deferred=True)
    outline_source: Mapped[str] = mapped_column(String(6), default="", server_default="")
    outline_accuracy: Mapped[int | None]  # metres, as the phone that walked it told
    outline_area: Mapped[Decimal | None] = mapped_column(Quantity)  # m², computed
    west: Mapped[float | None]  # the outline's box
    south: Mapped[float | None]
    east: Mapped[float | None]
    north: Mapped[float | None]
    # Codes stand in `area_codes` since 0003; the column goes in a later release.
    old_area_code: Mapped[str] = mapped_column("planting_area_code", String(60), default="")
    public: Mapped[bool] = mapped_column(default=True)  # name and ward
    # The exact position and outline are nobody else's business unless the owner says so.
    position_public: Mapped[bool] = mapped_column(default=False, server_default=text("false"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()
    household: Mapped[Household | None] = relationship()
    area_codes: Mapped[list[AreaCode]] = relationship(
        back_populates="place", order_by="AreaCode.id", passive_deletes=True
    )

    @validates("name", "name_en")
    def _fold(self, key: str, text: str) -> str:
        names = {"name": self.name, "name_en": self.name_en, key: text}
        self.folded = fold(f"{names['name'] or ''} {names['name_en'] or ''}")[:500]
        return text

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012


class AreaCode(Model):
    """A planting-area or packing-house code as the paper says it: kept raw, checked softly.

    `area_m2` is the area the code was granted for; with the crop's yield ceiling it bounds what can
    be sold under the code in a season.
    """

    __tablename__ = "area_codes"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("places.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(8))
    code: Mapped[str] = mapped_column(String(60))
    folded: Mapped[str] = mapped_column(String(60))  # letters and digits only, for finding
    market: Mapped[str] = mapped_column(String(3), default="")  # ISO 3166-1 alpha-3; "" not told
    crop: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(9), default="active")
    issued: Mapped[date | None] = mapped_column(Date)
    expires: Mapped[date | None] = mapped_column(Date)
    area_m2: Mapped[Decimal | None] = mapped_column(Quantity)
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    place: Mapped[Place] = relationship(back_populates="area_codes")

    __table_args__ = (Index("ix_area_codes_folded", "folded"),)
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
