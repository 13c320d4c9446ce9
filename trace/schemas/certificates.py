"""What the form of a certificate asks for."""

from __future__ import annotations

from trace.schemas.base import Day, FormSchema, Text, Whole


class CertificateForm(FormSchema):
    """A certificate; without a product it covers all, without a place it covers all."""

    standard = Text(60, required=True)
    number = Text(60)
    issuer_name = Text(200, required=True)
    valid_from = Day(required=True)
    valid_until = Day(required=True)
    product_id = Whole(least=1)
    place_id = Whole(least=1)
