"""Releases, voids and corrections lift no alert that they may not lift (formats §2, §7).

Each attack is made through capture; it must leave the alert of the lot and of what was made of it,
and the bundle of the goods must come to the same when somebody checks it.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import scoped_session

from tests.support.factories import event, make_actor, new_lot, notice, registered, transformed
from tests.support.farms import Farm, id_base, make_farm, thing_id
from trace.core.epcis import JsonObject
from trace.core.gs1 import new_serial
from trace.core.signing import PrivateKey, b64url
from trace.core.statements import build_statement, present
from trace.core.verify import verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Alert, Key, Organisation, Thing
from trace.services import platform, sequencer, witnessing
from trace.services.actors import Actor
from trace.services.alerts import alerts_of
from trace.services.balances import review
from trace.services.bundles import bundle_of
from trace.services.capture import Captured, capture, capture_statements
from trace.services.capture.notices import NoticeByProgram
from trace.services.custody import add_own_key, draft_own_key
from trace.services.keys import NamedKey
from trace.services.naming import issuer_of
from trace.services.records import declare_error

START = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
TODAY = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("now")
Session = scoped_session[Any]


class Recalled:
    """A lot of a farm, goods made of it, and a recall of the lot."""

    def __init__(self) -> None:
        self.farm = make_farm(START)
        self.lot, self.made = self.farm.register(10), new_lot()
        self.making = self._at(transformed({self.lot: 10}, {self.made: 10}))
        self.made_by = self.farm.tell(self.making)
        self.event = self._at(notice("recall", self.lot, hazard="health"))
        self.given = self.farm.tell(self.event)

    def _at(self, told: JsonObject) -> JsonObject:
        return {
            **told,
            "eventID": f"urn:uuid:{uuid.uuid4()}",
            "eventTime": self.farm.at.isoformat(),
        }

    def again(self, kind: str, *lots: str, **members: Any) -> JsonObject:
        return self._at(notice(kind, *(lots or (self.lot,)), **members))

    @property
    def statement(self) -> str:
        return self.given.events[0].statement_id

    def declared(
        self, original: JsonObject, captured: Captured, *instead: JsonObject
    ) -> JsonObject:
        return declare_error(
            original,
            captured.events[0].statement_id,
            id_base=id_base(),
            at=self.farm.at,
            reason="incorrect_data" if instead else "did_not_occur",
            corrective=[str(one["eventID"]) for one in instead],
        )

    def stands(self) -> set[str]:
        """On which of the two a recall stands."""
        db.session.rollback()
        found = alerts_of([thing_id(self.lot), thing_id(self.made)])
        names = {thing_id(self.lot): "lot", thing_id(self.made): "made"}
        return {names[t] for t, ones in found.items() if any(one.kind == "recall" for one in ones)}

    def verified(self) -> str:
        """What a check of the goods' bundle says of recalls."""
        db.session.rollback()
        sequencer.publish(now=TODAY)
        db.session.commit()
        data = bundle_of(thing_id(self.made), at=TODAY)
        policy = read_policy(witnessing.read_policy_text().encode())
        return verify_bundle(data, policy, TODAY).recall


@pytest.fixture
def case(db_session: Session) -> Recalled:
    return Recalled()


def stranger(kind: str = "trader", status: str = "unconfirmed", **more: Any) -> Farm:
    other = make_farm(START, "Khác Demo", kind=kind, status=status, **more)
    other.at = START + timedelta(days=1)  # after everything that the farm has told
    return other


def a_third_party_releases(case: Recalled) -> None:
    stranger().tell(case.again("release", ends=[case.statement]))


def an_unconfirmed_authority_releases(case: Recalled) -> None:
    stranger("authority").tell(case.again("release", ends=[case.statement]))


def an_authority_of_another_province_releases(case: Recalled) -> None:
    far = stranger("authority", "confirmed", jurisdiction="79")
    far.tell(case.again("release", ends=[case.statement]))


def an_authority_without_jurisdiction_releases(case: Recalled) -> None:
    someone = stranger("authority", "confirmed")
    row = db.session.get_one(Organisation, someone.organisation.id)
    row.jurisdiction = None
    db.session.commit()
    someone.tell(case.again("release", ends=[case.statement]))


def a_release_names_a_statement_of_somebody_else(case: Recalled) -> None:
    other = stranger()
    theirs = other.tell(registered(new_lot()))
    case.farm.tell(case.again("release", ends=[theirs.events[0].statement_id]))


def a_release_names_nothing_or_nonsense(case: Recalled) -> None:
    case.farm.tell(case.again("release"))
    case.farm.tell(case.again("release", ends=["urn:uuid:nonsense", "", case.lot]))


def the_owner_of_the_made_goods_releases(case: Recalled) -> None:
    buyer = stranger()
    buyer.tell(transformed({case.made: 5}, {new_lot(): 5}))
    buyer.tell(case.again("release", case.made, ends=[case.statement]))


def the_recall_is_voided(case: Recalled) -> None:
    case.farm.tell(case.declared(case.event, case.given))


def the_recall_is_corrected_into_advice(case: Recalled) -> None:
    advice = case.again("advice")
    case.farm.tell(advice, case.declared(case.event, case.given, advice))


def the_correction_is_corrected_again(case: Recalled) -> None:
    advice = case.again("advice")
    first = case.farm.tell(advice, case.declared(case.event, case.given, advice))
    nothing = case._at(event("ObjectEvent", quantityList=[{"epcClass": case.lot}]))
    case.farm.tell(nothing, case.declared(advice, first, nothing))


def the_making_is_voided(case: Recalled) -> None:
    case.farm.tell(case.declared(case.making, case.made_by))


def the_making_is_corrected_to_another_source(case: Recalled) -> None:
    other = case.farm.register(10)
    instead = case._at(transformed({other: 10}, {case.made: 10}))
    case.farm.tell(instead, case.declared(case.making, case.made_by, instead))


def somebody_else_declares_the_recall_an_error(case: Recalled) -> None:
    stranger().tell(case.declared(case.event, case.given))


def somebody_else_declares_the_making_an_error(case: Recalled) -> None:
    stranger().tell(case.declared(case.making, case.made_by))


def it_is_declared_twice(case: Recalled) -> None:
    the_recall_is_voided(case)
    with pytest.raises(TraceError) as refused:
        case.farm.tell(case.declared(case.event, case.given))
    assert refused.value.code == "already-recorded"
    db.session.rollback()


def a_declaration_repeats_a_release(case: Recalled) -> None:
    """An error declaration that looks like a release: of an event nobody recorded."""
    release = case.again("release", ends=[case.statement])
    error = {"declarationTime": case.farm.at.isoformat(), "reason": "did_not_occur"}
    case.farm.tell({**release, "errorDeclaration": error})


def a_release_is_withdrawn(case: Recalled) -> None:
    release = case.again("release", ends=[case.statement])
    given = case.farm.tell(release)
    assert case.stands() == set()
    case.farm.tell(case.declared(release, given))


def a_release_is_corrected_to_end_something_else(case: Recalled) -> None:
    release = case.again("release", ends=[case.statement])
    given = case.farm.tell(release)
    instead = case.again("release", ends=[f"urn:uuid:{uuid.uuid4()}"])
    case.farm.tell(instead, case.declared(release, given, instead))


ATTACKS: tuple[Callable[[Recalled], None], ...] = (
    a_third_party_releases,
    an_unconfirmed_authority_releases,
    an_authority_of_another_province_releases,
    an_authority_without_jurisdiction_releases,
    a_release_names_a_statement_of_somebody_else,
    a_release_names_nothing_or_nonsense,
    the_owner_of_the_made_goods_releases,
    the_recall_is_voided,
    the_recall_is_corrected_into_advice,
    the_correction_is_corrected_again,
    the_making_is_voided,
    the_making_is_corrected_to_another_source,
    somebody_else_declares_the_recall_an_error,
    somebody_else_declares_the_making_an_error,
    it_is_declared_twice,
    a_declaration_repeats_a_release,
    a_release_is_withdrawn,
    a_release_is_corrected_to_end_something_else,
)
# A policy names authorities, not where they are competent: whose word counts for him, the reader
# of a bundle decides himself.
OF_THE_READER = {
    an_authority_of_another_province_releases,
    an_authority_without_jurisdiction_releases,
}


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: str(attack.__name__))
def test_the_recall_stands(case: Recalled, attack: Callable[[Recalled], None]) -> None:
    attack(case)
    assert case.stands() == {"lot", "made"}
    if attack not in OF_THE_READER:
        assert case.verified() == "recalled"


@pytest.mark.one_database
def test_an_edge_taken_back_before_the_recall_carries_it_all_the_same(case: Recalled) -> None:
    release = case.again("release", ends=[case.statement])
    case.farm.tell(release)
    the_making_is_voided(case)
    case.farm.tell(case.again("recall"))
    assert case.stands() == {"lot", "made"}
    assert case.verified() == "recalled"


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.one_database
def test_a_release_recorded_before_the_notice_it_names_ends_nothing(
    db_session: Session, together: bool
) -> None:
    """An own key chooses its statements' ids, so a release can name what is not given yet."""
    case = Recalled()
    case.farm.tell(case.again("release", ends=[case.statement]))
    sign = own_key(case.farm)
    later = f"urn:uuid:{uuid.uuid4()}"
    release, recall = case.again("release", ends=[later]), case.again("recall")
    texts = [sign(release, f"urn:uuid:{uuid.uuid4()}"), sign(recall, later)]
    for some in [texts] if together else [[text] for text in texts]:
        upload(case.farm, some)
    assert case.stands() == {"lot", "made"}
    assert case.verified() == "recalled"
    case.farm.tell(case.again("release", ends=[later]))
    assert case.stands() == set()


def own_key(farm: Farm) -> Callable[[JsonObject, str], str]:
    """Gives the farm a key of its own; signs events under ids that its holder chooses."""
    private = PrivateKey.generate()
    draft = draft_own_key(farm.actor, private.public)
    text = draft.signing_input
    jws = f"{text}.{b64url(private.sign(text.encode()))}"
    farm_keys[farm.organisation.code] = (key := add_own_key(farm.actor, [jws], at=farm.at)), private
    db.session.commit()

    def sign(said: JsonObject, statement: str) -> str:
        built = build_statement(
            said,
            issuer=issuer_of(farm.organisation.code),
            kid=key.kid,
            key=private,
            statement_id=statement,
            valid_from=farm.at,
            salts=os.urandom,
        )
        return present(built)

    return sign


farm_keys: dict[str, tuple[Key, PrivateKey]] = {}


def upload(farm: Farm, texts: list[str]) -> None:
    key, private = farm_keys[farm.organisation.code]
    named = NamedKey(key.id, key.kid)
    capture_statements(farm.actor, texts, named, private.public, at=farm.at)
    db.session.commit()


@pytest.mark.one_database
def test_the_owner_does_not_release_what_the_platform_holds(db_session: Session) -> None:
    farm = make_farm(START)
    lot = farm.register(10)
    farm.send(lot, None, 100)
    held = hold_by_the_platform(lot, farm)
    farm.notify("release", lot, ends=[held])
    assert holds(lot) == 1
    authority = make_farm(farm.at, "Chi cục Demo", kind="authority", status="confirmed")
    authority.notify("release", lot, ends=[held])
    assert holds(lot) == 0


@pytest.mark.one_database
def test_a_correction_there_and_back_does_not_settle_a_balance(db_session: Session) -> None:
    """What was declared in error was never made: it widens no tolerance."""
    farm = make_farm(START)
    lot = new_lot()
    right = registered(lot, 10, eventID=f"urn:uuid:{uuid.uuid4()}")
    wrong = registered(lot, 100_000, eventID=f"urn:uuid:{uuid.uuid4()}")
    again = registered(lot, 10, eventID=f"urn:uuid:{uuid.uuid4()}")
    first = farm.tell(right)
    farm.send(lot, None, 100)
    hold_by_the_platform(lot, farm)
    case = Recalled.__new__(Recalled)
    case.farm = farm
    second = farm.tell(wrong, case.declared(right, first, wrong))
    farm.tell(again, case.declared(wrong, second, again))
    assert review(platform_id(), [thing_id(lot)], at=farm.at) == []
    assert holds(lot) == 1


def platform_id() -> int:
    return platform.platform_organisation().id


def hold_by_the_platform(lot: str, farm: Farm) -> str:
    (due,) = review(platform_id(), [thing_id(lot)], at=farm.at)
    row = db.session.get_one(Organisation, platform_id())
    given = capture(Actor(row, None, "admin"), [due], at=farm.at)
    db.session.commit()
    return given.events[0].statement_id


def holds(lot: str) -> int:
    db.session.rollback()
    return len(alerts_of([thing_id(lot)])[thing_id(lot)])


def test_who_may_lift_does_lift_and_the_bundle_agrees(case: Recalled) -> None:
    authority = stranger("authority", "confirmed", jurisdiction="01")
    authority.tell(case.again("release", ends=[case.statement]))
    assert case.stands() == set()
    assert case.verified() == "none-shown"


@pytest.mark.one_database
def test_a_commune_does_not_lift_what_the_city_ordered(db_session: Session) -> None:
    case = Recalled()
    case.farm.tell(case.again("release", ends=[case.statement]))
    city = stranger("authority", "confirmed", jurisdiction="01")
    commune = stranger("authority", "confirmed", jurisdiction="09895")
    ordered = city.tell(case.again("recall")).events[0].statement_id
    commune.tell(case.again("release", ends=[ordered]))
    assert case.stands() == {"lot", "made"}
    local = commune.tell(case.again("recall")).events[0].statement_id
    city.tell(case.again("release", ends=[ordered, local]))
    assert case.stands() == set()


@pytest.mark.one_database
def test_a_release_withdrawn_leaves_what_another_release_ended(case: Recalled) -> None:
    release = case.again("release", ends=[case.statement])
    given = case.farm.tell(release)
    authority = stranger("authority", "confirmed")
    authority.tell(case.again("release", ends=[case.statement]))
    case.farm.tell(case.declared(release, given))
    assert case.stands() == set()
    assert case.verified() == "none-shown"


@pytest.mark.one_database
def test_a_release_corrected_into_a_release_still_ends_it(case: Recalled) -> None:
    release = case.again("release", ends=[case.statement])
    given = case.farm.tell(release)
    better = case.again("release", ends=[case.statement], reason="Kết quả kiểm nghiệm đạt")
    case.farm.tell(better, case.declared(release, given, better))
    assert case.stands() == set()
    assert case.verified() == "none-shown"


@pytest.mark.one_database
def test_a_unit_first_named_after_its_lot_was_recalled_is_recalled_with_it(
    case: Recalled,
) -> None:
    unit = f"{case.lot}/{new_serial(os.urandom)}"
    case.farm.tell(
        event("ObjectEvent", action="ADD", epcList=[unit], eventTime=case.farm.at.isoformat())
    )
    assert [one.kind for one in alerts_of([thing_id(unit)])[thing_id(unit)]] == ["recall"]


@pytest.mark.one_database
def test_may_contain_gives_way_to_does_contain(case: Recalled) -> None:
    other, mix = case.farm.register(10), new_lot()
    case.farm.tell(transformed({case.lot: 1, other: 1}, {mix: 2}))
    assert mixed(mix)
    case.farm.tell(transformed({case.lot: 1}, {mix: 1}))
    assert not mixed(mix)
    case.farm.tell(transformed({case.lot: 2, other: 2}, {mix: 4}))
    assert not mixed(mix)


def mixed(lot: str) -> bool:
    db.session.rollback()
    query = select(Alert.mixed).join(Thing, Thing.id == Alert.thing_id)
    return db.session.scalars(query.where(Thing.id == thing_id(lot))).one()


# -- programs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["recall", "hold", "advice", "release"])
def test_a_token_of_an_authority_gives_and_ends_no_notice(db_session: Session, kind: str) -> None:
    lot = make_farm(START).register(10)
    made = make_actor(TODAY, "Sở Minh họa", "authority", "confirmed")
    office, program = replace(made, role="admin"), replace(made, role="token")  # as the desk signs
    ends = {}
    if kind == "release":
        given = capture(office, [notice("recall", lot, hazard="health")], at=TODAY)
        ends = {"ends": [given.events[0].statement_id]}
    told = {**notice(kind, lot, **ends), "eventID": f"urn:uuid:{uuid.uuid4()}"}
    with pytest.raises(NoticeByProgram):
        capture(program, [told], at=TODAY)
    first = capture(office, [told], at=TODAY).events[0]
    error = declare_error(
        told, first.statement_id, id_base=id_base(), at=TODAY, reason="did_not_occur"
    )
    with pytest.raises(NoticeByProgram):
        capture(program, [error], at=TODAY)
    # Whatever else an authority's program has to say is taken.
    assert capture(program, [registered(new_lot(), 5)], at=TODAY).events


def test_a_farms_program_recalls_what_is_its_own(db_session: Session) -> None:
    farm = make_farm(START)
    lot = farm.register(10)
    capture(replace(farm.actor, role="token"), [notice("recall", lot)], at=TODAY)
    assert db_session.scalars(select(Alert.kind)).all() == ["recall"]
