"""Names under the frozen identity base: organisations' DIDs (did:web) and the log's origin."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from trace.services.settings import current_settings


@lru_cache(maxsize=4096)
def organisation_did(code: str, id_base: str) -> str:
    """`did:web:trace.example:o:7K3QMP2XV4`; a port's colon is %3A, a path stem becomes segments."""
    parts = urlsplit(id_base)
    stem = parts.path.strip("/").replace("/", ":")
    host = parts.netloc.replace(":", "%3A")
    return ":".join(filter(None, ("did:web", host, stem, "o", code)))


def issuer_of(code: str) -> str:
    """The DID of the organisation with this code, here."""
    return organisation_did(code, current_settings().id_base)
