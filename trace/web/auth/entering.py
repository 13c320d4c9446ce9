"""Opening a sign-in in this browser, whichever way somebody showed who they are."""

from __future__ import annotations

from typing import Final

import structlog
from flask import g, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.models import Person, Session
from trace.services import counters, factors, sessions
from trace.web.access import safe_next
from trace.web.pages import front_door
from trace.web.resume import Waited, send_again, unpack

log = structlog.get_logger()
# In the browser's signed cookie: the token of a sign-in whose second step is not done.
HALF: Final = "half"


def enter(person: Person, *, fallback: str = "", shown: bool = False) -> ResponseReturnValue:
    """Opens a new sign-in; an old one in this browser ends. Commits. Leads to the page asked for,
    a waiting form, `fallback`, or today.

    Who has a second step and has not `shown` it is asked for it first: until then nothing is open.
    """
    if not shown and factors.asked_after_password(person):
        return _wait(person)
    now = clock.now()
    former = g.session.organisation_id if _same(person) else None
    if g.session is not None:
        sessions.end_session(g.session)
    opened, token = sessions.open_session(person, at=now, factor=shown)
    if opened.organisation_id is None and former is not None:
        _go_on_for(opened, former)
    until = None if shown else factors.begin(person, at=now)
    sessions.forget_expired(at=now)
    counters.forget_over(at=now)
    db.session.commit()
    log.info("signed-in", person=person.id, endpoint=request.endpoint, second_step=shown)
    # Whoever may have planted a cookie in this browser before knows nothing of what comes now.
    session.clear()
    g.session, g.session_token, g.person = opened, token, person
    waiting = unpack(request.form.get("resume", ""))
    led = until is not None and until - now <= factors.LED
    if opened.organisation_id is None:
        following = safe_next(fallback)
        if led:
            following = url_for("factors.needed", next=following or None)
        return redirect(url_for("account.choose", next=following or None), 303)
    if waiting is not None:
        g.actor = sessions.actor_of(opened)
        return send_again(waiting)
    following = safe_next(fallback or front_door(opened.organisation))
    return redirect(url_for("factors.needed", next=following) if led else following, 303)


def _wait(person: Person) -> ResponseReturnValue:
    """The password was right; the second step comes now. Commits."""
    token = factors.open_half(person, at=clock.now())
    db.session.commit()
    session.clear()
    session[HALF] = token
    following, waiting = safe_next(""), request.form.get("resume", "")
    if unpack(waiting) is not None:  # too long for an address
        return render_template(
            "auth/factors/second.html", form=Waited(), next=following, resume=waiting, by=""
        )
    return redirect(url_for("second.show", next=following or None), 303)


def _same(person: Person) -> bool:
    return g.session is not None and g.session.person_id == person.id


def _go_on_for(opened: Session, organisation_id: int) -> None:
    """Who signs in again goes on for the organisation they acted for."""
    try:
        sessions.choose_organisation(opened, organisation_id)
    except NotFound:
        return
