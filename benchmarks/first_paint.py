"""Promise: on a slow phone the page stands one second after the redirect's answer, and nothing in
it moves afterwards.

400 ms from request to answer, 400 kbit/s, processor four times slower, a screen of 360 x 640, the
connection open already (the redirect came over it); Chromium's own emulation. The printed address
is opened as a camera opens it, the product answers from gunicorn; first contentful paint is counted
from the end of the redirect, layout shifts until the page is quiet. The median of several new
profiles, pages of the demonstration. Floor: a page of one word under the same conditions. Needs
Chromium; without one its row says so.
"""

from __future__ import annotations

import base64
import json
import shutil
import statistics
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from benchmarks import Figure, absolute
from tests.support.gunicorn import running
from tests.support.shown import shown_demo

ROUNDS = 5
LATENCY_MS, BYTES_A_SECOND, SLOWER = 400, 400_000 // 8, 4
PAGES = ("complete", "recalled", "mixed", "unit", "gaps")
MOST_MS = 1000
SCREEN = {"width": 360, "height": 640}
# After the page is quiet: when it was painted, and every move that nobody asked for.
READ = """
() => new Promise((done) => {
  let moved = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) moved += one.value;
  }).observe({ type: "layout-shift", buffered: true });
  const look = () => {
    const painted = performance.getEntriesByName("first-contentful-paint")[0];
    if (!painted) return setTimeout(look, 50);
    const [from] = performance.getEntriesByType("navigation");
    setTimeout(() => done([painted.startTime - from.redirectEnd, moved]), 300);
  };
  look();
})
"""


def run() -> Iterable[Figure]:
    """A row a page, and one for what moves."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        yield Figure("first paint: skipped, no Chromium", 0, "ms", None, None, "<= 1000 ms", False)
        return
    folder = Path(tempfile.mkdtemp(prefix="trace-bench-paint-"))
    try:
        with (
            shown_demo(folder) as shown,
            running("benchmarks._bare:app", {"BENCH_ANSWER": _word(folder)}, workers=1) as bare,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            floor, _ = _seen(browser, f"http://127.0.0.1:{bare.port}", "/t/word")
            most = 0.0
            for what in PAGES:
                painted, moved = _seen(browser, shown.url, shown.paths[what])
                most = max(most, moved)
                yield Figure(
                    f"first paint, slow phone, {what}",
                    painted,
                    "ms",
                    floor,
                    painted / floor,
                    f"<= {MOST_MS} ms",
                    painted <= MOST_MS,
                )
            yield absolute("layout shift, all these pages", most, "CLS", "<=", 0)
            browser.close()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _word(folder: Path) -> str:
    given = folder / "word.json"
    headers = [["Content-Type", "text/html; charset=utf-8"], ["ETag", '"word"']]
    body = base64.b64encode(b"<!doctype html><title>.</title><p>word").decode()
    given.write_text(json.dumps({"headers": headers, "known": headers, "body": body}))
    return str(given)


def _seen(browser: Browser, url: str, path: str) -> tuple[float, float]:
    """(first contentful paint in ms, the most that moved)."""
    painted, moved = [], []
    for _ in range(ROUNDS):
        context = browser.new_context(
            viewport=SCREEN,  # type: ignore[arg-type]  # a typed dict of the same two members
            device_scale_factor=3,
            is_mobile=True,
            has_touch=True,
            locale="vi-VN",
        )
        page = context.new_page()
        page.goto(f"{url}/robots.txt")  # opens the connection
        session = context.new_cdp_session(page)
        conditions = {
            "offline": False,
            "latency": LATENCY_MS,
            "downloadThroughput": BYTES_A_SECOND,
            "uploadThroughput": BYTES_A_SECOND,
        }
        session.send("Network.enable")
        session.send("Network.emulateNetworkConditions", conditions)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        page.goto(url + path, wait_until="load")
        answer: Any = page.evaluate(READ)
        painted.append(float(answer[0]))
        moved.append(float(answer[1]))
        context.close()
    return statistics.median(painted), max(moved)
