"""Who acts: an organisation, usually through a person, in a role."""

from __future__ import annotations

from dataclasses import dataclass

from trace.errors import NotAllowed
from trace.models import Organisation, Person

# What a role may do in its organisation. Inspectors and supervisors belong to authorities.
MAY = {
    "owner": frozenset({"read", "record", "manage"}),
    "recorder": frozenset({"read", "record"}),
    "viewer": frozenset({"read"}),
    "inspector": frozenset({"read", "inspect"}),
    "supervisor": frozenset({"read", "inspect", "decide"}),
    "admin": frozenset({"read", "record", "manage", "administer"}),
    "token": frozenset({"read", "record"}),
}


@dataclass(frozen=True, slots=True)
class Actor:
    """The organisation that says something, the person who typed it, and in which role."""

    organisation: Organisation
    person: Person | None
    role: str

    def may(self, act: str) -> bool:
        """Whether the role includes the act (`read`, `record`, `manage`, `inspect`, …)."""
        return act in MAY.get(self.role, frozenset())

    def check(self, act: str) -> None:
        """Raises NotAllowed unless the role includes the act."""
        if not self.may(act):
            raise NotAllowed
