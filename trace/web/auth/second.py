"""The second step of signing in, after the right password: a code of the application, or one for
recovery. A passkey needs neither: it signs in by itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

import structlog
from flask import Blueprint, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.models import HalfSignIn, Person
from trace.services import counters, factor_resets, factors, person_passkeys
from trace.web import throttle
from trace.web.access import safe_next
from trace.web.auth.entering import HALF, enter
from trace.web.forms import Form
from trace.web.fresh import take_factor

blueprint = Blueprint("second", __name__, url_prefix="/sign-in/second")
log = structlog.get_logger()
WARNED: Final = timedelta(days=1)


@blueprint.route("", methods=["GET", "POST"])
def show() -> ResponseReturnValue:
    """Opens the sign-in when the code is right; after a few wrong ones the password is asked for
    again."""
    half = factors.find_half(str(session.get(HALF, "")), at=clock.now())
    if half is None:
        return _over(gettext("Đã quá lâu. Hãy đăng nhập lại."))
    person = half.person
    form = Form()
    left: int | None = 1
    if form.sent:
        with form.attempt():
            throttle.check_factor(person.id)
            left = factors.count_try(half)
            if left is not None:
                take_factor(person)
                for login in (person.phone, person.email):
                    throttle.forget_failures(login or "")
                factors.close_half(half)
                return enter(person, shown=True)
        if not left:
            return _spent(half, person)
    application = factors.has_application(person)
    return form.page(
        "auth/factors/second.html",
        by=request.args.get("by", "") if application else "recovery",
        application=application,
        passkey=bool(person_passkeys.list_passkeys(person)),
        next=safe_next(""),
        resume=form.value("resume"),
    )


def _spent(half: HalfSignIn, person: Person) -> ResponseReturnValue:
    """No try is left: the person hears of it, once a day, since somebody knows the password."""
    now = clock.now()
    told = counters.counter_key("factor told", str(person.id))
    if not counters.tries(told, at=now, window=WARNED)[0]:
        counters.hit(told, WARNED, at=now)
        factor_resets.tell(person, "factor-tried", {}, at=now)
    factors.close_half(half)
    db.session.commit()
    log.warning("second-step-spent", person=person.id)
    return _over(gettext("Sai mã nhiều lần. Hãy đăng nhập lại từ đầu."))


def _over(words: str) -> ResponseReturnValue:
    session.pop(HALF, None)
    flash(words, "warn")
    return redirect(url_for("auth.sign_in", next=safe_next("") or None), 303)
