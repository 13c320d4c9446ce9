"""What a rule calls missing, and what it must not."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.services.dpp_rules import PRIVATE, RULES, Rule, judge

DAY = date(2026, 11, 22)
OFFERED = st.sampled_from([None, "", [], False, "x", ["x"], True, PRIVATE])
KEYS = sorted({key for rule in RULES for key, _ in rule.items})


@given(
    st.dictionaries(st.sampled_from(KEYS), OFFERED), st.dates(date(2020, 1, 1), date(2030, 1, 1))
)
def test_only_a_binding_rule_calls_anything_missing_and_never_what_is_asked_if_any(
    known: dict[str, object], day: date
) -> None:
    for judged in judge(known, day):
        optional = {key for key, may_lack in judged.rule.items if may_lack}
        assert [item.key for item in judged.items] == [key for key, _ in judged.rule.items]
        missing = set(judged.of("missing"))
        assert not missing & optional
        if not judged.binding:
            assert not missing
        else:
            assert not judged.of("not-yet")
        for item in judged.items:
            value = known.get(item.key)
            assert (item.state == "private") == (value is PRIVATE)
            assert (item.state == "given") == (value is not PRIVATE and bool(value))


@pytest.mark.parametrize(
    ("binds_from", "state"),
    [(None, "not-yet"), (DAY, "missing"), (date(2026, 11, 23), "not-yet")],
)
def test_a_rule_binds_from_its_day_on(binds_from: date | None, state: str) -> None:
    rule = Rule("r", "R", binds_from, (("gtin", False), ("expiry", True)))
    (judged,) = judge({}, DAY, [rule])
    assert [item.state for item in judged.items] == [state, "none"]


def test_the_decree_of_passports_binds_nobody_before_a_timetable_is_published() -> None:
    decree = next(rule for rule in RULES if rule.code == "nd-37-2026-32")
    assert not decree.binds(DAY)
