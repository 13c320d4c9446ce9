"""Serial shipping container codes: every number once, eighteen digits, a check digit that fits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.gs1 import check_digit, check_prefix, format_sscc, parse_digital_link, sscc
from trace.core.gs1.errors import NoNumbersLeft
from trace.errors import TraceError


@given(st.from_regex(r"893[0-9]{1,9}", fullmatch=True), st.integers(0, 9), st.integers(0, 9_999))
def test_a_serial_number_reads_back_as_a_logistic_unit(
    prefix: str, extension: int, number: int
) -> None:
    made = sscc(prefix, extension, number)
    assert len(made) == 18
    assert int(made[-1]) == check_digit(made[:-1])
    assert made[1:].startswith(prefix)
    assert parse_digital_link(f"https://id.gs1.org/00/{made}").identity.kind == "logistic"
    assert format_sscc(made).replace(" ", "") == made


def test_numbers_run_through_extension_digits_and_end() -> None:
    last = 10**4
    listed = [sscc("893601234567", 8, number) for number in (0, last - 1, last, 2 * last - 1)]
    assert [one[0] for one in listed] == ["8", "8", "9", "9"]
    assert [one[13:17] for one in listed] == ["0000", "9999", "0000", "9999"]
    with pytest.raises(NoNumbersLeft):
        sscc("893601234567", 8, 2 * last)


@pytest.mark.parametrize("typed", ["893 6012", "893-6012", "893.6012", "8936012"])
def test_a_prefix_is_read_as_people_write_it(typed: str) -> None:
    assert check_prefix(typed) == "8936012"


@pytest.mark.parametrize(
    "typed", ["", "893", "8936012345678", "893601A", "0201234", "2000123", "9771234", "0000"]
)
def test_what_is_no_company_prefix_is_refused(typed: str) -> None:
    with pytest.raises(TraceError):
        check_prefix(typed)
