"""What people send when they ask about their data, and what the desk answers."""

from __future__ import annotations

from trace.models.requests import CLOSED, REASONS, SUBJECT_KINDS
from trace.schemas.base import Choice, FormSchema, Text, YesNo

WORDS_LIMIT = 2000


class SubjectForm(FormSchema):
    """A person's request about their own data. A contact is needed: by it we tell that the data
    is theirs."""

    kind = Choice(SUBJECT_KINDS, required=True)
    words = Text(WORDS_LIMIT, lines=True, required=True)
    about = Text(300)
    name = Text(100)
    contact = Text(200, required=True)


class ReportForm(FormSchema):
    """A report of an abusive photo or text. Nobody need say who they are."""

    about = Text(300, required=True)
    item = Text(100)
    reason = Choice(REASONS, required=True)
    words = Text(WORDS_LIMIT, lines=True)
    contact = Text(200)


class CodeForm(FormSchema):
    """The code of a request."""

    code = Text(40, required=True)


class AnswerForm(FormSchema):
    """The first answer, and whether a processor must act too."""

    text = Text(WORDS_LIMIT, lines=True, required=True)
    processor = YesNo()


class ReasonForm(FormSchema):
    """Why more time is needed."""

    text = Text(WORDS_LIMIT, lines=True, required=True)


class ClosingForm(FormSchema):
    """How a request ended."""

    outcome = Choice(CLOSED, required=True)
    text = Text(WORDS_LIMIT, lines=True, required=True)


class AssignForm(FormSchema):
    """Whose data it is; nobody's when empty."""

    organisation = Text(20)


class TakedownForm(FormSchema):
    """What is taken down, and why."""

    item = Text(250, required=True)
    reason = Choice(REASONS, required=True)
