"""Members of the organisation: who they are, inviting by QR, roles, renewing access, removing."""

from __future__ import annotations

import base64

from flask import Blueprint, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.labels.images import qr_png
from trace.models import Invitation
from trace.schemas.members import InvitationForm, RemovalForm, RoleForm
from trace.services import invitations, organisations, tokens
from trace.web.access import actor, needs
from trace.web.deciding import decides
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked
from trace.web.pages import role_name

blueprint = Blueprint("members", __name__, url_prefix="/producer/members")


def _roles() -> list[tuple[str, str]]:
    return [(role, role_name(role)) for role in invitations.roles_of(actor().organisation.kind)]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """The members, and the links that are still open."""
    manages = actor().may("manage")
    return render_template(
        "auth/members/index.html",
        members=organisations.list_members(actor()),
        manages=manages,
        waiting=invitations.list_open(actor(), at=clock.now()) if manages else [],
    )


@blueprint.route("/invite", methods=["GET", "POST"])
@needs("manage")
@decides
def invite() -> ResponseReturnValue:
    """A link for one person, as a QR code to scan or to print."""
    form = Form(InvitationForm(), {"role": "recorder"})
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            made, address = invitations.invite(actor(), told["role"], told["name"], at=clock.now())
            return _link(form, made, address)
    return form.page("auth/members/invite.html", roles=_roles(), ask_password=password_asked())


@blueprint.route("/<int:person_id>/renew", methods=["GET", "POST"])
@needs("manage")
@decides
def renew(person_id: int) -> ResponseReturnValue:
    """A link by which a member who lost their password or phone sets a new password."""
    member = invitations.get_member(actor(), person_id)
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_person()
            made, address = invitations.renew(actor(), person_id, at=clock.now())
            return _link(form, made, address)
    return form.page(
        "auth/members/renew.html",
        member=member,
        act=gettext("Tạo mã đặt lại mật khẩu"),
        cancel=url_for("members.index"),
        ask_password=password_asked(),
    )


def _link(form: Form, made: Invitation, address: str) -> ResponseReturnValue:
    """The page with the link and its QR code. Shown in this answer and nowhere else: only a digest
    of the link is kept."""
    earlier = form.commit(url_for("members.index"))
    if earlier is not None:
        return redirect(earlier, 303)
    picture = base64.b64encode(qr_png(address)).decode()
    page = render_template(
        "auth/members/link.html",
        made=made,
        address=address,
        picture=f"data:image/png;base64,{picture}",
    )
    return page, 201


@blueprint.route("/<int:person_id>/role", methods=["GET", "POST"])
@needs("manage")
@decides
def role(person_id: int) -> ResponseReturnValue:
    """Another role."""
    member = invitations.get_member(actor(), person_id)
    form = Form(RoleForm(), {"role": member.role})
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            invitations.change_role(actor(), person_id, at=clock.now(), **told)
            return form.done(url_for("members.index"), gettext("Đã đổi vai trò."))
    return form.page(
        "auth/members/role.html",
        member=member,
        roles=_roles(),
        tokens=tokens.made_by(member.organisation_id, person_id),
        ask_password=password_asked(),
    )


@blueprint.route("/<int:person_id>/remove", methods=["GET", "POST"])
@needs("manage")
def remove(person_id: int) -> ResponseReturnValue:
    """Takes a member out, after asking once."""
    member = invitations.get_member(actor(), person_id)
    form = Form(RemovalForm())
    leaving = person_id == g.person.id
    if form.sent:
        with form.attempt():
            told = form.load()
            confirm_person()
            invitations.remove_member(actor(), person_id, at=clock.now(), **told)
            address = url_for("account.choose") if leaving else url_for("members.index")
            return form.done(address, gettext("Đã bỏ khỏi tổ chức."))
    return form.page(
        "auth/members/remove.html",
        member=member,
        leaving=leaving,
        tokens=tokens.made_by(member.organisation_id, person_id),
        act=gettext("Rời tổ chức") if leaving else gettext("Bỏ khỏi tổ chức"),
        cancel=url_for("members.index"),
        danger=True,
        ask_password=password_asked(),
    )


@blueprint.post("/links/<int:invitation_id>/withdraw")
@needs("manage")
def withdraw(invitation_id: int) -> ResponseReturnValue:
    """Makes an open link worth nothing."""
    form = Form()
    if form.sent and request.method == "POST":
        with form.attempt():
            invitations.withdraw(actor(), invitation_id, at=clock.now())
            return form.done(url_for("members.index"), gettext("Đã thu hồi mã mời."))
    return redirect(url_for("members.index"), 303)
