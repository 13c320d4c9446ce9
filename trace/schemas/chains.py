"""What is asked of a chain, and how it is narrowed: all of it in the address."""

from __future__ import annotations

from trace.schemas.base import Choice, Day, FormSchema, Text

DEPTHS = ("1", "2", "3", "5", "8")


class ChainSchema(FormSchema):
    """The search box and the filters of a chain's page."""

    of = Text(300)
    since = Day()
    until = Day()
    step = Text(60)
    problems = Choice(("1",), load_default="")
    depth = Choice(DEPTHS, load_default="")
    branch = Text(60)
    open = Text(2000)
