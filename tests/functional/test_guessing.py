"""Who tries codes has to wait; everybody else is answered as ever."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest
from flask import Flask

from tests.support.farms import make_farm, path_of
from tests.support.pages import PageClient
from trace.core.gs1 import new_code
from trace.extensions import sender
from trace.networks import network_of, sender_of
from trace.web import throttle
from trace.web.tallies import Tally

GUESSER, NEIGHBOUR, OTHER = "203.0.113.7", "203.0.113.99", "198.51.100.7"
pytestmark = [pytest.mark.one_database, pytest.mark.usefixtures("now")]


@pytest.fixture
def lot(app: Flask) -> str:
    with app.app_context():
        return path_of(make_farm(datetime(2026, 11, 8, 1, 0, tzinfo=UTC)).register(10))


def unknown() -> str:
    return f"/b/{new_code(os.urandom)}"


@pytest.mark.throttled
def test_a_network_that_tries_codes_waits_and_others_do_not(app: Flask, lot: str) -> None:
    app.extensions["trace.guessing"] = Tally(6, 600)
    client = app.test_client()
    pages = PageClient(client)

    def ask(path: str, address: str = GUESSER, **headers: str) -> int:
        return client.get(path, environ_base={"REMOTE_ADDR": address}, headers=headers).status_code

    # Whatever the door, an unknown code counts; what breaks a rule of its own syntax does not.
    doors = [
        ("/t" + unknown(), {}),
        (unknown(), {"Accept": "text/html"}),
        (unknown(), {"Accept": "application/json"}),
        (unknown() + "?linkType=linkset", {}),
        (f"/t{lot}/0123456789ABCDEF", {}),
    ]
    for path, headers in doors:
        assert ask(path, **headers) == 404
    assert ask("/t/b/7K3QMP2XV5") == 400
    assert ask("/t" + lot) == 200
    assert ask("/t" + unknown()) == 404
    # From now on no code is told from another.
    for path in ("/t" + unknown(), "/t" + lot, lot, lot + "?linkType=linkset"):
        assert ask(path) == 429
        assert ask(path, NEIGHBOUR) == 429
    assert ask(lot, Accept="application/json") == 429
    assert ask("/t" + lot, OTHER) == 200
    for language, word in (("vi", "Hãy chờ 10 phút"), ("en", "Wait 10 minutes")):
        page = pages.get(
            f"/t{lot}?lang={language}", status=429, environ_base={"REMOTE_ADDR": GUESSER}
        )
        assert word in page.text
        assert f"/t{lot}?lang=" in page.find("//footer//a[@hreflang]")[0].get("href")
        assert page.response.headers["Cache-Control"] == "no-store"
        assert int(page.response.headers["Retry-After"]) <= 600
    # The rest of the house is open.
    assert ask("/") == 200


@pytest.mark.throttled
def test_the_boxes_for_codes_tell_no_more_than_the_pages_do(app: Flask, lot: str) -> None:
    app.extensions["trace.guessing"] = Tally(5, 600)
    client = app.test_client()
    code = lot.rpartition("/")[2]
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")

    def typed(text: str, door: str = "/", address: str = GUESSER) -> tuple[int, str]:
        answer = client.get(
            door, query_string={"code": text}, environ_base={"REMOTE_ADDR": address}
        )
        return answer.status_code, answer.text

    # What exists, and what is no code at all, is not counted however often it is asked for.
    for _ in range(8):
        assert typed(code)[0] == 303
        assert typed("12345")[0] == 400
    assert typed(wrong)[0] == 400  # it says which one may be meant
    assert typed("0123456789ABCDEF")[0] == 404
    assert typed(new_code(os.urandom))[0] == 303
    assert typed(new_code(os.urandom), "/scan")[0] == 303
    assert typed(code, "/scan")[0] == 303
    assert typed(wrong, "/scan")[0] == 400
    for door in ("/", "/scan"):
        for text in (code, wrong, new_code(os.urandom)):
            status, page = typed(text, door)
            assert status == 429
            assert "10 phút" in page
        assert typed(code, door, OTHER)[0] == 303


@pytest.mark.one_database
def test_whoever_changes_addresses_within_a_connection_is_counted_as_one(app: Flask) -> None:
    def told(address: str) -> tuple[str, str]:
        with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
            return throttle.address(), sender()

    one = told("2001:db8:1:2::5")
    assert told("2001:db8:1:2:ffff:1:2:3") == one
    assert told("2001:db8:1:3::5") != one
    assert told("203.0.113.7") != told("203.0.113.8")
    assert told("::ffff:203.0.113.7") == told("203.0.113.7")


def test_a_window_ends_and_addresses_are_taken_by_their_network() -> None:
    now = [0.0]
    tally = Tally(2, 60, lambda: now[0])
    tally.count("a")
    assert tally.wait("a") == 0
    tally.count("a")
    now[0] = 45.0
    assert (tally.wait("a"), tally.wait("b")) == (15, 0)
    now[0] = 60.0
    assert tally.wait("a") == 0
    assert network_of("203.0.113.7") == network_of("::ffff:203.0.113.9") == "203.0.113.0/24"
    assert network_of("2001:db8:7:1::1") == network_of("2001:db8:7:2::1") == "2001:db8:7::/48"
    assert sender_of("203.0.113.7") == "203.0.113.7"
    assert sender_of("2001:db8::1") == sender_of("2001:db8::2")
    assert sender_of("2001:db8::1") != sender_of("2001:db8:0:1::1")
    assert network_of("2001:db8:7:1::1%eth0") == "2001:db8:7:1::1%eth0"
    assert network_of("::1") == "::/48"
    assert network_of("a\0b") == "a\0b"
    assert network_of("") == ""
    assert network_of("no address") == sender_of("no address") == "no address"
