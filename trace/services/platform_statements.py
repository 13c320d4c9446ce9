"""What the platform says of organisations, in the log (formats, section 5): confirmed, suspended,
accredited, that a company prefix is theirs, that two records are one."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from trace.clock import rfc3339
from trace.core.gs1 import Identity, local_uri
from trace.models import Organisation
from trace.services.actors import Actor
from trace.services.capture import capture
from trace.services.platform import platform_organisation
from trace.services.settings import current_settings
from trace.services.vocabulary import context


def organisation_identity(organisation: Organisation) -> Identity:
    """What events about an organisation name."""
    return Identity("o", organisation.code)


def say(
    about: Sequence[Identity],
    standing: dict[str, Any],
    *,
    by: Organisation,
    conforms: bool,
    at: datetime,
) -> str:
    """Records a statement of the platform and returns its urn:uuid; the caller commits. `standing`
    says what was decided (`trace:standing`), `by` which office decided it."""
    base = current_settings().id_base
    said: dict[str, Any] = {
        "@context": context(base),
        "type": "ObjectEvent",
        "action": "OBSERVE",
        "eventID": f"urn:uuid:{uuid.uuid4()}",
        "eventTime": rfc3339(at),
        "eventTimeZoneOffset": "+07:00",
        # CBV 2.0: an inspection of documents, and how it ended.
        "bizStep": "inspecting",
        "disposition": "conformant" if conforms else "non_conformant",
        "epcList": [local_uri(one, base) for one in about],
        "trace:performedBy": local_uri(organisation_identity(by), base),
        "trace:standing": {name: value for name, value in standing.items() if value != ""},
    }
    platform = Actor(platform_organisation(), None, "admin")
    return capture(platform, [said], at=at, private=()).events[0].statement_id
