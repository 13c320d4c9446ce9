"""A verification's outcome as JSON: the same for the command line, the zipapp and the interface.

`{"valid", "steps":[{"step","name","state"}], …}`. A step is `passed`, `failed`, or `open` where the
verification ended before it was done with it (entries are proved before statements are opened).
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from trace.core.signing import JsonObject, TrustError
from trace.core.verify.report import Report
from trace.errors import TraceError

STEPS: Final = (
    "readable",
    "signatures",
    "keys",
    "disclosures",
    "entries",
    "inclusion",
    "checkpoint",
    "chains",
    "story",
)


def report_json(report: Report) -> JsonObject:
    """A bundle that passed: what it proves, and what is to be said beside it."""
    return {
        "valid": True,
        "steps": [_step(n, "passed") for n in range(1, len(STEPS) + 1)],
        "subject": report.subject,
        "log": {"origin": report.origin, "size": report.size},
        "older": [
            {
                "number": one.number,
                "origin": one.origin,
                "size": one.size,
                "ended": one.ended,
                "lost": one.lost,
                "witnessed": _text(one.witnessed),
            }
            for one in report.older
        ],
        "receipt": _text(report.time),
        "witnesses": list(report.witnesses),
        "witnessed": _text(report.witnessed),
        "since": _text(report.since),
        "recall": report.recall,
        "notices": list(report.notices),
        "interval": {
            "state": report.interval.state,
            "days": report.interval.days,
            "required": report.interval.required,
            "product": report.interval.product,
        },
        "statements": [
            {
                "log": one.log,
                "index": one.index,
                "time": _text(one.time),
                "id": one.statement_id,
                "issuer": one.issuer,
                "kid": one.kid,
                "custody": one.custody,
                "event": one.event,
                "withheld": list(one.withheld),
                "erased": one.erased,
                "flagged": one.flagged,
                "voided": one.statement_id in report.voided,
            }
            for one in report.statements
        ],
        "findings": [
            {"code": one.code, "log": one.log, "index": one.index, "detail": one.detail}
            for one in report.findings
        ],
        "attachments": [
            {"digest": one.digest, "media_type": one.media_type, "bytes": one.size}
            for one in report.attachments.values()
        ],
    }


def refusal_json(error: TraceError) -> JsonObject:
    """A bundle that did not pass: the first step that failed, its code, expected and got."""
    found: JsonObject = {"valid": False, "code": error.code, "detail": error.detail}
    if error.path:
        found["path"] = error.path
    if isinstance(error, TrustError):
        found |= {
            "step": error.step,
            "expected": str(error.expected),
            "got": str(error.got),
            "steps": [_step(n, _state(n, error.step)) for n in range(1, len(STEPS) + 1)],
        }
    return found


def _state(step: int, failed: int) -> str:
    if step == failed:
        return "failed"
    # 2 to 6 go entry by entry: that one of them failed says nothing of the others.
    return "passed" if step < failed and (step == 1 or failed >= 7) else "open"


def _step(number: int, state: str) -> JsonObject:
    return {"step": number, "name": STEPS[number - 1], "state": state}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
