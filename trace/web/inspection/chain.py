"""The chain, drawn: one code in, everything up and down of it out; and one event of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import quote

import orjson
from flask import Blueprint, current_app, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchAddress
from werkzeug.routing import RequestRedirect

from trace import clock
from trace.core.gs1 import format_code, parse_identity
from trace.errors import NotFound, Refused, TraceError
from trace.extensions import db
from trace.models import KeptAudit
from trace.schemas.audits import AuditSchema
from trace.schemas.base import load
from trace.schemas.chains import DEPTHS, ChainSchema
from trace.services import chain_audit
from trace.services.chain_audit import SEVERITIES, ChainAudit
from trace.services.chains import (
    PROBLEMS,
    Chain,
    Named,
    Narrowing,
    Subject,
    WindowReversed,
    is_problem,
    read_chain,
)
from trace.services.chains_events import open_told
from trace.services.chains_fold import late_by
from trace.services.chains_graph import Flow, Station
from trace.services.chains_picture import ALL, Box, Picture, picture
from trace.services.chains_search import Results, search_chains
from trace.services.deadlines import local_day
from trace.services.records import LOCAL_ZONE
from trace.services.sensors_inspected import has_readings
from trace.services.settings import current_settings
from trace.services.vocabulary import step_label
from trace.web.access import actor
from trace.web.forms import Form, showable
from trace.web.inspection import audit_words
from trace.web.inspection import chain_export as export
from trace.web.inspection import chain_words as words
from trace.web.inspection.area import area_words
from trace.web.inspection.audits import RuleLine, rule_lines
from trace.web.inspection.chain_drawing import Drawing, draw
from trace.web.words import organisation_kind

blueprint = Blueprint("chain", __name__, url_prefix="/inspection/chain")

FILTERS = ("since", "until", "step", "problems", "depth", "branch", "open")
# Events listed on the page; all of them are in what is taken away.
MOST_LISTED = 300
MOST_CHECKS = 5  # rules named in the line of checks; the audit's page has all
MOST_ROWS = 2**62  # a number no database counts to


class ChainForm(Form):
    """The search box and the filters: everything is in the address."""

    def __init__(self) -> None:
        super().__init__(ChainSchema())

    def value(self, name: str) -> str:
        return showable(request.args.get(name, ""))[:2000]


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """A search and its results; or, for one code, its chain."""
    form = ChainForm()
    found = Results()
    try:
        clean = load(ChainSchema(), {name: form.value(name) for name in ("of", *FILTERS)})
        wanted = _narrowing(clean)
        if "\0" in request.args.get("of", ""):
            raise NotFound(path="of")
        found = search_chains(actor(), clean["of"], wanted.since, wanted.until)
    except (Refused, WindowReversed) as error:
        form.refuse(error)
    else:
        if found.subject is not None:
            return _show(form, found.subject, wanted)
        if found.refusal is not None:
            found.refusal.path = "of"
            form.refuse(found.refusal)
    return form.page(
        "inspection/chain/index.html",
        found=found,
        asked=any(form.value(name) for name in ("of", "since", "until")),
        area=area_words(actor().organisation.jurisdiction),
        of=of_identity,
        kind_word=organisation_kind,
        thing_kind=words.thing_kind,
        about=type(found.about).__name__,
    )


def _narrowing(clean: Mapping[str, Any]) -> Narrowing:
    since, until = clean["since"], clean["until"]
    if since and until and until < since:
        raise WindowReversed(path="until")
    return Narrowing(
        step=clean["step"],
        since=_midnight(since),
        until=_midnight(until + timedelta(days=1)) if until else None,
        problems=bool(clean["problems"]),
        depth=int(clean["depth"] or 0),
        branch=clean["branch"],
        opened=frozenset(clean["open"].split()),
    )


def _midnight(day: date | None) -> datetime | None:
    return None if day is None else datetime.combine(day, time(), LOCAL_ZONE).astimezone(UTC)


def of_identity(identity: str) -> str:
    """A stored identity as the search box takes it."""
    try:
        found = parse_identity(identity, current_settings().id_base)
    except TraceError:
        found = None
    return identity if found is None else found.path.lstrip("/")


@dataclass(frozen=True, slots=True)
class _Page:
    """Addresses within one chain's page."""

    of: str
    told: dict[str, str]

    def address(self, **changes: str) -> str:
        kept = {name: one for name, one in {**self.told, **changes}.items() if one}
        values: dict[str, Any] = {"of": self.of, **kept}
        return url_for("chain.index", **values)

    def opening(self, box: Box) -> str:
        more = " ".join(dict.fromkeys([*self.told.get("open", "").split(), box.id]))
        return self.address(open=more)


def _show(form: ChainForm, subject: Subject, wanted: Narrowing) -> ResponseReturnValue:
    chain = read_chain(actor(), subject, wanted, at=clock.now())
    db.session.commit()  # a look outside is written down
    of = subject.identity.path.lstrip("/")
    page = _Page(of, {name: form.value(name) for name in FILTERS})
    name = "".join(c if c.isalnum() or c in "-." else "-" for c in of)[:80]
    asked = request.args.get("format", "")
    if asked == "json":
        return export.as_json(chain, name)
    if asked == "xlsx":
        return export.as_workbook(chain, name)
    if asked == "csv" and request.args.get("table", "stations") in export.TABLES:
        return export.as_csv(chain, request.args.get("table", "stations"), name)
    shown = picture(chain, wanted.opened)
    drawing = draw(chain, shown, lambda box: _box_address(chain, page, box))
    title = _title(chain)
    if asked == "svg":
        return export.file_of(drawing.file(title), f"{name}.svg", "image/svg+xml")
    return render_template(
        "inspection/chain/show.html",
        form=form,
        failed=False,
        title=title,
        public=f"/t{subject.identity.path}",
        **_facts(chain, shown, drawing, page, wanted),
    )


def _title(chain: Chain) -> str:
    if chain.subject.identity.kind == "note":
        return str(gettext("Phiếu giao %(code)s", code=_note_code(chain)))
    return words.thing_name(chain.chief)


def _note_code(chain: Chain) -> str:
    """The note's number as it is printed."""
    return format_code(chain.subject.identity.value)


def _box_address(chain: Chain, page: _Page, box: Box) -> str:
    if box.many:
        return page.opening(box)
    return _station_address(chain, box.lead)


def _station_address(chain: Chain, station: Station) -> str:
    """Its own chain; for what is asked about its words below; for a step its event."""
    thing = chain.things.get(station.thing or 0)
    if thing is None:
        return url_for("chain.event", event_id=station.events[0])
    if station.side == "here":
        return f"#s-{station.id}"
    return url_for("chain.index", of=of_identity(thing.identity))


def _facts(
    chain: Chain, shown: Picture, drawing: Drawing, page: _Page, wanted: Narrowing
) -> dict[str, object]:
    """What the template shows."""
    stations = chain.graph.stations
    into: dict[str, list[Flow]] = {}
    out: dict[str, list[Flow]] = {}
    for flow in chain.graph.flows.values():
        into.setdefault(flow.target, []).append(flow)
        out.setdefault(flow.source, []).append(flow)
    boxes = sorted(
        shown.boxes.values(),
        key=lambda box: (box.lead.distance, shown.layout.cells[box.id]),
    )
    told = sorted(
        {event for one in stations.values() for event in one.events},
        key=lambda event: (chain.events[event].at, event),
    )
    return {
        "chain": chain,
        "shown": shown,
        "drawing": drawing,
        "page": page,
        "wanted": wanted,
        "sides": [
            (side, heading, [box for box in boxes if box.lead.side == side])
            for side, heading in (
                ("up", gettext("Nguồn")),
                ("here", gettext("Đang xem")),
                ("down", gettext("Đích")),
            )
        ],
        "into": into,
        "out": out,
        "told": told[:MOST_LISTED],
        "untold": max(0, len(told) - MOST_LISTED),
        "words": words,
        "audit_words": audit_words,
        "address": lambda station: _station_address(chain, station),
        "public_page": _public_page,
        "steps": [(one, gettext(step_label(one))) for one in chain.steps],
        "step_label": step_label,
        "late_by": late_by,
        "depths": DEPTHS,
        "ALL": ALL,
        "amiss": sum(map(is_problem, stations.values()))
        + sum(bool(flow.problems & PROBLEMS) for flow in chain.graph.flows.values()),
        "area": area_words(actor().organisation.jurisdiction),
        "offers": _offers(page.of),
        "checks": _checks(chain),
    }


@dataclass(frozen=True, slots=True)
class _Checks:
    """The audit of this chain: the button, and what the last one kept says."""

    press: Form
    row: KeptAudit | None
    found: ChainAudit | None
    lines: list[RuleLine]
    days: int


def _checks(chain: Chain) -> _Checks | None:
    """None where nothing may be audited: out of reach."""
    if chain.reach is None:
        return None
    press = Form(AuditSchema(), {"of": of_identity(chain.chief.identity)})
    row = chain_audit.last_kept(actor(), chain.chief.id)
    if row is None:
        return _Checks(press, None, None, [], 0)
    found = ChainAudit.from_json(orjson.loads(row.result))
    lines = [one for one in rule_lines(found) if one.status == "found"]
    lines.sort(key=lambda one: SEVERITIES.index(one.findings[0].severity))
    days = (local_day(clock.now()) - local_day(row.made_at)).days
    return _Checks(press, row, found, lines[:MOST_CHECKS], days)


def _public_page(thing: Named) -> str:
    path = of_identity(thing.identity)
    return "" if path == thing.identity else f"/t/{path}"


def _offers(of: str) -> list[tuple[str, str, str]]:
    """What may be done from here: (address, words, icon); parts that are switched off are left
    out."""
    found = []
    for path, text, icon in (
        ("/inspection/inspections/new", gettext("Ghi kết quả kiểm tra"), "edit"),
        ("/inspection/recalls/new", gettext("Thu hồi…"), "warn"),
    ):
        if _exists(path):
            found.append((f"{path}?of={quote(of)}", text, icon))
    return found


def _exists(path: str) -> bool:
    try:
        current_app.url_map.bind("").match(path)
    except RequestRedirect:
        return True
    except (HTTPException, NoSuchAddress):
        return False
    return True


@blueprint.get("/events/<int:event_id>")
def event(event_id: int) -> ResponseReturnValue:
    """One event: who said what when, and whether its signature and its place in the log stand."""
    if event_id > MOST_ROWS:
        raise NotFound
    opened = open_told(actor(), event_id, at=clock.now())
    db.session.commit()
    return render_template(
        "inspection/chain/event.html",
        opened=opened,
        words=words,
        of=of_identity,
        step_label=step_label,
        late=late_by(opened.told),
        fault=_fault_words(opened.fault),
        members=_members(opened.document),
        has_readings=has_readings(opened),
    )


def _fault_words(fault: str) -> str:
    told: dict[str, str] = {
        "bad-signature": gettext("Dòng này không khớp chữ ký; chưa rõ lỗi do ai"),
        "not-in-log": gettext("Sổ công khai không giữ đúng lời khai này"),
        "key-not-valid-then": gettext("Khoá ký không có hiệu lực lúc ghi"),
    }
    return told.get(fault, fault)


# What the page tells in words of its own.
_TOLD = frozenset({"@context", "type", "eventTime", "eventTimeZoneOffset", "trace:members"})


def _members(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The other members as they were signed."""
    return [
        (name, value if isinstance(value, str) else orjson.dumps(value).decode())
        for name, value in document.items()
        if name not in _TOLD
    ]
