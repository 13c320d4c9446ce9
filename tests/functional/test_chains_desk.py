"""A chain on the desk: amounts out of reach, the line of checks, how deep is read."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from tests.functional.test_chains import (
    ELSEWHERE,
    HERE,
    Story,
    chain_of,
    desk,
    flow_to,
    hand_over,
    reader,
    story,
)
from tests.support.farms import item, make_farm, new, path_of
from tests.support.pages import PageClient
from trace.extensions import db
from trace.models import KeptAudit, Organisation
from trace.services import chains
from trace.services.chains_events import open_told
from trace.services.records import transformed
from trace.web.inspection import chain_export, chain_words

__all__ = ["desk", "story"]


def test_how_much_there_was_of_goods_out_of_reach_is_not_told(app: Flask, now: datetime) -> None:
    with app.app_context():
        at = now - timedelta(days=9)
        farm, packer = make_farm(at), make_farm(at, "Xưởng Minh họa", kind="processor")
        shop = make_farm(at, "Cửa hàng Huế", kind="retailer")
        shop.organisation.ward_code = "19774"
        db.session.commit()
        lots = [farm.register(120.0), farm.register(77.0)]
        mixed = new("b")
        packer.at = farm.at + timedelta(days=1)
        event = transformed(
            packer.record(), "mixing", [item(lots[0], 120), item(lots[1], 77)], [item(mixed, 197)]
        )
        made = packer.tell(event, private=["inputQuantityList"]).events[0]
        hand_over(packer, shop, mixed, 30)
        far, near = reader(ELSEWHERE), reader(HERE, "Chi cục gần")
        for actor, sent in ((far, [{"?": 0}] * 2), (near, [{"KGM": 77}, {"KGM": 120}])):
            chain = chain_of(mixed, now, actor)
            flows = [flow for flow in chain.graph.flows.values() if flow.kind == "made"]
            assert sorted((flow.sent for flow in flows), key=str) == sorted(sent, key=str)
            assert flow_to(chain, mixed, shop).sent == {"KGM": 30}
            opened = open_told(actor, made.event_id, at=now)
            assert ("120" in str(opened.document)) is (actor is near)
            with app.test_request_context():
                told = chain_export.table(chain, "flows")[2]
                words = [chain_words.flow_amounts(flow) for flow in flows]
            assert (words == ["n/a: ngoài phạm vi"] * 2) is (actor is far)
            assert ("120" in str(told)) is (actor is near)


def test_the_last_kept_audit_stands_on_the_chain_with_the_button(
    desk: PageClient, story: Story
) -> None:
    of = f"/inspection/chain/?of={path_of(story.lot)}"
    page = desk.get(of)
    assert "Cơ quan chưa rà chuỗi này lần nào." in page.text
    result = desk.submit(page, {}, which="//section[@aria-labelledby='checks']//form")
    again = desk.get(of)
    assert "Rà lại cả chuỗi" in again.text
    assert desk.get(again.link("Xem cả kết quả rà")).h1 == result.h1
    chips = again.texts("//section[@aria-labelledby='checks']//li")
    assert any(chip.startswith("Chữ ký ") for chip in chips)
    row = db.session.scalars(select(KeptAudit)).one()
    row.made_at -= timedelta(days=3)
    db.session.commit()
    assert "(3 ngày trước)" in desk.get(of).text
    # Out of reach nothing is audited.
    office = db.session.scalars(select(Organisation).where(Organisation.kind == "authority")).one()
    office.jurisdiction = ELSEWHERE
    db.session.commit()
    assert not desk.get(of).find("//section[@aria-labelledby='checks']")


def test_what_lies_beyond_the_depth_asked_for_is_not_read(
    story: Story, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = chain_of(story.mixed, now)
    near = chain_of(story.mixed, now, depth=1)
    kept = {n for n, one in whole.graph.stations.items() if one.distance <= 1}
    assert near.graph.stations.keys() == kept
    assert not near.more
    # Nothing lies in crates within crates here: a level for each step is enough.
    monkeypatch.setattr(chains, "NESTED", 0)
    few = chain_of(story.mixed, now, depth=1)
    assert few.graph.stations.keys() == kept
    assert len(few.events) < len(whole.events)
    assert not few.more
