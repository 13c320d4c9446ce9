"""A page stands one second after the redirect on a slow phone, and nothing in it moves."""

from __future__ import annotations

import pytest

from benchmarks import first_paint


@pytest.mark.long
def test_a_slow_phone_shows_every_page_within_a_second_and_nothing_moves() -> None:
    figures = list(first_paint.run())
    assert len(figures) == len(first_paint.PAGES) + 1
    assert [figure for figure in figures if not figure.met] == []
