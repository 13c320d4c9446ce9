"""The demo world in a database: made once, taken up again, refused beside real goods."""

from __future__ import annotations

import json
import shutil
import stat
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.conftest import create_app, settings_for
from tests.support.databases import SqliteDatabase, release
from tests.support.kept import photo_file
from tests.support.pages import PageClient
from trace.core.gs1 import canonical_uri, parse_path
from trace.core.statements import parse_entry
from trace.core.statements.entries import EventEntry
from trace.extensions import db
from trace.models import (
    Alert,
    Certificate,
    Event,
    Finding,
    Handover,
    Holding,
    Inspection,
    LogEntry,
    Organisation,
    Person,
    Place,
    Product,
    Recall,
    RecallHolder,
    RecallNotice,
    Thing,
)
from trace.services import passports, people, platform, platform_settings, tokens
from trace.services.demo import access
from trace.services.demo.world import World
from trace.services.log import current_state
from trace.services.organisations import create_organisation

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
FEW = 5


@pytest.fixture
def context(app: Flask) -> Iterator[Flask]:
    with app.app_context():
        yield app
        db.session.rollback()


@pytest.fixture(scope="module")
def shown_app(
    sqlite_database: SqliteDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Flask]:
    """The demo as visitors meet it, made once for the tests that only look."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copyfile(sqlite_database.fresh().removeprefix("sqlite:///"), folder / "trace.db")
    app = create_app(settings_for(folder / "instance", f"sqlite:///{folder / 'trace.db'}"))
    with app.app_context():
        access.seed(now=NOW)
    yield app
    release(app)


@pytest.fixture
def shown(shown_app: Flask) -> Iterator[Flask]:
    with shown_app.app_context():
        yield shown_app
        db.session.rollback()


def seed(**changes: Any) -> access.Seeded:
    return access.seed(**{"now": NOW, "chains": FEW, **changes})


def a_real_farm() -> None:
    platform.initialise(at=NOW)
    create_organisation({"name": "Vườn thật", "kind": "producer"}, at=NOW)
    db.session.commit()


def marks(state: str) -> list[str]:
    return [a["path"] for a in access.describe()["addresses"] if a["state"] == state]


def thing(path: str) -> Thing:
    identity = canonical_uri(parse_path(path).identity, "https://trace.example")
    found = db.session.scalar(select(Thing).where(Thing.identity == identity))
    assert found is not None
    return found


def count(model: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(model)) or 0


# -- making it -------------------------------------------------------------------------------------


def test_the_demo_is_made_once_at_the_times_it_tells_and_a_second_run_changes_nothing(
    context: Flask,
) -> None:
    made = seed()
    assert made.state == "made"
    assert made.events == count(Event) > 100
    before = access.describe()
    again = seed(only_empty=True)
    assert (again.state, again.events) == ("exists", made.events)
    assert count(Event) == made.events
    assert access.describe() == before
    _record_times_are_when_it_was_typed()


def _record_times_are_when_it_was_typed() -> None:
    lines = db.session.scalars(select(LogEntry.entry).order_by(LogEntry.index)).all()
    entries = [parse_entry(line.encode()) for line in lines]
    assert all(one.t <= two.t for one, two in pairwise(entries))
    notes = access.read_notes()
    assert notes is not None
    world = World(notes.seed, notes.start, "https://trace.example", notes.chains)
    typed = [timed.moment for timed in world.events()]
    recorded = [entry.t for entry in entries if isinstance(entry, EventEntry)]
    waited = [after - before for after, before in zip(recorded, typed, strict=True)]
    assert max(abs(time) for time in waited) <= timedelta(hours=1)
    assert recorded[-1] < NOW


def test_everything_the_world_planned_is_there_and_marked_as_a_demonstration(
    shown: Flask,
) -> None:
    rows = db.session.scalars(select(Organisation).where(Organisation.kind != "platform")).all()
    assert len(rows) == 17
    assert all(row.demonstration for row in rows)
    assert {row.status for row in rows} == {"confirmed", "unconfirmed"}
    products = db.session.scalars(select(Product)).all()
    assert products
    for product in products:
        assert not product.gtin_confirmed
        assert product.picture is not None
        assert photo_file(product.picture).stat().st_size > 1000
    assert count(Place) == 32
    confirmed = {row.confirmed_by_id is None for row in db.session.scalars(select(Certificate))}
    assert confirmed == {True, False}


# -- what it shows ---------------------------------------------------------------------------------


def test_the_shown_demo_has_a_concluded_inspection_and_a_recall_that_is_answered_in_part(
    shown: Flask,
) -> None:
    case, found = db.session.scalars(select(Inspection)).one(), db.session.scalars(select(Finding))
    assert (case.state, case.conclusion) == ("concluded", "partly")
    assert [(one.inspection_id, one.state) for one in found] == [(case.id, "closed")]
    recall = db.session.scalars(select(Recall)).one()
    notice = db.session.scalars(
        select(Alert.event_id).where(Alert.thing_id == thing(marks("recalled")[0]).id)
    ).one()
    # The case is about the notice that the world told: none was signed besides.
    assert db.session.scalars(select(RecallNotice.event_id)).all() == [notice]
    states = db.session.scalars(
        select(RecallHolder.state).where(RecallHolder.recall_id == recall.id)
    ).all()
    assert recall.state == "open"
    assert {"done", "part"} <= set(states)


def test_the_shown_demo_has_a_hold_that_stands_and_one_that_was_lifted(shown: Flask) -> None:
    held, released = thing(marks("on-hold")[0]), thing(marks("released")[0])
    alerts = db.session.scalars(select(Alert).where(Alert.kind == "hold")).all()
    lifted = {alert.thing_id: alert.lifted_by is not None for alert in alerts}
    assert lifted[held.id] is False
    assert lifted[released.id] is True
    lot = held.id
    db.session.rollback()
    document = passports.passport_of(lot, at=NOW).document
    assert document["interval"]["state"] == "short"


def test_a_passport_tells_the_chain_from_the_field_to_the_counter(shown: Flask) -> None:
    lot = thing(marks("complete")[0]).id
    db.session.rollback()
    document = passports.passport_of(lot, at=NOW).document
    words = {line["step"] for line in document["lines"]}
    assert {"sowing", "spraying", "harvesting", "packing", "shipping", "receiving"} <= words
    assert document["interval"]["state"] == "kept"
    assert document["gaps"] == []
    assert [one["confirmed"] for one in document["certificates"]] == [True]


def test_every_printed_address_leads_to_a_page_that_names_its_product(shown: Flask) -> None:
    addresses = access.describe()["addresses"]
    assert len(addresses) == 16
    client = shown.test_client()
    for address in addresses:
        answer = client.get(address["path"], headers={"Accept": "text/html"})
        assert answer.status_code == 307, address
        page = client.get(answer.headers["Location"])
        assert page.status_code == 200, address
        assert address["product"] in page.get_data(as_text=True), address


def test_a_stall_offers_what_it_mixed(shown: Flask) -> None:
    [mixed], [card] = marks("mixed"), marks("stall-card")
    place = db.session.scalar(select(Place).where(Place.code == card.removeprefix("/p/")))
    assert place is not None
    offered = select(Holding.thing_id).where(Holding.place == place.identity, Holding.on_sale)
    assert set(db.session.scalars(offered)) == {thing(mixed).id}


def test_handovers_are_answered_except_those_that_are_not(shown: Flask) -> None:
    sent = db.session.scalars(select(Handover).where(Handover.received.is_(False))).all()
    silent = [row for row in sent if row.answered_by is None]
    assert len(sent) > 25
    # A silent stall, two silent shops, and what never took place.
    assert sorted(row.voided for row in silent) == [False, False, False, True]


# -- who may come in -------------------------------------------------------------------------------


def test_the_sign_ins_and_the_token_work_and_their_file_is_private(
    shown: Flask,
) -> None:
    demo = access.describe()
    assert [one["role"] for one in demo["sign_ins"]].count("owner") == 4
    for one in demo["sign_ins"]:
        person = people.authenticate(one["login"], one["password"])
        [membership] = person.memberships
        assert membership.role == one["role"]
        assert membership.organisation.name == one["organisation"]
    token = tokens.find_token(demo["token"], at=NOW)
    assert token is not None
    assert token.scopes == "capture query"
    assert stat.S_IMODE(access.notes_path().stat().st_mode) == 0o600
    hashes = db.session.scalars(select(Person.password_hash)).all()
    assert all(kept.startswith("$argon2id$") for kept in hashes)


def test_visitors_who_decide_are_not_asked_for_a_second_step_for_a_year(shown: Flask) -> None:
    (kept,) = [one for one in access.describe()["sign_ins"] if one["role"] == "admin"]
    pages = PageClient(shown.test_client())
    page = pages.get("/sign-in")
    told = {"login": kept["login"], "password": kept["password"]}
    assert pages.submit(page, told).address.endswith("/admin/")
    assert platform_settings.number_of("factor_days") == 365


def test_no_two_sign_ins_share_a_password(shown: Flask) -> None:
    words = [one["password"] for one in access.describe()["sign_ins"]]
    assert len(set(words)) == len(words) == 10
    assert all(len(word) >= 16 for word in words)


# -- where it may not ------------------------------------------------------------------------------


@pytest.mark.one_database
def test_real_organisations_are_never_mixed_with_a_demo_unless_told(context: Flask) -> None:
    a_real_farm()
    with pytest.raises(access.RealData):
        seed()
    assert seed(only_empty=True).state == "not-empty"
    assert count(Event) == 0
    assert seed(beside_real_data=True, batch=40).state == "made"
    real = db.session.scalars(select(Organisation.name).where(~Organisation.demonstration))
    assert set(real) == {"Vườn thật", "Trace"}


@pytest.mark.one_database
def test_a_demo_whose_notes_are_lost_is_not_made_twice(context: Flask) -> None:
    made = seed(batch=40)
    access.notes_path().unlink()
    with pytest.raises(access.NoDemo):
        seed()
    assert seed(only_empty=True).state == "not-empty"
    assert count(Event) == made.events
    with pytest.raises(access.NoDemo):
        access.describe()


@pytest.mark.one_database
def test_notes_of_a_database_that_is_gone_do_not_count(context: Flask) -> None:
    access.write_notes(access.Notes(1, FEW, 1, NOW.date(), complete=True, token="trace_old"))
    assert seed(batch=40).state == "made"
    assert access.describe()["token"] != "trace_old"


class Stopped(Exception):
    """The plug was pulled."""


@pytest.mark.parametrize("after", [1, 60])
@pytest.mark.one_database
def test_a_load_that_was_interrupted_is_taken_up_again(context: Flask, after: int) -> None:
    def stop(number: int) -> None:
        if number >= after:
            raise Stopped

    with pytest.raises(Stopped):
        seed(progress=stop)
    db.session.rollback()
    with pytest.raises(access.NoDemo):
        access.describe()
    # The next morning, and with other wishes: the world that was begun is finished.
    finished = access.seed(now=NOW + timedelta(days=1), chains=6, only_empty=True)
    assert (finished.state, finished.chains) == ("made", FEW)
    assert finished.events == count(Event)
    notes = access.read_notes()
    assert notes is not None
    world = World(notes.seed, notes.start, "https://trace.example", FEW)
    assert finished.events == sum(1 for _ in world.events())
    for one in access.describe()["sign_ins"]:
        people.authenticate(one["login"], one["password"])


def test_in_batches_lots_have_creators_nobody_owes_goods_and_the_recall_reaches_the_mix(
    context: Flask,
) -> None:
    assert seed(batch=40).events == count(Event)
    lots = db.session.scalars(select(Thing).where(Thing.kind.in_(("lot", "unit")))).all()
    assert lots
    assert [lot.identity for lot in lots if lot.owner_id is None or lot.product_id is None] == []
    below = db.session.scalars(select(Holding).where(Holding.quantity < 0)).all()
    assert [(row.thing_id, row.quantity) for row in below] == []
    [recalled], [mixed] = marks("recalled"), marks("mixed")
    alerts = {
        alert.thing_id: (alert.kind, alert.hazard, alert.mixed)
        for alert in db.session.scalars(select(Alert))
    }
    assert alerts == {
        thing(recalled).id: ("recall", "health", False),
        thing(mixed).id: ("recall", "health", True),
    }


# -- the commands ----------------------------------------------------------------------------------


@pytest.mark.one_database
def test_the_commands_make_the_demo_and_say_what_is_to_be_seen(app: Flask) -> None:
    run = app.test_cli_runner()
    refused = run.invoke(args=["trace", "demo"])
    assert refused.exit_code != 0
    assert "no-demo" in refused.output
    made = run.invoke(args=["trace", "seed", "--if-empty", "--chains", "5", "--batch", "40"])
    assert made.exit_code == 0, made.output
    assert made.output.startswith("Demo made: 5 chains")
    with app.app_context():
        state = current_state()
        assert state.integrated == state.size > 100
        db.session.rollback()
    again = run.invoke(args=["trace", "seed", "--if-empty"])
    assert again.output.startswith("Demo exists: 5 chains")
    answer = json.loads(run.invoke(args=["trace", "demo", "--json"]).output)
    assert sorted(answer) == ["addresses", "base_url", "sign_ins", "token"]
    assert answer["base_url"] == "http://localhost"
    for address in answer["addresses"]:
        assert sorted(address) == ["address", "path", "product", "state", "what"]
        assert address["address"] == answer["base_url"] + address["path"]
    for one in answer["sign_ins"]:
        assert sorted(one) == ["login", "organisation", "password", "role"]
    printed = run.invoke(args=["trace", "demo"]).output
    for text in (answer["addresses"][0]["address"], answer["sign_ins"][0]["password"], "█"):
        assert text in printed


@pytest.mark.one_database
@pytest.mark.parametrize("option", [("--chains", "4"), ("--batch", "0"), ("--seed", "x")])
def test_wrong_parameters_are_refused_by_name(app: Flask, option: tuple[str, str]) -> None:
    answer = app.test_cli_runner().invoke(args=["trace", "seed", *option])
    assert answer.exit_code == 2
    assert option[0] in answer.output


@pytest.mark.one_database
def test_the_command_refuses_an_instance_with_real_goods(app: Flask) -> None:
    with app.app_context():
        a_real_farm()
    run = app.test_cli_runner()
    refused = run.invoke(args=["trace", "seed"])
    assert refused.exit_code == 1
    assert "real-data" in refused.output
    left = run.invoke(args=["trace", "seed", "--if-empty"])
    assert left.exit_code == 0
    assert "not empty" in left.output
