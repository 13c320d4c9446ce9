"""What is imported is pinned, what is pinned is imported, and the pins are what runs here."""

from __future__ import annotations

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[a-z,]+\])?==([^\s#]+)", re.MULTILINE)
# Needed at run time without an import: the server, the driver named in an address, a font's files.
NOT_IMPORTED = {"gunicorn", "psycopg", "font-roboto"}
# Tools with wheels for some machines only: what needs them says so where they are missing.
SOMEWHERE = {"atheris"}
PULLED_IN = "# -- pulled in by the above"


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str) -> dict[str, str]:
    return {normal(name): version for name, version in PIN.findall((ROOT / file).read_text())}


def found(name: str) -> str:
    """The version of what is installed under a name, "" where nothing is."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def direct(file: str) -> set[str]:
    above = (ROOT / file).read_text().partition(PULLED_IN)[0]
    return {normal(name) for name, _ in PIN.findall(above)}


def imported(*folders: str) -> set[str]:
    """Distributions whose modules these folders import anywhere, late imports included."""
    modules: set[str] = set()
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                modules |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                modules.add(node.module.partition(".")[0])
    providers = metadata.packages_distributions()
    own = {"trace", "trace_client", "tests", "benchmarks", "docs", "deploy", "wsgi"}
    own |= sys.stdlib_module_names
    return {normal(providers.get(module, [module])[0]) for module in modules - own}


def test_every_package_the_product_imports_is_pinned_as_direct() -> None:
    assert sorted(imported("trace") - direct("requirements.txt")) == []


def test_every_direct_pin_is_used() -> None:
    used = imported("trace", "migrations") | NOT_IMPORTED
    assert sorted(direct("requirements.txt") - used) == []


def test_every_package_tests_and_benchmarks_import_is_pinned() -> None:
    known = {**pins("requirements.txt"), **pins("requirements-dev.txt")}
    assert sorted(imported("tests", "benchmarks", "docs") - set(known)) == []


def test_what_runs_here_is_what_is_pinned() -> None:
    known = {**pins("requirements.txt"), **pins("requirements-dev.txt")}
    differing = {
        name: (version, installed)
        for name, version in known.items()
        if (installed := found(name)) != version and not (name in SOMEWHERE and installed == "")
    }
    assert differing == {}
