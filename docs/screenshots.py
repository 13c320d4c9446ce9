"""The pictures in the README, taken from the running product: `python -m docs.screenshots`.

Starts the application on a new instance with the demonstration world, signs in as its people and
photographs a phone's screen. Needs the development packages and Chromium.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

IMAGES = Path(__file__).parent / "images"
ROOT = Path(__file__).resolve().parent.parent
PHONE: ViewportSize = {"width": 360, "height": 700}


def flask(environment: dict[str, str], *words: str) -> str:
    """What a command of the product prints."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    done = subprocess.run(  # noqa: S603 (our own words)
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def sign_in(page: Page, site: str, demo: dict[str, Any], organisation: str) -> None:
    """Signs in as whoever records for the organisation."""
    [who] = [one for one in demo["sign_ins"] if organisation in one["organisation"]]
    page.goto(f"{site}/sign-in")
    page.fill("[name=login]", who["login"])
    page.fill("[name=password]", who["password"])
    page.locator("main form button[type=submit]").click()


def take(site: str, demo: dict[str, Any]) -> None:
    """Takes every picture."""
    paths = {one["state"]: one["path"] for one in reversed(demo["addresses"])}
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        phone = browser.new_context(viewport=PHONE, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh")
        page = phone.new_page()
        for name, state in (("scan", "complete"), ("recall", "mixed")):
            page.goto(site + paths[state])
            page.screenshot(path=IMAGES / f"{name}.png")
        sign_in(page, site, demo, "HTX Rau Demo")
        page.goto(f"{site}/producer/today")
        page.screenshot(path=IMAGES / "today.png")
        page.goto(f"{site}/producer/batches/")
        links = page.locator("main a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
        batch = next(link for link in links if re.fullmatch(r"/producer/batches/[0-9]+", link))
        page.goto(site + batch.replace("/batches/", "/labels/"))
        page.screenshot(path=IMAGES / "label.png", full_page=True)
        browser.close()


def main() -> None:
    """Makes the instance, serves it, takes the pictures, forgets it."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        environment = {**os.environ, "TRACE_INSTANCE": folder, "PORT": "8399"}
        os.environ.update(TRACE_INSTANCE=folder, PORT="8399")
        flask(environment, "db", "upgrade")
        flask(environment, "trace", "seed", "--if-empty")
        demo = json.loads(flask(environment, "trace", "demo", "--json"))
        from trace.app import create_app

        server = make_server("127.0.0.1", 8399, create_app(), threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            take("http://127.0.0.1:8399", demo)
        finally:
            server.shutdown()


if __name__ == "__main__":
    main()
