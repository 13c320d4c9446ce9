"""Answers to a recall as facts of the chain: signed, counted once, taken back."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import zxingcpp
from flask import Flask
from PIL import Image
from sqlalchemy import func, select

from tests.support.farms import Farm, make_farm, thing_id
from tests.support.members import make_member
from tests.support.pages import Page, PageClient
from tests.support.recalls import (
    DESK,
    PROVINCE,
    case_of,
    choose,
    classify,
    client_of,
    refused_by,
    sign_it,
    supervisor,
)
from trace.core.verify import verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.extensions import db
from trace.jobs.worker import publish, run_pending
from trace.models import (
    Event,
    EventThing,
    Handover,
    Holding,
    Recall,
    RecallAnswer,
    RecallHolder,
)
from trace.services import witnessing
from trace.services.recalls import bundled
from trace.services.recalls.boards import board_of


class Story:
    """A maker, a trader and a shop that has two of the maker's lots; both are recalled."""

    def __init__(self, app: Flask, now: datetime) -> None:
        self.app, self.now = app, now
        with app.app_context():
            at = now - timedelta(days=3)
            maker, trader, shop = (make_farm(at, name) for name in ("HTX Gốc", "Vựa", "Quầy"))
            self.lots = [handed(maker, trader, shop, 30), handed(maker, trader, shop, 20)]
            self.things = [thing_id(lot) for lot in self.lots]
            self.shop_id, self.trader_id = shop.organisation.id, trader.organisation.id
            self.maker_id = maker.organisation.id
        self.desk = client_of(app, supervisor(app, PROVINCE), now)
        self.case = case_of(choose(self.desk, *self.lots))
        classify(self.desk, self.case)
        sign_it(self.desk, self.case)
        self.keeper = client_of(app, make_member(app, role="recorder", inside=self.shop_id), now)
        with app.app_context():
            run_pending()
            found = select(RecallHolder.id).where(RecallHolder.organisation_id == self.shop_id)
            self.answer = f"/producer/recalls/{db.session.scalars(found).one()}/answer"

    def say(self, told: dict[str, str], key: str = "") -> None:
        entries = {**told, **({"form_key": key} if key else {})}
        self.keeper.submit(self.keeper.get(self.answer), entries)
        with self.app.app_context():
            run_pending()

    def book(self) -> list[Decimal]:
        with self.app.app_context():
            rows = db.session.execute(
                select(Holding.thing_id, Holding.quantity).where(Holding.holder_id == self.shop_id)
            )
            found = {row.thing_id: row.quantity for row in rows}
            return [found[thing] for thing in self.things]

    def steps(self) -> list[tuple[str | None, str | None, bool]]:
        """What the shop signed since: step, disposition, whether it says the last was an error."""
        with self.app.app_context():
            rows = db.session.execute(
                select(Event.biz_step, Event.disposition, Event.corrects)
                .where(Event.issuer_id == self.shop_id, Event.biz_step != "receiving")
                .order_by(Event.id)
            )
            return [(row[0], row[1], row[2] is not None) for row in rows]

    def board(self) -> tuple[Decimal, Decimal]:
        """Distributed, and accounted for of it."""
        with self.app.app_context():
            board = board_of(db.session.get_one(Recall, self.case))
            return board.had["KGM"], board.accounted["KGM"]


def handed(maker: Farm, trader: Farm, shop: Farm, kilos: int) -> str:
    lot = maker.register(kilos)
    maker.send(lot, trader, kilos)
    trader.take(lot, maker, kilos)
    trader.send(lot, shop, kilos)
    shop.take(lot, trader, kilos)
    return lot


@pytest.fixture
def story(app: Flask, now: datetime) -> Story:
    return Story(app, now)


def box(page: Page, words: str) -> str:
    """The name of the box whose label begins with these words, of the first lot."""
    found = next(
        one for one in page.find("//label") if "".join(one.itertext()).strip().startswith(words)
    )
    return str(found.get("for")).removeprefix("f-")


def scanned(svg: Any) -> str:
    """What a scanner reads from a code drawn by runs of unit squares."""
    size = int(svg.get("viewBox", svg.get("viewbox")).split()[2])
    pixels = Image.new("L", (size, size), 255)
    path = svg.xpath(".//*[local-name()='path']/@d")[1]
    for x, y, length in re.findall(r"M(\d+) (\d+)h(\d+)", path):
        for step in range(int(length)):
            pixels.putpixel((int(x) + step, int(y)), 0)
    (found,) = zxingcpp.read_barcodes(pixels.resize((size * 8, size * 8), Image.Resampling.NEAREST))
    return str(found.text)


def test_what_a_holder_answers_of_its_lots_is_signed_and_counted_once(story: Story) -> None:
    page = story.keeper.get(story.answer)
    had = story.board()[0]
    destroyed, back = box(page, "Đã tiêu huỷ"), box(page, "Đã trả lại")
    held = box(page, "Còn giữ")
    story.say({held: "10", destroyed: "12,5", back: "7.5"})
    assert story.steps() == [
        ("holding", "recalled", False),
        ("shipping", "returned", False),
        ("destroying", "destroyed", False),
    ]
    assert story.book() == [Decimal(10), Decimal(20)]
    page = story.keeper.get(story.answer)
    assert page.text.count("đã ký vào sổ") == 3
    # What went back is the trader's to account for: distributed is what it was.
    with story.app.app_context():
        sent = db.session.scalars(
            select(Handover).where(
                Handover.giver_id == story.shop_id, Handover.taker_id == story.trader_id
            )
        ).one()
        assert sent.state == ""
    assert story.board() == (had, Decimal("22.5"))
    # The held ones are destroyed in the end; the other lot is more than the book has of it.
    again = story.keeper.get(story.answer)
    refused = refused_by(story.keeper, again, {destroyed: "31"})
    assert "lines-" in str(refused.find("//a[starts-with(@href, '#f-lines-')]")[0].get("href"))
    story.say({destroyed: "10"}, "another-key-of-22-char")
    assert story.book() == [Decimal(0), Decimal(20)]
    assert story.board() == (had, Decimal("32.5"))
    told = json.loads(story.desk.client.get(f"{DESK}{story.case}/packet.json").data)
    signed = [row["Ký / Signed"] for row in told["tables"]["Trả lời - Answers"]["rows"]]
    assert sum(bool(one) and one.startswith("urn:uuid:") for one in signed) == 4


def test_a_line_is_taken_back_with_its_event_from_either_page(story: Story) -> None:
    had = story.board()[0]
    page = story.keeper.get(story.answer)
    destroyed = box(page, "Đã tiêu huỷ")
    story.say({destroyed: "5"})
    with story.app.app_context():
        line = db.session.scalars(select(RecallAnswer)).one()
        undo, lot = str(line.id), line.thing_id
    assert lot == story.things[0]
    form = story.keeper.get(story.answer).form("//form[.//button[@name='undo']]")
    story.keeper.client.post(story.answer, data=form.filled({"undo": undo}))
    for _ in range(2):  # an impatient thumb, and one who guesses
        assert story.keeper.client.post(
            story.answer, data={**form.filled({"undo": undo}), "form_key": "k" * 22}
        ).status_code in (303, 409)
    assert story.book() == [Decimal(30), Decimal(20)]
    assert story.steps()[-1] == ("destroying", "destroyed", True)
    assert story.board() == (had, Decimal(0))
    assert "đã rút lại" in story.keeper.get(story.answer).text

    # Voided in the book itself: the next look takes the line back.
    story.say({destroyed: "6"}, "another-key-of-22-char")
    with story.app.app_context():
        event = db.session.scalar(
            select(func.max(EventThing.event_id)).where(EventThing.thing_id == lot)
        )
    voiding = story.keeper.get(f"/producer/events/{event}/void")
    story.keeper.submit(voiding, {"reason": "did_not_occur"})
    looked = story.desk.get(f"{DESK}{story.case}").form("//form[contains(@action, 'refresh')]")
    story.desk.client.post(looked.action, data=looked.filled({}))
    assert story.book() == [Decimal(30), Decimal(20)]
    assert story.board() == (had, Decimal(0))


def test_who_answers_by_the_link_or_did_it_before_writes_nothing_into_the_book(
    story: Story,
) -> None:
    with story.app.app_context():
        secret = db.session.scalars(
            select(RecallHolder.secret).where(RecallHolder.organisation_id == story.shop_id)
        ).one()
    anyone = PageClient(story.app.test_client())
    page = anyone.get(f"/recall/{secret}")
    told = anyone.submit(page, {"name": "Cô Quầy", box(page, "Đã tiêu huỷ"): "15"})
    assert "không ký" in told.text
    assert story.steps() == []
    # More than the book has of this lot: it counts, and the book stays as it is.
    page = story.keeper.get(story.answer)
    story.say({box(page, "Đã tiêu huỷ"): "35"})
    assert story.steps() == []
    assert story.book() == [Decimal(30), Decimal(20)]
    # Who runs the case takes back what came by the link, the holder does not.
    with story.app.app_context():
        first = db.session.scalars(select(RecallAnswer).order_by(RecallAnswer.id)).first()
        assert first is not None
        undo, holder = str(first.id), first.holder_id
    refused = story.keeper.client.post(
        story.answer, data={**story.keeper.get(story.answer).form().filled({}), "undo": undo}
    )
    assert refused.status_code == 404
    desk = story.desk.get(f"{DESK}{story.case}/holders/{holder}")
    form = desk.form("//form[.//button[@name='undo']]")
    story.desk.client.post(form.action, data=form.filled({"undo": undo}))
    assert "còn 15 chưa rõ" in story.keeper.get(story.answer).text


def unpacked(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_packet_holds_the_proofs_of_what_is_recalled_and_says_how_to_check_them(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"{DESK}{story.case}/packet.zip"
    with story.app.app_context():
        publish("test")
    files = unpacked(story.desk.client.get(address).data)
    manifest = json.loads(files["manifest.json"])
    assert manifest["not_included"] == []
    told = {one["name"]: one["sha256"] for one in manifest["files"]}
    for line in files["SHA256SUMS"].decode().splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256(files[name]).hexdigest() == digest
        assert told.get(name, digest) == digest
    assert {"ho-so.xlsx", "ho-so.pdf", "ho-so.json", "README.txt"} <= told.keys()
    proofs = [data for name, data in files.items() if name.startswith("proofs/")]
    assert len(proofs) == len(story.lots)
    with story.app.app_context():
        policy = read_policy(witnessing.read_policy_text().encode())
        for data in proofs:
            report = verify_bundle(data, policy, story.now)
            assert any("recall" in str(one) for one in report.statements)
    # What is too much is named with its reason and where its own proof is.
    monkeypatch.setattr(bundled, "MOST_PROOFS", 1)
    manifest = json.loads(unpacked(story.desk.client.get(address).data)["manifest.json"])
    (missing,) = manifest["not_included"]
    assert missing["code"] == "too-many-proofs"
    assert missing["get"].endswith("?format=bundle")


def test_a_code_of_the_phone_list_opens_the_answer_scanned_or_typed(story: Story) -> None:
    page = story.desk.get(f"{DESK}{story.case}/phones")
    with story.app.app_context():
        secret = db.session.scalars(
            select(RecallHolder.secret).where(RecallHolder.organisation_id == story.shop_id)
        ).one()
        assert secret is not None
        links = {f"/recall/{one}" for one in db.session.scalars(select(RecallHolder.secret))}
    read = {scanned(one) for one in page.find("//td//*[local-name()='svg']")}
    assert {f"/{one.partition('://')[2].partition('/')[2]}" for one in read} == links
    printed = "-".join(secret[place : place + 4] for place in range(0, 16, 4))
    assert printed in page.text
    anyone = story.app.test_client()
    for typed in (printed, printed.upper(), secret):
        assert anyone.get(f"/recall/{typed}").status_code == 200, typed
    for wrong in ("-", "a-b", "é" * 16, f"{secret}x"):
        assert anyone.get(f"/recall/{wrong}").status_code == 404, wrong
