"""An act on an organisation that asks for its reason and a fresh sign-in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import url_for
from flask.typing import ResponseReturnValue

from trace import clock
from trace.models import Organisation
from trace.schemas.base import FormSchema
from trace.web.access import actor
from trace.web.forms import Form
from trace.web.fresh import confirm_person, password_asked


def asked_with_reason(
    organisation: Organisation,
    schema: FormSchema,
    act: Callable[..., Any],
    message: str,
    template: str,
    **shown: object,
) -> ResponseReturnValue:
    """The page that asks, or what came of it. `act(actor, organisation, reason, at=…)`."""
    form = Form(schema)
    form.outbox = False
    if form.sent:
        with form.attempt():
            reason = form.load()["reason"]
            confirm_person()
            act(actor(), organisation, reason, at=clock.now())
            return form.done(url_for(".show", code=organisation.code), message)
    return form.page(template, organisation=organisation, ask_password=password_asked(), **shown)
