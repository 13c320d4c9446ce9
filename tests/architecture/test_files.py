"""Files and functions stay small; what is committed speaks of the product only."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LONGEST_FILE = 500
LONGEST_FUNCTION = 80
PROGRAMS = (".py", ".js", ".css", ".html", ".sh", ".jinja", ".txt")
# They grow with what they list, not with ideas; a migration is never touched again.
LISTS = ("tests/architecture/routes.txt", "tests/functional/roles.txt", "migrations/versions/")
# In two parts each, so that this list does not find itself.
FOREIGN = [
    re.compile(first + second)
    for first, second in (
        (r"pypi\.", r"org"),
        (r"python", r"hosted\.org"),
        (r"npm", r"js\.(?:org|com)"),
        (r"deb\.debian", r"\.org"),
        (r"proxy\.gol", r"ang\.org"),
        (r"(?i)\bissu", r"es? #?\d"),
        (r"(?i)\bissu", r"es show\b"),
    )
]


def ours() -> list[Path]:
    """Every file that is committed or about to be."""
    answer = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        pytest.skip("not a clone: git knows which files are ours")
    return [path for name in answer.stdout.splitlines() if (path := ROOT / name).is_file()]


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_file_is_longer_than_one_subject() -> None:
    long = {
        name(path): lines
        for path in ours()
        if path.suffix in PROGRAMS and not name(path).startswith(LISTS)
        if (lines := len(path.read_text().splitlines())) > LONGEST_FILE
    }
    assert long == {}


def test_no_function_is_longer_than_a_screen_or_two() -> None:
    long = [
        f"{name(path)}:{node.lineno} {node.name}"
        for path in ours()
        if path.suffix == ".py" and not name(path).startswith(LISTS)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert long == []


def test_committed_files_speak_of_the_product_only() -> None:
    found = []
    for path in ours():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        for pattern in FOREIGN:
            found += [f"{name(path)}: {match.group()}" for match in pattern.finditer(text)]
    assert found == []


def test_the_list_of_foreign_words_finds_them() -> None:
    for halves in (("https://py", "pi.org/simple"), ("Issu", "e 12")):
        sample = "".join(halves)
        assert any(pattern.search(sample) for pattern in FOREIGN), sample


def test_the_top_level_holds_what_the_readme_says_and_nothing_else() -> None:
    expected = {
        *(".ci", ".gitignore", "CHANGELOG.md", "LICENSE", "Makefile", "NOTICE", "README.md"),
        *("SECURITY.md", "benchmarks", "clients", "deploy", "docs", "migrations"),
        *(
            "requirements-dev.txt",
            "requirements.txt",
            "ruff.toml",
            "setup.cfg",
            "static",
            "templates",
            "tests",
        ),
        *("trace", "wsgi.py"),
    }
    assert {path.relative_to(ROOT).parts[0] for path in ours()} == expected
