"""Acts that matter (keys, say) ask again who one is, unless one has just signed in.

A view: `form.page(…, ask_password=password_asked())`, and `confirm_person()` before it acts. The
template: `{{ password_again(form) }}` from components/password.html inside the form.

Asked is what the sign-in asked (services.factors): the password; with a second step the code of the
application as well; of who decides and has a passkey alone, the passkey.
"""

from __future__ import annotations

from typing import Literal

import structlog
from flask import Flask, g, request

from trace import clock
from trace.models import Person
from trace.services import factors, people, sessions
from trace.web import throttle
from trace.web.deciding import check_open

log = structlog.get_logger()


def password_asked() -> bool:
    """Whether the sign-in is too old for an act that matters."""
    return not sessions.is_fresh(g.session, at=clock.now())


def asked_again() -> Literal["password", "application", "passkey"]:
    """What shows who one is: a password alone, with the application's code, or a passkey."""
    if not factors.asked_after_password(g.person):
        return "password"
    return "application" if factors.has_application(g.person) else "passkey"


def confirm_person(*, enrolling: bool = False) -> None:
    """Raises WrongPassword, WrongFactor, PasskeyAsked or TooManyTries, unless the sign-in is fresh
    or all that is asked was right; FactorNeeded for who decides without a second step when the time
    for it is over, unless they are setting one up (`enrolling`)."""
    if not enrolling:
        check_open()
    if password_asked():
        confirm_all(asked_again())


def confirm_all(how: Literal["password", "application", "passkey"]) -> None:
    """The same, however fresh the sign-in."""
    if how == "passkey":
        raise factors.PasskeyAsked
    name = str(g.person.id)
    throttle.check(throttle.BY_ACCOUNT, "password", name)
    try:
        people.confirm_password(g.person, request.form.get("password", ""))
    except people.WrongPassword:
        throttle.count(throttle.BY_ACCOUNT, "password", name)
        log.warning("password-refused", person=g.person.id, endpoint=request.endpoint)
        raise
    if how == "application":
        take_factor(g.person)
        factors.freshen(g.session, at=clock.now())


def take_factor(person: Person) -> factors.How:
    """Uses up the code that was sent in the field `factor`. Raises WrongFactor, TooManyTries."""
    throttle.check_factor(person.id)
    try:
        return factors.use_factor(person, request.form.get("factor", ""), at=clock.now())
    except factors.WrongFactor:
        throttle.count_factor(person.id)
        log.warning("factor-refused", person=person.id, endpoint=request.endpoint)
        raise


def register_fresh(app: Flask) -> None:
    """Lets components/password.html ask what is asked."""
    app.jinja_env.globals.update(asked_again=asked_again)
