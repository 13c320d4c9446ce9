"""What the desk holds of people and of its own letters: found, emptied, and forgotten in time."""

from __future__ import annotations

import io
from datetime import date, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.factories import make_actor
from tests.support.farms import make_farm
from tests.support.members import Member
from tests.support.pages import PageClient
from tests.support.recalls import (
    DESK,
    PROVINCE,
    case_of,
    choose,
    classify,
    client_of,
    sign_it,
    supervisor,
)
from tests.support.reports import told
from trace.errors import NotFound
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.jobs.worker import run_pending
from trace.models import (
    AuthorityReport,
    Directive,
    DirectiveFile,
    DirectiveUnit,
    Handover,
    NoteLink,
    Recall,
    RecallAnswer,
    RecallHolder,
)
from trace.services import directive_files, keeping, subjects, subjects_desk
from trace.services.actors import Actor
from trace.services.answers import make_link
from trace.services.citizen_reports.reading import Contact, put_contact
from trace.services.directive_files import Paper
from trace.services.platform import platform_organisation

PHONE = "0912345678"


@pytest.fixture
def city(app: Flask, now: datetime) -> Member:
    return supervisor(app, PROVINCE)


def platform() -> Actor:
    """Whoever handles requests."""
    return Actor(platform_organisation(), None, "admin")


def keys(about: str) -> dict[str, tuple[str, ...]]:
    """Kind of record -> its fields, of what is held about somebody."""
    return {one.key.partition(":")[0]: one.fields for one in subjects.held_about(platform(), about)}


def listed(app: Flask, city: Member, now: datetime) -> tuple[PageClient, int, str]:
    """A recall that lists somebody without an account, who answered the note and the recall: its
    pages, its number, its code."""
    with app.app_context():
        farm = make_farm(now - timedelta(days=2))
        lot = farm.register(40)
        sent = farm.send(lot, None, 40)
        handover = db.session.get_one(Handover, sent.events[0].event_id)
        link = f"/g/{make_link(farm.actor, handover, at=now).secret}"
        db.session.commit()
    anyone = PageClient(app.test_client())
    anyone.submit(anyone.get(link), {"answer": "all", "name": "Bà Minh Họa", "phone": PHONE})
    pages = client_of(app, city, now)
    case = case_of(choose(pages, lot))
    classify(pages, case)
    sign_it(pages, case)
    with app.app_context():
        run_pending()
        secret = db.session.scalars(
            select(RecallHolder.secret).where(RecallHolder.shipment_id.is_not(None))
        ).one()
        code = db.session.get_one(Recall, case).code
    page = anyone.get(f"/recall/{secret}")
    anyone.submit(page, {"name": "Con bà Minh Họa", "note": "gọi 0912", "lines-1-quantity": "40"})
    return pages, case, code


def about_holders() -> set[str]:
    """All that is said of people without an account in the case and in the note."""
    rows: list[tuple[str, ...]] = [
        *((one.name, one.phone) for one in db.session.scalars(select(RecallHolder))),
        *((one.teller, one.note) for one in db.session.scalars(select(RecallAnswer))),
        *((one.name, one.phone) for one in db.session.scalars(select(NoteLink))),
    ]
    return {text for row in rows for text in row if text}


def test_who_a_recall_listed_without_an_account_is_found_and_emptied_once_it_is_over(
    app: Flask, city: Member, now: datetime
) -> None:
    pages, case, code = listed(app, city, now)
    with app.app_context():
        assert keys(PHONE)["recall-holder"] == ("name", "phone", "teller")
        assert keys(code)["recall-holder"] == ("name", "phone", "teller")
        held = {one.key for one in subjects.held_about(platform(), PHONE)}
        for key in held:  # by either row: whoever may have the goods must be reached
            with pytest.raises(subjects_desk.RecallRunning):
                subjects.erase_record(platform(), key, at=now)
        db.session.rollback()
    pages.submit(pages.get(f"{DESK}{case}/close"), {"reason": "Đã thu hồi đủ"})
    with app.app_context():
        (key,) = [one for one in held if one.startswith("recall-holder:")]
        subjects.erase_record(platform(), key, at=now)
        db.session.commit()
        assert about_holders() == set()
        assert keys(PHONE) == {}
        # What became of the goods is no personal data, and stays.
        assert [one.fate for one in db.session.scalars(select(RecallAnswer))] == ["sold"]


def test_holders_of_a_recall_are_forgotten_in_time_and_their_links_end(
    app: Flask, city: Member, now: datetime
) -> None:
    pages, case, _ = listed(app, city, now)
    pages.submit(pages.get(f"{DESK}{case}/close"), {"reason": "Đã thu hồi đủ"})
    with app.app_context():
        over = now + subjects_desk.RECALLS_KEPT
        assert tidy(at=over - timedelta(hours=1))["recall_holders"] == 0
        assert "Bà Minh Họa" in about_holders()
        assert tidy(at=over)["recall_holders"] >= 1
        assert set(db.session.scalars(select(RecallHolder.name))) == {""}
        assert set(db.session.scalars(select(RecallHolder.secret))) == {None}
        assert set(db.session.scalars(select(RecallAnswer.teller))) == {""}
        assert tidy(at=over)["recall_holders"] == 0


def test_a_contact_left_with_a_report_is_found_and_emptied(app: Flask, now: datetime) -> None:
    with app.app_context():
        make_farm(now)
        report, _ = told(now)
        other, _ = told(now)
        put_contact(report, Contact(contact="0912 345 678", tell=True))
        put_contact(other, Contact(contact="ai@vi-du.example", tell=True))
        db.session.commit()
        assert keys(PHONE) == {"report": ("contact",)}
        (held,) = subjects.held_about(platform(), PHONE)
        subjects.erase_record(platform(), held.key, at=now)
        db.session.commit()
        assert keys(PHONE) == {}
        assert keys("AI@vi-du.example") == {"report": ("contact",)}


def test_letters_and_reports_of_offices_are_kept_for_a_time(app: Flask, now: datetime) -> None:
    with app.app_context():
        office = make_actor(now, "Sở Minh họa", "authority", "confirmed", "supervisor", "01")
        farm = make_farm(now).organisation
        papers = [directive_files.keep([("a.pdf", io.BytesIO(b"%PDF-1.7 " + body))])[0]
                  for body in (b"mine", b"shared")]  # fmt: skip
        for paper in papers:
            letter(office, farm.id, papers if paper is papers[0] else papers[1:], now)
        still = letter(office, farm.id, papers[1:], now, ended=False)
        report = AuthorityReport(
            authority_id=office.organisation.id,
            period="week",
            first_day=1,
            last_day=7,
            figures="{}",
            made_at=now,
        )
        db.session.add(report)
        db.session.commit()
        over = now + keeping.DIRECTIVES_KEPT
        assert tidy(at=over - timedelta(hours=1))["directive_texts"] == 0
        done = tidy(at=over)
        assert (done["directive_texts"], done["authority_reports"]) == (2, 0)
        assert tidy(at=over)["directive_texts"] == 0
        rows = {one.id: one for one in db.session.scalars(select(Directive))}
        assert {one.text for key, one in rows.items() if key != still} == {""}
        assert rows[still].text == "Báo cáo"
        units = {one.directive_id: one.answer for one in db.session.scalars(select(DirectiveUnit))}
        assert sorted(units.values()) == ["", "", "Đã làm"]
        assert {one.directive_id for one in db.session.scalars(select(DirectiveFile))} == {still}
        with pytest.raises(NotFound):
            directive_files.fetch(papers[0].digest)
        assert directive_files.fetch(papers[1].digest)  # it goes with one that is open as well
        assert tidy(at=now + keeping.REPORTS_KEPT)["authority_reports"] == 1


def letter(
    office: Actor, unit: int, papers: list[Paper], at: datetime, *, ended: bool = True
) -> int:
    """A directive that was answered, with papers; its number."""
    made = Directive(
        authority_id=office.organisation.id,
        title="Rà soát",
        text="Báo cáo",
        due_on=date(2026, 11, 30),
        state="closed" if ended else "open",
        created_at=at,
        ended_at=at if ended else None,
    )
    db.session.add(made)
    db.session.flush()
    db.session.add(
        DirectiveUnit(directive_id=made.id, organisation_id=unit, state="answered", answer="Đã làm")
    )
    db.session.add_all(
        DirectiveFile(
            directive_id=made.id,
            name=paper.name,
            media_type=paper.media_type,
            digest=paper.digest,
            size=paper.size,
            created_at=at,
        )
        for paper in papers
    )
    db.session.flush()
    return made.id
