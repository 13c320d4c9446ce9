"""Reference pages about security: the table of ASVS, licences and the bill of materials.

The table's one source is docs/asvs.tsv: number, level, state, what is asked and how it stands in
our own words, and the tests that show it (node ids). Licences and the bill come from what the
pinned packages say of themselves.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

DOCS = Path(__file__).parent
MADE = "<!-- Made by `make docs`; changes by hand are lost. -->"
STATES = ("met", "not applicable", "not met")
CHAPTERS = (
    *("Encoding and sanitisation", "Validation and business logic", "Web front end"),
    *(
        "Interfaces",
        "Files",
        "Authentication",
        "Sessions",
        "Authorisation",
        "Self-contained tokens",
    ),
    *("OAuth and OIDC", "Cryptography", "Communication", "Configuration", "Data protection"),
    *("Coding and architecture", "Logging and errors", "WebRTC"),
)
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s#]+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One requirement of levels 1 and 2."""

    number: str
    level: int
    state: str
    asked: str
    stands: str
    tests: tuple[str, ...]


def requirements() -> list[Requirement]:
    """All of them, in order."""
    lines = (DOCS / "asvs.tsv").read_text().splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return [Requirement(r[0], int(r[1]), r[2], r[3], r[4], tuple(r[5].split())) for r in rows]


def asvs_page() -> str:
    """docs/reference/asvs.md"""
    known = requirements()
    counted = Counter((one.level, one.state) for one in known)
    lines = [
        "# OWASP ASVS 5.0, levels 1 and 2",
        "",
        MADE,
        "",
        "Every requirement of the Application Security Verification Standard 5.0.0 at levels 1 and",
        "2, in our own words, with its state and what shows it: tests that exist (held by a test),",
        "or a reason. What remains is in the [threat model](../explanation/threat-model.md);",
        "who may open what was [measured](../reports/roles.md).",
        "",
        "| | met | not applicable | not met |",
        "| --- | --- | --- | --- |",
    ]
    for level in (1, 2):
        figures = " | ".join(str(counted[level, state]) for state in STATES)
        lines.append(f"| level {level} | {figures} |")
    chapter = 0
    for one in known:
        if (now := int(one.number.partition(".")[0])) != chapter:
            chapter = now
            lines += ["", f"## V{chapter} {CHAPTERS[chapter - 1]}", ""]
            lines += ["| number | level | asked | state | how it stands | shown by |"]
            lines += ["| --- | --- | --- | --- | --- | --- |"]
        shown = "; ".join(map(_link, one.tests))
        state = f"**{one.state}**" if one.state == "not met" else one.state
        lines.append(
            f"| {one.number} | {one.level} | {one.asked} | {state} | {one.stands} | {shown} |"
        )
    return "\n".join(lines) + "\n"


def _link(node: str) -> str:
    path, _, name = node.partition("::")
    return f"[{name.removeprefix('test_').replace('_', ' ')}](../../{path})"


# -- what it is made of ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Package:
    """One pinned package that runs in production."""

    name: str
    version: str
    licence: str
    needs: tuple[str, ...]


def packages() -> list[Package]:
    """All pins of requirements.txt, by name."""
    pins = dict(PIN.findall((DOCS.parent / "requirements.txt").read_text()))
    known = {_normal(name) for name in pins}
    return [
        Package(_normal(name), version, _licence(name), _needs(name, known))
        for name, version in sorted(pins.items(), key=lambda pin: _normal(pin[0]))
    ]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(name: str) -> str:
    said = metadata.metadata(name)
    if "License-Expression" in said:
        return str(said["License-Expression"])
    classes = [
        one.rpartition(" :: ")[2]
        for one in said.get_all("Classifier") or ()
        if one.startswith("License :: ") and not one.endswith("OSI Approved")
    ]
    words = str(said["License"]) if "License" in said else ""
    return " or ".join(classes) or words.split("\n")[0][:60] or "?"


def _needs(name: str, known: set[str]) -> tuple[str, ...]:
    asked = metadata.requires(name) or ()
    plain = (re.split(r"[\s;<>=!~\[(]", one)[0] for one in asked if "extra ==" not in one)
    return tuple(sorted({_normal(one) for one in plain} & known))


def licences_page() -> str:
    """docs/reference/licences.md"""
    lines = [
        "# Licences of what it runs on",
        "",
        MADE,
        "",
        "What the pinned packages say of themselves. The same for machines, as CycloneDX:",
        "[bom.cdx.json](bom.cdx.json). None of them is copied into the project.",
        "",
        "| package | version | licence |",
        "| --- | --- | --- |",
        *(f"| {one.name} | {one.version} | {one.licence} |" for one in packages()),
    ]
    return "\n".join(lines) + "\n"


def bill_of_materials() -> str:
    """docs/reference/bom.cdx.json (CycloneDX 1.6). Without a date: the pins are its version."""
    listed = packages()
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {"type": "application", "name": "trace", "bom-ref": "trace"}},
        "components": [
            {
                "type": "library",
                "bom-ref": _ref(one),
                "name": one.name,
                "version": one.version,
                "purl": _ref(one),
                "licenses": [{"license": {"name": one.licence}}],
            }
            for one in listed
        ],
        "dependencies": [
            {"ref": "trace", "dependsOn": [_ref(one) for one in listed]},
            *({"ref": _ref(one), "dependsOn": _refs(one.needs, listed)} for one in listed),
        ],
    }
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _ref(one: Package) -> str:
    return f"pkg:pypi/{one.name}@{one.version}"


def _refs(names: tuple[str, ...], listed: list[Package]) -> list[str]:
    return [_ref(one) for one in listed if one.name in names]


def pages() -> dict[str, str]:
    """File name -> text of every page made here."""
    return {
        "asvs.md": asvs_page(),
        "licences.md": licences_page(),
        "bom.cdx.json": bill_of_materials(),
    }
