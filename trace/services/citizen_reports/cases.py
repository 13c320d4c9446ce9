"""The inspection, finding or recall that came of a report: named by its code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import or_, select

from trace.core.gs1 import check_code, format_code
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.models import Finding, Inspection, Recall
from trace.services.actors import Actor

MODELS: Final[Mapping[str, Any]] = {
    "inspection": Inspection,
    "finding": Finding,
    "recall": Recall,
}


class UnknownCase(NotFound):
    code = "unknown-case"
    status = 400
    message = "Your office has no inspection, finding or recall with the code “%(text)s”."


def find_case(actor: Actor, typed: str) -> str:
    """What the desk's own note names, such as `finding:7K3QMP2XV4`. Raises UnknownCase."""
    try:
        code = check_code("".join(c for c in typed if c.isalnum()))
    except TraceError:
        raise UnknownCase(path="case", text=typed[:40]) from None
    mine = actor.organisation.id
    for kind, model in MODELS.items():
        own = (
            or_(model.organisation_id == mine, model.proposer_id == mine)
            if kind == "recall"
            else model.authority_id == mine
        )
        if db.session.scalar(select(model.id).where(model.code == code, own)) is not None:
            return f"{kind}:{code}"
    raise UnknownCase(path="case", text=format_code(code))
