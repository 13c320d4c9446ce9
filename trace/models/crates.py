"""Labels of crates and pallets issued ahead, and the GS1 company prefixes their SSCCs come from.

A crate's code names nothing until something is packed into it; rows are never deleted and numbers
never given twice: printed addresses live.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from trace.extensions import Model
from trace.models.types import Id, Moment


class CompanyPrefix(Model):
    """Digits that GS1 gave an organisation, as it says. `issued` counts the SSCCs made of it here:
    the next one is number `issued`, from the extension digit on that is kept for this register."""

    __tablename__ = "company_prefixes"

    prefix: Mapped[str] = mapped_column(String(12), primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), unique=True)
    extension: Mapped[int]
    issued: Mapped[int] = mapped_column(Id, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)


class CrateLabel(Model):
    """One crate's code, printed ahead. `identity` is canonical; `run` names what was asked for in
    one go (the row id of its first), `number` counts from 1 in it."""

    __tablename__ = "crate_labels"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    identity: Mapped[str] = mapped_column(String(60), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"))
    run: Mapped[int] = mapped_column(Id)
    number: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_crate_labels_run", "run", "number", unique=True),
        Index("ix_crate_labels_organisation", "organisation_id", "run"),
    )
