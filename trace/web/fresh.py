"""Acts that matter (keys, say) ask for the password again, unless one has just signed in.

A view: `form.page(…, ask_password=password_asked())`, and `confirm_person()` before it acts. The
template: `{{ password_again(form) }}` from components/password.html inside the form.
"""

from __future__ import annotations

import structlog
from flask import g, request

from trace import clock
from trace.services import people, sessions
from trace.web import throttle

log = structlog.get_logger()


def password_asked() -> bool:
    """Whether the sign-in is too old for an act that matters."""
    return not sessions.is_fresh(g.session, at=clock.now())


def confirm_person() -> None:
    """Raises WrongPassword or TooManyTries, unless the sign-in is fresh or the password right."""
    if not password_asked():
        return
    name = str(g.person.id)
    throttle.check(throttle.BY_ACCOUNT, "password", name)
    try:
        people.confirm_password(g.person, request.form.get("password", ""))
    except people.WrongPassword:
        throttle.count(throttle.BY_ACCOUNT, "password", name)
        log.warning("password-refused", person=g.person.id, endpoint=request.endpoint)
        raise
