"""What shoppers and programs do in `benchmarks.soak`: scans, captures, queries, and what is
wrong."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from typing import Final

import orjson

from benchmarks._soak_people import TYPE, Visitor, path_of
from benchmarks._soak_stage import LOOKS, SECONDS, Stage, uuid_text
from benchmarks.capture import ID_BASE, document
from trace import clock
from trace.clock import rfc3339
from trace.core.epcis import event_context, parse_document
from trace.core.epcis.xml import write_xml
from trace.core.gs1 import new_code

AGAIN: Final = 0.3  # of phones were here before
XML: Final = 0.2  # of documents
SIZES: Final = (1, 1, 1, 5, 5, 20, 20, 50)  # events of a document
KNOWN: Final = 4_000  # ETags that phones remember

# -- scans -----------------------------------------------------------------------------------------


def _look(stage: Stage, visitor: Visitor, kind: str, page: str, *, again: bool = False) -> bytes:
    """The printed address, the page behind it, and the beacon."""
    visitor.ask("printed address", page.removeprefix("/t"), expect=(307,))
    headers = {"Accept-Encoding": "gzip, deflate, br"}
    with stage.lock:
        etag = stage.known.get(page) if again else None
    if etag:
        headers["If-None-Match"] = etag
    answer = visitor.ask(
        f"{kind}, known" if etag else kind, page, headers=headers, expect=(200, 304)
    )
    if answer.status == 200:
        with stage.lock:
            stage.known[page] = answer.headers.get("ETag", "")
            stage.known.move_to_end(page)
            if len(stage.known) > KNOWN:
                stage.known.popitem(last=False)
    visitor.ask(
        "beacon",
        page,
        "POST",
        b"",
        {
            "Origin": "https://trace.example",
            "Sec-Fetch-Site": "same-origin",
            "Sec-Fetch-Mode": "no-cors",
            "Sec-Fetch-Dest": "empty",
        },
        (204,),
    )
    with stage.told.lock:
        stage.told.beacons += 1
    return answer.body


def scan(stage: Stage, due: float) -> None:
    """A shopper."""
    page = stage.random.choices(stage.pages, cum_weights=stage.weights)[0]
    again = stage.random.random() < AGAIN
    _look(stage, stage.stranger(due), "scan page", page, again=again)


def scan_new(stage: Stage, due: float) -> None:
    """The first who scans a lot that was just recorded: its page is built now."""
    with stage.lock:
        page = stage.fresh.popleft() if stage.fresh else ""
    if page:
        _look(stage, stage.stranger(due), "scan page, first", page)


def scan_changed(stage: Stage, due: float) -> None:
    """Something is recorded of a lot, and the lot is scanned: its page is built anew."""
    with stage.lock:
        at, page = (
            stage.recorded[-1 - stage.numbers % len(stage.recorded)] if stage.recorded else (0, "")
        )
    if page:
        _event(stage, due, at, page)
        _look(stage, stage.stranger(), "scan page, changed", page)


# -- captures --------------------------------------------------------------------------------------


def capture_document(stage: Stage, due: float) -> None:
    """A document of some events, in JSON or XML; its job is looked after."""
    visitor, headers, at = stage.program(due)
    events, data, pages = made_document(stage, at)
    kind = "application/json"
    if stage.random.random() < XML:
        data = write_xml(parse_document(data).events, created=rfc3339(clock.now()), version="2.0")
        kind = "application/xml"
    answer = visitor.ask(
        "capture, document",
        "/epcis/v2/capture",
        "POST",
        data,
        {**headers, "Content-Type": kind},
        (202,),
    )
    stage.acknowledge(*events)
    _watch_capture(stage, at, path_of(answer), pages, 0)


def made_document(stage: Stage, at: int) -> tuple[list[str], bytes, list[str]]:
    """The numbers of its events, its bytes, and the pages of its lots."""
    body = orjson.loads(document(stage.random.choice(SIZES), stage.token[at][0]))
    events = body["epcisBody"]["eventList"]
    for event in events:
        event["eventID"] = f"urn:uuid:{uuid_text()}"
    pages = [
        "/t" + event["quantityList"][0]["epcClass"].removeprefix(ID_BASE)
        for event in events
        if event["type"] == "ObjectEvent"
    ]
    return [event["eventID"] for event in events], orjson.dumps(body), pages


def _watch_capture(stage: Stage, at: int, job: str, pages: list[str], looks: int) -> None:
    def look(_: Stage, due: float) -> None:
        visitor, headers, _at = stage.program(due, at)
        told = orjson.loads(visitor.ask("capture, its job", job, headers=headers).body)
        if told["running"] and looks < LOOKS:
            _watch_capture(stage, at, job, pages, looks + 1)
        elif not told["success"] or told["running"]:
            stage.told.wonder(f"capture job: {str(told)[:300]}")
        else:
            with stage.lock:
                stage.fresh.extend(pages[:3])
                stage.recorded.extend((at, page) for page in pages[3:6] or pages)

    stage.later(SECONDS, look)


def capture_event(stage: Stage, due: float) -> None:
    """One event about goods that are known."""
    with stage.lock:
        at, page = stage.random.choice(stage.recorded) if stage.recorded else (-1, "")
    if page:
        _event(stage, due, at, page)


def _event(stage: Stage, due: float, at: int, page: str) -> None:
    visitor, headers, _ = stage.program(due, at)
    name = f"urn:uuid:{uuid_text()}"
    event = {
        "@context": event_context(ID_BASE),
        "type": "ObjectEvent",
        "eventID": name,
        "action": "OBSERVE",
        "bizStep": "inspecting",
        "eventTime": rfc3339(clock.now()),
        "eventTimeZoneOffset": "+07:00",
        "quantityList": [
            {"epcClass": ID_BASE + page.removeprefix("/t"), "quantity": 1, "uom": "KGM"}
        ],
    }
    headers |= {"Content-Type": "application/json"}
    visitor.ask(
        "capture, one event", "/epcis/v2/events", "POST", orjson.dumps(event), headers, (201,)
    )
    stage.acknowledge(name)


# -- queries ---------------------------------------------------------------------------------------

QUERIES: Final = (
    "events?perPage=30",
    "events?EQ_bizStep=packing&perPage=10",
    "events?eventType=ObjectEvent&EQ_action=OBSERVE&perPage=20",
    "events?GE_eventTime=2026-11-01T00:00:00Z&orderBy=eventTime&perPage=20",
    "eventTypes/TransformationEvent/events?perPage=10",
    "bizSteps",
    "dispositions",
    "capture?perPage=20",
)


def query(stage: Stage, due: float) -> None:
    """A question, and sometimes the next page of its answer."""
    visitor, headers, _ = stage.program(due)
    asked = f"/epcis/v2/{stage.random.choice(QUERIES)}"
    answer = visitor.ask("query", asked, headers=headers)
    following = re.search(r"<([^>]+)>;\s*rel=\"next\"", answer.headers.get("Link") or "")
    if following and stage.random.random() < 0.3:
        visitor.ask("query", following.group(1), headers=headers)


def query_by_thing(stage: Stage, due: float) -> None:
    """What happened to one lot."""
    with stage.lock:
        at, page = stage.random.choice(stage.recorded) if stage.recorded else (-1, "")
    if page:
        visitor, headers, _ = stage.program(due, at)
        asked = f"MATCH_anyEPCClass={ID_BASE}{page.removeprefix('/t')}"
        visitor.ask("query by lot", f"/epcis/v2/events?{asked}", headers=headers)


def named_query(stage: Stage, due: float) -> None:
    """Made, asked, deleted."""
    visitor, headers, _ = stage.program(due)
    name = f"soak-{secrets.token_hex(6)}"
    body = orjson.dumps({"name": name, "query": {"EQ_bizStep": ["packing"]}})
    headers |= {"Content-Type": "application/json"}
    visitor.ask("named query", "/epcis/v2/queries", "POST", body, headers, (201,))
    visitor.ask("named query", f"/epcis/v2/queries/{name}/events?perPage=10", headers=headers)
    visitor.ask("named query", f"/epcis/v2/queries/{name}", "DELETE", None, headers, (204,))


# -- others ----------------------------------------------------------------------------------------

OPEN: Final = (
    "/",
    "/about",
    "/search?q=rau",
    "/log/checkpoint",
    "/log/tile/0/000",
    "/log/tile/entries/000",
    "/sitemap.xml",
    "/verify",
    "/.well-known/did.json",
    "/readyz",
    "/healthz",
    "/api/docs/",
)


def reader(stage: Stage, due: float) -> None:
    """Somebody reads what is open to all."""
    if stage.random.random() < 0.3:
        page = stage.random.choices(stage.pages, cum_weights=stage.weights)[0]
        asked, kind = f"{page}?format=json", "record as JSON"
    else:
        asked, kind = stage.random.choice(OPEN), "open page"
    stage.stranger(due).ask(kind, asked)


def wrong(stage: Stage, due: float) -> None:
    """What does not exist, is not allowed, is broken or too large."""
    visitor = stage.stranger(due)
    token = stage.token[0][1]
    good = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "application/json",
        "Accept": "application/json",
    }
    cases: Sequence[tuple[str, str, bytes | None, dict[str, str], tuple[int, ...]]] = (
        ("GET", f"/t/b/{new_code(os.urandom)}", None, {}, (404,)),
        ("GET", f"/b/{new_code(os.urandom)}", None, {}, (307, 404)),
        ("GET", "/wp-login.php", None, {}, (404,)),
        ("GET", "/producer/today", None, {}, (303,)),
        ("POST", "/epcis/v2/capture", b'{"@context": [', good, (400,)),
        ("POST", "/epcis/v2/capture", b"{}", {**good, "Authorization": "Bearer no"}, (401,)),
        ("GET", "/epcis/v2/events", None, {"Accept": "application/json"}, (401,)),
        ("GET", "/epcis/v2/events?EQ_nonsense=1", None, good, (400,)),
        ("POST", "/epcis/v2/queries", b" " * 130_000, good, (413,)),
        ("POST", "/epcis/v2/capture", b"a,b", {**good, "Content-Type": "text/csv"}, (415,)),
        ("DELETE", "/about", None, {}, (405,)),
        ("POST", "/sign-in", b"login=a&password=b", {"Content-Type": TYPE}, (400,)),
    )
    method, path, body, headers, expect = stage.random.choice(cases)
    visitor.ask(f"wrong, {expect[-1]}", path, method, body, headers, expect)
