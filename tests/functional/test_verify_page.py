"""The page /verify and what it hands out, for everybody."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from deploy.make_standalone import SENT_MODULES
from tests.support.pages import PageClient

pytestmark = pytest.mark.one_database


def test_anyone_may_open_the_page_and_it_explains_itself_without_a_script(
    pages: PageClient,
) -> None:
    page = pages.get("/verify")
    assert page.h1 == "Tự kiểm tra bằng chứng"
    assert page.find("//noscript")


def test_the_page_is_there_in_english(client: FlaskClient) -> None:
    text = client.get("/verify", headers={"Accept-Language": "en"}).get_data(as_text=True)
    assert "Check a proof yourself" in text
    assert "Tệp" not in text


def test_every_module_is_served_as_a_script_that_the_policy_allows(client: FlaskClient) -> None:
    page = client.get("/verify")
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*src=)", page.get_data(as_text=True))
    for name in SENT_MODULES:
        with client.get(f"/static/verify/sent/{name}.js") as answer:
            assert answer.status_code == 200
            assert answer.mimetype == "text/javascript"


def test_the_checking_file_is_handed_out_for_keeping(client: FlaskClient) -> None:
    text = client.get("/verify").get_data(as_text=True)
    found = re.search(r'href="(/static/verify/standalone\.html[^"]*)" download="', text)
    assert found is not None
    with client.get(found[1]) as answer:
        assert answer.status_code == 200
