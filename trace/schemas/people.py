"""What forms of people ask for: signing in, registering, changing an account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import missing

from trace.errors import TraceError
from trace.schemas.base import Choice, FormSchema, Text, refuse
from trace.services.languages import languages
from trace.services.people import check_password_rules, parse_login, parse_phone
from trace.services.refusals import FieldMissing


class LoginBox(Text):
    """A phone number or an e-mail address, as trace.services.people.Login."""

    def __init__(self, **options: Any) -> None:
        super().__init__(254, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> Any:
        try:
            return parse_login(super().read(typed, attr, data))
        except TraceError as error:
            refuse(error)


class Phone(Text):
    """A phone number as E.164; empty reads ""."""

    def __init__(self, **options: Any) -> None:
        super().__init__(40, **options)

    def read(self, typed: str, attr: str, data: Mapping[str, Any]) -> str:
        try:
            return parse_phone(super().read(typed, attr, data))
        except TraceError as error:
            refuse(error)


class Password(Text):
    """Kept exactly as typed: spaces are part of a password. `new` checks the rules."""

    def __init__(self, *, new: bool = False, **options: Any) -> None:
        self.new = new
        super().__init__(1000, required=True, **options)

    def deserialize(
        self, value: Any, attr: str | None = None, data: Any = None, **kwargs: Any
    ) -> str:
        if value is missing or not value:
            refuse(FieldMissing())
        password = str(value[0] if isinstance(value, list) else value)
        if self.new:
            try:
                check_password_rules(password)
            except TraceError as error:
                refuse(error)
        return password


class AccountForm(FormSchema):
    """A person's own account."""

    name = Text(200, required=True)
    locale = Choice(languages(), required=True)


class PasswordForm(FormSchema):
    """A change of password."""

    present = Password()
    password = Password(new=True)
