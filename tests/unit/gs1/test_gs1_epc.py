"""EPC URNs: company prefixes joined, check digits computed, the same tuple as Digital Link."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trace.core.gs1 import Gs1Error, Identity, parse_digital_link, parse_epc, parse_identity
from trace.core.gs1.application_identifiers import KEYS
from trace.core.gs1.epc import _SCHEMES

BASE = "https://trace.example"

# Each pair names one thing; the right side was worked out by hand from the Tag Data Standard.
SAME = [
    ("urn:epc:id:sgtin:4012345.012345.988", "/01/04012345123456/21/988"),
    ("urn:epc:id:sgtin:0614141.107346.2018", "/01/10614141073464/21/2018"),
    ("urn:epc:id:sgtin:893601234567.4.A%2F7", "/01/48936012345672/21/A%2F7"),
    ("urn:epc:id:sgtin:893601.0234567.A.B", None),
    ("urn:epc:id:sgtin:893601.0234567.A", "/01/08936012345674/21/A"),
    ("urn:epc:class:lgtin:4012345.012345.998877", "/01/04012345123456/10/998877"),
    ("urn:epc:idpat:sgtin:4012345.044444.*", "/01/04012345444445"),
    ("urn:epc:idpat:sgtin:4012345.044444.7", "/01/04012345444445/21/7"),
    ("urn:epc:idpat:lgtin:4012345.044444.*", "/01/04012345444445"),
    ("urn:epc:id:sscc:0614141.1234567890", "/00/106141412345678908"),
    ("urn:epc:id:sgln:4012345.00005.0", "/414/4012345000054"),
    ("urn:epc:id:sgln:4023333.00001.12", "/414/4023333000017/254/12"),
    ("urn:epc:id:sgln:893601234567..7", "/414/8936012345674/254/7"),
    ("urn:epc:idpat:sgln:4012345.00005.*", "/414/4012345000054"),
    ("urn:epc:id:pgln:4012345.00225", "/417/4012345002256"),
    ("urn:epc:id:grai:4012345.55555.987", "/8003/04012345555554987"),
    ("urn:epc:idpat:grai:4012345.55555.*", "/8003/04012345555554"),
    ("urn:epc:id:giai:4012345.ABC", "/8004/4012345ABC"),
    ("urn:epc:id:gdti:0614141.12345.400", "/253/0614141123452400"),
    ("urn:epc:idpat:gdti:0614141.12345.*", "/253/0614141123452"),
    ("urn:epc:id:sgcn:4012345.67890.04711", "/255/401234567890104711"),
    ("urn:epc:id:gsrn:0614141.0000010253", "/8018/061414100000102534"),
    ("urn:epc:id:gsrnp:0614141.0000010253", "/8017/061414100000102534"),
    ("urn:epc:id:itip:4012345.012345.01.02.987", "/8006/040123451234560102/21/987"),
    ("urn:epc:idpat:itip:4012345.012345.01.02.*", "/8006/040123451234560102"),
    ("urn:epc:id:upui:1234567.089456.51qIg%3C%26*j7", "/01/01234567894560/235/51qIg%3C%26*j7"),
    ("urn:epc:id:cpi:0614141.123ABC.123456789", "/8010/0614141123ABC/8011/123456789"),
    ("urn:epc:id:cpi:0614141.123%2FABC.1", "/8010/0614141123%2FABC/8011/1"),
    ("urn:epc:idpat:cpi:0614141.123ABC.*", "/8010/0614141123ABC"),
    ("urn:epc:id:ginc:0614141.xyz47%2F11", "/401/0614141xyz47%2F11"),
    ("urn:epc:id:gsin:0614141.123456789", "/402/06141411234567890"),
    ("URN:EPC:id:pgln:4012345.00225", "/417/4012345002256"),
]  # fmt: skip


@pytest.mark.parametrize(("urn", "path"), [pair for pair in SAME if pair[1]])
def test_an_epc_and_its_digital_link_are_one_identity(urn: str, path: str) -> None:
    assert parse_epc(urn) == parse_digital_link("https://id.gs1.org" + path).identity
    assert parse_identity(urn, BASE) == parse_epc(urn)


def test_every_scheme_is_among_the_cases_above() -> None:
    assert {urn.split(":")[3] for urn, path in SAME if path} == {*_SCHEMES, "lgtin"}
    # 415 (with its reference) and 8013 have no EPC.
    reached = {found.key for urn, path in SAME if path and (found := parse_epc(urn))}
    assert set(KEYS) - reached == {"415", "8013"}


@pytest.mark.parametrize(
    "urn",
    [
        "urn:epc:idpat:sgtin:4012345.*.*",
        "urn:epc:idpat:sgtin:*.*.*",
        "urn:epc:idpat:sgtin:4012345.[0-9].7",
        "urn:epc:idpat:sscc:0614141.*",
        "urn:epc:id:bic:CSQU3054383",
        "urn:epc:id:gid:95100000.12345.400",
        "urn:epc:tag:sgtin-96:3.0614141.112345.400",
        "urn:epc:raw:64.x0123",
        "urn:epc:id",
        "urn:epc",
        "urn:uuid:00000000-0000-0000-0000-000000000000",
    ],
)
def test_what_names_no_gs1_key_stays_opaque(urn: str) -> None:
    assert parse_epc(urn) is None


@pytest.mark.parametrize(
    ("urn", "code"),
    [
        ("urn:epc:id:sgtin:4012345.012345", "bad-epc"),
        ("urn:epc:id:sgtin:4012345.01234.7", "bad-epc"),
        ("urn:epc:id:sgtin:40123.01234567.7", "bad-epc"),
        ("urn:epc:id:sgtin:4012345678901..7", "bad-epc"),
        ("urn:epc:id:sgtin:40123A5.012345.7", "bad-epc"),
        ("urn:epc:id:sgtin:4012345.012345.*", "bad-epc"),
        ("urn:epc:id:sgtin:4012345.012345.a b", "bad-epc"),
        ("urn:epc:id:sgtin:4012345.012345.a%20b", "bad-epc"),
        ("urn:epc:id:sgtin:4012345.012345.a/b", "bad-epc"),
        ("urn:epc:id:sgtin:4012345.012345.", "empty-value"),
        ("urn:epc:id:sgtin:4012345.012345." + "7" * 21, "bad-length"),
        ("urn:epc:class:lgtin:4012345.012345.", "empty-value"),
        ("urn:epc:id:sscc:0614141.123456789", "bad-epc"),
        ("urn:epc:id:sgln:4012345.000054.0", "bad-epc"),
        ("urn:epc:id:pgln:4012345.00225.1", "bad-epc"),
        ("urn:epc:id:itip:4012345.012345.03.02.987", "bad-value"),
        ("urn:epc:id:itip:4012345.012345.1.2.987", "bad-epc"),
        ("urn:epc:id:cpi:0614141.123abc.1", "bad-character"),
        ("urn:epc:id:cpi:0614141.123ABC.01", "bad-value"),
        ("urn:epc:id:sgcn:4012345.67890.A", "bad-character"),
        ("urn:epc:id:giai:4012345." + "9" * 24, "bad-length"),
        ("urn:epc:id:giai:4012.9", "bad-epc"),
    ],
)
def test_a_broken_epc_of_a_known_scheme_is_refused(urn: str, code: str) -> None:
    with pytest.raises(Gs1Error) as refused:
        parse_identity(urn, BASE)
    assert refused.value.code == code
    assert "%(" not in refused.value.detail


@given(st.integers(6, 12), st.text(string.digits, min_size=13, max_size=13))
def test_where_the_company_prefix_ends_does_not_change_the_gtin(split: int, digits: str) -> None:
    indicator, rest = digits[0], digits[1:]
    urns = [
        f"urn:epc:id:sgtin:{rest[:place]}.{indicator}{rest[place:]}.7" for place in (split, 6, 12)
    ]
    found = {parse_epc(urn) for urn in urns}
    assert len(found) == 1
    assert isinstance(one := found.pop(), Identity)
    assert one.value[:-1] == digits


@given(
    st.text(max_size=40),
    st.sampled_from(["id", "class", "idpat"]),
    st.sampled_from([*_SCHEMES, "lgtin"]),
)
def test_no_body_whatever_raises_anything_but_a_gs1_error(
    body: str, kind: str, scheme: str
) -> None:
    for text in (body, f"4012345.{body}", f"4012345.012345.{body}"):
        try:
            found = parse_epc(f"urn:epc:{kind}:{scheme}:{text}")
        except Gs1Error:
            continue
        # What was accepted can be written as a Digital Link and read back.
        if found is not None:
            assert parse_digital_link("https://id.gs1.org" + found.path).identity == found
