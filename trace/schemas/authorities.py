"""The forms of authorities: setting one up below, and lending an act."""

from __future__ import annotations

from trace.models.authorities import LENT_ACTS, SECTORS
from trace.schemas.base import Choice, Day, FormSchema, Several, Text


class AuthoritySchema(FormSchema):
    """A new authority below: its name, the codes of its provinces and wards, its sectors."""

    name = Text(200, required=True)
    areas = Text(200, required=True)
    sectors = Several(SECTORS)


class DelegationSchema(FormSchema):
    """Which act is lent to whom, where, until the end of which day, and why."""

    taker = Text(20, required=True)
    act = Choice(LENT_ACTS, required=True)
    areas = Text(500, required=True)
    sectors = Several(SECTORS)
    until = Day(required=True)
    reason = Text(500, required=True)
