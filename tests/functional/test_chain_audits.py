"""One press on a chain: what is sound is said to be, each cheat is found by the rule meant for it,
and what cannot be judged is no pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import delete, select, text

from tests.support.factories import event, make_actor
from tests.support.farms import Farm, item, make_farm, make_place, new, thing_id, uri_of
from tests.support.intruder import without_guards
from trace.errors import NotAllowed, NotFound
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import AreaCode, Event, EventThing, Key, LogCheckpoint, LogWitness
from trace.services import area_codes, chain_audit, copies
from trace.services.actors import Actor
from trace.services.chain_audit import ChainAudit
from trace.services.copies import Sighting
from trace.services.diary import diary_entry
from trace.services.erasures import erase
from trace.services.harvests import register_lot
from trace.services.keys import revoke_key
from trace.services.log_file import checkpoint_path
from trace.services.origins import new_origin
from trace.services.platform import platform_organisation
from trace.services.records import Item
from trace.services.shipments import Parties, ship
from trace.services.storage import sell
from trace.services.vocabulary import Amount

START = datetime(2026, 10, 20, 1, 0, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("db_session")


@dataclass(slots=True)
class Story:
    """A farm, a shop it sends to, and what they told."""

    farm: Farm
    shop: Farm
    inspector: Actor
    cycle: str = ""
    lot: str = ""

    def reap(self, *, days: int = 10, kilos: float = 480, **more: Any) -> Story:
        """Sown, watered, sprayed and gathered so many days after it."""
        self.cycle = self.farm.sow()
        self.farm.wait(10).spray(self.cycle, 7)
        self.lot = self.farm.wait(days).reap(self.cycle, kilos=kilos, **more)
        return self

    def deliver(self, kilos: float = 480) -> Story:
        self.farm.wait(0.25).send(self.lot, self.shop, kilos)
        self.shop.at = self.farm.at + timedelta(hours=2)
        self.shop.take(self.lot, self.farm, kilos)
        return self

    def audit(self, of: str = "", **options: Any) -> ChainAudit:
        publish("test")
        db.session.expire_all()
        found = chain_audit.audit_chain(self.inspector, thing_id(of or self.lot), at=NOW, **options)
        db.session.commit()
        return found


@pytest.fixture
def story() -> Story:
    farm, shop = make_farm(START), make_farm(START, "Cửa hàng Demo", kind="retailer")
    coded(farm, "VN-HN-01-0001-26", area=Decimal(10_000))
    inspector = make_actor(START, "Chi cục Demo", "authority", "confirmed", "supervisor")
    return Story(farm, shop, inspector)


def coded(farm: Farm, code: str, *, area: Decimal | None = None) -> AreaCode:
    """The plot's planting-area code."""
    row = AreaCode(
        organisation_id=farm.organisation.id,
        place_id=farm.plot.id,
        kind="planting",
        code=code,
        folded=area_codes.folded(code),
        area_m2=area,
        created_at=farm.at,
    )
    db.session.add(row)
    db.session.commit()
    return row


def told(found: ChainAudit) -> set[tuple[str, str]]:
    return {(one.rule, one.severity) for one in found.findings}


def kilograms(kilos: float) -> Amount:
    return Amount(Decimal(str(kilos)), "KGM")


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


# -- behind the application's back -----------------------------------------------------------------


def edited(statement: str, table: str, **values: Any) -> None:
    with without_guards([table]):
        db.session.execute(text(statement), values)
        db.session.commit()


def test_an_edited_row_is_named_with_what_was_signed(story: Story) -> None:
    story.reap().deliver()
    publish("test")
    row = thing_id(story.lot)
    edited(
        "UPDATE event_things SET quantity = 900000000 WHERE thing_id = :thing AND role = 4",
        "event_things",
        thing=row,
    )
    found = story.audit()
    one = next(one for one in found.findings if one.rule == "row-edited")
    assert one.severity == "high"
    assert one.told["columns"] == "event_things.rows"
    assert "480000000" in str(one.told["expected"])


def test_an_edited_time_an_edited_statement_and_an_edited_entry_are_each_named(
    story: Story,
) -> None:
    story.reap().deliver()
    publish("test")
    last = db.session.scalar(text("SELECT max(event_id) FROM handovers WHERE received = false"))
    edited("UPDATE events SET event_time = event_time - 1000 WHERE id = :id", "events", id=last)
    assert ("row-edited", "high") in told(story.audit())
    edited("UPDATE events SET event_time = event_time + 1000 WHERE id = :id", "events", id=last)
    jwt = db.session.get_one(Event, last).jwt
    head, _, tail = jwt.rpartition(".")
    forged = f"{head}.{'A' if tail[0] != 'A' else 'B'}{tail[1:]}"
    edited("UPDATE events SET jwt = :jwt WHERE id = :id", "events", jwt=forged, id=last)
    found = story.audit()
    assert ("signature", "high") in told(found)
    assert found.counts["signed"] == found.counts["events"] - 1
    edited("UPDATE events SET jwt = :jwt WHERE id = :id", "events", jwt=jwt, id=last)
    edited(
        "UPDATE log_entries SET entry = replace(entry, '2026', '2027') WHERE event_id = :id",
        "log_entries",
        id=last,
    )
    assert ("log-inclusion", "high") in told(story.audit())


def test_a_statement_taken_out_of_the_index_leaves_a_hole_in_its_chain(story: Story) -> None:
    story.reap().deliver()
    publish("test")
    sprayed = db.session.scalar(text("SELECT id FROM events WHERE biz_step LIKE '%spraying'"))
    with without_guards(["event_things"]):
        db.session.execute(delete(EventThing).where(EventThing.event_id == sprayed))
        db.session.commit()
    found = story.audit()
    one = next(one for one in found.findings if one.rule == "log-complete")
    assert one.severity == "high"
    assert one.told["count"] == 1


def test_a_log_that_does_not_go_on_from_what_was_kept_or_seen_is_named(story: Story) -> None:
    story.reap().deliver()
    publish("test")
    db.session.add(LogWitness(vkey="w", size=10_000))
    newest = db.session.query(LogCheckpoint).order_by(LogCheckpoint.size.desc()).first()
    assert newest is not None
    newest.witnessed_at = NOW
    db.session.commit()
    assert ("log-witnessed", "high") in told(story.audit())
    db.session.execute(delete(LogWitness))
    db.session.commit()
    found = story.audit()
    assert "log-witnessed" in {one.rule for one in found.judged}
    assert told(found) == set()
    checkpoint_path().write_text("no note")
    db.session.expire_all()
    found = chain_audit.audit_chain(story.inspector, thing_id(story.lot), at=NOW)
    assert ("log-consistent", "high") in told(found)


def test_what_was_erased_or_corrected_by_the_rules_is_no_edit(story: Story) -> None:
    story.reap()
    wrong = story.farm.send(story.lot, story.shop, 4800)
    story.farm.correct(wrong, story.farm.told[-1])
    story.deliver()
    admin = Actor(platform_organisation(), None, "admin")
    erase(admin, wrong.events[0].statement_id, ["readPoint", "bizLocation"], reason="x", at=NOW)
    db.session.commit()
    found = story.audit()
    assert told(found) == set()
    assert found.counts["signed"] == found.counts["events"]


def test_statements_after_a_key_was_declared_leaked_are_flagged_and_not_refused(
    story: Story,
) -> None:
    story.reap()
    key = db.session.scalars(
        select(Key).where(Key.organisation_id == story.farm.organisation.id)
    ).one()
    harvest = db.session.scalar(text("SELECT max(idx) FROM log_entries WHERE event_id > 0"))
    revoke_key(key, at=NOW, inspector=story.inspector.organisation, since=harvest)
    db.session.commit()
    found = story.audit()
    assert told(found) == {("key-since", "medium")}
    assert next(one for one in found.findings).told["count"] == 1


def test_a_chain_through_a_log_begun_anew_is_proven_in_both(story: Story) -> None:
    story.reap()
    publish("test")
    new_origin(at=NOW)
    db.session.commit()
    publish("test")
    found = story.deliver().audit()
    # A log's times never fall: what was typed now stands after the new log's beginning.
    assert told(found) <= {("late", "low")}
    assert {one.rule: one.of for one in found.judged}["log-inclusion"] == 5


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
