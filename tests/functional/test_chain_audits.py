"""One press on a chain: what is sound is said to be, each cheat is found by the rule meant for it,
and what cannot be judged is no pass."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tests.support.audited import NOW, START, Story, coded, kilograms, make_story, told
from tests.support.factories import event, make_actor
from tests.support.farms import item, make_farm, make_place, new, thing_id, uri_of
from trace.errors import NotAllowed, NotFound
from trace.extensions import db
from trace.jobs.worker import publish
from trace.services import chain_audit, copies
from trace.services.chain_audit.found import KEPT_FROM
from trace.services.copies import Sighting
from trace.services.diary import diary_entry
from trace.services.harvests import register_lot
from trace.services.records import Item
from trace.services.shipments import Parties, ship
from trace.services.storage import sell

pytestmark = pytest.mark.usefixtures("db_session")


@pytest.fixture
def story() -> Story:
    return make_story()


# -- sound -----------------------------------------------------------------------------------------


def test_a_sound_chain_is_judged_by_every_rule_that_can_be_and_has_no_finding(
    story: Story,
) -> None:
    found = story.reap().deliver().audit()
    assert told(found) == set()
    judged = {one.rule: one.of for one in found.judged}
    assert judged["signature"] == found.counts["events"] == found.counts["signed"] == 5
    assert judged["log-inclusion"] == 5
    for rule in ("key-valid", "row-edited", "log-complete", "log-consistent", "balance"):
        assert judged[rule], rule
    for rule in ("interval", "area-overclaim", "order", "late", "travel", "receipt-alone"):
        assert judged[rule], rule
    assert found.counts["organisations"] == 2
    assert not found.truncated


def test_what_could_not_be_judged_is_no_pass_and_says_what_is_missing(story: Story) -> None:
    lot = story.farm.take_unrecorded("Bà Năm Demo", 20)
    found = story.audit(lot)
    missing = {(one.rule, one.key) for one in found.not_judged if one.applies}
    assert ("interval", "no-harvest") in missing
    assert ("log-witnessed", "no-witness") in missing
    judged = {one.rule for one in found.judged}
    assert not judged & {"interval", "log-witnessed", "use-by"}


def test_descendants_are_read_if_asked_and_only_then(story: Story) -> None:
    story.reap().deliver()
    made = story.shop.mix([story.lot, story.shop.take_unrecorded("Bà Năm Demo", 20)], 400)
    alone, whole = story.audit(), story.audit(descendants=True)
    assert whole.descendants
    assert whole.counts["things"] >= alone.counts["things"]
    upstream = story.audit(made)
    assert upstream.counts["events"] >= alone.counts["events"] + 1


def test_a_chain_that_is_too_large_is_said_to_be_and_nothing_is_concluded_of_the_rest(
    story: Story,
) -> None:
    found = story.reap().deliver().audit(most_events=3)
    assert found.truncated
    assert found.counts["events"] <= 3
    cut = {one.rule for one in found.not_judged if one.key == "cut"}
    assert {"balance", "log-complete", "input-unmade", "receipt-alone"} <= cut
    assert not cut & {one.rule for one in found.judged}


def test_a_trade_item_named_as_an_input_does_not_make_one_chain_of_all_its_goods(
    story: Story,
) -> None:
    salt = uri_of(story.farm.product)
    story.reap()
    for _ in range(3):
        made = new("b")
        step = event(
            "TransformationEvent",
            bizStep="trace:processing",
            eventTime=story.farm.at.isoformat(),
            inputQuantityList=[{"epcClass": salt, "quantity": 1, "uom": "KGM"}],
            outputQuantityList=[{"epcClass": made, "quantity": 1, "uom": "KGM"}],
        )
        story.farm.tell(step)
    found = story.audit(made)
    assert found.counts["events"] == 1
    assert ("input-unmade", "medium") not in told(found)


# -- cheats ----------------------------------------------------------------------------------------


def spent_twice(story: Story) -> None:
    story.reap().deliver(400)
    story.farm.send(story.lot, make_farm(START, "Vựa Demo"), 300)


def back_dated(story: Story) -> None:
    """A spraying of before the harvest, written down when the goods are gone."""
    story.cycle = story.farm.sow()
    story.lot = story.farm.wait(20).reap(story.cycle)
    sprayed = story.farm.at - timedelta(days=9)
    story.deliver()
    story.farm.wait(5)
    entry = diary_entry(story.farm.record(at=sprayed), story.cycle, "irrigating")
    story.farm.tell(entry)


def before_its_time(story: Story) -> None:
    """Sold and sent before it was gathered, by what people say."""
    story.reap()
    early = story.farm.at - timedelta(days=2)
    parties = Parties(giver=uri_of(story.farm.organisation), taker=uri_of(story.shop.organisation))
    story.farm.tell(ship(story.farm.record(at=early), [item(story.lot, 480)], parties))


def borrowed_code(story: Story) -> None:
    """Another's planting code on goods that no hectare can bear."""
    other = make_farm(START, "Hộ Demo khác")
    coded(other, "vn hn 01 0001 26", area=Decimal(9_000))
    other.wait(12)
    other.reap(other.sow(), kilos=60_000)
    story.reap().deliver()


def early_harvest(story: Story) -> None:
    story.reap(days=3)  # our own rule holds it at once


def cloned_unit(story: Story) -> None:
    story.reap().deliver()
    key, hour = story.lot.partition("/b/")[2], 3_600_000
    scans = [
        Sighting(n * 30 * hour, place, bytes([n]) * 16, again)
        for n, (place, again) in enumerate([("46", False), ("96", False), ("46", True)] * 2)
    ]
    copies.judge({(f"b/{key}", "ABCDEFGH12345678"): (thing_id(story.lot), scans)})
    db.session.commit()


def weighed_up(story: Story) -> None:
    """More comes out of the packing than went in."""
    story.reap()
    made = new("b")
    step = event(
        "TransformationEvent",
        bizStep="packing",
        eventTime=story.farm.at.isoformat(),
        inputQuantityList=[{"epcClass": story.lot, "quantity": 480, "uom": "KGM"}],
        outputQuantityList=[{"epcClass": made, "quantity": 700, "uom": "KGM"}],
    )
    story.farm.tell(step)
    story.lot = made


def out_of_nowhere(story: Story) -> None:
    """Made from a lot that nobody ever made."""
    story.lot = story.farm.mix([new("b")], 100)


def no_origin(story: Story) -> None:
    record = story.shop.record()
    story.lot = new("b")
    story.shop.tell(register_lot(record, item(story.lot, 50), story.shop.facts()))


def typed_twice(story: Story) -> None:
    story.reap()
    for _ in range(2):
        story.farm.send(story.lot, story.shop, 100)
        story.farm.at -= timedelta(minutes=57)


def by_a_stranger(story: Story) -> None:
    story.reap().deliver()
    make_farm(story.farm.at, "Người lạ Demo").send(story.lot, None, 100)


def while_held(story: Story) -> None:
    story.reap()
    story.farm.notify("hold", story.lot, reason="nghi vấn")
    story.farm.wait(1)
    story.deliver()


def past_its_day(story: Story) -> None:
    story.reap(use_by=(story.farm.at + timedelta(days=21)).date()).deliver()
    story.shop.wait(9)
    story.shop.tell(sell(story.shop.record(), [Item(story.lot, kilograms(10))]))


def too_fast(story: Story) -> None:
    """One crate, packed here and sent from the other end of the country within the hour."""
    story.reap()
    crate = story.farm.box(story.lot, kilos=480)
    far = make_place(
        story.farm.organisation, "Kho Demo", "store", START, latitude=9.18, longitude=105.15
    )
    db.session.commit()
    parties = Parties(giver=uri_of(story.farm.organisation), taker="")
    story.farm.tell(ship(story.farm.record(place=far), [item(crate)], parties))
    story.lot = crate


def at_night(story: Story) -> None:
    story.reap()
    story.farm.at = (story.farm.at + timedelta(days=1)).replace(hour=18)  # one in the morning
    story.farm.send(story.lot, story.shop, 480)


def far_phone(story: Story) -> None:
    story.reap()
    sent = ship(
        story.farm.record(),
        [item(story.lot, 480)],
        Parties(giver=uri_of(story.farm.organisation), taker=""),
    )
    where = {"latitude": 9.18, "longitude": 105.15}
    story.farm.tell({**sent, "trace:position": where})


def promised(story: Story, *, name: str = "Cải ngọt VietGAP, gói 300 g") -> None:
    story.farm.product.name = name
    db.session.commit()


def unbacked(story: Story) -> None:
    promised(story)
    story.reap().deliver()


def expired(story: Story) -> None:
    promised(story)
    story.farm.certify(begin=date(2025, 1, 1), end=date(2026, 10, 1))
    story.reap().deliver()


def borrowed_paper(story: Story) -> None:
    """The number of a certificate that its issuer confirmed for somebody else."""
    promised(story)
    holder, certifier = make_farm(START, "HTX có chứng nhận Demo"), make_farm(START, "TCCN Demo")
    holder.certify(by=certifier)
    story.farm.certify()
    story.reap().deliver()


def named_paper(story: Story) -> None:
    """A statement names a certificate of somebody who has no part in the chain."""
    holder = make_farm(START, "HTX có chứng nhận Demo")
    holder.certify()
    story.reap()
    story.farm.told.clear()
    sent = ship(
        story.farm.record(),
        [item(story.lot, 480)],
        Parties(giver=uri_of(story.farm.organisation), taker=""),
    )
    named = {"certificationInfo": ["https://chungnhan.example/VG-DEMO-01"]}
    story.farm.tell({**sent, **named})


CHEATS: list[tuple[Callable[[Story], None], str, str]] = [
    (spent_twice, "balance", "high"),
    (back_dated, "late", "medium"),
    (before_its_time, "order", "medium"),
    (borrowed_code, "area-overclaim", "high"),
    (borrowed_code, "area-shared", "medium"),
    (early_harvest, "interval", "high"),
    (cloned_unit, "copies", "medium"),
    (weighed_up, "step-yield", "high"),
    (out_of_nowhere, "input-unmade", "medium"),
    (no_origin, "origin-undeclared", "medium"),
    (typed_twice, "repeat", "low"),
    (by_a_stranger, "third-party", "info"),
    (while_held, "moved-held", "high"),
    (past_its_day, "use-by", "high"),
    (too_fast, "travel", "high"),
    (at_night, "hours", "info"),
    (far_phone, "phone", "low"),
    (unbacked, "claim-unbacked", "medium"),
    (expired, "certificate-force", "medium"),
    (borrowed_paper, "certificate-holder", "high"),
    (named_paper, "certificate-holder", "high"),
]


@pytest.mark.parametrize(("cheat", "rule", "severity"), CHEATS)
def test_each_cheat_is_found_by_the_rule_meant_for_it(
    story: Story, cheat: Callable[[Story], None], rule: str, severity: str
) -> None:
    cheat(story)
    found = story.audit()
    assert (rule, severity) in told(found), found.findings
    one = next(one for one in found.findings if one.rule == rule)
    # No verdict without evidence: statements, or the goods it is about.
    assert one.events or one.things
    # Nothing else is cried out: what is high is what was done.
    assert {one.rule for one in found.findings if one.severity == "high"} <= {
        r for c, r, _ in CHEATS if c is cheat
    }


# -- who may, and what is kept ---------------------------------------------------------------------


def test_only_an_authority_audits_and_only_what_it_reaches(story: Story) -> None:
    story.reap().deliver()
    publish("test")
    lot = thing_id(story.lot)
    with pytest.raises(NotAllowed):
        chain_audit.audit_chain(story.farm.actor, lot, at=NOW)
    elsewhere = make_actor(
        START, "Chi cục nơi khác Demo", "authority", "confirmed", "inspector", jurisdiction="96"
    )
    with pytest.raises(NotFound):
        chain_audit.audit_chain(elsewhere, lot, at=NOW)
    with pytest.raises(NotFound):
        chain_audit.audit_chain(story.inspector, 2**40, at=NOW)


def test_amounts_of_goods_out_of_reach_are_left_out_of_a_finding(story: Story) -> None:
    spent_twice(story)
    far = make_farm(START, "Cửa hàng Huế Demo", kind="retailer")
    far.organisation.ward_code = "19774"
    mixed = story.shop.wait(1).mix([story.lot], 400)
    far.at = story.shop.at + timedelta(hours=2)
    far.take(mixed, story.shop, 50)
    hue = make_actor(
        START, "Chi cục Huế Demo", "authority", "confirmed", "inspector", jurisdiction="46"
    )
    whole = next(one for one in story.audit(mixed).findings if one.rule == "balance")
    story.inspector = hue
    kept = next(one for one in story.audit(mixed).findings if one.rule == "balance")
    assert whole.told["made"] == "480"
    assert {kept.told[name] for name in ("made", "gone", "over")} == {KEPT_FROM}
    assert kept.events == whole.events


def test_a_kept_audit_is_told_as_it_was_found_and_only_to_its_authority(story: Story) -> None:
    spent_twice(story)
    found = story.audit()
    row = chain_audit.keep(story.inspector, thing_id(story.lot), found, at=NOW)
    db.session.commit()
    assert (row.high, row.medium, row.events) == (1, 0, found.counts["events"])
    db.session.expire_all()
    assert chain_audit.get_kept(story.inspector, row.id)[1] == found
    other = make_actor(START, "Cơ quan khác Demo", "authority", "confirmed", "inspector")
    with pytest.raises(NotFound):
        chain_audit.get_kept(other, row.id)
    assert chain_audit.list_kept(other) == []
    assert [one.id for one in chain_audit.list_kept(story.inspector)] == [row.id]
