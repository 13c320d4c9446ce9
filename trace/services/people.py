"""People: who may sign in, by phone number or e-mail address and a password.

Nothing here tells a stranger whether an account exists: a wrong password and an unknown name get
the same answer after the same work.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Final, Literal

import phonenumbers
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from sqlalchemy import select

from trace.core.folding import fold
from trace.errors import TraceError
from trace.extensions import db
from trace.models import Person, Session
from trace.services.audit import apply, write_audit
from trace.services.sessions import end_other_sessions

REGION: Final = "VN"
PASSWORD_LEAST: Final = 8
PASSWORD_MOST: Final = 200
EMAIL: Final = re.compile(r"[^@\s<>()\",;:\\\[\]]{1,64}@(?:[a-z0-9-]{1,63}\.)+[a-z0-9-]{2,63}")
# RFC 9106 parameters of OWASP's minimum: 19 MiB, two passes. A cheap server answers in time, and a
# flood of sign-ins does not fill its memory.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# The passwords tried first by anybody who tries here: those that nobody elsewhere has. What people
# everywhere choose is read from a table (`_common`); all else is the person's own business.
_GUESSED = """
12345678 123456789 1234567890 87654321 11111111 00000000 88888888 66666666 99999999 password
matkhau1 matkhau123 password1 qwertyui qwerty123 iloveyou anhyeuem emyeuanh abcd1234 abc12345
1q2w3e4r a1234567 vietnam1 nongsan1
"""
GUESSED_FIRST: Final = frozenset(_GUESSED.split())
# What stands on every page of ours and in front of everybody's door: one or two of these, with
# figures and signs around them, are a guess and no password.
_WORDS = """
trace truyxuat nguongoc truyxuatnguongoc nongsan nongsansach rau rausach rauqua thucpham vietgap
globalgap htx hoptacxa nongdan nongtrai trangtrai vuon vuonrau ruong matkhau password vietnam hanoi
thanhpho thanhtra kiemtra chicuc sonongnghiep admin quantri giamdoc chuvuon maqr qrcode demo welcome
xinchao
"""
_CONTEXT: Final = frozenset(_WORDS.split())


class BadLogin(TraceError):
    code = "bad-login"
    message = "Enter a phone number such as 0912 345 678, or an e-mail address."


class BadPhone(TraceError):
    code = "bad-phone"
    message = "“%(value)s” is not a phone number that exists. Example: 0912 345 678."


class WrongSignIn(TraceError):
    code = "wrong-sign-in"
    message = "The phone number, the e-mail address or the password is not right."
    next_step = "Try again, or ask the owner of your organisation."


class WrongPassword(TraceError):
    code = "wrong-password"
    message = "The present password is not right."


class PasswordTooShort(TraceError):
    code = "password-too-short"
    message = "A password needs at least %(least)d characters."


class PasswordTooLong(TraceError):
    code = "password-too-long"
    message = "A password has at most %(most)d characters."


class PasswordTooCommon(TraceError):
    code = "password-too-common"
    message = "This password is among the first anyone would try. Choose another."


class LoginTaken(TraceError):
    code = "login-taken"
    status = 409
    message = "This phone number or e-mail address already has an account. Sign in instead."


@dataclass(frozen=True, slots=True)
class Login:
    """What someone signs in with: an E.164 number or a lower-case address."""

    kind: Literal["phone", "email"]
    value: str


_LETTER_AFTER_DIGIT: Final = re.compile(r"\D*\d.*[^\W\d_]", re.DOTALL)


def parse_phone(text: str) -> str:
    """A number as E.164 (+84912345678), from 09…, 84…, 0084… or +84…, with any spacing.
    Raises BadPhone."""
    typed = text.strip()
    if _LETTER_AFTER_DIGIT.match(typed):  # a code of ours; the library reads letters as keys
        raise BadPhone(value=typed[:40])
    try:
        parsed = phonenumbers.parse(typed, REGION)
        if not phonenumbers.is_valid_number(parsed) and re.fullmatch(r"84[\d .-]+", typed):
            parsed = phonenumbers.parse(f"+{typed}", REGION)
    except phonenumbers.NumberParseException:
        raise BadPhone(value=typed[:40]) from None
    if not phonenumbers.is_valid_number(parsed):
        raise BadPhone(value=typed[:40])
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


def parse_login(text: str) -> Login:
    """What was typed to sign in with. Raises BadLogin, BadPhone."""
    typed = text.strip()
    if "@" in typed:
        address = typed.lower()
        if len(address) > 254 or not EMAIL.fullmatch(address):
            raise BadLogin
        return Login("email", address)
    if not re.search(r"\d", typed):
        raise BadLogin
    return Login("phone", parse_phone(typed))


def check_password_rules(password: str, login: Login | None = None) -> None:
    """Raises PasswordTooShort, PasswordTooLong, PasswordTooCommon (NIST SP 800-63B, 5.1.1.2: length
    and a list of the guessed ones, no rules of composition)."""
    if len(password) < PASSWORD_LEAST:
        raise PasswordTooShort(least=PASSWORD_LEAST)
    if len(password) > PASSWORD_MOST:
        raise PasswordTooLong(most=PASSWORD_MOST)
    plain = password.lower()
    own = _own_words(login)
    guessed = plain in GUESSED_FIRST or plain in _common() or _is_context(plain)
    if guessed or len(set(plain)) < 3 or plain in own:
        raise PasswordTooCommon


@cache
def _common() -> frozenset[str]:
    """The thirty thousand passwords that leaks hold most often, and the commonest names and words
    (a table lists each once, where it is commonest), where they are long enough to be one."""
    from zxcvbn.frequency_lists import (  # type: ignore[import-untyped]  # a table
        FREQUENCY_LISTS,  # large: only where somebody sets a password
    )

    listed = chain.from_iterable(FREQUENCY_LISTS.values())
    return frozenset(one for one in listed if len(one) >= PASSWORD_LEAST)


def _is_context(plain: str) -> bool:
    letters = re.sub(r"[^a-z]", "", fold(plain))
    parts = ((letters[:place], letters[place:]) for place in range(1, len(letters)))
    return letters in _CONTEXT or any({*pair} <= _CONTEXT for pair in parts)


def _own_words(login: Login | None) -> set[str]:
    if login is None:
        return set()
    digits = login.value.removeprefix("+84")
    return {login.value, f"0{digits}", digits, login.value.partition("@")[0]}


def find_person(login: Login) -> Person | None:
    """The account of a number or address."""
    column = Person.phone if login.kind == "phone" else Person.email
    return db.session.scalar(select(Person).where(column == login.value))


def register_person(
    name: str,
    login: Login,
    password: str,
    *,
    at: datetime,
    locale: str = "vi",
    proven: bool = False,
) -> Person:
    """A new account; `proven` when the contact answered a one-time code (services.contacts).
    Raises LoginTaken and what check_password_rules raises, naming `password`."""
    try:
        check_password_rules(password, login)
    except TraceError as error:
        raise error.at("password") from None
    if find_person(login) is not None:
        raise LoginTaken(path="login")
    person = Person(
        name=name,
        phone=login.value if login.kind == "phone" else None,
        email=login.value if login.kind == "email" else None,
        password_hash=HASHER.hash(password),
        locale=locale,
        created_at=at,
        phone_proven_at=at if proven and login.kind == "phone" else None,
        email_proven_at=at if proven and login.kind == "email" else None,
    )
    db.session.add(person)
    db.session.flush()
    write_audit(None, "person.register", f"person:{person.id}", at=at, person=person)
    return person


@cache
def _nobody() -> str:
    # Verified in place of a password that does not exist, so that both answers take as long.
    return HASHER.hash("nobody has this password")


def authenticate(typed: str, password: str) -> Person:
    """The person who signs in. Raises WrongSignIn, always after one verification."""
    nobody = _nobody()
    try:
        login: Login | None = parse_login(typed)
    except TraceError:
        login = None
    person = find_person(login) if login else None
    known = person is not None and person.active
    kept = person.password_hash if person is not None and known else nobody
    if not matches(kept, password) or person is None or not known:
        raise WrongSignIn
    if HASHER.check_needs_rehash(person.password_hash):
        person.password_hash = HASHER.hash(password)
    return person


def matches(kept: str, password: str) -> bool:
    """Whether a hash of ours is that of this password (or of another secret a person keeps)."""
    if len(password) > PASSWORD_MOST:
        password = ""
    try:
        return HASHER.verify(kept, password)
    except (VerifyMismatchError, VerificationError, InvalidHashError):
        return False


def change_password(
    person: Person, present: str, new: str, *, at: datetime, kept: Session | None = None
) -> None:
    """Sets a new password and ends every other sign-in. Raises WrongPassword and what
    check_password_rules raises."""
    if not matches(person.password_hash, present):
        raise WrongPassword(path="present")
    login = Login("phone", person.phone) if person.phone else Login("email", person.email or "")
    try:
        check_password_rules(new, login)
    except TraceError as error:
        raise error.at("password") from None
    person.password_hash = HASHER.hash(new)
    end_other_sessions(person, kept)
    write_audit(None, "person.password", f"person:{person.id}", at=at, person=person)


def reset_password(person: Person, new: str, *, at: datetime) -> None:
    """Sets a password for someone who forgot theirs and ends all their sign-ins. Who may have it
    set is decided before. Raises what check_password_rules raises, naming `password`."""
    try:
        check_password_rules(new)
    except TraceError as error:
        raise error.at("password") from None
    person.password_hash = HASHER.hash(new)
    end_other_sessions(person, None)
    write_audit(None, "person.password-reset", f"person:{person.id}", at=at, person=person)


def change_account(person: Person, values: Mapping[str, str], *, at: datetime) -> None:
    """Sets name or language."""
    changed = apply(person, dict(values))
    if changed:
        subject = f"person:{person.id}"
        write_audit(None, "person.change", subject, at=at, person=person, fields=sorted(changed))


def confirm_password(person: Person, typed: str) -> None:
    """Before an act that matters: the person at this screen knows the password. Raises
    WrongPassword."""
    if not matches(person.password_hash, typed):
        raise WrongPassword(path="password")
