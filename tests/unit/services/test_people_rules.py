"""Numbers and addresses people sign in with."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.errors import TraceError
from trace.services.people import BadLogin, BadPhone, Login, parse_login, parse_phone


@pytest.mark.parametrize(
    "typed",
    [
        "0912345678",
        "0912 345 678",
        "0912.345.678",
        "(091) 234-5678",
        "+84912345678",
        "+84 912 345 678",
        "84912345678",
        "0084912345678",
        "+84 0912345678",
    ],
)
def test_one_number_has_one_form(typed: str) -> None:
    assert parse_phone(typed) == "+84912345678"


def test_a_foreign_number_keeps_its_country() -> None:
    assert parse_phone("+33 6 12 34 56 78") == "+33612345678"


@pytest.mark.parametrize("typed", ["", "1", "0123", "09123456789012", "abc", "0912 345 67x y"])
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(BadPhone):
        parse_phone(typed)


@pytest.mark.parametrize("typed", ["", "rau", "@", "a@", "@b.vn", "a@b", "a b@c.vn", "a@b..vn"])
def test_what_is_neither_number_nor_address_is_refused(typed: str) -> None:
    with pytest.raises(BadLogin):
        parse_login(typed)


def test_an_address_is_kept_in_small_letters() -> None:
    assert parse_login(" An.Nguyen+rau@Rau.Example ") == Login("email", "an.nguyen+rau@rau.example")


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(typed: str) -> None:
    found = ""
    try:
        found = parse_login(typed).kind
    except TraceError as error:
        found = error.code
    assert found in ("phone", "email", "bad-login", "bad-phone")
