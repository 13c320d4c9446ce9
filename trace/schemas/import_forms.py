"""Forms of the pages of spreadsheets."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from trace.models.imports import MODES
from trace.schemas.base import Choice, FormSchema, Whole, YesNo
from trace.schemas.import_columns import Kind


class UploadForm(FormSchema):
    """A file; nothing else is asked."""


class ModeForm(FormSchema):
    """All rows or none, or the good ones; `again` where the same file was recorded before."""

    mode = Choice(MODES, required=True)
    again = YesNo()


class NothingForm(FormSchema):
    """A button."""


def columns_form(kind: Kind, width: int) -> FormSchema:
    """Which column (from 1) gives each field; empty for none."""
    made: dict[str, fields.Field[Any]] = {
        column.name: Whole(least=1, most=width) for column in kind.columns
    }
    schema: FormSchema = FormSchema.from_dict(made)()  # type: ignore[assignment]  # of our base
    return schema
