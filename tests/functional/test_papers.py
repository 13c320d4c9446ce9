"""Photos of papers: sealed at rest, seen by two, deleted when the decision is past complaint."""

from __future__ import annotations

import io
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.conftest import FIXED_NOW
from tests.support.codes import register
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from tests.support.photos import a_photo
from trace.extensions import db
from trace.jobs.tidying import tidy
from trace.models import Application, Audit
from trace.services import papers
from trace.services.applications import PAPERS_KEPT, forget_papers
from trace.services.sealing import SealedTextBroken
from trace.services.settings import current_settings


def test_papers_are_sealed_at_rest_and_deleted_when_their_purpose_ends(
    app: Flask, pages: PageClient, now: datetime
) -> None:
    desk = make_member(app, role="admin", kind="platform", name="Nền tảng")
    register(app, pages, paper_kind="identity", papers=(io.BytesIO(a_photo()), "cccd.jpg"))
    address = pages.get("/producer/application/").find("//main//img")[0].get("src")
    photo = pages.client.get(address).data
    assert photo.startswith(b"\xff\xd8")
    with app.app_context():
        folder = current_settings().instance / "papers"
        (kept,) = [path for path in folder.rglob("*") if path.is_file()]
        assert b"\xff\xd8" not in kept.read_bytes()[:64]
        # An earlier release kept it as it was: the hour seals it, and the page shows it all along.
        kept.unlink()
        kept.with_suffix(".jpg").write_bytes(photo)
        assert pages.client.get(address).data == photo
        tidy(at=FIXED_NOW)
        assert [path for path in folder.rglob("*") if path.is_file()] == [kept]
        # Another key-encryption key: half done is gone on with, and the old one opens it no more.
        old, new = current_settings().key_encryption_key, bytes(range(1, 33))
        assert [papers.rewrap(old, new), papers.rewrap(old, new)] == [1, 1]
        with pytest.raises(SealedTextBroken):
            papers.read_paper(kept.stem)
        papers.rewrap(new, old)
        assert papers.read_paper(kept.stem) == photo
    judge = PageClient(app.test_client())
    sign_in(app, judge.client, desk)
    page = judge.get("/admin/applications/")
    judge.submit(judge.get(page.find("//main//td/a")[0].get("href")), {"decision": "confirmed"})
    with app.app_context():
        forget_papers(at=FIXED_NOW + PAPERS_KEPT - timedelta(minutes=1))
        assert kept.exists()
        forget_papers(at=FIXED_NOW + PAPERS_KEPT)
        db.session.commit()
        assert not kept.exists()
        assert db.session.scalars(select(Application)).one().papers == []
        done = {row.action for row in db.session.scalars(select(Audit))}
        assert "application.papers-deleted" in done
    assert pages.client.get(address).status_code == 404
    assert "Chưa có giấy tờ nào" in pages.get("/producer/application/").text
