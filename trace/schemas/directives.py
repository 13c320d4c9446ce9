"""What the forms of directives ask for."""

from __future__ import annotations

from trace.schemas.base import Choice, Day, FormSchema, Several, Text, WardCode
from trace.services.directives import BELOW, UNIT_KINDS

TEXT_LIMIT = 8_000
ANSWER_LIMIT = 8_000


class DirectiveForm(FormSchema):
    """To whom, what, until when."""

    kinds = Several((BELOW, *UNIT_KINDS), required=True)
    ward_code = WardCode(load_default="")
    number = Text(60)
    title = Text(200, required=True)
    text = Text(TEXT_LIMIT, lines=True, required=True)
    due_on = Day(required=True)


class AnswerForm(FormSchema):
    """What a unit answers; files may say it all."""

    text = Text(ANSWER_LIMIT, lines=True)


class JudgementForm(FormSchema):
    """Whether an answer is taken."""

    verdict = Choice(("accepted", "returned"), required=True)
    remark = Text(2_000, lines=True)
