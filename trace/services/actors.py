"""Who acts: an organisation, usually through a person, in a role."""

from __future__ import annotations

from dataclasses import dataclass

from trace.errors import NotAllowed, TraceError
from trace.models import Organisation, Person

# What a role may do in its organisation. Inspectors and supervisors belong to authorities.
MAY = {
    "owner": frozenset({"read", "record", "manage", "export"}),
    "recorder": frozenset({"read", "record"}),
    "viewer": frozenset({"read"}),
    "inspector": frozenset({"read", "inspect"}),
    "supervisor": frozenset({"read", "inspect", "decide"}),
    "admin": frozenset({"read", "record", "manage", "export", "administer"}),
    "token": frozenset({"read", "record"}),
}
# What stays of a role when the organisation has closed: reading and taking away its own records.
STAYS = frozenset({"read", "export"})


class OrganisationClosed(TraceError):
    code = "organisation-closed"
    status = 403
    message = "%(name)s has closed; nothing more is recorded or changed for it."
    next_step = "Its records stay readable; whoever goes on for it records under its own name."


@dataclass(frozen=True, slots=True)
class Actor:
    """The organisation that says something, the person who typed it, and in which role."""

    organisation: Organisation
    person: Person | None
    role: str
    also: frozenset[str] = frozenset()  # acts a token was given beside those of its role

    def may(self, act: str) -> bool:
        """Whether the role includes the act (`read`, `record`, `manage`, `inspect`, …), and the
        organisation still works."""
        if self.organisation.closed_at is not None and act not in STAYS:
            return False
        return act in self._acts()

    def _acts(self) -> frozenset[str]:
        return MAY.get(self.role, frozenset()) | self.also

    def check(self, act: str) -> None:
        """Raises NotAllowed unless the role includes the act, OrganisationClosed where it would
        have."""
        if self.may(act):
            return
        if act in self._acts():
            raise OrganisationClosed(name=self.organisation.name)
        raise NotAllowed
