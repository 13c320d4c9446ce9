"""What people and programs do in `benchmarks.soak`: each act a few requests, at its own pace.

An act is a function of the stage and the moment it was due. Its first request is timed from that
moment, so that a stall of the server is seen by everybody who would have come meanwhile; what
follows is timed from when it is sent.
"""

from __future__ import annotations

import io
import os
import re
import secrets
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import Any, Final

import orjson
from PIL import Image

from benchmarks._soak_people import TYPE, People, Visitor, multipart, path_of
from benchmarks._soak_told import Told
from benchmarks.capture import ID_BASE, document
from trace import clock
from trace.clock import rfc3339
from trace.core.epcis import event_context, parse_document
from trace.core.epcis.xml import write_xml
from trace.core.gs1 import new_code
from trace.services.records import LOCAL_ZONE

SKEW: Final = 1.1
AGAIN: Final = 0.3  # of phones were here before
PHOTO: Final = 0.3  # of entries carry one
XML: Final = 0.2  # of documents
SIZES: Final = (1, 1, 1, 5, 5, 20, 20, 50)  # events of a document
SHEET: Final = 600  # labels of a sheet that is a job
SECONDS: Final = 3.0  # between two looks at a job
LOOKS: Final = 200
KNOWN: Final = 4_000  # ETags that phones remember
WARNED: Final = b'class="al stop'
FARMER, CLERK, HOUSE, TRADER = (
    f"{name}@demo.example" for name in ("nongdan", "ghiso", "soche", "vua")
)
OFFICER, HEAD, SECOND = (f"{name}@demo.example" for name in ("thanhtra", "phutrach", "phutrach2"))

Act = Callable[["Stage", float], None]


@dataclass(slots=True)
class Stage:
    """What acts share; everything in it is bounded."""

    people: People
    token: tuple[tuple[str, str], ...]  # (organisation's code, token)
    pages: Sequence[str]  # of lots, the most scanned first
    acknowledged: Path
    later: Callable[[float, Act], None]  # an act so many seconds from now
    random: Random
    weights: list[float] = field(default_factory=list)
    known: OrderedDict[str, str] = field(default_factory=OrderedDict)
    fresh: deque[str] = field(default_factory=lambda: deque(maxlen=500))
    recorded: deque[tuple[int, str]] = field(default_factory=lambda: deque(maxlen=2_000))
    entries: list[str] = field(default_factory=list)  # addresses of diary forms
    lots: dict[str, list[str]] = field(default_factory=dict)  # rows of lots by login
    warned: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    numbers: int = 0

    def __post_init__(self) -> None:
        self.weights = list(accumulate(1 / (rank + 1) ** SKEW for rank in range(len(self.pages))))

    @property
    def told(self) -> Told:
        return self.people.line.told

    def stranger(self, due: float = 0.0) -> Visitor:
        """Somebody who was never here, from a network of their own."""
        with self.lock:
            self.numbers += 1
            number = self.numbers
        return Visitor(self.people.line, number * 4099, due)

    def program(self, due: float, which: int = -1) -> tuple[Visitor, dict[str, str], int]:
        """A program of one of the organisations."""
        at = self.random.randrange(len(self.token)) if which < 0 else which
        headers = {"Authorization": f"Bearer {self.token[at][1]}", "Accept": "application/json"}
        return self.stranger(due), headers, at

    def acknowledge(self, *lines: str) -> None:
        """What was answered as recorded, one line each; looked for when all is over."""
        with self.lock, self.acknowledged.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))


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
        event["eventID"] = f"urn:uuid:{_uuid()}"
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
    name = f"urn:uuid:{_uuid()}"
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


# -- producers -------------------------------------------------------------------------------------


def entry(stage: Stage, due: float) -> None:
    """A phone's outbox sends what was written in the field, some with a photo."""
    with stage.people.browser(CLERK, due) as phone:
        plain = {"Accept": "application/json"}
        token = orjson.loads(
            phone.ask("outbox token", "/producer/outbox/token", headers=plain).body
        )
        note = f"soak {secrets.token_hex(8)}"
        values = {
            "form_key": secrets.token_urlsafe(16),
            "when": local_now(),
            "note": note,
        }
        files = {}
        if stage.random.random() < PHOTO:
            files["photos"] = ("anh.jpg", photo(stage.random))
        body, kind = multipart(values, files)
        headers = {**plain, "Content-Type": kind, "X-CSRFToken": token["csrf_token"]}
        named = "outbox entry with photo" if files else "outbox entry"
        answer = phone.ask(named, stage.random.choice(stage.entries), "POST", body, headers)
        if orjson.loads(answer.body)["state"] != "sent":
            stage.told.wonder(f"{named}: {answer.body[:300]!r}")
        else:
            stage.acknowledge(note)


def new_lot(stage: Stage, due: float) -> None:
    """A trader registers a lot at a desk, by a form."""
    login = stage.random.choice((CLERK, TRADER))
    with stage.people.browser(login, due) as browser:
        form = browser.form("form of a lot", "/producer/batches/new")
        note = f"soak {secrets.token_hex(8)}"
        values = {"product_name": "Rau thử", "quantity": "12,5", "unit": "kg", "note": note}
        answer = browser.send("lot by form", form, values, {})
        stage.acknowledge(note)
        browser.ask("page of a lot", path_of(answer))


DESK: Final = (
    "/producer/today",
    "/producer/week/",
    "/producer/tonight/",
    "/producer/batches/",
    "/producer/batches/?format=csv",
    "/producer/shipments/",
    "/producer/cycles/",
    "/producer/outbox/pages",
    "/producer/households/",
)


def desk(stage: Stage, due: float) -> None:
    """Somebody looks what there is to do."""
    with stage.people.browser(stage.random.choice((CLERK, HOUSE, TRADER)), due) as browser:
        browser.ask("producer's page", stage.random.choice(DESK))


def labels(stage: Stage, due: float) -> None:
    """A sheet that is made while one waits."""
    login = stage.random.choice(list(stage.lots))
    with stage.people.browser(login, due) as browser:
        row = stage.random.choice(stage.lots[login])
        form = browser.form("form of labels", f"/producer/labels/{row}")
        browser.send("labels at once", form, {"count": "48"}, expect=(200,))


def sheet(stage: Stage, due: float) -> None:
    """A sheet that is a job, and its file."""
    login = stage.random.choice(list(stage.lots))
    with stage.people.browser(login, due) as browser:
        row = stage.random.choice(stage.lots[login])
        form = browser.form("form of labels", f"/producer/labels/{row}")
        answer = browser.send("labels by a job", form, {"count": str(SHEET)})
    _wait(stage, login, path_of(answer), rb"/producer/labels/sheets/[\w-]+\.pdf", "sheet of labels")


def _wait(stage: Stage, login: str, page: str, link: bytes, kind: str, looks: int = 0) -> None:
    """Looks at a page until it offers the file, and takes it."""

    def look(_: Stage, due: float) -> None:
        with stage.people.browser(login, due) as browser:
            found = re.search(link, browser.ask("progress", page).body)
            if found:
                browser.ask(kind, found.group().decode())
            elif looks < LOOKS:
                _wait(stage, login, page, link, kind, looks + 1)
            else:
                stage.told.wonder(f"{kind}: never made: {page}")

    stage.later(SECONDS, look)


def bring(stage: Stage, due: float) -> None:
    """A spreadsheet of lots."""
    with stage.people.browser(CLERK, due) as browser:
        form = browser.form("form of a spreadsheet", "/producer/imports/new/lots")
        name, count = secrets.token_hex(6), stage.random.choice((5, 20, 60))
        lines = ["Ngày giờ;Sản phẩm;Số lượng;Đơn vị;Ghi chú"]
        lines += [
            f"20/11/2026 07:30;Rau {name};{at + 1};kg;soak {name} {at}" for at in range(count)
        ]
        file = ("lo.csv", "\n".join(lines).encode())
        answer = browser.send("spreadsheet", form, {}, {"file": file})
    notes = [f"soak {name} {at}" for at in range(count)]
    _watch_import(stage, path_of(answer), notes, 0)


def _watch_import(stage: Stage, page: str, notes: list[str], looks: int) -> None:
    def look(_: Stage, due: float) -> None:
        more = notes
        with stage.people.browser(CLERK, due) as browser:
            body = browser.ask("progress", page).body
            if b'name="mode"' in body and b"soak" in body and notes:
                form = browser.form("form of a spreadsheet", page)
                browser.send("spreadsheet, recorded", form, {"mode": "all"})
                stage.acknowledge(*notes)
                more = []
            elif not notes and "đã ghi".encode() in body:
                return
        if looks < LOOKS:
            _watch_import(stage, page, more, looks + 1)
        else:
            stage.told.wonder(f"spreadsheet: not recorded: {page}")

    stage.later(SECONDS, look)


def export(stage: Stage, due: float) -> None:
    """Everything that an organisation has, as a file."""
    with stage.people.browser(FARMER, due) as browser:
        form = browser.form("my data", "/producer/my-data/")
        browser.send("my data", form, {})
    _wait(stage, FARMER, "/producer/my-data/", rb"/producer/my-data/[\w-]+\.zip", "my data, file")


# -- authorities -----------------------------------------------------------------------------------

OFFICE: Final = (
    "/inspection/",
    "/inspection/queue/",
    "/inspection/board/",
    "/inspection/findings/",
    "/inspection/recalls/",
    "/inspection/organisations/",
)


def office(stage: Stage, due: float) -> None:
    """An inspector's desk."""
    with stage.people.browser(OFFICER, due) as browser:
        browser.ask("inspector's page", stage.random.choice(OFFICE))


def chain(stage: Stage, due: float) -> None:
    """A lot's chain."""
    with stage.people.browser(OFFICER, due) as browser:
        browser.ask("chain", f"/inspection/chain/?of={_code(stage)}")


def audit(stage: Stage, due: float) -> None:
    """A chain is audited in one press."""
    with stage.people.browser(OFFICER, due) as browser:
        form = browser.form("form of an audit", "/inspection/audits/new")
        # 400: goods of others' areas are not for this office.
        answer = browser.send("audit of a chain", form, {"of": _code(stage)}, expect=(303, 400))
        if answer.status == 303:
            browser.ask("audit, its page", path_of(answer))


def _code(stage: Stage) -> str:
    own = [page for page in stage.pages[:200] if page.startswith("/t/b/")]
    return stage.random.choice(own).rsplit("/", 1)[1]


def recall(stage: Stage, due: float) -> None:
    """A lot is recalled, warns, and a minute later the recall is taken back."""
    with stage.lock:
        own = [p for p in stage.pages[20:] if p.startswith("/t/b/") and p not in stage.warned]
        page = stage.random.choice(own)
        stage.warned.add(page)
    kind, password = "recall", stage.people.passwords[HEAD]
    with stage.people.browser(HEAD, due) as browser:
        form = browser.form(kind, "/inspection/recalls/new")
        code = page.rsplit("/", 1)[1]
        looked = browser.send(kind, form, {"codes": code, "act": "look"}, expect=(200,))
        chosen = re.findall(rb'name="thing"[^>]*value="(\d+)"', looked.body)
        if not chosen:
            stage.told.wonder(f"recall: nothing found for {code}")
            return
        values = {**form.fields, "codes": code, "act": "go", "thing": chosen[0].decode()}
        begun = browser.send(kind, form, values)
        case = path_of(begun).rsplit("/", 1)[0]
        shown = browser.ask(kind, path_of(begun))
        count = re.search(rb"<h1[^>]*>[^<]*?(\d+)", shown.body)
        values = {"hazard": "health", "grade": "2", "reason": "Mẫu vượt mức cho phép"}
        browser.send(kind, browser.form(kind, f"{case}/reason"), values)
        form = browser.form(kind, f"{case}/sign")
        values = {"act": "sign", "password": password}
        if "count" in form.names and count:
            values["count"] = count.group(1).decode()
        browser.send("recall, signed", form, values)
    body = stage.stranger().ask("recalled page", page).body
    if WARNED not in body:
        stage.told.wonder(f"recall: {page} does not warn")
    stage.later(60, lambda _, due: _take_back(stage, due, case, page))


def _take_back(stage: Stage, due: float, case: str, page: str) -> None:
    password = stage.people.passwords[HEAD]
    with stage.people.browser(HEAD, due) as browser:
        form = browser.form("recall", f"{case}/withdraw")
        values = {"reason": "Nhầm lô", "password": password}
        browser.send("recall, taken back", form, values)
        shown = browser.ask("recall", f"{case}/withdraw").body
    if b'value="second"' in shown:
        with stage.people.browser(SECOND, 0.0) as browser:
            form = browser.form("recall", f"{case}/withdraw")
            values = {"act": "second", "password": stage.people.passwords[SECOND]}
            browser.send("recall, taken back", form, values)
    body = stage.stranger().ask("recalled page", page).body
    if WARNED in body:
        stage.told.wonder(f"recall: {page} still warns")


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


def signing_in(stage: Stage, due: float) -> None:
    """Somebody signs in, looks, and signs out."""
    login = stage.random.choice((TRADER, HOUSE))
    with stage.lock:
        stage.numbers += 1
        number = stage.numbers * 4099
    visitor = stage.people.sign_in(login, number, due)
    form_page = visitor.form(
        "producer's page", "/producer/today", "//form[contains(@action,'sign-out')]"
    )
    visitor.send("sign-out", form_page, {})


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


# What is done, how often of a thousand times.
MIX: Final[dict[Act, int]] = {
    scan: 568,
    scan_new: 4,
    scan_changed: 4,
    capture_document: 40,
    capture_event: 60,
    query: 55,
    query_by_thing: 30,
    named_query: 8,
    entry: 40,
    new_lot: 12,
    desk: 45,
    labels: 8,
    sheet: 2,
    bring: 2,
    office: 20,
    chain: 10,
    audit: 3,
    reader: 40,
    signing_in: 4,
    wrong: 45,
}
# What is done once in so many seconds.
NOW_AND_THEN: Final[dict[Act, float]] = {recall: 150, export: 240}


def local_now() -> str:
    """The minute, as a form's clock in Viet Nam says it."""
    return clock.now().astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M")


def photo(random: Random) -> bytes:
    """A picture unlike any other, as large as phones make them after shrinking."""
    file = io.BytesIO()
    small = Image.frombytes("RGB", (64, 48), random.randbytes(64 * 48 * 3))
    small.resize((1280, 960)).save(file, "JPEG", quality=70)
    return file.getvalue()


def _uuid() -> str:
    made = os.urandom(16).hex()
    return f"{made[:8]}-{made[8:12]}-4{made[13:16]}-8{made[17:20]}-{made[20:]}"


def prepare(stage: Stage) -> None:
    """Signs everybody in, and looks what they have."""
    stage.people.sign_all_in()
    browser = stage.people.browsers[CLERK][0]
    told: dict[str, Any] = orjson.loads(
        browser.ask("producer's page", "/producer/outbox/pages").body
    )
    steps = ("irrigating", "weeding", "field_observation")
    stage.entries = [one for one in told["forms"] if one.endswith(steps) and "/cycles/" in one]
    for login in (CLERK, HOUSE, TRADER):
        browser = stage.people.browsers[login][0]
        body = browser.ask("producer's page", "/producer/batches/").body
        rows = re.findall(rb'"/producer/batches/(\d+)"', body)
        if rows:
            stage.lots[login] = [row.decode() for row in dict.fromkeys(rows)]
