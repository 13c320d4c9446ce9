"""What the form of an audit asks."""

from __future__ import annotations

from trace.schemas.base import FormSchema, Text, YesNo


class AuditSchema(FormSchema):
    """One code, and whether what came of it is looked at as well."""

    of = Text(300, required=True)
    descendants = YesNo()
    case = Text(60)
