"""Pages of the organisation itself, its members, and its tokens for scripts."""

from __future__ import annotations

from datetime import timedelta

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.models import Organisation
from trace.schemas.organisations import OrganisationForm
from trace.schemas.tokens import TokenForm
from trace.services import organisations, tokens
from trace.services.naming import issuer_of
from trace.services.wards import ward_name
from trace.web import words
from trace.web.access import actor, needs
from trace.web.deciding import decides
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

blueprint = Blueprint("organisation", __name__, url_prefix="/producer/organisation")
token_pages = Blueprint("tokens", __name__, url_prefix="/producer/tokens")


def _values(organisation: Organisation) -> dict[str, object]:
    return {
        "name": organisation.name,
        "name_en": organisation.name_en,
        "kind": organisation.kind,
        "ward_code": ward_name(organisation.ward_code) if organisation.ward_code else "",
        "address": organisation.address,
        "phone": organisation.phone,
        "phone_public": organisation.phone_public,
    }


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """What the organisation says about itself, and how far it is confirmed."""
    organisation = actor().organisation
    return render_template(
        "producer/organisation/show.html",
        organisation=organisation,
        kind=words.organisation_kind(organisation.kind),
        status=words.organisation_status(organisation.status),
        issuer=issuer_of(organisation.code),
        members=organisations.list_members(actor()),
    )


@blueprint.route("/edit", methods=["GET", "POST"])
@needs("manage")
def edit() -> ResponseReturnValue:
    """Changes to the organisation."""
    organisation = actor().organisation
    form = Form(OrganisationForm(), _values(organisation), version=organisation.version)
    if form.sent:
        with form.attempt():
            organisations.update_organisation(
                actor(), form.load(), version=form.version, at=clock.now()
            )
            return form.done(url_for("organisation.show"), gettext("Đã lưu."))
    kinds = dict.fromkeys((*organisations.OPEN_KINDS, organisation.kind))
    return form.page(
        "producer/organisation/form.html", kinds=words.organisation_kinds(tuple(kinds))
    )


@token_pages.get("/")
@needs("manage")
def index() -> ResponseReturnValue:
    """The organisation's tokens."""
    return _tokens_page()


def _tokens_page(made: str = "") -> str:
    return render_template(
        "producer/organisation/tokens.html",
        tokens=tokens.list_tokens(actor()),
        members={one.person_id for one in organisations.list_members(actor())},
        made=made,
        now=clock.now(),
    )


@token_pages.route("/new", methods=["GET", "POST"])
@needs("manage")
@decides
def new() -> ResponseReturnValue:
    """A token more."""
    form = Form(TokenForm(), {"scopes": "query", "days": 365})
    if form.sent:
        with form.attempt():
            data = form.load()
            confirm_person()
            now = clock.now()
            ends = now + timedelta(days=data["days"]) if data["days"] else None
            _, text = tokens.create_token(
                actor(), data["name"], data["scopes"], at=now, expires_at=ends
            )
            earlier = form.commit(url_for("tokens.index"))
            if earlier is not None:
                return redirect(earlier, 303)
            # Shown in this answer and nowhere else: not even a cookie carries it.
            return _tokens_page(made=text)
    return form.page(
        "producer/organisation/token_form.html",
        ask_password=password_asked(),
        offered=_scope_words(),
    )


def _scope_words() -> list[tuple[str, str, str]]:
    """What a token may be for: (value, words, what programs call it)."""
    words = {
        "capture": gettext("Ghi sự kiện"),
        "query": gettext("Đọc sự kiện"),
        "manage": gettext("Sửa thông tin tổ chức"),
        "export": gettext("Lấy toàn bộ dữ liệu của tổ chức"),
        "inspect": gettext("Xem việc của thanh tra"),
    }
    return [(one, words[one], one) for one in tokens.offered_scopes(actor().organisation)]


@token_pages.route("/<int:token_id>/revoke", methods=["GET", "POST"])
@needs("manage")
def revoke(token_id: int) -> ResponseReturnValue:
    """Ends a token, after asking once."""
    token = tokens.get_token(actor(), token_id)
    form = Form()
    if form.sent:
        with form.attempt():
            tokens.revoke_token(actor(), token, at=clock.now())
            return form.done(url_for("tokens.index"), gettext("Đã thu hồi mã truy cập."))
    return form.page(
        "producer/organisation/token_revoke.html",
        token=token,
        act=gettext("Thu hồi mã này"),
        cancel=url_for("tokens.index"),
        danger=True,
    )
