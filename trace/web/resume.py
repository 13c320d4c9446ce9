"""A form sent after the sign-in ended loses nothing: sign in on the spot, then send it again.

What was typed travels through the sign-in page signed by this server, never kept by it. It is taken
only from pages of ours (the browser names the sending page's host in Origin); a form from elsewhere
is refused, because pressing "send again" would act for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, render_template, request
from flask.typing import ResponseReturnValue
from itsdangerous import BadData, URLSafeTimedSerializer

from trace.errors import TraceError
from trace.web.addresses import comes_from
from trace.web.forms import Form

DAY = 24 * 3600
# More than a long form of rows; a hidden box of a sign-in page need not carry more.
LIMIT = 200_000
SECRETS = ("password", "present", "factor")


class ForeignForm(TraceError):
    code = "foreign-form"
    message = "This form did not come from a page of ours, or the page was open for too long."
    next_step = "Open the page again and send it from there."


@dataclass(frozen=True, slots=True)
class Waiting:
    """A form that waits for a sign-in: where it goes and what was typed."""

    path: str
    fields: list[tuple[str, str]]
    had_files: bool


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="waiting form")


def from_our_page() -> bool:
    """Whether the browser says that a page of this host sent the request."""
    origin = request.headers.get("Origin", "")
    return bool(origin) and comes_from(origin, request.host)


def pack() -> str:
    """The form of this request, signed; "" when there is none that may wait."""
    if request.method != "POST" or not from_our_page():
        return ""
    fields = [
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name not in ("csrf_token", *SECRETS)
    ]
    had_files = any(file.filename for file in request.files.values())
    packed = str(_serializer().dumps([request.full_path.rstrip("?"), fields, had_files]))
    return packed if len(packed) <= LIMIT else ""


def unpack(text: str) -> Waiting | None:
    """The waiting form of a signed text; None when it is not ours or a day old."""
    if not text:
        return None
    try:
        path, fields, had_files = _serializer().loads(text, max_age=DAY)
    except BadData:
        return None
    return Waiting(path, [(name, value) for name, value in fields], had_files)


def send_again(waiting: Waiting) -> str:
    """The page that sends a waiting form with one press."""
    return render_template("auth/resume.html", waiting=waiting)


def sign_in_first() -> ResponseReturnValue | None:
    """The page of signing in, holding the form of this request; None when there is none."""
    waiting = pack()
    if not waiting:
        return None
    page = render_template("auth/sign_in.html", form=Waited(), next="", resume=waiting)
    return page, 401


class Waited(Form):
    """An empty sign-in form: what was sent belongs to another form."""

    def __init__(self) -> None:
        super().__init__()
        self._posted = self.sent = False
