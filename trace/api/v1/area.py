"""An authority's area (scope `inspect`): who works there, what citizens report, what was asked of
whom in writing, the figures and the reports of periods, what authorities lent one another."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import joinedload

from trace import clock
from trace.api.v1.door import Answer, operation
from trace.api.v1.nouns import Rows, listing
from trace.api.v1.recording import CODE, organisation_of
from trace.models import (
    AuthorityReport,
    Delegation,
    Directive,
    DirectiveUnit,
    Organisation,
)
from trace.models.directives import STATES
from trace.schemas.api import office as out
from trace.services import authorities, dashboards, directives, scheduled_reports
from trace.services.actors import Actor
from trace.services.citizen_reports import desk
from trace.services.figures import day_of
from trace.services.jurisdictions import scope_of

AT: Final = "2026-11-20T00:30:00Z"
WHO: Final = {"code": CODE, "name": "HTX Rau Đan Phượng"}
OFFICE: Final = {"code": "5N0W8C3RKJ", "name": "Chi cục Demo"}

# -- who works there -------------------------------------------------------------------------------

WATCHED: Final = {**WHO, "kind": "co-operative", "status": "confirmed", "ward_code": "09784"}


def _organisations(actor: Actor, kind: str | None) -> Select[Any]:
    inside = scope_of(actor).organisations()
    query = select(Organisation).where(inside, Organisation.kind != "platform")
    return query if kind is None else query.where(Organisation.kind == kind)


listing(
    "list_area_organisations",
    "/desk/organisations",
    out.WatchedOut(),
    Rows(_organisations, Organisation.id, newest=False),
    tag="desk",
    summary="The organisations of the authority's area, oldest first",
    scope="inspect",
    query={"kind": {"type": "string", "maxLength": 20, "description": "Only of this kind."}},
    answer=WATCHED,
)


@operation(
    "GET",
    "/desk/authorities",
    tag="desk",
    summary="Authorities whose whole area lies in this one's, by name",
    scope="inspect",
    out=out.OfficesOut(),
    answer={"items": [{**WATCHED, **OFFICE, "kind": "authority"}]},
)
def list_authorities(actor: Actor) -> dict[str, Any]:
    scope_of(actor)
    return {"items": authorities.authorities_below(actor)}


def _lent(row: Delegation) -> dict[str, Any]:
    names = ("id", "act", "reason", "since", "until", "ended_at")
    return {
        **{name: getattr(row, name) for name in names},
        **{side: organisation_of(getattr(row, side)) for side in ("giver", "taker")},
        "areas": row.areas.split(),
        "sectors": row.sectors.split(),
    }


def _delegations(actor: Actor) -> Select[Any]:
    actor.check("read")
    mine = actor.organisation.id
    sides = joinedload(Delegation.giver), joinedload(Delegation.taker)
    either = or_(Delegation.giver_id == mine, Delegation.taker_id == mine)
    return select(Delegation).where(either).options(*sides)


listing(
    "list_delegations",
    "/desk/delegations",
    out.LentOut(),
    Rows(_delegations, Delegation.id, _lent),
    tag="desk",
    summary="What the authority lent and was lent, newest first",
    scope="inspect",
    answer={
        "id": 2,
        "giver": OFFICE,
        "taker": OFFICE,
        "act": "inspect",
        "areas": ["01"],
        "sectors": [],
        "reason": "tăng cường dịp Tết",
        "since": AT,
        "until": "2026-12-20T00:30:00Z",
        "ended_at": None,
    },
)

# -- citizens' reports -----------------------------------------------------------------------------


def _report(row: desk.Row) -> dict[str, Any]:
    one = row.report
    names = ("id", "problem", "state", "outcome", "urgent", "words", "received_at", "look_by")
    return {
        **{name: getattr(one, name) for name in (*names, "answer_by", "answered_at", "closed_at")},
        **{name: getattr(row, name) for name in ("late", "same", "points")},
        "thing": one.lot_id,
        "maker": organisation_of(one.maker),
        "authority": organisation_of(one.authority),
    }


@operation(
    "GET",
    "/desk/reports",
    tag="desk",
    summary="Citizens' reports at the desk, what looks worst first",
    scope="inspect",
    out=out.CitizenReportsOut(),
    query={
        "view": {
            "type": "string",
            "enum": ["open", "held", "closed"],
            "default": "open",
            "description": "Which; at most 500.",
        }
    },
    answer={
        "items": [
            {
                "id": 5,
                "problem": "spoiled",
                "state": "received",
                "outcome": "",
                "urgent": False,
                "late": False,
                "same": 1,
                "points": 0,
                "thing": 12,
                "maker": WHO,
                "authority": OFFICE,
                "words": "Rau có mùi lạ.",
                "received_at": AT,
                "look_by": "2026-11-23T00:30:00Z",
                "answer_by": "2026-12-05T00:30:00Z",
                "answered_at": None,
                "closed_at": None,
            }
        ]
    },
)
def list_citizen_reports(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    rows = desk.list_reports(actor, asked["view"], at=clock.now())
    return {"items": [_report(row) for row in rows]}


# -- directives ------------------------------------------------------------------------------------

SENT: Final = {
    "id": 9,
    "number": "12/CĐ-DEMO",
    "title": "Rà soát sổ nhật ký",
    "due_on": "2026-12-01",
    "state": "open",
    "units": 31,
    "answered": 12,
    "owed": 19,
    "accepted": 10,
}


def _sent(one: directives.Sent) -> dict[str, Any]:
    row = one.directive
    names = ("id", "number", "title", "due_on", "state")
    return {
        **{name: getattr(row, name) for name in names},
        "units": row.units_count,
        "answered": one.answered,
        "owed": one.owed,
        "accepted": one.judged,
    }


def _directives(actor: Actor, state: str | None) -> Select[Any]:
    scope_of(actor)
    query = select(Directive).where(Directive.authority_id == actor.organisation.id)
    return query if state is None else query.where(Directive.state == state)


listing(
    "list_sent_directives",
    "/desk/directives",
    out.SentOut(),
    Rows(_directives, Directive.id, many=lambda rows: map(_sent, directives.counted(rows))),
    tag="desk",
    summary="Directives the authority sent, newest first",
    scope="inspect",
    query={"state": {"type": "string", "enum": list(STATES), "description": "Only these."}},
    answer=SENT,
)


@operation(
    "GET",
    "/desk/directives/<int:directive_id>",
    tag="desk",
    summary="One directive, and how many answered",
    scope="inspect",
    out=out.SentOut(),
    answer=SENT,
)
def show_sent_directive(actor: Actor, directive_id: int) -> dict[str, Any]:
    return _sent(directives.get_sent(actor, directive_id))


def _unit(row: DirectiveUnit) -> dict[str, Any]:
    names = ("id", "state", "answer", "answered_at", "remark")
    told = {name: getattr(row, name) for name in names}
    return {**told, "organisation": organisation_of(row.organisation)}


def _units(actor: Actor, directive_id: int) -> Select[Any]:
    sent = directives.get_sent(actor, directive_id)
    query = select(DirectiveUnit).where(DirectiveUnit.directive_id == sent.directive.id)
    return query.options(joinedload(DirectiveUnit.organisation))


listing(
    "list_directive_units",
    "/desk/directives/<int:directive_id>/units",
    out.UnitOut(),
    Rows(_units, DirectiveUnit.id, _unit, newest=False),
    tag="desk",
    summary="Whom a directive asks, and what each answered",
    scope="inspect",
    answer={
        "id": 3,
        "organisation": WHO,
        "state": "answered",
        "answer": "Đã rà soát, không có sai lệch.",
        "answered_at": AT,
        "remark": "",
    },
)

# -- figures ---------------------------------------------------------------------------------------


DAYS: Final[dict[str, dict[str, Any]]] = {
    "days": {
        "type": "string",
        "enum": [str(one) for one in dashboards.SPANS],
        "default": str(dashboards.SPANS[1]),
        "description": "How many days.",
    }
}


def _last(asked: dict[str, Any]) -> dashboards.Period:
    return dashboards.last_days(int(asked["days"]), at=clock.now())


@operation(
    "GET",
    "/desk/figures",
    tag="desk",
    summary="The board's figures of the last days, and of as many days before",
    scope="inspect",
    out=out.FiguresOut(),
    query=DAYS,
    answer={"items": [{"measure": "events", "now": 42, "before": 40, "days": [1, 2, 3]}]},
)
def list_figures(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    scope = scope_of(actor)
    return {
        "items": [
            {"measure": name, "now": one.now, "before": one.before, "days": list(one.days)}
            for name, one in dashboards.trends(scope, _last(asked)).items()
        ]
    }


@operation(
    "GET",
    "/desk/coverage",
    tag="desk",
    summary="Organisations of the area by kind and status, and wards with nobody who records",
    scope="inspect",
    out=out.CoverageOut(),
    query=DAYS,
    answer={
        "kinds": {"producer": {"confirmed": 12}},
        "wards": 126,
        "active": 9,
        "empty": [{"code": "09784", "name": "Xã Demo"}],
    },
)
def show_coverage(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = dashboards.coverage(scope_of(actor), _last(asked))
    return {
        "kinds": {kind: dict(states) for kind, states in found.kinds.items()},
        "wards": found.wards,
        "active": found.active,
        "empty": [{"code": ward.code, "name": ward.full_name} for ward in found.empty],
    }


@operation(
    "GET",
    "/desk/spots",
    tag="desk",
    summary="Places of the area with scans or events, the most scanned first",
    scope="inspect",
    out=out.SpotsOut(),
    query=DAYS,
    answer={
        "items": [
            {
                "code": "09784",
                "name": "Xã Demo",
                "longitude": 105.67,
                "latitude": 21.12,
                "scans": 40,
                "events": 12,
            }
        ]
    },
)
def list_spots(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    found = dashboards.spots(scope_of(actor), _last(asked))
    told = sorted(found, key=lambda one: (-one.scans, -one.events, one.code))
    names = ("code", "name", "scans", "events")
    return {
        "items": [
            {
                **{name: getattr(one, name) for name in names},
                "longitude": one.lon,
                "latitude": one.lat,
            }
            for one in told
            if one.scans or one.events
        ]
    }


REPORT: Final = {
    "id": 4,
    "period": "month",
    "first_day": "2026-10-01",
    "last_day": "2026-10-31",
    "made_at": AT,
}


def _period(row: AuthorityReport) -> dict[str, Any]:
    told = {name: getattr(row, name) for name in ("id", "period", "made_at")}
    return {**told, "first_day": day_of(row.first_day), "last_day": day_of(row.last_day)}


def _periods(actor: Actor) -> Select[Any]:
    scope_of(actor)
    return select(AuthorityReport).where(AuthorityReport.authority_id == actor.organisation.id)


listing(
    "list_period_reports",
    "/desk/statistics",
    out.PeriodReportOut(),
    Rows(_periods, AuthorityReport.id, _period),
    tag="desk",
    summary="The authority's reports of periods, those made last first",
    scope="inspect",
    answer=REPORT,
)


@operation(
    "POST",
    "/desk/statistics",
    tag="desk",
    summary="Make the report of the last whole week, month or quarter now",
    scope="inspect",
    body=out.PERIOD,
    out=out.AskedOut(),
    status=202,
    example={"period": "month"},
    answer={"period": "month"},
)
def ask_period_report(actor: Actor, clean: dict[str, Any]) -> Answer:
    scheduled_reports.ask_now(actor, clean["period"], at=clock.now())
    return Answer({"period": clean["period"]})


@operation(
    "GET",
    "/desk/statistics/<int:report_id>",
    tag="desk",
    summary="One report with its figures as they stood when it was made",
    scope="inspect",
    out=out.PeriodReportDetailOut(),
    answer={**REPORT, "figures": {"events": 420}},
)
def show_period_report(actor: Actor, report_id: int) -> dict[str, Any]:
    row = scheduled_reports.get_report(actor, report_id)
    return {**_period(row), "figures": scheduled_reports.figures_of(row)}
