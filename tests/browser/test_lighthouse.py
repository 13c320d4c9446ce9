"""Lighthouse's opinion of the pages everybody may open, by its own mobile profile (a slow phone on
a slow network, simulated): performance at least 98, accessibility and best practices 100; what
search engines need, save that pages of single batches ask not to be listed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.shown import Shown, shown_demo

LIGHTHOUSE = Path(__file__).parent / "lighthouse" / "node_modules" / ".bin" / "lighthouse"
CATEGORIES = {"performance": 98, "accessibility": 100, "best-practices": 100}
# `is-crawlable`: batches come and go, only makers and products whom somebody confirmed are listed.
# `robots-txt`: asked from within the page, whose policy lets a card ask for nothing.
NOT_ASKED = ("is-crawlable", "robots-txt")
PAGES = (
    *("complete", "recalled", "on-hold", "mixed", "unit", "gaps", "stall-card"),
    "complete?view=proof",
    *("/t/01/09520002010049", "/", "/search?q=rau", "/scan", "/about"),
)
TRIES = 2  # the first of two runs may meet a busy machine

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with shown_demo(tmp_path_factory.mktemp("shown")) as found:
        yield found


def judged(url: str, folder: Path) -> dict[str, Any]:
    """Lighthouse's report of one page."""
    if not LIGHTHOUSE.exists():
        raise RuntimeError("Lighthouse is not installed: run `make test-long`")
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    report = folder / "report.json"
    answer = subprocess.run(
        [
            *(str(LIGHTHOUSE), url, "--quiet", "--output=json", f"--output-path={report}"),
            *("--form-factor=mobile", "--no-enable-error-reporting"),
            f"--only-categories={','.join([*CATEGORIES, 'seo'])}",
            f"--skip-audits={','.join(NOT_ASKED)}",
            "--chrome-flags=--headless=new --no-sandbox --disable-gpu",
        ],
        env={**os.environ, "CHROME_PATH": chromium},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    if not report.exists():
        raise RuntimeError(answer.stderr[-2000:])
    found: dict[str, Any] = json.loads(report.read_text())
    return found


def faults(report: dict[str, Any]) -> list[str]:
    """What keeps a page from its goals: audits by name, with what they found."""
    if "runtimeError" in report:
        return [str(report["runtimeError"]["message"])]
    wrong = []
    for name, goal in (*CATEGORIES.items(), ("seo", 100)):
        category = report["categories"][name]
        if category["score"] is None or round(100 * category["score"]) < goal:
            weak = (
                report["audits"][one["id"]]
                for one in category["auditRefs"]
                if one["weight"] and report["audits"][one["id"]]["score"] not in (1, None)
            )
            told = "; ".join(f"{one['title']} {one.get('displayValue', '')}" for one in weak)
            wrong.append(f"{name} {category['score']}: {told}")
    return wrong


@pytest.mark.parametrize("page", PAGES)
def test_lighthouse_finds_nothing_to_mend(page: str, shown: Shown, tmp_path: Path) -> None:
    state, _, more = page.partition("?")
    path = page if page.startswith("/") else f"/t{shown.paths[state]}{more and '?' + more}"
    for number in range(TRIES):
        folder = tmp_path / str(number)
        folder.mkdir()
        wrong = faults(judged(shown.url + path, folder))
        if not wrong:
            return
    pytest.fail(f"{path}: {wrong}")
