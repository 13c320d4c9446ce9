"""What people type off a label leads to the right page, or the answer says what looks wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import scoped_session

from tests.support.farms import Farm, make_farm
from tests.support.pages import Page, PageClient
from tests.support.stamps import bind_stamps, make_stamps, serial_of, stamp_path, void_stamps
from trace.core.gs1 import format_code, new_code
from trace.extensions import db
from trace.models import LabelRange
from trace.services.codes import identities_of

START = datetime(2026, 11, 8, 1, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")


@pytest.fixture
def farm(db_session: scoped_session[Any]) -> Farm:
    return make_farm(START)


def led(client: FlaskClient, typed: str) -> str:
    """Where a typed code leads, without the /t."""
    answer = client.get("/", query_string={"code": typed})
    assert answer.status_code == 303, answer.text[:2000]
    return answer.headers["Location"].removeprefix("/t")


def complaint(pages: PageClient, typed: str, status: int = 400) -> str:
    answer: Page = pages._open("GET", "/", status, query_string={"code": typed})
    box = answer.find("//input[@name='code']")[0]
    assert box.get("value") == typed.strip()
    return " ".join(answer.texts("//*[@id='e-code']"))


def test_every_way_of_writing_a_lots_code_leads_to_it(farm: Farm, client: FlaskClient) -> None:
    lot = farm.register(10)
    path = lot.removeprefix("https://trace.example")
    code = path.rpartition("/")[2]
    mistaken = code.replace("0", "o").replace("1", "l")
    for typed in (
        code,
        code.lower(),
        format_code(code),
        f" {code[:3]} {code[3:7]}.{code[7:]} ",
        "–".join((code[:5], code[5:])),
        mistaken,
        "".join(chr(ord(c) + 0xFEE0) for c in code),  # a full-width keyboard
        f"https://trace.example{path}",
        f"HTTPS://TRACE.EXAMPLE{path.upper()}",
        f"trace.example{path}",
        f"http://localhost{path}",
        f"localhost{path}" if "." in "localhost" else path,
    ):
        assert led(client, typed) == path, typed


def test_codes_lead_to_what_they_name_whatever_that_is(farm: Farm, client: FlaskClient) -> None:
    lot = farm.register(10)
    for address in (farm.box(lot, kilos=2), farm.sow()):
        path = address.removeprefix("https://trace.example")
        assert led(client, path.rpartition("/")[2]) == path
    assert led(client, farm.organisation.code) == f"/o/{farm.organisation.code}"
    assert led(client, farm.plot.code) == f"/l/{farm.plot.code}"
    assert led(client, farm.product.code) == f"/q/{farm.product.code}"


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        ("(01)08936012345674(10)L2611-7", "/01/08936012345674/10/L2611-7"),
        ("(01) 0893 6012 345674 (10) L2611-7 (17) 261126", "/01/08936012345674/10/L2611-7"),
        ("8936012345674", "/01/08936012345674"),
        ("0108936012345674", "/01/08936012345674"),
        ("(00) 389360120000000147", "/00/389360120000000147"),
        ("3 8936 0120 0000 0014 7", "/00/389360120000000147"),
        ("00389360120000000147", "/00/389360120000000147"),
    ],
)
def test_numbers_under_bar_codes_lead_to_what_they_number(
    farm: Farm, client: FlaskClient, typed: str, path: str
) -> None:
    assert led(client, typed) == path


def test_sixteen_characters_alone_lead_to_the_stamp_in_whatever_state_it_is(
    farm: Farm, client: FlaskClient, pages: PageClient
) -> None:
    lot, roll = farm.register(10), make_stamps(farm.actor, 3)
    bind_stamps(farm, roll, 1, 1, lot)
    void_stamps(farm.actor, roll, 2, 2)
    told = {1: (200, "Cải ngọt"), 2: (410, "Tem đã hủy"), 3: (200, "chưa gắn với lô hàng")}
    for number, (status, words) in told.items():
        serial = serial_of(roll, number)
        path = stamp_path(roll, number)
        for typed in (serial, format_code(serial).lower(), serial.replace("0", "O")):
            assert led(client, typed) == path
        answer = client.get(f"/t{path}")
        assert answer.status_code == status
        assert words in answer.text
    assert "16" in complaint(pages, "0123456789ABCDEF", 404)


def test_the_number_on_a_roll_is_no_code_because_it_can_be_guessed(
    farm: Farm, pages: PageClient
) -> None:
    roll = make_stamps(farm.actor, 3)
    code = db.session.get_one(LabelRange, roll).code
    for typed in (f"{code}#1", f"{format_code(code)} #2", code):
        assert "16 ký tự" in complaint(pages, typed)


def test_a_mistyped_code_is_answered_with_the_one_that_exists_and_where_they_differ(
    farm: Farm, pages: PageClient
) -> None:
    code = farm.register(10).rpartition("/")[2]
    wrong = next(c for c in "8B5S" if c != code[3])
    typed = code[:3] + wrong + code[4:]
    said = complaint(pages, typed)
    assert format_code(code) in said
    assert f"thứ 4 có thể là {code[3]}" in said
    swap = next(n for n in range(9) if code[n] != code[n + 1])
    typed = code[:swap] + code[swap + 1] + code[swap] + code[swap + 2 :]
    assert format_code(code) in complaint(pages, typed)


def test_a_mistyped_code_nobody_knows_is_told_which_characters_to_look_at(
    farm: Farm, pages: PageClient
) -> None:
    alike = {"8": "B", "B": "8", "5": "S", "S": "5"}
    meant = new_code(lambda _: bytes([35] * 6))
    place = next(n for n, c in enumerate(meant) if c in alike)
    typed = meant[:place] + alike[meant[place]] + meant[place + 1 :]
    said = complaint(pages, typed)
    assert "Xem lại ký tự thứ" in said
    assert f"{place + 1}: {typed[place]} – {meant[place]}?" in said


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("7K3QMP2XU4", "U"),
        ("7K3QMP2X*4", "10"),
        ("12345", "5"),
        ("389360120000000140", "7"),  # what the check digit should be
        ("8936012345670", "4"),
        ("0123456789ABCDE%", "15"),
        ("(99)abc", "16"),
    ],
)
def test_what_is_no_code_says_what_is_wrong_with_it(
    farm: Farm, pages: PageClient, typed: str, said: str
) -> None:
    assert said in complaint(pages, typed)


@pytest.mark.one_database
@pytest.mark.parametrize("path", ["01/09520002010025/10/261120-01H", "b/HGJ4RN3CGE"])
def test_a_path_alone_is_the_code_that_a_whole_address_is(path: str) -> None:
    base = "https://trace.example"
    whole = identities_of(f"{base}/{path}", base)
    assert len(whole) == 1
    assert identities_of(path, base) == identities_of(f"/{path}", base) == whole
