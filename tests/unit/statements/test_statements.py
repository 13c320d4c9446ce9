"""Event to statement and back: what is in the clear, what can be withheld, what is refused."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.story import event_of, quantity
from tests.golden.world import START, Stream, private_key, uuid4
from trace.core.signing import (
    BadSignature,
    DisclosureMismatch,
    IssuerMismatch,
    JsonObject,
    TrustError,
    Unreadable,
    b64url,
    dumps,
    sign_compact,
    unb64url,
)
from trace.core.signing.sdjwt import digest_of, make_disclosure
from trace.core.statements import (
    CORE,
    MEMBERS,
    NotSignable,
    Opened,
    Statement,
    accept_upload,
    build_statement,
    disclosures_of,
    id_base_of,
    open_signed,
    open_statement,
    paths_of,
    present,
    verify_signature,
)
from trace.core.verify import verify_statement
from trace.errors import TraceError

ISSUER = "did:web:trace.example:o:7K3QMP2XV4"
KID = f"{ISSUER}#k1"
KEY = private_key("signer")
EVENT = event_of(
    "ObjectEvent",
    "trace:harvesting",
    "2026-11-20T08:00",
    eventID="urn:uuid:5f6d5b1e-6a0c-4c3e-8f6a-2b8f9c1d2e3f",
    recordTime="2026-11-20T01:00:00.000Z",
    action="ADD",
    disposition="active",
    persistentDisposition={"set": ["completeness_verified"]},
    quantityList=[quantity(f"https://trace.example/b/{n}", n) for n in range(3)],
    epcList=["https://trace.example/b/7K3QMP2XV4/1"],
    readPoint={"id": "https://trace.example/l/7K3QMP2XV4"},
    sensorElementList=[],
    ilmd={
        "cbvmda:lotNumber": "A1",
        "trace:productName": "Rau muống",
        "https://ns.example.com/a~b/c": ["x", "y"],
        "trace:seeds": {"a": [1, 2]},
    },
    **{"trace:note": "Cắt lứa hai", "trace:performedBy": {"household": "H07"}},
)


def build(event: JsonObject = EVENT, **members: Any) -> Statement:
    arguments: dict[str, Any] = {
        "issuer": ISSUER,
        "kid": KID,
        "key": KEY,
        "statement_id": uuid4(Stream("id")),
        "valid_from": START,
        "salts": Stream("salts"),
    }
    return build_statement(event, **{**arguments, **members})


def payload_of(statement: Statement) -> JsonObject:
    payload: JsonObject = json.loads(unb64url(statement.jwt.split(".")[1]))
    return payload


def resigned(statement: Statement, change: Callable[[JsonObject], None]) -> Statement:
    """The statement as a signer of bad will might have signed it."""
    payload = payload_of(statement)
    change(payload)
    jwt = sign_compact(dumps(payload), typ="vc+sd-jwt", kid=KID, key=KEY)
    return replace(statement, jwt=jwt)


def refused(sdjwt: str, error: type[TrustError] = DisclosureMismatch) -> TrustError:
    with pytest.raises(error) as caught:
        open_statement(sdjwt)
    return caught.value


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


# -- what is not read ------------------------------------------------------------------------------


def test_a_signature_by_another_key_or_over_another_text_is_refused() -> None:
    statement = build()
    with pytest.raises(BadSignature):
        verify_statement(present(statement), private_key("other").public)
    with pytest.raises(IssuerMismatch):
        verify_signature(statement.jwt, KEY.public, issuer="did:web:trace.example:o:OTHER")
    with pytest.raises(IssuerMismatch):
        verify_statement(present(statement), KEY.public, issuer="did:web:trace.example:o:OTHER")


@pytest.mark.parametrize(
    "change",
    [
        lambda p: p.update(extra=1),
        lambda p: p.pop("validFrom"),
        lambda p: p.update(validFrom="2026-11-22T03:00:00Z"),
        lambda p: p.update(validFrom="2026-02-30T03:00:00.000Z"),
        lambda p: p.update(id="urn:uuid:1"),
        lambda p: p.update(type=["VerifiableCredential"]),
        lambda p: p.update({"@context": ["https://www.w3.org/ns/credentials/v2"]}),
        lambda p: p.update(issuer=5),
        lambda p: p.update(_sd_alg="md5"),
        lambda p: p.update(credentialSubject=[]),
        lambda p: p["credentialSubject"].update({"trace:note": "in the clear"}),
        lambda p: p["credentialSubject"].pop(MEMBERS),
        lambda p: p["credentialSubject"].pop("_sd"),
        lambda p: p["credentialSubject"][MEMBERS].update(readPoint=True),
        lambda p: p["credentialSubject"][MEMBERS].update(readPoint=-1),
        lambda p: p["credentialSubject"][MEMBERS].update({"epcList/0": 1}),
        lambda p: p["credentialSubject"].update(persistentDisposition={"_sd": []}),
    ],
)
def test_a_payload_of_any_other_form_is_refused_although_signed(
    change: Callable[[JsonObject], None],
) -> None:
    with pytest.raises(TrustError):
        open_statement(present(resigned(build(), change)))


def test_a_member_that_no_name_lists_is_refused_shown_or_hidden() -> None:
    """It could be shown when it suits, and never be erased."""
    hidden = make_disclosure(bytes(16), "later", "trace:later")

    def change(payload: JsonObject) -> None:
        digests = payload["credentialSubject"]["_sd"]
        payload["credentialSubject"]["_sd"] = sorted([*digests, digest_of(hidden)])

    forged = resigned(build(), change)
    refused(present(forged))
    refused(present(forged) + hidden + "~")


def test_a_listed_member_that_no_digest_stands_for_is_refused() -> None:
    refused(
        present(resigned(build(), lambda p: p["credentialSubject"][MEMBERS].update({"trace:x": 1})))
    )


@pytest.mark.parametrize(("name", "count"), [("quantityList", 2), ("epcList", 2), ("ilmd", 3)])
def test_a_wrong_count_is_refused_once_the_member_is_shown(name: str, count: int) -> None:
    forged = resigned(build(), lambda p: p["credentialSubject"][MEMBERS].update({name: count}))
    refused(present(forged))


def test_a_disclosure_cannot_replace_a_core_member() -> None:
    praise = make_disclosure(bytes(16), "active", "disposition")

    def change(payload: JsonObject) -> None:
        subject = payload["credentialSubject"]
        del subject["disposition"]
        subject["_sd"] = sorted([*subject["_sd"], digest_of(praise)])
        subject[MEMBERS]["disposition"] = 1

    refused(present(resigned(build(), change)) + praise + "~")


def test_a_member_of_ilmd_in_the_clear_is_refused() -> None:
    inner = make_disclosure(bytes(16), "hidden", "trace:b")
    ilmd = make_disclosure(bytes(16), {"_sd": [digest_of(inner)], "trace:a": 1}, "ilmd")
    empty = build({"type": "ObjectEvent"})

    def change(payload: JsonObject) -> None:
        payload["credentialSubject"]["_sd"] = [digest_of(ilmd)]
        payload["credentialSubject"][MEMBERS] = {"ilmd": 1, "ilmd/trace:a": 1}

    refused(f"{resigned(empty, change).jwt}~{ilmd}~")


def test_a_list_of_three_disclosed_whole_is_refused() -> None:
    whole = make_disclosure(bytes(16), [1, 2, 3], "trace:list")
    empty = build({"type": "ObjectEvent"})

    def change(payload: JsonObject) -> None:
        payload["credentialSubject"]["_sd"] = [digest_of(whole)]
        payload["credentialSubject"][MEMBERS] = {"trace:list": 3}

    refused(f"{resigned(empty, change).jwt}~{whole}~")


def test_a_disclosure_inside_anything_but_ilmd_and_lists_is_refused() -> None:
    inner = make_disclosure(bytes(16), 1, "a")
    outer = make_disclosure(bytes(16), {"_sd": [digest_of(inner)]}, "trace:area")
    empty = build({"type": "ObjectEvent"})

    def change(payload: JsonObject) -> None:
        payload["credentialSubject"]["_sd"] = [digest_of(outer)]
        payload["credentialSubject"][MEMBERS] = {"trace:area": 1}

    refused(f"{resigned(empty, change).jwt}~{outer}~{inner}~")


def test_doubled_names_in_the_signed_payload_are_refused() -> None:
    header, payload, _ = build().jwt.split(".")
    raw = unb64url(payload).replace(b'"issuer":', b'"issuer":"x","issuer":', 1)
    signing_input = f"{header}.{b64url(raw)}"
    jwt = f"{signing_input}.{b64url(KEY.sign(signing_input.encode()))}"
    with pytest.raises(Unreadable):
        open_signed(f"{jwt}~", KEY.public)


# -- uploads ---------------------------------------------------------------------------------------


def shuffled(statement: Statement) -> str:
    return "~".join([statement.jwt, *(d.text for d in reversed(statement.disclosures)), ""])


def test_an_upload_is_stored_in_our_order_whatever_order_it_came_in() -> None:
    statement = build()
    accepted, opened = accept_upload(shuffled(statement), KEY.public, issuer=ISSUER, kid=KID)
    assert accepted == statement
    assert isinstance(opened, Opened)


def test_an_upload_that_withholds_anything_is_refused() -> None:
    statement = build()
    for disclosure in statement.disclosures:
        with pytest.raises(DisclosureMismatch):
            accept_upload(present(statement, [disclosure.path]), KEY.public, issuer=ISSUER, kid=KID)


def test_an_upload_under_another_name_is_refused() -> None:
    sdjwt = present(build())
    with pytest.raises(IssuerMismatch):
        accept_upload(sdjwt, KEY.public, issuer=ISSUER, kid=f"{ISSUER}#k2")
    with pytest.raises(BadSignature):
        accept_upload(sdjwt, private_key("other").public, issuer=ISSUER, kid=KID)


def test_an_upload_with_a_short_salt_is_refused() -> None:
    short = b64url(dumps([b64url(bytes(8)), "trace:note", "x"]))
    empty = build({"type": "ObjectEvent"})

    def change(payload: JsonObject) -> None:
        payload["credentialSubject"]["_sd"] = [digest_of(short)]
        payload["credentialSubject"][MEMBERS] = {"trace:note": 1}

    sdjwt = f"{resigned(empty, change).jwt}~{short}~"
    with pytest.raises(DisclosureMismatch):
        accept_upload(sdjwt, KEY.public, issuer=ISSUER, kid=KID)


# -- properties ------------------------------------------------------------------------------------

NAMES = st.text(min_size=1, max_size=8).filter(
    lambda name: name not in {"_sd", "_sd_alg", "...", MEMBERS, "ilmd", "recordTime", *CORE}
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(max_size=4).filter(lambda n: n not in {"_sd", "_sd_alg", "..."}),
            inner,
            max_size=3,
        )
    ),
    max_leaves=8,
)
EVENTS = st.builds(
    lambda members, ilmd, core: {**core, **members, **({"ilmd": ilmd} if ilmd is not None else {})},
    st.dictionaries(NAMES, VALUES, max_size=6),
    st.none() | st.dictionaries(NAMES, VALUES, max_size=4),
    st.fixed_dictionaries({"type": st.just("ObjectEvent")}, optional={"bizStep": st.text()}),
)


def without(event: JsonObject, withheld: tuple[str, ...]) -> JsonObject:
    """The event with members at these paths taken out, by plain means."""
    left: JsonObject = json.loads(json.dumps(event))
    elements: dict[str, list[int]] = {}
    names = {path: path.replace("~1", "/").replace("~0", "~") for path in withheld}
    for path in withheld:
        head, slash, tail = path.rpartition("/")
        if not slash:
            del left[names[path]]
        elif head == "ilmd":
            del left["ilmd"][tail.replace("~1", "/").replace("~0", "~")]
        else:
            elements.setdefault(head, []).append(int(tail))
    for head, indexes in elements.items():
        ilmd, slash, inner = head.partition("/")
        holder, name = (left["ilmd"], inner) if slash else (left, ilmd)
        name = name.replace("~1", "/").replace("~0", "~")
        holder[name] = [v for i, v in enumerate(holder[name]) if i not in indexes]
    return left


@settings(max_examples=80, deadline=None)
@given(EVENTS, st.data())
def test_any_withheld_subset_still_verifies_and_reassembles(
    event: JsonObject, data: st.DataObject
) -> None:
    statement = build(event)
    paths = [disclosure.path for disclosure in statement.disclosures]
    withhold = data.draw(st.lists(st.sampled_from(paths), unique=True)) if paths else []
    opened = verify_statement(present(statement, withhold), KEY.public)
    assert opened.event == without(event, opened.withheld)
    shown = {disclosure.path for disclosure in opened.disclosures}
    assert shown.isdisjoint(withhold)
    assert set(opened.withheld) <= set(withhold)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_changed_bit_of_a_presentation_is_refused(data: st.DataObject) -> None:
    raw = bytearray(present(build()).encode())
    bit = data.draw(st.integers(0, len(raw) * 8 - 1))
    raw[bit // 8] ^= 1 << bit % 8
    with pytest.raises(TrustError):
        verify_statement(raw.decode("latin-1"), KEY.public)
