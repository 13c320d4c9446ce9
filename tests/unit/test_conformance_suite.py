"""The conformance suite says what it tests, tests what it says, and needs nothing of ours."""

from __future__ import annotations

import ast
from pathlib import Path

from tests.conformance.requirements import REQUIREMENTS, page

ROOT = Path(__file__).parents[2]
SUITE = sorted((ROOT / "tests" / "conformance").glob("*.py"))


def test_the_reference_page_lists_every_requirement() -> None:
    assert page() in (ROOT / "docs" / "reference" / "conformance.md").read_text()


def test_every_requirement_is_shown_by_a_test() -> None:
    text = "".join(file.read_text() for file in SUITE if file.name.startswith("test_"))
    assert [name for name in REQUIREMENTS if f'"{name}"' not in text] == []


def test_the_suite_imports_nothing_of_the_product() -> None:
    for file in SUITE:
        for node in ast.walk(ast.parse(file.read_text())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                ours = name.startswith(("tests.", "trace", "wsgi"))
                assert not ours or name.startswith("tests.conformance"), (file.name, name)
