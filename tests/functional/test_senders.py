"""Messages leave: an SMTP server and an SMS gateway that really answer, and what is tried again."""

from __future__ import annotations

import hmac
import json
import socketserver
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.conftest import FIXED_NOW, create_app
from tests.support.databases import release
from tests.support.mail_server import Smtp, serving
from trace.config import BadSetting, Settings
from trace.core.verify.mirror import MirrorUnreadable
from trace.extensions import db
from trace.models import Job
from trace.services import mirrors, senders
from trace.services.named_servers import open_named
from trace.services.senders import Message, NotSent

pytestmark = pytest.mark.one_database
SECRET = "a secret shared with the gateway, long enough"
SMS = Message("sms", "+84912345678", "", "Trace: ma xac nhan 123456", "id-1")
MAIL = Message("email", "an@rau.example", "Mã", "Mã là 123456\n", "id-2", "https://t.example/u")


class Gateway(BaseHTTPRequestHandler):
    """Keeps what it was sent; answers with the status it is told to."""

    status = 200
    taken: list[tuple[dict[str, str], bytes]] = []  # noqa: RUF012 (one list for the test)

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.taken.append((dict(self.headers), body))
        self.send_response(self.status)
        if self.status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = answer  # noqa: N815 (as the library calls them)

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@contextmanager
def application(settings: Settings, **changes: Any) -> Iterator[Flask]:
    made = create_app(replace(settings, **changes))
    try:
        with made.app_context():
            yield made
    finally:
        release(made)


def test_a_gateway_is_sent_what_it_can_check(settings: Settings) -> None:
    Gateway.taken, Gateway.status = [], 200
    with serving(HTTPServer(("127.0.0.1", 0), Gateway)) as port:
        where = f"http://127.0.0.1:{port}/sms"
        with application(settings, sms=where, sms_secret=SECRET):
            senders.send(SMS)
    ((headers, body),) = Gateway.taken
    assert json.loads(body) == {"id": SMS.id, "to": SMS.to, "text": SMS.text}
    signed = headers["Trace-Timestamp"].encode() + b"." + body
    made = hmac.new(SECRET.encode(), signed, sha256).hexdigest()
    assert headers["Trace-Signature"] == f"v1={made}"


@pytest.mark.parametrize(
    ("status", "lasting"), [(400, True), (403, True), (429, False), (500, False), (302, False)]
)
def test_a_gateways_refusal_is_lasting_or_not(
    settings: Settings, status: int, lasting: bool
) -> None:
    Gateway.taken, Gateway.status = [], status
    with serving(HTTPServer(("127.0.0.1", 0), Gateway)) as port:
        where = f"http://127.0.0.1:{port}/sms"
        with (
            application(settings, sms=where, sms_secret=SECRET),
            pytest.raises(NotSent) as caught,
        ):
            senders.send(SMS)
    assert caught.value.lasting is lasting
    assert SMS.to not in str(caught.value)
    assert len(Gateway.taken) == 1  # a redirect is not followed: it would carry the number on


def test_servers_that_settings_name_are_not_followed_elsewhere() -> None:
    """A copy of the log, a witness, a portal: whoever answers does not choose who is asked next."""
    Gateway.taken, Gateway.status = [], 302
    with serving(HTTPServer(("127.0.0.1", 0), Gateway)) as port:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/add-checkpoint", b"old 0")
        with pytest.raises(urllib.error.HTTPError) as caught:
            open_named(request, timeout=5)
        caught.value.close()
        copy = mirrors.mirror_at(f"http://127.0.0.1:{port}")
        with pytest.raises(MirrorUnreadable, match="HTTP 302"):
            copy.read("checkpoint")
    assert caught.value.code == 302
    assert len(Gateway.taken) == 2


def test_a_mail_arrives_with_its_way_out(settings: Settings) -> None:
    Smtp.taken, Smtp.refusal = [], b""
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Smtp)) as port:
        where = f"smtp://127.0.0.1:{port}"
        with application(settings, mail=where, mail_from="trace@t.example"):
            senders.send(MAIL)
    (body,) = Smtp.taken
    assert b"List-Unsubscribe: <https://t.example/u>" in body
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click" in body
    assert b"To: an@rau.example" in body


@pytest.mark.parametrize(("refusal", "lasting"), [(b"550 no\r\n", True), (b"450 later\r\n", False)])
def test_a_refused_receiver_is_lasting_or_not(
    settings: Settings, refusal: bytes, lasting: bool
) -> None:
    Smtp.taken, Smtp.refusal = [], refusal
    with serving(socketserver.TCPServer(("127.0.0.1", 0), Smtp)) as port:
        where = f"smtp://127.0.0.1:{port}"
        with (
            application(settings, mail=where, mail_from="trace@t.example"),
            pytest.raises(NotSent) as caught,
        ):
            senders.send(MAIL)
    assert caught.value.lasting is lasting
    assert MAIL.to not in str(caught.value)


def test_a_server_that_is_not_there_is_tried_again_later(settings: Settings) -> None:
    with application(settings, mail="smtp://127.0.0.1:9", mail_from="trace@t.example"):
        end = FIXED_NOW + timedelta(minutes=10)
        first = senders.post("email", MAIL.to, "Mã", "123456", at=FIXED_NOW, until=end)
        assert senders.deliver(first, at=FIXED_NOW) == "again"
        second = db.session.query(Job).order_by(Job.id.desc()).first()
        assert second is not None
        assert second.run_after == FIXED_NOW + senders.pause(1)
        assert senders.message_of(second) == senders.message_of(first)
        assert senders.deliver(second, at=end + timedelta(seconds=1)) == "late"
        nobody = senders.post("email", "", "", "", at=FIXED_NOW, until=end)
        assert senders.deliver(nobody, at=FIXED_NOW) == "nobody"


def test_a_console_shows_the_message(settings: Settings, capfd: pytest.CaptureFixture[str]) -> None:
    with application(settings):
        senders.send(SMS)
    assert "123456" in capfd.readouterr().err


PRODUCTION = {
    "TRACE_ENVIRONMENT": "production",
    "TRACE_SECRET_KEY": "x" * 40,
    "TRACE_KEY_ENCRYPTION_KEY": "A" * 43,
    "TRACE_PUBLIC_URL": "https://trace.example",
}


@pytest.mark.parametrize(
    ("name", "value", "more"),
    [
        ("TRACE_MAIL", "console", {}),
        ("TRACE_SMS", "console", {}),
        ("TRACE_MAIL", "mail.example", {}),
        ("TRACE_MAIL_FROM", "", {"TRACE_MAIL": "smtps://mail.example"}),
        ("TRACE_MAIL_FROM", "a@b.example\r\nBcc: x", {"TRACE_MAIL": "smtps://mail.example"}),
        ("TRACE_SMS", "http://sms.example", {}),
        ("TRACE_SMS_SECRET", "short", {"TRACE_SMS": "https://sms.example"}),
        ("TRACE_PUSH_CONTACT", "someone", {}),
    ],
)
def test_a_wrong_setting_is_refused_by_name(
    tmp_path: Path, name: str, value: str, more: dict[str, str]
) -> None:
    given = {**PRODUCTION, "TRACE_INSTANCE": str(tmp_path), **more, name: value}
    with pytest.raises(BadSetting, match=name):
        Settings.from_env(given)


def test_in_production_a_channel_that_is_not_set_is_off(tmp_path: Path) -> None:
    settings = Settings.from_env({**PRODUCTION, "TRACE_INSTANCE": str(tmp_path)})
    assert (settings.mail, settings.sms) == ("", "")


def test_no_line_end_in_what_people_typed_makes_a_header() -> None:
    typed = "Tin mới\r\nBcc: x@y.example"
    message = Message("email", "a@b.example", typed, typed, "1")
    head, _, body = bytes(senders._letter("Trace <t@t.example>", message)).partition(b"\r\n\r\n")
    assert b"\nBcc:" not in head
    assert b"Bcc: x@y.example" in body or b"QmNj" in body  # as words, plain or in base64
    for other in (
        replace(message, to="a@b.example\r\nBcc: x@y.example"),
        replace(message, unsubscribe="https://t.example/\r\nBcc: x@y.example"),
        replace(message, id="1>\r\nBcc: x@y.example"),
    ):
        with pytest.raises(ValueError, match=r"linefeed|newline"):
            senders._letter("Trace <t@t.example>", other)
