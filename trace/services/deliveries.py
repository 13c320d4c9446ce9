"""Sending what notifications ask for, one delivery at a time; the worker commits after each.

A delivery that fails is tried again, each time after twice as long, eight times; then it is given
up and says why. A contact that was never proven gets nothing: it may be a stranger's. A device that
is gone is forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from trace.extensions import db
from trace.models import Delivery, Notification
from trace.services import senders, web_push
from trace.services.jobs import enqueue
from trace.services.notifications import JOB_KIND, unsubscribe_token, wants, words_of
from trace.services.senders import Message, NotSent
from trace.services.sets import among
from trace.services.settings import current_settings

ATTEMPTS: Final = 8
FIRST_PAUSE: Final = timedelta(seconds=30)
LIST: Final = "/account/notifications/"
# What must be looked at now wakes a sleeping phone; a weekly word waits for the next look.
URGENCY: Final = {"alert": "high", "weekly": "low"}


def due(notifications: Sequence[int], *, at: datetime) -> list[int]:
    """The deliveries of these notifications that are to leave now."""
    query = (
        select(Delivery.id)
        .where(
            among(Delivery.notification_id, sorted(notifications)),
            Delivery.state == "queued",
            Delivery.due_at <= at,
        )
        .order_by(Delivery.id)
    )
    return list(db.session.scalars(query))


def attempt(delivery_id: int, *, at: datetime) -> str:
    """Sends one, or asks for a later try; returns its state. The caller commits, so that a worker
    that dies sends nothing twice."""
    row = db.session.get_one(Delivery, delivery_id)
    if row.state != "queued":
        return row.state
    why = _send(row, at)
    if why is None:
        row.state, row.reason, row.sent_at = "sent", "", at
        return row.state
    row.reason = why.reason[:40]
    if why.lasting or row.attempts >= ATTEMPTS:
        row.state = "failed" if row.attempts else "dropped"
        return row.state
    row.due_at = at + FIRST_PAUSE * 2 ** (row.attempts - 1)
    enqueue(JOB_KIND, {"notifications": [row.notification_id]}, at=at, due=row.due_at)
    return row.state


def _send(row: Delivery, at: datetime) -> NotSent | None:
    """Why it was not sent, None once it was. Attempts count from the moment something leaves."""
    try:
        if row.channel == "push":
            _push(row, at)
        else:
            message = _message(row)
            row.attempts += 1
            senders.send(message)
    except NotSent as error:
        return error
    return None


def _message(row: Delivery) -> Message:
    """The message of a delivery by e-mail or SMS. Raises NotSent when there is nobody to get it."""
    _check_wanted(row)
    told = row.notification
    person = told.person
    title, body = words_of(told, person.locale)
    link = current_settings().public_url + _address(told) if told.address else ""
    key = f"notification-{told.id}-{row.channel}"
    if row.channel == "email":
        if not person.email or person.email_proven_at is None:
            raise NotSent(channel="email", reason="no-address", lasting=True)
        base = f"{current_settings().public_url}/notifications/unsubscribe"
        leave = f"{base}/{unsubscribe_token(person.id, told.kind)}"
        text = "\n\n".join(part for part in (body, link, _leaving(person.locale, leave)) if part)
        return Message("email", person.email, f"Trace: {title}", text + "\n", key, leave)
    if not person.phone or person.phone_proven_at is None:
        raise NotSent(channel="sms", reason="no-number", lasting=True)
    return Message("sms", person.phone, "", f"Trace: {title}. {body}", key)


def _push(row: Delivery, at: datetime) -> None:
    """To one device: a title and an address, what a locked screen may show."""
    _check_wanted(row)
    device, told = row.subscription, row.notification
    if device is None:
        raise NotSent(channel="push", reason="no-browser", lasting=True)
    title, _ = words_of(told, told.person.locale)
    payload = {
        "title": title,
        "address": _address(told),
        "tag": f"n{told.id}",
        "lang": told.person.locale,
    }
    row.attempts += 1
    try:
        with db.session.no_autoflush:  # nothing is written, and so locked, while others answer
            web_push.send(device, payload, urgency=URGENCY.get(told.kind, "normal"), at=at)
    except web_push.DeviceGone:
        web_push.forget(device)
        raise


def _address(told: Notification) -> str:
    """Where a message leads. Whoever acts for several organisations may act for another one just
    now: the list in the application leads them to the page as the right one."""
    alone = told.organisation_id is None or len(told.person.memberships) < 2
    return told.address if told.address and alone else LIST


def _check_wanted(row: Delivery) -> None:
    """Raises NotSent when the person left or said since that they do not want it."""
    person = row.notification.person
    if not person.active:
        raise NotSent(channel=row.channel, reason="closed", lasting=True)
    if not wants(person, row.notification.kind, row.channel):
        raise NotSent(channel=row.channel, reason="unwanted", lasting=True)


def _leaving(locale: str, address: str) -> str:
    if locale != "vi":
        return f"No more e-mails of this kind: {address}"
    return f"Không nhận thư loại này nữa: {address}"
