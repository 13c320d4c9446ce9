"""Erasing for a request: find, look at what would go, then do it with a fresh sign-in."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.errors import TraceError
from trace.models import Event, Request
from trace.services import erasures, requests, subjects, takedowns
from trace.web.access import actor
from trace.web.admin.requests import blueprint
from trace.web.forms import Form, showable
from trace.web.fresh import confirm_person, password_asked
from trace.web.request_words import kind_name

MOST_CHOSEN = 500


class NothingChosen(TraceError):
    code = "nothing-to-erase"
    message = "Choose what is to be erased."


@dataclass(frozen=True, slots=True)
class Offered:
    """A statement found, and its personal members with what they say."""

    urn: str
    event: Event
    members: list[tuple[str, str]]


@blueprint.route("/<int:request_id>/erase", methods=["GET", "POST"])
def erase(request_id: int) -> ResponseReturnValue:
    """`?q=` finds statements; a first sending shows what would go, a second one does it."""
    one = requests.get_request(actor(), request_id)
    form = Form()
    query = showable(request.args.get("q", "")).strip()[:300]
    contact = requests.content_of(one).contact
    found = subjects.held_about(actor(), query)
    held = found or subjects.held_about(actor(), contact)
    offered: list[Offered] = []
    if query and not found and not subjects.is_contact(query):
        try:
            offered = _offered(query)
        except TraceError as error:
            form.refuse(error.at("q"))
    chosen = form.all("member")[:MOST_CHOSEN], form.all("record")[:MOST_CHOSEN]
    previews: list[erasures.Preview] = []
    if form.sent:
        with form.attempt():
            if not any(chosen):
                raise NothingChosen
            previews = [erasures.preview(urn, paths) for urn, paths in _by_statement(chosen[0])]
            if request.form.get("do") == "erase":
                confirm_person()
                _execute(one, *chosen)
                address = url_for(".show", request_id=one.id)
                return form.done(address, gettext("Đã xoá. Nhật ký ghi những gì đã đi."))
    return form.page(
        "admin/requests/erase.html",
        one=one,
        query=query,
        offered=offered,
        held=held,
        previews=previews,
        records=[row for row in held if row.key in chosen[1]],
        chosen=chosen,
        ask_password=password_asked(),
        kind_name=kind_name,
    )


def _offered(query: str) -> list[Offered]:
    found = []
    for event in subjects.statements_about(actor(), query):
        members = erasures.erasable_members(event)
        if members:
            found.append(Offered(takedowns.statement_of(event), event, members))
    return found


def _by_statement(chosen: list[str]) -> list[tuple[str, list[str]]]:
    """ "urn path" of each box, by statement."""
    by_urn: dict[str, list[str]] = {}
    for one in chosen:
        urn, _, path = one.partition(" ")
        by_urn.setdefault(urn, []).append(path)
    return list(by_urn.items())


def _execute(one: Request, members: list[str], records: list[str]) -> None:
    now = clock.now()
    requests.begin(actor(), one, at=now)
    for urn, paths in _by_statement(members):
        erasures.erase(actor(), urn, paths, reason=_reason(one), at=now, request=one)
    for key in records:
        subjects.erase_record(actor(), key, at=now)


def _reason(one: Request) -> str:
    return f"request {one.id}: {one.kind}"
