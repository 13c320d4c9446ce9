"""The board of an authority's area: figures and their trend, the map, what waits, what is due."""

from __future__ import annotations

from typing import Any, Final

from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.core.charts.columns import columns, radii
from trace.core.charts.projection import Frame
from trace.errors import NotFound
from trace.models.figures import MEASURES
from trace.services import dashboards, directives
from trace.services.dashboards import Period, Spot, Trend
from trace.services.deadlines import local_day
from trace.services.jurisdictions import Scope, scope_of
from trace.services.outline import outline
from trace.services.report_words import figure_name, measure_name, part_name
from trace.services.wards import ward_name
from trace.web import words
from trace.web.access import actor
from trace.web.inspection.area import area_words
from trace.web.inspection.menu import menu
from trace.web.lists import csv_response

blueprint = Blueprint("board", __name__, url_prefix="/inspection/board")

MAP_WIDTH: Final = 320
MAP_HEIGHT: Final = 360
DUE: Final = 5  # directives on the board
EMPTY: Final = 12  # wards named at once
# Where the other parts of the desk list what they count.
LISTS: Final = {
    "recalls": "recalls.index",
    "findings": "findings.index",
    "reports": "citizen_reports.index",
}


@blueprint.get("/")
def show() -> ResponseReturnValue:
    """Everything on one page; each figure leads to what it is made of."""
    scope = scope_of(actor())
    now = clock.now()
    period = _period()
    found = dashboards.trends(scope, period)
    return render_template(
        "inspection/board/show.html",
        area=area_words(" ".join(scope.areas)),
        period=period,
        spans=dashboards.SPANS,
        figures=[(name, measure_name(name), found[name], _chart(found[name])) for name in MEASURES],
        parts=[(name, *part_words(name, scope, period)) for name in dashboards.PARTS],
        coverage=dashboards.coverage(scope, period),
        kind_name=words.organisation_kind,
        empty_shown=EMPTY,
        picture=_map(scope, dashboards.spots(scope, period)),
        waiting=[one for _, items in menu(counted=True) for one in items if one.waiting],
        due=directives.due_first(actor(), limit=DUE),
        today=local_day(now),
        counted=dashboards.counted_until(),
    )


@blueprint.get("/figures/<measure>")
def behind(measure: str) -> ResponseReturnValue:
    """Whose records a figure is made of, and where they sit."""
    if measure not in MEASURES or measure == "scans":
        raise NotFound
    scope, period = scope_of(actor()), _period()
    asked = request.args.get("page", "1")
    page = int(asked) if asked.isdecimal() and 0 < int(asked[:6]) < 10_000 else 1
    rows, total = dashboards.organisations_behind(scope, measure, period, page=page)
    if request.args.get("format") == "csv":
        head = [gettext("Mã tổ chức"), gettext("Tổ chức"), gettext("Xã, phường")]
        lines = [
            [row.organisation.code, row.organisation.name, _ward(row.organisation), row.count]
            for row in rows
        ]
        return csv_response(measure, [*head, measure_name(measure)], lines)
    return render_template(
        "inspection/board/behind.html",
        measure=measure,
        words=measure_name(measure),
        period=period,
        rows=rows,
        total=total,
        page=page,
        pages=max(1, -(-total // dashboards.PAGE)),
    )


@blueprint.get("/coverage")
def coverage() -> ResponseReturnValue:
    """Organisations by kind and state, and every ward with nobody who records."""
    scope, period = scope_of(actor()), _period()
    found = dashboards.coverage(scope, period)
    if request.args.get("format") == "csv":
        head = [gettext("Mã xã, phường"), gettext("Xã, phường chưa có tổ chức ghi hồ sơ")]
        return csv_response("wards", head, [[w.code, w.full_name] for w in found.empty])
    return render_template(
        "inspection/board/coverage.html",
        coverage=found,
        kind_name=words.organisation_kind,
        period=period,
    )


@blueprint.get("/map")
def places() -> ResponseReturnValue:
    """The map's figures as a list, the most scanned first."""
    scope, period = scope_of(actor()), _period()
    found = sorted(dashboards.spots(scope, period), key=lambda s: (-s.scans, -s.events, s.code))
    told = [one for one in found if one.scans or one.events]
    if request.args.get("format") == "csv":
        head = [gettext("Mã"), gettext("Nơi"), measure_name("scans"), measure_name("events")]
        return csv_response("places", head, [[o.code, o.name, o.scans, o.events] for o in found])
    return render_template("inspection/board/places.html", rows=told, all=len(found), period=period)


def _ward(organisation: Any) -> str:
    return ward_name(organisation.ward_code) if organisation.ward_code else ""


def _period() -> Period:
    asked = request.args.get("days", "")
    days = int(asked) if asked in map(str, dashboards.SPANS) else dashboards.SPANS[1]
    return dashboards.last_days(days, at=clock.now())


def part_words(name: str, scope: Scope, period: Period) -> tuple[str, list[tuple[str, Any]], str]:
    """(title, [(words, figure)], address of the list) of another part of the desk."""
    found = dashboards.numbers(dashboards.part(name, scope, period))
    told = [(figure_name(one), value) for one, value in found.items() if figure_name(one)]
    there = LISTS[name] in current_app.view_functions
    return part_name(name), told, url_for(LISTS[name]) if there else ""


def _chart(trend: Trend) -> Any:
    return columns(trend.days)


def _map(scope: Scope, spots: list[Spot]) -> dict[str, Any] | None:
    """What the template draws: the country for the nation, the wards' own frame otherwise."""
    told = [spot for spot in spots if spot.scans or spot.events]
    if not spots:
        return None
    rings, islands = outline()
    points = [(spot.lon, spot.lat) for spot in spots]
    if scope.everywhere:
        points = [point for _, point in (*rings, *islands)]
    frame = Frame.around(points, (MAP_WIDTH, MAP_HEIGHT))
    sizes = radii([spot.scans for spot in told])
    km, bar = frame.bar()
    return {
        "width": MAP_WIDTH,
        "height": MAP_HEIGHT,
        "outline": " ".join(f"{x:g},{y:g}" for x, y in (frame(point) for _, point in rings))
        if scope.everywhere
        else "",
        "places": [frame((spot.lon, spot.lat)) for spot in spots],
        "recorded": [frame((spot.lon, spot.lat)) for spot in told if spot.events],
        "dots": [
            (*frame((spot.lon, spot.lat)), size, spot)
            for spot, size in zip(told, sizes, strict=True)
        ],
        "top": sorted(told, key=lambda spot: (-spot.scans, -spot.events))[:5],
        "km": km,
        "bar": bar,
    }
