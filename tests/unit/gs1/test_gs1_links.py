"""Digital Link URIs: every rule of the module's docstring, good and bad."""

from __future__ import annotations

import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gs1.gs1_strategies import LINKS, VALUES, one_of_keys
from trace.core.gs1 import (
    DigitalLink,
    Gs1Error,
    Identity,
    build_digital_link,
    canonical_uri,
    local_uri,
    parse_digital_link,
    parse_element_string,
    parse_identity,
    parse_path,
)
from trace.core.gs1.application_identifiers import KEYS
from trace.core.gs1.links import MAX_URI

G = "08936012345674"
BASE = "https://trace.example/vn"


def refusal(uri: str, *, legacy: bool = False) -> str:
    with pytest.raises(Gs1Error) as refused:
        parse_digital_link(uri, legacy=legacy)
    assert refused.value.detail
    assert "%(" not in refused.value.detail
    return refused.value.code


GOOD = [
    (f"https://a/01/{G}", Identity("01", G)),
    (f"HTTPS://EXAMPLE.COM/01/{G}", Identity("01", G)),
    (f"http://a:8000/01/{G}/10/L1", Identity("01", G, (("10", "L1"),))),
    (f"https://[2001:db8::1]/01/{G}/21/S", Identity("01", G, (("21", "S"),))),
    (
        f"https://a/01/{G}/22/V/10/L/21/S",
        Identity("01", G, (("22", "V"), ("10", "L"), ("21", "S"))),
    ),
    (f"https://a/01/{G}/235/X9", Identity("01", G, (("235", "X9"),))),
    (f"https://a/shop/vn/01/{G}", Identity("01", G)),
    ("https://a/00/faux/00/006141411234567890", Identity("00", "006141411234567890")),
    (f"https://a/01/{G}/414/4012345000054", Identity("414", "4012345000054")),
    (
        "https://a/414/4012345000054/254/32a%2Fb",
        Identity("414", "4012345000054", (("254", "32a/b"),)),
    ),
    (
        "https://a/414/4012345000054/7040/1AB0",
        Identity("414", "4012345000054", (("7040", "1AB0"),)),
    ),
    (
        "https://a/415/4012345000054/8020/INV7",
        Identity("415", "4012345000054", (("8020", "INV7"),)),
    ),
    ("https://a/417/4012345000054", Identity("417", "4012345000054")),
    ("https://a/253/4012345000054987", Identity("253", "4012345000054987")),
    ("https://a/255/4012345000054", Identity("255", "4012345000054")),
    ("https://a/8003/040123450007718765", Identity("8003", "040123450007718765")),
    ("https://a/8004/401234599999", Identity("8004", "401234599999")),
    (f"https://a/8006/{G}0102/21/S", Identity("8006", f"{G}0102", (("21", "S"),))),
    ("https://a/8010/401234599999/8011/12", Identity("8010", "401234599999", (("8011", "12"),))),
    ("https://a/8013/1987654Ad4X4bL5ttr2310c2K", Identity("8013", "1987654Ad4X4bL5ttr2310c2K")),
    ("https://a/8017/061414100000102534", Identity("8017", "061414100000102534")),
    (
        "https://a/8018/061414100000102534/8019/5",
        Identity("8018", "061414100000102534", (("8019", "5"),)),
    ),
    ("https://a/401/40123ABC", Identity("401", "40123ABC")),
    ("https://a/402/40123450000000009", Identity("402", "40123450000000009")),
    (f"https://a/01/{G}/10/a+b%2B", Identity("01", G, (("10", "a+b+"),))),
    (f"https://a/01/{G}?#frag", Identity("01", G)),
    (f"https://a/01/{G}#x/00/1?y", Identity("01", G)),
]


@pytest.mark.parametrize(("uri", "identity"), GOOD)
def test_a_uri_of_every_key_is_read(uri: str, identity: Identity) -> None:
    assert parse_digital_link(uri).identity == identity


def test_every_primary_key_of_the_grammar_is_among_the_cases_above() -> None:
    assert {identity.key for _, identity in GOOD} == set(KEYS)


BAD = [
    ("", "bad-scheme"),
    ("ftp://a/01/" + G, "bad-scheme"),
    ("HtTp://a/01/" + G, "mixed-scheme"),
    ("Https://a/01/" + G, "mixed-scheme"),
    ("https://a", "not-a-link"),
    ("https:///01/" + G, "not-a-link"),
    ("https://a?x=/01/" + G, "not-a-link"),
    ("https://a$b/01/" + G, "bad-host"),
    ("https://u@a/01/" + G, "bad-host"),
    ("https://a_b/01/" + G, "bad-host"),
    ("https://[fe80::1%25eth0]/01/" + G, "bad-host"),
    ("https://a/01/" + G + "/10/rau cải", "bad-character"),
    ("https://a/01/" + G + "/10/a|b", "bad-character"),
    ("https://á/01/" + G, "bad-character"),
    ("https://a/", "no-primary-key"),
    ("https://a/gtin/" + G, "no-primary-key"),
    ("https://a/10/L1", "no-primary-key"),
    ("https://a/01/" + G + "/", "trailing-slash"),
    ("https://a/01/" + G + "/10/", "empty-value"),
    ("https://a/01//10/L", "empty-value"),
    ("https://a/01/" + G + "/foo", "odd-segments"),
    ("https://a/01/" + G + "/foo/bar", "bad-qualifier"),
    ("https://a/01/" + G + "/89/bar", "unknown-identifier"),
    ("https://a/01/" + G + "/254/7", "bad-qualifier"),
    ("https://a/01/" + G + "/8011/7", "bad-qualifier"),
    ("https://a/00/006141411234567890/21/7", "bad-qualifier"),
    ("https://a/00/006141411234567890/10/7", "attribute-in-path"),
    ("https://a/01/" + G + "/17/261231", "attribute-in-path"),
    ("https://a/01/" + G + "/21/S/10/L", "qualifier-order"),
    ("https://a/01/" + G + "/10/L/22/V", "qualifier-order"),
    ("https://a/01/" + G + "/22/V/21/S/10/L", "qualifier-order"),
    ("https://a/01/" + G + "/10/L/10/L", "repeated"),
    ("https://a/01/" + G + "/235/X/10/L", "bad-qualifier"),
    ("https://a/414/4012345000054/254/7/7040/1AB0", "bad-qualifier"),
    ("https://a/415/4012345000054", "missing-companion"),
    ("https://a/01/08936012345675", "check-digit"),
    ("https://a/00/006141411234567891", "check-digit"),
    ("https://a/414/4012345000055", "check-digit"),
    ("https://a/8003/040123450007728765", "check-digit"),
    ("https://a/8013/1987654Ad4X4bL5ttr2310c2X", "check-characters"),
    ("https://a/8003/140123450007718765", "bad-value"),
    ("https://a/01/8936012345674", "bad-length"),
    ("https://a/01/012345678", "bad-length"),
    ("https://a/01/0893601234567A", "bad-character"),
    ("https://a/01/" + G + "/10/" + "A" * 21, "bad-length"),
    ("https://a/01/" + G + "/10/a%20b", "bad-character"),
    ("https://a/01/" + G + "/10/a%40b", "bad-character"),
    ("https://a/01/" + G + "/10/c%E1%BA%A3i", "bad-character"),
    ("https://a/01/" + G + "/10/a%0Ab", "bad-character"),
    ("https://a/01/" + G + "/10/a%00b", "bad-percent-encoding"),
    ("https://a/01/" + G + "/10/a%zz", "bad-percent-encoding"),
    ("https://a/01/" + G + "/10/a%4", "bad-percent-encoding"),
    ("https://a/8004/ABC123", "company-prefix"),
    ("https://a/8004/012", "company-prefix"),
    ("https://a/8006/" + G + "0302", "bad-value"),
    ("https://a/8006/" + G + "0001", "bad-value"),
    ("https://a/8006/" + G + "0102/22/V", "missing-companion"),
    ("https://a/01/" + G + "?17=", "empty-value"),
    ("https://a/01/" + G + "?89=1", "unknown-identifier"),
    ("https://a/01/" + G + "?1=1", "unknown-identifier"),
    ("https://a/01/" + G + "?10=L1", "qualifier-in-query"),
    ("https://a/01/" + G + "/21/S?10=L1", "qualifier-in-query"),
    ("https://a/01/" + G + "?21=S", "qualifier-in-query"),
    ("https://a/01/" + G + "/235/X?21=S", "not-an-attribute"),
    ("https://a/01/" + G + "?254=7", "not-an-attribute"),
    ("https://a/01/" + G + "?8020=7", "not-an-attribute"),
    ("https://a/01/" + G + "?01=" + G, "repeated"),
    ("https://a/01/" + G + "/10/L?10=L", "repeated"),
    ("https://a/01/" + G + "?17=261231&17=261231", "repeated"),
    ("https://a/01/" + G + "?17=261231;17=261231", "repeated"),
    ("https://a/01/" + G + "?99=a+b", "bad-character"),
    ("https://a/01/" + G + "?17=261331", "bad-date"),
    ("https://a/01/" + G + "?17=270229", "bad-date"),
    ("https://a/01/" + G + "?7007=261100", "bad-date"),
    ("https://a/01/" + G + "?7007=261121261132", "bad-date"),
    ("https://a/01/" + G + "?7007=2611212611", "bad-length"),
    ("https://a/01/" + G + "?7003=2611212460", "bad-time"),
    ("https://a/01/" + G + "?8008=26112124", "bad-time"),
    ("https://a/01/" + G + "?422=999", "bad-country"),
    ("https://a/01/" + G + "?7030=000ABC", "bad-country"),
    ("https://a/01/" + G + "?3103=00050", "bad-length"),
    ("https://a/01/" + G + "?3106=000500", "unknown-identifier"),
    ("https://a/01/" + G + "?3103=000500&3102=000500", "conflicting"),
    ("https://a/01/" + G + "?422=704&426=704", "conflicting"),
    ("https://a/01/" + G + "?37=5", "conflicting"),
    ("https://a/00/006141411234567890?02=" + G, "missing-companion"),
    ("https://a/00/006141411234567890?3103=000500", "missing-companion"),
    ("https://a/414/4012345000054?17=261231", "missing-companion"),
    ("https://a/01/" + G + "?3932=704100", "missing-companion"),
    ("https://a/01/" + "9" * MAX_URI, "uri-too-long"),
]


@pytest.mark.parametrize(("uri", "code"), BAD)
def test_a_uri_that_breaks_a_rule_is_refused_with_that_rule_s_code(uri: str, code: str) -> None:
    assert refusal(uri) == code


@pytest.mark.parametrize(
    ("query", "attributes"),
    [
        ("17=261231", (("17", "261231"),)),
        ("17=261200", (("17", "261200"),)),
        ("17=280229", (("17", "280229"),)),
        (
            "3103=000195&3922=0299&17=201225",
            (("3103", "000195"), ("3922", "0299"), ("17", "201225")),
        ),
        ("&&&99=A&&;98=B&&", (("99", "A"), ("98", "B"))),
        ("sig=abc&99=A&x&=5&lot=7&99x=1", (("99", "A"),)),
        ("99=a%2Fb%3D=c", (("99", "a/b==c"),)),
        ("7007=261120261121", (("7007", "261120261121"),)),
        ("7003=2611212359", (("7003", "2611212359"),)),
        ("8008=2611212359", (("8008", "2611212359"),)),
        ("423=704764", (("423", "704764"),)),
        ("7030=999HN-12", (("7030", "999HN-12"),)),
        ("422=704&427=HN", (("422", "704"), ("427", "HN"))),
        ("3932=7041000&30=6", (("3932", "7041000"), ("30", "6"))),
    ],
)
def test_attributes_are_read_and_what_is_not_gs1_s_is_ignored(
    query: str, attributes: tuple[tuple[str, str], ...]
) -> None:
    assert parse_digital_link(f"https://a/01/{G}?{query}").attributes == attributes


def test_a_lot_may_stand_in_the_query_where_it_could_not_stand_in_the_path() -> None:
    link = parse_digital_link(f"https://a/00/006141411234567890?02={G}&37=25&10=ABC")
    assert link.attributes == (("02", G), ("37", "25"), ("10", "ABC"))
    assert parse_digital_link(f"https://a/01/{G}/235/X?10=L").attributes == (("10", "L"),)


def test_old_spellings_are_read_only_on_request() -> None:
    assert refusal("https://a/gtin/08936012345674") == "no-primary-key"
    assert refusal("https://a/01/8936012345674") == "bad-length"
    link = parse_digital_link("https://a/gtin/8936012345674/ser/7", legacy=True)
    assert link.identity == Identity("01", G, (("21", "7"),))
    assert refusal("https://a/01/8936012345675", legacy=True) == "check-digit"


def test_the_canonical_form_sorts_attributes_and_loses_stem_slash_and_fragment() -> None:
    link = parse_digital_link(f"http://shop.example/vn/01/{G}/10/a%2fb?99=x%2by&17=261231&u=1#f")
    assert link.stem == "http://shop.example/vn"
    assert link.uri() == f"https://id.gs1.org/01/{G}/10/a%2Fb?17=261231&99=x%2By"


@given(LINKS)
def test_what_was_written_is_read_back(link: DigitalLink) -> None:
    uri = build_digital_link(link.elements)
    again = parse_digital_link(uri)
    assert again.identity == link.identity
    assert sorted(again.attributes) == sorted(link.attributes)
    assert parse_path(uri.removeprefix("https://id.gs1.org")).identity == link.identity


@given(LINKS)
def test_the_canonical_form_of_a_canonical_form_is_itself(link: DigitalLink) -> None:
    once = link.uri()
    assert parse_digital_link(once).uri() == once
    assert parse_digital_link(link.uri("https://b.example/x")).uri() == once


@given(LINKS, st.data())
def test_one_changed_digit_of_a_key_with_a_check_digit_is_noticed(
    link: DigitalLink, data: st.DataObject
) -> None:
    key, value = link.identity.key, link.identity.value
    covered = {"8003": (1, 14), "253": (0, 13), "255": (0, 13), "8006": (0, 14)}
    if key in {"401", "8004", "8010", "8013"}:
        return
    start, end = covered.get(key, (0, len(value)))
    place = data.draw(st.integers(start, end - 1))
    digit = data.draw(st.sampled_from([d for d in string.digits if d != value[place]]))
    broken = value[:place] + digit + value[place + 1 :]
    uri = "https://a" + Identity(key, broken).path
    with pytest.raises(Gs1Error) as refused:
        parse_digital_link(uri)
    assert refused.value.code == "check-digit"


@given(st.text(max_size=80))
def test_no_text_whatever_raises_anything_but_a_gs1_error(text: str) -> None:
    details: list[str] = []
    for read in (
        parse_digital_link,
        parse_path,
        parse_element_string,
        lambda uri: parse_identity(uri, BASE),
    ):
        for shape in (
            text,
            "https://a/" + text,
            "/01/" + text,
            f"https://a/01/{G}?{text}",
            f"{BASE}/b/{text}",
        ):
            try:
                read(shape)
            except Gs1Error as error:
                details.append(error.detail)  # the message must fit its parameters
    assert all(details)


@given(st.sampled_from(sorted(KEYS)), VALUES)
def test_a_key_is_read_exactly_when_its_value_fits(key: str, value: str) -> None:
    uri = f"https://a/{key}/" + "".join(f"%{b:02X}" for b in value.encode())
    try:
        identity = parse_digital_link(uri).identity
    except Gs1Error:
        return
    assert identity == Identity(key, value)


def test_building_puts_qualifiers_in_order_and_the_rest_into_the_query() -> None:
    pairs = [
        ("17", "261231"),
        ("21", "S/1"),
        ("99", "a b".replace(" ", "+")),
        ("10", "L"),
        ("01", G),
    ]
    assert (
        build_digital_link(pairs, base="https://t.example/")
        == f"https://t.example/01/{G}/10/L/21/S%2F1?17=261231&99=a%2Bb"
    )


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ([], "no-primary-key"),
        ([("10", "L")], "no-primary-key"),
        ([("01", G), ("89", "X")], "unknown-identifier"),
        ([("01", G), ("10", "L"), ("10", "M")], "repeated"),
        ([("01", G), ("235", "X"), ("22", "V")], "not-an-attribute"),
        ([("01", G), ("10", "cải")], "bad-character"),
        ([("01", G), ("10", "")], "empty-value"),
        ([("01", G[:-1] + "0")], "check-digit"),
        ([("01", G), ("235", "X"), ("10", "L"), ("21", "S")], "not-an-attribute"),
        ([("415", "4012345000054")], "missing-companion"),
    ],
)
def test_nothing_is_built_that_could_not_be_read(pairs: list[tuple[str, str]], code: str) -> None:
    with pytest.raises(Gs1Error) as refused:
        build_digital_link(pairs)
    assert refused.value.code == code


def test_a_pair_given_twice_alike_counts_once() -> None:
    assert build_digital_link([("01", G), ("10", "L"), ("10", "L")]).endswith(f"/01/{G}/10/L")


def test_an_element_string_is_taken_apart_at_its_brackets() -> None:
    assert parse_element_string(f" (01){G}(10)L(2)-7(17)261231") == (
        ("01", G),
        ("10", "L(2)-7"),
        ("17", "261231"),
    )
    with pytest.raises(Gs1Error):
        parse_element_string(G)


class TestTheResolversPath:
    def test_a_raw_path_is_read_with_its_escapes_and_one_trailing_slash(self) -> None:
        link = parse_path(f"/01/{G}/10/a%2Fb/?17=261231&linkType=gs1:pip")
        assert link == DigitalLink(Identity("01", G, (("10", "a/b"),)), (("17", "261231"),), "")

    def test_our_letters_lead_to_our_codes(self) -> None:
        assert parse_path("/b/00000-00055").identity == Identity("b", "0000000055")
        assert parse_path("/B/0000000055").identity == Identity("b", "0000000055")
        unit = parse_path("/b/0000000055/0123456789ABCDEF").identity
        assert unit == Identity("b", "0000000055", (("serial", "0123456789ABCDEF"),))
        assert unit.path == "/b/0000000055/0123456789ABCDEF"

    @pytest.mark.parametrize(
        ("path", "code"),
        [
            ("", "not-a-link"),
            ("b/0000000055", "not-a-link"),
            ("/", "no-primary-key"),
            ("/b", "no-primary-key"),
            ("/b/0000000054", "code-check"),
            ("/b/0000000055/12", "code-length"),
            ("/c/0000000055/0123456789ABCDEF", "odd-segments"),
            ("/x/0000000055", "no-primary-key"),
            (f"/01/{G}//", "trailing-slash"),
            (f"/01/{G}/10/L|", "bad-character"),
            ("/" + "x" * MAX_URI, "uri-too-long"),
        ],
    )
    def test_a_path_of_neither_kind_is_refused(self, path: str, code: str) -> None:
        with pytest.raises(Gs1Error) as refused:
            parse_path(path)
        assert refused.value.code == code


class TestIdentities:
    @pytest.mark.parametrize("base", [BASE, BASE + "/", "https://TRACE.example/vn"])
    def test_our_own_addresses_are_ours_only_under_the_base(self, base: str) -> None:
        uri = "https://trace.example/vn/c/0000000055"
        assert parse_identity(uri, base) == Identity("c", "0000000055")
        assert parse_identity("HTTPS://TRACE.EXAMPLE/VN/C/0000000055", base) == Identity(
            "c", "0000000055"
        )
        assert parse_identity("https://other.example/vn/c/0000000055", base) is None
        assert parse_identity("https://trace.example/c/0000000055", base) is None
        assert parse_digital_link(uri, id_base=base).identity == Identity("c", "0000000055")

    def test_a_wrong_code_under_the_base_is_refused(self) -> None:
        with pytest.raises(Gs1Error) as refused:
            parse_identity(BASE + "/b/0000000054", BASE)
        assert refused.value.code == "code-check"

    @pytest.mark.parametrize(
        "uri",
        [
            "https://example.org/2021/01/15",
            "https://example.org/products/rice",
            "https://example.org/orders/00/12",
            "https://example.org",
            "https://01/08936012345675",
            "urn:uuid:2a0f9ad4-5c5f-4a69-9a0f-0242ac120002",
            "mailto:a@example.org",
            "did:web:example.org",
            "",
        ],
    )
    def test_a_foreign_address_that_names_no_key_stays_opaque(self, uri: str) -> None:
        assert parse_identity(uri, BASE) is None

    @pytest.mark.parametrize(
        "uri",
        [
            "https://example.org/01/08936012345675",
            "https://example.org/01/8936012345674",
            f"https://example.org/01/{G}/21/S/10/L",
            f"https://example.org/01/{G}?17=261331",
            "https://example.org/01/%308936012345675",
        ],
    )
    def test_a_broken_key_on_a_foreign_host_is_refused(self, uri: str) -> None:
        with pytest.raises(Gs1Error):
            parse_identity(uri, BASE)

    def test_a_refusal_is_repeated_and_a_long_text_is_read_without_being_kept(self) -> None:
        from trace.core.gs1.links import REMEMBERED, _remembered_identity

        for _ in range(2):
            with pytest.raises(Gs1Error):
                parse_identity("https://example.org/01/08936012345675", BASE)
        kept = _remembered_identity.cache_info().currsize
        long = "https://example.org/" + "x" * REMEMBERED
        assert parse_identity(long, BASE) is None
        assert parse_identity(f"{long}/01/{G}", BASE) == Identity("01", G)
        assert _remembered_identity.cache_info().currsize == kept

    @given(LINKS)
    def test_host_stem_and_attributes_do_not_change_who_something_is(
        self, link: DigitalLink
    ) -> None:
        for base in ("https://id.gs1.org", "http://a:80/x/y", BASE):
            assert parse_identity(link.uri(base) + "#f", BASE) == link.identity
        assert parse_identity(canonical_uri(link.identity, BASE), BASE) == link.identity
        assert parse_identity(local_uri(link.identity, BASE) + "/", BASE) == link.identity

    @given(one_of_keys())
    def test_canonical_text_and_identity_are_one_to_one(self, identity: Identity) -> None:
        text = canonical_uri(identity, BASE)
        assert re.fullmatch(r"[!-~]+", text)
        assert parse_identity(text, BASE) == identity
