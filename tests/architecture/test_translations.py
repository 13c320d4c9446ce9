"""Vietnamese is the source; every sentence has its English, every error its Vietnamese."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po

from docs.generate import error_classes
from trace.services.languages import FOLDER, languages
from trace.web.i18n import catalogue

ROOT = Path(__file__).parents[2]
PLACE = re.compile(r"%\(\w+\)[a-z]")
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract"), ("**.xml", "ignore")]
KEYWORDS = {**DEFAULT_KEYWORDS, "lazy_gettext": None, "_l": None, "lazy_ngettext": (1, 2)}
OPTIONS = {"**.html": {"trimmed": "true", "silent": "false"}}


@cache
def sentences() -> tuple[tuple[str, str], ...]:
    """(where, Vietnamese sentence) of everything marked for translation."""
    return tuple(_sentences())


def _sentences() -> Iterator[tuple[str, str]]:
    for folder in ("templates", "trace"):
        found = extract_from_dir(
            ROOT / folder, method_map=METHODS, options_map=OPTIONS, keywords=KEYWORDS
        )
        for file, line, message, _comments, _context in found:
            for text in message if isinstance(message, tuple) else (message,):
                if text:
                    yield f"{folder}/{file}:{line}", text


def untranslated(language: str, texts: Iterable[tuple[str, str]]) -> list[str]:
    known: dict[str, str] = {}
    for message in catalogue(language):
        ids, strings = message.id, message.string
        for one in ids if isinstance(ids, list | tuple) else (ids,):
            known[one] = " ".join(strings) if isinstance(strings, list | tuple) else str(strings)
    missing = []
    for where, text in texts:
        translation = known.get(text, "")
        if not translation:
            missing.append(f"{where} {text!r}")
        elif not set(PLACE.findall(translation)) <= set(PLACE.findall(text)):
            missing.append(f"{where} {text!r}: the translation fills in other things")
    return sorted(set(missing))


def test_every_sentence_of_a_page_has_its_english() -> None:
    english_codes = {error.message for error in error_classes()}
    texts = ((where, text) for where, text in sentences() if text not in english_codes)
    assert untranslated("en", texts) == []


def test_every_error_says_in_vietnamese_what_is_wrong_and_what_to_do() -> None:
    texts = (
        (error.code, text)
        for error in error_classes()
        for text in (error.message, error.next_step)
        if text
    )
    assert untranslated("vi", texts) == []


@pytest.mark.parametrize("language", languages())
def test_no_sentence_is_translated_in_two_ways(language: str) -> None:
    # The application refuses to start a page with such a catalogue: better here than there.
    said: dict[str, set[str]] = {}
    for path in (FOLDER / language).glob("*.po"):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id:
                    said.setdefault(str(message.id), set()).add(f"{path.name}: {message.string}")
    differing = {
        text: places
        for text, places in said.items()
        if len({place.partition(": ")[2] for place in places}) > 1
    }
    assert differing == {}


# -- nothing is said past the catalogues, and nothing stays in them unsaid -------------------------

VIETNAMESE = re.compile(
    "[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE
)
JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
COMMENT = re.compile(r"/\*.*?\*/|(?<!:)//[^\n]*", re.DOTALL)
ENTRY = re.compile(r"^  (\w+|\"[\w-]+\"):", re.MULTILINE)
# Dictionaries of both languages, the only places where scripts speak.
DICTIONARIES = {"static/app/words.js", "static/verify/words.js"}


def test_no_template_and_no_script_speaks_past_the_catalogues() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "templates").rglob("*.html")
        for line in JINJA.sub("", path.read_text()).splitlines()
        if VIETNAMESE.search(line)
    ]
    for path in (ROOT / "static").rglob("*.js"):
        name = str(path.relative_to(ROOT))
        # static/verify/sent is made from static/verify.
        if name not in DICTIONARIES and not name.startswith("static/verify/sent/"):
            lines = COMMENT.sub("", path.read_text()).splitlines()
            found += [f"{name}: {line.strip()}" for line in lines if VIETNAMESE.search(line)]
    assert found == []


def test_the_phones_dictionaries_name_the_same_things() -> None:
    told = (ROOT / "static" / "app" / "words.js").read_text()
    first, second = told.split("const en = {")
    assert ENTRY.findall(first) == ENTRY.findall(second)
    assert not VIETNAMESE.search(second)


def test_no_catalogue_keeps_a_sentence_that_nobody_says() -> None:
    said = {
        node.value
        for path in (ROOT / "trace").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    said |= {text for _, text in sentences()}
    data = "\n".join(path.read_text() for path in (ROOT / "trace" / "data").glob("*demo*"))
    unsaid = []
    for language in languages():
        for path in (FOLDER / language).glob("*.po"):
            with path.open("rb") as file:
                for message in read_po(file, locale=language):
                    text = message.id[0] if isinstance(message.id, list | tuple) else message.id
                    if text and text not in said and text not in data:
                        unsaid.append(f"{language}/{path.name}: {text}")
    assert unsaid == []
