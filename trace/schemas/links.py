"""What the form of a link asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from trace.core.gs1.iso import COUNTRIES_ALPHA2
from trace.core.gs1.linkset import OFFERED
from trace.errors import TraceError
from trace.schemas.base import Choice, FormSchema, Several, Text, Whole, _Box, refuse
from trace.services.links import LANGUAGES, MEDIA_TYPES

COUNTRIES: Final = 10
ROWS: Final = 2**53  # beyond any row's number, and read by every database


class NotACountry(TraceError):
    code = "not-a-country"
    message = "“%(value)s” is not the two-letter code of a country, such as VN."


class Countries(_Box):
    """Two-letter codes of countries (ISO 3166-1), with spaces or commas between them."""

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        codes = list(dict.fromkeys(re.split(r"[\s,;]+", typed.upper().strip(" ,;"))))
        for one in codes:
            if one not in COUNTRIES_ALPHA2:
                refuse(NotACountry(value=one[:20]))
        return " ".join(codes[:COUNTRIES])


class Tags(Several):
    """Some of the offered codes, as one text with spaces between them."""

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> str:
        return " ".join(super().deserialize(value, attr, data, **kwargs))


class LinkForm(FormSchema):
    """What a link says."""

    link_type = Choice(OFFERED, required=True)
    href = Text(1000, required=True)
    title = Text(150, required=True)
    languages = Tags(LANGUAGES, required=True)
    media_type = Choice(MEDIA_TYPES, load_default="text/html")
    context = Countries(load_default="")


class NewLinkForm(LinkForm):
    """And where it hangs: at a lot, or without one at the product."""

    lot = Whole(least=1, most=ROWS)
