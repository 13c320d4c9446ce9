"""What a sender, a proxy, a planted host or hostile words may not do (docs: threat model)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from limits import parse
from sqlalchemy import func, select, update

from tests.conftest import create_app
from tests.support.databases import release
from tests.support.factories import notice
from tests.support.fields import open_console
from tests.support.members import PASSWORD, make_member, sign_in
from tests.support.pages import PageClient
from tests.support.throttling import counting
from trace import clock
from trace.config import BadSetting, Settings
from trace.extensions import db
from trace.models import Household, Organisation, Place, Product, Thing, Token
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.web import throttle

MARKUP = "\"'><img src=x onerror=alert(1)><script>alert(1)</script>{{7*7}}</title>"
RAW = ("<img src=x", "<script>alert", "</title>{", "onerror=alert(1)>")
TOKENS = "/producer/tokens/"


@pytest.fixture
def proxied(settings: Settings) -> Iterator[Flask]:
    """The application behind one proxy, counting tries."""
    yield from behind(replace(settings, proxies=1))


@pytest.fixture
def bare(settings: Settings) -> Iterator[Flask]:
    """The application behind none, counting tries."""
    yield from behind(settings)


def behind(settings: Settings) -> Iterator[Flask]:
    app = create_app(settings)
    app.config["WTF_CSRF_ENABLED"] = False
    with counting(app):
        yield app
    release(app)


def tries(client: FlaskClient, senders: list[str]) -> list[int]:
    """The answers to one wrong sign-in by each sender, as a proxy would pass them on."""
    return [
        client.post(
            "/sign-in",
            data={"login": f"kẻ lạ {number}", "password": "đoán mò"},
            headers={"X-Forwarded-For": sender},
        ).status_code
        for number, sender in enumerate(senders)
    ]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries an address: passwords are slow to check on purpose."""
    monkeypatch.setattr(throttle, "BY_ADDRESS", parse("3/15 minutes"))


@pytest.mark.usefixtures("few")
def test_behind_a_proxy_each_sender_is_counted_by_its_own_address(proxied: Flask) -> None:
    client = proxied.test_client()
    assert tries(client, ["192.0.2.1"] * 4) == [400, 400, 400, 429]
    assert tries(client, ["192.0.2.2"]) == [400]


@pytest.mark.one_database
@pytest.mark.usefixtures("few")
def test_a_sender_cannot_choose_the_address_it_is_counted_by(bare: Flask) -> None:
    senders = [f"192.0.2.{number}" for number in range(4)]
    assert tries(bare.test_client(), senders) == [400, 400, 400, 429]


@pytest.mark.one_database
@pytest.mark.usefixtures("few")
def test_nor_behind_a_proxy_by_writing_more_addresses_itself(proxied: Flask) -> None:
    senders = [f"198.51.100.{number}, 192.0.2.9" for number in range(4)]
    assert tries(proxied.test_client(), senders) == [400, 400, 400, 429]


@pytest.mark.parametrize("text", ["-1", "9", "one", ""])
def test_a_number_of_proxies_that_is_none_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadSetting, match="TRACE_PROXIES"):
        Settings.from_env({"TRACE_PROXIES": text})


@pytest.mark.one_database
@pytest.mark.parametrize("address", ["/", "/sign-in", "/log/checkpoint", "/t/b/7K3QMP2XV4", "/x"])
def test_browsers_are_told_to_come_back_encrypted_only(settings: Settings, address: str) -> None:
    secure = create_app(replace(settings, public_url="https://trace.example"))
    told = secure.test_client().get(address).headers.get("Strict-Transport-Security", "")
    assert told == "max-age=31536000; includeSubDomains"
    plain = create_app(settings)
    assert "Strict-Transport-Security" not in plain.test_client().get(address).headers
    for app in (secure, plain):
        release(app)


def test_an_owner_is_asked_for_the_password_before_a_token_is_made(
    app: Flask, pages: PageClient, now: Any
) -> None:
    member = make_member(app)
    sign_in(app, pages.client, member, at=clock.now() - timedelta(minutes=11))
    typed = {"name": "Cân", "scopes": "capture", "days": "30"}
    asked = pages.get(TOKENS + "new")
    again = pages.submit(asked, {**typed, "password": "sai rồi nhé"}, status=400)
    assert made(app) == 0
    pages.submit(again, {**typed, "password": PASSWORD})
    assert made(app) == 1


def path_of(app: Flask, lot: int) -> str:
    """The printed path of a lot."""
    with app.app_context():
        thing = db.session.get(Thing, lot)
        assert thing is not None
        return "/" + thing.identity.partition("://")[2].partition("/")[2]


def made(app: Flask) -> int:
    with app.app_context():
        return int(db.session.scalar(select(func.count()).select_from(Token)) or 0)


def test_the_printed_address_does_not_follow_the_host_a_client_names(
    app: Flask, client: FlaskClient, pages: PageClient, now: Any
) -> None:
    console = open_console(app, pages)
    lot = console.lot()
    path = path_of(app, lot)
    planted = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "::1"}
    for address in (
        path,
        f"{path}?linkType=linkset",
        f"/t{path}",
        f"/t{path}?view=proof",
        f"/t{path}?format=json",
        "/.well-known/gs1resolver",
        "/log/policy",
        f"/producer/batches/{lot}",
        f"/producer/labels/{lot}.svg",
        "/producer/keys/own",
        "/",
        "/nowhere",
    ):
        answer = client.get(address, headers=planted)
        assert answer.status_code < 500, address
        said = answer.text + "".join(f"{name}: {value}" for name, value in answer.headers)
        assert "evil.example" not in said, address


def test_what_people_typed_becomes_markup_on_no_page(
    app: Flask, pages: PageClient, now: Any
) -> None:
    console = open_console(app, pages)
    lot = console.lot(note=MARKUP, variety=MARKUP)
    give_hostile_names(app, console.organisation, lot)
    seen = crawl(
        pages.client,
        [
            *("/", "/producer/today", "/producer/catalogue", "/account/"),
            f"/producer/labels/{lot}.svg",
            *(f"/t{path_of(app, lot)}{query}" for query in ("", "?lang=en", "?view=proof")),
        ],
    )
    assert len(seen) > 60
    spoken = [address for address, text in seen.items() if "&lt;script&gt;" in text]
    # It is shown, as text, in the console as well as to the public.
    assert any(address.startswith("/producer/") for address in spoken)
    assert any(address.startswith("/t/") for address in spoken)
    assert [a for a, text in seen.items() if any(raw in text for raw in RAW)] == []
    assert [a for a, text in seen.items() if 'href="javascript:' in text.lower()] == []


def give_hostile_names(app: Flask, organisation: int, lot: int) -> None:
    """Names as an organisation might give itself, its places and products, and a recall's words."""
    with app.app_context():
        db.session.execute(
            update(Organisation)
            .where(Organisation.id == organisation)
            .values(name=MARKUP, name_en=MARKUP, address=MARKUP)
        )
        for model in (Product, Place, Household):
            db.session.execute(update(model).values(name=MARKUP))
        db.session.execute(update(Product).values(description=MARKUP))
        db.session.commit()
        owner, thing = db.session.get(Organisation, organisation), db.session.get(Thing, lot)
        assert owner is not None
        assert thing is not None
        recall = notice("recall", thing.identity, hazard="health", reason=MARKUP)
        capture(Actor(owner, None, "owner"), [recall], at=clock.now())
        db.session.commit()


def crawl(client: FlaskClient, start: list[str]) -> dict[str, str]:
    """Every page of ours that can be reached by links, with its text."""
    seen: dict[str, str] = {}
    todo = list(start)
    while todo and len(seen) < 200:
        address = todo.pop(0)
        if address in seen:
            continue
        answer = client.get(address, follow_redirects=True)
        assert answer.status_code < 500, address
        kind = answer.mimetype
        seen[address] = answer.text if kind in ("text/html", "image/svg+xml") else ""
        for found in re.findall(r'(?:href|src)="(/[^"#]*)"', seen[address]):
            link = html.unescape(found).removeprefix("http://localhost")
            if not link.startswith(("//", "/static", "/language")):
                todo.append(link)
    return seen
