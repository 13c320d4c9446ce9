"""The EPCIS 2.0 REST interface: capture of JSON documents, and one's own events back."""

from __future__ import annotations

from typing import cast
from urllib.parse import quote

import orjson
from flask import Blueprint, Response, g, request

from trace import clock
from trace.api.epcis.problems import NotAcceptable, UnsupportedMediaType, answer
from trace.api.epcis.queries import parse_paging, parse_query
from trace.clock import rfc3339
from trace.core.epcis import JsonObject, parse_document
from trace.errors import TraceError
from trace.extensions import csrf, db, needs
from trace.models import Job
from trace.services.actors import Actor
from trace.services.capture import capture as record
from trace.services.epcis import find_events, get_capture, get_events, submit_document

bp = Blueprint("epcis", __name__, url_prefix="/epcis/v2")
csrf.exempt(bp)

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
HEADERS = {
    "GS1-EPCIS-Version": "2.0.0",
    "GS1-EPCIS-Min": "2.0.0",
    "GS1-EPCIS-Max": "2.0.0",
    "GS1-CBV-Version": "2.0.0",
    "GS1-CBV-Min": "2.0.0",
    "GS1-CBV-Max": "2.0.0",
    "GS1-Vendor-Version": "0.1.0",
    "GS1-EPC-Format": "Never_Translates",
    "GS1-EPCIS-Capture-Limit": "10000",
}
bp.register_error_handler(TraceError, answer)


@bp.after_request
def headers(response: Response) -> Response:
    """What the standard asks of every answer."""
    response.headers.extend(HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")
    return response


@bp.post("/capture")
@needs("capture")
def post_capture() -> Response:
    """Accepts a document (202, Location); the job tells how its events fared."""
    check_media_type()
    job = submit_document(
        acting(),
        request.get_data(),
        at=clock.now(),
        behaviour=request.headers.get("GS1-Capture-Error-Behaviour", "rollback"),
    )
    db.session.commit()
    return Response(status=202, headers={"Location": f"{bp.url_prefix}/capture/{job.public_id}"})


@bp.get("/capture/<capture_id>")
@needs("capture")
def get_capture_job(capture_id: str) -> Response:
    """The state of a capture job."""
    check_accept()
    return as_json(job_of(get_capture(acting(), capture_id)))


@bp.post("/events")
@needs("capture")
def post_event() -> Response:
    """Records a single event at once (201, Location)."""
    check_media_type()
    document = parse_document(request.get_data())
    done = record(
        acting(),
        document.events,
        at=clock.now(),
        idempotency_key=request.headers.get("Idempotency-Key", "")[:100],
        paths=document.paths,
    )
    db.session.commit()
    address = quote(done.events[0].event_key, safe="")
    return Response(status=201, headers={"Location": f"{bp.url_prefix}/events/{address}"})


@bp.get("/events")
@needs("query")
def get_event_list() -> Response:
    """One's own events in the order they were recorded, page by page."""
    check_accept()
    query = parse_query(request.args)
    after, limit = parse_paging(request.args)
    page = find_events(acting(), query, after=after, limit=limit)
    response = as_json(query_document(page.events))
    if page.next_after is not None:
        arguments = request.args.copy()
        arguments["nextPageToken"] = str(page.next_after)
        pairs = "&".join(
            f"{quote(name)}={quote(value, safe='')}" for name, value in arguments.items(multi=True)
        )
        response.headers["Link"] = f'<{bp.url_prefix}/events?{pairs}>; rel="next"'
    return response


# An eventID may hold slashes, also several in a row (ni:///…): they are part of the name.
@bp.get("/events/<path:event_id>", merge_slashes=False)
@needs("query")
def get_event(event_id: str) -> Response:
    """The event with this eventID and, where there is one, its error declaration."""
    check_accept()
    return as_json(query_document(get_events(acting(), event_id)))


def acting() -> Actor:
    """Who the token acts for: set at the door (trace.web.access)."""
    return cast("Actor", g.actor)


def check_media_type() -> None:
    """Raises UnsupportedMediaType unless the body is said to be JSON."""
    if request.mimetype not in ("application/json", "application/ld+json"):
        raise UnsupportedMediaType


def check_accept() -> None:
    """Raises NotAcceptable unless the caller takes JSON."""
    accepted = request.accept_mimetypes
    if accepted and not (accepted["application/json"] or accepted["application/ld+json"]):
        raise NotAcceptable


def as_json(body: object) -> Response:
    return Response(orjson.dumps(body), content_type="application/json")


def query_document(events: list[JsonObject]) -> JsonObject:
    """Events as an EPCISQueryDocument; each keeps its own context."""
    return {
        "@context": [CONTEXT],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": rfc3339(clock.now()),
        "epcisBody": {
            "queryResults": {
                "queryName": "SimpleEventQuery",
                "resultsBody": {"eventList": events},
            }
        },
    }


def job_of(job: Job) -> JsonObject:
    """A capture job in the standard's members."""
    result = orjson.loads(job.result) if job.result else {}
    errors = result.get("errors", [])
    if job.state == "failed":
        errors = errors or [{"detail": result.get("detail", "internal"), "status": 500}]
    body: JsonObject = {
        "captureID": job.public_id,
        "createdAt": rfc3339(job.created_at),
        "running": job.state in ("queued", "running"),
        "success": not errors and job.state != "failed",
        "captureErrorBehaviour": orjson.loads(job.argument)["behaviour"],
        "errors": [
            {
                "type": "epcisException:ValidationException"
                if error.get("status") != 409
                else "epcisException:ResourceAlreadyExistsException",
                "title": error.get("code", "error"),
                **error,
            }
            for error in errors
        ],
    }
    if job.finished_at is not None:
        body["finishedAt"] = rfc3339(job.finished_at)
    return body
