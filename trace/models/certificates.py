"""Certificates an organisation says it has, and whether the issuer confirmed them."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.places import Place
from trace.models.products import Product
from trace.models.types import Id, Moment


class Certificate(Model):
    __tablename__ = "certificates"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"))  # null: all products
    place_id: Mapped[int | None] = mapped_column(ForeignKey("places.id"))  # null: all places
    standard: Mapped[str] = mapped_column(String(60))  # "VietGAP", "GlobalG.A.P.", "HACCP"
    number: Mapped[str] = mapped_column(String(60), default="")
    issuer_name: Mapped[str] = mapped_column(String(200))
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date] = mapped_column(Date)
    confirmed_by_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    confirmed_by: Mapped[Organisation | None] = relationship(foreign_keys=[confirmed_by_id])
    product: Mapped[Product | None] = relationship()
    place: Mapped[Place | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012
