"""The table of ASVS, the bill of materials and the licences are true."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from functools import cache
from pathlib import Path

from docs import security_pages

ROOT = Path(__file__).parents[2]
# Those whose code may be used beside ours: permissive ones, and such as bind only themselves.
FREE = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software|MPL-2\.0|Mozilla|LGPL|Lesser|HPND|CNRI|ZPL|Unlicense",
    re.IGNORECASE,
)


@cache
def names_of(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.walk(ast.parse(file.read_text()))
    return frozenset(node.name for node in tree if isinstance(node, ast.FunctionDef))


def test_every_requirement_of_levels_one_and_two_has_its_state() -> None:
    known = security_pages.requirements()
    assert Counter(one.level for one in known) == {1: 70, 2: 183}
    assert len({one.number for one in known}) == len(known)
    assert {one.number.partition(".")[0] for one in known} == {str(n) for n in range(1, 18)}
    assert {one.state for one in known} <= set(security_pages.STATES)
    order = [tuple(map(int, one.number.split("."))) for one in known]
    assert order == sorted(order)


def test_every_test_that_the_table_names_exists_and_all_else_has_a_reason() -> None:
    known = security_pages.requirements()
    nodes = [node for one in known for node in one.tests]
    missing = [
        node for node in nodes if node.partition("::")[2] not in names_of(node.partition("::")[0])
    ]
    assert len(nodes) > 200
    assert missing == []
    assert [one.number for one in known if not one.tests and len(one.stands) < 3] == []


def test_the_papers_are_current() -> None:
    stale = [
        name
        for name, text in security_pages.pages().items()
        if (security_pages.DOCS / "reference" / name).read_text() != text
    ]
    assert stale == [], "run `make docs`"


def test_the_bill_of_materials_is_of_what_is_pinned() -> None:
    bill = json.loads((security_pages.DOCS / "reference" / "bom.cdx.json").read_text())
    listed = {(one["name"], one["version"]) for one in bill["components"]}
    assert listed == {(one.name, one.version) for one in security_pages.packages()}
    refs = {one["bom-ref"] for one in bill["components"]} | {"trace"}
    assert {ref for one in bill["dependencies"] for ref in [one["ref"], *one["dependsOn"]]} == refs


def test_every_licence_is_known_and_binds_only_its_own_code() -> None:
    unknown = [
        (one.name, one.licence) for one in security_pages.packages() if not FREE.search(one.licence)
    ]
    assert unknown == []
