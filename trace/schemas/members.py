"""What the forms of members and invitations ask for."""

from __future__ import annotations

from trace.models.people import ROLES
from trace.schemas.base import Choice, FormSchema, Text, YesNo
from trace.schemas.people import LoginBox, Password


class InvitationForm(FormSchema):
    """Whom an invitation is for, and the role it gives."""

    name = Text(200, required=True)
    role = Choice(ROLES, required=True)


class RoleForm(FormSchema):
    """A member's role."""

    role = Choice(ROLES, required=True)
    keep_tokens = YesNo()


class RemovalForm(FormSchema):
    """What stays of a member who is taken out."""

    keep_tokens = YesNo()


class JoinForm(FormSchema):
    """Somebody without an account, who joins by a link."""

    name = Text(200, required=True)
    login = LoginBox(required=True)
    password = Password(new=True)


class PasskeyForm(FormSchema):
    """What a person calls a passkey: which device it is on."""

    name = Text(60, required=True)
