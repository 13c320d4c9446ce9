"""From one code to the whole chain: what is drawn of it, for whom, and what cannot break it."""

from __future__ import annotations

import csv
import io
import json
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from sqlalchemy import func, select

from tests.support.factories import event, make_actor
from tests.support.farms import Farm, id_base, item, make_farm, new, path_of, thing_id, uri_of
from tests.support.members import make_member, sign_in
from tests.support.pages import PageClient
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Audit, Organisation
from trace.services import chains_walk
from trace.services.actors import Actor
from trace.services.chains import Chain, Narrowing, find_subject, is_problem, read_chain
from trace.services.chains_picture import picture
from trace.services.processing import pack, unpack
from trace.services.records import transformed
from trace.services.shipments import Line, Parties, receive, ship
from trace.services.wards import ward_name

HERE, ELSEWHERE = "01", "46"  # Hà Nội; Huế


@dataclass(slots=True)
class Story:
    """A planting, two lots, a crate to a packer, a mix, seven shops; one lot by one side's word."""

    farm: Farm
    packer: Farm
    shops: list[Farm]
    cycle: str
    lot: str
    other: str
    crate: str
    mixed: str
    note: str


def note_uri() -> str:
    return new("n")


def hand_over(
    giver: Farm, taker: Farm, thing: str, kilos: float | None, *, taken: float | None = None,
    answered: bool = True, note: str = "",
) -> str:  # fmt: skip
    """Under a note of its own; `taken` is what came, where it differs."""
    note = note or note_uri()
    parties = Parties(giver=uri_of(giver.organisation), taker=uri_of(taker.organisation), note=note)
    giver.tell(ship(giver.record(), [item(thing, kilos)], parties))
    taker.at = max(taker.at, giver.at)
    if answered:
        came = Line(item(thing, kilos if taken is None else taken), item(thing, kilos).amount)
        taker.tell(*receive(taker.record(), [came], parties, new_event_id=lambda: uuid.uuid4().urn))
    return note


@pytest.fixture
def story(app: Flask, now: datetime) -> Any:
    with app.app_context():
        yield tell(now - timedelta(days=30))


def tell(at: datetime) -> Story:
    farm, packer = make_farm(at, "HTX Minh họa"), make_farm(at, "Xưởng Minh họa", kind="processor")
    shops = [make_farm(at, f"Cửa hàng số {n}", kind="retailer") for n in range(7)]
    farm.product.name = "=HYPERLINK(1)"  # what a spreadsheet must never run
    db.session.commit()
    cycle = farm.sow()
    farm.wait(20)
    lot, other = farm.reap(cycle, kilos=100), farm.reap(cycle, kilos=50)
    crate = farm.box(lot, kilos=100)
    note = hand_over(farm, packer, crate, None)
    packer.tell(unpack(packer.record(), crate, [item(lot, 100)]))
    packer.take(other, farm, 50)  # the farm never said that it sent it
    mixed = packer.mix([lot, other], 140)
    for place, shop in enumerate(shops):
        hand_over(packer, shop, mixed, 20, taken=18 if place == 5 else None, answered=place != 6)
    return Story(farm, packer, shops, cycle, lot, other, crate, mixed, note)


def reader(jurisdiction: str = "*", name: str = "Chi cục Minh họa") -> Actor:
    return make_actor(
        datetime.fromisoformat("2026-11-01T00:00:00+00:00"),
        name,
        "authority",
        "confirmed",
        "inspector",
        jurisdiction,
    )


def chain_of(uri: str, now: datetime, actor: Actor | None = None, **wanted: Any) -> Chain:
    identity = parse_identity(uri, id_base())
    assert identity is not None
    return read_chain(actor or reader(), find_subject(identity), Narrowing(**wanted), at=now)


def told(chain: Chain) -> set[tuple[str, str, str]]:
    """(from, to, kind) by the holders' names."""

    def name(station: str) -> str:
        one = chain.graph.stations[station]
        party = chain.parties.get(one.holder or 0)
        return f"{chain.things[one.thing or 0].code[:5]}@{party.name if party else '?'}"

    return {(name(f.source), name(f.target), f.kind) for f in chain.graph.flows.values()}


def codes(uri: str) -> str:
    return uri.rpartition("/")[2][:5]


def flow_to(chain: Chain, uri: str, holder: Farm) -> Any:
    (found,) = [
        flow
        for flow in chain.graph.flows.values()
        if flow.target == f"{thing_id(uri)}-{holder.organisation.id}"
    ]
    return found


# -- what is drawn ---------------------------------------------------------------------------------


def test_a_chain_runs_from_the_planting_through_crates_and_mixes_to_every_shop(
    story: Story, now: datetime
) -> None:
    chain = chain_of(story.cycle, now)
    cycle, lot, other, mixed = map(codes, (story.cycle, story.lot, story.other, story.mixed))
    farm, packer = "HTX Minh họa", "Xưởng Minh họa"
    assert told(chain) == {
        (f"{cycle}@{farm}", f"{lot}@{farm}", "made"),
        (f"{cycle}@{farm}", f"{other}@{farm}", "made"),
        # The crate is told with what lies in it, its unpacking makes no station.
        (f"{lot}@{farm}", f"{lot}@{packer}", "handover"),
        (f"{other}@{farm}", f"{other}@{packer}", "handover"),
        (f"{lot}@{packer}", f"{mixed}@{packer}", "made"),
        (f"{other}@{packer}", f"{mixed}@{packer}", "made"),
        *((f"{mixed}@{packer}", f"{mixed}@Cửa hàng số {n}", "handover") for n in range(7)),
    }
    assert (chain.sources, chain.places, chain.more) == (0, 9, False)  # the farm has lots of it
    by_crate = flow_to(chain, story.lot, story.packer)
    assert (by_crate.sent, len(by_crate.containers)) == ({"KGM": 100}, 1)
    assert flow_to(chain, story.other, story.packer).problems == {"only-receiver"}
    assert flow_to(chain, story.mixed, story.shops[5]).problems == {"differs"}
    assert flow_to(chain, story.mixed, story.shops[5]).got == {"KGM": 18}
    assert flow_to(chain, story.mixed, story.shops[6]).problems == {"open"}
    held = {
        chain.parties[one.holder or 0].name: one.held.get("KGM")
        for one in chain.graph.stations.values()
        if one.thing == thing_id(story.mixed)
    }
    assert [held[f"Cửa hàng số {n}"] for n in (0, 5)] + [held["Xưởng Minh họa"]] == [20, 18, 0]


def test_the_same_chain_seen_from_a_shop_s_lot_from_a_lot_and_from_a_note(
    story: Story, now: datetime
) -> None:
    up = chain_of(story.mixed, now)
    assert (up.sources, up.places) == (3, 7)
    # From one of two lots: the other is a neighbour, neither source nor result.
    one = chain_of(story.lot, now)
    assert thing_id(story.other) not in {s.thing for s in one.graph.stations.values()}
    assert (one.sources, one.places) == (1, 8)
    note = chain_of(story.note, now)
    assert set(note.subject.things) == {thing_id(story.crate)}
    names = told(note)
    assert (
        f"{codes(story.lot)}@HTX Minh họa",
        f"{codes(story.crate)}@HTX Minh họa",
        "packed",
    ) in names
    assert (
        f"{codes(story.crate)}@Xưởng Minh họa", f"{codes(story.lot)}@Xưởng Minh họa", "unpacked",
    ) in names  # fmt: skip


def test_like_shops_are_one_box_until_it_is_opened(story: Story, now: datetime) -> None:
    chain = chain_of(story.mixed, now)
    shown = picture(chain)
    sizes = sorted(len(box.members) for box in shown.boxes.values())
    assert sizes[-2:] == [1, 5]  # five that answered; two with something amiss stand alone
    (group,) = [box for box in shown.boxes.values() if box.many]
    assert group.held == {"KGM": 100}
    assert len(picture(chain, [group.id]).boxes) == len(chain.graph.stations)
    assert picture(chain, ["all"]).boxes.keys() == chain.graph.stations.keys()
    assert picture(chain).layout == shown.layout


def test_a_crate_used_again_does_not_join_what_lay_in_it_at_other_times(
    story: Story, now: datetime
) -> None:
    farm, packer = story.farm, story.packer
    farm.at = packer.at = max(farm.at, packer.at)
    stranger = farm.register(30)
    farm.tell(pack(farm.record(), story.crate, [item(stranger, 30)]))
    hand_over(farm, story.shops[0], story.crate, None)
    chain = chain_of(story.lot, now)
    assert thing_id(stranger) not in {one.thing for one in chain.graph.stations.values()}
    assert chain.places == 8
    assert {one.thing for one in chain_of(story.crate, now).graph.stations.values()} >= {
        thing_id(stranger), thing_id(story.lot),
    }  # fmt: skip


def test_what_was_declared_in_error_is_still_followed_and_said_to_be_so(
    story: Story, now: datetime
) -> None:
    packer = story.packer
    packer.at = max(packer.at, *(shop.at for shop in story.shops))
    second = new("b")
    document = transformed(
        packer.record(), "mixing", [item(story.mixed, 10)], [item(second, 10)], ilmd={}
    )
    wrong = packer.tell(document)
    packer.correct(wrong, document)
    chain = chain_of(story.lot, now)
    flow = flow_to(chain, second, packer)
    assert (flow.stands, flow.problems, flow.sent) == (False, {"corrected"}, {})


def test_a_circle_and_a_return_end(app: Flask, now: datetime) -> None:
    with app.app_context():
        one, two = make_farm(now - timedelta(days=9)), make_farm(now - timedelta(days=9), "Xưởng")
        lot = one.register(10)
        other = one.mix([lot], 10)
        one.tell(
            event(
                "TransformationEvent",
                eventTime=one.at.isoformat(),
                bizStep="trace:mixing",
                inputQuantityList=[{"epcClass": other}],
                outputQuantityList=[{"epcClass": lot}],
            )
        )
        hand_over(one, two, lot, 10)
        one.at = two.at
        hand_over(two, one, lot, 10)
        chain = chain_of(lot, now)
        shown = picture(chain)
        assert len(chain.graph.stations) == 3
        assert shown.layout.back


def test_goods_nobody_gave_stand_behind_a_gap(story: Story, now: datetime) -> None:
    stranger = make_farm(story.packer.at, "Sạp Minh họa", kind="trader")
    stranger.offer(story.mixed, stranger.place("Quầy 3"), 5)
    chain = chain_of(story.mixed, now)
    flow = flow_to(chain, story.mixed, stranger)
    assert (flow.kind, flow.problems) == ("gap", {"no-receipt"})
    assert is_problem(chain.graph.stations[flow.target])


def test_packages_are_counted_with_their_lot_and_each_has_a_chain_of_its_own(
    story: Story, now: datetime
) -> None:
    unit = f"{story.lot}/0123456789ABCDEF"
    story.farm.tell(
        event(
            "ObjectEvent", eventTime=story.farm.at.isoformat(), bizStep="commissioning",
            action="OBSERVE", epcList=[unit],
        )
    )  # fmt: skip
    whole = chain_of(story.lot, now)
    home = f"{thing_id(story.lot)}-{story.farm.organisation.id}"
    assert whole.graph.stations[home].pieces == 1
    own = chain_of(unit, now)
    assert thing_id(unit) in own.subject.things
    assert {one.thing for one in own.graph.stations.values() if one.side == "up"} == {
        thing_id(story.lot), thing_id(story.cycle),
    }  # fmt: skip


# -- narrowing -------------------------------------------------------------------------------------


def test_a_chain_is_narrowed_by_step_days_depth_branch_and_what_is_amiss(
    story: Story, now: datetime
) -> None:
    def stations(**wanted: Any) -> set[str]:
        return set(chain_of(story.cycle, now, **wanted).graph.stations)

    def at(uri: str, farm: Farm) -> str:
        return f"{thing_id(uri)}-{farm.organisation.id}"

    everything = stations()
    root, mixed = at(story.cycle, story.farm), at(story.mixed, story.packer)
    shops = [at(story.mixed, shop) for shop in story.shops]
    assert stations(depth=1) == {root, at(story.lot, story.farm), at(story.other, story.farm)}
    assert everything - stations(problems=True) == {*shops[:5]}
    assert everything - stations(branch=shops[0]) == {*shops[1:]}
    assert everything - stations(step="mixing") == {*shops}
    assert stations(until=now - timedelta(days=20)) == {root}
    assert mixed not in stations(until=now - timedelta(days=9, hours=23))
    assert stations(since=now) == set()
    assert chain_of(story.cycle, now, depth=1).stations == len(everything)


def test_a_chain_too_large_to_read_says_so_and_stops(
    story: Story, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chains_walk, "MOST_THINGS", 3)
    assert chain_of(story.cycle, now).more
    monkeypatch.setattr(chains_walk, "MOST_THINGS", 100)
    monkeypatch.setattr(chains_walk, "MOST_EVENTS", 5)
    few = chain_of(story.cycle, now)
    assert few.more
    assert len(few.events) == 5


# -- who sees what ---------------------------------------------------------------------------------


def test_outside_its_area_an_authority_sees_what_the_public_sees_and_the_look_is_written_down(
    story: Story, now: datetime
) -> None:
    far = reader(ELSEWHERE, "Chi cục xa")
    chain = chain_of(story.mixed, now, far)
    assert chain.reach is None
    assert not any(one.held for one in chain.graph.stations.values())
    names = {chain.parties[one.holder or 0].name for one in chain.graph.stations.values()}
    assert names == {"HTX Minh họa", "Xưởng Minh họa"}  # who bought is nobody's business
    looks = select(Audit.subject).where(Audit.action == "look-outside")
    db.session.commit()
    assert db.session.scalars(looks).all() == [path_of(story.mixed).lstrip("/")]
    near = chain_of(story.mixed, now, reader(HERE))
    assert near.reach == "own"
    assert db.session.scalar(select(func.count()).select_from(looks.subquery())) == 1


def test_who_holds_it_in_the_area_brings_the_chain_within_reach(
    story: Story, now: datetime
) -> None:
    story.shops[0].organisation.ward_code = "19774"  # a ward of Huế
    for farm in (story.farm, story.packer, *story.shops[1:]):
        assert farm.organisation.ward_code == "09895"
    db.session.commit()
    chain = chain_of(story.mixed, now, reader(ELSEWHERE))
    assert chain.reach == "own"
    assert {one.thing for one in chain.graph.stations.values() if one.outside} == {
        thing_id(story.cycle)
    } | {thing_id(uri) for uri in (story.lot, story.other)}


# -- the pages -------------------------------------------------------------------------------------


@pytest.fixture
def desk(app: Flask, story: Story, pages: PageClient) -> PageClient:
    member = make_member(app, role="inspector", kind="authority", name="Chi cục Minh họa")
    row = db.session.get_one(Organisation, member.organisation_id)
    row.status, row.jurisdiction = "confirmed", HERE
    db.session.commit()
    sign_in(app, pages.client, member)
    return pages


def test_one_code_in_the_picture_the_list_and_the_files_out(
    desk: PageClient, story: Story, tmp_path: Path
) -> None:
    address = f"/inspection/chain/?of={path_of(story.mixed).lstrip('/')}"
    page = desk.get(address)
    assert "↑ 3 nguồn" in page.text
    assert "↓ 7 đích" in page.text
    drawn = page.texts("//*[local-name()='g'][@id='chain-drawing']")[0]
    assert "5 cửa hàng" in drawn
    assert "bên nhận chưa trả lời" in " ".join(page.texts("//main//ol//li"))
    for shop in story.shops:  # the list tells each of a group
        assert shop.organisation.name in page.text
    assert page.find("//a[contains(@href, '/inspection/chain/events/')]")
    opened = desk.get(page.find("//a[contains(@href, 'open=g')]")[0].get("href"))
    assert "5 cửa hàng" not in opened.texts("//*[@id='chain-drawing']")[0]
    # Files: the same stations, nothing a spreadsheet would run.
    client = desk.client
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"{address}&format=xlsx").data))
    assert [sheet.max_row - 1 for sheet in book] == [13, 13, len(_rows(client, address, "events"))]
    assert all(cell.data_type != "f" for sheet in book for row in sheet for cell in row)
    assert any(cell.value == "=HYPERLINK(1)" for row in book.worksheets[0] for cell in row)
    assert any(row[3] == "'=HYPERLINK(1)" for row in _rows(client, address, "stations"))
    assert len(_rows(client, address, "flows")) == 13
    document = json.loads(client.get(f"{address}&format=json").data)
    assert len(document["stations"]) == 13
    drawing = etree.fromstring(client.get(f"{address}&format=svg").data)
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert client.get(f"{address}&format=csv&table=nonsense").status_code == 200


def _rows(client: FlaskClient, address: str, table: str) -> list[list[str]]:
    answer = client.get(f"{address}&format=csv&table={table}")
    return list(csv.reader(io.StringIO(answer.get_data(as_text=True).lstrip("\ufeff"))))[1:]


def test_an_event_s_page_says_whether_its_signature_stands(desk: PageClient, story: Story) -> None:
    chain = desk.get(f"/inspection/chain/?of={path_of(story.lot).lstrip('/')}")
    link = chain.find("//a[contains(@href, '/inspection/chain/events/')]")[0].get("href")
    page = desk.get(link)
    assert "Chữ ký khớp" in page.text
    assert "HTX Minh họa" in page.text


def test_whatever_is_typed_leads_to_the_chain_or_to_results(desk: PageClient, story: Story) -> None:
    lot = path_of(story.lot).rpartition("/")[2]
    heading = desk.get(f"/inspection/chain/?of=b/{lot}").h1
    for text in (
        lot.lower(),
        f"{lot[:5]}-{lot[5:]}",
        f"/b/{lot}",
        story.lot.replace("https://", ""),
    ):
        assert desk.get("/inspection/chain/", query_string={"of": text}).h1 == heading
    assert "Phiếu giao" in desk.get("/inspection/chain/", query_string={"of": story.note}).h1
    for text, found in (
        ("htx minh hoa", "HTX Minh họa"),
        ("VƯỜN b2", "Vườn B2"),
        ("b2 vuon", "Vườn B2"),
        (ward_name("09895"), "Vườn B2"),
        (f"o/{story.farm.organisation.code}", story.farm.organisation.name),
        (f"l/{story.farm.plot.code}", "Vườn B2"),
    ):
        page = desk.get("/inspection/chain/", query_string={"of": text})
        assert found in page.text, text
    of_farm = desk.get(
        "/inspection/chain/", query_string={"of": f"o/{story.farm.organisation.code}"}
    )
    assert of_farm.find(f"//a[contains(@href, '{lot}')]")
    day = story.farm.at.date()
    within = {"since": (day - timedelta(days=12)).isoformat(), "until": day.isoformat()}
    assert desk.get("/inspection/chain/", query_string=within).find(
        f"//a[contains(@href, '{lot}')]"
    )


def test_bad_input_is_told_beside_its_box_and_never_breaks(desk: PageClient, story: Story) -> None:
    of = path_of(story.lot).lstrip("/")
    lot = of.rpartition("/")[2]
    for query, status, says in (
        ({"of": (unknown := new("b").rpartition("/")[2])}, 404, unknown),
        ({"of": lot[:9] + ("0" if lot[9] != "0" else "1")}, 400, lot[:9]),
        ({"of": of, "since": "2026-11-20", "until": "2026-11-19"}, 400, "2026-11-20"),
        ({"of": of, "since": "hôm qua"}, 400, "hôm qua"),
        ({"of": "x" * 4000}, 400, ""),
        ({"of": of, "depth": "999999999999999999999"}, 400, ""),
    ):
        page = desk.get("/inspection/chain/", status, query_string=query)
        assert page.find("//*[contains(@class, 'error-summary')]"), query
        assert says in etree.tostring(page.root, encoding="unicode")
    more: Any = (
        {"of": "a\0b"}, {"of": "\ud800".encode("utf-8", "surrogatepass")}, {"of": "%_\\"},
        {"of": of, "branch": "\0", "open": "\0 all", "step": "không có"},
        {"of": of, "branch": "9" * 50}, {"of": "01/0/10/" + "9" * 200}, {"of": "n/" + "A" * 10},
        {"since": "0001-01-01"}, {"of": "+84 912"}, {"of": "00/" + "1" * 18},
    )  # fmt: skip
    for query in more:
        answer = desk.client.get("/inspection/chain/", query_string=query)
        assert answer.status_code < 500, query
    for number in ("0", "9" * 30):
        assert desk.client.get(f"/inspection/chain/events/{number}").status_code == 404
