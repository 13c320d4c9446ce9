"""How a message leaves: to the console, by SMTP, or to an SMS gateway.

Which one, the settings say (TRACE_MAIL, TRACE_SMS; docs/reference/settings.md). Messages are sent
by the worker: `post` writes a job in the transaction that asks, with the message sealed in its
payload, which is dropped once the job is done. What cannot be sent is tried again, later and later,
until it is of no use any more. Errors name the channel and the kind of trouble, never whom the
message was for.
"""

from __future__ import annotations

import hashlib
import hmac
import smtplib
import ssl
import sys
import urllib.error
import urllib.request
import uuid
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any, Final, Literal
from urllib.parse import unquote, urlsplit

import orjson

from trace import clock
from trace.errors import TraceError
from trace.models import Job
from trace.services.jobs import enqueue
from trace.services.named_servers import open_named
from trace.services.sealing import seal, unseal
from trace.services.settings import current_settings

JOB_KIND: Final = "message"
TIMEOUT: Final = 15
_PLACE: Final = "message"
FIRST_PAUSE: Final = timedelta(seconds=5)
LONGEST_PAUSE: Final = timedelta(hours=1)
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})

Channel = Literal["email", "sms"]


class NotSent(TraceError):
    """`lasting` when trying again is of no use."""

    code = "not-sent"
    status = 503
    message = "A message could not be sent by %(channel)s: %(reason)s"

    def __init__(self, *, channel: str, reason: str, lasting: bool = False) -> None:
        self.lasting = lasting
        self.reason = reason
        super().__init__(channel=channel, reason=reason)


@dataclass(frozen=True, slots=True)
class Message:
    """One message; `id` stays the same when it is sent again, `unsubscribe` is an address."""

    channel: Channel
    to: str
    subject: str
    text: str
    id: str
    unsubscribe: str = ""


def is_on(channel: Channel) -> bool:
    """Whether messages can leave by this channel at all."""
    settings = current_settings()
    return bool(settings.mail if channel == "email" else settings.sms)


def post(
    channel: Channel,
    to: str,
    subject: str,
    text: str,
    *,
    at: datetime,
    until: datetime,
    unsubscribe: str = "",
) -> Job:
    """Asks for a message to be sent after this transaction commits; after `until` it is not sent
    any more. An empty `to` sends nothing and takes as long."""
    message = {"channel": channel, "to": to, "subject": subject, "text": text}
    if unsubscribe:
        message["unsubscribe"] = unsubscribe
    return _enqueue({**message, "id": str(uuid.uuid4())}, at=at, until=until, attempt=0, due=at)


def deliver(job: Job, *, at: datetime) -> str:
    """Sends a job's message; returns `sent`, `nobody`, `late`, `again` or `failed`."""
    argument = orjson.loads(job.argument)
    told = message_of(job)
    until = datetime.fromisoformat(argument["until"])
    if not told["to"]:
        return "nobody"
    if at > until:
        return "late"
    try:
        send(Message(**told))
    except NotSent as error:
        attempt = argument["attempt"] + 1
        due = at + pause(attempt)
        if error.lasting or due > until:
            return "failed"
        _enqueue(told, at=at, until=until, attempt=attempt, due=due)
        return "again"
    return "sent"


def message_of(job: Job) -> dict[str, Any]:
    """What a waiting job is to send. Raises SealedTextBroken."""
    found: dict[str, Any] = unseal(zlib.decompress(job.payload or b""), _PLACE)
    return found


def pause(attempt: int) -> timedelta:
    """How long to wait after the attempt of this number, from 1: twice as long each time."""
    factor: int = 2 ** min(attempt - 1, 20)
    return min(FIRST_PAUSE * factor, LONGEST_PAUSE)


def _enqueue(
    message: dict[str, Any], *, at: datetime, until: datetime, attempt: int, due: datetime
) -> Job:
    return enqueue(
        JOB_KIND,
        {"until": until.isoformat(), "attempt": attempt},
        at=at,
        due=due,
        payload=seal(message, _PLACE),
    )


def send(message: Message) -> None:
    """Sends now. Raises NotSent."""
    settings = current_settings()
    where = settings.mail if message.channel == "email" else settings.sms
    if not where:
        raise NotSent(channel=message.channel, reason="off", lasting=True)
    if where == "console":
        sys.stderr.write(
            f"--- {message.channel} to {message.to}: {message.subject}\n{message.text}\n---\n"
        )
        sys.stderr.flush()
    elif message.channel == "email":
        with mailing() as mail:
            mail(message)
    else:
        _by_gateway(where, settings.sms_secret, message)


@contextmanager
def mailing() -> Iterator[Callable[[Message], None]]:
    """Sends many e-mails over one connection, which a server that hung up is asked for anew. The
    function raises NotSent."""
    settings = current_settings()
    kept: list[smtplib.SMTP] = []

    def mail(message: Message) -> None:
        if not settings.mail or settings.mail == "console":
            send(message)
            return
        try:
            if not kept:
                kept.append(_server(settings.mail))
            kept[0].send_message(_letter(settings.mail_from, message))
        except (OSError, smtplib.SMTPException) as error:
            if not isinstance(error, smtplib.SMTPRecipientsRefused):
                _close(kept)
            raise _not_sent(error) from None

    try:
        yield mail
    finally:
        _close(kept)


def _close(kept: list[smtplib.SMTP]) -> None:
    for server in kept:
        with suppress(OSError, smtplib.SMTPException):
            server.quit()
    kept.clear()


def _letter(sender: str, message: Message) -> EmailMessage:
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"] = sender, message.to
    # The library's own folding loses spaces between encoded words (RFC 2047, section 6.2).
    subject = Header(" ".join(message.subject.split()), "utf-8", 75, "Subject")
    mail.set_raw("Subject", subject.encode())
    mail["Message-ID"] = f"<{message.id}@{sender.rpartition('@')[2].rstrip('>')}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers
    if message.unsubscribe:  # RFC 8058
        mail["List-Unsubscribe"] = f"<{message.unsubscribe}>"
        mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    mail.set_content(message.text)
    return mail


def _not_sent(error: Exception) -> NotSent:
    if isinstance(error, smtplib.SMTPResponseException):
        lasting = 500 <= error.smtp_code < 600
        return NotSent(channel="email", reason=f"smtp-{error.smtp_code}", lasting=lasting)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        lasting = all(500 <= code < 600 for code in codes)
        return NotSent(channel="email", reason="recipient-refused", lasting=lasting)
    return NotSent(channel="email", reason=type(error).__name__)


def _server(where: str) -> smtplib.SMTP:
    """A connection, signed in."""
    parts = urlsplit(where)
    host, secure = parts.hostname or "", parts.scheme == "smtps"
    server = _connected(host, parts.port or (465 if secure else 587), secure=secure)
    if parts.username:
        try:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        except BaseException:
            server.close()
            raise
    return server


def _connected(host: str, port: int, *, secure: bool) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if secure:
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
    server = smtplib.SMTP(host, port, timeout=TIMEOUT)
    try:
        server.ehlo()
        # Codes and passwords never cross a network in the clear.
        if host not in LOCAL or server.has_extn("starttls"):
            server.starttls(context=context)
    except BaseException:
        server.close()
        raise
    return server


def signature(secret: str, timestamp: str, body: bytes) -> str:
    """`v1=` and the HMAC-SHA-256, in hex, of timestamp, dot and body."""
    made = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256)
    return f"v1={made.hexdigest()}"


def _by_gateway(where: str, secret: str, message: Message) -> None:
    body = orjson.dumps({"id": message.id, "to": message.to, "text": message.text})
    timestamp = str(int(clock.now().timestamp()))
    request = urllib.request.Request(  # noqa: S310 (http or https: the settings were checked)
        where,
        data=body,
        method="POST",
        headers={
            "Content-Type": "application/json",
            "Trace-Timestamp": timestamp,
            "Trace-Signature": signature(secret, timestamp, body),
        },
    )
    try:
        with open_named(request, timeout=TIMEOUT) as answer:
            answer.read(1000)
    except urllib.error.HTTPError as error:
        error.close()
        # 429 asks for patience; any other 4xx will be refused again.
        lasting = 400 <= error.code < 500 and error.code not in (408, 429)
        raise NotSent(channel="sms", reason=f"http-{error.code}", lasting=lasting) from None
    except (OSError, ValueError) as error:
        raise NotSent(channel="sms", reason=type(error).__name__) from None
