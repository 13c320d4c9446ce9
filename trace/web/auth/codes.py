"""Asking for a one-time code and typing it: the first two pages of registering and of recovery.

What is under way is remembered in the browser's signed cookie: which contact, which code's row,
and, once the code was right, that the contact is proven. It is good for half an hour.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from flask import flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from limits import parse

from trace import clock
from trace.extensions import db
from trace.schemas.applications import CodeForm
from trace.services import contacts
from trace.services.people import Login
from trace.web import throttle
from trace.web.forms import Form
from trace.web.pages import page_language

KEY: Final = "contact"
HALF_HOUR: Final = timedelta(minutes=30)
# Many phones share one address behind a mobile operator.
CODES: Final = parse("40/1 hour")
TYPED: Final = parse("120/1 hour")


@dataclass(frozen=True, slots=True)
class Proving:
    """A contact on its way to being proven."""

    purpose: str
    login: Login
    code_id: int
    proven: bool
    at: datetime


def under_way(purpose: str) -> Proving | None:
    """What this browser is proving for this purpose; None when nothing, or too long ago."""
    kept: dict[str, Any] = session.get(KEY) or {}
    if kept.get("purpose") != purpose:
        return None
    at = datetime.fromisoformat(kept["at"])
    if not timedelta() <= clock.now() - at <= HALF_HOUR:
        return None
    login = Login(kept["kind"], kept["value"])
    return Proving(purpose, login, int(kept["code_id"]), bool(kept["proven"]), at)


def send_code(login: Login, purpose: str) -> None:
    """Sends a code and remembers it; commits. Raises what contacts.ask_code raises and
    TooManyTries."""
    throttle.check(CODES, "code", throttle.address())
    throttle.count(CODES, "code", throttle.address())
    row = contacts.ask_code(login, purpose, at=clock.now(), locale=page_language())
    db.session.commit()
    _keep(purpose, login, row.id, proven=False)


def take_code(proving: Proving, typed: str) -> None:
    """Uses the code up; commits. Raises WrongCode, CodeSpent, TooManyTries."""
    throttle.check(TYPED, "code-typed", throttle.address())
    throttle.count(TYPED, "code-typed", throttle.address())
    contacts.check_code(proving.code_id, proving.login, proving.purpose, typed, at=clock.now())
    db.session.commit()
    _keep(proving.purpose, proving.login, proving.code_id, proven=True)


def code_page(
    purpose: str, *, start: str, go_on: Callable[[Proving], ResponseReturnValue]
) -> ResponseReturnValue:
    """The page of the six digits, at the address being asked for; `start` is the endpoint where
    the contact is typed. `go_on` answers once the digits were right."""
    proving = under_way(purpose)
    if proving is None:
        return redirect(url_for(start), 303)
    form = Form(CodeForm())
    if form.sent:
        with form.attempt():
            if request.form.get("again"):
                send_code(proving.login, purpose)
                flash(gettext("Đã gửi mã mới."))
                return redirect(request.path, 303)
            take_code(proving, form.load()["code"])
            return go_on(proving)
    return form.page("auth/code.html", proving=proving, back_to=url_for(start))


def forget() -> None:
    """Nothing is under way any more."""
    session.pop(KEY, None)


def _keep(purpose: str, login: Login, code_id: int, *, proven: bool) -> None:
    session[KEY] = {
        "purpose": purpose,
        "kind": login.kind,
        "value": login.value,
        "code_id": code_id,
        "proven": proven,
        "at": clock.now().isoformat(),
    }
