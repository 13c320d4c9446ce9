"""Linksets and the choice among links: pure."""

from __future__ import annotations

import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trace.core.gs1.linkset import (
    LINK_TYPES,
    NOT_OFFERED,
    OFFERED,
    OURS,
    Member,
    Target,
    bare_type,
    forwarded,
    json_ld_of,
    linkset_of,
)
from trace.core.gs1.linkset_choosing import choose, media_weight, names_type, preferences

VI = Target("https://a.example/vi", "Món", ("vi",), "text/html")
EN = Target("https://a.example/en", "Dish", ("en",), "text/html")
PT = Target("https://a.example/pt", "Prato", ("pt",), "text/html")
GB = Target("https://a.example/gb", "Dish", ("en-GB",), "text/html")
PDF = Target("https://a.example/pdf", "Món", ("vi",), "application/pdf")
VN = Target("https://a.example/vn", "Món", ("vi",), "text/html", ("VN", "LA"))
PLAIN = Target("https://a.example/plain", "Dish")


@pytest.mark.parametrize(
    ("targets", "headers", "expected"),
    [
        # R22: by weight, not by order
        ((VI, EN), {"accept_language": "en;q=0.1,vi;q=0.9"}, (VI,)),
        ((VI, EN), {"accept_language": "vi;q=0.1, en ; q=0.9"}, (EN,)),
        # RFC 4647 lookup: cut from the end
        ((VI, PT), {"accept_language": "pt-BR"}, (PT,)),
        ((VI, EN), {"accept_language": "en-GB,en;q=0.9"}, (EN,)),
        ((GB, EN), {"accept_language": "en-GB"}, (GB,)),
        ((VI, EN), {"accept_language": "EN-x-klingon"}, (EN,)),
        # nothing of what is spoken: not ours to guess
        ((VI, EN), {"accept_language": "ja"}, (VI, EN)),
        ((VI, EN, PLAIN), {"accept_language": "ja"}, (PLAIN,)),
        ((VI, EN), {"accept_language": "*"}, (VI, EN)),
        ((VI, EN), {}, (VI, EN)),
        # weight 0 is a refusal
        ((VI, EN), {"accept_language": "vi;q=0, *"}, (EN,)),
        ((VI,), {"accept_language": "vi;q=0"}, (VI,)),
        # media types, with spaces and weights
        ((VI, PDF), {"accept": "text/html, application/json"}, (VI,)),
        ((VI, PDF), {"accept": "text/html;q=0.2, application/pdf ; q=0.8"}, (PDF,)),
        ((VI, PDF), {"accept": "*/*"}, (VI, PDF)),
        ((VI, PDF), {"accept": "text/*;q=0.4, */*;q=0.5"}, (PDF,)),
        ((VI, PDF), {"accept": "image/png"}, (VI, PDF)),
        # a form that cannot be read loses to a language that can
        ((VI, Target("https://a.example/e", "D", ("en",), "application/pdf")),
         {"accept": "text/html", "accept_language": "en,vi;q=0.1"}, (VI,)),
        # context
        ((VI, VN), {"context": "vn"}, (VN,)),
        ((VI, VN), {"context": "FR"}, (VI,)),
        ((VI, VN), {}, (VI,)),
        ((VN,), {}, (VN,)),
        # what leads to one place is one answer
        ((VI, Target(VI.href, "again", ("vi",), "text/html")), {}, (VI,)),
    ],
)  # fmt: skip
def test_of_several_links_the_one_is_chosen_that_the_request_means(
    targets: tuple[Target, ...], headers: dict[str, str], expected: tuple[Target, ...]
) -> None:
    assert choose(targets, **headers) == expected


TARGETS = st.lists(st.sampled_from([VI, EN, PT, GB, PDF, VN, PLAIN]), min_size=1, max_size=6)
HEADER = st.one_of(
    st.text(max_size=60),
    st.text(string.ascii_letters + "-*;=q01., /+", max_size=60),
    st.sampled_from(["vi", "en;q=nan", "en;q=2", ";q=1", ",,,", "\x00", "q" * 5000, "vi;q="]),
)


@settings(max_examples=60)
@given(TARGETS, HEADER, HEADER, HEADER)
def test_whatever_the_headers_are_something_is_left_and_nothing_is_invented(
    targets: list[Target], accept: str, accept_language: str, context: str
) -> None:
    left = choose(targets, accept=accept, accept_language=accept_language, context=context)
    assert left
    assert set(left) <= set(targets)
    assert len({one.href for one in left}) == len(left)
    hrefs = [one.href for one in targets]
    assert [one.href for one in left] == sorted((o.href for o in left), key=hrefs.index)


@given(st.permutations([VI, EN, PDF, VN]), st.sampled_from(["vi", "en", "en;q=0.3,vi"]))
def test_the_order_in_which_links_were_added_decides_nothing(
    targets: list[Target], languages: str
) -> None:
    accept = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
    assert set(choose(targets, accept=accept, accept_language=languages)) == set(
        choose([VI, EN, PDF, VN], accept=accept, accept_language=languages)
    )


def test_weights_are_read_as_http_writes_them() -> None:
    assert preferences("a, b;q=0.5, c;q=0.8;x=1, d;level=1;Q=1.0") == [
        ("a", 1.0),
        ("d", 1.0),
        ("c", 0.8),
        ("b", 0.5),
    ]
    assert preferences("a;q=x, b;q=-1, c;q=1e9") == []
    assert media_weight("text/html;q=0.3, text/*;q=0.5, */*;q=0.1", "text/html; charset=x") == 0.3
    assert media_weight("text/*;q=0.5", "text/plain") == 0.5
    assert media_weight("", "text/html") == 1.0
    assert names_type("text/html, application/linkset+json;q=0.9", "application/linkset+json")
    assert not names_type("*/*, application/linkset+json;q=0", "application/linkset+json")


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("gs1:pip", "pip"),
        ("GS1:pip", "pip"),
        ("https://gs1.org/voc/pip", "pip"),
        ("https://ref.gs1.org/voc/pip", "pip"),
        ("https://www.gs1.org/voc/pip", "pip"),
        ("http://gs1.org/voc/pip", "pip"),
        ("linkset", "linkset"),
        ("pip", None),
        ("gs1:", None),
        ("https://evil.example/voc/pip", None),
        ("", None),
    ],
)
def test_a_link_type_is_known_by_each_of_its_names(text: str, bare: str | None) -> None:
    assert bare_type(text) == bare


@pytest.mark.parametrize(
    ("href", "query", "expected"),
    [
        ("/t/x", "", "/t/x"),
        ("/t/x", "foo=bar", "/t/x?foo=bar"),
        ("/t/x?format=json", "a=1&b", "/t/x?format=json&a=1&b"),
        ("https://a.example/x?y=1#top", "a=%20+", "https://a.example/x?y=1&a=%20+#top"),
        ("https://a.example/x?", "a=1", "https://a.example/x?a=1"),
        ("https://a.example/#a?b", "a=1", "https://a.example/?a=1#a?b"),
    ],
)
def test_a_query_is_handed_on_byte_by_byte(href: str, query: str, expected: str) -> None:
    assert forwarded(href, query) == expected


def test_what_is_offered_never_speaks_for_the_record() -> None:
    assert len(LINK_TYPES) == 60
    assert OURS | NOT_OFFERED <= LINK_TYPES
    assert {"recallStatus", "traceability", "verificationService", "defaultLink"} <= OURS
    assert not OFFERED & (OURS | NOT_OFFERED)
    assert {"pip", "recipeInfo", "relatedVideo"} <= OFFERED


def test_a_link_object_has_only_what_it_has_to_say() -> None:
    member = Member("https://id.example/01/1", "Gạo", {"pip": [VN, PLAIN]})
    assert linkset_of([member]) == {
        "linkset": [
            {
                "anchor": "https://id.example/01/1",
                "itemDescription": "Gạo",
                "https://gs1.org/voc/pip": [
                    {
                        "href": VN.href,
                        "title": "Món",
                        "hreflang": ["vi"],
                        "type": "text/html",
                        "context": ["VN", "LA"],
                    },
                    {"href": PLAIN.href, "title": "Dish"},
                ],
            }
        ]
    }
    assert json_ld_of(linkset_of([member]))["@context"]["href"] == "@id"
