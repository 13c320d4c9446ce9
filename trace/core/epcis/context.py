"""JSON-LD contexts, as far as events need them: which prefix stands for which namespace.

Contexts on the network are never fetched: the standard's prefixes are known by heart, and every
other prefix must be declared in the document itself (CBV 2.0 hashes and our own checks depend on
it). A declaration in the document stands before the standard's.
"""

from __future__ import annotations

from trace.core.epcis.strict_json import JsonValue
from trace.core.epcis.vocabulary import OWN_PATH, OWN_PREFIX, STANDARD_PREFIXES, own_namespace


def declared(context: JsonValue) -> dict[str, str]:
    """Prefix -> namespace, as the document itself declares them."""
    found: dict[str, str] = {}
    for entry in context if isinstance(context, list) else (context,):
        if isinstance(entry, dict):
            for name, target in entry.items():
                address = target.get("@id") if isinstance(target, dict) else target
                if isinstance(address, str) and name[:1] != "@":
                    found[name] = address
    return found


def prefixes(context: JsonValue) -> dict[str, str]:
    """Prefix -> namespace, the standard's included."""
    return {**STANDARD_PREFIXES, **declared(context)}


def merged(outer: JsonValue, inner: JsonValue) -> JsonValue:
    """The context of an event inside a document: the document's, then its own."""
    if inner is None:
        return outer
    if outer is None:
        return inner
    entries = list(outer) if isinstance(outer, list) else [outer]
    for entry in inner if isinstance(inner, list) else [inner]:
        if entry not in entries:
            entries.append(entry)
    return entries


def undeclared_prefix(name: str, known: dict[str, str]) -> str | None:
    """The prefix of a member name that nothing declares; None for declared ones, addresses, and
    names such as "08:00" whose colon follows no prefix."""
    prefix, colon, rest = name.partition(":")
    if not colon or prefix in known or prefix == "urn" or rest.startswith("//"):
        return None
    return prefix if prefix[:1].isalpha() or prefix[:1] == "_" else None


def has_own_words(known: dict[str, str], id_base: str | None) -> bool:
    """Whether `trace:` stands for our vocabulary here (of `id_base`, or of any when None)."""
    namespace = known.get(OWN_PREFIX, "")
    if id_base is not None:
        return namespace == own_namespace(id_base)
    return namespace.startswith("https://") and namespace.endswith(OWN_PATH)
