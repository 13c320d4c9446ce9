"""Near codes: the one that was meant is always among them, and all of them fit."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from trace.core.gs1 import check_code, new_code
from trace.core.gs1.codes import ALPHABET
from trace.core.gs1.mistyped import doubtful, near_codes


def drawable(seed: bytes) -> bool:
    """Whether a code comes of these bytes at the first draw."""
    return int.from_bytes(seed, "big") % (1 << 45) % 37 < 32


codes = st.binary(min_size=6, max_size=6).filter(drawable)


@given(codes, st.integers(0, 9), st.sampled_from(ALPHABET))
def test_a_wrong_character_is_mended_by_one_of_the_near_codes(
    seed: bytes, place: int, other: str
) -> None:
    code = new_code(lambda _: seed)
    assume(code[place] != other)
    wrong = code[:place] + other + code[place + 1 :]
    near = near_codes(wrong)
    assert code in near
    assert all(check_code(one) == one for one in near)
    assert len(near) < 40
    told = [(p, meant) for p, typed, meant in doubtful(wrong) if typed == wrong[p - 1]]
    assert len(told) == len(doubtful(wrong))


@given(codes, st.integers(0, 8))
def test_two_neighbours_swapped_are_mended_too(seed: bytes, place: int) -> None:
    code = new_code(lambda _: seed)
    assume(code[place] != code[place + 1])
    wrong = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert code in near_codes(wrong)
