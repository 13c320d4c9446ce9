"""A chain to take away: stations, flows and events as a workbook, as CSV or as JSON."""

from __future__ import annotations

import io
from uuid import UUID

import orjson
from flask import Response
from flask_babel import gettext

from trace.services.chains import Chain
from trace.services.chains_document import chain_document, ordered, ordered_flows
from trace.services.chains_fold import late_by
from trace.services.chains_graph import Flow
from trace.services.chains_walk import KEPT_FROM
from trace.services.sheet_writing import Book
from trace.services.vocabulary import step_label
from trace.web.inspection import chain_words as words
from trace.web.lists import csv_response

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLES = ("stations", "flows", "events")
Table = tuple[str, list[str], list[list[object]]]  # name, headings, rows


def table(chain: Chain, name: str) -> Table:
    """One of TABLES; raises KeyError for another name."""
    return {"stations": _stations, "flows": _flows, "events": _events}[name](chain)


def _stations(chain: Chain) -> Table:
    head = [
        gettext("Số"), gettext("Phía"), gettext("Khoảng cách"), gettext("Hàng"), gettext("Mã"),
        gettext("Loại"), gettext("Đang ở"), gettext("Loại tổ chức"), gettext("Làm ra"),
        gettext("Đang có"), gettext("Gói có mã riêng"), gettext("Từ lúc"), gettext("Cảnh báo"),
        gettext("Cần xem"), gettext("Số sự kiện"), gettext("Ghi muộn"), gettext("Cách ký"),
        gettext("Ngoài phạm vi"),
    ]  # fmt: skip
    rows: list[list[object]] = []
    for one in ordered(chain):
        thing = chain.things.get(one.thing or 0)
        party = chain.parties.get(one.holder or 0)
        rows.append(
            [
                one.id,
                side_word(one.side),
                one.distance,
                words.product_name(thing) if thing else gettext(step_label(one.step)),
                thing.code if thing else "",
                words.thing_kind(thing.kind) if thing else "",
                words.holder_name(chain, one),
                party.kind if party else "",
                words.amounts(one.made),
                words.amounts(one.held),
                one.pieces or None,
                one.first,
                "; ".join(words.alerts(one.alerts)),
                "; ".join(words.problems(one.problems)),
                len(one.events),
                one.late or None,
                words.custody_counts(one.custody),
                gettext("có") if one.outside else "",
            ]
        )
    return gettext("Điểm"), head, rows


def _flows(chain: Chain) -> Table:
    head = [
        gettext("Từ"), gettext("Đến"), gettext("Hàng"), gettext("Bên giao"), gettext("Bên nhận"),
        gettext("Việc"), gettext("Lượng"), gettext("Đơn vị"), gettext("Lượng nhận"),
        gettext("Từ lúc"), gettext("Đến lúc"), gettext("Số thùng"), gettext("Cần xem"),
    ]  # fmt: skip
    rows: list[list[object]] = []
    for flow in ordered_flows(chain):
        source, target = chain.graph.stations[flow.source], chain.graph.stations[flow.target]
        thing = chain.things.get(target.thing or source.thing or 0)
        amiss = words.problems(flow.problems)
        if not flow.stands:
            amiss.append(gettext("đã khai là sai"))
        rows.extend(
            [
                flow.source,
                flow.target,
                words.thing_name(thing),
                words.holder_name(chain, source),
                words.holder_name(chain, target),
                words.flow_words(flow),
                *_flow_cells(flow, unit),
                flow.first,
                flow.last,
                len(flow.containers) or None,
                "; ".join(amiss),
            ]
            for unit in sorted({*flow.sent, *flow.got}) or [""]
        )
    return gettext("Đường đi"), head, rows


def _flow_cells(flow: Flow, unit: str) -> tuple[object, ...]:
    if unit == KEPT_FROM:
        return None, words.outside_words(), None
    return flow.sent.get(unit), unit, flow.got.get(unit)


def _events(chain: Chain) -> Table:
    head = [
        gettext("Điểm"), gettext("Việc"), gettext("Lúc"), gettext("Ghi lúc"),
        gettext("Muộn (ngày)"), gettext("Ai ghi"), gettext("Cách ký"), gettext("Số trong sổ"),
        gettext("Mã lời khai"), gettext("Hàng nêu tên"),
    ]  # fmt: skip
    rows: list[list[object]] = []
    for station in ordered(chain):
        for event in station.events:
            told = chain.events[event]
            named = [chain.things[use.thing] for use in told.uses if use.thing in chain.things]
            rows.append(
                [
                    station.id,
                    gettext(step_label(told.step)),
                    told.at,
                    told.recorded,
                    late_by(told),
                    _issuer(chain, event),
                    words.custody(told.custody),
                    told.index,
                    f"urn:uuid:{UUID(bytes=told.statement)}",
                    "; ".join(thing.code for thing in named),
                ]
            )
    return gettext("Sự kiện"), head, rows


def _issuer(chain: Chain, event: int) -> str:
    party = chain.parties.get(chain.events[event].issuer)
    name = party.name if party else ""
    return f"{name} ({words.unaccredited()})" if event in chain.unaccredited else name


def side_word(side: str) -> str:
    """Which side of the question."""
    told: dict[str, str] = {
        "up": gettext("nguồn"),
        "here": gettext("đang xem"),
        "down": gettext("đích"),
    }
    return told.get(side, side)


def as_csv(chain: Chain, which: str, name: str) -> Response:
    """One table."""
    _, head, rows = table(chain, which)
    return csv_response(f"{name}-{which}", head, rows)


def as_workbook(chain: Chain, name: str) -> Response:
    """All tables, a sheet each."""
    out = io.BytesIO()
    book = Book(out)
    for which in TABLES:
        title, head, rows = table(chain, which)
        book.rows(book.sheet(title, head, 18), rows)
    book.close()
    return file_of(out.getvalue(), f"{name}.xlsx", XLSX)


def as_json(chain: Chain, name: str) -> Response:
    """Everything a program wants of it; amounts as text, so that none is rounded."""
    body = orjson.dumps(chain_document(chain), option=orjson.OPT_INDENT_2)
    return file_of(body, f"{name}.json", "application/json")


def file_of(body: bytes | str, name: str, kind: str) -> Response:
    """A file to keep."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(body, content_type=kind, headers=headers)
