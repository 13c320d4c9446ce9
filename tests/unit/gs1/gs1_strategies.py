"""Hypothesis strategies for valid identities and links, written from the grammar alone."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from trace.core.gs1 import DigitalLink, Identity, check_digit, new_code, new_serial
from trace.core.gs1.values import CSET82, alpha_check

VALUES = st.text(CSET82 + " #ă", max_size=31)


def _digits(length: int) -> st.SearchStrategy[str]:
    return st.text(string.digits, min_size=length, max_size=length)


def _checked(length: int) -> st.SearchStrategy[str]:
    return _digits(length - 1).map(lambda digits: digits + str(check_digit(digits)))


def _text(longest: int, alphabet: str = CSET82, shortest: int = 1) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=shortest, max_size=longest)


def _joined(*parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.tuples(*parts).map("".join)


CSET39 = "#-/0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PREFIXED = _joined(_digits(4), _text(21))
_KEYS: dict[str, tuple[st.SearchStrategy[str], tuple[tuple[str, int], ...]]] = {
    "00": (_checked(18), ()),
    "253": (_joined(_checked(13), _text(17, shortest=0)), ()),
    "255": (_joined(_checked(13), _text(12, string.digits, 0)), ()),
    "401": (_joined(_digits(4), _text(26)), ()),
    "402": (_checked(17), ()),
    "417": (_checked(13), ()),
    "8003": (_joined(st.just("0"), _checked(13), _text(16, shortest=0)), ()),
    "8004": (_joined(_digits(4), _text(26)), ()),
    "8013": (_joined(_digits(4), _text(19)).map(lambda text: text + alpha_check(text)), ()),
    "01": (_checked(14), (("22", 20), ("10", 20), ("21", 20))),
    "8006": (_checked(14).map(lambda gtin: gtin + "0203"), (("10", 20), ("21", 20))),
    "414": (_checked(13), (("254", 20),)),
}


@st.composite
def one_of_keys(draw: st.DrawFn) -> Identity:
    """A valid identity of any GS1 key, or one of our own letters."""
    key = draw(st.sampled_from([*sorted(_KEYS), "01", "01", "235", "8010", "8018", "b", "c", "l"]))
    if key == "235":
        return Identity("01", draw(_checked(14)), (("235", draw(_text(28))),))
    if key == "8010":
        value = draw(_joined(_digits(4), _text(26, CSET39)))
        number = str(draw(st.integers(1, 10**12 - 1)))
        return Identity("8010", value, draw(st.sampled_from([(), (("8011", number),)])))
    if key == "8018":
        return Identity("8018", draw(_checked(18)), (("8019", draw(_text(10, string.digits))),))
    if key in {"b", "c", "l"}:
        numbers = draw(st.integers(0, 2**32))
        code = new_code(lambda n: (numbers * 37).to_bytes(n, "big"))
        serial = new_serial(lambda n: numbers.to_bytes(n, "big"))
        return Identity(key, code, (("serial", serial),) if key == "b" and numbers % 2 else ())
    values, qualifiers = _KEYS[key]
    chosen = tuple((ai, draw(_text(longest))) for ai, longest in qualifiers if draw(st.booleans()))
    return Identity(key, draw(values), chosen)


ITEM_ATTRIBUTES = {
    "11": st.just("261100"),
    "15": st.dates().map(lambda day: day.strftime("%y%m%d")),
    "240": _text(30),
    "422": st.sampled_from(["704", "156", "764"]),
    "7007": st.sampled_from(["261120", "261118261120"]),
    "3103": _digits(6),
    "90": _text(30),
    "99": _text(90),
}


@st.composite
def links(draw: st.DrawFn) -> DigitalLink:
    identity = draw(one_of_keys().filter(lambda one: not one.is_own))
    allowed = sorted(ITEM_ATTRIBUTES) if identity.key == "01" else ["90", "99"]
    chosen = draw(st.lists(st.sampled_from(allowed), unique=True, max_size=4))
    return DigitalLink(identity, tuple((ai, draw(ITEM_ATTRIBUTES[ai])) for ai in chosen))


LINKS = links()
