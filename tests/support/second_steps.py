"""Second steps of signing in for tests: an application that makes codes, and pages that ask."""

from __future__ import annotations

import base64
from datetime import datetime

from tests.support.members import PASSWORD, Member
from tests.support.pages import Page, PageClient
from trace.core import totp

SIGN_IN = "/sign-in"
SECOND = "/sign-in/second"
MINE = "/account/second-step/"


class Application:
    """What runs on the phone: it has the secret that a page showed."""

    def __init__(self, page: Page) -> None:
        (shown,) = page.texts("//p[@class='secret']")
        self.secret = base64.b32decode(shown.replace(" ", ""))

    def code(self, at: datetime, away: int = 0) -> str:
        """The digits at a moment, or of a step beside it."""
        return totp.hotp(self.secret, totp.step_of(at) + away)

    def wrong(self, at: datetime) -> str:
        """Six digits that no step near the moment has."""
        near = {self.code(at, away) for away in range(-3, 4)}
        return next(one for one in map("{:06d}".format, range(10)) if one not in near)


def set_up(pages: PageClient, at: datetime, **more: str) -> tuple[Application, list[str]]:
    """Adds an application by the pages; (it, the recovery codes that were shown)."""
    page = pages.get(f"{MINE}new")
    application = Application(page)
    shown = pages.submit(page, {"code": application.code(at), **more}, status=201)
    return application, shown.texts("//main//ol//span")


def by_password(pages: PageClient, member: Member, status: int = 200) -> Page:
    """Signs in by the form, as far as the password goes."""
    page = pages.get(SIGN_IN)
    return pages.submit(page, {"login": member.login, "password": PASSWORD}, status=status)


def by_code(pages: PageClient, code: str, status: int = 200) -> Page:
    """The second step, by a code of the application."""
    return pages.submit(pages.get(SECOND), {"factor": code}, status=status)


def by_recovery(pages: PageClient, code: str, status: int = 200) -> Page:
    """The second step, by a recovery code."""
    return pages.submit(pages.get(f"{SECOND}?by=recovery"), {"factor": code}, status=status)
