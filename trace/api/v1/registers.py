"""What an organisation keeps for itself: private books and stock, catalogues, weighed units;
labels of crates ahead of packing and the numbers they are made of; what a printed code means."""

from __future__ import annotations

from typing import Any, Final

import orjson
from flask import Response, request
from sqlalchemy import Select, select

from trace import clock
from trace.api.v1.door import Answer, NotJsonType, operation
from trace.api.v1.files import JOB, JobOut, job_out
from trace.api.v1.nouns import Rows, listing
from trace.api.v1.recording import CODE
from trace.core.gs1 import sscc
from trace.errors import NotFound, Refused
from trace.models import BookLine, CatalogueItem, Handover
from trace.models.books import BOOKS
from trace.schemas.api import registers as out
from trace.schemas.base import NumberTooLarge
from trace.schemas.labels import sheet_from
from trace.services import books, choices, crates, weights
from trace.services.actors import Actor
from trace.services.acts import crating
from trace.services.answers import make_link
from trace.services.batches import address_of, short_name
from trace.services.catalogue import COLUMNS, catalogue, import_catalogue, read_catalogue
from trace.services.codes import find_printed, find_things
from trace.services.handovers import get_handover
from trace.services.labels import prints_of
from trace.services.note_labels import draw_note, link_address
from trace.services.prefixes import claim_of
from trace.services.products import get_product
from trace.services.records import LOCAL_ZONE
from trace.services.refusals import FieldMissing

AT: Final = "2026-11-20T00:30:00Z"

# -- private books ---------------------------------------------------------------------------------

LINE: Final = {
    "id": 4,
    "book": "purchase",
    "day": "2026-11-20",
    "item": "Thuốc Demo 1.8EC",
    "kind": "pesticide",
    "quantity": 2,
    "unit": "lít",
    "expiry": None,
    "place": None,
    "content": {"seller": "Đại lý Demo"},
    "created_at": AT,
    "struck_at": None,
}
EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "purchase": {
        "kind": "pesticide",
        "item": "Thuốc Demo 1.8EC",
        "quantity": 2,
        "unit": "lít",
        "seller": "Đại lý Demo",
    },
    "count": {"item": "Thuốc Demo 1.8EC", "quantity": 1.5, "unit": "lít"},
    "land": {"work": "bón vôi", "place": 7},
    "compost": {"item": "phân gà", "quantity": 200, "unit": "kg", "days": 60},
    "equipment": {"item": "bình phun", "work": "hiệu chỉnh vòi"},
    "waste": {"item": "vỏ thuốc", "quantity": 3, "unit": "kg", "treatment": "giao thu gom"},
    "assessment": {"item": "thiếu biển cảnh báo", "fix": "đã treo biển"},
}


def _line(row: BookLine) -> dict[str, Any]:
    names = [name for name in out.BookLineOut().fields if name not in ("content", "place")]
    told = {name: getattr(row, name) for name in names}
    return {**told, "place_id": row.place_id, "content": books.content_of(row)}


def _lines(actor: Actor, book: str) -> Select[Any]:
    actor.check("read")
    if book not in BOOKS:
        raise NotFound
    mine = BookLine.organisation_id == actor.organisation.id
    return select(BookLine).where(mine, BookLine.book == book)


listing(
    "list_book_lines",
    "/books/<book>/lines",
    out.BookLineOut(),
    Rows(_lines, BookLine.id, _line),
    tag="books",
    summary="The lines of a private book, those written last first",
    answer=LINE,
    description="Books: " + ", ".join(BOOKS) + ".",
)


def _declare_book(book: str) -> None:
    def add(actor: Actor, clean: dict[str, Any]) -> dict[str, Any]:
        choices.get_place(actor, clean.get("place"))
        return _line(books.add_line(actor, book, clean, at=clock.now()))

    add.__name__ = f"add_{book}_line"
    operation(
        "POST",
        f"/books/{book}/lines",
        tag="books",
        summary=f"One line more in the book “{book}”",
        scope="capture",
        body=out.LINES[book],
        out=out.BookLineOut(),
        status=201,
        example={"day": "2026-11-20", **EXAMPLES[book]},
        answer={**LINE, "book": book},
    )(add)


for _book in BOOKS:
    _declare_book(_book)


@operation(
    "POST",
    "/books/lines/<int:line_id>/strike",
    tag="books",
    summary="Strike a wrong line through; it stays in the book",
    scope="capture",
    out=out.BookLineOut(),
    answer={**LINE, "struck_at": AT},
)
def strike_book_line(actor: Actor, line_id: int) -> dict[str, Any]:
    row = books.get_line(actor, line_id)
    books.strike(actor, row, at=clock.now())
    return _line(row)


@operation(
    "GET",
    "/stock",
    tag="books",
    summary="What should be on the shelf of each input: counted, bought, used, left",
    scope="query",
    out=out.StocksOut(),
    answer={
        "items": [
            {
                "name": "Thuốc Demo 1.8EC",
                "unit": "lít",
                "counted": 1.5,
                "counted_on": "2026-11-01",
                "bought": 2,
                "used": 0.03,
                "left": 3.47,
                "expiry": None,
            }
        ]
    },
)
def list_stock(actor: Actor) -> dict[str, Any]:
    return {"items": books.stock_of(actor)}


# -- catalogues and weighed units ------------------------------------------------------------------


def _kind(kind: str) -> str:
    if kind not in COLUMNS:
        raise NotFound
    return kind


def _item(row: CatalogueItem) -> dict[str, Any]:
    names = [name for name in out.CatalogueOut().fields if name not in ("intervals", "own")]
    told = {name: getattr(row, name) for name in names}
    own = row.organisation_id is not None
    return {**told, "intervals": orjson.loads(row.intervals), "own": own}


@operation(
    "GET",
    "/catalogues/<kind>",
    tag="books",
    summary="Crops or inputs by name: everybody's and the organisation's own",
    scope="query",
    out=out.CataloguesOut(),
    answer={
        "items": [
            {
                "name": "Thuốc Demo 1.8EC",
                "name_en": "",
                "category": "pesticide",
                "active_ingredient": "hoạt chất Demo",
                "registration": "",
                "intervals": {"": 7},
                "banned": False,
                "own": True,
                "demonstration": False,
                "as_of": "2026-11-01",
            }
        ]
    },
    description="Kinds: " + ", ".join(COLUMNS) + ".",
)
def list_catalogue(actor: Actor, kind: str) -> dict[str, Any]:
    return {"items": [_item(row) for row in catalogue(actor, _kind(kind))]}


@operation(
    "POST",
    "/catalogues/<kind>",
    tag="books",
    summary="Lines for the organisation's own catalogue, from a CSV; all of them or none",
    scope="capture",
    takes="text/csv",
    out=out.BroughtOut(),
    status=201,
    answer={"lines": 120},
    description="; ".join(f"Columns of {kind}: {', '.join(COLUMNS[kind])}" for kind in COLUMNS)
    + ". A line of a name that is known takes the place of the former.",
)
def bring_catalogue(actor: Actor, kind: str) -> dict[str, int]:
    actor.check("record")
    if request.mimetype != "text/csv":
        raise NotJsonType(expected="text/csv")
    entries, faults = read_catalogue(_kind(kind), request.get_data())
    if faults:
        raise Refused(faults[:1000])
    return {"lines": import_catalogue(actor, kind, entries, everyone=False, at=clock.now())}


WEIGHT: Final = {"unit": "bo", "kilograms": 0.4, "weighed_on": "2026-11-20"}


@operation(
    "GET",
    "/products/<int:product_id>/weights",
    tag="products",
    summary="What one bó, thùng, sọt … of a product weighs here",
    scope="query",
    out=out.UnitWeightsOut(),
    answer={"items": [WEIGHT]},
)
def list_weights(actor: Actor, product_id: int) -> dict[str, Any]:
    known = weights.weights_of(get_product(actor, product_id))
    return {"items": [known[unit] for unit in sorted(known)]}


@operation(
    "POST",
    "/products/<int:product_id>/weights",
    tag="products",
    summary="What one of a unit weighs from now on; what was recorded before keeps its own weight",
    scope="capture",
    body=out.WEIGHT,
    out=out.UnitWeightOut(),
    status=201,
    example=WEIGHT,
    answer=WEIGHT,
)
def set_weight(actor: Actor, product_id: int, clean: dict[str, Any]) -> Any:
    now = clock.now()
    today = now.astimezone(LOCAL_ZONE).date()
    return weights.set_weight(actor, get_product(actor, product_id), clean, on=today, at=now)


# -- labels of crates ------------------------------------------------------------------------------

RUN: Final = {"run": 6, "count": 20, "packed": 3, "at": AT}
DRAWING: Final = {**JOB, "state": "queued", "done": 0, "finished_at": None, "file": None}


def _run(run: crates.Run) -> dict[str, Any]:
    return {"run": run.number, "count": run.count, "packed": run.packed, "at": run.at}


def _drawn(clean: dict[str, Any], run: crates.Run) -> crating.Drawn:
    return lambda label, first, count: sheet_from(
        clean, label, count, run=run.number, first=first, numbered=True
    )


@operation(
    "GET",
    "/crates",
    tag="labels",
    summary="Labels of crates printed ahead of packing: the newest 200 runs",
    scope="query",
    out=out.RunsOut(),
    answer={"items": [RUN]},
)
def list_crates(actor: Actor) -> dict[str, Any]:
    return {"items": [_run(run) for run in crates.list_runs(actor)]}


@operation(
    "POST",
    "/crates",
    tag="labels",
    summary="Labels of crates ahead of packing: a code each, nothing inside yet",
    scope="capture",
    body=out.CRATES,
    out=JobOut(),
    status=202,
    example={"layout": "roll-100x150", "format": "pdf", "count": 20},
    answer=DRAWING,
    description="The run is the newest in the list; the sheet is fetched as other labels are.",
)
def print_crates(actor: Actor, clean: dict[str, Any]) -> Answer:
    now = clock.now()
    run = crates.get_run(actor, crates.issue_crates(actor, clean["count"], at=now))
    job = crating.print_new(actor, run, clean["text"], _drawn(clean, run), at=now)
    return Answer(job_out(job, "labels"), location=f"/api/v1/labels/{job.public_id}")


@operation(
    "GET",
    "/crates/<int:run>",
    tag="labels",
    summary="One run: its labels, and what was packed under which",
    scope="query",
    out=out.RunDetailOut(),
    answer={
        **RUN,
        "labels": [
            {
                "number": 1,
                "code": "7K3QM-P2XV4",
                "address": f"https://id.example/h/{CODE}",
                "thing": 12,
            }
        ],
    },
)
def show_crates(actor: Actor, run: int) -> dict[str, Any]:
    found = crates.get_run(actor, run)
    labels = [
        {
            "number": number,
            "code": short_name(identity),
            "address": address_of(identity),
            "thing": thing.id if thing else None,
        }
        for number, identity, thing in crates.labels_in(run, 1, found.count)
    ]
    return {**_run(found), "labels": labels}


@operation(
    "POST",
    "/crates/<int:run>/again",
    tag="labels",
    summary="The labels of a run on paper, after packing or once more (then with the reason)",
    scope="capture",
    body=out.CRATES_AGAIN,
    out=JobOut(),
    status=202,
    example={"layout": "roll-100x150", "format": "pdf", "first": 1, "last": 20, "reason": "nhòe"},
    answer=DRAWING,
)
def print_crates_again(actor: Actor, run: int, clean: dict[str, Any]) -> Answer:
    actor.check("record")
    found = crates.get_run(actor, run)
    for name in ("first", "last"):
        if clean[name] > found.count:
            raise Refused([NumberTooLarge(path=name, limit=found.count)])
    ends, reason = (clean["first"], clean["last"]), clean["reason"] or ""
    if not reason and prints_of(actor, run=run):
        raise Refused([FieldMissing(path="reason")])
    drawn = _drawn(clean, found)
    job = crating.print_again(actor, found, ends, reason, drawn, at=clock.now())
    return Answer(job_out(job, "labels"), location=f"/api/v1/labels/{job.public_id}")


PREFIX: Final = {"prefix": "893850000", "extension": 0, "issued": 20, "claimed": "893850000"}


def _prefix(actor: Actor) -> dict[str, Any]:
    known, claim = crates.find_prefix(actor), claim_of(actor.organisation)
    return {
        "prefix": known.prefix if known else None,
        "extension": known.extension if known else None,
        "issued": known.issued if known else 0,
        "claimed": claim.prefix if claim else "",
    }


@operation(
    "GET",
    "/organisation/prefix",
    tag="organisation",
    summary="The GS1 company prefix that numbers of crates are made of",
    scope="query",
    out=out.PrefixOut(),
    answer=PREFIX,
)
def show_prefix(actor: Actor) -> dict[str, Any]:
    return _prefix(actor)


@operation(
    "POST",
    "/organisation/prefix",
    tag="organisation",
    summary="Claim the digits GS1 gave the organisation; SSCCs are made of them from now on",
    scope="manage",
    body=out.PREFIX,
    out=out.PrefixOut(),
    status=201,
    example={"prefix": "893850000", "extension": 0},
    answer=PREFIX,
    description="Where others claim the same digits, `prefix` stays null until a desk has decided.",
)
def claim_prefix(actor: Actor, clean: dict[str, Any]) -> dict[str, Any]:
    at = clock.now()
    made = crates.register_prefix(actor, clean["prefix"], clean["extension"] or 0, at=at)
    if made is not None:
        sscc(made.prefix, made.extension, made.issued)  # digits that number nothing are refused
    return _prefix(actor)


# -- delivery notes on paper -----------------------------------------------------------------------


@operation(
    "POST",
    "/handovers/<int:event_id>/link",
    tag="handovers",
    summary="A fresh link that answers the note without an account; the one before it ends",
    scope="capture",
    out=out.NoteLinkOut(),
    status=201,
    answer={"address": "https://trace.example/g/…", "created_at": AT},
    once=False,
    description="It is a secret: sent again, also with the same key, one more is made.",
)
def renew_note_link(actor: Actor, event_id: int) -> dict[str, Any]:
    link = make_link(actor, get_handover(actor, event_id), at=clock.now())
    return {"address": link_address(link), "created_at": link.created_at}


@operation(
    "POST",
    "/handovers/<int:event_id>/paper",
    tag="handovers",
    summary="The delivery note for a receipt printer or a label roll",
    scope="query",
    body=out.NOTE,
    media="application/octet-stream",
    example={"layout": "receipt-80", "format": "pdf"},
    once=False,
)
def print_note(actor: Actor, event_id: int, clean: dict[str, Any]) -> Response:
    handover: Handover = get_handover(actor, event_id)
    layout, form = clean["layout"], clean["format"] or "pdf"
    drawn, suffix, kind = draw_note(actor, handover, layout, form, at=clock.now())
    headers = {
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="note.{suffix}"',
    }
    return Response(drawn, content_type=kind, headers=headers)


# -- printed codes ---------------------------------------------------------------------------------


@operation(
    "GET",
    "/codes",
    tag="batches",
    summary="What a scanned or typed code stands for",
    scope="query",
    out=out.FoundOut(),
    query={
        "text": {
            "type": "string",
            "maxLength": 2000,
            "description": "A printed address or code, an SSCC, a stamp.",
        }
    },
    answer={"kind": "lot", "id": 12, "code": "7K3QM-P2XV4"},
)
def find_code(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    text = asked["text"] or ""
    printed = find_printed(actor, [text])
    if printed is not None:
        kind, read, lot = printed
        return {"kind": kind, "id": lot, "code": read}
    found = find_things(actor, [text])
    if isinstance(found, Handover):
        code = short_name(found.note) if found.note else ""
        return {"kind": "note", "id": found.event_id, "code": code}
    return {"kind": found.kind, "id": found.id, "code": short_name(found.identity)}
