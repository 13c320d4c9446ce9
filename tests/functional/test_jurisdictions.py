"""Areas of authorities: what they reach, what they lend, whom they set up, and whose rules hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from flask import Flask

from tests.support.factories import make_actor
from tests.support.farms import make_farm, thing_id
from tests.support.members import START, make_member, sign_in
from tests.support.pages import PageClient
from trace import clock
from trace.errors import NotAllowed, NotFound
from trace.extensions import db
from trace.models import Audit, Delegation, Organisation
from trace.services import delegations, jurisdictions
from trace.services.actors import Actor
from trace.services.authorities import SameArea, authorities_below, set_up
from trace.services.delegations import LentTooLong, NoSuchAuthority, NotOwnArea, NotOwnSector

HANOI, DAN_PHUONG, HUE = "01", "09784", "46"  # the province of the farm, its commune, another
_names = count(1)

pytestmark = pytest.mark.usefixtures("db_session")


def authority(
    areas: str, *, role: str = "supervisor", sectors: str = "", status: str = "confirmed"
) -> Actor:
    """Somebody in a new authority with this area."""
    name = f"Cơ quan {next(_names)}"
    actor = make_actor(START, name, "authority", status, role, areas)
    actor.organisation.sectors = sectors
    db.session.commit()
    return actor


def test_goods_are_reached_by_where_their_maker_or_a_holder_sits() -> None:
    lot = thing_id(make_farm(clock.now() - timedelta(days=2)).register(20))
    far, near, whole = (authority(one) for one in (HUE, "09895", "*"))
    assert jurisdictions.reach(near, [lot]) == {lot: "own"}
    assert jurisdictions.reach(whole, [lot]) == {lot: "own"}
    assert jurisdictions.reach(far, [lot]) == {lot: None}
    # An open case leads there, and to nothing else.
    jurisdictions.LEADS.append(lambda office, things: set(things) & {lot})
    try:
        assert jurisdictions.reach(far, [lot, lot + 1]) == {lot: "led", lot + 1: None}
    finally:
        jurisdictions.LEADS.pop()


@pytest.mark.parametrize(
    ("role", "status"),
    [("owner", "confirmed"), ("viewer", "confirmed"), ("supervisor", "unconfirmed")],
)
def test_nobody_else_has_an_area(role: str, status: str) -> None:
    actor = authority(HANOI, role=role, status=status)
    with pytest.raises(NotAllowed):
        jurisdictions.scope_of(actor)
    assert not jurisdictions.may_decide(actor, ward_code=DAN_PHUONG)


def test_a_lent_area_is_seen_and_decided_until_it_ends_and_not_lent_on() -> None:
    city, commune = authority(HANOI), authority("00070")
    now = clock.now()

    def lend(act: str, areas: str = "Xã Đan Phượng", **told: object) -> Delegation:
        given = {"until": now + timedelta(days=30), "at": now, **told}
        code = commune.organisation.code
        return delegations.lend(city, code, act, areas, (), "Đợt kiểm tra", **given)  # type: ignore[arg-type]

    assert not jurisdictions.scope_of(commune).covers(DAN_PHUONG)
    lend("inspect")
    assert jurisdictions.scope_of(commune).covers(DAN_PHUONG)
    assert jurisdictions.scope_of(commune).level == "ward"
    # To look is not to decide.
    assert not jurisdictions.may_decide(commune, ward_code=DAN_PHUONG)
    loan = lend("decide")
    assert jurisdictions.may_decide(commune, ward_code=DAN_PHUONG)
    assert not jurisdictions.may_decide(commune, ward_code="09787")
    until, code = now + timedelta(days=1), city.organisation.code
    with pytest.raises(NotOwnArea):
        delegations.lend(commune, code, "decide", DAN_PHUONG, (), "Lại", until=until, at=now)
    with pytest.raises(NotFound):
        delegations.take_back(commune, loan.id, at=now)
    delegations.take_back(city, loan.id, at=now)
    assert not jurisdictions.may_decide(commune, ward_code=DAN_PHUONG)
    # A giver that is suspended lends nothing any more.
    city.organisation.status = "suspended"
    db.session.flush()
    assert not jurisdictions.scope_of(commune).covers(DAN_PHUONG)


def test_what_cannot_be_lent_is_refused_by_name() -> None:
    city = authority(HANOI, sectors="agriculture")
    other = authority("00070").organisation
    now = clock.now()
    month = now + timedelta(days=30)
    cases: list[tuple[type[Exception], dict[str, object]]] = [
        (NotOwnArea, {"typed_areas": HUE}),
        (NotOwnArea, {"typed_areas": "*"}),
        (NotOwnArea, {"typed_areas": "Xã Không Có"}),
        (NotOwnArea, {"typed_areas": "Hà Nội, , Cà Mau"}),
        (NotOwnSector, {"sectors": ("health",)}),
        (NoSuchAuthority, {"taker_code": city.organisation.code}),
        (NoSuchAuthority, {"taker_code": "KHONGCO"}),
        (LentTooLong, {"until": now}),
        (LentTooLong, {"until": now + timedelta(days=400)}),
    ]
    for refusal, wrong in cases:
        told: dict[str, object] = {
            "taker_code": other.code,
            "act": "inspect",
            "typed_areas": "Hà Nội",
            "sectors": (),
            "reason": "Đợt kiểm tra",
            "until": month,
            "at": now,
            **wrong,
        }
        with pytest.raises(refusal):
            delegations.lend(city, **told)  # type: ignore[arg-type]
    assert db.session.query(Delegation).count() == 0


def test_the_nearest_rule_holds_and_what_it_leaves_out_is_the_wider_ones() -> None:
    city, commune, far = (authority(one) for one in (HANOI, DAN_PHUONG, HUE))
    now, default = clock.now(), {"hours": 48, "speed": 90, "share": 5}
    jurisdictions.set_rule(city, "late", {"hours": 72, "speed": 80}, at=now)
    jurisdictions.set_rule(commune, "late", {"hours": 24}, at=now)
    seen = [
        jurisdictions.rule_of(one.organisation, "late", default) for one in (commune, city, far)
    ]
    assert seen == [
        {"hours": 24, "speed": 80, "share": 5},
        {"hours": 72, "speed": 80, "share": 5},
        default,
    ]
    jurisdictions.set_rule(commune, "late", {}, at=now)
    assert jurisdictions.rule_of(commune.organisation, "late", default)["hours"] == 72
    with pytest.raises(NotAllowed):
        jurisdictions.set_rule(authority(HANOI, role="inspector"), "late", {}, at=now)
    lines = db.session.query(Audit).filter_by(action="rule.set").count()
    assert lines == 3


def test_an_authority_sets_up_smaller_ones_which_wait_for_the_platform() -> None:
    city = authority(HANOI, sectors="agriculture health")
    now = datetime(2026, 11, 22, 3, tzinfo=UTC)
    made, invitation, address = set_up(
        city, "Chi cục Minh họa Đan Phượng", "Xã Đan Phượng", ("health",), at=now
    )
    assert (made.status, made.jurisdiction, made.sectors) == ("unconfirmed", DAN_PHUONG, "health")
    assert (invitation.organisation, invitation.role) == (made, "owner")
    assert address.startswith("http")
    assert authorities_below(city) == [made]
    assert authorities_below(authority(HUE)) == []
    for refusal, areas, sectors in (
        (SameArea, "Hà Nội", ()),
        (NotOwnArea, "Cà Mau", ()),
        (NotOwnSector, DAN_PHUONG, ("trade",)),
    ):
        with pytest.raises(refusal):
            set_up(city, "Cơ quan khác", areas, sectors, at=now)


def test_the_pages_of_the_desk_lend_and_set_up(app: Flask, pages: PageClient) -> None:
    commune = authority("00070").organisation.code
    city = make_member(app, role="supervisor", kind="authority", name="Sở Minh họa")
    office = db.session.get_one(Organisation, city.organisation_id)
    office.jurisdiction, office.status = HANOI, "confirmed"
    db.session.commit()
    sign_in(app, pages.client, city)
    home = pages.get("/inspection/")
    assert "Phạm vi: Hà Nội" in home.text
    page = pages.get(home.link("Uỷ quyền"))
    assert "Chưa có uỷ quyền nào" in page.text
    told = {
        "taker": commune,
        "act": "decide",
        "areas": "Đan Phượng, Ô Diên",
        "until": (clock.now() + timedelta(days=20)).date().isoformat(),
        "reason": "<b>Nghỉ phép</b>",
    }
    new = pages.get("/inspection/delegations/new")
    wrong = pages.submit(new, {**told, "areas": "Cà Mau"}, status=400)
    assert "không thuộc địa bàn" in wrong.text
    done = pages.submit(new, told)
    assert "Xã Đan Phượng, Hà Nội" in done.text
    assert "<b>Nghỉ phép</b>" in done.text
    ended = pages.submit(done, {})
    assert "đã rút" in ended.text
    made = pages.submit(
        pages.get("/inspection/authorities/new"),
        {"name": "Cơ quan Ô Diên", "areas": "Ô Diên"},
        status=201,
    )
    assert "Mã chỉ hiện một lần" in made.text
    assert "chờ nền tảng xác nhận" in pages.get("/inspection/authorities/").text
