"""Opening a sign-in in this browser, whichever way somebody showed who they are."""

from __future__ import annotations

import structlog
from flask import g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.extensions import db
from trace.models import Person
from trace.services import counters, sessions
from trace.web.access import safe_next
from trace.web.pages import front_door
from trace.web.resume import send_again, unpack

log = structlog.get_logger()


def enter(person: Person, *, fallback: str = "") -> ResponseReturnValue:
    """Opens a new sign-in; an old one in this browser ends. Commits. Leads to the page asked for,
    a waiting form, `fallback`, or today."""
    now = clock.now()
    if g.session is not None:
        sessions.end_session(g.session)
    opened, token = sessions.open_session(person, at=now)
    sessions.forget_expired(at=now)
    counters.forget_over(at=now)
    db.session.commit()
    log.info("signed-in", person=person.id, endpoint=request.endpoint)
    # Whoever may have planted a cookie in this browser before knows nothing of what comes now.
    session.clear()
    g.session, g.session_token, g.person = opened, token, person
    waiting = unpack(request.form.get("resume", ""))
    if opened.organisation_id is None:
        return redirect(url_for("account.choose", next=safe_next(fallback) or None), 303)
    if waiting is not None:
        g.actor = sessions.actor_of(opened)
        return send_again(waiting)
    return redirect(safe_next(fallback or front_door(opened.organisation)), 303)
