"""Whom a maker may see of those a case reaches, before it is signed.

To prepare a recall, or to rehearse one, costs nothing and warns nobody: done for the names alone it
would tell a maker whom its buyers sell to. Until the signature it is shown its own partners, one
step down (and in a rehearsal those who agreed to take part); of all others how many and how much.
An authority sees everybody, and so does a maker once it has signed: now they must be called.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from trace.extensions import db
from trace.models import Handover, Organisation, RehearsalConsent
from trace.services.recalls.reaching import Held


def known_to(organisation: Organisation, held: Sequence[Held], *, rehearsal: bool) -> list[Held]:
    """Those of `held` that the organisation may know before a signature."""
    if organisation.kind == "authority":
        return list(held)
    partners = set(
        db.session.scalars(
            select(Handover.taker_id)
            .where(Handover.giver_id == organisation.id, Handover.taker_id.is_not(None))
            .distinct()
        )
    ) | {organisation.id}
    if rehearsal:
        partners |= set(db.session.scalars(select(RehearsalConsent.organisation_id)))
    return [
        one
        for one in held
        if one.organisation_id in partners
        or (one.organisation_id is None and one.giver_id == organisation.id)
    ]
