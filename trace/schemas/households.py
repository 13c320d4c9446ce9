"""What the form of a member household asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from trace.errors import TraceError
from trace.schemas.base import FormSchema, Text, WardCode, YesNo, refuse
from trace.schemas.people import Phone

CODE: Final = re.compile(r"[0-9A-Z][0-9A-Z.-]{0,19}")


class HouseholdCodeText(TraceError):
    code = "household-code-text"
    message = "A code has at most 20 of the characters A–Z, 0–9, dot and hyphen, such as H07."


class HouseholdCode(Text):
    """A public code: capitals, digits, dot, hyphen."""

    def __init__(self, **options: Any) -> None:
        super().__init__(40, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        code = super().read(typed, attr, data).upper()
        if not CODE.fullmatch(code):
            refuse(HouseholdCodeText())
        return code


class HouseholdForm(FormSchema):
    """A household: the code is public, name and phone are not."""

    code = HouseholdCode(required=True)
    name = Text(200)
    phone = Phone()
    hamlet = Text(100)
    ward_code = WardCode()
    active = YesNo()
