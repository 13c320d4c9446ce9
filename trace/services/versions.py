"""Two people, one record: the second to save is told, and loses nothing."""

from __future__ import annotations

from typing import Protocol

from trace.errors import Conflict


class ChangedMeanwhile(Conflict):
    code = "changed-meanwhile"
    message = "Someone else changed this record while you were editing it."
    next_step = "Compare both versions, then save yours or keep theirs."


class ChangedAtOnce(Conflict):
    code = "changed-at-once"
    message = "Someone else saved this at the same moment. Send the form once more."


class Versioned(Protocol):
    """A record that counts its changes."""

    @property
    def version(self) -> int: ...


def check_version(record: Versioned, version: int) -> None:
    """Raises ChangedMeanwhile unless `version` is the one the editor saw."""
    if record.version != version:
        raise ChangedMeanwhile
