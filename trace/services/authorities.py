"""Authorities below: an authority sets up those of smaller areas inside its own.

What it sets up stays unconfirmed, and so sees and decides nothing, until the platform confirms it
in the log (formats, section 5); its first owner joins by a link that whoever set it up hands over.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select

from trace.errors import TraceError
from trace.extensions import db
from trace.models import Invitation, Organisation
from trace.models.authorities import SECTORS
from trace.services import invitations
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.competence import areas, contains
from trace.services.delegations import NotOwnSector, check_areas
from trace.services.jurisdictions import scope_of, sectors_of
from trace.services.notifications import notify
from trace.services.organisations import create_organisation
from trace.services.platform import platform_organisation
from trace.services.wards import find_ward

LIST_LIMIT = 4_000  # more than there are wards and provinces


class SameArea(TraceError):
    code = "same-area"
    message = "An authority below has a smaller area than yours."


def authorities_below(actor: Actor) -> list[Organisation]:
    """Authorities whose whole area lies in this one's, confirmed or not, by name; itself not."""
    actor.check("read")
    own = actor.organisation
    rows = db.session.scalars(
        select(Organisation)
        .where(Organisation.kind == "authority", Organisation.id != own.id)
        .order_by(Organisation.name, Organisation.id)
        .limit(LIST_LIMIT)
    )
    return [one for one in rows if contains(own.jurisdiction, one.jurisdiction)]


def set_up(
    actor: Actor, name: str, typed_areas: str, sectors: Sequence[str], *, at: datetime
) -> tuple[Organisation, Invitation, str]:
    """A new authority below, the link for its first owner and the link's address, which is kept
    nowhere. Raises NotAllowed, NotOwnArea, SameArea, NotOwnSector."""
    actor.check("decide")
    above = scope_of(actor).authority
    codes = check_areas(typed_areas, above.jurisdiction)
    if contains(codes, above.jurisdiction):
        raise SameArea(path="areas")
    if not set(sectors) <= sectors_of(above):
        raise NotOwnSector(path="sectors")
    first = next((code for code in sorted(areas(codes)) if find_ward(code)), None)
    made = create_organisation(
        {
            "name": name,
            "kind": "authority",
            "jurisdiction": codes,
            "sectors": " ".join(one for one in SECTORS if one in sectors),
            "ward_code": first,
        },
        at=at,
        demonstration=above.demonstration,
    )
    write_audit(actor, "authority.set-up", f"organisation:{made.code}", at=at, areas=codes)
    # As its first owner would: nobody is a member yet.
    invitation, address = invitations.invite_first(
        Actor(made, actor.person, "owner"), "owner", name, at=at
    )
    notify(
        platform_organisation(),
        "application-waiting",
        {"name": made.name},
        at=at,
        address="/admin/organisations/",
    )
    return made, invitation, address
