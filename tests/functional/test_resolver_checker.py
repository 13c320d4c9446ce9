"""The link checker: asks from inside our network, and cannot be turned against it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.conftest import FIXED_NOW
from tests.support.farms import make_farm
from tests.support.sites import HOST, Site, site
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.jobs.worker import run_pending
from trace.models import Job, Link
from trace.services import links, outward
from trace.services.links_reaching import reach

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
BASE = f"https://{HOST}"
INNER = "169.254.169.254"


@pytest.fixture
def web(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Reached under its public name; only where that name leads and whom TLS trusts is ours. Every
    other name leads where the name's first label says: `i` into a network, `n` nowhere."""
    with site(tmp_path) as running:
        public = outward.check_public

        def resolve(host: str) -> list[tuple[str, int]]:
            if host == HOST:
                return [("127.0.0.1", running.port)]
            if host.startswith("n."):
                raise socket.gaierror(-2, "Name or service not known")
            return [("203.0.113.9", 443), (INNER, 443)]

        def check(addresses: list[tuple[str, int]]) -> tuple[str, int]:
            ours = addresses == [("127.0.0.1", running.port)]
            return addresses[0] if ours else public(addresses)

        monkeypatch.setattr(outward, "resolve", resolve)
        monkeypatch.setattr(outward, "check_public", check)
        monkeypatch.setattr(
            outward, "tls", lambda: ssl.create_default_context(cafile=str(running.authority))
        )
        yield running


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, ""), ("reached", "")),
        ((204, ""), ("reached", "")),
        ((404, ""), ("failing", "http-404")),
        ((503, ""), ("failing", "http-503")),
        ((302, "/next"), ("reached", "")),
        ((301, f"{BASE}/next?x=1"), ("reached", "")),
        ((302, ""), ("failing", "http-302")),
        # no redirect leads inside, nor to anything but https at a public name
        ((302, f"https://{INNER}/latest"), ("refused", "redirect-host")),
        ((302, "https://localhost/x"), ("refused", "redirect-host")),
        ((302, "https://i.example.org/x"), ("refused", "private-address")),
        ((307, f"http://{HOST}/x"), ("refused", "redirect-https")),
        ((302, f"{BASE}:8443/x"), ("refused", "redirect-https")),
        ((302, "file:///etc/passwd"), ("refused", "redirect-https")),
        ((302, "gopher://a.example.org/x"), ("refused", "redirect-https")),
        ((302, "//user:word@a.example.org/"), ("refused", "redirect-https")),
        ((302, "https://[::1/x"), ("failing", "bad-redirect")),
        ((302, "https://n.example.org/"), ("failing", "no-address")),
        ((302, "/" + "x" * 2000), ("refused", "redirect-length")),
        ((302, "/loop"), ("failing", "too-many-redirects")),
    ],
)
def test_an_address_is_followed_where_it_may_lead_and_no_further(
    web: Site, answer: tuple[int, str], expected: tuple[str, str]
) -> None:
    web.answers = {"/page?a=1": answer, "/loop": (302, "/loop")}
    assert reach(f"{BASE}/page?a=1#part") == expected
    assert len(web.asked) <= 8
    method, path, headers = web.asked[0]
    assert (method, path) == ("HEAD", "/page?a=1")
    assert not {"Cookie", "Authorization", "Referer"} & set(headers)


def test_a_server_that_does_not_know_head_is_asked_with_get_and_its_body_is_not_read(
    web: Site,
) -> None:
    web.no_head = {"/page"}
    assert reach(f"{BASE}/page") == ("reached", "")
    assert [method for method, _, _ in web.asked] == ["HEAD", "GET"]


def test_a_name_that_changes_its_mind_is_spoken_to_where_it_was_checked(
    web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    first = outward.resolve

    def rebinding(host: str) -> list[tuple[str, int]]:
        asked.append(host)
        return first(host) if len(asked) == 1 else [(INNER, 443)]

    monkeypatch.setattr(outward, "resolve", rebinding)

    web.no_head = {"/page"}
    assert reach(f"{BASE}/page") == ("reached", "")
    assert asked == [HOST], "one look for both methods: what was checked is what is spoken to"
    web.answers = {"/page": (302, "/next")}
    asked.clear()
    assert reach(f"{BASE}/page") == ("refused", "private-address")


def test_who_answers_byte_by_byte_or_for_another_name_is_not_waited_for(
    web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trace.services.links_reaching.DEADLINE", 0.4)
    web.slow = {"/slow"}
    assert reach(f"{BASE}/slow") == ("failing", "too-slow")
    monkeypatch.setattr(outward, "tls", ssl.create_default_context)
    assert reach(f"{BASE}/page") == ("failing", "certificate")


@pytest.mark.parametrize(
    "href", [f"https://{INNER}/", "https://i.example.org/", "http://a.example.org/"]
)
def test_what_leads_inside_is_refused_before_anything_is_sent(web: Site, href: str) -> None:
    assert reach(href)[0] == "refused"
    assert web.asked == []


def test_links_are_tried_when_added_and_again_in_their_turn(
    db_session: scoped_session[Any], web: Site
) -> None:
    with time_machine.travel(FIXED_NOW, tick=False) as clock:
        farm = make_farm(START, status="confirmed")
        values = {
            "link_type": "pip",
            "title": "Trang",
            "languages": "vi",
            "media_type": "text/html",
        }
        good, bad, inner = (
            links.add_link(farm.actor, farm.product, {**values, "href": href}, at=FIXED_NOW)
            for href in (f"{BASE}/good", f"{BASE}/bad", "https://i.example.org/")
        )
        ids = [good.id, bad.id, inner.id]
        db.session.commit()
        web.answers = {"/bad": (404, "")}
        version = bad.version
        run_pending()
        told = {link.id: link for link in db.session.scalars(select(Link))}
        assert [told[one].check for one in ids] == ["reached", "failing", "refused"]
        assert [told[one].check_reason for one in ids] == ["", "http-404", "private-address"]
        assert told[ids[1]].failing_since == FIXED_NOW
        assert told[ids[1]].version == version, "an editor is not told of what the checker found"
        given = links.given_out([farm.product.identity], at=FIXED_NOW)
        assert [one.href for _, one in given[farm.product.identity]] == [
            f"{BASE}/good",
            f"{BASE}/bad",
        ]

        # the turn of those that failed comes after a day, that of the rest after a week
        count = len(web.asked)
        tidy(at=FIXED_NOW + timedelta(hours=12))
        assert not waiting()
        clock.shift(timedelta(days=1, minutes=1))
        assert tidy(at=FIXED_NOW + timedelta(days=1, minutes=1))["links"] == 2
        assert tidy(at=FIXED_NOW + timedelta(days=1, minutes=2))["links"] == 0
        run_pending()
        assert {path for _, path, _ in web.asked[count:]} == {"/bad"}
        assert db.session.get_one(Link, ids[1]).failing_since == FIXED_NOW
        web.answers = {}
        clock.shift(timedelta(days=1, minutes=1))
        tidy(at=FIXED_NOW + timedelta(days=2, minutes=2))
        run_pending()
        healed = db.session.get_one(Link, ids[1], populate_existing=True)
        assert (healed.check, healed.failing_since) == ("reached", None)


def waiting() -> list[Job]:
    query = select(Job).where(Job.kind == links.KIND, Job.finished_at.is_(None))
    return list(db.session.scalars(query))
