"""Kinds of jobs that somebody waits for: done beside whatever else a worker is about.

A code that somebody types in within minutes, a recall on its way to those who hold the goods: an
export of an hour must not stand before them. While a worker is busy, a second pair of hands takes
these up; with nothing else to do it takes them itself, as any other (trace.jobs.worker).
"""

from __future__ import annotations

from typing import Final

from trace.services import follows, holds, news, notifications, senders
from trace.services.recalls.signing import FOLLOW

Groups = tuple[frozenset[str], ...]  # of kinds: what is of the first comes first

# Events are told by the thousand, codes one by one.
URGENT: Final[Groups] = (
    frozenset({senders.JOB_KIND}),
    frozenset({FOLLOW, holds.KIND, notifications.JOB_KIND, follows.KIND}),
    frozenset({news.KIND}),
)
