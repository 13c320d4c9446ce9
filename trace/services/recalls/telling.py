"""Who must answer, and telling them.

1. After signing a job lists everybody who has or had some (`reaching.holders`), tells them, and
   makes for each a link that answers without an account, as on a delivery note. Things made later
   inherit the notice; the job runs again for whoever makes those, or is given any. Nobody is
   dropped. `followed_at` is when all that were known at first were told.
2. What a holder must account for in a unit is what it has by its own records, what it had sold
   before, and what left its book by its answers. It never falls below what it once was or what was
   answered.
3. Told is who has somebody to be told: an organisation without people is to be called, like those
   without an account.
4. In a rehearsal only those are told who agreed to take part, and only inside the application.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final

from sqlalchemy import select

from trace.extensions import db
from trace.models import (
    Membership,
    Organisation,
    Person,
    Recall,
    RecallAmount,
    RecallHolder,
    RehearsalConsent,
)
from trace.services.answers import new_secret
from trace.services.news_telling import standing_in, thing_name
from trace.services.notifications import RECEIVERS, notify_each
from trace.services.recalls.answering import settle
from trace.services.recalls.booking import left_by_answers
from trace.services.recalls.partners import known_to
from trace.services.recalls.reaching import Held, chosen_things, holders, reached_table
from trace.services.recalls.signing import notices_of
from trace.services.sets import among

NAMED: Final = 3


def to_list(recall: Recall) -> list[Held]:
    """Everybody who must answer, as things stand now: who runs the case itself only where it has
    or had some."""
    found = holders(reached_table(recall), with_sales=True)
    if recall.rehearsal:
        runs = db.session.get_one(Organisation, recall.organisation_id)
        found = known_to(runs, found, rehearsal=True)
    mine = recall.organisation_id
    return [one for one in found if one.organisation_id != mine or one.amounts or one.sold]


def follow(recall: Recall, *, at: datetime) -> int:
    """Lists who must answer and tells them; returns how many are new. Doing it twice does it once.
    The caller commits."""
    if recall.state != "open":
        return 0
    settle(recall, at=at)
    found = to_list(recall)
    known = {
        (row.organisation_id, row.shipment_id): row
        for row in db.session.scalars(
            select(RecallHolder).where(RecallHolder.recall_id == recall.id)
        )
    }
    fresh = 0
    for one in found:
        row = known.get((one.organisation_id, one.shipment_id))
        if row is None:
            fresh += 1
            row = RecallHolder(
                recall_id=recall.id,
                organisation_id=one.organisation_id,
                shipment_id=one.shipment_id,
                secret=new_secret(),
            )
            db.session.add(row)
        row.giver_id, row.name, row.phone = one.giver_id, one.name[:200], one.phone[:20]
        row.one_sided, row.things, row.mixed_only = one.one_sided, one.things, not one.sure
    db.session.flush()
    _write_amounts(recall, found)
    _tell(recall, at)
    recall.followed_at = recall.followed_at or at
    db.session.flush()
    return fresh


def _write_amounts(recall: Recall, found: Sequence[Held]) -> None:
    rows = {
        (row.organisation_id, row.shipment_id): row.id
        for row in db.session.scalars(
            select(RecallHolder).where(RecallHolder.recall_id == recall.id)
        )
    }
    known = {
        (row.holder_id, row.unit): row
        for row in db.session.scalars(
            select(RecallAmount).where(among(RecallAmount.holder_id, sorted(rows.values())))
        )
    }
    gone = left_by_answers(recall)
    for one in found:
        holder = rows.get((one.organisation_id, one.shipment_id))
        if holder is None:
            continue
        for unit in one.amounts.keys() | one.sold.keys():
            sold = one.sold.get(unit, Decimal(0))
            had = one.amounts.get(unit, Decimal(0)) + sold + gone.get((holder, unit), Decimal(0))
            row = known.get((holder, unit))
            if row is None:
                row = RecallAmount(
                    holder_id=holder, unit=unit, had=had, sold=sold, answered=Decimal(0)
                )
                db.session.add(row)
            else:  # rule 2: what moved on since is the next one's, and still accounted for here
                row.had = max(row.had, had, row.answered)
                row.sold = sold
    db.session.flush()


def _tell(recall: Recall, at: datetime) -> None:
    rows = list(
        db.session.scalars(
            select(RecallHolder).where(
                RecallHolder.recall_id == recall.id,
                RecallHolder.told_at.is_(None),
                RecallHolder.organisation_id.is_not(None),
                RecallHolder.organisation_id != recall.organisation_id,
            )
        )
    )
    if recall.rehearsal:
        agreed = set(db.session.scalars(select(RehearsalConsent.organisation_id)))
        rows = [row for row in rows if row.organisation_id in agreed]
    peopled = _with_people({row.organisation_id for row in rows if row.organisation_id})
    rows = [  # who goes on for one that has closed is told in its stead
        row
        for row in rows
        if row.organisation_id in peopled or (row.organisation and row.organisation.closed_at)
    ]
    what = names_of(recall)
    told: dict[Organisation, tuple[Mapping[str, object], str]] = {}
    for row in rows:
        row.told_at = at
        if row.organisation is not None:
            context = {"by": recall.organisation.name, "what": what, "count": str(row.things)}
            told[row.organisation] = (context, f"/producer/recalls/{row.id}/answer")
    if recall.rehearsal:
        notify_each(
            told, "recall-rehearsal", at=at, subject=f"recall:{recall.id}", inside_only=True
        )
        return
    # The same subject as the telling of the notice itself: whoever was told is not told again.
    notices = notices_of(recall)
    subject = f"notice:{notices[0][0]}" if notices else f"recall:{recall.id}"
    notify_each(told, f"alert-{recall.kind}", at=at, subject=subject)
    stand_ins = standing_in(told, recall.organisation)
    notify_each(stand_ins, "alert-closed", at=at, subject=f"{subject}:c")


def _with_people(organisations: Collection[int]) -> set[int]:
    """Those of them in which somebody is told of such things (rule 3)."""
    return set(
        db.session.scalars(
            select(Membership.organisation_id)
            .join(Person, Person.id == Membership.person_id)
            .where(
                among(Membership.organisation_id, sorted(organisations)),
                Membership.role.in_(RECEIVERS["alert"]),
                Person.active,
            )
        )
    )


def names_of(recall: Recall) -> str:
    """ "Cải ngọt · L2611, +2"."""
    things = chosen_things(recall)
    more = len(things) - NAMED
    told = [thing_name(one) for one in things[:NAMED]]
    return ", ".join([*told, *([f"+{more}"] if more > 0 else [])])
