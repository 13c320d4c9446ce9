"""What the forms of a certificate ask for: the holder's, and the issuer's answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, fields, missing, validates_schema

from trace.schemas.base import Choice, Day, FormSchema, NotAChoice, Number, Text, Whole
from trace.services.refusals import FieldMissing


class Ticked(fields.Field[Any]):
    """Numbers of rows that were ticked; none means all. Whose they are is the service's to say."""

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> Any:
        given = [] if value is missing or value is None else value
        chosen = [given] if isinstance(given, str) else list(given)
        if not all(one.isdecimal() and len(one) < 16 for one in chosen):
            raise ValidationError([NotAChoice()])
        return frozenset(int(one) for one in chosen)


class CertificateForm(FormSchema):
    """A certificate; without a product it covers all, without a place or a household all of them.
    Its issuer is one of the certifiers here, or just a name."""

    standard = Text(60, required=True)
    number = Text(60)
    issuer_id = Whole(least=1)
    issuer_name = Text(200)
    valid_from = Day(required=True)
    valid_until = Day(required=True)
    yearly_yield = Number(least=0, most=1_000_000_000)
    products = Ticked()
    places = Ticked()
    members = Ticked()

    @validates_schema
    def issued(self, data: Mapping[str, Any], **_: Any) -> None:
        """Somebody issued it."""
        if not data.get("issuer_id") and not data.get("issuer_name"):
            raise ValidationError({"issuer_name": [FieldMissing()]})


DECISIONS = ("confirmed", "rejected", "suspended", "resumed", "withdrawn")


class DecisionForm(FormSchema):
    """The issuer's answer: what, from which day, why."""

    decision = Choice(DECISIONS, required=True)
    day = Day()
    until = Day()
    reason = Text(300)

    @validates_schema
    def complete(self, data: Mapping[str, Any], **_: Any) -> None:
        """What takes a certificate's force away says from when and why."""
        decision = data.get("decision")
        wrong: dict[str, list[FieldMissing]] = {}
        if decision in ("suspended", "resumed", "withdrawn") and not data.get("day"):
            wrong["day"] = [FieldMissing()]
        if decision in ("rejected", "suspended", "withdrawn") and not data.get("reason"):
            wrong["reason"] = [FieldMissing()]
        if wrong:
            raise ValidationError(wrong)
