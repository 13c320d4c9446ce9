"""What an invitation's link opens: joining with an account or without, or a new password."""

from __future__ import annotations

from flask import Blueprint, Response, flash, g, make_response, redirect, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from limits import parse

from trace import clock
from trace.models import Invitation
from trace.schemas.applications import NewPasswordForm
from trace.schemas.members import JoinForm
from trace.services import invitations
from trace.services.sessions import choose_organisation
from trace.web import throttle
from trace.web.auth.entering import enter
from trace.web.forms import Form
from trace.web.pages import front_door, page_language, role_name

blueprint = Blueprint("invitation", __name__, url_prefix="/invitation")
TRIES = parse("60/1 hour")


@blueprint.after_request
def keep_the_address_to_ourselves(response: Response) -> Response:
    """The address is a secret: no cache keeps its page and no link tells it on."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


@blueprint.route("/<token>", methods=["GET", "POST"])
def show(token: str) -> ResponseReturnValue:
    """Who invites whom to what; joining or setting a password uses the link up."""
    now = clock.now()
    throttle.check(TRIES, "invitation", throttle.address())
    try:
        found = invitations.find_by_token(token, at=now)
    except invitations.LinkUsedUp:
        throttle.count(TRIES, "invitation", throttle.address())
        return make_response(render_template("auth/invitation/over.html"), 410)
    if found.kind == "reset":
        form = Form(NewPasswordForm())
        if form.sent:
            with form.attempt():
                password = form.load()["password"]
                person = invitations.use_renewal(found, password, at=now)
                answer = enter(person)
                flash(gettext("Đã đặt mật khẩu mới. Các máy khác đã bị đăng xuất."))
                return answer
        return form.page("auth/invitation/reset.html", found=found)
    form = Form(None if g.person is not None else JoinForm())
    if form.sent:
        with form.attempt():
            if g.person is not None:
                return _join_signed_in(form, found)
            throttle.check(throttle.REGISTRATIONS, "join", throttle.address())
            throttle.count(throttle.REGISTRATIONS, "join", throttle.address())
            told = form.load()
            person = invitations.accept_as_new(
                found,
                told["name"],
                told["login"],
                told["password"],
                at=now,
                locale=page_language(),
            )
            answer = enter(person)
            flash(gettext("Bạn đã vào tổ chức. Hãy xác nhận số điện thoại ở trang Tài khoản."))
            return answer
    return form.page("auth/invitation/join.html", found=found, role=role_name(found.role))


def _join_signed_in(form: Form, found: Invitation) -> ResponseReturnValue:
    member = invitations.accept(found, g.person, at=clock.now())
    choose_organisation(g.session, member.organisation_id)
    earlier = form.commit(front_door(found.organisation))
    flash(gettext("Bạn đã vào tổ chức."))
    return redirect(earlier or front_door(found.organisation), 303)
