"""Event to statement: what is in the clear, what can be withheld, what cannot be signed."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

import pytest

from tests.golden.signed import EVENT, ISSUER, KEY, KID, build, payload_of
from tests.golden.world import START, Stream, uuid4
from trace.core.signing import (
    DisclosureMismatch,
    IssuerMismatch,
    Unreadable,
    unb64url,
)
from trace.core.statements import (
    CORE,
    MEMBERS,
    NotSignable,
    Statement,
    disclosures_of,
    id_base_of,
    open_statement,
    paths_of,
    present,
)
from trace.core.verify import verify_statement
from trace.errors import TraceError

# -- what is signed --------------------------------------------------------------------------------


def test_the_event_comes_back_whole_and_without_record_time() -> None:
    opened = verify_statement(present(build()), KEY.public, issuer=ISSUER)
    assert opened.event == {name: value for name, value in EVENT.items() if name != "recordTime"}
    assert opened.withheld == ()
    assert opened.valid_from == START


def test_core_members_and_counts_are_in_the_clear_and_nothing_else() -> None:
    subject = payload_of(build())["credentialSubject"]
    assert set(subject) == {*(name for name in CORE if name in EVENT), MEMBERS, "_sd"}
    assert subject[MEMBERS] == {
        "@context": 2,
        "eventID": 1,
        "quantityList": 3,
        "epcList": 1,
        "readPoint": 1,
        "sensorElementList": 0,
        "ilmd": 4,
        "ilmd/cbvmda:lotNumber": 1,
        "ilmd/trace:productName": 1,
        "ilmd/https:~1~1ns.example.com~1a~0b~1c": 2,
        "ilmd/trace:seeds": 1,
        "trace:note": 1,
        "trace:performedBy": 1,
    }
    assert subject["_sd"] == sorted(subject["_sd"])


def test_a_notice_and_a_correction_cannot_be_withheld() -> None:
    notice = {"kind": "recall", "ends": []}
    event = {**EVENT, "trace:notice": notice, "trace:corrects": uuid4(Stream("other"))}
    statement = build(event)
    everything = [disclosure.path for disclosure in statement.disclosures]
    assert not {"trace:notice", "trace:corrects"} & set(everything)
    opened = open_statement(present(statement, everything))
    assert opened.event["trace:notice"] == notice
    assert opened.event["trace:corrects"] == event["trace:corrects"]


def test_the_header_is_exactly_three_members() -> None:
    header = json.loads(unb64url(build().jwt.split(".")[0]))
    assert header == {"alg": "Ed25519", "typ": "vc+sd-jwt", "kid": KID}


def test_paths_are_known_before_signing_in_the_order_stored() -> None:
    statement = build()
    assert tuple(d.path for d in statement.disclosures) == paths_of(EVENT)
    texts = [disclosure.text for disclosure in statement.disclosures]
    assert disclosures_of(statement.jwt, texts) == statement.disclosures


def test_salts_are_drawn_once_and_each_disclosure_has_its_own() -> None:
    drawn: list[int] = []
    stream = Stream("salts")

    def salts(size: int) -> bytes:
        drawn.append(size)
        return stream(size)

    statement = build(salts=salts)
    assert drawn == [16 * len(statement.disclosures)]
    found = [json.loads(unb64url(d.text))[0] for d in statement.disclosures]
    assert len(set(found)) == len(found)
    assert all(len(unb64url(salt)) == 16 for salt in found)


def test_too_few_salts_are_refused() -> None:
    with pytest.raises(Unreadable):
        build(salts=lambda size: bytes(size - 1))


@pytest.mark.parametrize("size", [0, 1, 2, 32, 33])
def test_lists_are_disclosed_element_by_element_from_2_to_32(size: int) -> None:
    event = {"type": "ObjectEvent", "epcList": [f"urn:example:{n}" for n in range(size)]}
    statement = build(event)
    assert len(statement.disclosures) == 1 + (size if 2 <= size <= 32 else 0)
    assert open_statement(present(statement)).event == event


def test_a_withheld_list_hides_its_elements_and_a_withheld_element_keeps_its_place() -> None:
    statement = build()
    whole = open_statement(present(statement, ["quantityList"]))
    assert "quantityList" not in whole.event
    assert whole.withheld == ("quantityList",)
    some = open_statement(present(statement, ["quantityList/1"]))
    assert some.event["quantityList"] == [EVENT["quantityList"][0], EVENT["quantityList"][2]]
    assert some.withheld == ("quantityList/1",)


def test_undeclared_and_withheld_are_told_apart() -> None:
    opened = open_statement(present(build(), ["readPoint", "ilmd/cbvmda:lotNumber"]))
    assert set(opened.withheld) == {"readPoint", "ilmd/cbvmda:lotNumber"}
    assert "bizLocation" not in opened.withheld  # never declared


def test_what_is_below_an_erased_parent_goes_with_it() -> None:
    statement = build()
    texts = [None if d.path == "quantityList" else d.text for d in statement.disclosures]
    left = disclosures_of(statement.jwt, texts)
    assert not [d for d in left if d.path.startswith("quantityList")]
    opened = open_statement(present(Statement(statement.jwt, left)))
    assert opened.withheld == ("quantityList",)


def test_a_stored_disclosure_of_another_statement_is_noticed() -> None:
    statement, other = build(), build(salts=Stream("others"))
    texts = [d.text for d in statement.disclosures[:-1]] + [other.disclosures[-1].text]
    with pytest.raises(DisclosureMismatch):
        disclosures_of(statement.jwt, texts)


# -- what cannot be signed -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"_sd": []}, "/_sd"),
        ({"...": "x"}, "/..."),
        ({"_sd_alg": "sha-256"}, "/_sd_alg"),
        ({"trace:note": {"_sd": ["x"]}}, "/trace:note/_sd"),
        ({"trace:inputs": [{"a": {"...": 1}}, {}]}, "/trace:inputs/0/a/..."),
        ({"ilmd": {"_sd": []}}, "/ilmd/_sd"),
        ({"ilmd": {"trace:x": [[{"_sd_alg": 1}]]}}, "/ilmd/trace:x/0/0/_sd_alg"),
        ({"persistentDisposition": {"_sd": []}}, "/persistentDisposition/_sd"),
        ({"trace:notice": {"kind": {"...": 1}}}, "/trace:notice/kind/..."),
        ({"trace:members": {}}, "/trace:members"),
        ({"ilmd": []}, "/ilmd"),
        ({"trace:area": math.inf}, "/trace:area"),
        ({"trace:area": [1, math.nan]}, "/trace:area/1"),
        ({"trace:area": 2**53}, "/trace:area"),
        ({"disposition": math.nan}, "/disposition"),
        ({"trace:note": "\ud800"}, "/trace:note"),
        ({"trace:note": object()}, "/trace:note"),
        ({"trace:note": START}, "/trace:note"),
        ({5: "x"}, "/"),
        ({"trace:note": {5: "x"}}, "/trace:note/"),
    ],
)
def test_what_could_be_changed_after_signing_is_never_signed(
    members: dict[Any, Any], path: str
) -> None:
    with pytest.raises(NotSignable) as caught:
        build({**EVENT, **members})
    assert caught.value.path == path
    assert caught.value.detail


def test_an_event_nested_beyond_any_reader_is_refused() -> None:
    deep: Any = 1
    for _ in range(61):
        deep = [deep]
    with pytest.raises(NotSignable):
        build({**EVENT, "trace:note": deep})
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(NotSignable):
        build({**EVENT, "trace:note": deep})


def test_the_deepest_event_that_is_signed_is_also_read() -> None:
    deep: Any = 1
    for _ in range(58):
        deep = {"a": deep}
    event = {**EVENT, "trace:inputs": [deep, deep], "trace:notice": deep}
    assert open_statement(present(build(event))).event["trace:inputs"] == [deep, deep]


def test_at_most_256_members_are_signed() -> None:
    base = {"type": "ObjectEvent", "ilmd": {f"trace:i{n}": n for n in range(100)}}
    fits = {**base, **{f"trace:m{n}": n for n in range(155)}}
    assert open_statement(present(build(fits))).event == fits
    with pytest.raises(NotSignable):
        build({**fits, "trace:more": 1})


@pytest.mark.parametrize(
    ("members", "error"),
    [
        ({"kid": "did:web:trace.example:o:OTHER#k1"}, IssuerMismatch),
        ({"kid": f"{ISSUER}#k 1"}, Unreadable),
        ({"issuer": "did:key:z6Mk", "kid": "did:key:z6Mk#k1"}, Unreadable),
        ({"statement_id": "urn:uuid:5f6d5b1e-6a0c-1c3e-8f6a-2b8f9c1d2e3f"}, Unreadable),
        ({"statement_id": "5f6d5b1e"}, Unreadable),
        ({"valid_from": datetime(2026, 11, 22)}, Unreadable),  # noqa: DTZ001 - naive on purpose
    ],
)
def test_a_statement_without_a_proper_name_or_time_is_refused(
    members: dict[str, Any], error: type[TraceError]
) -> None:
    with pytest.raises(error):
        build(**members)


def test_the_identifier_base_of_an_issuer_keeps_stem_and_port() -> None:
    assert id_base_of("did:web:a.example%3A8443:x:y:o:7") == "https://a.example:8443/x/y"
    with pytest.raises(Unreadable):
        id_base_of("did:web:a.example")
