"""What is agreed on before a question is answered: versions, length, and how addresses are written.

Rules (EPCIS 2.0 §12.3 and §12.4; openapi.yaml):
- GS1-EPCIS-Min/-Max and GS1-CBV-Min/-Max say what a caller understands. Where the version spoken
  here lies outside, there is no acceptable answer (406).
  To who understands 1.2 at most, and takes XML, events are written in 1.2.
- GS1-EPCIS-Version and GS1-CBV-Version say what a request is written in: what is not read here is
  not acceptable either, before anything of it is taken.
- An address longer than what any proxy passes on is refused (414): ask by a named query.
- GS1-EPC-Format: Always_GS1_Digital_Link (meant when nothing is said), Always_EPC_URN (meant in
  1.2, which knows no other), and No_Preference or Never_Translates: as it was recorded. What is
  signed keeps what was recorded.
- GS1-CBV-XML-Format: words in XML as addresses (Always_Web_URI) or as URNs.
- GS1-Extensions gives prefixes that the names in a query use.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from flask import Response, request

from trace import clock
from trace.api.epcis.door import HEADERS, as_json, bp, query_document
from trace.api.epcis.problems import NotAcceptable, prefers_xml
from trace.clock import rfc3339
from trace.core.epcis import JsonObject, JsonValue
from trace.core.epcis.query import QueryParameterError
from trace.core.epcis.query_parsing import parse_extensions
from trace.core.epcis.xml import MEDIA_TYPES, write_plain, write_xml
from trace.core.epcis.xml.writing import Form, Version
from trace.errors import TraceError
from trace.services import epcis_forms

LONGEST_ADDRESS: Final = 8000
DEFAULT_FORMAT: Final = "Always_GS1_Digital_Link"
FORMATS: Final = (DEFAULT_FORMAT, "Always_EPC_URN", "No_Preference", "Never_Translates")
CBV_FORMATS: Final = ("No_Preference", "Always_Web_URI", "Always_URN", "Never_Translates")
OLD: Final = (1, 2, 0, 0)
_VERSION: Final = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}")


class QueryUriTooLong(TraceError):
    code = "query-uri-too-long"
    status = 414
    message = "The address is longer than %(limit)d characters."
    next_step = "Keep the query under a name (POST /queries) and ask for its events."


class BadVersion(TraceError):
    code = "bad-version"
    message = "%(name)s is a version such as 2.0.0."


@bp.before_request
def agree() -> None:
    """Raises NotAcceptable, QueryUriTooLong or BadVersion before anything is looked up."""
    if len(request.full_path.encode()) > LONGEST_ADDRESS:
        raise QueryUriTooLong(limit=LONGEST_ADDRESS)
    for kind in ("EPCIS", "CBV"):
        stated = _asked(f"GS1-{kind}-Version")
        if stated and not _is_read(stated):
            raise NotAcceptable
        spoken = _padded(HEADERS[f"GS1-{kind}-Version"])
        least, most = _asked(f"GS1-{kind}-Min"), _asked(f"GS1-{kind}-Max")
        beyond = (least and _padded(least) > spoken) or (most and _highest(most) < spoken)
        if beyond and not old_wanted():
            raise NotAcceptable


def _is_read(version: str) -> bool:
    """Whether what a request says it is written in is read here: 2.0, and in XML 1.0 to 1.2."""
    family = _padded(version)[:2]
    return family == (2, 0) or (request.mimetype in MEDIA_TYPES and (1, 0) <= family <= (1, 2))


def old_wanted() -> bool:
    """Whether the caller understands EPCIS 1.2 and nothing later, and takes XML, in which alone
    that version is written."""
    least, most = _asked("GS1-EPCIS-Min"), _asked("GS1-EPCIS-Max")
    understood = bool(most) and OLD <= _highest(most) < _padded(HEADERS["GS1-EPCIS-Version"])
    reads = request.method in ("GET", "HEAD") and prefers_xml()
    return understood and reads and (not least or _padded(least) <= OLD)


def _asked(name: str) -> str:
    text = request.headers.get(name, "").strip()
    if text and not _VERSION.fullmatch(text):
        raise BadVersion(path=name, name=name)
    return text


def _padded(text: str) -> tuple[int, ...]:
    found = [int(part) for part in text.split(".")]
    return tuple(found + [0] * (4 - len(found)))


def _highest(text: str) -> tuple[int, ...]:
    """A highest version of 2 or 2.0 includes 2.0.1."""
    found = [int(part) for part in text.split(".")]
    return tuple(found + [10**6] * (4 - len(found)))


def extensions_asked() -> dict[str, str]:
    """The prefixes of the request's GS1-Extensions. Raises QueryParameterError."""
    return parse_extensions(", ".join(request.headers.getlist("GS1-Extensions")))


# -- how addresses are written -------------------------------------------------------------------


def format_asked() -> str:
    """Which form of addresses the caller wants. Raises QueryParameterError."""
    meant = "Always_EPC_URN" if old_wanted() else DEFAULT_FORMAT
    wanted = request.headers.get("GS1-EPC-Format", meant).strip()
    if wanted not in FORMATS:
        reason = f"one of {', '.join(FORMATS)} is expected"
        raise QueryParameterError(path="GS1-EPC-Format", name="GS1-EPC-Format", reason=reason)
    return wanted


def written(events: list[JsonObject]) -> list[JsonObject]:
    """The events with their addresses as the caller wants them."""
    return epcis_forms.written(events, format_asked())


def changing(uris: list[str]) -> Callable[[str], str] | None:
    """How each of these addresses is written for the caller; None: as it stands."""
    return epcis_forms.changing(uris, format_asked())


def answer_events(events: list[JsonObject], query_name: str = "SimpleEventQuery") -> Response:
    """Events as an EPCISQueryDocument, in JSON or in XML as the caller takes it. Raises
    NotAcceptable, QueryParameterError."""
    in_xml = xml_wanted()
    told = written(events)
    if in_xml:
        created = rfc3339(clock.now())
        form = words_asked()
        version: Version = "1.2" if old_wanted() else "2.0"
        response = as_xml(
            write_xml(
                told,
                created=created,
                version=version,
                kind="query",
                form=form,
                query_name=query_name,
            )
        )
        if version == "1.2":
            response.headers["GS1-EPCIS-Version"] = "1.2.0"
        response.headers["GS1-CBV-XML-Format"] = "Always_Web_URI" if form == "web" else "Always_URN"
    else:
        document = query_document(told)
        document["epcisBody"]["queryResults"]["queryName"] = query_name
        response = as_json(document)
    response.headers["GS1-EPC-Format"] = format_asked()
    response.headers["Vary"] = "Accept, GS1-EPC-Format, GS1-CBV-XML-Format, GS1-EPCIS-Max"
    return response


def answer_plain(body: JsonValue) -> Response:
    """What is no events: JSON, or W3C's XML form of it to who would rather have XML, since the
    standard has none of its own. Raises NotAcceptable."""
    response = as_xml(write_plain(body)) if xml_wanted() else as_json(body)
    response.headers["Vary"] = "Accept"
    return response


def as_xml(body: bytes) -> Response:
    return Response(body, content_type="application/xml; charset=utf-8")


def xml_wanted() -> bool:
    """Whether the caller would rather have XML. Raises NotAcceptable when it takes neither."""
    accepted = request.accept_mimetypes
    if not accepted:
        return False
    in_json = max(accepted["application/json"], accepted["application/ld+json"])
    in_xml = max(accepted["application/xml"], accepted["text/xml"])
    if not in_json and not in_xml:
        raise NotAcceptable
    return in_xml > in_json


def words_asked() -> Form:
    """How words are written in XML. Raises QueryParameterError."""
    wanted = request.headers.get("GS1-CBV-XML-Format", "No_Preference").strip()
    if wanted not in CBV_FORMATS:
        reason = f"one of {', '.join(CBV_FORMATS)} is expected"
        name = "GS1-CBV-XML-Format"
        raise QueryParameterError(path=name, name=name, reason=reason)
    return "web" if wanted == "Always_Web_URI" else "urn"
