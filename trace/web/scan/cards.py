"""Cards: what a printed address says that is not a history. Product, place, stall, organisation,
delivery note. Only what is public, and never a guess."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import force_locale, gettext

from trace import clock
from trace.core.gs1 import Identity, format_code, parse_identity
from trace.core.gs1.linkset import Target
from trace.errors import TraceError
from trace.models import AreaCode, Organisation, Place, Product
from trace.services import geometry
from trace.services.addresses import (
    OnSale,
    on_sale_at,
    on_sale_of,
    organisation_named,
    place_named,
    product_named,
    products_of,
    resolve,
)
from trace.services.alerts import alerts_of
from trace.services.confirming import suspension_of
from trace.services.handovers import shipment_of_note
from trace.services.links import given_out
from trace.services.passports_lines import code_of
from trace.services.platform_settings import text_of
from trace.services.records import LOCAL_ZONE
from trace.services.same_records import same_as
from trace.services.settings import current_settings
from trace.services.successors import contact_of, whole_successor
from trace.services.wards import ward_name
from trace.web.badges import badge_snippet
from trace.web.link_words import listed
from trace.web.problems import translated
from trace.web.scan.pages import render
from trace.web.scan.showing import alert as shown_alert
from trace.web.words import organisation_kind, place_kind


@dataclass(frozen=True, slots=True)
class Card:
    """A card: its template, the printed path it answers, and what it shows."""

    template: str
    path: str
    values: dict[str, Any]

    def page(self, language: str) -> bytes:
        """The card's page in one language."""
        return render(self.template, language, self.path, **self.values)


def find_card(identity: Identity) -> Card | None:
    """The card of a product, place, stall, organisation or delivery note, None when unknown."""
    makers: dict[str, Callable[[Identity], Card | None]] = {
        "product": _product,
        "place": _place,
        "stall": _stall,
        "party": _organisation,
        "note": _note,
    }
    make = makers.get(identity.kind)
    return make(identity) if make else None


def spoken(identity: Identity) -> str:
    """The code as people read it aloud."""
    return code_of(identity)


def registered_by(identity: Identity) -> str:
    """Who registered the product code of an unknown lot or unit: the name only, no product."""
    if identity.key not in ("01", "8006"):
        return ""
    product = product_named(Identity("01", identity.value))
    return product.organisation.name if product else ""


def sentence(error: TraceError, language: str) -> str:
    """An error's sentence in the reader's language."""
    with force_locale(language):
        return translated(error)


def _product(identity: Identity) -> Card | None:
    product = product_named(identity)
    if product is None:
        return None
    return Card(
        "scan/product.html",
        identity.path,
        {
            "product": product,
            "code": spoken(identity),
            "owner": product.organisation,
            "states": organisation_words,
            "same": [(one.name, f"/q/{one.code}") for one in same_as(product)],
            **_sold(on_sale_of(product)),
            "badge": lambda alt, language: badge_snippet(product.identity, alt, language),
            "linked": _linked(product),
            "all_links": f"{identity.path}?linkType=linkset",
        },
    )


def _linked(product: Product) -> Callable[[str], list[dict[str, Any]]]:
    """The links that its owner added, in words of a language."""
    found = given_out([product.identity], at=clock.now()).get(product.identity, ())
    links: dict[str, list[Target]] = {}
    for link_type, target in found:
        links.setdefault(link_type, []).append(target)
    return lambda language: listed(links, language)


def _organisation(identity: Identity) -> Card | None:
    organisation = organisation_named(identity)
    if organisation is None:
        return None
    products = [(one, _path_of(one)) for one in products_of(organisation)]
    find = contact_of if organisation.closed_at is not None else whole_successor
    contact = find(organisation)
    return Card(
        "scan/organisation.html",
        identity.path,
        {
            "organisation": organisation,
            "ward": ward_name(organisation.ward_code) if organisation.ward_code else "",
            "products": products,
            "states": organisation_words,
            "kind_word": organisation_kind,
            "code": format_code(organisation.code),
            "contact": contact,
            "contact_path": f"/o/{contact.code}" if contact else "",
        },
    )


def _path_of(row: Product | Place) -> str:
    identity = parse_identity(row.identity, current_settings().id_base)
    return identity.path if identity else ""


def _place(identity: Identity) -> Card | None:
    place = place_named(identity)
    if place is None:
        return None
    # A place that is not public says nothing of what lies there either.
    sold = _sold(on_sale_at(place) if place.public else [])
    return Card("scan/place.html", identity.path, {**_public(place), **sold})


def _public(place: Place) -> dict[str, Any]:
    """The public part of a place: name and ward unless kept private, its position only where the
    owner publishes it."""
    household = place.household.code if place.household else ""
    open_position = place.public and place.position_public
    return {
        "place": place if place.public else None,
        "kind": place.kind,
        "ward": ward_name(place.ward_code) if place.public and place.ward_code else "",
        "area_codes": [row for row in place.area_codes if shown(row)] if place.public else [],
        "sketch": geometry.sketch(place) if open_position else None,
        "position": geometry.position_of(place) if open_position else None,
        "household": household,
        "organisation": place.organisation,
        "states": organisation_words,
        "same": _same_places(place),
        "kind_word": place_kind,
        "code": format_code(place.code),
    }


def shown(row: AreaCode) -> bool:
    """Whether a code is told in public: one that was withdrawn is not a claim any more."""
    return row.state in ("active", "suspended")


def _sold(listed: Sequence[OnSale]) -> dict[str, Any]:
    """Lots on sale as a card lists them, and those under a notice, the worst first, which stand
    above everything."""
    standing = alerts_of([lot.thing_id for lot in listed])
    lots: list[dict[str, Any]] = []
    for lot in listed:
        found = parse_identity(lot.identity, current_settings().id_base)
        if found is None:
            continue
        alerts = standing[lot.thing_id]
        lots.append(
            {
                "lot": lot,
                "path": found.path,
                "code": spoken(found),
                "alert": alerts[0] if alerts else None,
            }
        )
    warned = sorted((lot for lot in lots if lot["alert"]), key=lambda lot: lot["alert"].rank)
    return {"lots": lots, "warned": warned, "show_alert": shown_alert}


def _stall(identity: Identity) -> Card | None:
    place = place_named(identity)
    if place is None:
        return None
    # A card hangs at the stall for everyone to see: its name is public by being printed.
    values = {**_public(place), "place": place, **_sold(on_sale_at(place))}
    return Card("scan/stall.html", identity.path, values)


def _note(identity: Identity) -> Card | None:
    if not resolve(identity):
        return None
    found = shipment_of_note(identity)
    state = "" if found is None else "cancelled" if found.voided else found.state or "waiting"
    values = {"code": spoken(identity), "raw_code": identity.value, "state": state}
    return Card("scan/note.html", identity.path, values)


def organisation_words(organisation: Organisation) -> list[str]:
    """What must be said of who stands behind a name."""
    found = []
    if organisation.demonstration:
        found.append(gettext("Tổ chức minh hoạ, không có thật"))
    found += _standing(organisation)
    for other in same_as(organisation):
        found.append(
            gettext(
                "Cùng một tổ chức với %(name)s (%(code)s)",
                name=other.name,
                code=format_code(other.code),
            )
        )
    if organisation.closed_at is not None:
        closed = f"{organisation.closed_at.astimezone(LOCAL_ZONE):%d/%m/%Y}"
        found.append(gettext("Tổ chức đã ngừng hoạt động từ %(day)s", day=closed))
    return found


def _standing(organisation: Organisation) -> list[str]:
    if organisation.status == "confirmed":
        return []
    decided = suspension_of(organisation)
    if decided is None:
        return [gettext("Tổ chức chưa được xác nhận")]
    since = f"{decided.at.astimezone(LOCAL_ZONE):%d/%m/%Y}"
    told = gettext("Bị %(by)s tạm đình chỉ từ %(day)s", by=decided.by.name, day=since)
    appeal = text_of("appeal")
    found = [f"{told}: {decided.reason}"]
    return [*found, f"{gettext('Khiếu nại')}: {appeal}"] if appeal else found


def _same_places(place: Place) -> list[tuple[str, str]]:
    """(name, path) of what else this place is registered as, where both are public."""
    if not place.public:
        return []
    others = (one for one in same_as(place) if isinstance(one, Place) and one.public)
    return [(one.name, f"/l/{one.code}") for one in others]
