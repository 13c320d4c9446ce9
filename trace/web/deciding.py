"""Pages that decide about others want a second step of signing in (services.factors, rule 3).

They are: everything under the rules `authority` and `platform`, and views marked `@decides`, for
whoever signs for a laboratory or a certifier, or makes members and tokens of those who decide.
Before such a page:
  fine     the sign-in showed two factors
  again    the person has a passkey, this sign-in was by password alone: led to show it
  grace    the person has nothing yet and there is time: the page opens and says until when
  closed   the time is over: led to the page that sets it up; what is sent is refused (403)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from flask import current_app, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.extensions import db
from trace.services import factors
from trace.web.problems import wants_json

DECIDING: Final = frozenset({"authority", "platform"})
READING: Final = frozenset({"GET", "HEAD"})

View = TypeVar("View", bound=Callable[..., Any])


def decides(view: View) -> View:
    """Marks a view that decides about others, in an organisation that does."""
    view.trace_decides = True  # type: ignore[attr-defined]  # read back by second_step_first
    return view


def second_step_first(kind: str) -> ResponseReturnValue | None:
    """Where the sender is led instead of the page asked for; None when it may open. `kind` is that
    of its rule. Raises FactorNeeded."""
    view = current_app.view_functions[request.endpoint or ""]
    if kind not in DECIDING and not getattr(view, "trace_decides", False):
        return None
    if not factors.actor_decides(g.actor):
        return None
    found = standing_now()
    if found.state in ("fine", "grace"):
        near = found.until is not None and found.until - clock.now() <= factors.LED
        g.factor_until = found.until if near else None
        return None
    if wants_json() or request.method not in READING:
        raise factors.FactorNeeded
    if found.state == "again":
        flash(gettext("Trang này cần khoá vân tay của bạn, không chỉ mật khẩu."), "info")
        return redirect(url_for("passkey.enter_by_passkey", next=here()), 303)
    return redirect(url_for("factors.needed", next=here()), 303)


def check_open() -> None:
    """Before an act that matters: who decides about others and whose time to set up a second step
    is over does not do it. Raises FactorNeeded."""
    if factors.actor_decides(g.actor) and standing_now().state == "closed":
        raise factors.FactorNeeded


def standing_now() -> factors.Standing:
    """How this sign-in stands, of somebody who decides. May begin their time, and commits then."""
    before = g.person.factor_asked_at
    found = factors.standing(g.person, g.session, at=clock.now())
    if g.person.factor_asked_at != before:
        db.session.commit()
    return found


def here() -> str:
    """This page's own address, without host."""
    return request.full_path if request.query_string else request.path
