"""Scans: what is counted and what is not, what is kept of it, and what adds up."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import scoped_session

from tests.conftest import create_app
from tests.support.databases import release
from tests.support.farms import Farm, id_base, make_farm, path_of, thing_id
from tests.support.mmdb import MARK, write_table
from tests.support.stamps import bind_stamps, make_stamps, stamp_page, stamp_path, void_stamps
from trace.config import BadSetting, Settings
from trace.extensions import db
from trace.models import Copy, ScanCount, ScanSalt, ScanVisit, UnitScan
from trace.models.types import to_millis
from trace.services import scans
from trace.services.counted import REGISTRY
from trace.services.scan_places import places_from
from trace.web.scan import rows
from trace.web.scan.beacon import counting, is_program
from trace.web.scan.buffer import Buffer

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
CHROME = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 Chrome/157.0.0.0 Mobile Safari/537.36"
)
BROWSER = {
    "User-Agent": CHROME,
    "Origin": "http://localhost",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "no-cors",
    "Sec-Fetch-Dest": "empty",
    "Accept-Language": "vi-VN,vi;q=0.9",
}
HANOI, SAIGON, HUE = "203.0.113.7", "198.51.100.7", "192.0.2.7"
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def shown(client: FlaskClient, page: str, address: str = HANOI, **more: Any) -> int:
    """A page was looked at; the answer's status."""
    headers = {**BROWSER, **more.pop("headers", {})}
    kept = {name: value for name, value in headers.items() if value is not None}
    at = {"REMOTE_ADDR": address}
    return client.post(page, headers=kept, environ_base=at, **more).status_code


def stored(client: FlaskClient) -> list[tuple[date, str, int]]:
    """What the sums hold after everything in memory is stored."""
    with client.application.app_context():
        counting(client.application).buffer.flush()
    db.session.rollback()
    rows = db.session.execute(
        select(ScanCount.day, ScanCount.ward_code, ScanCount.count).order_by(
            ScanCount.thing_id, ScanCount.day, ScanCount.ward_code
        )
    )
    return [(day, place, count) for day, place, count in rows]


# -- what counts -----------------------------------------------------------------------------------


def test_a_visitor_counts_once_a_day_and_the_next_day_again(
    farm: Farm, client: FlaskClient
) -> None:
    page = "/t" + path_of(farm.register(10))
    for _ in range(3):
        assert shown(client, page) == 204
    shown(client, page, SAIGON)
    shown(client, page, headers={"User-Agent": CHROME.replace("157", "158")})
    assert stored(client) == [(TODAY, "", 3)]
    shown(client, page)
    assert stored(client) == [(TODAY, "", 3)]
    with time_machine.travel(NOW + timedelta(days=1), tick=False):
        shown(client, page)
        assert stored(client) == [(TODAY, "", 3), (TODAY + timedelta(days=1), "", 1)]


@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"},
        {"User-Agent": "Mozilla/5.0 HeadlessChrome/157.0"},
        {"User-Agent": "python-requests/2.32"},
        {"User-Agent": ""},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
        {"X-Moz": "prefetch"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": None, "Origin": None},
        {"Sec-Fetch-Site": None, "Origin": "https://elsewhere.example"},
    ],
)
@pytest.mark.one_database
def test_previews_programs_and_pages_fetched_ahead_do_not_count(
    headers: dict[str, str | None], farm: Farm, client: FlaskClient
) -> None:
    page = "/t" + path_of(farm.register(10))
    assert shown(client, page, headers=headers) == 204
    assert stored(client) == []
    assert shown(client, page) == 204
    assert stored(client) == [(TODAY, "", 1)]


@pytest.mark.parametrize(
    "agent",
    [
        "Mozilla/5.0 (Linux; Android 12; CUBOT NOTE 8) Chrome/120.0 Mobile Safari/537.36 Zalo",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 [FBAN/FBIOS]",
        "Mozilla/5.0 (Linux; Android 13) Chrome/150.0 Mobile Safari/537.36 Telegram-Android/11.2",
    ],
)
def test_phones_of_people_are_not_taken_for_programs(agent: str) -> None:
    assert not is_program(agent)


def test_a_table_of_places_that_is_none_stops_the_start_by_name(tmp_path: Path) -> None:
    wrong = tmp_path / "networks.mmdb"
    for content in (None, b"", b"not a table"):
        if content is not None:
            wrong.write_bytes(content)
        with pytest.raises(BadSetting, match="TRACE_SCAN_PLACES"):
            Settings.from_env({"TRACE_INSTANCE": str(tmp_path), "TRACE_SCAN_PLACES": str(wrong)})
    wrong.write_bytes(b"broken all the same" + MARK + b"\xff")
    Settings.from_env({"TRACE_INSTANCE": str(tmp_path), "TRACE_SCAN_PLACES": str(wrong)})
    with pytest.raises(BadSetting, match="TRACE_SCAN_PLACES"):
        places_from(str(wrong))


@pytest.mark.one_database
def test_looking_without_the_beacon_makes_nothing_up(farm: Farm, client: FlaskClient) -> None:
    page = "/t" + path_of(farm.register(10))
    client.get(page, headers=BROWSER)
    client.head(page, headers=BROWSER)
    assert stored(client) == []
    assert len(counting(client.application).buffer) == 0


@pytest.mark.one_database
def test_old_phones_that_do_not_say_what_they_ask_for_count_by_their_page(
    farm: Farm, app: Flask
) -> None:
    page = "/t" + path_of(farm.register(10))
    apple = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 15_0) AppleWebKit/605.1.15 Version/15.0 Safari/604.1"
    )
    silent = {"Sec-Fetch-Site": None, "Sec-Fetch-Mode": None, "Sec-Fetch-Dest": None}
    client = app.test_client()
    # Over plain http no browser says so; over https only old ones do not.
    shown(client, page, headers={**silent, "User-Agent": CHROME})
    assert stored(client) == [(TODAY, "", 1)]
    app.config["SESSION_COOKIE_SECURE"] = True
    shown(client, page, headers={**silent, "User-Agent": CHROME.replace("157", "158")})
    shown(client, page, headers={**silent, "User-Agent": apple})
    assert stored(client) == [(TODAY, "", 2)]


@pytest.mark.parametrize(
    "path",
    ["/t/b/0000000000", "/t/b/7K3QMP2XV5", "/t/q/0000000000", "/t/b/", "/t/%00", "/t/01/x/10/y"],
)
@pytest.mark.one_database
def test_codes_that_are_none_answer_alike_and_count_nothing(
    path: str, farm: Farm, client: FlaskClient
) -> None:
    assert shown(client, path) == 204
    assert stored(client) == []


@pytest.mark.one_database
def test_of_one_address_only_so_many_count(
    farm: Farm, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "/t" + path_of(farm.register(10))
    shown(client, page)
    monkeypatch.setattr(counting(client.application).tally, "limit", 4)
    for number in range(10, 20):
        shown(client, page, headers={"User-Agent": CHROME.replace("157", str(number))})
    shown(client, page, SAIGON)
    assert stored(client) == [(TODAY, "", 5)]


# -- what is kept ----------------------------------------------------------------------------------


def test_no_address_and_no_browser_is_kept_and_marks_end_with_the_day(
    farm: Farm, client: FlaskClient, settings: Settings
) -> None:
    lot, other = farm.register(10), farm.register(20)
    for thing in (lot, other):
        shown(client, "/t" + path_of(thing))
    stored(client)
    marks = list(db.session.scalars(select(ScanVisit.mark)))
    assert len(set(marks)) == 2  # one visitor at two things: nobody can tell
    whole = b"".join(bytes(mark) for mark in marks)
    for text in (HANOI, "203.0.113", "Chrome"):
        assert text.encode() not in whole
    salt = db.session.scalars(select(ScanSalt.salt)).one()
    assert len(bytes(salt)) == 32
    scans.forget_over(at=NOW)
    assert db.session.scalar(select(func.count()).select_from(ScanVisit)) == 2
    scans.forget_over(at=datetime(2026, 11, 22, 17, 0, tzinfo=UTC))  # midnight in Viet Nam
    db.session.commit()
    for table in (ScanVisit, ScanSalt):
        assert db.session.scalar(select(func.count()).select_from(table)) == 0
    assert sum(count for _, _, count in stored(client)) == 2
    # Whoever has the database alone cannot test a guess: the other half is the server's secret.
    key = scans.mark_of(bytes(salt), f"{HANOI}\n{CHROME}\nvi-VN,vi;q=0.9", "x")
    assert key not in marks


def test_processes_of_one_day_share_its_key_and_the_next_day_has_another(
    farm: Farm, app: Flask
) -> None:
    first, second = scans.day_key(TODAY), scans.day_key(TODAY)
    assert first == second
    assert scans.day_key(TODAY + timedelta(days=1)) != first


def test_a_package_counts_for_its_lot_and_its_latest_scans_are_kept(
    farm: Farm, client: FlaskClient
) -> None:
    lot = farm.register(10)
    roll = make_stamps(farm.actor, 3)
    bind_stamps(farm, roll, 1, 1, lot)
    void_stamps(farm.actor, roll, 2, 2)
    bound, voided, blank = (stamp_page(roll, number) for number in (1, 2, 3))
    for page in (bound, bound, voided, blank):
        shown(client, page)
    assert stored(client) == [(TODAY, "", 1)]  # what is on no goods is no goods' scan
    assert db.session.scalar(select(func.count(UnitScan.id))) == 3
    with time_machine.travel(NOW + timedelta(hours=1), tick=False):
        shown(client, bound, data="1")
        assert stored(client) == [(TODAY, "", 1)]
    rows = select(UnitScan.again).where(UnitScan.serial == bound.rpartition("/")[2])
    assert db.session.scalars(rows.order_by(UnitScan.at)).all() == [False, True]
    # Nothing should carry a voided code: it is in the inspectors' queue at once.
    copy = db.session.scalars(select(Copy)).one()
    assert (copy.serial, copy.reasons, copy.said) == (voided.rpartition("/")[2], "voided:1", False)


def test_the_latest_thirty_two_scans_of_a_package_are_kept_for_sixty_days(
    farm: Farm, client: FlaskClient
) -> None:
    lot = farm.register(10)
    roll = make_stamps(farm.actor, 1)
    bind_stamps(farm, roll, 1, 1, lot)
    page = stamp_page(roll, 1)
    for number in range(40):
        with time_machine.travel(NOW + timedelta(minutes=number), tick=False):
            shown(client, page, f"198.51.100.{number}")
            if number % 13 == 0:
                stored(client)
    assert stored(client) == [(TODAY, "", 40)]
    kept = db.session.scalars(select(UnitScan.at).order_by(UnitScan.at)).all()
    assert (len(kept), kept[0]) == (32, NOW + timedelta(minutes=8))
    assert scans.forget_over(at=NOW + timedelta(days=60, minutes=10)) == 2
    db.session.commit()


# -- storing ---------------------------------------------------------------------------------------


def test_what_the_database_does_not_take_is_tried_again(
    farm: Farm, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = "/t" + path_of(farm.register(10))
    shown(client, page)
    shown(client, page, SAIGON)
    store = scans.store

    def locked(_: Any) -> int:
        raise OperationalError("database is locked", None, Exception())

    monkeypatch.setattr(scans, "store", locked)
    assert stored(client) == []
    assert len(counting(client.application).buffer) == 2
    assert REGISTRY.get_sample_value("trace_scans_waiting") == 2
    monkeypatch.setattr(scans, "store", store)
    assert stored(client) == [(TODAY, "", 2)]
    assert REGISTRY.get_sample_value("trace_scans_waiting") == 0


@pytest.mark.one_database
def test_a_full_memory_drops_scans_and_keeps_standing(farm: Farm, client: FlaskClient) -> None:
    page = "/t" + path_of(farm.register(10))
    dropped = REGISTRY.get_sample_value("trace_scans_dropped_total") or 0
    counting(client.application).buffer._limit = 2
    for address in (HANOI, SAIGON, HUE):
        assert shown(client, page, address) == 204
    assert stored(client) == [(TODAY, "", 2)]
    assert REGISTRY.get_sample_value("trace_scans_dropped_total") == dropped + 1


def test_a_thousand_scans_take_a_handful_of_statements(farm: Farm, client: FlaskClient) -> None:
    from tests.functional.test_scan_cost import counted

    lots = [farm.register(10) for _ in range(3)]
    roll = make_stamps(farm.actor, 20)
    bind_stamps(farm, roll, 1, 20, lots[0])
    pages = ["/t" + path_of(lot) for lot in lots]
    pages += [stamp_page(roll, number) for number in range(1, 21)]
    buffer = counting(client.application).buffer
    for number in range(1000):
        shown(client, pages[number % len(pages)], f"10.{number // 250}.{number % 250}.9")
    assert len(buffer) == 1000
    with counted() as seen:
        buffer.flush()
    assert len(seen) <= 16, seen
    assert sum(count for _, _, count in stored(client)) == 1000


def test_processes_that_store_at_once_lose_nothing_and_double_nothing(
    farm: Farm, app: Flask
) -> None:
    lot = farm.register(10)
    roll = make_stamps(farm.actor, 5)
    bind_stamps(farm, roll, 1, 5, lot)
    asked = [rows.ask(stamp_path(roll, number), id_base()) for number in range(1, 6)]
    seen = [
        scans.Seen(
            one.texts,
            (f"{one.identity.key}/{one.identity.value}", one.identity.get("serial") or ""),
            to_millis(NOW) + number * 3_600_000,
            f"{number:08d}{place:08d}".encode(),
            ("46", "96")[number % 2],
            number > 1,
        )
        for place, one in enumerate(asked)
        for number in range(8)
    ]
    db.session.rollback()
    # Every buffer has them all, each in another order, and they begin together.
    buffers = [Buffer(app) for _ in range(4)]
    for number, buffer in enumerate(buffers):
        for one in seen[number * 7 :] + seen[: number * 7]:
            buffer.add(one)
    together = Barrier(4)

    def store(buffer: Buffer) -> None:
        together.wait()
        while len(buffer):
            buffer.flush()  # what met another's lock is tried again

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(store, buffers))
    assert db.session.scalar(select(func.sum(ScanCount.count))) == len(seen)
    assert db.session.scalar(select(func.count()).select_from(ScanVisit)) == len(seen)
    judged = db.session.scalars(select(Copy)).all()
    assert (len(judged), all(row.said for row in judged)) == (5, True)


# -- places ----------------------------------------------------------------------------------------


@pytest.fixture
def placed(settings: Settings, tmp_path: Path) -> Iterator[Flask]:
    """The application of an operator who installed a table of networks."""
    country = {"iso_code": "VN"}
    table = write_table(
        tmp_path / "networks.mmdb",
        {
            "203.0.113.0/24": {"place": "09895"},
            "198.51.100.0/24": {"country": country, "subdivisions": [{"iso_code": "BD"}, {}]},
            "192.0.2.0/24": {
                "country": country,
                "subdivisions": [{"names": {"en": "Thua Thien Hue", "vi": "Tỉnh Bình Dương"}}],
                "location": {"accuracy_radius": 20},
            },
            "2001:db8::/32": {"country": country, "subdivisions": [{"iso_code": "SG"}]},
            "100.64.0.0/16": {
                "country": country,
                "subdivisions": [{"iso_code": "HN"}],
                "location": {"accuracy_radius": 500},
            },
            "100.65.0.0/16": {"country": {"iso_code": "LA"}, "subdivisions": [{"iso_code": "VT"}]},
        },
    )
    application = create_app(replace(settings, scan_places=str(table)))
    yield application
    release(application)


def test_places_come_from_the_operators_table_and_are_coarse(placed: Flask) -> None:
    client = placed.test_client()
    with placed.app_context():
        farm = make_farm(START)
        page = "/t" + path_of(farm.register(10))
        for address in (HANOI, SAIGON, HUE, "2001:db8::1", "100.64.0.1", "100.65.0.1", "10.0.0.1"):
            shown(client, page, address)
        # A ward of the operator's own; a code that is none; a name; a code; too vague; abroad.
        assert stored(client) == [(TODAY, "", 4), (TODAY, "09895", 1), (TODAY, "79", 2)]


# -- sums ------------------------------------------------------------------------------------------


def test_a_weeks_scans_and_a_products_are_added_up(farm: Farm, client: FlaskClient) -> None:
    lots = [farm.register(10), farm.register(20)]
    bare = farm.register(30, product="")
    stranger = make_farm(START, "HTX Demo khác").register(10)
    monday = date(2026, 11, 16)
    rows = [
        (lots[0], monday, "09895", 5),
        (lots[1], date(2026, 11, 22), "01", 2),
        (bare, monday, "", 1),
        (lots[0], date(2026, 11, 15), "00004", 50),
        (lots[0], date(2026, 11, 23), "", 70),
        (stranger, monday, "", 900),
    ]
    for lot, day, place, count in rows:
        db.session.add(ScanCount(thing_id=thing_id(lot), day=day, ward_code=place, count=count))
    db.session.commit()
    week = scans.week_of(farm.organisation.id, monday)
    assert (week.count, week.wards, week.provinces) == (8, 1, 1)
    assert week.things[0] == ("Cải ngọt, gói 300 g", 7)
    assert [count for _, count in week.things] == [7, 1]
    assert scans.week_of(farm.organisation.id, monday - timedelta(days=70)).count == 0
    total = scans.product_totals([farm.product.id])[farm.product.id]
    assert (total.count, total.wards, total.provinces) == (127, 2, 1)
    assert scans.product_totals([]) == {}
