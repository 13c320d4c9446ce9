"""Imports point down, core is pure, and `trace` is ours."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_import_rules_hold() -> None:
    answer = run(str(Path(sys.executable).parent / "lint-imports"), "--no-cache")
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize("stranger", ["flask", "sqlalchemy", "marshmallow", "requests"])
def test_importing_all_of_core_does_not_import(stranger: str) -> None:
    program = (
        "import pkgutil, sys, importlib, trace.core\n"
        "for found in pkgutil.walk_packages(trace.core.__path__, 'trace.core.'):\n"
        "    importlib.import_module(found.name)\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] == sys.argv[1]))\n"
    )
    answer = run(sys.executable, "-c", program, stranger)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout.strip() == "[]"


def test_trace_is_our_package_and_not_the_standard_library_module() -> None:
    import trace

    assert Path(trace.__file__).parent == ROOT / "trace"
