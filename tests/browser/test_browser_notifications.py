"""What a person is told, on a phone: the list, the choices with a device, the week and its figures.
Nothing axe complains of, nothing wider than the screen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from playwright.sync_api import Page

from tests.support.browser import no_complaints, overflow, violations
from tests.support.factories import new_lot, registered
from tests.support.members import Member, make_member, sign_in
from tests.support.push_service import HOST, Browser
from tests.support.server import LiveServer
from trace import clock
from trace.extensions import db
from trace.models import Request, ScanCount, Thing
from trace.services import deadlines, notifications, web_push
from trace.services.capture import capture
from trace.web.access import COOKIE

# The longer words of the two languages where a page is narrow for them.
PAGES = (
    "/account/notifications/?lang=vi",
    "/account/notifications/?q=nothing+like+it&lang=en",
    "/account/notifications/preferences?lang=en",
    "/producer/week/?lang=vi",
    "/producer/week/?monday=2026-01-05&lang=en",
)


def told(server: LiveServer) -> Member:
    """An owner with a message, a device, scans, a question and a lot of this week."""
    app, now = server.app, clock.now()
    member = make_member(app)
    with app.app_context():
        actor, lot = member.actor, new_lot()
        capture(actor, [registered(lot)], at=now)
        notifications.notify(
            actor.organisation,
            "alert-recall",
            {"by": "Chi cục", "what": "Cải ngọt · L2611", "count": "12"},
            at=now,
        )
        browser = Browser.new()
        assert actor.person is not None
        web_push.subscribe(
            actor.person,
            f"https://{HOST}/x",
            browser.p256dh,
            browser.auth,
            device="Chrome · Android",
            at=now,
        )
        thing = db.session.query(Thing.id).filter_by(kind="lot").scalar()
        today = deadlines.local_day(now)
        db.session.add(ScanCount(thing_id=thing, day=today, ward_code="09784", count=84))
        db.session.add(
            Request(
                kind="access",
                organisation_id=member.organisation_id,
                received_at=now,
                reply_by=today,
                finish_by=today + timedelta(days=10),
            )
        )
        db.session.commit()
    return member


def test_pages_of_what_is_told_fit_a_phone_and_everybody(
    page: Page, live_server: LiveServer
) -> None:
    app = live_server.app
    app.extensions["trace.settings"] = replace(
        app.extensions["trace.settings"], push_contact="mailto:desk@example.org"
    )
    token = sign_in(app, app.test_client(), told(live_server))
    page.context.add_cookies([{"name": COOKIE, "value": token, "url": live_server.url}])
    with no_complaints(page):
        for path in PAGES:
            page.goto(f"{live_server.url}{path}")
            assert violations(page) == [], path
            assert overflow(page) == 0, path
