"""The public front page: a box for a code that is checked before it leads anywhere."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient

from tests.support.pages import PageClient
from trace.core.gs1 import new_code, new_serial

pytestmark = pytest.mark.one_database

CODE = new_code(lambda count: bytes(range(7, 7 + count)))
SERIAL = new_serial(lambda count: bytes(range(3, 3 + count)))


@pytest.mark.parametrize(
    ("typed", "path"),
    [
        (CODE, f"/t/b/{CODE}"),
        (f"{CODE[:5]}-{CODE[5:]}", f"/t/b/{CODE}"),
        (f"  {CODE[:5].lower()} {CODE[5:].lower()} ", f"/t/b/{CODE}"),
        (f"{CODE}{SERIAL}", f"/t/b/{CODE}/{SERIAL}"),
        (f"{CODE[:5]}-{CODE[5:]} {SERIAL[:4]}-{SERIAL[4:]}", f"/t/b/{CODE}/{SERIAL}"),
        (f"https://trace.example/b/{CODE}", f"/t/b/{CODE}"),
        (f"https://trace.example/c/{CODE}", f"/t/c/{CODE}"),
        (
            "https://id.gs1.org/01/08936000000011/10/L2611?17=261124",
            "/t/01/08936000000011/10/L2611",
        ),
    ],
)
def test_a_code_leads_to_its_history(client: FlaskClient, typed: str, path: str) -> None:
    answer = client.get("/", query_string={"code": typed})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)


@pytest.mark.parametrize(
    "typed",
    [
        CODE[:-1] + ("0" if CODE[-1] != "0" else "1"),
        CODE[:-1],
        CODE + "1",
        "mã của tôi",
        "",
        "https://evil.example/b/7K3QMP2XV4",
        "//evil.example",
        "https://id.gs1.org/01/08936000000012",
        "/" * 3000,
        "\x00\x00/\x00",
    ],
)
def test_a_mistyped_code_is_said_to_be_so_and_kept_in_its_box(
    pages: PageClient, typed: str
) -> None:
    page = pages.get("/?" + urlencode({"code": typed}), status=400)
    assert page.title.startswith("Lỗi: ")
    assert page.texts("//*[@id='e-code']") != []
    if typed.isprintable():
        assert page.form().fields["code"] == typed.strip()


def test_the_page_explains_itself_in_both_languages(pages: PageClient) -> None:
    page = pages.get("/")
    assert page.h1 == "Nông sản này từ đâu tới?"
    assert page.link("Đăng nhập")
    english = pages.get("/?lang=en")
    assert english.h1 == "Where does this produce come from?"
    assert english.root.get("lang") == "en"
    pages.get("/about")


def test_wards_are_offered_while_typing(client: FlaskClient) -> None:
    found = client.get("/wards?q=dan phuong").json
    assert found is not None
    assert found["wards"][0] == {"code": "09784", "name": "Xã Đan Phượng, Hà Nội"}
    assert client.get("/wards").json == {"wards": []}
    assert client.get("/wards?q=" + "x" * 5000).json == {"wards": []}


def test_a_language_we_do_not_speak_is_not_found(client: FlaskClient) -> None:
    assert client.get("/language/xx").status_code == 404
