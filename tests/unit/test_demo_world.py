"""The simulator: the same world from the same seed, every event valid, every situation in it."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trace.core.epcis import check_event
from trace.core.gs1 import check_digit, parse_path
from trace.services.attachments import read_photo
from trace.services.demo.load import sittings
from trace.services.demo.pictures import PICTURES, SIZE, picture
from trace.services.demo.plans import Cast
from trace.services.demo.stage import Timed
from trace.services.demo.world import (
    DEFAULT_CHAINS,
    EVENTS_A_CHAIN,
    MOST_A_DAY,
    World,
    chains_for,
    world_days,
)
from trace.services.records import LOCAL_ZONE
from trace.services.vocabulary import bare_step
from trace.services.wards import find_ward

BASE = "https://trace.example"
START = date(2026, 6, 15)
PHOTO = {"digest": "A" * 43, "mediaType": "image/jpeg", "bytes": 1000}


def a_world(chains: int = DEFAULT_CHAINS, seed: int = 7) -> World:
    return World(seed, START, BASE, chains, photos={"field": PHOTO, "packing": PHOTO})


@cache
def told() -> tuple[World, list[Timed]]:
    """The world people are shown, told once for all tests of this file."""
    world = a_world()
    return world, list(world.events())


def happened(event: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(event["eventTime"])


def steps(name: str) -> list[Timed]:
    return [timed for timed in told()[1] if bare_step(timed.event.get("bizStep")) == name]


def amounts(event: dict[str, Any], *members: str) -> Iterator[tuple[str, Decimal]]:
    for member in members:
        for element in event.get(member, []):
            if "quantity" in element:
                yield element["epcClass"], Decimal(str(element["quantity"]))


# -- one seed, one world ---------------------------------------------------------------------------


def test_the_same_seed_tells_the_same_world_byte_for_byte() -> None:
    again = json.dumps([list(timed) for timed in a_world().events()], default=str)
    assert json.dumps([list(timed) for timed in told()[1]], default=str) == again


def test_a_world_can_be_told_twice() -> None:
    world = a_world(5)
    first, marks = list(world.events()), list(world.landmarks)
    assert list(world.events()) == first
    assert world.landmarks == marks


def test_another_seed_shares_no_event_and_no_code() -> None:
    other = a_world(seed=8)
    ids = {timed.event["eventID"] for timed in told()[1]}
    assert ids.isdisjoint(timed.event["eventID"] for timed in other.events())
    codes = {one.code for one in told()[0].casts[0].organisations.values()}
    assert codes.isdisjoint(one.code for one in other.casts[0].organisations.values())


def test_chains_do_not_change_one_another() -> None:
    few = {timed.event["eventID"]: timed for timed in a_world(5).events()}
    many = {timed.event["eventID"]: timed for timed in told()[1]}
    assert {key: many[key] for key in few} == few


def test_the_simulator_needs_neither_a_database_nor_the_web() -> None:
    program = (
        "import sys, trace.services.demo.world; "
        "print([m for m in ('flask', 'sqlalchemy', 'PIL') if m in sys.modules])"
    )
    root = Path(__file__).parents[2]
    answer = subprocess.run(
        [sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "[]"


def test_a_world_of_fewer_than_five_chains_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 5"):
        a_world(4)


# -- every event -----------------------------------------------------------------------------------


def test_every_event_is_valid_when_it_is_typed() -> None:
    for moment, _, event in told()[1]:
        check_event(event, now=moment, id_base=BASE)


@pytest.mark.parametrize("chains", [5, DEFAULT_CHAINS, 150])
def test_events_come_in_the_order_they_were_typed_within_the_days_of_the_world(
    chains: int,
) -> None:
    world = a_world(chains)
    moments = [timed.moment for timed in world.events()]
    assert all(one <= two for one, two in pairwise(moments))
    first = datetime.combine(START, datetime.min.time(), LOCAL_ZONE)
    assert first <= moments[0]
    assert moments[-1] < first + timedelta(days=world.days)


def test_nothing_is_written_down_before_it_happened() -> None:
    assert [t for t in told()[1] if happened(t.event) > t.moment] == []


def test_event_ids_are_unique_except_for_declared_errors() -> None:
    counted = Counter(
        (timed.event["eventID"], "errorDeclaration" in timed.event)
        for timed in a_world(150).events()
    )
    assert counted.most_common(1)[0][1] == 1


def test_every_lot_is_made_once_or_introduced_first() -> None:
    """Lot names never collide, also where many chains share one GTIN."""
    made: Counter[str] = Counter()
    corrected: set[str] = set()  # a corrected harvest is told twice, with one lot
    for _, _, event in a_world(300).events():
        if "errorDeclaration" in event:
            corrected |= {uri for uri, _ in amounts(event, "outputQuantityList")}
        elif event["type"] == "TransformationEvent":
            made.update({uri for uri, _ in amounts(event, "outputQuantityList")})
        elif event.get("action") == "ADD":
            made.update({uri for uri, _ in amounts(event, "quantityList")})
    assert len(made) > 600
    assert {uri for uri, count in made.items() if count > 1} <= corrected


def test_nobody_gives_away_more_than_there_is() -> None:
    made: defaultdict[str, Decimal] = defaultdict(Decimal)
    used: defaultdict[str, Decimal] = defaultdict(Decimal)
    wrong = {t.event["eventID"] for t in told()[1] if "errorDeclaration" in t.event}
    for _, _, event in told()[1]:
        if event["eventID"] in wrong:
            continue
        if event["type"] == "TransformationEvent":
            for uri, amount in amounts(event, "outputQuantityList"):
                made[uri] += amount
            for uri, amount in amounts(event, "inputQuantityList"):
                used[uri] += amount
        elif event.get("action") == "ADD" and event["type"] == "ObjectEvent":
            for uri, amount in amounts(event, "quantityList"):
                made[uri] += amount
        elif event.get("disposition") == "retail_sold":
            for uri, amount in amounts(event, "quantityList"):
                used[uri] += amount
    assert used
    assert {uri: (made[uri], gone) for uri, gone in used.items() if gone > made[uri]} == {}


# -- the situations --------------------------------------------------------------------------------


def has(member: str) -> Callable[[Timed], bool]:
    return lambda timed: member in timed.event


SITUATIONS: dict[str, Callable[[Timed], bool]] = {
    "declared that none was used": has("trace:declaredNone"),
    "goods that came without a code": has("trace:externalSource"),
    "a difference at the handover": has("trace:difference"),
    "a household did it, the co-operative recorded it": has("trace:performedBy"),
    "a photo": has("trace:attachments"),
    "readings of a cold chain": has("sensorElementList"),
    "a correction": lambda t: "correctiveEventIDs" in t.event.get("errorDeclaration", {}),
    "a void": lambda t: t.event.get("errorDeclaration", {}).get("reason") == "did_not_occur",
    "a late record": lambda t: t.moment - happened(t.event) > timedelta(days=5),
    "a recall by the authority": lambda t: (
        t.organisation == "authority" and t.event.get("trace:notice", {}).get("kind") == "recall"
    ),
    "a hold by the authority": lambda t: (
        t.organisation == "authority" and t.event.get("trace:notice", {}).get("kind") == "hold"
    ),
    "a mix of four": lambda t: (
        t.event.get("bizStep") == "trace:mixing" and len(t.event["inputQuantityList"]) == 4
    ),
    "a milling with two outputs": lambda t: (
        t.event.get("bizStep") == "trace:milling" and len(t.event["outputQuantityList"]) == 2
    ),
    "labels on single fruits": lambda t: any("/21/" in u for u in t.event.get("epcList", [])),
    "a pallet": lambda t: t.event["type"] == "AggregationEvent" and "/00/" in t.event["parentID"],
    "eggs from a flock": lambda t: t.event.get("bizStep") == "trace:egg_collecting",
}


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_shown_world_has_this_situation(situation: str) -> None:
    assert any(SITUATIONS[situation](timed) for timed in told()[1])


def test_five_chains_already_have_a_recall_that_reaches_a_mix() -> None:
    events = list(a_world(5).events())
    notices = [t.event for t in events if "trace:notice" in t.event]
    recalled = {q["epcClass"] for event in notices for q in event["quantityList"]}
    mixes = [t.event for t in events if t.event.get("bizStep") == "trace:mixing"]
    assert any(recalled & {uri for uri, _ in amounts(m, "inputQuantityList")} for m in mixes)


def test_a_release_names_the_hold_it_ends() -> None:
    notices = [t.event for t in told()[1] if "trace:notice" in t.event]
    ends = [end for n in notices for end in n["trace:notice"].get("ends", [])]
    holds = {n["eventID"] for n in notices if n["trace:notice"]["kind"] == "hold"}
    assert len(ends) == 1
    assert set(ends) <= holds


def test_an_error_declaration_repeats_its_event_and_leaves_the_statement_to_capture() -> None:
    known = {t.event["eventID"]: t.event for t in told()[1] if "errorDeclaration" not in t.event}
    declared = [t.event for t in told()[1] if "errorDeclaration" in t.event]
    assert declared
    for event in declared:
        rest = {name: value for name, value in event.items() if name != "errorDeclaration"}
        assert rest == known[event["eventID"]]
        for corrective in event["errorDeclaration"].get("correctiveEventIDs", []):
            assert corrective in known


def test_some_handovers_are_told_by_the_giver_alone() -> None:
    def notes(name: str) -> set[str]:
        listed = [t.event.get("bizTransactionList", []) for t in steps(name)]
        return {one["bizTransaction"] for some in listed for one in some}

    assert len(notes("receiving")) >= 15
    assert notes("receiving") <= notes("shipping")
    # A void, a silent shop twice, a silent stall.
    assert len(notes("shipping") - notes("receiving")) == 4


def test_a_harvest_comes_before_the_interval_of_the_label_is_over() -> None:
    short = []
    for harvest in steps("harvesting"):
        cycles = {element["epcClass"] for element in harvest.event["inputQuantityList"]}
        for spraying in steps("spraying"):
            same = cycles & {element["epcClass"] for element in spraying.event["quantityList"]}
            days = (happened(harvest.event).date() - happened(spraying.event).date()).days
            needed = max(one["intervalDays"] for one in spraying.event["trace:inputs"])
            if same and 0 <= days < needed:
                short.append((days, needed))
    assert short == [(3, 7)]


def test_some_plantings_say_nothing_of_fertiliser_and_nothing_is_invented() -> None:
    sown = {e["epcClass"] for t in steps("sowing") for e in t.event["quantityList"]}
    fed = {e["epcClass"] for t in steps("fertilising") for e in t.event["quantityList"]}
    denied = {
        e["epcClass"]
        for t in told()[1]
        if "fertiliser" in t.event.get("trace:declaredNone", [])
        for e in t.event["quantityList"]
    }
    assert sown - fed - denied
    assert sown & fed


# -- who and what ----------------------------------------------------------------------------------


@cache
def casts() -> tuple[Cast, ...]:
    return a_world(200).casts


def test_everybody_and_everything_says_that_it_is_a_demonstration() -> None:
    for cast in casts():
        plans: Iterable[Any] = (
            *cast.organisations.values(),
            *cast.products.values(),
            *cast.places.values(),
            *(one for some in cast.households.values() for one in some),
        )
        assert [plan.name for plan in plans if "Demo" not in plan.name] == []
    inputs = [i for t in told()[1] for i in t.event.get("trace:inputs", []) if "intervalDays" in i]
    assert inputs
    assert [one for one in inputs if "Demo" not in one["name"]] == []


def test_gs1_keys_are_of_the_demonstration_prefix_with_right_check_digits() -> None:
    keys = []
    for cast in casts():
        keys += [org.gln for org in cast.organisations.values() if org.gln]
        keys += [place.gln for place in cast.places.values() if place.gln]
        keys += [product.gtin for product in cast.products.values() if product.gtin]
    assert len(keys) > 100
    assert len(set(keys)) == len(keys)
    for key in keys:
        assert key.lstrip("0").startswith("952")
        assert check_digit(key[:-1]) == int(key[-1])


def test_wards_are_real_and_the_co_operative_is_in_dan_phuong() -> None:
    cast = casts()[0]
    wards = [one.ward for one in cast.organisations.values()]
    wards += [one.ward for one in cast.places.values()]
    assert [ward for ward in wards if find_ward(ward) is None] == []
    home = find_ward(cast.organisations["coop"].ward)
    assert home is not None
    assert home.full_name == "Xã Đan Phượng, Hà Nội"
    found = [find_ward(org.ward) for org in cast.organisations.values()]
    elsewhere = [ward.full_name for ward in found if ward and ward.province.code != "01"]
    assert elsewhere == ["Xã Hàm Thuận, Lâm Đồng", "Xã Hàm Kiệm, Lâm Đồng"]


def test_certificates_are_confirmed_unconfirmed_and_run_out() -> None:
    world, _ = told()
    certificates = world.casts[0].certificates
    assert any(one.confirmed_by for one in certificates)
    assert any(one.confirmed_by is None for one in certificates)
    end = START + timedelta(days=world.days)
    assert any(one.valid_until < end for one in certificates)


def test_every_role_can_sign_in_at_an_address_that_cannot_exist() -> None:
    people = told()[0].people
    roles = {person.role for person in people}
    assert roles == {"owner", "recorder", "inspector", "supervisor", "admin"}
    assert all(person.email.endswith(".example") for person in people)


def test_landmarks_are_printed_addresses_of_the_world() -> None:
    world, events = told()
    text = json.dumps([timed.event for timed in events])
    card = world.casts[0].places["stall"].code
    states = Counter(mark.state for mark in world.landmarks)
    assert {"complete", "mixed", "recalled", "on-hold", "released", "corrected"} <= set(states)
    for mark in world.landmarks:
        parse_path(mark.path)
        assert mark.path in text or mark.path == f"/p/{card}"


def test_the_documentation_lists_the_states_of_the_landmarks() -> None:
    page = Path(__file__).parents[2] / "docs" / "explanation" / "demo-world.md"
    listed = re.findall(r"^\| `([a-z-]+)` \|", page.read_text(), re.MULTILINE)
    assert set(listed) == {mark.state for mark in told()[0].landmarks}


# -- large worlds ----------------------------------------------------------------------------------


def test_large_worlds_grow_in_days_not_in_chains_under_way() -> None:
    world = a_world(20_000)
    begun = Counter(chain.day for chain in world._chains())
    assert sum(begun.values()) == 20_000
    # The shown chains begin beside the others.
    assert max(begun.values()) <= MOST_A_DAY + DEFAULT_CHAINS
    assert world.days == world_days(20_000) < 160 + 20_000 // MOST_A_DAY + 1
    assert len(world.casts) <= 40


def test_the_estimate_of_events_is_right_within_a_tenth() -> None:
    chains = chains_for(8_000)
    assert chains == 8_000 // EVENTS_A_CHAIN
    count = sum(1 for _ in a_world(chains).events())
    assert 7_200 <= count <= 8_800


# -- loading, its pure part ------------------------------------------------------------------------


def test_what_one_organisation_typed_within_an_hour_is_captured_together() -> None:
    events = told()[1]
    typed = {(t.event["eventID"], "errorDeclaration" in t.event): t.moment for t in events}
    groups = list(sittings(events))
    assert len(groups) < len(events) / 2
    captured = 0
    for moment, _, some in groups:
        waited = [moment - typed[e["eventID"], "errorDeclaration" in e] for e in some]
        assert timedelta(0) == min(waited)
        assert max(waited) <= timedelta(hours=1)
        captured += len(some)
    assert captured == len(events)
    assert all(a[0] <= b[0] for a, b in pairwise(groups))


def test_batches_keep_every_event_and_never_go_back_in_time() -> None:
    events = told()[1]
    groups = list(sittings(events, 50))
    assert all(a[0] <= b[0] for a, b in pairwise(groups))
    assert sum(len(some) for _, _, some in groups) == len(events)
    latest = {e["eventID"]: moment for moment, _, some in groups for e in some}
    assert all(latest[t.event["eventID"]] >= t.moment for t in events)
    # A correction is never captured before what it corrects.
    order = [(key, e["eventID"], "errorDeclaration" in e) for _, key, some in groups for e in some]
    for key, event_id, declared in order:
        if declared:
            assert order.index((key, event_id, False)) < order.index((key, event_id, True))


# -- pictures --------------------------------------------------------------------------------------


def test_pictures_are_photos_that_can_be_kept_and_differ() -> None:
    photos = {name: read_photo(io.BytesIO(picture(name))) for name in PICTURES}
    assert {(photo.width, photo.height) for photo in photos.values()} == {SIZE}
    assert len({photo.digest for photo in photos.values()}) == len(PICTURES)
    # Light enough for a slow network.
    assert max(len(photo.thumbnail) for photo in photos.values()) < 20_000


def test_a_picture_of_an_unknown_name_is_refused() -> None:
    with pytest.raises(KeyError):
        picture("durian")
