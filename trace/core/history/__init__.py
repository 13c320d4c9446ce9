"""A thing's events put in order; gaps, contradictions, intervals, balances, mixes.

Facts in, facts out: no event is changed and none is invented. `heard` leaves what may stand on a
public page, `trace_journey` chooses what belongs to one thing, the rest says what it amounts to.
"""

from trace.core.history.contents import Span, spans
from trace.core.history.corrections import Settled, WentOut, in_time, settle
from trace.core.history.divisions import ARRIVING, LEAVING, first_division, made_of
from trace.core.history.facts import Fact, Treatment, Use, newest_first, oldest_first
from trace.core.history.findings import LATE_AFTER, Marks, find_marks, late_days
from trace.core.history.gaps import SILENCES, TOPICS, Gap, Topic, find_gaps
from trace.core.history.intervals import Interval, intervals, smallest_interval
from trace.core.history.journeys import Journey, trace_journey
from trace.core.history.mixes import Source, coverage, find_sources, gathered_between
from trace.core.history.reading import (
    bare_step,
    beyond_limits,
    declared_none_of,
    ends_of,
    fact_of,
    minutes_of,
    quantity_of,
    treatments_of,
)
from trace.core.history.speakers import Standing, creators, heard, holders

__all__ = [
    "ARRIVING",
    "LATE_AFTER",
    "LEAVING",
    "SILENCES",
    "TOPICS",
    "Fact",
    "Gap",
    "Interval",
    "Journey",
    "Marks",
    "Settled",
    "Source",
    "Span",
    "Standing",
    "Topic",
    "Treatment",
    "Use",
    "WentOut",
    "bare_step",
    "beyond_limits",
    "coverage",
    "creators",
    "declared_none_of",
    "ends_of",
    "fact_of",
    "find_gaps",
    "find_marks",
    "find_sources",
    "first_division",
    "gathered_between",
    "heard",
    "holders",
    "in_time",
    "intervals",
    "late_days",
    "made_of",
    "minutes_of",
    "newest_first",
    "oldest_first",
    "quantity_of",
    "settle",
    "smallest_interval",
    "spans",
    "trace_journey",
    "treatments_of",
]
