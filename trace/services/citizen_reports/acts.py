"""What a desk does with a report (rules 4 to 6). Whoever does it is named; each act is audited."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from flask_babel import force_locale, gettext
from sqlalchemy import select

from trace.errors import Conflict, TraceError
from trace.extensions import db
from trace.models import Organisation, Report, ReportPhoto
from trace.services.actors import Actor
from trace.services.audit import write_audit
from trace.services.citizen_reports import cases
from trace.services.citizen_reports.desk import has_it, may_take_over
from trace.services.citizen_reports.intake import ReportClosed, maker_page, step, tell_desk, what
from trace.services.citizen_reports.reading import (
    contact_of,
    main_of,
    merged_into,
    steps_of,
    subject_of,
)
from trace.services.citizen_reports.routing import deadlines_for
from trace.services.jurisdictions import scope_of
from trace.services.notifications import notify
from trace.services.senders import Channel, post
from trace.services.settings import current_settings
from trace.services.versions import check_version

MESSAGE_LIFE: Final = timedelta(days=3)


class NotWithThisDesk(Conflict):
    code = "report-elsewhere"
    message = "This report is with another authority; only the one that has it acts on it."
    next_step = "A wider authority may take it over, with the reason."


class CannotForward(TraceError):
    code = "report-not-forwarded"
    message = (
        "A report goes to another confirmed authority. “%(text)s” is not one, or has it already."
    )


class CannotMerge(TraceError):
    code = "reports-not-merged"
    message = "Only two open reports with your own desk, neither part of another, can be merged."


class NothingToPass(TraceError):
    code = "report-no-maker"
    message = "This report names no goods whose maker is known."


class AnswerFirst(TraceError):
    code = "report-not-answered"
    message = "Answer the report before you close it."


def _open(actor: Actor, report: Report, act: str, version: int | None = None) -> None:
    scope_of(actor)
    actor.check(act)
    if not has_it(actor, report):
        raise NotWithThisDesk
    if report.closed_at is not None or report.merged_into_id is not None:
        raise ReportClosed
    if version is not None:
        check_version(report, version)


def take(actor: Actor, report: Report, *, at: datetime) -> None:
    """Somebody of the desk looks into it; the reporter sees which authority."""
    _open(actor, report, "inspect")
    report.person_id = actor.person.id if actor.person else None
    report.held = False
    if report.looked_at is None or report.state == "received":
        report.looked_at, report.state = report.looked_at or at, "looking"
        _tell_all(actor, report, "looking", at=at)
    write_audit(actor, "report.take", subject_of(report), at=at)


def ask(actor: Actor, report: Report, text: str, *, version: int, at: datetime) -> None:
    """A question on the reporter's page, and a message where the reporter lets us."""
    _open(actor, report, "inspect", version)
    report.state, report.looked_at = "asked", report.looked_at or at
    step(report, "asked", at=at, seen="reporter", text=text, actor=actor)
    write_audit(actor, "report.ask", subject_of(report), at=at)
    _message(report, "asked", at=at)


def pass_on(
    actor: Actor, report: Report, text: str, photos: Collection[int], *, version: int, at: datetime
) -> None:
    """Tells the maker, in the desk's own words, with the photos it chose. Raises NothingToPass."""
    _open(actor, report, "inspect", version)
    if report.maker is None:
        raise NothingToPass
    chosen = select(ReportPhoto).where(
        ReportPhoto.report_id == report.id, ReportPhoto.number.in_(list(photos))
    )
    for photo in db.session.scalars(chosen):
        photo.shared = True
    report.passed_at = at
    report.looked_at = report.looked_at or at
    report.state = "looking" if report.state == "received" else report.state
    step(report, "passed", at=at, seen="maker", text=text, actor=actor)
    write_audit(actor, "report.pass", subject_of(report), at=at, photos=sorted(photos))
    told = {"by": actor.organisation.name, "what": what(report)}
    notify(report.maker, "report-passed", told, at=at, address=maker_page(report))


def forward(
    actor: Actor, report: Report, to: Organisation | None, reason: str, *, typed: str, at: datetime
) -> None:
    """To another authority, or taken over by a wider one; the reporter reads to whom and why.
    Raises CannotForward."""
    scope_of(actor)
    actor.check("decide")
    takes_over = to is not None and to.id == actor.organisation.id and may_take_over(actor, report)
    if not takes_over:
        _open(actor, report, "decide")
    if (
        to is None
        or to.kind != "authority"
        or to.status != "confirmed"
        or to.closed_at is not None
        or to.id == report.authority_id
    ):
        raise CannotForward(path="to", text=typed[:60])
    move(report, to, "forwarded", reason, at=at, actor=actor)
    write_audit(actor, "report.forward", subject_of(report), at=at, to=to.code)


def move(
    report: Report,
    to: Organisation,
    kind: str,
    text: str,
    *,
    at: datetime,
    actor: Actor | None = None,
) -> None:
    """The report and those merged into it are with another authority from now on, with days of its
    own."""
    for one in (report, *merged_into(report)):
        one.authority_id, one.authority = to.id, to
        one.person_id, one.looked_at, one.state = None, None, "received"
        one.look_by, one.answer_by = deadlines_for(to, one.problem, at=at)
        step(one, kind, at=at, seen="reporter", by=to, actor=actor, text=text)
    tell_desk(report, at=at, maker=False)


def merge(actor: Actor, report: Report, into_id: int, *, at: datetime) -> Report:
    """Looked into together with an earlier one from now on. Raises CannotMerge."""
    _open(actor, report, "inspect")
    into = db.session.get(Report, into_id)
    if (
        into is None
        or into.id == report.id
        or into.authority_id != report.authority_id
        or into.closed_at is not None
        or into.merged_into_id is not None
    ):
        raise CannotMerge(path="into")
    for one in (report, *merged_into(report)):
        one.merged_into_id = into.id
        one.held = False
        step(one, "merged", at=at, seen="reporter", reference=subject_of(into), actor=actor)
    into.urgent = into.urgent or report.urgent
    into.answer_by = min(into.answer_by, report.answer_by)
    write_audit(actor, "report.merge", subject_of(report), at=at, into=subject_of(into))
    return into


def split(actor: Actor, report: Report, *, at: datetime) -> None:
    """Looked into by itself again."""
    main = main_of(report)
    if main.id == report.id:
        raise CannotMerge
    _open(actor, main, "inspect")
    report.merged_into_id = None
    step(report, "split", at=at, seen="reporter", actor=actor)
    write_audit(actor, "report.split", subject_of(report), at=at)


def admit(actor: Actor, report: Report, *, at: datetime) -> None:
    """One that was held apart is a report like others from now on."""
    _open(actor, report, "inspect")
    if not report.held:
        return
    report.held = False
    step(report, "admitted", at=at, actor=actor)
    write_audit(actor, "report.admit", subject_of(report), at=at)
    tell_desk(report, at=at)


def answer(
    actor: Actor,
    report: Report,
    text: str,
    outcome: str,
    *,
    ends: bool,
    version: int,
    at: datetime,
) -> None:
    """What the reporters read, of all that were merged; `ends` closes them as well. Otherwise they
    are closed after QUIET_DAYS (services.citizen_reports.days)."""
    _open(actor, report, "decide", version)
    for one in (report, *merged_into(report)):
        one.state, one.outcome, one.held = "answered", outcome, False
        one.looked_at = one.looked_at or at
        one.answered_at = one.answered_at or at
        step(one, "answered", at=at, seen="reporter", text=text, actor=actor)
        _message(one, "answered", at=at)
        if ends:
            _close(actor, one, at=at)
    write_audit(actor, "report.answer", subject_of(report), at=at, outcome=outcome)


def end_burst(actor: Actor, report: Report, *, at: datetime) -> None:
    """Closes one of a burst that holds nothing to look into; its reporter reads why."""
    with force_locale(report.locale):
        text = gettext(
            "Phản ánh này đến trong một loạt gửi dồn dập từ một mạng và không có nội dung để xem. "
            "Nếu có việc thật, hãy gửi lại và kể rõ."
        )
    answer(actor, report, text, "repeated", ends=True, version=report.version, at=at)


def close(actor: Actor, report: Report, *, version: int, at: datetime) -> None:
    """Ends an answered report and those merged into it. Raises AnswerFirst."""
    _open(actor, report, "decide", version)
    if report.answered_at is None:
        raise AnswerFirst
    for one in (report, *merged_into(report)):
        _close(actor, one, at=at)
    write_audit(actor, "report.close", subject_of(report), at=at, outcome=report.outcome)


def _close(actor: Actor, report: Report, *, at: datetime) -> None:
    report.state, report.closed_at = "closed", at
    step(report, "closed", at=at, seen="reporter", actor=actor)


def link(actor: Actor, report: Report, typed: str, *, at: datetime) -> None:
    """Says which inspection, finding or recall came of it, by its code; the desk's own note.
    Raises UnknownCase."""
    _open(actor, report, "inspect")
    reference = cases.find_case(actor, typed)
    known = {one.reference for one in steps_of(report, "desk")}
    if reference not in known:
        step(report, "linked", at=at, actor=actor, reference=reference)
        write_audit(actor, "report.link", subject_of(report), at=at, to=reference)


def _tell_all(actor: Actor, report: Report, kind: str, *, at: datetime) -> None:
    for one in (report, *merged_into(report)):
        step(one, kind, at=at, seen="reporter", actor=actor)
        if one is not report:
            one.looked_at = one.looked_at or at
            one.state = "looking" if one.state == "received" else one.state


# -- what leaves -----------------------------------------------------------------------------------


def _message(report: Report, kind: str, *, at: datetime) -> None:
    """Tells the reporter that there is something to read, for what they ticked only."""
    contact = contact_of(report)
    if not (contact.tell if kind == "answered" else contact.ask):
        return
    with force_locale(report.locale):
        subject = gettext("Phản ánh của bạn về hàng hoá")
        said = (
            gettext("Phản ánh của bạn đã có trả lời.")
            if kind == "answered"
            else gettext("Cơ quan hỏi thêm bạn một câu về phản ánh.")
        )
        address = f"{current_settings().public_url}/report/state/{contact.code}"
        text = f"{said} {gettext('Xem ở:')} {address}"
    channel: Channel = "email" if "@" in contact.contact else "sms"
    post(channel, contact.contact, subject, text, at=at, until=at + MESSAGE_LIFE)
