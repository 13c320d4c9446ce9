"""What a citizen sends about goods, and what the desk and the maker answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from trace.errors import Refused, TraceError
from trace.models.authorities import SECTORS
from trace.models.reports import OUTCOMES, PROBLEMS
from trace.schemas.base import (
    Choice,
    Day,
    FormSchema,
    Several,
    Text,
    WardCode,
    Whole,
    YesNo,
)
from trace.services.citizen_reports.photos import LIMIT
from trace.services.citizen_reports.routing import DEFAULT_DEADLINES, DEFAULT_ROUTING, MOST
from trace.services.people import parse_login

WORDS_LIMIT = 2000
CONTACT_LIMIT = 200


class NothingTold(TraceError):
    code = "report-says-nothing"
    message = "Say in a few words what is wrong, or add a photo."


class BoughtInFuture(TraceError):
    code = "bought-in-future"
    message = "This day is still to come."


class ContactForNothing(TraceError):
    code = "contact-for-nothing"
    message = "Tick what the number or address may be used for, or leave it out."


class ContactMissing(TraceError):
    code = "contact-missing"
    message = "Give the number or address to use for this, or untick it."


class ProblemForm(FormSchema):
    """A report. Nobody need say who they are."""

    problem = Choice(PROBLEMS, required=True)
    about = Text(300)
    words = Text(WORDS_LIMIT, lines=True)
    bought_at = Text(200)
    bought_ward = WardCode()
    bought_on = Day()
    people = Whole(least=1, most=10_000)
    contact = Text(CONTACT_LIMIT)
    tell = YesNo()
    ask = YesNo()


def check_problem(values: Mapping[str, Any], *, photos: int, today: date) -> dict[str, Any]:
    """The report with its contact as numbers and addresses are written. What one box alone cannot
    tell: raises Refused holding NothingTold, BoughtInFuture, ContactForNothing, ContactMissing,
    BadLogin or BadPhone, each at its box."""
    clean = {**values}
    found: list[TraceError] = []
    if not values["words"] and not photos:
        found.append(NothingTold(path="words"))
    if values["bought_on"] is not None and values["bought_on"] > today:
        found.append(BoughtInFuture(path="bought_on"))
    wanted = values["tell"] or values["ask"]
    if values["contact"]:
        try:
            clean["contact"] = parse_login(values["contact"]).value
        except TraceError as error:
            found.append(error.at("contact"))
        if not wanted:
            found.append(ContactForNothing(path="tell"))
    elif wanted:
        found.append(ContactMissing(path="contact"))
    if found:
        raise Refused(found)
    return clean


class ReportCodeForm(FormSchema):
    """The tracking code."""

    code = Text(40, required=True)


class WordsForm(FormSchema):
    """What is added, asked or answered."""

    text = Text(WORDS_LIMIT, lines=True, required=True)


class PassForm(WordsForm):
    """What the maker is told, and which photos go along."""

    photos = Several([str(number) for number in range(1, LIMIT + 1)])


class ForwardForm(FormSchema):
    """Which authority, by its code, and why."""

    to = Text(20, required=True)
    text = Text(WORDS_LIMIT, lines=True, required=True)


class AnswerReportForm(FormSchema):
    """The answer, what was found, and whether that is the end."""

    outcome = Choice(OUTCOMES, required=True)
    text = Text(WORDS_LIMIT, lines=True, required=True)
    ends = YesNo()


class CaseForm(FormSchema):
    """The code of an inspection, a finding or a recall."""

    case = Text(20, required=True)


class MergeForm(FormSchema):
    """The number of the report it goes into."""

    into = Whole(least=1, most=2**53, required=True)


class BulkForm(FormSchema):
    """What is done with the chosen reports that were held apart."""

    act = Choice(("admit", "end"), required=True)


def _route_fields() -> dict[str, Any]:
    return {_box(name): Choice(SECTORS, required=True) for name in DEFAULT_ROUTING}


def _box(name: str) -> str:
    return name.replace(".", "_")


RoutingForm = FormSchema.from_dict(_route_fields(), name="RoutingForm")
DaysForm = FormSchema.from_dict(
    {name: Whole(least=1, most=MOST[name], required=True) for name in DEFAULT_DEADLINES},
    name="DaysForm",
)
