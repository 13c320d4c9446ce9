"""What an identity links to, as a linkset (RFC 9264) in GS1's profile (Resolver 1.2, section 2.5).

Every entity has exactly one default link (href and title, nothing else) and lists the same target
under a type that describes it. Links stand at the level they belong to; a request's linkset is the
union of its levels (section 2.5.9). Only ratified link types are used (web vocabulary 1.16).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from trace.core.gs1 import Identity, local_uri
from trace.core.signing import JsonObject
from trace.services.addresses import Entry
from trace.services.languages import languages

VOC: Final = "https://gs1.org/voc/"
# The same vocabulary at GS1's other address (both are in use).
VOC_PREFIXES: Final = (VOC, "https://ref.gs1.org/voc/", "gs1:")
DEFAULT: Final = "defaultLink"
LINKSET: Final = "linkset"

TITLES: Final = {
    "thing": "Hồ sơ truy xuất",
    "product": "Thông tin sản phẩm",
    "place": "Thông tin nơi chốn",
    "organisation": "Thông tin tổ chức",
    "note": "Phiếu giao hàng",
}
# What each kind of entity has, beside its default link: the page under its describing type.
TYPES: Final = {
    "thing": ("traceability",),
    "product": ("pip",),
    "place": ("locationInfo",),
    "organisation": ("locationInfo",),
    "note": ("pip",),
}


def bare_type(text: str) -> str | None:
    """`pip` for gs1:pip and both full addresses; None for what is no GS1 link type."""
    for prefix in VOC_PREFIXES:
        if text.lower().startswith(prefix) and len(text) > len(prefix):
            return text[len(prefix) :]
    return text if text == LINKSET else None


def links_of(entry: Entry, public_url: str) -> dict[str, list[JsonObject]]:
    """The links of one entity by bare link type; the default first."""
    href = public_url + "/t" + entry.identity.path
    title = entry.name or TITLES[entry.what]
    page: JsonObject = {
        "href": href,
        "title": title,
        "hreflang": list(languages()),
        "type": "text/html",
    }
    found: dict[str, list[JsonObject]] = {DEFAULT: [{"href": href, "title": title}]}
    for link_type in TYPES[entry.what]:
        found[link_type] = [page]
    if entry.what == "thing":
        data = {
            "href": href + "?format=json",
            "title": TITLES["thing"],
            "hreflang": ["vi"],
            "type": "application/json",
        }
        proof = {
            "href": href + "?view=proof",
            "title": "Bằng chứng",
            "hreflang": list(languages()),
            "type": "text/html",
        }
        recall = {**page, "title": "Thông báo thu hồi, nếu có"}
        found["traceability"] = [page, data]
        found["recallStatus"] = [recall]
        found["verificationService"] = [proof]
    return found


def linkset(entries: Sequence[Entry], *, id_base: str, public_url: str) -> JsonObject:
    """The whole linkset of a request; valid against GS1's schema."""
    members: list[JsonObject] = []
    for entry in entries:
        member: JsonObject = {
            "anchor": local_uri(entry.identity, id_base),
            "itemDescription": entry.name or described(entry.identity),
        }
        for link_type, links in links_of(entry, public_url).items():
            member[VOC + link_type] = links
        members.append(member)
    return {"linkset": members}


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
