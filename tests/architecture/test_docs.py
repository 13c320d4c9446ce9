"""Settings, commands, routes and error codes in docs/reference are those of the code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask

from docs import generate
from trace.errors import Refused

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
SETTING = re.compile(r"\"(TRACE_[A-Z_]+|PORT)\"")
IN_SHELL = re.compile(r"\$\{(TRACE_[A-Z_]+|PORT|HOST|WEB_WORKERS)\b")
HEADING = re.compile(r"^### `([A-Z_]+)`$", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def test_every_setting_is_documented_and_nothing_else() -> None:
    known = {
        setting
        for path in (ROOT / "trace").rglob("*.py")
        for setting in SETTING.findall(path.read_text())
    }
    known |= set(IN_SHELL.findall((ROOT / "deploy" / "run.sh").read_text()))
    assert set(HEADING.findall((REFERENCE / "settings.md").read_text())) == known


@pytest.mark.one_database
def test_the_pages_made_from_the_code_are_current(app: Flask) -> None:
    stale = [
        page for page, text in generate.pages(app).items() if (REFERENCE / page).read_text() != text
    ]
    assert stale == [], "run `make docs`"


def test_error_codes_are_kebab_case_and_each_means_one_thing() -> None:
    meanings: dict[str, set[str]] = {}
    for error in generate.error_classes():
        # A Refused holds several of one kind and bears their code.
        if not issubclass(error, Refused) or error is Refused:
            meanings.setdefault(error.code, set()).add(error.message)
    assert [code for code in meanings if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)] == []
    assert {code: said for code, said in meanings.items() if len(said) > 1} == {}


def test_every_link_between_pages_of_the_docs_leads_somewhere() -> None:
    pages = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    broken = [
        f"{page.relative_to(ROOT)}: {target}"
        for page in pages
        for target in LINK.findall(page.read_text())
        if not (page.parent / target).exists()
    ]
    assert broken == []


def test_every_page_of_the_docs_can_be_reached_from_the_index() -> None:
    reached: set[Path] = set()
    waiting = [ROOT / "docs" / "index.md"]
    while waiting:
        page = waiting.pop().resolve()
        if page in reached or page.suffix != ".md" or not page.exists():
            continue
        reached.add(page)
        waiting += [page.parent / target for target in LINK.findall(page.read_text())]
    assert {page for page in ROOT.glob("docs/**/*.md") if page.resolve() not in reached} == set()
