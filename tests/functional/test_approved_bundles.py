"""What a passkey approved is proved by the bundle; what only pretends to be approved is refused."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy.orm import scoped_session

from tests.support.factories import make_actor, new_lot, registered
from tests.support.farms import thing_id
from tests.support.passkeys import Phone
from trace.core.signing import PublicKey, TrustError, b64url
from trace.core.statements import Assertion, approval_challenge, statement_hash
from trace.core.verify import Report, verify_bundle
from trace.core.verify.policy_file import read_policy
from trace.extensions import db
from trace.jobs.worker import publish
from trace.models import Key
from trace.services import witnessing
from trace.services.actors import Actor
from trace.services.bundles import bundle_of
from trace.services.capture import Approval, Sheaf, capture, capture_statements
from trace.services.custody import revoke
from trace.services.keys import NamedKey, rotate_key
from trace.services.passkeys import add_passkey, creation_options, draft_passkey, read_made
from trace.services.passports import passport_of

Session = scoped_session[Any]
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


class Approver:
    """An organisation with a phone; `send` writes as the console does, or as a cheat would."""

    def __init__(self) -> None:
        self.actor: Actor = make_actor(NOW)
        self.phone = Phone("approver")
        self.key = self.enrol(self.phone)

    def enrol(self, phone: Phone) -> Key:
        challenge = os.urandom(32)
        made = read_made(phone.create(creation_options(self.actor, challenge)), challenge)
        proof = phone.get({"challenge": b64url(draft_passkey(self.actor, made).challenge)})
        key = add_passkey(self.actor, made, proof, at=NOW)
        db.session.commit()
        return key

    def send(self, lots: list[str], assertion: Assertion | None = None) -> Assertion:
        """Records lots under an assertion: the phone's own, or one from elsewhere."""
        sheaf = Sheaf(self.actor, at=NOW)
        sheaf.add([registered(lot) for lot in lots])
        signer, texts = sheaf.key, sheaf.statements()
        hashes = tuple(statement_hash(text.partition("~")[0]) for text in texts)
        given = assertion or self.phone.assertion(approval_challenge(hashes))
        capture_statements(
            self.actor,
            texts,
            signer,
            PublicKey.from_jwk(orjson.loads(db.session.get_one(Key, signer.row_id).jwk)),
            at=NOW,
            approval=Approval(hashes, given, NamedKey(self.key.id, self.key.kid)),
        )
        db.session.commit()
        return given


@pytest.fixture
def approver(db_session: Session) -> Approver:
    return Approver()


def report(lot: str) -> Report:
    publish("test")
    policy = read_policy(witnessing.read_policy_text().encode())
    wanted = thing_id(lot)
    db.session.rollback()
    data = bundle_of(wanted, at=NOW)
    db.session.rollback()
    return verify_bundle(data, policy, NOW)


def refusal(lot: str) -> str:
    with pytest.raises(TrustError) as refused:
        report(lot)
    return refused.value.code


def test_an_approved_session_is_proved_to_be_approved(approver: Approver) -> None:
    lots = [new_lot() for _ in range(3)]
    approver.send(lots)
    for lot in lots:
        (one,) = report(lot).statements
        assert one.custody == "passkey"


def test_the_page_says_who_approved_and_who_did_not(approver: Approver) -> None:
    approved, plain = new_lot(), new_lot()
    approver.send([approved])
    capture(approver.actor, [registered(plain)], at=NOW)
    db.session.commit()
    told = [
        passport_of(thing_id(lot), at=NOW).document["lines"][0]["custody"]
        for lot in (approved, plain)
    ]
    assert told == ["passkey", "server"]
    (one,) = report(plain).statements
    assert one.custody == "server"


def test_an_approval_still_counts_after_the_phone_is_lost_and_the_server_key_replaced(
    approver: Approver,
) -> None:
    lot = new_lot()
    approver.send([lot])
    revoke(approver.actor, approver.key, at=NOW)
    rotate_key(approver.actor.organisation, at=NOW)
    db.session.commit()
    (one,) = report(lot).statements
    assert one.custody == "passkey"


def test_an_assertion_for_other_statements_is_not_an_approval(approver: Approver) -> None:
    first, second = new_lot(), new_lot()
    used = approver.send([first])
    approver.send([second], used)
    assert refusal(second) == "not-approved"
    (one,) = report(first).statements
    assert one.custody == "passkey"


@pytest.mark.parametrize("foreign", ["another phone", "another page", "nobody touched it"])
def test_an_assertion_from_elsewhere_is_not_an_approval(approver: Approver, foreign: str) -> None:
    lot = new_lot()
    sheaf = Sheaf(approver.actor, at=NOW)
    sheaf.add([registered(lot)])
    signer, texts = sheaf.key, sheaf.statements()
    hashes = tuple(statement_hash(text.partition("~")[0]) for text in texts)
    phones = {
        "another phone": Phone("thief"),
        "another page": Phone("approver", origin="https://evil.example"),
        "nobody touched it": approver.phone,
    }
    flags = 0x00 if foreign == "nobody touched it" else 0x05
    assertion = phones[foreign].assertion(approval_challenge(hashes), flags=flags)
    capture_statements(
        approver.actor,
        texts,
        signer,
        PublicKey.from_jwk(orjson.loads(db.session.get_one(Key, signer.row_id).jwk)),
        at=NOW,
        approval=Approval(hashes, assertion, NamedKey(approver.key.id, approver.key.kid)),
    )
    db.session.commit()
    assert refusal(lot) == "not-approved"


def test_the_phone_of_another_organisation_approves_nothing_here(approver: Approver) -> None:
    other = Approver.__new__(Approver)
    other.actor, other.phone = make_actor(NOW, "HTX Khác"), Phone("other")
    other.key = other.enrol(other.phone)
    lot = new_lot()
    mine, approver.phone = approver.phone, other.phone
    approver.send([lot])
    approver.phone = mine
    assert refusal(lot) == "not-approved"
