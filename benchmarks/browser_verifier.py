"""Promise: a history of 20 events is checked in the phone's browser within 50 ms, and within 300 ms
where the processor is slowed down four times. How many bytes the verifier costs is measured as it
is sent: brotli over static/verify/sent. Needs Chromium; without one its rows say so."""

from __future__ import annotations

import shutil
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli  # type: ignore[import-untyped]  # ships no stubs
from playwright.sync_api import Browser, sync_playwright

from benchmarks import Figure, absolute
from deploy.make_standalone import SENT
from tests.golden.checks import story_event
from tests.golden.story import tell_story
from tests.support.verify_cases import policy_text

EVENTS = 20
ROUNDS = 5
PAGES = 7
CORE = ("verify",)
WHOLE = ("verify", "story", "policy")
MEASURE = """
async ({ bundle, policy, now, rounds }) => {
  const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt());
  const { verify } = await import("/verify.js");
  const { readPolicy } = await import("/policy.js");
  await import("/story.js");
  const trusted = await readPolicy(bytes(policy));
  const taken = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const { ok, statements } = await verify(bytes(bundle), trusted, now);
    taken.push(performance.now() - start);
    if (!ok || statements.length != 20) throw new Error("the bundle does not hold");
  }
  return taken;
}
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Nothing: the table is what is printed."""


@contextmanager
def _served() -> Iterator[str]:
    """The modules as they are sent, on a loopback port: WebCrypto asks for an origin."""
    handler = partial(_Quiet, directory=str(SENT))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def _history() -> dict[str, Any]:
    """A bundle of 20 statements with keys, an approval and three chains, in a log of 600 more."""
    story = tell_story()
    for _ in range(EVENTS - 4):
        story.world.record(story.packer, story_event(story))
    for _ in range(600):
        story.world.append(story.world.entries[story.shipped.index])
    return {
        "bundle": b64encode(story.bundle()).decode(),
        "policy": b64encode(policy_text(story).encode()).decode(),
        "now": (story.world.now + timedelta(hours=1)).timestamp() * 1000,
        "rounds": ROUNDS,
    }


def _sizes() -> list[Figure]:
    def sent(names: tuple[str, ...]) -> float:
        return sum(len(brotli.compress((SENT / f"{name}.js").read_bytes())) for name in names) / 1e3

    return [
        absolute("browser verifier, steps 1 to 7, brotli", sent(CORE), "kB", "<=", 3.5),
        absolute("browser verifier, whole with policy, brotli", sent(WHOLE), "kB", "<=", 3.5),
    ]


def _taken(browser: Browser, url: str, history: dict[str, Any], slowed: int) -> list[float]:
    """Milliseconds of each check in a new page: the first finds nothing compiled or warm."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": slowed})
    found: list[float] = page.evaluate(MEASURE, history)
    context.close()
    return found


def run() -> list[Figure]:
    """Sizes; then the least time of a page's first check and of its others, at both speeds."""
    figures = _sizes()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    if chromium is None:
        reason = "20 events in the browser: skipped, Chromium is not installed"
        return [*figures, Figure(reason, 0, "ms", None, None, "<= 50 ms", met=False)]
    history = _history()
    with _served() as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for slowed, goal in ((1, 50), (4, 300)):
            taken = [_taken(browser, url, history, slowed) for _ in range(PAGES)]
            name = f"{EVENTS} events in the browser, processor / {slowed}"
            first = min(one[0] for one in taken)
            figures.append(absolute(f"{name}, first check of a page", first, "ms", "<=", goal))
            again = min(min(one[1:]) for one in taken)
            figures.append(absolute(f"{name}, further checks", again, "ms", "<=", goal))
        browser.close()
    return figures


if __name__ == "__main__":
    for figure in run():
        print(figure.to_json())
