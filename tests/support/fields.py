"""A small co-operative for tests of the farm's console: products, places, households, partners."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from flask import Flask
from sqlalchemy import select

from tests.support.factories import make_actor
from tests.support.members import make_member, sign_in
from tests.support.pages import Page, PageClient
from trace.core.gs1 import Identity, canonical_uri, new_code
from trace.extensions import db
from trace.models import Event, Household, Organisation, Place, Product, Thing
from trace.services.actors import Actor
from trace.services.settings import current_settings
from trace.services.timelines import Line, read_events

GTIN = "08936012340013"
BEGAN = datetime(2026, 10, 1, tzinfo=UTC)


@dataclass(slots=True)
class Console:
    """Somebody of a co-operative before its console. Ids are of rows."""

    app: Flask
    pages: PageClient
    organisation: int
    greens: int  # product with a GTIN
    herbs: int  # product without
    plot: int
    store: int
    stall: int
    household: int

    def events(self) -> list[Line]:
        """Everything recorded, as the organisation reads it, in order."""
        with self.app.app_context():
            organisation = db.session.get(Organisation, self.organisation)
            assert organisation is not None
            ids = db.session.scalars(select(Event.id).order_by(Event.id)).all()
            lines = read_events(Actor(organisation, None, "viewer"), ids)
            db.session.expunge_all()  # rows may be read after the session is gone
            return lines

    def things(self, kind: str) -> list[int]:
        """Row ids of things of a kind, oldest first."""
        with self.app.app_context():
            found = db.session.scalars(
                select(Thing.id).where(Thing.kind == kind).order_by(Thing.id)
            )
            return list(found)

    def lot(self, quantity: str = "480", product: int | None = None, **more: str) -> int:
        """Registers a lot through its form; returns its row id."""
        before = set(self.things("lot"))
        form = self.pages.get("/producer/batches/new")
        entries = {"product": str(product or self.greens), "quantity": quantity, **more}
        self.pages.submit(form, entries)
        (made,) = set(self.things("lot")) - before
        return made


def open_console(app: Flask, pages: PageClient) -> Console:
    """A signed-in owner of a co-operative that has what forms offer."""
    member = make_member(app)
    sign_in(app, pages.client, member)
    with app.app_context():
        organisation = db.session.scalars(
            select(Organisation).where(Organisation.kind != "platform").order_by(Organisation.id)
        ).first()
        assert organisation is not None
        id_base = current_settings().id_base
        greens = _product(organisation, "Cải ngọt", id_base, gtin=GTIN)
        herbs = _product(organisation, "Rau mùi", id_base)
        plot = _place(organisation, "Vườn B2", "plot", id_base)
        store = _place(organisation, "Kho mát", "cold-store", id_base)
        stall = _place(organisation, "Quầy 7", "stall", id_base)
        household = Household(
            organisation_id=organisation.id, code="H12", name="Bà Minh Họa", created_at=BEGAN
        )
        db.session.add_all([greens, herbs, plot, store, stall, household])
        db.session.commit()
        return Console(
            app,
            pages,
            organisation.id,
            greens.id,
            herbs.id,
            plot.id,
            store.id,
            stall.id,
            household.id,
        )


def add_partner(app: Flask, name: str = "Cửa hàng Demo", kind: str = "retailer") -> int:
    """Another organisation; returns its row id."""
    with app.app_context():
        return make_actor(BEGAN, name=name, kind=kind).organisation.id


def _product(
    organisation: Organisation, name: str, id_base: str, gtin: str | None = None
) -> Product:
    code = new_code(os.urandom)
    identity = Identity("01", gtin) if gtin else Identity("q", code)
    return Product(
        organisation_id=organisation.id,
        code=code,
        gtin=gtin,
        identity=canonical_uri(identity, id_base),
        name=name,
        category="leaf-vegetable",
        net_weight=Decimal("0.3"),
        created_at=BEGAN,
    )


def _place(organisation: Organisation, name: str, kind: str, id_base: str) -> Place:
    code = new_code(os.urandom)
    return Place(
        organisation_id=organisation.id,
        code=code,
        identity=canonical_uri(Identity("l", code), id_base),
        name=name,
        kind=kind,
        created_at=BEGAN,
    )


def errors(page: Page) -> dict[str, str]:
    """Field to sentence, from the box above a form that was refused."""
    found = page.find("//*[@class='error-summary']//li")
    told = {}
    for item in found:
        link = item.xpath(".//a/@href")
        told[str(link[0]).removeprefix("#f-") if link else ""] = " ".join(item.itertext()).strip()
    return told
