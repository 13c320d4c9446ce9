"""The pictures of the documentation, taken from the running product: `python -m docs.screenshots`.

Starts the application on a new instance with the demonstration world, signs in as its people, does
what the how-to says and photographs a phone's screen: docs/images for the README, and
docs/how-to/vi/pictures for the how-to (docs/how_to_pictures.py says which). `python -m
docs.screenshots can-hang in-tem` draws only the pictures of those pages anew. Needs the development
packages and Chromium. `shopper` draws the states of the shopper's page (docs/shopper_pictures.py).
"""

from __future__ import annotations

import io
import json
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from flask import Flask
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

IMAGES: Final = Path(__file__).parent / "images"
ROOT: Final = Path(__file__).resolve().parent.parent
PHONE: Final[ViewportSize] = {"width": 360, "height": 640}
PORT: Final = "8399"
# A page of the how-to is opened on a slow network: its pictures are few colours and little bytes.
COLOURS: Final = (64, 40, 28, 20, 14)
MOST_BYTES: Final = 60_000


def flask(environment: dict[str, str], *words: str) -> str:
    """What a command of the product prints."""
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words]
    done = subprocess.run(  # noqa: S603 (our own words)
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def small_png(raw: bytes) -> bytes:
    """The picture with as many colours as fit into `MOST_BYTES`."""
    image = Image.open(io.BytesIO(raw)).convert("RGB")
    for colours in COLOURS:
        out = io.BytesIO()
        few = image.quantize(colours, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(out, "PNG", optimize=True)
        if out.tell() < MOST_BYTES:
            break
    return out.getvalue()


@dataclass(slots=True)
class Studio:
    """The running product with its demonstration world, and a browser to look at it."""

    app: Flask
    site: str
    demo: dict[str, Any]
    browser: Browser
    folder: Path
    _phones: dict[str, BrowserContext] = field(default_factory=dict)

    def path(self, state: str) -> str:
        """The address of a demonstration history in a state."""
        return str(next(one["path"] for one in self.demo["addresses"] if one["state"] == state))

    def stranger(self) -> Page:
        """The phone of somebody who is not signed in."""
        return self._phone("")

    def phone(self, organisation: str) -> Page:
        """The phone of whoever records for an organisation, signed in."""
        known = organisation in self._phones
        page = self._phone(organisation)
        if not known:
            who = next(o for o in self.demo["sign_ins"] if organisation in o["organisation"])
            page.goto(f"{self.site}/sign-in")
            page.fill("[name=login]", who["login"])
            page.fill("[name=password]", who["password"])
            page.locator("main form button[type=submit]").click()
            page.wait_for_url(re.compile(r"/(producer|inspection|account|admin)/"))
        return page

    def _phone(self, name: str) -> Page:
        context = self._phones.get(name)
        if context is None:
            context = self._phones[name] = self.browser.new_context(
                viewport=PHONE,
                device_scale_factor=2,
                locale="vi-VN",
                timezone_id="Asia/Ho_Chi_Minh",
            )
            context.set_default_timeout(15_000)
        return context.pages[0] if context.pages else context.new_page()

    def open(self, page: Page, path: str) -> Page:
        """Opens an address of the product."""
        answer = page.goto(self.site + path)
        if answer is None or answer.status != 200:
            raise RuntimeError(f"{path}: {answer and answer.status}")
        return page

    def shoot(self, page: Page, name: str, top: str = "") -> None:
        """A picture of the phone's screen, scrolled to what `top` selects."""
        page.evaluate("document.activeElement?.blur()")
        if top:
            page.locator(top).first.evaluate("one => { one.scrollIntoView(); scrollBy(0, -12) }")
        else:
            page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(150)
        (self.folder / f"{name}.png").write_bytes(small_png(page.screenshot()))


def take_readme(studio: Studio) -> None:
    """The pictures in the README."""
    phone = studio.browser.new_context(
        viewport={"width": 360, "height": 700}, locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh"
    )
    for one in studio.phone("HTX Rau Demo").context.cookies():
        phone.add_cookies([{"name": one["name"], "value": one["value"], "url": studio.site}])
    page = phone.new_page()
    for name, state in (("scan", "complete"), ("recall", "mixed")):
        studio.open(page, studio.path(state)).screenshot(path=IMAGES / f"{name}.png")
    studio.open(page, "/producer/today").screenshot(path=IMAGES / "today.png")
    studio.open(page, "/producer/batches/")
    links = page.locator("main a").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    batch = next(link for link in links if re.fullmatch(r"/producer/batches/[0-9]+", link))
    studio.open(page, batch.replace("/batches/", "/labels/"))
    page.screenshot(path=IMAGES / "label.png", full_page=True)
    phone.close()


@contextmanager
def studio(folder: Path) -> Iterator[Studio]:
    """A new instance with the demonstration world, served, and a browser; forgotten afterwards."""
    with tempfile.TemporaryDirectory() as instance:
        environment = {**os.environ, "TRACE_INSTANCE": instance, "PORT": PORT}
        os.environ.update(TRACE_INSTANCE=instance, PORT=PORT)
        flask(environment, "db", "upgrade")
        flask(environment, "trace", "seed", "--if-empty")
        demo = json.loads(flask(environment, "trace", "demo", "--json"))
        from trace.app import create_app

        app = create_app()
        server = make_server("127.0.0.1", int(PORT), app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        chromium = shutil.which("chromium") or shutil.which("chromium-browser")
        try:
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=chromium, args=["--no-sandbox"]
                )
                yield Studio(app, f"http://127.0.0.1:{PORT}", demo, browser, folder)
                browser.close()
        finally:
            server.shutdown()


def main(wanted: list[str]) -> None:
    """Takes all pictures, or those of the pages named."""
    from docs.how_to_pictures import TAKERS
    from docs.shopper_pictures import take_shopper
    from trace.web.how_to import PICTURES

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    PICTURES.mkdir(exist_ok=True)
    with studio(PICTURES) as place:
        if not wanted or "shopper" in wanted:
            take_shopper(place)
        for name, take in TAKERS.items():
            if not wanted or name in wanted:
                take(place)
                sys.stdout.write(f"{name}\n")
        if not wanted:
            take_readme(place)


if __name__ == "__main__":
    main(sys.argv[1:])
