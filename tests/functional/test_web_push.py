"""Web push: a real push service on loopback takes the message over TLS and opens it; addresses that
would lead elsewhere are refused; a device that is gone is forgotten."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.support.members import Member, make_member, sign_in
from tests.support.pages import PageClient
from tests.support.push_service import HOST, Browser, PushService, b64, push_service, unb64
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Delivery, Organisation, Person, PushKey, PushSubscription
from trace.services import notifications, outward, web_push
from trace.services.actors import Actor
from trace.services.subjects import erase_record

ENDPOINT = f"https://{HOST}/messages/abc?x=1"
CONTEXT = {"by": "HTX Hai", "what": "480 kg cải ngọt"}
PREFERENCES = "/account/notifications/preferences"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(FIXED_NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushService]:
    """Reached under its public name: only where the name leads and whom TLS trusts is ours here."""
    with push_service(tmp_path) as running:
        monkeypatch.setattr(outward, "resolve", lambda _host: [("127.0.0.1", running.port)])
        monkeypatch.setattr(outward, "check_public", lambda addresses: addresses[0])
        monkeypatch.setattr(
            outward, "tls", lambda: ssl.create_default_context(cafile=str(running.authority))
        )
        yield running


@pytest.fixture
def member(app: Flask, clock: time_machine.Traveller) -> Member:
    settings = app.extensions["trace.settings"]
    app.extensions["trace.settings"] = replace(settings, push_contact="mailto:desk@example.org")
    return make_member(app)


def turn_on(app: Flask, pages: PageClient, member: Member, endpoint: str = ENDPOINT) -> Browser:
    """As push.js does it: fills the page's own form and sends it."""
    browser = Browser.new()
    sign_in(app, pages.client, member)
    page = pages.get(PREFERENCES)
    form = page.form("//form[@data-push]")
    (key,) = page.root.xpath("//form/@data-push")
    assert len(unb64(key)) == 65
    told = {"endpoint": endpoint, "p256dh": browser.p256dh, "auth": browser.auth}
    agent = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/130.0 Mobile Safari/537.36"
    answer = pages.client.post(
        form.action, data={**form.fields, **told}, headers={"User-Agent": agent}
    )
    assert answer.status_code == 303
    return browser


def tell(app: Flask, member: Member) -> None:
    with app.app_context():
        organisation = db.session.get_one(Organisation, member.organisation_id)
        notifications.notify(
            organisation, "handover-waiting", CONTEXT, at=FIXED_NOW, address="/producer/shipments/7"
        )
        db.session.commit()
        run_pending()


def deliveries(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.scalars(select(Delivery).where(Delivery.channel == "push"))
        return [(row.state, row.reason) for row in rows]


def test_the_opener_used_here_opens_the_example_of_rfc_8291() -> None:
    private = ec.derive_private_key(
        int.from_bytes(unb64("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94")), ec.SECP256R1()
    )
    browser = Browser(private, unb64("BTBZMqHH6r4Tts7J_aSIgg"))
    body = unb64(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
        "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
        "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.open(body) == b"When I grow up, I want to be a watermelon"


def test_a_message_reaches_the_browser_that_asked_and_nobody_else_can_read_it(
    app: Flask, pages: PageClient, member: Member, service: PushService
) -> None:
    browser = turn_on(app, pages, member)
    shown = pages.get(PREFERENCES)
    assert "Chrome · Android" in shown.text
    tell(app, member)
    assert deliveries(app) == [("sent", "")]
    ((path, headers, body),) = service.taken
    assert path == "/messages/abc?x=1"
    assert (headers["Content-Encoding"], headers["Urgency"]) == ("aes128gcm", "normal")
    assert int(headers["TTL"]) == 24 * 3600
    told = json.loads(browser.open(body))
    assert told.keys() == {"title", "address", "tag", "lang"}
    assert (told["title"], told["address"]) == ("Có hàng chờ bạn nhận", "/producer/shipments/7")
    assert headers["Topic"] == told["tag"]
    assert "cải ngọt".encode() not in body

    scheme, _, parameters = headers["Authorization"].partition(" ")
    parts = dict(one.strip().split("=", 1) for one in parameters.split(","))
    point = unb64(parts["k"])
    place = {"x": b64(point[1:33]), "y": b64(point[33:])}
    key = ECKey.import_key({"kty": "EC", "crv": "P-256", **place})
    claims = jwt.decode(parts["t"], key, algorithms=["ES256"]).claims
    assert (scheme, claims["aud"]) == ("vapid", f"https://{HOST}")
    assert claims["sub"] == "mailto:desk@example.org"
    assert 0 < claims["exp"] - FIXED_NOW.timestamp() <= 24 * 3600
    with app.app_context():
        assert db.session.scalars(select(PushKey.public)).all() == [parts["k"]]
    assert "báo lần cuối" in pages.get(PREFERENCES).text


@pytest.mark.one_database
@pytest.mark.parametrize("status", [404, 410])
def test_a_device_the_service_no_longer_knows_is_forgotten(
    app: Flask, pages: PageClient, member: Member, service: PushService, status: int
) -> None:
    turn_on(app, pages, member)
    service.status = status
    tell(app, member)
    assert deliveries(app) == [("failed", "gone")]
    with app.app_context():
        assert db.session.scalars(select(PushSubscription)).all() == []
    assert "Chưa máy nào được bật." in pages.get(PREFERENCES).text
    tell(app, member)
    assert len(service.taken) == 1


@pytest.mark.one_database
def test_a_service_in_trouble_is_asked_again_and_a_redirect_is_never_followed(
    app: Flask,
    pages: PageClient,
    member: Member,
    service: PushService,
    clock: time_machine.Traveller,
) -> None:
    turn_on(app, pages, member)
    service.status = 503
    tell(app, member)
    assert deliveries(app) == [("queued", "http-503")]
    clock.shift(timedelta(minutes=1))
    service.status = 307
    with app.app_context():
        run_pending()
    assert deliveries(app) == [("failed", "http-307")]
    assert [path for path, _, _ in service.taken] == ["/messages/abc?x=1"] * 2


@pytest.mark.one_database
def test_an_answer_that_comes_byte_by_byte_holds_up_nobody_and_nothing_is_locked_meanwhile(
    app: Flask,
    pages: PageClient,
    member: Member,
    service: PushService,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turn_on(app, pages, member)
    service.slow = True
    monkeypatch.setattr(web_push, "DEADLINE", 0.5)
    unwritten: list[bool] = []
    found = outward.resolve

    def resolve(host: str) -> list[tuple[str, int]]:
        unwritten.append(any(isinstance(one, Delivery) for one in db.session.dirty))
        return found(host)

    monkeypatch.setattr(outward, "resolve", resolve)
    began = time.monotonic()
    tell(app, member)
    assert time.monotonic() - began < 8, "each step of it is quick, the whole would never end"
    assert deliveries(app) == [("failed", "too-slow")]
    assert unwritten == [True], "no write, and so no lock, waits for somebody else's server"


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.org/x",
        "https://localhost/x",
        "https://intranet/x",
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://[::1]/x",
        "https://[fd00::1]/x",
        "https://router.lan/x",
        "https://db.internal/x",
        "https://push.example.org:8443/x",
        "https://user:word@push.example.org/x",
        "https://push.example.org\r\nX: y/x",
        "https://push.example.org/x y",
        "https://push..example.org/x",
        "file:///etc/passwd",
        "https://push.example.org/" + "x" * 2000,
        "",
    ],
)
def test_an_address_that_is_no_public_https_service_is_refused(endpoint: str) -> None:
    with pytest.raises(outward.BadAddress):
        outward.check_address(endpoint)


@pytest.mark.one_database
def test_what_a_browser_gives_amiss_is_said_and_nothing_is_kept(
    app: Flask, pages: PageClient, member: Member
) -> None:
    turn_on(app, pages, member, "https://localhost/x")
    assert "không gửi tin tới được" in pages.get(PREFERENCES).text
    for keys in ({"p256dh": "AAAA"}, {"auth": "AAAA"}, {"p256dh": "!é"}, {"auth": "\x00"}):
        browser = Browser.new()
        given = {"p256dh": browser.p256dh, "auth": browser.auth, **keys}
        with app.app_context():
            person = db.session.get_one(Person, member.person_id)
            with pytest.raises(web_push.BadSubscription):
                web_push.subscribe(person, ENDPOINT, **given, device="", at=FIXED_NOW)
    with app.app_context():
        assert db.session.scalars(select(PushSubscription)).all() == []


@pytest.mark.parametrize(
    "addresses",
    [
        ["127.0.0.1"],
        ["10.1.2.3"],
        ["169.254.169.254"],
        ["192.168.1.1", "203.0.113.9"],
        ["8.8.8.8", "172.16.0.1"],
        ["::1"],
        ["::ffff:127.0.0.1"],
        ["fe80::1%eth0"],
        ["fd00::1"],
        ["100.64.0.1"],
        ["224.0.0.1"],
        ["0.0.0.0"],
        ["::127.0.0.1"],
        ["::ffff:0:127.0.0.1"],
        ["64:ff9b::7f00:1"],
        ["64:ff9b:1::a00:1"],
        ["2002:7f00:1::"],
        ["fec0::1"],
    ],
)
def test_a_public_name_that_leads_to_an_inner_address_is_not_spoken_to(
    addresses: list[str],
) -> None:
    with pytest.raises(outward.Unreachable) as refused:
        outward.check_public([(one, 443) for one in addresses])
    assert refused.value.reason == "private-address"
    assert outward.check_public([("8.8.8.8", 443), ("2001:4860:4860::8888", 443)])[0] == "8.8.8.8"


@pytest.mark.one_database
def test_a_browser_that_changes_hands_is_told_for_its_new_person_only(
    app: Flask, pages: PageClient, member: Member, service: PushService
) -> None:
    turn_on(app, pages, member)
    other = make_member(app, name="HTX Ba")
    turn_on(app, pages, other)
    tell(app, member)
    assert service.taken == []
    with app.app_context():
        (device,) = db.session.scalars(select(PushSubscription))
        assert device.person_id == other.person_id
    path = f"/account/notifications/devices/{device.id}/remove"
    form = pages.get(PREFERENCES).form(f"//form[@action='{path}']")
    sign_in(app, pages.client, member)
    fields = pages.get(PREFERENCES).form("//form[@data-push]").fields
    assert pages.client.post(path, data=fields).status_code == 404
    sign_in(app, pages.client, other)
    fields = pages.get(PREFERENCES).form(f"//form[@action='{path}']").fields
    assert form.fields.keys() == fields.keys()
    assert pages.client.post(path, data=fields).status_code == 303
    assert "Chưa máy nào được bật." in pages.get(PREFERENCES).text


@pytest.mark.one_database
def test_the_key_is_made_once_kept_sealed_and_follows_a_new_key_encryption_key(
    app: Flask, now: datetime
) -> None:
    with app.app_context():
        first = web_push.public_key(at=now)
        assert web_push.public_key(at=now) == first
        row = db.session.scalars(select(PushKey)).one()
        before = bytes(row.sealed)
        old = app.extensions["trace.settings"].key_encryption_key
        assert web_push.rewrap(old, bytes(32)) == 1
        assert bytes(row.sealed) != before
        assert web_push.rewrap(old, bytes(32)) == 1  # stopped half way and run again
        assert db.session.get_one(PushKey, 1).public == first


@pytest.mark.one_database
def test_without_a_contact_for_push_services_there_is_no_web_push(
    app: Flask, pages: PageClient, member: Member
) -> None:
    app.extensions["trace.settings"] = replace(app.extensions["trace.settings"], push_contact="")
    sign_in(app, pages.client, member)
    assert pages.get(PREFERENCES).find("//form[@data-push]") == []
    with app.app_context():
        assert db.session.scalars(select(PushKey)).all() == []


@pytest.mark.one_database
def test_the_devices_of_whoever_is_erased_are_forgotten(
    app: Flask, pages: PageClient, member: Member
) -> None:
    turn_on(app, pages, member)
    make_member(app, inside=member.organisation_id)  # another owner: somebody may still act
    with app.app_context():
        platform = db.session.scalars(
            select(Organisation).where(Organisation.kind == "platform")
        ).one()
        erase_record(Actor(platform, None, "admin"), f"person:{member.person_id}", at=FIXED_NOW)
        assert db.session.scalars(select(PushSubscription)).all() == []
        db.session.rollback()


@pytest.mark.one_database
def test_who_has_many_devices_keeps_the_newest(app: Flask, member: Member) -> None:
    with app.app_context():
        person = db.session.get_one(Person, member.person_id)
        for number in range(web_push.DEVICES + 3):
            browser = Browser.new()
            web_push.subscribe(
                person,
                f"https://{HOST}/{number}",
                browser.p256dh,
                browser.auth,
                device="",
                at=FIXED_NOW,
            )
        kept = [one.endpoint.rpartition("/")[2] for one in web_push.list_devices(person)]
        assert kept == [str(n) for n in range(web_push.DEVICES + 2, 2, -1)]
