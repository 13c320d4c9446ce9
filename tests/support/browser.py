"""What browser tests share: the accessibility checker, and a page that tolerates no complaint."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, Request

AXE = Path(__file__).parents[1] / "contract" / "node" / "node_modules" / "axe-core" / "axe.min.js"
# WCAG 2.2 AA and what it builds on, plus the rules axe calls good practice.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@cache
def _axe() -> str:
    if not AXE.exists():
        raise RuntimeError("axe-core is not installed: run `make setup`")
    return AXE.read_text()


# Only what is wrong leaves the page: axe's whole report of a page is 180 kB, and reading it took
# longer than the check.
CHECK = """(async () => {
  AXE
  const found = await axe.run(document, { runOnly: ONLY, resultTypes: ["violations"] });
  return found.violations.map(({ id, help, nodes }) =>
    `${id}: ${help} (${nodes.map((node) => String(node.target[0])).join(", ")})`);
})()"""


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds wrong with the page as it is now: `rule: help (element, …)`; by all rules, or
    only by those named."""
    only = {"type": "rule", "values": list(rules)} if rules else {"type": "tag", "values": RULES}
    # Evaluated by the debugger, not inserted: the page's Content-Security-Policy stays in force.
    check = CHECK.replace("ONLY", json.dumps(only)).replace("AXE", _axe())
    lines: list[str] = page.evaluate(check)
    return lines


def unfold(page: Page) -> None:
    """Opens everything folded, so that it is looked at too."""
    page.evaluate("document.querySelectorAll('main details').forEach((one) => { one.open = true })")


def overflow(page: Page) -> int:
    """By how many CSS pixels the page is wider than the screen; 0 is right."""
    wide: int = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return wide


@contextmanager
def no_complaints(page: Page) -> Iterator[None]:
    """Within it the page may write no error, break no policy and ask no other origin."""
    complaints: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            complaints.append(f"console: {message.text}")

    def on_request(request: Request) -> None:
        if not request.url.startswith(("http://127.0.0.1:", "data:", "blob:")):
            complaints.append(f"another origin: {request.url}")

    page.on("console", on_console)
    page.on("pageerror", lambda error: complaints.append(f"script: {error}"))
    page.on("request", on_request)
    yield
    if complaints:
        raise AssertionError("\n".join(complaints))
