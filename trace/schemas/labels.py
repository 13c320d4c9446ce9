"""The form of a sheet of labels."""

from __future__ import annotations

from trace.core.labels import LAYOUTS
from trace.schemas.base import Choice, FormSchema, Text, Whole
from trace.services.labels import LABEL_LIMIT


class SheetSchema(FormSchema):
    """Which stock, how many, how many places of the first sheet are used already."""

    layout = Choice(tuple(LAYOUTS), required=True)
    count = Whole(least=1, most=LABEL_LIMIT, required=True)
    skip = Whole(least=0, most=100, load_default=0)
    weight = Text(30)
