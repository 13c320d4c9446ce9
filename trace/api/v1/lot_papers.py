"""Papers of a lot: passport, plots, events as one document, the spreadsheet of FSMA 204; and the
record of one step up, one step down."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import orjson
from flask import Response
from marshmallow import Schema, fields

from trace import clock
from trace.api.v1.door import Answer, BadParameter, operation
from trace.api.v1.files import JOB, PUBLIC_ID, JobOut, job_out
from trace.api.v1.nouns import PAGE
from trace.api.v1.recording import CODE
from trace.extensions import db
from trace.models import Thing
from trace.schemas.api import work
from trace.schemas.api.answers import Moment, Quantity, listed
from trace.schemas.kept_files import send_kept
from trace.services import eudr, fsma_files, one_up_one_down, paging
from trace.services.actors import Actor
from trace.services.chain_papers import Around, around, note_look
from trace.services.dpp import passport_paper
from trace.services.epcis_papers import written
from trace.services.jobs import get_job
from trace.services.jurisdictions import scope_of
from trace.services.timelines import get_thing

KINDS: Final = ("lot", "unit", "logistic")
A_DAY: Final = "a day such as 2026-11-20"
DAY: Final[dict[str, Any]] = {"type": "string", "maxLength": 10}


class HandedOut(Schema):
    """One lot that came or went; `stated_by` is "other" where only the other side recorded it."""

    event_id = fields.Integer(required=True)
    direction = fields.String(required=True)
    time = Moment(required=True)
    party = fields.String(required=True)
    party_code = fields.String(required=True)
    address = fields.String(required=True)
    place = fields.String(required=True)
    product = fields.String(required=True)
    lot = fields.String(required=True)
    lot_address = fields.String(required=True)
    quantity = Quantity(required=True, allow_none=True, metadata={"type": ["number", "null"]})
    unit = fields.String(required=True)
    note = fields.String(required=True)
    answer = fields.String(required=True)
    stated_by = fields.String(required=True)


def _day(asked: dict[str, Any], name: str) -> date | None:
    """A day that was asked for, None for none. Raises BadParameter."""
    try:
        return date.fromisoformat(asked[name]) if asked[name] else None
    except ValueError:
        raise BadParameter(path=f"/{name}", name=name, expected=A_DAY) from None


def _thing(actor: Actor, thing_id: int) -> Thing:
    return get_thing(actor, thing_id, *KINDS)


@operation(
    "GET",
    "/batches/<int:thing_id>/passport",
    tag="papers",
    summary="The product passport (without a GTIN: the traceability record), as anybody reads it",
    scope="query",
    media="application/json",
)
def show_passport(actor: Actor, thing_id: int) -> Response:
    found = _thing(actor, thing_id).id
    db.session.rollback()  # what follows reads in transactions of its own
    return _file(orjson.dumps(passport_paper(found, at=clock.now())), "application/json")


@operation(
    "GET",
    "/batches/<int:thing_id>/plots",
    tag="papers",
    summary="The plots a lot or its sources grew on, as the EU asks for them (GeoJSON)",
    scope="query",
    media="application/geo+json",
)
def show_plots(actor: Actor, thing_id: int) -> Response:
    found = eudr.plots_of(around(actor, _thing(actor, thing_id).id, down=False))
    return _file(found.geojson, "application/geo+json")


@operation(
    "GET",
    "/batches/<int:thing_id>/epcis",
    tag="papers",
    summary="The events around a lot as one EPCIS document",
    scope="query",
    media="application/ld+json",
)
def show_epcis(actor: Actor, thing_id: int) -> Response:
    found = around(actor, _thing(actor, thing_id).id)
    return _file(b"".join(written(found, at=clock.now())), "application/ld+json")


def _file(body: bytes | str, kind: str) -> Response:
    return Response(body, content_type=kind, headers={"Cache-Control": "no-store"})


# -- FSMA 204 --------------------------------------------------------------------------------------

SHEET: Final = {**JOB, "file": f"/api/v1/fsma/{PUBLIC_ID}/file"}


@operation(
    "POST",
    "/batches/<int:thing_id>/fsma",
    tag="papers",
    summary="The sortable spreadsheet of FSMA 204, both directions",
    scope="capture",
    body=work.SPREADSHEET,
    out=JobOut(),
    status=202,
    example={"format": "xlsx"},
    answer={**SHEET, "state": "queued", "done": 0, "finished_at": None, "file": None},
)
def ask_fsma(actor: Actor, thing_id: int, clean: dict[str, Any]) -> Answer:
    thing = _thing(actor, thing_id)
    job = fsma_files.ask(actor, thing.id, clean["format"], at=clock.now())
    return Answer(job_out(job, "fsma"), location=f"/api/v1/fsma/{job.public_id}")


@operation(
    "GET",
    "/fsma/<public_id>",
    tag="papers",
    summary="How far a spreadsheet is",
    scope="query",
    out=JobOut(),
    answer=SHEET,
)
def show_fsma(actor: Actor, public_id: str) -> dict[str, Any]:
    return job_out(get_job(actor, public_id, fsma_files.KIND), "fsma")


@operation(
    "GET",
    "/fsma/<public_id>/file",
    tag="papers",
    summary="The spreadsheet, while it waits",
    scope="query",
    media="application/octet-stream",
)
def fetch_fsma(actor: Actor, public_id: str) -> Response:
    name, form = fsma_files.fetch(actor, public_id, at=clock.now())
    return send_kept(name, fsma_files.MEDIA_TYPES[form], f"fsma-204.{form}")


# -- one step up, one step down --------------------------------------------------------------------


@operation(
    "GET",
    "/steps",
    tag="papers",
    summary="One step up, one step down: what came from whom and went to whom, oldest first",
    scope="query",
    out=listed(HandedOut(), "HandedPage"),
    query={
        **PAGE,
        "since": {**DAY, "description": "From this day on."},
        "until": {**DAY, "description": "Until this day."},
        "thing": {"type": "integer", "minimum": 1, "description": "Only of this lot."},
    },
    answer={
        "items": [
            {
                "event_id": 41,
                "direction": "out",
                "time": "2026-11-20T00:30:00Z",
                "party": "Cửa hàng Demo",
                "party_code": "9ZK2M4TQX0",
                "address": "Phố Demo",
                "place": "",
                "product": "Cải ngọt",
                "lot": "L2611",
                "lot_address": f"https://id.example/b/{CODE}",
                "quantity": 80,
                "unit": "KGM",
                "note": "",
                "answer": "all",
                "stated_by": "own",
            }
        ],
        "next": None,
    },
    description="`limit` counts handovers; one of several lots has several lines.",
)
def list_steps(actor: Actor, asked: dict[str, Any]) -> dict[str, Any]:
    span = one_up_one_down.Span(_day(asked, "since"), _day(asked, "until"), asked["thing"])
    after = paging.read_cursor(asked["cursor"]) if asked["cursor"] else 0
    found = one_up_one_down.page_of(actor, span, after=after, limit=asked["limit"])
    if found is None:
        return {"items": [], "next": None}
    return {"items": found[1], "next": paging.write_cursor(found[0])}


# -- for an authority ------------------------------------------------------------------------------


def _taken(actor: Actor, thing_id: int, why: str, *, down: bool) -> Around:
    """What is around a thing, and a line in the audit log where it is not the authority's own."""
    scope_of(actor)
    found = around(actor, thing_id, down=down)
    note_look(actor, found.thing, why, at=clock.now())
    return found


@operation(
    "GET",
    "/desk/papers/<int:thing_id>/plots",
    tag="desk",
    summary="The plots goods grew on, for an authority; a look outside its area is written down",
    scope="inspect",
    media="application/geo+json",
)
def show_desk_plots(actor: Actor, thing_id: int) -> Response:
    found = eudr.plots_of(_taken(actor, thing_id, "plots", down=False))
    return _file(found.geojson, "application/geo+json")


@operation(
    "GET",
    "/desk/papers/<int:thing_id>/epcis",
    tag="desk",
    summary="The events around goods as one EPCIS document, for an authority",
    scope="inspect",
    media="application/ld+json",
)
def show_desk_epcis(actor: Actor, thing_id: int) -> Response:
    found = _taken(actor, thing_id, "events", down=True)
    return _file(b"".join(written(found, at=clock.now())), "application/ld+json")


@operation(
    "POST",
    "/desk/papers/<int:thing_id>/fsma",
    tag="desk",
    summary="The sortable spreadsheet of FSMA 204 of goods, for an authority",
    scope="inspect",
    body=work.SPREADSHEET,
    out=JobOut(),
    status=202,
    example={"format": "xlsx"},
    answer={**SHEET, "state": "queued", "done": 0, "finished_at": None, "file": None},
    description="Asked about and fetched at `/fsma/{id}` (scope `query`).",
)
def ask_desk_spreadsheet(actor: Actor, thing_id: int, clean: dict[str, Any]) -> Answer:
    scope_of(actor)
    # The worker knows a role only: what a token that inspects may read, an inspector may.
    inspector = Actor(actor.organisation, None, "inspector")
    job = fsma_files.ask(inspector, thing_id, clean["format"], at=clock.now())
    return Answer(job_out(job, "fsma"), location=f"/api/v1/fsma/{job.public_id}")
