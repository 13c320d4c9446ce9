"""The shopper's page in every state, in both languages and both themes, 360 pixels wide: drawn by
`python -m docs.screenshots shopper` into docs/images/shopper; docs/images/shopper.md shows them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal
from urllib.parse import quote

from playwright.sync_api import Page
from sqlalchemy import select

from docs.screenshots import IMAGES, PHONE, Studio, small_png
from trace import clock
from trace.core.gs1 import parse_identity
from trace.extensions import db
from trace.models import Copy, Organisation, Thing, Unit
from trace.services import units
from trace.services.actors import Actor

FOLDER: Final = IMAGES / "shopper"
LANGUAGES: Final = ("vi", "en")
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
LOCALES: Final = {"vi": "vi-VN", "en": "en-GB"}


@dataclass(frozen=True, slots=True)
class Shot:
    """One state: its name, what it shows, the address, and what to scroll to ("" for the top)."""

    name: str
    shows: str
    path: str
    top: str = ""
    query: str = ""


def shots(studio: Studio) -> list[Shot]:
    """All states, in the order of the page that shows them."""
    whole, unit = studio.path("complete"), studio.path("unit")
    stamps = _stamps(studio, unit)
    product = whole.partition("/10/")[0]
    return [
        Shot("first", "First screen of a lot with a whole record", whole),
        Shot("story", "The story below it", whole, "ol.tl"),
        Shot("map", "Where it was", whole, ".map"),
        Shot("foot", "What can be done, and the code", whole, ".acts"),
        Shot("proof", "What stands behind it", whole, query="&view=proof"),
        Shot("recalled", "A recall", studio.path("recalled")),
        Shot("mixed", "A mix that may contain recalled goods", studio.path("mixed")),
        Shot("hold", "On hold until a result", studio.path("on-hold")),
        Shot("gaps", "Silences told apart", studio.path("gaps"), "li.gap"),
        Shot(
            "corrected",
            "A line that was corrected",
            studio.path("corrected"),
            ".tl .off, .tl .both, .tl .m",
        ),
        Shot("unit", "One package", unit),
        Shot("copied", "One package whose code was scanned elsewhere", stamps["copied"]),
        Shot("unbound", "A stamp that is on nothing yet", stamps["unbound"]),
        Shot("voided", "A stamp thrown away", stamps["voided"]),
        Shot("unknown", "A code that nobody registered", "/b/0000000000"),
        Shot("product", "A product, with the lots on sale", product),
        Shot("stall", "A stall", studio.path("stall-card")),
        Shot("follow", "Following a lot", f"follow:{whole}"),
    ]


def _stamps(studio: Studio, seen: str) -> dict[str, str]:
    """Stamps in the states that the demonstration has none of: the path of each."""
    with studio.app.app_context():
        at = clock.now() - timedelta(days=1)
        maker = db.session.scalars(
            select(Organisation).where(Organisation.name.like("HTX Rau Demo%"))
        ).one()
        roll = units.issue(Actor(maker, None, "owner"), 2, at=at)
        units.void(Actor(maker, None, "owner"), units.Stretch(roll, 2, 2), "rách", at=at)
        db.session.flush()
        rows = db.session.scalars(
            select(Unit).where(Unit.range_id == roll.id).order_by(Unit.number)
        ).all()
        known: dict[str, Any] = {"score": 90, "said": True, "reasons": "provinces:3"}
        others = db.session.scalars(
            select(Thing.identity).where(Thing.kind == "unit").order_by(Thing.id.desc())
        )
        paths = [found.path for one in others if (found := parse_identity(one, "")) is not None]
        copied = next(path for path in paths if path != seen)
        key, serial = copied.strip("/").rsplit("/21/", 1)
        db.session.add(Copy(key=key, serial=serial, since=at, last_at=at, **known))
        db.session.commit()
        return {
            "unbound": _path(rows[0]),
            "voided": _path(rows[1]),
            "copied": copied,
        }


def _path(unit: Unit) -> str:
    key, value = unit.key.split("/", 1)
    return f"/{key}/{value}/21/{unit.serial}" if key == "01" else f"/{key}/{value}/{unit.serial}"


def take_shopper(studio: Studio) -> None:
    """All of them, the worker's copy without a network and the print included."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = shots(studio)
    for theme in THEMES:
        for language in LANGUAGES:
            context = studio.browser.new_context(
                viewport=PHONE,
                device_scale_factor=1,
                locale=LOCALES[language],
                timezone_id="Asia/Ho_Chi_Minh",
                color_scheme=theme,
            )
            page = context.new_page()
            for shot in wanted:
                _open(page, studio.site, shot, language)
                _save(page, f"{shot.name}-{language}-{theme}", shot.top)
            _copy(page, studio.site + f"/t{wanted[0].path}?lang={language}")
            _save(page, f"copy-{language}-{theme}")
            context.close()
    _write_page(wanted)


def _open(page: Page, site: str, shot: Shot, language: str) -> None:
    if shot.path.startswith("follow:"):
        of = quote(shot.path.removeprefix("follow:"), safe="")
        page.goto(f"{site}/follow/?of={of}&lang={language}")
    else:
        page.goto(f"{site}/t{shot.path}?lang={language}{shot.query}")


def _copy(page: Page, address: str) -> None:
    """The page as its copy shows it when the network is gone."""
    page.goto(address)
    page.evaluate(
        """async () => {
          await navigator.serviceWorker.ready;
          while (!(await (await caches.open("trace-seen-1")).keys()).length)
            await new Promise((resolve) => setTimeout(resolve, 50));
        }"""
    )
    page.context.set_offline(True)
    page.reload()
    page.context.set_offline(False)


def _save(page: Page, name: str, top: str = "") -> None:
    if top:
        page.locator(top).first.evaluate("one => { one.scrollIntoView(); scrollBy(0, -12) }")
    page.evaluate("Promise.all([...document.images].map((one) => one.decode().catch(() => {})))")
    (FOLDER / f"{name}.png").write_bytes(small_png(page.screenshot()))


def _write_page(wanted: list[Shot]) -> None:
    """The page that shows them."""
    lines = [
        "# The shopper's page in pictures",
        "",
        "Each state at 360 pixels: Vietnamese and English, light and dark. Drawn from the running",
        "product by `python -m docs.screenshots shopper`.",
        "",
    ]
    copy = Shot("copy", "A page seen before, opened without a network", "")
    for shot in [*wanted, copy]:
        pictures = [
            f"![{shot.shows}, {language}, {theme}](shopper/{shot.name}-{language}-{theme}.png)"
            for theme in THEMES
            for language in LANGUAGES
        ]
        lines += [f"## {shot.shows}", "", " ".join(pictures), ""]
    (IMAGES / "shopper.md").write_text("\n".join(lines), encoding="utf-8")
