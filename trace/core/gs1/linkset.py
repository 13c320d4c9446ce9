"""Linksets: what an identity links to, in GS1's profile of RFC 9264 (Resolver 1.2, section 2.10).

Rules.
1. A linkset has one member `linkset`; each of its entries an `anchor` (the uncompressed address),
   an `itemDescription`, and link objects by the full address of their type.
2. A link object has href and title, its languages (`hreflang`, BCP 47 as `ll` or `ll-CC`), its
   media type and, where it is for certain places only, `context`. The default link has href and
   title and nothing else; exactly one for each anchor, its target also under a type that describes
   it (section 2.5.8).
3. Types are the ratified ones of the GS1 web vocabulary, version 1.16, and no others.
4. A query of the request is handed on as it came, byte by byte, joined to the target's own by `&`
   and before its fragment (section 2.12).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

VOC: Final = "https://gs1.org/voc/"
# The same vocabulary's other addresses, all of them in use; compared without regard to case.
PREFIXES: Final = (
    *(f"{scheme}gs1.org/voc/" for scheme in ("https://", "https://ref.", "https://www.")),
    *("http://gs1.org/voc/", "http://www.gs1.org/voc/", "gs1:"),
)
DEFAULT: Final = "defaultLink"
LINKSET: Final = "linkset"

LINK_TYPES: Final = frozenset(
    (
        *("activityIdeas", "allergenInfo", "appDownload", "backgroundInfo"),
        *("brandHomepageClinical", "brandHomepagePatient", "careersInfo", "certificationInfo"),
        *("consumerHandlingStorageInfo", "defaultLink", "defaultLinkMulti", "dpp", "eifu", "epcis"),
        *("epil", "eventsInfo", "faqs", "handledBy", "hasRetailers", "homepage"),
        *("ingredientsInfo", "instructions", "jws", "leaveReview", "locationInfo"),
        *("logisticsInfo", "loyaltyProgram", "masterData", "menuInfo", "nutritionalInfo"),
        *("openingHoursInfo", "paymentLink", "pip", "productSustainabilityInfo", "promotion"),
        *("purchaseSuppliesOrAccessories", "quickStartGuide", "recallStatus", "recipeInfo"),
        *("registerProduct", "registryEntry", "relatedImage", "relatedVideo", "reportFound"),
        *("review", "safetyInfo", "scheduleTime", "serviceInfo", "smartLabel", "smpc"),
        *("socialMedia", "statisticInfo", "subscribe", "support", "sustainabilityInfo"),
        *("traceability", "tutorial", "userAgreement", "verificationService", "whatsInTheBox"),
    )
)
# What only the record itself may say: where the history, its proof and the word of a recall stand.
# A link of somebody else's under one of these could call a recalled lot sound.
OURS: Final = frozenset(
    (
        *("defaultLink", "defaultLinkMulti", "dpp", "epcis", "handledBy", "jws", "locationInfo"),
        *("masterData", "recallStatus", "registryEntry", "reportFound", "traceability"),
        "verificationService",
    )
)
# What has no meaning for food, or asks a shopper to pay or to hand over data before they have the
# goods: not offered.
NOT_OFFERED: Final = frozenset(
    (
        *("brandHomepageClinical", "brandHomepagePatient", "eifu", "epil", "smpc"),
        *("careersInfo", "paymentLink", "registerProduct", "scheduleTime", "userAgreement"),
    )
)
OFFERED: Final = LINK_TYPES - OURS - NOT_OFFERED

# RFC 9264, section 4.2 and appendix A, in JSON-LD 1.1: an anchor is a node, its types properties,
# a link object what the property leads to.
JSON_LD: Final[Mapping[str, Any]] = {
    "@version": 1.1,
    "gs1": VOC,
    "dcterms": "http://purl.org/dc/terms/",
    "linkset": "@graph",
    "anchor": "@id",
    "href": "@id",
    "itemDescription": {"@id": "dcterms:description"},
    "title": {"@id": "dcterms:title"},
    "hreflang": {"@id": "dcterms:language", "@container": "@set"},
    "type": {"@id": "dcterms:format"},
    "context": {"@id": "dcterms:coverage", "@container": "@set"},
}


@dataclass(frozen=True, slots=True)
class Target:
    """A link object. `languages` are BCP 47 (`vi`, `en`, `en-GB`), `context` codes of the
    countries or circles it is for, none meaning everywhere."""

    href: str
    title: str
    languages: tuple[str, ...] = ()
    media_type: str = ""
    context: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The link object (rule 2)."""
        found: dict[str, Any] = {"href": self.href, "title": self.title}
        if self.languages:
            found["hreflang"] = list(self.languages)
        if self.media_type:
            found["type"] = self.media_type
        if self.context:
            found["context"] = list(self.context)
        return found


@dataclass(frozen=True, slots=True)
class Member:
    """What one anchor links to: link objects by bare type (`pip`)."""

    anchor: str
    description: str
    links: Mapping[str, Sequence[Target]]

    def to_json(self) -> dict[str, Any]:
        """The entry of a linkset (rule 1)."""
        found: dict[str, Any] = {"anchor": self.anchor, "itemDescription": self.description}
        for link_type, targets in self.links.items():
            found[VOC + link_type] = [target.to_json() for target in targets]
        return found


def linkset_of(members: Iterable[Member]) -> dict[str, Any]:
    """The document `application/linkset+json`; valid against GS1's schema."""
    return {"linkset": [member.to_json() for member in members]}


def json_ld_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """The same as JSON-LD that needs nothing fetched: its context goes with it."""
    return {"@context": dict(JSON_LD), **document}


def bare_type(text: str) -> str | None:
    """`pip` for gs1:pip and for every full address of it, `linkset` for itself; None for what is
    no name of a link type."""
    lowered = text.lower()
    for prefix in PREFIXES:
        if lowered.startswith(prefix) and len(text) > len(prefix):
            return text[len(prefix) :]
    return LINKSET if lowered == LINKSET else None


def forwarded(href: str, query: str) -> str:
    """A target with the request's query handed on (rule 4)."""
    if not query:
        return href
    bare, mark, fragment = href.partition("#")
    joint = "&" if "?" in bare else "?"
    if bare.endswith(("?", "&")):
        joint = ""
    return f"{bare}{joint}{query}{mark}{fragment}"
