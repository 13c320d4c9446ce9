"""Answers that are no events: problems, capture jobs, and any other JSON (EPCIS 2.0 §12).

Problems are `epcis:EPCISException` and capture jobs `epcis:EPCISCaptureJob`, as the standard's
schema has them; members it lacks, ours, follow in W3C's XML form of JSON. For lists of names and
the like the standard has no XML at all: they are W3C's form as a whole.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from trace.core.epcis import vocabulary as words
from trace.core.epcis.strict_json import JsonObject, JsonValue
from trace.core.epcis.xml.json_form import Scope, attribute, keyed, standard_declarations, text
from trace.core.epcis.xml.names import EPCIS2
from trace.core.epcis.xml.tables import clean

DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_PROBLEM: Final = ("type", "title", "status", "detail", "instance")
_JOB: Final = ("captureErrorBehaviour", "createdAt", "finishedAt")


def write_exception(problem: Mapping[str, Any]) -> bytes:
    """A problem (RFC 9457 members and ours) as `application/problem+xml`."""
    return _document("EPCISException", "", *_problem(problem))


def write_capture_job(job: JsonObject) -> bytes:
    """A capture job, its members as in JSON."""
    said = "".join(
        f' {name}="{attribute(_said(job[name]))}"'
        for name in ("running", "success", "captureID")
        if name in job
    )
    scope = Scope([words.EPCIS_CONTEXT], set())
    out = [_leaf(name, job[name]) for name in _JOB if name in job]
    errors = [_problem(error, scope)[0] for error in job.get("errors", ())]
    if errors:
        out.append("<errors>" + "".join(f"<error>{one}</error>" for one in errors) + "</errors>")
    elif "errorFile" in job:
        out.append(_leaf("errorFile", job["errorFile"]))
    return _document("EPCISCaptureJob", said, "".join(out), scope)


def write_plain(body: JsonValue) -> bytes:
    """Any JSON value in W3C's XML form (XPath Functions 3.1 §17.4)."""
    out: list[str] = []
    scope = Scope([words.EPCIS_CONTEXT], set())
    keyed(out, scope, body, names=False)
    out[0] = f"{out[0][:-1]}{standard_declarations(scope.used)}>"
    return f"{DECLARATION}{''.join(out)}\n".encode()


def _problem(problem: Mapping[str, Any], scope: Scope | None = None) -> tuple[str, Scope]:
    scope = scope or Scope([words.EPCIS_CONTEXT], set())
    out = [_leaf(name, problem[name]) for name in _PROBLEM if name in problem]
    for name, value in problem.items():
        if name not in _PROBLEM:
            keyed(out, scope, value, name, names=False)
    return "".join(out), scope


def _leaf(name: str, value: JsonValue) -> str:
    return f"<{name}>{text(_said(value))}</{name}>"


def _said(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return clean(str(value))


def _document(name: str, said: str, inner: str, scope: Scope) -> bytes:
    declared = f'xmlns:epcis="{EPCIS2}"{standard_declarations(scope.used)}'
    return f"{DECLARATION}<epcis:{name} {declared}{said}>{inner}</epcis:{name}>\n".encode()
