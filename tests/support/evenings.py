"""A village of households with plots, for tests of a co-operative's evening."""

from __future__ import annotations

import os
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from tests.support.fields import BEGAN, Console
from tests.support.pages import Page
from trace.core.gs1 import Identity, canonical_uri, new_code
from trace.extensions import db
from trace.models import Household, Place
from trace.services.settings import current_settings


def village(
    console: Console, count: int, *, first: int = 21, area: Decimal | None = Decimal(360)
) -> list[int]:
    """So many households, each with a plot; every second one in another hamlet and with twice the
    area. Returns the households' rows."""
    with console.app.app_context():
        id_base = current_settings().id_base
        found = []
        for place in range(count):
            household = Household(
                organisation_id=console.organisation,
                code=f"H{first + place:02d}",
                name=f"Hộ minh họa {place + 1}",
                hamlet="Thôn Hạ" if place % 2 else "Thôn Thượng",
                created_at=BEGAN,
            )
            db.session.add(household)
            code = new_code(os.urandom)
            db.session.add(
                Place(
                    organisation_id=console.organisation,
                    household=household,
                    code=code,
                    identity=canonical_uri(Identity("l", code), id_base),
                    name=f"Thửa {household.code}",
                    kind="plot",
                    area_m2=area and area * (1 + place % 2),
                    created_at=BEGAN,
                )
            )
            found.append(household)
        db.session.commit()
        return [household.id for household in found]


# The page's own form, past the filters above it.
POSTED = "//main//form[@method='post']"


def send(console: Console, page: Page, entries: Mapping[str, Any], status: int = 200) -> Page:
    """Fills the page's own form, with every box ticked that is ticked, and sends it."""
    ticked = [box.get("value") for box in page.find("//input[@name='chosen'][@checked]")]
    told = {"chosen": ticked, **entries} if page.find("//input[@name='chosen']") else entries
    return console.pages.submit(page, told, which=POSTED, status=status)


def sow_for(console: Console, product: int | None = None) -> Page:
    """Sows on every household's plot (not on the co-operative's own)."""
    page = console.pages.get("/producer/group/sowing?q=H")
    keys = [
        box.get("value")
        for box in page.find("//input[@name='chosen'][following-sibling::label]")
        if "Vườn" not in "".join(box.getnext().itertext())
    ]
    return send(console, page, {"product": str(product or console.greens), "chosen": keys})
