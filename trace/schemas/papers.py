"""Forms of the pages of papers."""

from __future__ import annotations

from trace.schemas.base import Choice, FormSchema

ACTS = ("fsma-xlsx", "fsma-csv", "credential-passport", "credential-events", "portal")


class PaperForm(FormSchema):
    """Which paper is asked for: the button that was pressed."""

    act = Choice(ACTS, required=True)


class SheetForm(FormSchema):
    """Which form of the spreadsheet an authority asks for."""

    act = Choice(("fsma-xlsx", "fsma-csv"), required=True)
