"""Two people, one record: the second to save is told, and loses nothing."""

from __future__ import annotations

from trace.errors import Conflict
from trace.models import (
    Application,
    Certificate,
    Household,
    Organisation,
    Place,
    Plan,
    Product,
    Request,
)


class ChangedMeanwhile(Conflict):
    code = "changed-meanwhile"
    message = "Someone else changed this record while you were editing it."
    next_step = "Compare both versions, then save yours or keep theirs."


def check_version(
    record: Organisation | Household | Place | Plan | Product | Certificate | Request | Application,
    version: int,
) -> None:
    """Raises ChangedMeanwhile unless `version` is the one the editor saw."""
    if record.version != version:
        raise ChangedMeanwhile
