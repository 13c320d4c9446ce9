"""What an identity links to, and what of that a request gets (Resolver 1.2, sections 2.5 and 2.6).

Every entity has exactly one default link (href and title, nothing else) and lists the same target
under a type that describes it. Links stand at the level they belong to; a request's linkset is the
union of its levels (section 2.5.9). The default always leads to our own page: organisations add
links beside it (`services.links`), never in its place.

While a recall or a hold stands on what was asked for, nothing leads anywhere but to the page that
says so: added links are not given out, a wish for one of them is answered with the page, and the
titles say what stands. A notice is read at each request; nothing here is remembered.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select, union_all

from trace.core.gs1 import Identity, canonical_uri, local_uri
from trace.core.gs1.linkset import DEFAULT, Member, Target
from trace.extensions import db
from trace.models import Alert, Thing
from trace.services import links
from trace.services.addresses import Entry
from trace.services.languages import SOURCE, languages, local_name
from trace.services.sets import among
from trace.services.settings import current_settings

TITLES: Final = {
    "thing": "Hồ sơ truy xuất",
    "product": "Thông tin sản phẩm",
    "place": "Thông tin nơi chốn",
    "organisation": "Thông tin tổ chức",
    "note": "Phiếu giao hàng",
}
# What each kind of entity has, beside its default link: the page under its describing type.
TYPES: Final = {
    "thing": "traceability",
    "product": "pip",
    "place": "locationInfo",
    "organisation": "locationInfo",
    "note": "pip",
}
# Goods with a GTIN have a passport; the record of others is not called one (services.dpp).
GTIN: Final = "01"
PASSPORT: Final = "Hộ chiếu số của sản phẩm"
# The worst first: what its titles say.
STANDING: Final = {"recall": "Đang bị thu hồi", "hold": "Đang bị tạm giữ", "advice": "Có cảnh báo"}
# Notices under which nobody is led elsewhere.
CLOSING: Final = frozenset({"recall", "hold"})

Links = dict[str, list[Target]]


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a request's levels: entries, links added to them (by the level's canonical
    text), the worst notice that stands on each, and the types of what is not given out for it."""

    entries: Sequence[Entry]
    added: Mapping[str, Sequence[tuple[str, Target]]] = field(default_factory=dict)
    standing: Mapping[Identity, str] = field(default_factory=dict)
    withheld: frozenset[str] = frozenset()


def find_links(entries: Sequence[Entry], *, at: datetime) -> Found:
    """Notices and added links of these entries; two queries at most."""
    standing = _standing([one for one in entries if one.what == "thing"])
    # A package is known by its row and by its stamp: one anchor (section 2.5.8).
    known: dict[Identity, Entry] = {}
    for one in entries:
        known.setdefault(one.identity, one)
    entries = list(known.values())
    levels = [_text(one.identity) for one in entries if one.what in ("thing", "product")]
    added = links.given_out(levels, at=at)
    if CLOSING.isdisjoint(standing.values()):
        return Found(entries, added, standing)
    types = frozenset(link_type for given in added.values() for link_type, _ in given)
    return Found(entries, {}, standing, types)


def _text(identity: Identity) -> str:
    return canonical_uri(identity, current_settings().id_base)


def _standing(things: Sequence[Entry]) -> dict[Identity, str]:
    """The worst kind of notice on each thing; on a package also that of its lot."""
    rows_of = {one.row_id for one in things if one.row_id}
    if not rows_of:
        return {}
    # Two index look-ups: a join on either of two columns would read all alerts.
    either = [
        select(Thing.id, Alert.kind)
        .join(Alert, Alert.thing_id == column)
        .where(among(Thing.id, rows_of), Alert.lifted_by.is_(None))
        for column in (Thing.id, Thing.lot_id)
    ]
    rows: Iterable[Any] = db.session.execute(union_all(*either))
    order = list(STANDING)
    listed = sorted(rows, key=lambda row: order.index(row[1]), reverse=True)
    worst: dict[int, str] = dict(listed)
    found: dict[Identity, str] = {}
    for one in things:
        kind = worst.get(one.row_id)
        if kind and order.index(kind) <= order.index(found.get(one.identity, order[-1])):
            found[one.identity] = kind
    return found


def links_of(entry: Entry, found: Found, language: str = SOURCE) -> Links:
    """The links of one entity by bare link type; the default first. Names are in the language asked
    for where there are any; what is no name is a msgid of ours (web.link_words puts it into words).
    """
    href = current_settings().public_url + "/t" + entry.identity.path
    said = STANDING.get(found.standing.get(entry.identity, "")) if entry.what == "thing" else None
    name = local_name(entry.name, entry.name_en, language)
    title = ": ".join(filter(None, (said, name or TITLES[entry.what])))
    page = Target(href, title, languages(), "text/html")
    given: Links = {DEFAULT: [Target(href, title)], TYPES[entry.what]: [page]}
    if entry.what == "thing":
        data = Target(f"{href}?format=json", TITLES["thing"], languages(), "application/json")
        proof = Target(f"{href}?view=proof", "Bằng chứng", languages(), "text/html")
        status = Target(href, said or "Thông báo thu hồi, nếu có", languages(), "text/html")
        given["traceability"] = [page, data]
        given["recallStatus"] = [status]
        given["verificationService"] = [proof]
        if entry.identity.key == GTIN:
            given["dpp"] = [
                Target(f"{href}?view=passport", PASSPORT, languages(), "text/html"),
                Target(f"{href}?format=passport", PASSPORT, languages(), "application/json"),
            ]
    for link_type, target in found.added.get(_text(entry.identity), ()):
        given.setdefault(link_type, []).append(target)
    return given


def members(found: Found, language: str = SOURCE) -> list[Member]:
    """The entries of the request's linkset, the most specific first."""
    return [_member(entry, links_of(entry, found, language), language) for entry in found.entries]


def of_type(found: Found, link_type: str, language: str = SOURCE) -> Member | None:
    """The links of a type at the most specific level that has any, and only those; None where no
    level has."""
    for entry in found.entries:
        targets = links_of(entry, found, language).get(link_type)
        if targets:
            return _member(entry, {link_type: targets}, language)
    return None


def _member(entry: Entry, given: Links, language: str) -> Member:
    anchor = local_uri(entry.identity, current_settings().id_base)
    name = local_name(entry.name, entry.name_en, language)
    return Member(anchor, name or described(entry.identity), given)


def described(identity: Identity) -> str:
    """A description of an entity that has no name: what it is, and its code."""
    kinds: dict[Any, str] = {
        "lot": "Lô hàng",
        "unit": "Gói hàng",
        "cycle": "Vụ sản xuất",
        "logistic": "Kiện hàng",
        "note": "Phiếu giao hàng",
    }
    last = identity.qualifiers[-1][1] if identity.qualifiers else identity.value
    return f"{kinds.get(identity.kind, 'Mã')} {last}"
