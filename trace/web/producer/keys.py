"""Pages of an organisation's keys: who holds them, rotate, revoke, a key of one's own."""

from __future__ import annotations

import os
from typing import Any, Final

from flask import Blueprint, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from itsdangerous import BadData, URLSafeTimedSerializer

from trace import clock
from trace.core.signing import parse_kid
from trace.errors import NotFound
from trace.models import Key
from trace.schemas.keys import OwnKeyForm, SignedRecordForm
from trace.services import custody, key_records, passkeys
from trace.services.naming import issuer_of
from trace.services.settings import current_settings
from trace.web.access import actor, needs
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

# Long enough to look for one's glasses.
ENROLMENT_SECONDS: Final = 600
blueprint = Blueprint("keys", __name__, url_prefix="/producer/keys")


def custody_words(kind: str) -> tuple[str, str]:
    """(name, what it means) of who holds a key."""
    words: dict[str, tuple[str, str]] = {
        "server": (
            gettext("Nền tảng giữ hộ"),
            gettext("Máy chủ ký thay tổ chức. Tiện nhất, nhưng phải tin nền tảng."),
        ),
        "passkey": (
            gettext("Trên điện thoại của bạn"),
            gettext("Duyệt bằng vân tay, khuôn mặt hoặc mã khoá máy. Nền tảng không duyệt thay."),
        ),
        "own": (
            gettext("Tổ chức tự giữ"),
            gettext("Tổ chức tự ký ở máy của mình rồi gửi lên. Nền tảng không ký thay được."),
        ),
    }
    return words.get(kind, (kind, ""))


def key_name(kid: str) -> str:
    """The part of a kid that tells keys of one organisation apart: `key-1`."""
    return parse_kid(kid).name


@blueprint.get("/")
@needs("manage")
def index() -> ResponseReturnValue:
    """All keys that ever signed or approved for the organisation."""
    organisation = actor().organisation
    found = custody.list_keys(actor())
    return render_template(
        "producer/keys/index.html",
        keys=found,
        words=custody_words,
        key_name=key_name,
        issuer=issuer_of(organisation.code),
        document=url_for("resolver.did", code=organisation.code),
        server_valid=any(k.custody == "server" and k.revoked_from is None for k in found),
        own_valid=any(k.custody == "own" and k.revoked_from is None for k in found),
        passkey_valid=any(k.custody == "passkey" and k.revoked_from is None for k in found),
        demanded=organisation.approval_required,
    )


@blueprint.route("/rotate", methods=["GET", "POST"])
@needs("manage")
def rotate() -> ResponseReturnValue:
    """A new server-held key in the place of the old one, after asking once."""
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_person()
            custody.rotate(actor(), at=clock.now())
            return form.done(
                url_for("keys.index"), gettext("Đã thay khoá. Khoá mới ký từ bây giờ.")
            )
    return form.page(
        "producer/keys/rotate.html",
        act=gettext("Thay khoá"),
        cancel=url_for("keys.index"),
        ask_password=password_asked(),
    )


@blueprint.route("/<int:key_id>/revoke", methods=["GET", "POST"])
@needs("manage")
def revoke(key_id: int) -> ResponseReturnValue:
    """Ends a key, after asking once."""
    key = custody.get_key(actor(), key_id)
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_person()
            custody.revoke(actor(), key, at=clock.now())
            return form.done(url_for("keys.index"), gettext("Đã thu hồi khoá."))
    servers = custody.valid_keys(actor().organisation.id, "server")
    return form.page(
        "producer/keys/revoke.html",
        key=key,
        name=key_name(key.kid),
        held=custody_words(key.custody)[0],
        last=[one.id for one in servers] == [key.id],
        act=gettext("Thu hồi khoá này"),
        cancel=url_for("keys.index"),
        danger=True,
        ask_password=password_asked(),
    )


@blueprint.route("/<int:key_id>/signed/<any(rotate, revoke):action>", methods=["GET", "POST"])
@needs("manage")
def signed(key_id: int, action: str) -> ResponseReturnValue:
    """A key that its organisation holds itself is replaced or revoked by a record signed there."""
    key = custody.get_key(actor(), key_id)
    form = Form(OwnKeyForm() if action == "rotate" else SignedRecordForm())
    inputs: list[str] = []
    if action == "revoke":
        inputs = key_records.signing_inputs(actor(), action, _signer_for(key), ended=key)
    if form.sent:
        with form.attempt():
            data = form.load()
            if action == "rotate":
                public = custody.read_public_key(data["public_key"])
                inputs = key_records.signing_inputs(actor(), action, key, public=public)
            if data["jws"]:
                confirm_person()
                key_records.publish_signed(actor(), data["jws"].split(), at=clock.now())
                message = gettext("Đã ghi bản ghi khoá vào sổ công khai.")
                return form.done(url_for("keys.index"), message)
    return form.page(
        "producer/keys/signed.html",
        key=key,
        name=key_name(key.kid),
        action=action,
        inputs=inputs,
        ask_password=bool(inputs) and password_asked(),
    )


def _signer_for(key: Key) -> Key:
    """Whose holder is asked to sign: the key itself if it is held outside, else the newest own
    one. Raises NotFound when the organisation holds none."""
    own = custody.valid_keys(actor().organisation.id, "own")
    if not own:
        raise NotFound
    return key if key in own else own[-1]


@blueprint.route("/own", methods=["GET", "POST"])
@needs("manage")
def own() -> ResponseReturnValue:
    """A key of the organisation's own: its public half, then the record signed with it."""
    form = Form(OwnKeyForm())
    draft = None
    if form.sent:
        with form.attempt():
            data = form.load()
            draft = custody.draft_own_key(actor(), custody.read_public_key(data["public_key"]))
            if data["jws"]:
                confirm_person()
                custody.add_own_key(actor(), data["jws"].split(), at=clock.now())
                message = gettext("Đã ghi khoá của tổ chức vào sổ công khai.")
                return form.done(url_for("keys.index"), message)
    return form.page(
        "producer/keys/own.html",
        draft=draft,
        upload=f"{current_settings().public_url}/api/v1/statements",
        ask_password=draft is not None and password_asked(),
    )


@blueprint.route("/passkey", methods=["GET", "POST"])
@needs("manage")
def passkey() -> ResponseReturnValue:
    """A passkey in two touches: the device makes it, then signs its key record."""
    form = Form()
    made = None
    if form.sent:
        with form.attempt():
            made = _made()
            if request.form.get("assertion"):
                confirm_person()
                passkeys.add_passkey(actor(), made, request.form["assertion"], at=clock.now())
                message = gettext("Đã đăng ký vân tay. Bật “duyệt trước khi ghi” để dùng.")
                return form.done(url_for("keys.index"), message)
    if made is None:
        challenge = os.urandom(32)
        return form.page(
            "producer/keys/passkey.html",
            options=passkeys.creation_options(actor(), challenge),
            challenge=_signer().dumps([g.person.id, challenge.hex()]),
        )
    draft = passkeys.draft_passkey(actor(), made)
    return form.page(
        "producer/keys/passkey_prove.html",
        options=passkeys.request_options(draft.challenge, [made.credential]),
        made=_signer().dumps([g.person.id, made.credential, made.jwk]),
        ask_password=password_asked(),
    )


def _made() -> passkeys.Made:
    """The credential of this request: just made, or kept from the step before.

    Raises PasskeyRefused."""
    if kept := request.form.get("made", ""):
        _, credential, jwk = _unsigned(kept, 3)
        return passkeys.Made(credential, jwk)
    _, challenge = _unsigned(request.form.get("challenge", ""), 2)
    return passkeys.read_made(request.form.get("credential", ""), bytes.fromhex(challenge))


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="passkey enrolment")


def _unsigned(text: str, length: int) -> list[Any]:
    """What an earlier step of this person's enrolment said. Raises PasskeyRefused."""
    try:
        values: list[Any] = _signer().loads(text, max_age=ENROLMENT_SECONDS)
    except BadData:
        values = []
    if len(values) != length or values[0] != g.person.id:
        raise passkeys.PasskeyRefused(reason=gettext("quá lâu, hãy làm lại từ đầu"))
    return values


@blueprint.route("/approval", methods=["GET", "POST"])
@needs("manage")
def approval() -> ResponseReturnValue:
    """Whether everything sent from the console waits for a passkey; asked once."""
    demanded = not actor().organisation.approval_required
    form = Form()
    if form.sent:
        with form.attempt():
            confirm_person()
            passkeys.demand_approval(actor(), request.form.get("on") == "yes", at=clock.now())
            return form.done(url_for("keys.index"), gettext("Đã lưu."))
    return form.page(
        "producer/keys/approval.html",
        demanded=demanded,
        act=gettext("Bật duyệt trước khi ghi") if demanded else gettext("Tắt duyệt trước khi ghi"),
        cancel=url_for("keys.index"),
        ask_password=password_asked(),
    )
