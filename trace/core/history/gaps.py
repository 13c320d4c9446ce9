"""What was not said: the four kinds of silence, grouped (reference: the scan page's words).

* `undeclared`: nobody said anything about it.
* `private`: it was declared, and its owner keeps it from this reader.
* `none`: it was declared that there was none.
* `not-applicable`: the question does not arise for these goods.

A topic that was answered is no gap and is not listed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from trace.core.history.facts import Fact

Silence = Literal["undeclared", "private", "none", "not-applicable"]
SILENCES: Final[tuple[Silence, ...]] = ("undeclared", "private", "none", "not-applicable")


@dataclass(frozen=True, slots=True)
class Topic:
    """A question a history may answer.

    Answered by any fact of one of `steps` (when it has one of `members`, if any are listed); by
    any fact with one of `members` when no steps are listed; and by any fact that shows one of
    `also`. `word` is how "none" is declared.
    """

    name: str
    steps: frozenset[str] = frozenset()
    members: frozenset[str] = frozenset()
    word: str = ""
    grown_only: bool = False
    also: frozenset[str] = frozenset()


def _topic(
    name: str,
    steps: str = "",
    members: str = "",
    word: str = "",
    *,
    grown_only: bool = False,
    also: str = "",
) -> Topic:
    return Topic(
        name,
        frozenset(steps.split()),
        frozenset(members.split()),
        word,
        grown_only,
        frozenset(also.split()),
    )


# The questions a shopper and the diary of good practice ask, in the order of the field.
TOPICS: Final = (
    _topic("seed", members="trace:variety trace:seedSource ilmd/trace:variety", grown_only=True),
    _topic("irrigation", "irrigating", word="irrigation", grown_only=True),
    _topic("fertiliser", "fertilising", "trace:inputs", "fertiliser", grown_only=True),
    _topic("pesticide", "spraying", "trace:inputs", "pesticide", grown_only=True),
    _topic(
        "harvest",
        "harvesting egg_collecting",
        # Who keeps no diary registers the lot with its date.
        also="ilmd/cbvmda:harvestStartDate ilmd/trace:harvestDate",
    ),
    _topic(
        "growing-place",
        "sowing transplanting harvesting feeding egg_collecting",
        "readPoint bizLocation",
    ),
    _topic("packing", "packing repackaging", "", ""),
    _topic("transport", "shipping transporting departing", "", ""),
)


@dataclass(frozen=True, slots=True)
class Gap:
    rule: str
    state: Silence


def find_gaps(live: Sequence[Fact], *, grown: bool, topics: Iterable[Topic] = TOPICS) -> list[Gap]:
    """The topics nobody answered, grouped by kind of silence, in the order of the topics.

    `grown` is False for goods that do not grow in a field.
    """
    found = []
    for topic in topics:
        state = _state(topic, live, grown)
        if state is not None:
            found.append(Gap(topic.name, state))
    return sorted(found, key=lambda gap: SILENCES.index(gap.state))


def _state(topic: Topic, live: Sequence[Fact], grown: bool) -> Silence | None:
    private = False
    for fact in live:
        told = fact.members & topic.also
        if told - fact.withheld:
            return None
        private = private or bool(told)
        if topic.steps and fact.step not in topic.steps:
            continue
        if not topic.members or fact.members & topic.members:
            if topic.members and fact.members & topic.members <= fact.withheld:
                private = True
                continue
            return None
    if private:
        return "private"
    if topic.word and any(topic.word in fact.declared_none for fact in live):
        return "none"
    if topic.grown_only and not grown:
        return "not-applicable"
    return "undeclared"
