"""Forms of people's pages: read once, refused with everything typed kept, sent twice made once.

    form = Form(HouseholdForm(), values_of(household), version=household.version)
    if form.sent:
        with form.attempt():
            update_household(actor(), household, form.load(), version=form.version, at=clock.now())
            return form.done(address, gettext("Đã lưu."))
    return form.page("producer/households/form.html", household=household)

Every form carries a one-time key (`form_key`). Whoever sends the same form again, by an impatient
thumb or by reloading, is led to where the first answer led; nothing is made twice. The keys are
rows of `idempotency_keys`, written in the transaction of what the form did.

A phone's outbox posts the same forms and asks for JSON: `trace.web.outbox` says what it gets.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import orjson
from flask import flash, g, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from marshmallow import Schema
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.wrappers import Response

from trace import clock
from trace.errors import Conflict, Refused, TraceError
from trace.extensions import db
from trace.models import IdempotencyKey
from trace.schemas.base import AmbiguousWard, load
from trace.services.versions import ChangedAtOnce, ChangedMeanwhile
from trace.web import outbox
from trace.web.problems import translated, wants_json

KEY_LENGTH = 22
# These go with every form and say nothing about what it asks for.
TECHNICAL = ("csrf_token", "form_key", "version")


class FormAlreadyUsed(Conflict):
    code = "form-already-used"
    message = "This form was already sent with other values; what it did then stands."
    next_step = "Send it again to record these values as well."


def showable(typed: str) -> str:
    """What was typed, without characters that no page may contain (HTML, section 13.1.4)."""
    return "".join(
        c
        for c in typed
        if c in "\n\t"
        or not (
            unicodedata.category(c) in ("Cc", "Cs")
            or ord(c) & 0xFFFE == 0xFFFE
            or "\ufdd0" <= c <= "\ufdef"
        )
    )


def as_text(value: object) -> str:
    """A stored value as a form's box shows it."""
    if value is None:
        return ""
    if value is True or value is False:
        return "yes" if value else ""
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        text = f"{value:f}"
        # "1.500" would be read in two ways when it comes back.
        return text + "0" if re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", text) else text
    return str(value)


class Form:
    """What was typed, what is wrong with it, and what it came from. See the module's text."""

    def __init__(
        self,
        schema: Schema | None = None,
        initial: Mapping[str, object] | None = None,
        *,
        version: int | None = None,
    ) -> None:
        self.schema = schema
        self._posted = request.method == "POST"
        # What a view asks before it acts: a used form with other values is asked about first.
        self.sent = self._posted and not g.get("form_key_used")
        self.initial = {name: as_text(value) for name, value in (initial or {}).items()}
        self.theirs: dict[str, str] = {}
        self.status = 200
        self._current_version = version
        # Whether a phone may keep this form and send it later: changes to a record that say which
        # version they change. Forms that record something say so themselves.
        self.outbox = version is not None
        self.now = False  # whether its time is filled in with the present moment
        self._errors: dict[str, list[str]] = {}
        self._refusals: list[TraceError] = []
        self._choices: dict[str, list[tuple[str, str]]] = {}
        given = request.form.get("form_key", "") if self.sent else ""
        self.key = given if len(given) == KEY_LENGTH else secrets.token_urlsafe(16)
        self._version = version
        if self._posted:
            sent_version = request.form.get("version", "")
            # Nothing changes more often than nine digits count; int() gives up on thousands.
            self._version = int(sent_version[:9]) if sent_version.isdecimal() else version
        if self._posted and not self.sent:
            self.refuse(FormAlreadyUsed())

    # -- what the components read --------------------------------------------------------------

    def value(self, name: str) -> str:
        """What the box shows: as typed, or as stored."""
        if self._posted:
            return showable(request.form.get(name, ""))
        return self.initial.get(name, "")

    def all(self, name: str) -> list[str]:
        """All values of a name (check boxes)."""
        if self._posted:
            return request.form.getlist(name)
        return self.initial.get(name, "").split()

    def error(self, name: str) -> str:
        """The sentences beside a field."""
        return " ".join(self._errors.get(name, []))

    def choices(self, name: str) -> list[tuple[str, str]]:
        """What the typed text may have meant: (value, text)."""
        return self._choices.get(name, [])

    @property
    def summary(self) -> list[tuple[str, str]]:
        """(field or "", sentence) for the box above the form. A row's field is one of the form,
        sent or not: nobody sends a choice that was not made."""
        fields = set(self.schema.fields) if self.schema else set()
        known = fields | set(request.form) | set(request.files)
        return [
            (name if name in known or name.partition("-")[0] in fields else "", sentence)
            for name, sentences in self._errors.items()
            for sentence in sentences
        ]

    @property
    def version(self) -> int:
        """The version of the record that the sender saw."""
        return self._version or 0

    # -- what a view does ----------------------------------------------------------------------

    def load(self) -> dict[str, Any]:
        """The form through its schema. Raises Refused naming each field."""
        if self.schema is None:
            raise TypeError("this form has no schema")
        clean = load(self.schema, self.typed())
        outbox.check_told_time(clean, clock.now())
        return clean

    def typed(self) -> dict[str, Any]:
        """All that was typed, without what goes with every form."""
        return {
            name: values[0] if len(values) == 1 else values
            for name, values in request.form.lists()
            if name not in TECHNICAL
        }

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Turns what is refused inside into sentences beside the fields; nothing is kept then."""
        try:
            yield
        except StaleDataError:
            db.session.rollback()
            self.refuse(ChangedAtOnce())
        except IntegrityError:
            # Two wrote the same unique value between the check and the write: the check tells
            # the second one which, when the form is sent again.
            db.session.rollback()
            self.refuse(ChangedAtOnce())
        except TraceError as error:
            db.session.rollback()
            if error.status in (401, 403, 404) or error.status >= 500:
                raise
            self.refuse(error)

    def refuse(self, error: TraceError) -> None:
        """Puts an error's sentences beside its field, or into the summary where it has none."""
        self.status = max(self.status, error.status)
        self._refusals += error.errors if isinstance(error, Refused) else (error,)
        if isinstance(error, ChangedMeanwhile):
            self._compare()
            if self.theirs:
                return
        if isinstance(error, AmbiguousWard):
            self._choices[error.path] = error.choices
        errors: Sequence[TraceError] = error.errors if isinstance(error, Refused) else (error,)
        for one in errors:
            if isinstance(one, AmbiguousWard):
                self._choices[one.path] = one.choices
            # What was typed may stand in the sentence.
            self._errors.setdefault(one.path, []).append(showable(translated(one)))

    def _compare(self) -> None:
        self._version = self._current_version
        for name, theirs in self.initial.items():
            if self.value(name).strip() != theirs:
                self.theirs[name] = theirs

    def commit(self, address: str) -> str | None:
        """Remembers the one-time key and commits. Where the same form, sent at the same moment,
        was first, nothing is kept, and where that one led is returned."""
        db.session.flush()
        earlier = self._remember(address)
        if earlier is None:
            db.session.commit()
        return earlier

    def done(self, address: str, message: str = "") -> Response:
        """Commits and leads on; the view's last act."""
        earlier = self.commit(address)
        if wants_json():
            return outbox.sent_again(earlier) if earlier else outbox.sent(address, message)
        if earlier is None and message:
            flash(message)
        return redirect(earlier or address, 303)

    def _remember(self, address: str) -> str | None:
        actor = g.get("actor")
        if actor is None:
            return None
        organisation = actor.organisation.id
        db.session.add(
            IdempotencyKey(
                organisation_id=organisation,
                key=f"form:{self.key}",
                request_hash=_request_hash(),
                response=orjson.dumps({"location": address}).decode(),
                created_at=clock.now(),
            )
        )
        try:
            db.session.flush()
        except IntegrityError:  # the same form, sent at the same moment, was first
            db.session.rollback()
            return earlier_answer(organisation, self.key)[1]
        return None

    def page(self, template: str, **context: object) -> ResponseReturnValue:
        """The page of the form, with the status of what was refused."""
        failed = bool(self._errors or self.theirs)
        if failed and self.sent and (known := answer_again()) is not None:
            return known  # refused because the same form, sent at the same moment, was first
        if failed and wants_json():
            return self._refused()
        return render_template(template, form=self, failed=failed, **context), self.status

    def _refused(self) -> Response:
        """What was refused, for a phone's outbox."""
        phone = outbox.phone_time(clock.now())
        about_time = any(error.path == "when" for error in self._refusals)
        more = {
            "choices": self._choices,
            "suggested": {"when": phone.suggested()} if phone and about_time else None,
            "theirs": self.theirs,
            "version": self._version if self.theirs else None,
            "location": g.get("form_led_to"),
        }
        return outbox.refused(self._refusals, self.status, more)


def _request_hash() -> bytes:
    told = sorted(
        (name, value)
        for name, values in request.form.lists()
        for value in values
        if name != "csrf_token"
    )
    files = [(name, file.filename) for name, file in request.files.items(multi=True)]
    return hashlib.sha256(orjson.dumps([told, files])).digest()


def earlier_answer(organisation_id: int, key: str) -> tuple[bool, str | None]:
    """(used with the same values, where it led) of a one-time key; (False, None) when unused."""
    row = db.session.get(IdempotencyKey, (organisation_id, f"form:{key}"))
    if row is None:
        return False, None
    return row.request_hash == _request_hash(), orjson.loads(row.response)["location"]


def answer_again() -> Response | None:
    """For the door: a form sent a second time is led to where the first sending led.

    With other values it is not the same request: the view is told, and asks. Raises OtherSender
    for an entry of somebody else's outbox."""
    outbox.check_sender()
    key = request.form.get("form_key", "") if request.method == "POST" else ""
    actor = g.get("actor")
    if len(key) != KEY_LENGTH or actor is None:
        return None
    same, address = earlier_answer(actor.organisation.id, key)
    if address is None:
        return None
    if not same:
        g.form_key_used, g.form_led_to = True, address
        return None
    if wants_json():
        return outbox.sent_again(address)
    flash(gettext("Biểu mẫu này đã được ghi rồi; không ghi thêm lần nữa."), "info")
    return redirect(address, 303)
