"""What signed-in people do in `benchmarks.soak`: producers with phones and at desks, inspectors,
and supervisors who recall."""

from __future__ import annotations

import io
import re
import secrets
from random import Random
from typing import Final

import orjson
from PIL import Image

from benchmarks._soak_people import Form, Strange, Visitor, multipart, path_of
from benchmarks._soak_stage import (
    CLERK,
    FARMER,
    HEAD,
    HOUSE,
    LOOKS,
    OFFICER,
    SECOND,
    SECONDS,
    TRADER,
    WARNED,
    Stage,
)
from trace import clock
from trace.services.records import LOCAL_ZONE

PHOTO: Final = 0.3  # of entries carry one
SHEET: Final = 600  # labels of a sheet that is a job
TRIES: Final = 10
OK: Final = 200
SEE_OTHER: Final = 303

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
        path = stage.random.choice(DESK)
        browser.ask(f"producer's page, {path.removeprefix('/producer/')}", path)


def labels(stage: Stage, due: float) -> None:
    """A sheet that is made while one waits."""
    login = stage.random.choice(list(stage.lots))
    with stage.people.browser(login, due) as browser:
        row = stage.random.choice(stage.lots[login])
        form = browser.form("form of labels", f"/producer/labels/{row}")
        # 409: none are printed of goods on hold.
        browser.send("labels at once", form, {"count": "48"}, expect=(200, 409))


def sheet(stage: Stage, due: float) -> None:
    """A sheet that is a job, and its file."""
    login = stage.random.choice(list(stage.lots))
    with stage.people.browser(login, due) as browser:
        row = stage.random.choice(stage.lots[login])
        form = browser.form("form of labels", f"/producer/labels/{row}")
        answer = browser.send(
            "labels by a job", form, {"count": str(SHEET)}, expect=(SEE_OTHER, 409)
        )
    if answer.status == 409:
        return
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
    kind, password = "recall", stage.people.passwords[HEAD]
    with stage.people.browser(HEAD, due) as browser:
        form = browser.form(kind, "/inspection/recalls/new")
        page, chosen = _choose(stage, browser, form)
        code = page.rsplit("/", 1)[1]
        values = {**form.fields, "codes": code, "act": "go", "thing": chosen}
        # 409: the office has a case of it already, of the demonstration's own.
        begun = browser.send(kind, form, values, expect=(SEE_OTHER, 409))
        if begun.status != SEE_OTHER:
            return
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


def _choose(stage: Stage, browser: Visitor, form: Form) -> tuple[str, str]:
    """A lot's page, and its row as the form offers it. Raises Strange where none is found."""
    for _ in range(TRIES):
        with stage.lock:
            own = [p for p in stage.pages[20:] if p.startswith("/t/b/") and p not in stage.warned]
            page = stage.random.choice(own)
            stage.warned.add(page)
        entries = {"codes": page.rsplit("/", 1)[1], "act": "look"}
        # 400: goods of others' areas are not for this office.
        looked = browser.send("recall", form, entries, expect=(200, 400))
        found = re.search(rb'name="thing"[^>]*value="(\d+)"', looked.body)
        if looked.status == OK and found:
            return page, found.group(1).decode()
    stage.told.wonder("recall: nothing to recall was found")
    raise Strange


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


def local_now() -> str:
    """The minute, as a form's clock in Viet Nam says it."""
    return clock.now().astimezone(LOCAL_ZONE).strftime("%Y-%m-%dT%H:%M")


def photo(random: Random) -> bytes:
    """A picture unlike any other, as large as phones make them after shrinking."""
    file = io.BytesIO()
    small = Image.frombytes("RGB", (64, 48), random.randbytes(64 * 48 * 3))
    small.resize((1280, 960)).save(file, "JPEG", quality=70)
    return file.getvalue()
