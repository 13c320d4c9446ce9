"""Identities: kinds, texts, levels, and the report of the command line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.gs1.gs1_strategies import LINKS, one_of_keys
from trace.core.gs1 import (
    DigitalLink,
    Identity,
    canonical_uri,
    digital_link_report,
    local_uri,
)

G = "08936012345674"
LOT, SERIAL, VARIANT = ("10", "L1"), ("21", "S1"), ("22", "V1")
BASE = "https://trace.example/vn/"


@pytest.mark.parametrize(
    ("identity", "kind"),
    [
        (Identity("01", G), "product"),
        (Identity("01", G, (VARIANT,)), "product"),
        (Identity("01", G, (LOT,)), "lot"),
        (Identity("01", G, (LOT, SERIAL)), "unit"),
        (Identity("01", G, (SERIAL,)), "unit"),
        (Identity("01", G, (("235", "X"),)), "unit"),
        (Identity("8006", G + "0102"), "product"),
        (Identity("8006", G + "0102", (SERIAL,)), "unit"),
        (Identity("00", "006141411234567890"), "logistic"),
        (Identity("414", "4012345000054"), "place"),
        (Identity("414", "4012345000054", (("254", "7"),)), "place"),
        (Identity("417", "4012345000054"), "party"),
        (Identity("8003", "040123450007718765"), "asset"),
        (Identity("8004", "401234599999"), "asset"),
        (Identity("253", "4012345000054987"), "document"),
        (Identity("401", "40123ABC"), "other"),
        (Identity("q", "0000000055"), "product"),
        (Identity("b", "0000000055"), "lot"),
        (Identity("b", "0000000055", (("serial", "0" * 16),)), "unit"),
        (Identity("c", "0000000055"), "cycle"),
        (Identity("h", "0000000055"), "logistic"),
        (Identity("l", "0000000055"), "place"),
        (Identity("p", "0000000055"), "stall"),
        (Identity("o", "0000000055"), "party"),
        (Identity("n", "0000000055"), "note"),
    ],
)
def test_the_kind_follows_from_key_and_qualifiers(identity: Identity, kind: str) -> None:
    assert identity.kind == kind


def test_gs1_keys_are_canonical_at_gs1_and_ours_under_our_base() -> None:
    lot = Identity("01", G, (("10", "a/b"),))
    assert canonical_uri(lot, BASE) == f"https://id.gs1.org/01/{G}/10/a%2Fb"
    assert local_uri(lot, BASE) == f"https://trace.example/vn/01/{G}/10/a%2Fb"
    own = Identity("b", "0000000055", (("serial", "0" * 16),))
    assert canonical_uri(own, BASE) == local_uri(own, BASE)
    assert local_uri(own, BASE) == "https://trace.example/vn/b/0000000055/" + "0" * 16


def test_levels_go_from_the_unit_over_the_serial_and_the_lot_to_the_product() -> None:
    assert Identity("01", G, (LOT, SERIAL)).levels() == (
        Identity("01", G, (LOT, SERIAL)),
        Identity("01", G, (SERIAL,)),
        Identity("01", G, (LOT,)),
        Identity("01", G),
    )
    assert Identity("01", G, (VARIANT, LOT, SERIAL)).levels() == (
        Identity("01", G, (VARIANT, LOT, SERIAL)),
        Identity("01", G, (SERIAL,)),
        Identity("01", G, (VARIANT, LOT)),
        Identity("01", G, (VARIANT,)),
        Identity("01", G, (LOT,)),
        Identity("01", G),
    )
    unit = Identity("b", "0000000055", (("serial", "0" * 16),))
    assert unit.levels() == (unit, Identity("b", "0000000055"))


@given(one_of_keys())
def test_every_identity_leads_its_own_levels_and_its_bare_key_ends_them(identity: Identity) -> None:
    levels = identity.levels()
    assert levels[0] == identity
    assert levels[-1] == Identity(identity.key, identity.value)
    assert len(set(levels)) == len(levels)


def test_a_qualifier_is_found_by_its_name() -> None:
    assert Identity("01", G, (LOT, SERIAL)).get("21") == "S1"
    assert Identity("01", G).get("21") is None


def test_identities_sort_and_hash_as_tuples() -> None:
    one, two = Identity("01", G), Identity("01", G, (LOT,))
    assert sorted([two, one]) == [one, two]
    assert {one: 1}[Identity("01", G)] == 1


class TestTheReportOfOneLine:
    def test_a_good_line_names_keys_attributes_and_the_canonical_form(self) -> None:
        line = f"  http://a/01/{G}/10/L1/21/S1?99=x&17=261231&utm=1#f\n"
        assert digital_link_report(line) == {
            "ok": True,
            "canonical": f"https://id.gs1.org/01/{G}/10/L1/21/S1?17=261231&99=x",
            "keys": {"01": G, "10": "L1", "21": "S1"},
            "attributes": {"99": "x", "17": "261231"},
        }

    def test_a_bad_line_names_code_and_detail(self) -> None:
        assert digital_link_report("https://a/01/08936012345675") == {
            "ok": False,
            "code": "check-digit",
            "detail": "The check digit of (01) 08936012345675 is 5; it should be 4.",
        }

    @given(LINKS)
    def test_its_canonical_form_is_reported_alike(self, link: DigitalLink) -> None:
        report = digital_link_report(link.uri("https://b.example/x"))
        assert report["ok"] is True
        assert digital_link_report(report["canonical"]) == report

    @given(st.text())
    def test_any_line_gets_an_answer(self, line: str) -> None:
        report = digital_link_report(line)
        assert set(report) in ({"ok", "code", "detail"}, {"ok", "canonical", "keys", "attributes"})
