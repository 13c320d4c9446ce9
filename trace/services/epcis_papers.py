"""The events around a lot as one EPCIS 2.0 document, as its reader may have them.

Each event carries its own `@context`, as it was signed; withheld members are absent. Written event
by event, so that a long history takes no more memory than a short one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import orjson

from trace.clock import rfc3339
from trace.core.epcis import event_context
from trace.services.chain_papers import Around, documents
from trace.services.settings import current_settings


def written(found: Around, *, at: datetime) -> Iterator[bytes]:
    """The document in pieces."""
    head = {
        "@context": event_context(current_settings().id_base),
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": rfc3339(at),
    }
    yield orjson.dumps(head)[:-1] + b',"epcisBody":{"eventList":['
    joint = b""
    for told, document in documents(found):
        recorded = {"recordTime": rfc3339(told.recorded)} if told.recorded is not None else {}
        yield joint + orjson.dumps({**document, **recorded})
        joint = b",\n"
    yield b"]}}"
