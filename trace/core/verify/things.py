"""The things that events name, as a bundle's chains name them."""

from __future__ import annotations

from dataclasses import dataclass

from trace.core.gs1 import Gs1Error, canonical_uri, parse_identity
from trace.core.remembering import remembered
from trace.core.signing import JsonObject
from trace.core.statements import chain_identity, thing_uris


@dataclass(frozen=True, slots=True)
class Named:
    """A thing that an event names: its role, its identity text, and whether that has a chain."""

    role: str
    identity: str
    linked: bool


def things_of(event: JsonObject, id_base: str) -> list[Named]:
    """The things an event names, each as the lot, cycle or logistic unit it is linked under.

    What has no chain (a GTIN unit without its lot, a product, a foreign URI) stands for itself.
    """
    return [named_thing(role, uri, id_base) for role, uri in thing_uris(event)]


@remembered(4096)  # a bundle names the same few things over and over
def named_thing(role: str, uri: str, id_base: str) -> Named:
    try:
        identity = parse_identity(uri, id_base)
    except Gs1Error:
        return Named(role, uri, linked=False)
    if identity is None:
        return Named(role, uri, linked=False)
    chain = chain_identity(identity)
    return Named(role, canonical_uri(chain or identity, id_base), linked=chain is not None)
