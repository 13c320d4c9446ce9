"""Two people, one record: the second to save is told, and loses nothing."""

from __future__ import annotations

from trace.errors import Conflict
from trace.models import (
    Application,
    AreaCode,
    Certificate,
    Closing,
    Household,
    Organisation,
    Place,
    Plan,
    Product,
    Request,
    Succession,
)


class ChangedMeanwhile(Conflict):
    code = "changed-meanwhile"
    message = "Someone else changed this record while you were editing it."
    next_step = "Compare both versions, then save yours or keep theirs."


def check_version(
    record: Organisation
    | AreaCode
    | Household
    | Place
    | Plan
    | Product
    | Certificate
    | Request
    | Application
    | Closing
    | Succession,
    version: int,
) -> None:
    """Raises ChangedMeanwhile unless `version` is the one the editor saw."""
    if record.version != version:
        raise ChangedMeanwhile
