"""A message that reaches the console's service worker is shown, and leads nowhere but to a page of
ours; a browser that cannot be told says so and nothing is kept."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from playwright.sync_api import Page

from tests.support.members import make_member, sign_in
from tests.support.server import LiveServer
from trace.extensions import db
from trace.models import PushSubscription
from trace.web.access import COOKIE

pytestmark = pytest.mark.notebook
MESSAGES = [
    {
        "title": "Có hàng chờ bạn nhận",
        "address": "/producer/shipments/7",
        "tag": "n7",
        "lang": "vi",
    },
    {"title": "Xấu", "address": "//evil.example/x", "tag": "n8", "lang": "vi"},
    {"title": "Xấu", "address": "https://evil.example/x", "tag": "n9", "lang": "vi"},
]
# What is shown, once it is so many; after five seconds, whatever is.
SHOWN = """async (number) => {
    const worker = await navigator.serviceWorker.getRegistration("/producer/");
    let shown = [];
    for (let tries = 0; tries < 50 && shown.length !== number; tries += 1) {
        if (tries) await new Promise((resolve) => setTimeout(resolve, 100));
        shown = await worker.getNotifications();
    }
    return shown.map((one) => [one.title, one.tag, one.data.path]);
}"""


def test_messages_are_shown_and_this_browser_says_that_it_cannot_ask_for_them(
    page: Page, live_server: LiveServer
) -> None:
    app = live_server.app
    app.extensions["trace.settings"] = replace(
        app.extensions["trace.settings"], push_contact="mailto:desk@example.org"
    )
    token = sign_in(app, app.test_client(), make_member(app))
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": live_server.url}])
    page.context.grant_permissions(["notifications"])
    page.goto(f"{live_server.url}/account/notifications/preferences")
    page.click("form[data-push] button", timeout=5000)
    # A private window has no push service, and there is no other window here.
    page.get_by_text("Chưa bật được").wait_for()
    with app.app_context():
        assert db.session.query(PushSubscription).all() == []

    protocol = page.context.new_cdp_session(page)
    found: list[str] = []
    protocol.on(
        "ServiceWorker.workerRegistrationUpdated",
        lambda told: found.extend(one["registrationId"] for one in told["registrations"]),
    )
    protocol.send("ServiceWorker.enable")
    page.wait_for_timeout(200)
    # One after the other: a browser drops some of what comes at once to a worker still starting.
    shown: list[list[str]] = []
    for number, message in enumerate([*(json.dumps(one) for one in MESSAGES), "no JSON"], 1):
        protocol.send(
            "ServiceWorker.deliverPushMessage",
            {"origin": live_server.url, "registrationId": found[0], "data": message},
        )
        shown = page.evaluate(SHOWN, number)
    home = "/account/notifications/"
    assert sorted(shown) == sorted(
        [
            ["Có hàng chờ bạn nhận", "n7", "/producer/shipments/7"],
            ["Xấu", "n8", home],
            ["Xấu", "n9", home],
            ["Trace", "", home],
        ]
    )
