"""Links that organisations add for their own products and lots, and what each said before."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.people import Person
from trace.models.products import Product
from trace.models.things import Thing
from trace.models.types import Id, Moment, Text

STATES = ("shown", "removed")
# What the checker found: not asked yet, reached, not reached, not to be spoken with at all.
CHECKS = ("waiting", "reached", "failing", "refused")
ACTIONS = ("added", "changed", "removed", "restored")


class Link(Model):
    """One link of a product (`lot_id` null) or of one lot, as the resolver hands it out.

    `identity` is the canonical text of the level it hangs at (the product's or the lot's): what a
    request is looked up by. `languages` and `context` are codes, one space between them.
    """

    __tablename__ = "links"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    lot_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    identity: Mapped[str] = mapped_column(String(500), index=True)
    link_type: Mapped[str] = mapped_column(String(40))  # bare: recipeInfo
    href: Mapped[str] = mapped_column(String(1000))
    title: Mapped[str] = mapped_column(String(150))
    languages: Mapped[str] = mapped_column(String(60))
    media_type: Mapped[str] = mapped_column(String(80))
    context: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[str] = mapped_column(String(7), default="shown")
    check: Mapped[str] = mapped_column(String(7), default="waiting")
    check_reason: Mapped[str] = mapped_column(String(40), default="")
    checked_at: Mapped[datetime | None] = mapped_column(Moment)
    failing_since: Mapped[datetime | None] = mapped_column(Moment)
    check_due: Mapped[datetime] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship()
    product: Mapped[Product] = relationship()
    lot: Mapped[Thing | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (Index("ix_links_due", "state", "check_due"),)


class LinkVersion(Model):
    """What a link said from a moment on, who said it; `content` is JSON of its own columns."""

    __tablename__ = "link_versions"

    link_id: Mapped[int] = mapped_column(ForeignKey("links.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(Moment)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    action: Mapped[str] = mapped_column(String(8))  # one of ACTIONS
    content: Mapped[str] = mapped_column(Text)

    link: Mapped[Link] = relationship()
    person: Mapped[Person | None] = relationship()
