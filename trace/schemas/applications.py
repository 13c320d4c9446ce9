"""What the forms of registering and of a file ask for."""

from __future__ import annotations

from trace.models.applications import PAPER_KINDS
from trace.models.organisations import KINDS
from trace.models.places import KINDS as PLACE_KINDS
from trace.schemas.base import Choice, FormSchema, Text, WardCode, YesNo
from trace.schemas.people import LoginBox, Password
from trace.services.applications import DECISIONS

WORDS_LIMIT = 2000


class ContactForm(FormSchema):
    """The phone number or e-mail address that a code goes to."""

    login = LoginBox(required=True)


class CodeForm(FormSchema):
    """The six digits."""

    code = Text(20, required=True)


class RegistrationForm(FormSchema):
    """A person, the organisation they register, its first place."""

    organisation = Text(200, required=True)
    kind = Choice([kind for kind in KINDS if kind not in ("authority", "platform")], required=True)
    ward_code = WardCode(required=True)
    place = Text(200)
    place_kind = Choice(PLACE_KINDS)
    name = Text(200, required=True)
    password = Password(new=True)
    paper_kind = Choice(PAPER_KINDS)
    claim = YesNo()


class NewPasswordForm(FormSchema):
    """A new password, by whoever may set one."""

    password = Password(new=True)


class PapersForm(FormSchema):
    """Photos of papers of one kind."""

    paper_kind = Choice(PAPER_KINDS, required=True)


class AnswerForm(FormSchema):
    """What the applicant answers."""

    text = Text(WORDS_LIMIT, lines=True, required=True)


class DecisionForm(FormSchema):
    """What the desk decides, and its words to the applicant."""

    decision = Choice(DECISIONS, required=True)
    text = Text(WORDS_LIMIT, lines=True)
