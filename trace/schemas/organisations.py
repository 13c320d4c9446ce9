"""What the form of an organisation asks for."""

from __future__ import annotations

from trace.models.organisations import KINDS
from trace.schemas.base import Choice, FormSchema, Text, WardCode, YesNo
from trace.schemas.people import Phone


class OrganisationForm(FormSchema):
    """What an organisation says about itself."""

    name = Text(200, required=True)
    name_en = Text(200)
    kind = Choice(KINDS, required=True)
    ward_code = WardCode(required=True)
    address = Text(300)
    phone = Phone()
    phone_public = YesNo()
    confirm_anew = YesNo()  # name, kind or ward of a confirmed organisation change
