"""How often something was tried, by clocks that are right and by one that is ahead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from flask import Flask

from trace.services import counters
from trace.services.clock_check import APART

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def test_a_window_begins_with_the_first_try_and_ends_a_while_later(app: Flask) -> None:
    with app.app_context():
        key = counters.counter_key("tests", "one")
        counters.hit(key, HOUR, at=AT)
        counters.hit(key, HOUR, at=AT + HOUR / 2, by=2)
        late = AT + HOUR - timedelta(milliseconds=1)
        assert counters.tries(key, at=late, window=HOUR) == (3, AT + HOUR)
        assert counters.tries(key, at=AT + HOUR, window=HOUR) == (0, AT + HOUR)
        counters.hit(key, HOUR, at=AT + HOUR)
        assert counters.tries(key, at=AT + HOUR, window=HOUR) == (1, AT + 2 * HOUR)


def test_nobody_is_kept_out_for_as_long_as_a_clock_was_ahead(app: Flask) -> None:
    with app.app_context():
        key = counters.counter_key("tests", "one")
        counters.hit(key, HOUR, at=AT + timedelta(days=400), by=100)
        assert counters.tries(key, at=AT)[0] == 100  # who asks for whatever there is
        assert counters.tries(key, at=AT, window=HOUR) == (0, AT)
        counters.hit(key, HOUR, at=AT)
        assert counters.tries(key, at=AT, window=HOUR) == (1, AT + HOUR)


def test_clocks_that_are_kept_together_count_together(app: Flask) -> None:
    with app.app_context():
        key = counters.counter_key("tests", "one")
        counters.hit(key, HOUR, at=AT + APART)
        counters.hit(key, HOUR, at=AT)
        assert counters.tries(key, at=AT, window=HOUR) == (2, AT + APART + HOUR)
