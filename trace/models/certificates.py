"""Certificates an organisation says it has, what they cover, and what their issuer said of them."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Household, Organisation
from trace.models.places import Place
from trace.models.products import Product
from trace.models.types import Id, Moment, Quantity

DECISIONS = ("", "asked", "confirmed", "rejected")


class Certificate(Model):
    """What the holder says, and what the issuer (an organisation of kind `certifier`) answered.

    Each answer of the issuer is a signed and logged event (`event_id`: the newest one). What a
    certificate covers are the rows of `certificate_covers` together with `product_id` and
    `place_id`, which earlier releases wrote; no product means all products, no place all places,
    no household all households.
    """

    __tablename__ = "certificates"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))  # null: all products
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))  # null: all places
    standard: Mapped[str] = mapped_column(String(60))  # "VietGAP", "GlobalG.A.P.", "HACCP"
    number: Mapped[str] = mapped_column(String(60), default="", index=True)
    issuer_name: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date] = mapped_column(Date)
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    issuer_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    decision: Mapped[str] = mapped_column(String(10), default="", server_default="")
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(300), default="", server_default="")
    suspended_from: Mapped[date | None] = mapped_column(Date)
    suspended_until: Mapped[date | None] = mapped_column(Date)
    withdrawn_on: Mapped[date | None] = mapped_column(Date)  # from this day on it is none
    yearly_yield: Mapped[Decimal | None] = mapped_column(Quantity)  # kilograms a year
    event_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    confirmed_by: Mapped[Organisation | None] = relationship(foreign_keys=[confirmed_by_id])
    issuer: Mapped[Organisation | None] = relationship(foreign_keys=[issuer_id])
    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    product: Mapped[Product | None] = relationship()
    place: Mapped[Place | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012

    @property
    def vouched(self) -> bool:
        """Whether a certifier confirmed it whom an authority has confirmed, and not suspended:
        anyone may register as one, under any name."""
        return self.confirmed_by is not None and self.confirmed_by.status == "confirmed"


class CertificateCover(Model):
    """One product, place or member household a certificate is for; exactly one of the three."""

    __tablename__ = "certificate_covers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    certificate_id: Mapped[int] = mapped_column(
        ForeignKey("certificates.id", ondelete="CASCADE"), index=True
    )
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))
    household_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))

    product: Mapped[Product | None] = relationship()
    place: Mapped[Place | None] = relationship()
    household: Mapped[Household | None] = relationship()
