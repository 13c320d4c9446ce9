"""Following a lot without an account: one letter that asks, nothing before it is confirmed, each
notice told once to whoever follows, and whoever leaves is forgotten."""

from __future__ import annotations

import json
import re
import socketserver
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import time_machine
from flask import Flask
from sqlalchemy import event as listening
from sqlalchemy import func, select, update
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm, path_of, thing_id
from tests.support.mail_server import Smtp, letters, serving
from tests.support.pages import PageClient
from tests.support.push_service import HOST, Browser, PushService, push_service
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.jobs.worker import run_pending
from trace.models import Follow, FollowMessage, Job
from trace.services import follows, outward
from trace.services.actors import Actor
from trace.services.platform import platform_organisation
from trace.services.subjects import erase_record, held_about

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
ADDRESS = "an@mua.example"


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as moved:
        yield moved


@pytest.fixture
def mail(app: Flask) -> Iterator[None]:
    """A mail server that really answers."""
    Smtp.taken, Smtp.refusal, Smtp.connections = [], b"", 0
    settings = app.extensions["trace.settings"]
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Smtp)) as port:
        app.extensions["trace.settings"] = replace(
            settings,
            mail=f"smtp://127.0.0.1:{port}",
            mail_from="trace@t.example",
            push_contact="mailto:desk@example.org",
        )
        yield


@pytest.fixture
def farm(clock: Any, mail: None, db_session: scoped_session[Any]) -> Farm:
    farm = make_farm(START)
    farm.at = NOW - timedelta(days=1)
    return farm


def ask(pages: PageClient, lot: str, address: str = ADDRESS, language: str = "vi") -> Any:
    """As a shopper does it, from the lot's page."""
    page = pages.get(f"/t{path_of(lot)}?lang={language}")
    page = pages.get(page.link("Theo dõi lô" if language == "vi" else "Follow this batch"))
    form = page.form()
    answer = pages.client.post(form.action, data={**form.fields, "email": address})
    db.session.rollback()
    run_pending()
    return answer


def links(words: str) -> list[str]:
    """The newest letter's addresses with these words, as paths."""
    text = letters()[-1].get_content()
    return re.findall(rf"http://localhost(/{words}[^\s]*)", text)


def follow(pages: PageClient, lot: str, address: str = ADDRESS, language: str = "vi") -> None:
    ask(pages, lot, address, language)
    (confirm,) = links("follow/confirm")
    page = pages.get(confirm)
    assert pages.client.post(page.form().action).status_code == 200
    db.session.rollback()


def told(farm: Farm, kind: str, lot: str, **more: Any) -> Any:
    captured = farm.notify(kind, lot, **more)
    run_pending()
    return captured


def words_of(answer: Any) -> str:
    """What an answer says, whichever lot it is about."""
    return re.sub(r"<[^>]+>|[0-9A-Z]{5}-[0-9A-Z]{5}", "", answer.get_data(as_text=True))


def subjects() -> list[str]:
    return [str(one["Subject"]) for one in letters()]


def test_one_letter_asks_and_nothing_is_told_before_it_is_confirmed(
    farm: Farm, pages: PageClient
) -> None:
    lot = farm.reap(farm.sow(), use_by=date(2026, 12, 24))
    answer = ask(pages, lot)
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    (letter,) = letters()
    assert letter["To"] == ADDRESS
    assert str(letter["Subject"]).startswith("Trace: Xác nhận theo dõi: Cải ngọt, gói 300 g")
    leave = str(letter["List-Unsubscribe"]).strip(" <>")
    assert "/follow/leave/" in leave
    assert letter["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    told(farm, "hold", lot, reason="Chờ kiểm nghiệm")
    assert len(letters()) == 1
    # A program that only looks at the address confirms nothing; a press does, and twice is once.
    (confirm,) = links("follow/confirm")
    page = pages.get(confirm)
    assert page.h1 == "Xác nhận theo dõi"
    for _ in range(2):
        assert "Bạn đang theo dõi" in pages.client.post(page.form().action).get_data(as_text=True)
    told(farm, "recall", lot, hazard="health", reason="Dư lượng vượt mức")
    assert len(letters()) == 2
    recall = letters()[-1]
    assert str(recall["Subject"]).startswith("Trace: Không ăn. Hàng bị thu hồi: Cải ngọt")
    text = recall.get_content()
    for words in ("Trả lại nơi bán.", "Dư lượng vượt mức", f"http://localhost/t{path_of(lot)}"):
        assert words in text
    assert str(recall["List-Unsubscribe"]).strip() == f"<{leave}>"
    assert recall.get_content_type() == "text/plain"


def test_each_notice_is_told_once_in_the_readers_language_inherited_and_lifted_ones_too(
    farm: Farm, pages: PageClient
) -> None:
    lots = [farm.reap(farm.sow()) for _ in range(2)]
    mixed = farm.mix(lots, 100)
    follow(pages, mixed, language="en")
    before = len(letters())
    captured = told(farm, "recall", lots[0], hazard="health")
    db.session.execute(update(Job).where(Job.kind.in_(("tell", "follow"))).values(state="queued"))
    db.session.commit()
    run_pending()
    code = f"{path_of(mixed)[3:8]}-{path_of(mixed)[8:]}"
    (said,) = subjects()[before:]
    assert said == f"Trace: May contain recalled goods: Choy sum, 300 g · {code}"
    told(farm, "release", lots[0], ends=[captured.events[0].statement_id])
    assert subjects()[-1].startswith("Trace: A notice was lifted: Choy sum")


def test_leaving_is_one_press_forgets_and_tells_nobody_whether_there_was_anything(
    farm: Farm, pages: PageClient
) -> None:
    lot = farm.reap(farm.sow())
    follow(pages, lot)
    row = db.session.scalars(select(Follow)).one()
    assert ADDRESS.encode() not in bytes(row.sealed)
    (leave,) = links("follow/leave")
    assert db.session.scalar(select(func.count(Follow.id))) == 1
    # The button of a mail program: no page, no origin, its own words (RFC 8058).
    for address in (leave, leave, leave.replace(leave[14:20], "nobody")):
        answer = pages.client.post(address, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200
        assert "Bạn không còn theo dõi" in answer.get_data(as_text=True)
    db.session.rollback()
    assert db.session.scalar(select(func.count(Follow.id))) == 0
    sent = len(letters())
    told(farm, "recall", lot)
    assert len(letters()) == sent


def test_whoever_asks_is_answered_alike(farm: Farm, pages: PageClient) -> None:
    lot = farm.register()
    follow(pages, lot)
    again = ask(pages, lot)
    assert subjects()[-1].startswith("Trace: Bạn đang theo dõi")
    new = ask(pages, lot, "khac@mua.example")
    assert again.data == new.data


@pytest.mark.throttled
@pytest.mark.one_database
def test_one_address_is_written_few_letters_and_one_network_may_not_ask_without_end(
    farm: Farm, pages: PageClient
) -> None:
    lots = [farm.register() for _ in range(7)]
    answers = [ask(pages, lot) for lot in lots]
    assert {one.status_code for one in answers} == {200}
    assert len(letters()) == follows.LETTERS
    assert {words_of(one) for one in answers} == {words_of(answers[0])}
    address = f"/follow/?of={quote(path_of(lots[0]), safe='')}"
    refused = [
        pages.client.post(address, data={"email": f"n{n}@mua.example"}).status_code
        for n in range(30)
    ]
    assert (refused[0], refused[-1]) == (200, 429)


TYPED = ["", "an", "an@", "ăn@mua.example", "a\0b@mua.example", "a" * 300, "a@b.c\r\nBcc: x@y.vn"]
NOT_GOODS = [
    *("", "/", "/b/0000000000", "/01/123", "/b/%00", "/o/ABCDEFGHJK", "/b/\udc80", "/b/ă"),
    *("/b/" + "A" * 5000, "https://x.vn/b/1"),
]


@pytest.mark.one_database
def test_what_is_no_address_or_no_goods_is_said_and_what_was_typed_is_kept(
    farm: Farm, pages: PageClient
) -> None:
    address = f"/follow/?of={quote(path_of(farm.reap(farm.sow())), safe='')}"
    for typed in TYPED:
        answer = pages.client.post(address, data={"email": typed})
        assert answer.status_code in (400, 422), typed
        html = answer.get_data(as_text=True)
        assert "<title>Lỗi: Theo dõi lô hàng" in html
        assert 'aria-invalid="true"' in html
        if typed.isprintable():
            assert f'value="{typed}"' in html
    for of in NOT_GOODS:
        for method in (pages.client.get, pages.client.post):
            told = quote(of, safe="", errors="surrogatepass")
            assert method(f"/follow/?of={told}").status_code in (400, 404), of
    assert pages.client.get("/follow/confirm/nobody").status_code == 404
    run_pending()
    assert letters() == []


@pytest.mark.one_database
def test_everybody_is_forgotten_in_time(
    farm: Farm, pages: PageClient, clock: time_machine.Traveller
) -> None:
    short = farm.reap(farm.sow(), use_by=date(2026, 11, 24))
    long = farm.reap(farm.sow())
    follow(pages, short)
    follow(pages, long)
    ask(pages, long, "khac@mua.example")

    def left(at: datetime) -> int:
        tidy(at=at)
        return db.session.scalar(select(func.count(Follow.id))) or 0

    assert left(NOW + timedelta(hours=23)) == 3
    assert left(NOW + timedelta(hours=25)) == 2
    assert left(datetime(2026, 12, 23, 23, tzinfo=UTC)) == 2
    assert left(datetime(2026, 12, 24, 1, tzinfo=UTC)) == 1
    assert left(NOW + timedelta(days=366)) == 0
    clock.move_to(datetime(2026, 12, 25, tzinfo=UTC))
    page = pages.get(f"/follow/?of={quote(path_of(short), safe='')}", status=400)
    assert "đã qua lâu" in page.text


def test_many_followers_are_noted_in_one_statement_and_written_to_over_few_connections(
    farm: Farm, pages: PageClient
) -> None:
    lot = farm.reap(farm.sow())
    thing = thing_id(lot)
    for n in range(120):
        code = f"code-{n}"
        row = follows._add(
            thing, "email", b"%d" % n, {"to": f"n{n}@mua.example"}, "vi", NOW, NOW + follows.LONGEST
        )
        row.confirmed_at = NOW
        assert code
    db.session.commit()
    written: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        if "follow_messages" in statement and statement.startswith("INSERT"):
            written.append(statement)

    listening.listen(db.engine, "before_cursor_execute", note)
    try:
        told(farm, "recall", lot)
    finally:
        listening.remove(db.engine, "before_cursor_execute", note)
    assert len(written) == 1
    assert {str(one["To"]) for one in letters()} == {f"n{n}@mua.example" for n in range(120)}
    assert Smtp.connections == 3
    assert set(db.session.scalars(select(FollowMessage.state))) == {"sent"}


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


def test_a_browser_is_told_leaves_and_is_forgotten_when_it_is_gone(
    farm: Farm, pages: PageClient, service: PushService
) -> None:
    lots = [farm.reap(farm.sow()) for _ in range(2)]
    browsers = [Browser.new() for _ in range(3)]
    pages_of: list[Any] = []
    for lot, number in ((lots[0], 0), (lots[0], 1), (lots[0], 1), (lots[1], 2)):
        page = pages.get(f"/follow/?of={quote(path_of(lot), safe='')}")
        form = page.form("//form[@data-follow]")
        keys = {"p256dh": browsers[number].p256dh, "auth": browsers[number].auth}
        fields = {"endpoint": f"https://{HOST}/{number}", **keys}
        answer = pages.client.post(form.action, data=fields)
        assert answer.status_code == 200
        pages_of.append(re.findall(r'data-leave="([^"]+)"', answer.get_data(as_text=True))[0])
    assert pages_of[1] == pages_of[2]
    db.session.rollback()
    told(farm, "recall", lots[0], hazard="health")
    assert sorted(path for path, _, _ in service.taken) == ["/0", "/1"]
    by_path = {path: (headers, body) for path, headers, body in service.taken}
    headers, body = by_path["/0"]
    assert headers["Urgency"] == "high"
    shown = json.loads(browsers[0].open(body))
    assert shown["title"].startswith("Không ăn. Hàng bị thu hồi: Cải ngọt")
    assert shown["address"] == f"/t{path_of(lots[0])}?lang=vi"
    pages.client.post(pages_of[0])
    service.taken.clear()
    service.status = 410
    told(farm, "advice", lots[0])
    assert [path for path, _, _ in service.taken] == ["/1"]
    db.session.rollback()
    assert db.session.scalar(select(func.count(Follow.id))) == 1
    bad = pages.client.post(
        form.action, data={"endpoint": "https://127.0.0.1/x", "p256dh": "x", "auth": "y"}
    )
    assert bad.status_code == 400
    assert db.session.scalar(select(func.count(Follow.id))) == 1


@pytest.mark.one_database
def test_addresses_follow_a_new_key_encryption_key(
    app: Flask, farm: Farm, pages: PageClient
) -> None:
    follow(pages, farm.reap(farm.sow()))
    settings = app.extensions["trace.settings"]
    assert follows.rewrap(settings.key_encryption_key, bytes(32)) == 1
    app.extensions["trace.settings"] = replace(settings, key_encryption_key=bytes(32))
    assert follows.opened(db.session.scalars(select(Follow)).one())["to"] == ADDRESS


@pytest.mark.one_database
def test_who_asks_what_is_held_of_them_is_told_and_forgotten(
    app: Flask, farm: Farm, pages: PageClient
) -> None:
    lots = [farm.register() for _ in range(2)]
    for lot in lots:
        follow(pages, lot)
    follow(pages, lots[0], "khac@mua.example")
    admin = Actor(platform_organisation(), None, "admin")
    (held,) = [one for one in held_about(admin, ADDRESS) if one.key.startswith("follow:")]
    assert (held.label, held.fields) == (ADDRESS, ("email",))
    erase_record(admin, held.key, at=NOW)
    assert [one for one in held_about(admin, ADDRESS) if one.key.startswith("follow:")] == []
    assert db.session.scalar(select(func.count(Follow.id))) == 1
