"""Words as data: their forms, and the page that lists them."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema_rs
import pytest

from trace.core.epcis import VOCABULARY, errors, event_context, own_namespace, own_word
from trace.core.epcis import vocabulary as words
from trace.core.epcis.context import declared, has_own_words, merged, prefixes, undeclared_prefix
from trace.core.epcis.own import MEMBERS, member_errors
from trace.errors import TraceError

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "vocabulary.md"


def test_every_form_of_a_word_is_the_same_word() -> None:
    for known in VOCABULARY.values():
        for word in known.words:
            for form in (word, known.address + word, known.short + word, known.urn + word):
                assert known.bare(form) == word
    assert words.BIZ_STEPS.bare("https://ref.gs1.org/cbv/BizStep-dancing").endswith("dancing")
    assert words.BIZ_STEPS.bare("trace:sowing") == "trace:sowing"


def test_our_steps_have_an_address_under_the_identifier_base() -> None:
    assert own_word("sowing") == "trace:sowing"
    with pytest.raises(KeyError):
        own_word("dancing")
    assert own_namespace("https://trace.example/stem/") == "https://trace.example/stem/voc/"
    context = event_context("https://trace.example")
    assert declared(context) == {"trace": "https://trace.example/voc/"}
    assert has_own_words(prefixes(context), "https://trace.example")
    assert has_own_words(prefixes(context), None)
    assert not has_own_words(prefixes(context), "https://other.example")
    assert not has_own_words(prefixes(words.EPCIS_CONTEXT), None)


def test_our_steps_do_not_repeat_the_standards() -> None:
    assert not words.OWN_STEPS & words.BIZ_STEPS.words


def test_contexts_give_their_prefixes_however_they_are_written() -> None:
    context = [
        words.EPCIS_CONTEXT,
        {"a": "https://a.example/", "b": {"@id": "https://b.example/"}, "@vocab": "https://v/"},
        {"a": "https://later.example/", "c": None, "d": 5},
        7,
    ]
    expected = {"a": "https://later.example/", "b": "https://b.example/"}
    assert declared(context) == expected
    assert prefixes({"cbv": "https://own.example/"})["cbv"] == "https://own.example/"
    assert declared(words.EPCIS_CONTEXT) == declared(None) == {}


def test_contexts_are_joined_without_repeats() -> None:
    assert merged("a:b", None) == "a:b"
    assert merged(None, {"x": "y"}) == {"x": "y"}
    assert merged("a:b", {"x": "y"}) == ["a:b", {"x": "y"}]
    assert merged(["a:b", {"x": "y"}], [{"x": "y"}, {"z": "w"}]) == ["a:b", {"x": "y"}, {"z": "w"}]


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("ext:a", None),
        ("vendor:a", "vendor"),
        ("https://a.example/x", None),
        ("urn:a:b", None),
        ("bare", None),
        ("08:00", None),
        ("_x:a", "_x"),
    ],
)
def test_only_a_prefix_nobody_declared_is_found(name: str, prefix: str | None) -> None:
    assert undeclared_prefix(name, {"ext": "https://ext.example/"}) == prefix


def test_shapes_of_our_members_are_schemas_and_refuse_something() -> None:
    for word, member in MEMBERS.items():
        assert jsonschema_rs.meta.is_valid(member.shape)
        assert member_errors(f"trace:{word}", 5, member.where[0], "")
        assert set(member.where) <= {"event", "ilmd"}


def test_the_page_lists_every_word_and_nothing_else() -> None:
    page = PAGE.read_text()
    standard, _, own = page.partition("## Our own words")
    sections = dict(re.findall(r"### .*?\n\nAddress: `(.*?)`.*?\n\n(.*?)\n\n", standard, re.DOTALL))
    listed = [
        set(re.findall(r"`([A-Za-z_]+)`", text))
        for text in re.findall(r"\+ word\.\n\n(.*?)\n\n", standard, re.DOTALL)
    ]
    assert listed == [set(known.words) for known in VOCABULARY.values()]
    assert set(sections) == {known.address for known in VOCABULARY.values()}
    steps, _, members = own.partition("### Members")
    assert set(re.findall(r"^\| `trace:(\w+)`", steps, re.MULTILINE)) == words.OWN_STEPS
    rows = re.findall(r"^\| `trace:(\w+)` \| (.*?) \| (.*?) \|$", members, re.MULTILINE)
    assert [(name, where, meaning) for name, where, meaning in rows] == [
        (name, ", ".join(member.where), member.meaning) for name, member in MEMBERS.items()
    ]


def test_the_page_on_events_speaks_of_errors_that_exist() -> None:
    page = PAGE.with_name("events.md").read_text()
    rows = [row.split("|") for row in page.splitlines() if row.startswith("| ")]
    cells = [row[2] for row in rows if len(row) in (4, 5)]
    named = {code for cell in cells for code in re.findall(r"`([a-z]+(?:-[a-z]+)+)`", cell)}
    known = {
        error.code
        for error in vars(errors).values()
        if isinstance(error, type) and issubclass(error, TraceError)
    }
    assert named - {"too-large"} <= known
    assert len(named) > 15
