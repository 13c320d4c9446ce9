"""The pages of recalls on a cheap phone and at a desk: accessible, fitting, silent."""

from __future__ import annotations

from playwright.sync_api import Page
from sqlalchemy import select

from tests.support.browser import no_complaints, overflow, unfold, violations
from tests.support.members import Member, make_member, sign_in
from tests.support.recalls import PROVINCE, exercise, supervisor
from tests.support.server import LiveServer
from trace import clock
from trace.extensions import db
from trace.jobs.worker import run_pending
from trace.models import Recall, RecallHolder
from trace.services.actors import Actor
from trace.services.recalls import cases, ending, signing
from trace.web.access import COOKIE

REASON = {
    "hazard": "health",
    "reason": "Dư lượng vượt giới hạn",
    "instructions": "Ngừng bán",
}


def signed(actor: Actor, code: str, grade: int) -> int:
    """A case about this code, signed as far as one supervisor can."""
    now = clock.now()
    wanted = cases.Wanted([code])
    found = cases.find(actor, wanted)
    case = cases.begin(actor, wanted, found, kind="recall", rehearsal=False, at=now)
    values = {**REASON, "grade": grade, "determined_at": now}
    cases.choose_class(actor, case, values, version=case.version, at=now)
    db.session.flush()
    signing.sign(actor, case, None, version=case.version, at=now)
    db.session.commit()
    return case.id


def ending_of(actor: Actor, colleague: Actor, code: str) -> int:
    """A case of the highest class whose end waits for the second signature."""
    case = db.session.get_one(Recall, signed(actor, code, 1))
    signing.sign_second(colleague, case, version=case.version, at=clock.now())
    db.session.flush()
    ending.end(actor, case, "withdrawn", "Mẫu bị lẫn", version=case.version, at=clock.now())
    db.session.commit()
    return case.id


def test_every_page_of_a_recall_is_accessible_and_fits(page: Page, live_server: LiveServer) -> None:
    app = live_server.app
    member = supervisor(app, PROVINCE)
    other = supervisor(app, PROVINCE, inside=member.organisation_id)
    with app.app_context():
        world = exercise(clock.now(), lots=2, processors=1, shops=2)
        running = signed(member.actor, world.planting, 2)
        waiting = signed(member.actor, world.other, 1)
        half_ended = ending_of(member.actor, other.actor, world.lots[0])
        run_pending()
        listed = select(RecallHolder).where(RecallHolder.recall_id == running)
        holder = db.session.scalars(listed.where(RecallHolder.one_sided)).one()
        keeping = world.keepers[0].organisation.id
        shop = db.session.scalars(listed.where(RecallHolder.organisation_id == keeping)).one()
        row, link, mine = holder.id, holder.secret, shop.id
        keeper = make_member(app, inside=world.keepers[0].organisation.id)
    desk = "/inspection/recalls"
    pages = (
        f"{desk}/",
        f"{desk}/new",
        *(f"{desk}/{running}{rest}" for rest in ("", "/preview", "/reason", "/sign", "/phones")),
        *(f"{desk}/{running}{rest}" for rest in ("/close", "/withdraw", f"/holders/{row}")),
        f"{desk}/{waiting}",
        f"{desk}/{waiting}/second",
        f"{desk}/{half_ended}/withdraw",
    )
    wrong = look(page, live_server, member, pages)
    own = ("/producer/recalls/", f"/producer/recalls/{mine}/answer")
    wrong += look(page, live_server, keeper, own)
    page.context.clear_cookies()
    wrong += look(page, live_server, None, (f"/recall/{link}",))
    assert wrong == []


def look(
    page: Page, server: LiveServer, member: Member | None, addresses: tuple[str, ...]
) -> list[str]:
    """All that is wrong with these pages, on a phone and at a desk."""
    if member is not None:
        client = server.app.test_client()
        token = sign_in(server.app, client, member)
        page.context.add_cookies([{"name": COOKIE, "value": token, "url": server.url}])
    wrong = []
    with no_complaints(page):
        for address in addresses:
            page.set_viewport_size({"width": 360, "height": 640})
            page.goto(server.url + address)
            unfold(page)
            wrong += [f"{address} {fault}" for fault in violations(page)]
            for width in (360, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                if overflow(page):
                    wrong.append(f"{address} is {overflow(page)} px too wide at {width}")
    return wrong
