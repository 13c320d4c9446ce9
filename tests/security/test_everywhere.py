"""Every address the product answers, asked in one world by everybody it may know.

One walk over all routes, once each for somebody of a farm, of an authority, of the platform and for
nobody, over https, with hostile headers and parameters; the tests below read what it heard.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.conftest import create_app
from tests.functional.test_roles import address
from tests.security.everything import Everything, everything
from tests.security.test_objects import values_of
from tests.support.databases import SqliteDatabase, release
from tests.support.members import make_member, sign_in
from tests.support.statements import statements
from trace.config import Settings
from trace.extensions import csrf, db
from trace.web.access import rule_of

BASE = "https://trace.example"
EVIL = "evil.example"
HOSTILE = {
    "Host": f"trace.{EVIL}",
    "X-Forwarded-Host": EVIL,
    "X-Forwarded-Proto": "http",
    "X-Forwarded-Prefix": f"//{EVIL}",
    "X-Original-URL": f"//{EVIL}/",
    "X-Rewrite-URL": f"//{EVIL}/",
    "Forwarded": f"host={EVIL}",
    "Origin": f"https://{EVIL}",
    "Referer": f"https://{EVIL}/x",
}
QUERY = f"next=https://{EVIL}/&next=//{EVIL}&lang=vi%0d%0aX-Evil:%201&format=csv&return=//{EVIL}"
# Tables that reading writes to: who looked, what was built to be shown, who was here.
LEFT_BY_READING = frozenset(
    {
        *("audit", "sessions", "tokens", "passports", "counters", "scan_visits", "scan_salts"),
        *("scans", "unit_scans", "push_keys", "notifications", "people"),
    }
)


@dataclasses.dataclass(slots=True)
class Heard:
    """One answer. `who` is a name of the world's members, or ""."""

    who: str
    rule: str
    endpoint: str
    status: int
    headers: Any
    data: bytes
    wrote: frozenset[str]

    def __str__(self) -> str:
        return f"{self.who or 'nobody'} {self.rule} {self.status}"

    @property
    def kind(self) -> str:
        return str(self.headers.get("Content-Type", "")).partition(";")[0]


@dataclasses.dataclass(slots=True)
class Walk:
    app: Flask
    world: Everything
    heard: list[Heard]


@pytest.fixture(scope="module")
def walk(
    sqlite_database: SqliteDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Walk]:
    from tests.conftest import settings_for

    folder = tmp_path_factory.mktemp("everywhere")
    settings: Settings = settings_for(folder / "instance", sqlite_database.fresh())
    app = create_app(dataclasses.replace(settings, public_url=BASE))
    world = everything(app)
    poison(app)
    heard = [one for who in ("farm", "authority", "admin", "") for one in answers(app, world, who)]
    yield Walk(app, world, heard)
    release(app)


def poison(app: Flask) -> None:
    """Names of the farm's things become what a spreadsheet would run."""
    with app.app_context():
        for name in (
            "households",
            "places",
            "products",
            "sensors",
            "organisations",
            "catalogue_items",
        ):
            db.session.execute(db.text(f"UPDATE {name} SET name = '=1+1|' || id"))
        for column in ("words", "text", "note", "item", "sentence", "reason", "title"):
            for table in db.metadata.sorted_tables:
                if column in table.c and table.name in POISONED:
                    db.session.execute(
                        table.update().values({column: "@SUM(1)\tcmd"})  # the other beginnings
                    )
        db.session.commit()


POISONED = frozenset({"findings", "reports", "plans", "book_lines", "jottings", "inspections"})


def answers(app: Flask, world: Everything, who: str) -> Iterator[Heard]:
    client = app.test_client()
    if who == "admin":
        sign_in(app, client, make_member(app, role="admin", kind="platform"))
    elif who:
        sign_in(app, client, world.members[who])
    cookies = {cookie.key: cookie.value for cookie in client._cookies.values()}  # type: ignore[union-attr]
    sent = "; ".join(f"__Host-{name}={value}" for name, value in cookies.items())
    visitor = app.test_client(use_cookies=False)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    for rule in sorted(app.url_map.iter_rules(), key=lambda one: (one.rule, one.endpoint)):
        if "GET" not in (rule.methods or ()):
            continue
        found = values_of(rule, world.marks) if rule.arguments else None
        path = (
            app.url_map.bind("localhost").build(rule.endpoint, found[0])
            if found
            else address(app, rule)
        )
        headers = {**HOSTILE, "Cookie": sent, "Accept": "text/html"}
        with statements(app) as asked:
            response = tried(visitor, f"{path}?{QUERY}", headers)
        if response is not None:
            yield Heard(
                who,
                rule.rule,
                rule.endpoint,
                response.status_code,
                response.headers,
                response.get_data(),
                written(asked),
            )
            response.close()


def tried(visitor: Any, path: str, headers: dict[str, str]) -> TestResponse | None:
    """None where a row that stands for an object does not bear being shown."""
    try:
        found: TestResponse = visitor.get(path, base_url=BASE, headers=headers)
    except Exception:
        return None
    return found


WRITING = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.IGNORECASE)


def written(asked: list[str]) -> frozenset[str]:
    return frozenset(found[1] for one in asked if (found := WRITING.match(one)))


def test_the_walk_is_long_and_meets_pages(walk: Walk) -> None:
    assert len(walk.heard) > 1000
    assert sum(one.status == 200 for one in walk.heard) > 300
    assert len({one.endpoint for one in walk.heard if one.status == 200}) > 200


def test_every_answer_bears_the_guards_of_its_kind(walk: Walk) -> None:
    wrong = []
    for one in walk.heard:
        said = one.headers
        policy = parts(said.get("Content-Security-Policy", ""))
        shut = [policy.get(name) for name in ("default-src", "base-uri", "frame-ancestors")]
        sources = " ".join(policy.get("script-src", "") + " " + policy.get("style-src", ""))
        if (
            shut != ["'none'"] * 3
            or re.search(r"unsafe|\*|https?:|//", " ".join(policy.values()))
            or "unsafe" in sources
            or said.get("X-Content-Type-Options") != "nosniff"
            or said.get("Referrer-Policy") not in ("same-origin", "no-referrer")
            or said.get("Strict-Transport-Security") != "max-age=31536000; includeSubDomains"
            or (
                one.kind.startswith("text/") and "charset=utf-8" not in said["Content-Type"].lower()
            )
            or (one.data and not one.kind)
        ):
            wrong.append((str(one), dict(said)))
    assert wrong == []


def parts(policy: str) -> dict[str, str]:
    pairs = (part.strip().partition(" ") for part in policy.split(";"))
    return {name: value for name, _, value in pairs}


def test_nothing_of_the_senders_choosing_is_in_the_answer(walk: Walk) -> None:
    wrong = []
    for one in walk.heard:
        told = str(one.headers).replace(f"next=https://{EVIL}", "")
        way = one.headers.get("Location", "")
        if urlsplit(way).netloc not in ("", "trace.example") or way.startswith(("//", "/\\")):
            wrong.append((str(one), way))
        elif "X-Evil" in one.headers or (EVIL in told and EVIL not in urlsplit(way).query):
            wrong.append((str(one), told))
        elif re.search(
            rf"(?:href|src|action)=[\"']?(?:https?:)?//[^\"'/?]*{EVIL}",
            one.data.decode("utf-8", "replace"),
        ):
            wrong.append((str(one), "in the page"))
    assert wrong == []


def test_reading_changes_nothing(walk: Walk) -> None:
    # A directive that was opened is one that was seen, which its authority is told.
    left = {"received_directives.show": {"directive_units"}}
    changed = {
        str(one): more
        for one in walk.heard
        if (more := one.wrote - LEFT_BY_READING - left.get(one.endpoint, set()))
    }
    assert changed == {}


def test_what_a_signed_in_person_sees_is_kept_nowhere(walk: Walk) -> None:
    # The picture of a label is what is printed on goods.
    private = [
        one
        for one in walk.heard
        if one.who and not public(walk.app, one.endpoint) and one.endpoint not in LABELS
    ]
    same_for_all = [one for one in private if rule_of(walk.app, one.endpoint) == "public"]
    pages = [one for one in private if one not in same_for_all or one.kind == "text/html"]
    wrong = [str(one) for one in pages if "no-store" not in one.headers.get("Cache-Control", "")]
    assert len(pages) > 500
    assert wrong == []


LABELS = {"labels.png", "labels.svg"}


def public(app: Flask, endpoint: str) -> bool:
    return (rule_of(app, endpoint) or "").partition(":")[0] in ("anonymous", "token")


def test_other_origins_may_read_what_is_public_only(walk: Walk) -> None:
    open_to_all = [one for one in walk.heard if "Access-Control-Allow-Origin" in one.headers]
    assert open_to_all != []
    assert {one.headers["Access-Control-Allow-Origin"] for one in open_to_all} == {"*"}
    assert [
        str(one) for one in open_to_all if "Access-Control-Allow-Credentials" in one.headers
    ] == []
    assert [str(one) for one in open_to_all if not public(walk.app, one.endpoint)] == []


def test_no_page_loads_runs_or_styles_anything_inline(walk: Walk) -> None:
    """Scripts and styles in a page are those whose hashes its own policy names."""
    wrong = []
    for one in walk.heard:
        if one.kind != "text/html":
            continue
        text = one.data.decode()
        hashed = "'sha256-" in one.headers["Content-Security-Policy"]
        inline = re.findall(
            r"<script(?![^>]*\bsrc=)(?![^>]*ld\+json)[^>]*>|\son\w+=\"|javascript:", text
        )
        styles = re.findall(r"<style\b|\sstyle=\"", text)
        if inline or (styles and not hashed):
            wrong.append((str(one), inline, styles))
    assert wrong == []


def test_no_cell_of_a_spreadsheet_is_a_formula(walk: Walk) -> None:
    sheets = wrong = 0
    for one in walk.heard:
        if one.status == 200 and one.kind == "text/csv":
            sheets += 1
            cells = [
                cell
                for row in csv.reader(io.StringIO(one.data.decode("utf-8-sig")))
                for cell in row
            ]
            bad = [cell for cell in cells if re.match(r"[=+@\t\r]|-(?![\d.,]+$)", cell)]
            assert bad == [], str(one)
        elif one.status == 200 and one.data.startswith(b"PK") and "spreadsheet" in one.kind:
            sheets += 1
            with zipfile.ZipFile(io.BytesIO(one.data)) as book:
                for name in book.namelist():
                    if name.startswith("xl/worksheets/"):
                        wrong += b"<f>" in book.read(name) or b"<f " in book.read(name)
    assert sheets > 10
    assert not wrong


def test_methods_that_nobody_named_are_refused(walk: Walk) -> None:
    client = walk.app.test_client()
    for path in (
        "/",
        "/sign-in",
        "/producer/",
        "/t/b/7K3QMP2XV4",
        "/api/v1/batches",
        "/log/checkpoint",
    ):
        for method in ("TRACE", "TRACK", "CONNECT", "DEBUG", "PROPFIND"):
            status = client.open(path, method=method, base_url=BASE).status_code
            assert status == (404 if path == "/producer/" else 405), (method, path, status)


# -- sending ---------------------------------------------------------------------------------------

# Who is known by what the request itself bears (a token, a secret in the address), or by nothing:
# no browser adds anything to a forged one.
WITHOUT = {
    *("api_keys", "api_sensors", "api_statements", "api_v1", "api_verify", "epcis", "follow"),
    *("notes", "recall_answers", "reporting", "requests", "unsubscribe"),
}
PUBLIC_VIEWS = {"trace.web.finding.by_camera"}


def test_nothing_is_changed_by_a_form_from_elsewhere(walk: Walk) -> None:
    assert {one if isinstance(one, str) else one.name for one in csrf._exempt_blueprints} == WITHOUT
    assert csrf._exempt_views == PUBLIC_VIEWS
    app, world = walk.app, walk.world
    token = sign_in(app, app.test_client(), world.members["farm"])
    client = app.test_client(use_cookies=False)
    sent, wrong = 0, []
    for rule in app.url_map.iter_rules():
        methods = (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}
        if not methods or rule.endpoint.partition(".")[0] in {*WITHOUT, "scan", "finding"}:
            continue
        for method in methods:
            headers = {"Cookie": f"__Host-trace_session={token}", "Origin": f"https://{EVIL}"}
            with statements(app) as asked:
                answer = client.open(
                    address(app, rule, method),
                    method=method,
                    base_url=BASE,
                    headers=headers,
                    data={"name": "x", "csrf_token": "forged"},
                )
            sent += 1
            if answer.status_code != 400 or written(asked) - LEFT_BY_READING:
                wrong.append((method, rule.rule, answer.status_code, written(asked)))
    assert sent > 150
    assert wrong == []
