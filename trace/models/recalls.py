"""Recalls, holds and advice as cases: what was chosen, who decided, who must answer, and what.

What the public sees are notices, which are events; these rows are the authority's or the producer's
own file about them. A rehearsal has no notice: `recall_things` holds what it would have reached.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from sqlalchemy import ForeignKey, Index, SmallInteger, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from trace.extensions import Model
from trace.models.organisations import Organisation
from trace.models.things import Thing
from trace.models.types import Id, Moment, Quantity

KINDS = ("recall", "hold", "advice")
HAZARDS = ("health", "quality", "label")
GRADES = (1, 2, 3)
STATES = ("draft", "proposed", "refused", "waiting", "open", "withdrawn", "closed")
# What may have become of recalled goods (Circular 17/2021, and what was sold already).
FATES = (
    "held",
    "sold",
    "returned",
    "relabelled",
    "repurposed",
    "re-exported",
    "destroyed",
)


class Recall(Model):
    """One case. `organisation` runs it; where a ward proposed and the city decides, both are kept.

    `determined_at` starts the 24 hours, `signed_at` ends them.
    """

    __tablename__ = "recalls"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(10), unique=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), index=True)
    kind: Mapped[str] = mapped_column(String(10))
    rehearsal: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(String(10), default="draft")
    sector: Mapped[str] = mapped_column(String(20), default="")
    basis: Mapped[str] = mapped_column(Text, default="[]")  # JSON: what was typed to choose
    hazard: Mapped[str] = mapped_column(String(20), default="")
    grade: Mapped[int] = mapped_column(SmallInteger, default=0)  # 1 is the highest
    reason: Mapped[str] = mapped_column(String(500), default="")  # public once signed
    instructions: Mapped[str] = mapped_column(String(500), default="")  # to holders
    determined_at: Mapped[datetime | None] = mapped_column(Moment)
    # What the preview found, when.
    reached: Mapped[int] = mapped_column(default=0)
    reached_mixed: Mapped[int] = mapped_column(default=0)
    previewed_at: Mapped[datetime | None] = mapped_column(Moment)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    # Who proposed it, where somebody else decides.
    proposer_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    proposed_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    proposed_at: Mapped[datetime | None] = mapped_column(Moment)
    refusal: Mapped[str] = mapped_column(String(500), default="")
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
    # The first of two signatures waits until then for the second.
    first_signer: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    waits_until: Mapped[datetime | None] = mapped_column(Moment)
    signer: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    signed_at: Mapped[datetime | None] = mapped_column(Moment)
    answer_by: Mapped[datetime | None] = mapped_column(Moment)
    followed_at: Mapped[datetime | None] = mapped_column(Moment)  # holders listed and told
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    end_reason: Mapped[str] = mapped_column(String(500), default="")
    # The first of two signatures under its end waits until then; nothing is lifted before.
    end_first: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    end_until: Mapped[datetime | None] = mapped_column(Moment)
    end_state: Mapped[str | None] = mapped_column(String(10))  # withdrawn | closed
    version: Mapped[int] = mapped_column(default=1)

    organisation: Mapped[Organisation] = relationship(foreign_keys=[organisation_id])
    proposer: Mapped[Organisation | None] = relationship(foreign_keys=[proposer_id])

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 (SQLAlchemy's own form)
    __table_args__ = (Index("ix_recalls_state", "state", "id"),)


class RecallItem(Model):
    """A thing that was chosen: the notice names it, all downstream of it is reached."""

    __tablename__ = "recall_items"

    recall_id: Mapped[int] = mapped_column(ForeignKey("recalls.id"), primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True, index=True)

    thing: Mapped[Thing] = relationship()


class RecallNotice(Model):
    """A signed notice of a recall, and the release that ended it. Long lists take several."""

    __tablename__ = "recall_notices"

    event_id: Mapped[int] = mapped_column(ForeignKey("events.id"), primary_key=True)
    recall_id: Mapped[int] = mapped_column(ForeignKey("recalls.id"), index=True)
    release_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))


class RecallThing(Model):
    """What a rehearsal would have reached. A recall in earnest has alerts instead."""

    __tablename__ = "recall_things"

    recall_id: Mapped[int] = mapped_column(ForeignKey("recalls.id"), primary_key=True)
    thing_id: Mapped[int] = mapped_column(ForeignKey("things.id"), primary_key=True)
    mixed: Mapped[bool] = mapped_column(default=False)


class RecallHolder(Model):
    """Who has or had some of it and must answer: an organisation, or somebody without an account
    whom a giver named on a delivery note (`shipment_id`), or whom nobody named at all."""

    __tablename__ = "recall_holders"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    recall_id: Mapped[int] = mapped_column(ForeignKey("recalls.id"), index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"), index=True)
    shipment_id: Mapped[int | None] = mapped_column(ForeignKey("events.id"))
    giver_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))  # who told of them
    name: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(20), default="")
    one_sided: Mapped[bool] = mapped_column(default=False)
    things: Mapped[int] = mapped_column(default=0)
    mixed_only: Mapped[bool] = mapped_column(default=False)
    secret: Mapped[str | None] = mapped_column(String(20), unique=True)
    told_at: Mapped[datetime | None] = mapped_column(Moment)
    first_answer_at: Mapped[datetime | None] = mapped_column(Moment)
    last_answer_at: Mapped[datetime | None] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(5), default="")  # "" | part | done

    organisation: Mapped[Organisation | None] = relationship(foreign_keys=[organisation_id])
    giver: Mapped[Organisation | None] = relationship(foreign_keys=[giver_id])

    __table_args__ = (
        UniqueConstraint("recall_id", "organisation_id", name="uq_recall_holders_organisation"),
        UniqueConstraint("recall_id", "shipment_id", name="uq_recall_holders_shipment"),
    )


class RecallAmount(Model):
    """How much a holder had, in one unit ("" counts pieces), and how much is accounted for."""

    __tablename__ = "recall_amounts"

    holder_id: Mapped[int] = mapped_column(ForeignKey("recall_holders.id"), primary_key=True)
    unit: Mapped[str] = mapped_column(String(3), primary_key=True)
    had: Mapped[Decimal] = mapped_column(Quantity)
    sold: Mapped[Decimal] = mapped_column(Quantity)  # by the holder's own records, before it
    answered: Mapped[Decimal] = mapped_column(Quantity)


class RecallAnswer(Model):
    """One line of a holder's answer. `teller` is whoever said so without an account; only the
    authority and that holder read it. A line that a holder signed as an event names the lot, and
    the event by its key; what takes a line back names the line."""

    __tablename__ = "recall_answers"

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    holder_id: Mapped[int] = mapped_column(ForeignKey("recall_holders.id"), index=True)
    fate: Mapped[str] = mapped_column(String(12))
    unit: Mapped[str] = mapped_column(String(3))
    quantity: Mapped[Decimal] = mapped_column(Quantity)
    thing_id: Mapped[int | None] = mapped_column(ForeignKey("things.id"), index=True)
    event_key: Mapped[str | None] = mapped_column(String(22))
    # The line this one takes back.
    undoes_id: Mapped[int | None] = mapped_column(ForeignKey("recall_answers.id"), unique=True)
    note: Mapped[str] = mapped_column(String(300), default="")
    way: Mapped[str] = mapped_column(String(7))  # account | link | phone
    teller: Mapped[str] = mapped_column(String(120), default="")
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    answered_at: Mapped[datetime] = mapped_column(Moment)


class RehearsalConsent(Model):
    """An organisation that agreed to take part in rehearsals."""

    __tablename__ = "rehearsal_consents"

    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    agreed_at: Mapped[datetime] = mapped_column(Moment)
