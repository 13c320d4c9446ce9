"""What a phone's outbox and the forms agree on, beside the form itself.

The outbox posts the very form a browser would, to the same address, and asks for JSON:

  sent      200 {"state":"sent","location":"/producer/…","text":"…","again":false}; with
            "waits":"approval" nothing is recorded before a passkey approved it, at `location`
  refused   4xx application/problem+json with `sentence` (the reader's language) and, of a form,
            `errors` [{"path","code","sentence"}], `choices` {field: [[value, text]]}, and what may
            help: `suggested` {"when": local time}, `theirs` {field: stored value} with `version`
            (someone else changed the record), `location` (the same key led there before)

Two headers go along; neither is part of the request that the one-time key stands for.

  Trace-For: person.organisation    whose entry this is: another sign-in never sends it (409)
  Trace-Clock: written=MS, sent=MS, offset=MS, typed=0|1
            the phone's clock when the entry was written and when it is sent (milliseconds since
            1970), the difference to our clock that it last learned and had corrected by, and
            whether a person chose the time themselves

A phone in a field may have a wrong clock. The time of an automatic entry is believed when it is
near one of the two readings of that clock; otherwise it is asked about, never changed in silence.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import orjson
from flask import Response, g, request, url_for
from flask_babel import gettext

from trace.errors import Conflict, TraceError
from trace.services.records import LOCAL_ZONE
from trace.web.problems import problem, translated

FOR: Final = "Trace-For"
CLOCK: Final = "Trace-Clock"
# Nobody notes a job to the minute; a clock that is further off than this is evidently wrong.
TOLERANCE: Final = timedelta(minutes=5)
# The year 2100 in milliseconds: no clock a phone can be set to is later.
LATEST: Final = 4_102_444_800_000
_PART: Final = re.compile(r"(written|sent|offset|typed)=(-?\d{1,15})")


class OtherSender(Conflict):
    code = "other-sender"
    message = "This entry belongs to another person or organisation than is signed in."
    next_step = "Sign in as the person who wrote it, for the same organisation."


class StaleToken(TraceError):
    code = "stale-token"
    message = "The page this came from is too old to be sent."
    next_step = "Ask for a fresh token and send the same again."


class PhoneClock(TraceError):
    code = "phone-clock"
    message = "The phone's clock was wrong when this was written: it says %(told)s."
    next_step = "Choose the right time."


@dataclass(frozen=True, slots=True)
class PhoneTime:
    """The phone's clock as an entry tells it, and ours at its arrival."""

    written: datetime
    sent: datetime
    offset: timedelta
    typed: bool
    now: datetime

    def estimates(self) -> list[datetime]:
        """When the entry was written by our clock, most trustworthy first: by the difference at
        sending, then by one that was known and shown at writing. None that is still to come."""
        found = [self.written + (self.now - self.sent)]
        if self.offset:
            found.append(self.written + self.offset)
        return [moment for moment in found if moment <= self.now + TOLERANCE]

    def check(self, told: datetime) -> None:
        """Raises PhoneClock when nobody chose the time and it is near neither reading."""
        if self.typed or any(abs(told - moment) <= TOLERANCE for moment in self.estimates()):
            return
        shown = told.astimezone(LOCAL_ZONE).strftime("%d/%m/%Y %H:%M")
        raise PhoneClock(path="when", told=shown)

    def suggested(self) -> str:
        """The likely time as a form's box takes it, "" when the clock tells nothing."""
        for moment in self.estimates()[:1]:
            local = min(moment, self.now).astimezone(LOCAL_ZONE)
            return local.replace(tzinfo=None, second=0, microsecond=0).isoformat(timespec="minutes")
        return ""


def parse_phone_time(text: str, now: datetime) -> PhoneTime | None:
    """The clock header; None where there is none or it says nothing that can be used."""
    parts = {name: int(value) for name, value in _PART.findall(text[:200])}
    written, sent_at = parts.get("written", -1), parts.get("sent", -1)
    offset = parts.get("offset", 0)
    if not (0 <= written <= LATEST and 0 <= sent_at <= LATEST and abs(offset) <= LATEST):
        return None
    return PhoneTime(
        datetime.fromtimestamp(written / 1000, UTC),
        datetime.fromtimestamp(sent_at / 1000, UTC),
        timedelta(milliseconds=offset),
        bool(parts.get("typed", 0)),
        now,
    )


def phone_time(now: datetime) -> PhoneTime | None:
    """The clock of the phone that sent this request."""
    return parse_phone_time(request.headers.get(CLOCK, ""), now)


def check_told_time(clean: Mapping[str, Any], now: datetime) -> None:
    """Raises PhoneClock for an automatic time of a phone whose clock was evidently wrong."""
    told, phone = clean.get("when"), phone_time(now)
    if phone is not None and isinstance(told, datetime):
        phone.check(told)


def reader() -> str:
    """`person.organisation` of whoever is signed in; "" for nobody."""
    person, actor = g.get("person"), g.get("actor")
    if person is None:
        return ""
    return f"{person.id}.{actor.organisation.id if actor else 0}"


def check_sender() -> None:
    """Raises OtherSender when the entry names somebody else than who is signed in."""
    wanted = request.headers.get(FOR, "")
    if wanted and wanted != reader():
        raise OtherSender


def sent(location: str, text: str = "", *, again: bool = False) -> Response:
    """The answer to an entry that is recorded; `again` when it was before."""
    body: dict[str, object] = {"state": "sent", "location": location, "text": text, "again": again}
    if location.startswith(url_for("approvals.index")):
        body["waits"] = "approval"
    return Response(orjson.dumps(body), content_type="application/json")


def sent_again(location: str) -> Response:
    """The first answer, given again."""
    return sent(location, gettext("Đã ghi từ lần gửi trước; không ghi thêm."), again=True)


def refused(errors: list[TraceError], status: int, more: Mapping[str, object]) -> Response:
    """The answer to a form that was not recorded: each error in the reader's language."""
    first = errors[0] if errors else Conflict()
    body = problem(first)
    body.update(
        {
            "status": status,
            "sentence": translated(first),
            "errors": [
                {"path": one.path, "code": one.code, "sentence": translated(one)} for one in errors
            ],
            **{name: value for name, value in more.items() if value},
        }
    )
    return Response(orjson.dumps(body), status=status, content_type="application/problem+json")
