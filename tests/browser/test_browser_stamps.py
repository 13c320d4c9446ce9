"""Labels and stamps on a cheap phone: accessible, fitting, silent, in both languages."""

from __future__ import annotations

import os
from pathlib import Path

from playwright.sync_api import BrowserContext, Page
from sqlalchemy import select

from tests.support.browser import no_complaints, overflow, violations
from tests.support.fields import open_console
from tests.support.pages import PageClient
from tests.support.server import LiveServer
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import LabelPrint, LabelRange, Unit
from trace.web.access import COOKIE


def test_pages_of_labels_are_accessible_and_fit_a_small_screen(
    live_server: LiveServer, context: BrowserContext, page: Page
) -> None:
    console = open_console(live_server.app, PageClient(live_server.app.test_client()))
    lot = console.lot("10")
    form = console.pages.get(f"/producer/labels/{lot}")
    console.pages.submit(form, {"what": "unit", "count": "30", "reason": "thử"})
    console.pages.submit(console.pages.get("/producer/stamps/new"), {"count": "12"})
    with live_server.app.app_context():
        first, second = db.session.scalars(select(LabelRange.id).order_by(LabelRange.id)).all()
        jobs = db.session.scalars(select(LabelPrint.job).order_by(LabelPrint.id)).all()
        keys = {
            roll: f"/t/{'%s/21/%s' if key.startswith('01') else '%s/%s'}" % (key, serial)
            for roll, key, serial in db.session.execute(
                select(Unit.range_id, Unit.key, Unit.serial).where(Unit.number == 1)
            )
        }
        run_pending()
    bad = f"{keys[second].rpartition('/')[0]}/0123456789ABCDEF"
    cookie = console.pages.client.get_cookie(COOKIE)
    assert cookie is not None
    context.add_cookies([{"name": COOKIE, "value": cookie.value, "url": live_server.url}])
    addresses = (
        f"/producer/labels/{lot}",
        f"/producer/labels/sheets/{jobs[0]}",
        "/producer/stamps",
        "/producer/stamps/new",
        "/producer/stamps/bind",
        f"/producer/stamps/{first}",
        f"/producer/stamps/{second}/again",
        f"/producer/stamps/{second}/void",
        keys[first],
        keys[second],
        bad,
    )
    kept = os.environ.get("TRACE_SCREENS")
    for language in ("vi", "en"):
        page.goto(f"{live_server.url}/language/{language}")
        for number, address in enumerate(addresses):
            asked = f"{address}?lang={language}" if address.startswith("/t/") else address
            if address == bad:
                page.goto(live_server.url + asked)  # a 404 is told on the console
            else:
                with no_complaints(page):
                    page.goto(live_server.url + asked)
            assert violations(page) == [], asked
            assert overflow(page) == 0, asked
            assert page.locator("h1").count() == 1
            if kept:
                shot = Path(kept) / f"{number:02}-{language}.png"
                page.screenshot(path=str(shot), full_page=True)
