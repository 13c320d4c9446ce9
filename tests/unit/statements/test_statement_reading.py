"""Statement to event: what is refused although signed, uploads, and what always holds."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.golden.signed import ISSUER, KEY, KID, build, resigned
from tests.golden.world import private_key
from trace.core.signing import (
    BadSignature,
    DisclosureMismatch,
    IssuerMismatch,
    JsonObject,
    TrustError,
    Unreadable,
    b64url,
    dumps,
    unb64url,
)
from trace.core.signing.sdjwt import digest_of, make_disclosure
from trace.core.statements import (
    CORE,
    MEMBERS,
    Opened,
    Statement,
    accept_upload,
    open_signed,
    open_statement,
    present,
    verify_signature,
)
from trace.core.verify import verify_statement


def refused(sdjwt: str, error: type[TrustError] = DisclosureMismatch) -> TrustError:
    with pytest.raises(error) as caught:
        open_statement(sdjwt)
    return caught.value


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
