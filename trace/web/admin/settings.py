"""Settings of the platform: all on one page, each value checked, every former one kept."""

from __future__ import annotations

import orjson
from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import Refused, TraceError
from trace.schemas.base import FormSchema, Text, load
from trace.services import platform_settings
from trace.services.platform_settings import BY_NAME, SETTINGS
from trace.web.access import actor
from trace.web.admin.standing_words import setting_words
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked

blueprint = Blueprint("platform_settings", __name__, url_prefix="/admin/settings")
LONGEST = 4_000
# Read as texts first: each setting says itself what is wrong with its value.
SettingsForm = FormSchema.from_dict(
    {one.name: Text(LONGEST, lines=True) for one in SETTINGS}, name="SettingsForm"
)


@blueprint.route("/", methods=["GET", "POST"])
def index() -> ResponseReturnValue:
    """Every setting with its bounds."""
    form = Form(SettingsForm(), dict(platform_settings.all_values()))
    form.outbox = False
    if form.sent:
        with form.attempt():
            values = _values()
            confirm_person()
            now = clock.now()
            changed = [
                name
                for name, value in values.items()
                if platform_settings.change(actor(), name, value, at=now)
            ]
            words = gettext("Đã đổi %(count)s tham số.", count=len(changed))
            return form.done(url_for(".index"), words)
    return form.page(
        "admin/settings/index.html",
        settings=SETTINGS,
        setting_words=setting_words,
        ask_password=password_asked(),
    )


def _values() -> dict[str, platform_settings.Value]:
    clean = load(SettingsForm(), request.form)
    found: dict[str, platform_settings.Value] = {}
    errors: list[TraceError] = []
    for setting in SETTINGS:
        try:
            found[setting.name] = setting.read(clean[setting.name])
        except TraceError as error:
            errors.append(error)
    if errors:
        raise Refused(errors)
    return found


@blueprint.get("/<name>")
def history(name: str) -> ResponseReturnValue:
    """What a setting was, and who changed it."""
    rows = platform_settings.history(actor(), name)
    return render_template(
        "admin/settings/history.html",
        rows=[(row, orjson.loads(row.value)) for row in rows],
        words=setting_words(name)[0],
        default=BY_NAME[name].default,
    )
