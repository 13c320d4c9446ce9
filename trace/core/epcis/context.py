"""JSON-LD contexts, as far as events need them: which prefix stands for which namespace.

Contexts on the network are never fetched: the standard's prefixes are known by heart, and every
other prefix must be declared in the document itself (CBV 2.0 hashes and our own checks depend on
it). A declaration in the document stands before the standard's.
"""

from __future__ import annotations

from typing import Final

from trace.core.epcis.errors import TooManyNamespaces
from trace.core.epcis.strict_json import JsonValue
from trace.core.epcis.vocabulary import OWN_PATH, OWN_PREFIX, STANDARD_PREFIXES, own_namespace
from trace.errors import Refused

MOST: Final = 1000  # an honest context has ten; XML's namespaces are 512 at most


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


def check_size(context: JsonValue, path: str) -> int:
    """How many entries and names a context has. Raises Refused beyond MOST: contexts are put
    together and looked through event by event, in time that grows with their product."""
    entries = context if isinstance(context, list) else [context]
    count = len(entries) + sum(len(entry) for entry in entries if isinstance(entry, dict))
    if count > MOST:
        raise Refused([TooManyNamespaces(path=path, limit=MOST)])
    return count


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
