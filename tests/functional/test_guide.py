"""A new organisation is told what to do first, and no list is ever empty without advice."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask, url_for

from tests.support.evenings import sow_for, village
from tests.support.fields import open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient

# Lists that begin with a form or show figures of their own, not rows.
NO_LISTS = frozenset({"today.show", "today.catalogue", "organisation.show"})


def list_addresses(app: Flask) -> list[str]:
    """Every page under /producer/ that ends in a noun and takes no argument."""
    with app.test_request_context():
        return sorted(
            url_for(rule.endpoint)
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith("/producer/")
            and not rule.arguments
            and "GET" in (rule.methods or ())
            and rule.endpoint.endswith(".index")
            and rule.endpoint not in NO_LISTS
        )


def test_the_first_steps_are_listed_and_go_away_when_they_are_done(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    console = open_console(app, pages)
    village(console, 1)
    page = pages.get("/producer/today")
    assert "Việc cần làm trước" in page.text
    assert pages.get(page.link("Bắt đầu vụ đầu tiên")).h1
    sow_for(console)
    page = pages.get("/producer/today")
    assert page.find("//main//a[.='Bắt đầu vụ đầu tiên']") == []
    assert page.link("In tem đầu tiên")
    lot = console.lot()
    pages.client.post(
        f"/producer/labels/{lot}",
        data={**pages.get(f"/producer/labels/{lot}").form().fields, "count": "1"},
    )
    assert "Việc cần làm trước" not in pages.get("/producer/today").text


@pytest.mark.parametrize("kind", ["co-operative", "certifier", "carrier", "laboratory"])
def test_every_list_of_a_new_organisation_says_what_to_do(
    app: Flask, pages: PageClient, kind: str
) -> None:
    sign_in(app, pages.client, make_member(app, kind=kind))
    walked = 0
    for address in list_addresses(app):
        response = pages.client.get(address, headers={"Accept": "text/html"})
        if response.status_code in (403, 404):  # a desk of another kind of organisation
            continue
        page = pages.get(address)
        advice = page.find("//main//*[contains(@class, 'empty-state')]")
        rows = page.find("//main//table//tbody/tr") + page.find("//main//ul[@class='cards']/li")
        walked += 1
        assert advice or rows or page.find("//main//form[@method='post']"), address
        for one in advice:
            assert one.xpath(".//p"), address
    assert walked >= 6
