"""Capture: documents by jobs, single events at once."""

from __future__ import annotations

from urllib.parse import quote

import orjson
from flask import Response, request

from trace import clock
from trace.api.epcis.door import acting, as_json, bp, check_accept, check_media_type
from trace.clock import rfc3339
from trace.core.epcis import JsonObject, parse_document
from trace.extensions import db, needs
from trace.models import Job
from trace.services.capture import capture as record
from trace.services.epcis import get_capture, submit_document


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
