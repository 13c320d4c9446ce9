"""A new organisation is told what to do first, and no list is ever empty without advice."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask, url_for

from tests.support.evenings import sow_for, village
from tests.support.fields import open_console
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient

# Pages that show figures or a form of their own, not rows.
NO_LISTS = frozenset(
    {"today.show", "today.catalogue", "organisation.show", "help.index", "factors.index"}
)
# Lists that are not called index, and views of a list.
MORE = (
    "/producer/shipments/?view=arrived",
    "/producer/shipments/?view=outgoing",
    "/producer/books/purchase",
    "/producer/books/land",
    "/producer/books/stock",
    "/producer/paper/consent",
    "/producer/tonight/",
    "/producer/group/spraying",
    "/producer/group/sowing",
    "/producer/weighing/new",
)


def list_addresses(app: Flask) -> list[str]:
    """Every list a signed-in person may look at: pages whose address ends in a noun and takes no
    argument, and those of `MORE`."""
    with app.test_request_context():
        found = [
            url_for(rule.endpoint)
            for rule in app.url_map.iter_rules()
            if rule.rule.startswith(("/producer/", "/account/", "/inspection/"))
            and not rule.arguments
            and "GET" in (rule.methods or ())
            and rule.endpoint.endswith("index")
            and rule.endpoint not in NO_LISTS
        ]
    return sorted([*found, *MORE])


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


@pytest.mark.one_database
@pytest.mark.parametrize(
    "kind", ["producer", "co-operative", "trader", "certifier", "laboratory", "authority"]
)
def test_every_list_of_a_new_organisation_says_what_to_do_and_leads_there(
    app: Flask, pages: PageClient, kind: str
) -> None:
    sign_in(app, pages.client, make_member(app, kind=kind))
    walked, silent, led = 0, [], set()
    for address in list_addresses(app):
        response = pages.client.get(address, headers={"Accept": "text/html"})
        if response.status_code in (403, 404):  # a desk of another kind of organisation
            continue
        page = pages.get(address)
        advice = page.find("//main//*[contains(@class, 'empty-state')]")
        rows = page.find("//main//table//tbody/tr") + page.find("//main//ul[@class='cards']/li")
        walked += 1
        if not advice and not rows and not page.find("//main//form[@method='post']"):
            silent.append(f"{address}: neither rows nor a word")
        for one in advice:
            links = one.xpath(".//a/@href")
            led |= set(links)
            if not one.xpath(".//p"):
                silent.append(f"{address}: no sentence")
            # Where the page itself has the button or the rows to press, the words are enough.
            if not links and not rows and not page.find("//main//form[@method='post']"):
                silent.append(f"{address}: leads nowhere")
    assert silent == [], "\n".join(silent)
    assert walked >= 6
    for link in sorted(led):
        assert pages.get(link).h1, link
