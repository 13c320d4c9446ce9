"""Capture: documents by jobs, single events at once."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import orjson
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from trace import clock
from trace.api.epcis.door import acting, as_json, bp, check_media_type, discovery
from trace.api.epcis.listing import list_page
from trace.api.epcis.negotiation import as_xml, xml_wanted
from trace.api.epcis.problems import prefers_xml
from trace.clock import rfc3339
from trace.core.epcis import JsonObject
from trace.core.epcis.xml import MEDIA_TYPES, write_capture_job, write_xml
from trace.extensions import db, needs
from trace.models import Job
from trace.services import epcis_captures as captures
from trace.services.epcis_queries import recorded_event

ERROR_TYPES: Final = {
    403: "SecurityException",
    409: "ResourceAlreadyExistsException",
    413: "CaptureLimitExceededException",
    500: "ImplementationException",
    503: "ImplementationException",
}


@bp.route("/capture", methods=["OPTIONS"], provide_automatic_options=False)
@needs("capture")
def capture_options() -> Response:
    """What a capture takes."""
    return _limits(discovery("GET", "POST"))


@bp.route("/capture/<capture_id>", methods=["OPTIONS"], provide_automatic_options=False)
@needs("capture")
def capture_job_options(capture_id: str) -> Response:
    """What can be asked about one capture job. Raises NotFound."""
    captures.get_capture(acting(), capture_id)
    return discovery("GET")


@bp.post("/capture")
@needs("capture")
def post_capture() -> Response:
    """Accepts a document (202, Location); the job tells how its events fared."""
    form = _form()
    job = captures.submit_document(
        acting(),
        _body(),
        at=clock.now(),
        behaviour=request.headers.get("GS1-Capture-Error-Behaviour", "rollback"),
        form=form,
    )
    db.session.commit()
    address = f"{bp.url_prefix}/capture/{job.public_id}"
    return _limits(Response(status=202, headers={"Location": address}))


@bp.get("/capture")
@needs("capture")
def list_capture_jobs() -> Response:
    """One's own capture jobs, the newest first, in JSON or in XML."""
    xml_wanted()
    return list_page(
        lambda before, limit: captures.list_captures(acting(), before=before, limit=limit), job_of
    )


@bp.get("/capture/<capture_id>")
@needs("capture")
def get_capture_job(capture_id: str) -> Response:
    """The state of a capture job, in JSON or in XML. Raises NotFound, NotAcceptable."""
    in_xml = xml_wanted()
    job = job_of(captures.get_capture(acting(), capture_id))
    return as_xml(write_capture_job(job)) if in_xml else as_json(job)


@bp.post("/events", provide_automatic_options=False)
@needs("capture")
def post_event() -> Response:
    """Records a single event at once (201, Location). Raises AlreadyRecorded."""
    form = _form()
    done = captures.record_event(
        acting(),
        _body(),
        at=clock.now(),
        idempotency_key=request.headers.get("Idempotency-Key", "")[:100],
        form=form,
    )
    db.session.commit()
    (one,) = done.events
    recorded = recorded_event(one.event_id)
    told = write_xml([recorded], kind="event") if prefers_xml() else None
    response = as_json(recorded) if told is None else as_xml(told)
    response.status_code = 201
    response.headers["Location"] = f"{bp.url_prefix}/events/{quote(one.event_key, safe='')}"
    return response


def _form() -> captures.Form:
    """What the body is said to be. Raises UnsupportedMediaType."""
    if request.mimetype in MEDIA_TYPES:
        return "xml"
    check_media_type()
    return "json"


def _body() -> bytes:
    """Raises CaptureLimit."""
    try:
        return request.get_data()
    except RequestEntityTooLarge:
        raise captures.CaptureLimit(limit=f"{captures.most_bytes()} bytes") from None


def _limits(response: Response) -> Response:
    response.headers["GS1-EPCIS-Capture-Limit"] = str(captures.MOST_EVENTS)
    response.headers["GS1-EPCIS-Capture-File-Size-Limit"] = str(captures.most_bytes())
    response.headers["GS1-Capture-Error-Behaviour"] = "all"  # both, when the server says it
    return response


def job_of(job: Job) -> JsonObject:
    """A capture job in the standard's members (EPCIS 2.0, CaptureJob). While it runs, `success`
    says whether an error occurred so far."""
    result = orjson.loads(job.result) if job.result else {}
    errors = result.get("errors", [])
    if job.state == "failed" and not errors:
        errors = [{**result, "status": 500, "code": result.get("error", "internal")}]
    body: JsonObject = {
        "captureID": job.public_id,
        "createdAt": rfc3339(job.created_at),
        "running": job.state in ("queued", "running"),
        "success": not errors and job.state != "failed",
        "captureErrorBehaviour": orjson.loads(job.argument)["behaviour"],
        "errors": [_problem(error) for error in errors],
    }
    if job.finished_at is not None:
        body["finishedAt"] = rfc3339(job.finished_at)
    return body


def _problem(error: JsonObject) -> JsonObject:
    status = error.get("status", 400)
    code = error.get("code", "internal")
    return {
        "type": f"epcisException:{ERROR_TYPES.get(status, 'ValidationException')}",
        "title": code,
        "status": status,
        "detail": error.get("detail", code),
        "code": code,
        "path": error.get("path", ""),
    }
