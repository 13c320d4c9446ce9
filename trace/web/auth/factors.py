"""One's own second step of signing in: its state, an application, recovery codes."""

from __future__ import annotations

import base64

from flask import Blueprint, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core import totp
from trace.core.labels.images import qr_png
from trace.extensions import db
from trace.services import factors
from trace.web import throttle
from trace.web.access import safe_next
from trace.web.deciding import standing_now
from trace.web.forms import Form
from trace.web.fresh import asked_again, confirm_all, confirm_person, password_asked

blueprint = Blueprint("factors", __name__, url_prefix="/account/second-step")


def _standing() -> factors.Standing | None:
    """How this sign-in stands, of somebody who decides; None for all others."""
    return standing_now() if factors.decides(g.person) else None


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """What there is, since when, and what is asked."""
    return render_template(
        "auth/factors/index.html", mine=factors.factors_of(g.person), standing=_standing()
    )


@blueprint.get("/needed")
def needed() -> ResponseReturnValue:
    """Who decides is told why, until when, and how."""
    standing = _standing()
    if standing is None or standing.state in ("fine", "again"):
        return redirect(safe_next(url_for("factors.index")), 303)
    return render_template(
        "auth/factors/needed.html", standing=standing, next=safe_next(url_for("account.show"))
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """An application: scanned or typed, proven by its first code; then the recovery codes."""
    form = Form()
    now = clock.now()
    if form.sent:
        with form.attempt():
            secret = factors.draft_secret(g.person, g.session, form.value("draft"), at=now)
            throttle.check_factor(g.person.id)
            if password_asked():
                confirm_all(asked_again())
            try:
                typed = request.form.get("code", "")
                codes = factors.add_application(g.person, g.session, secret, typed, at=now)
            except factors.WrongFactor:
                throttle.count_factor(g.person.id)
                raise
            return _codes(form, codes)
    sealed = form.value("draft")
    try:
        secret = factors.draft_secret(g.person, g.session, sealed, at=now)
    except factors.SetUpOver:
        sealed = factors.draft(g.person, g.session, at=now)
        secret = factors.draft_secret(g.person, g.session, sealed, at=now)
    account = g.person.phone or g.person.email or g.person.name
    picture = qr_png(totp.setup_address(secret, account, factors.ISSUER))
    return form.page(
        "auth/factors/new.html",
        draft=sealed,
        secret=totp.secret_text(secret),
        picture=f"data:image/png;base64,{base64.b64encode(picture).decode()}",
        again=factors.has_application(g.person),
        next=safe_next(""),
        ask_password=password_asked(),
    )


@blueprint.route("/codes", methods=["GET", "POST"])
def codes() -> ResponseReturnValue:
    """Ten new recovery codes; the earlier ones end."""
    if not factors.has_any(g.person):
        return redirect(url_for("factors.index"), 303)
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_person(enrolling=True)
            return _codes(form, factors.renew_codes(g.person, at=clock.now()))
    return form.page(
        "auth/factors/renew.html",
        mine=factors.factors_of(g.person),
        act=gettext("Tạo 10 mã mới"),
        cancel=url_for("factors.index"),
        ask_password=password_asked(),
    )


def _codes(form: Form, made: list[str]) -> ResponseReturnValue:
    """The page with the codes, in this answer and nowhere else: only hashes are kept."""
    earlier = form.commit(url_for("factors.index"))
    if earlier is not None:
        return redirect(earlier, 303)
    return render_template(
        "auth/factors/codes.html", codes=made, next=safe_next(url_for("factors.index"))
    ), 201


@blueprint.route("/remove", methods=["GET", "POST"])
def remove() -> ResponseReturnValue:
    """No application any more: the password and a code, however fresh the sign-in."""
    if not factors.has_application(g.person):
        return redirect(url_for("factors.index"), 303)
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_all("application")
            factors.remove_application(g.person, g.session, at=clock.now())
            db.session.commit()
            flash(gettext("Đã bỏ ứng dụng tạo mã. Các máy khác đã bị đăng xuất."))
            return redirect(url_for("factors.index"), 303)
    return form.page(
        "auth/factors/remove.html",
        act=gettext("Bỏ ứng dụng tạo mã"),
        cancel=url_for("factors.index"),
        danger=True,
        decides=factors.decides(g.person),
    )
