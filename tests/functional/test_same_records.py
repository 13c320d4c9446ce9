"""Records that are one are found, counted and judged as one, until that is taken back."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import orjson
import pytest
from sqlalchemy import select

from tests.support.audited import START, Story, coded, make_story
from tests.support.factories import notice
from tests.support.farms import item, make_farm, thing_id
from trace.extensions import db
from trace.jobs.figures import keep_up
from trace.models import Alert, Event, Job, SameAs
from trace.services import dashboards, news, same_records, search
from trace.services.actors import Actor
from trace.services.chains_search import search_chains
from trace.services.jurisdictions import scope_of
from trace.services.platform import platform_organisation
from trace.services.records import transformed

pytestmark = pytest.mark.usefixtures("db_session")


def say(kind: str, kept: same_records.Record, other: same_records.Record, story: Story) -> SameAs:
    made = same_records.declare(platform(), kind, kept, other, "ghi hai lần", at=story.farm.at)
    db.session.commit()
    return made


def platform() -> Actor:
    return Actor(platform_organisation(), None, "admin")


def names(found: search.Found) -> list[str]:
    return [one.name for one in found.products] + [one.name for one in found.organisations]


def test_two_records_of_one_are_found_and_counted_once() -> None:
    story = make_story()
    farm, double = story.farm, make_farm(START, "Hợp tác xã Đan Phượng (cũ)")
    double.product.name = "Cải ngọt bó Minh họa"
    lot, old = farm.register(20), double.register(30)
    stall = farm.place("Sạp số 9")
    db.session.commit()
    office = scope_of(story.inspector)
    period = dashboards.last_days(60, at=farm.at + timedelta(days=1))
    keep_up(at=farm.at)
    before = dashboards.coverage(office, period)
    assert names(search.search("dan phuong cu")) == [double.organisation.name]
    say("organisation", farm.organisation, double.organisation, story)
    said = say("product", farm.product, double.product, story)
    say("place", farm.plot, stall, story)
    # Found by either name, told as the one that is kept.
    assert names(search.search("dan phuong cu")) == [farm.organisation.name]
    assert names(search.search("cai ngot bo minh hoa")) == [farm.product.name]
    results = search_chains(story.inspector, "sạp SỐ 9")
    assert [one.name for one in results.places] == [farm.plot.name]
    results = search_chains(story.inspector, "phuong cu")
    assert [one.name for one in results.organisations] == [farm.organisation.name]
    for code in (f"o/{farm.organisation.code}", f"o/{double.organisation.code}"):
        listed = search_chains(story.inspector, code).things
        assert {one.thing.identity for one in listed} >= {lot, old}
    listed = search_chains(story.inspector, f"q/{farm.product.code}").things
    assert {one.thing.identity for one in listed} == {lot, old}
    after = dashboards.coverage(office, period)
    assert after.total == before.total - 1
    assert after.active == before.active - 1
    rows, count = dashboards.organisations_behind(office, "events", period)
    assert count == len(rows) == len({row.organisation.id for row in rows})
    assert double.organisation not in [row.organisation for row in rows]
    # Taken back, each reads alone again.
    same_records.end(platform(), same_records.get_pair(platform(), said.id), at=farm.at)
    db.session.commit()
    assert names(search.search("cai ngot bo minh hoa")) == [double.product.name]


def test_a_notice_travels_along_what_the_double_said_once_both_are_one() -> None:
    story = make_story()
    farm, double = story.farm, make_farm(START, "HTX Đan Phượng (cũ)")
    made, used = farm.register(20), double.register(30)
    mixed = transformed(double.record(), "mixing", [item(used, 5)], [item(made, 5)])
    double.tell(mixed)
    double.wait(40).tell(notice("recall", used, hazard="health"))
    warned = select(Alert.event_id).where(Alert.thing_id == thing_id(made))
    assert db.session.scalars(warned).all() == []  # anybody might have said so
    say("organisation", farm.organisation, double.organisation, story)
    recall = db.session.scalars(select(Event.id).where(Event.notice == "recall")).one()
    assert db.session.scalars(warned).all() == [recall]
    jobs = select(Job.argument).where(Job.kind == news.KIND).order_by(Job.id)
    asked = db.session.scalars(jobs).all()
    assert [orjson.loads(one)["inherited"] for one in asked][-1] == [recall]


def test_one_plot_entered_twice_bears_one_area_and_all_that_was_gathered_there() -> None:
    story = make_story()
    farm = story.farm
    twin = farm.place("Vườn B2 (ghi lại)", kind="plot")
    first, farm.plot = farm.plot, twin
    coded(farm, "VN-HN-01-0001-26", area=Decimal(10_000))
    story.reap(kilos=20_000)
    farm.plot = first
    story.reap(kilos=20_000)
    assert ("area-overclaim", "high") not in told_rules(story)
    say("place", first, twin, story)
    # One hectare, not two, and forty tonnes of it.
    assert ("area-overclaim", "high") in told_rules(story)


def told_rules(story: Story) -> set[tuple[str, str]]:
    return {(one.rule, one.severity) for one in story.audit().findings}
