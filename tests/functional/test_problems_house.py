"""Errors are pages for people and problem documents for machines, on any address."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support.pages import PageClient


def test_an_unknown_address_is_a_proper_page(pages: PageClient) -> None:
    page = pages.get("/khong-co-trang-nay", status=404)
    assert page.h1


@pytest.mark.parametrize("language", ["vi", "en"])
def test_an_error_page_speaks_the_readers_language(pages: PageClient, language: str) -> None:
    pages.language = language
    assert pages.get("/khong-co-trang-nay", status=404).root.get("lang") == language


def test_a_machine_gets_a_problem_document(client: FlaskClient) -> None:
    answer = client.get("/khong-co-trang-nay", headers={"Accept": "application/json"})
    assert answer.status_code == 404
    assert answer.mimetype == "application/problem+json"
    assert answer.get_json()["code"] == "not-found"
