"""Who may open what: deny by default, one rule a blueprint, stated where it is registered.

Rules:
  anonymous        nobody is looked up: pages that are the same for everyone (scan, resolver, log)
  public           anyone; whoever is signed in is known
  signed-in        a person, with or without an organisation
  member:ACT       a member of an organisation. Reading needs `read`, sending needs ACT
  authority:ACT    the same, in an organisation of kind `authority`
  platform:ACT     the same, in the organisation of the platform; reading needs ACT too
  token            a bearer token; each view names its scope by `needs`
A view may need more: `@needs("manage")`. For members it is an act of the role (services.actors.MAY)
and holds for reading too; for tokens it is a scope. Pages that decide about others (`authority`,
`platform`, and views marked by trace.web.deciding) want a second step of signing in as well.

Whoever is refused leaves a line in the log: the endpoint, and the numbers of the rows of person,
organisation and token, where there are any.

Sets `g.session`, `g.person`, `g.actor` (services.actors.Actor) and, for tokens, `g.token`; each is
None where there is none. Another organisation's object is not found (404), never forbidden:
services take the actor and answer NotFound.
"""

from __future__ import annotations

from typing import cast

import structlog
from flask import Flask, current_app, flash, g, redirect, request, url_for
from flask import Response as FlaskResponse
from flask import session as browser_session
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from trace import clock
from trace.errors import NotAllowed, NotSignedIn, TraceError
from trace.extensions import allow, db, needs, register
from trace.models import Session
from trace.services import token_rates
from trace.services.actors import Actor
from trace.services.sessions import actor_of, find_session, is_over, slide
from trace.services.tokens import actor_of as actor_of_token
from trace.services.tokens import find_token, note_use
from trace.web.addresses import parts_of
from trace.web.cookies import cookie_name, named
from trace.web.deciding import here, second_step_first
from trace.web.forms import answer_again
from trace.web.outbox import StaleToken
from trace.web.problems import answer, wants_json
from trace.web.resume import (
    ForeignForm,
    from_our_page,
    pack,
    send_again,
    sign_in_first,
    unpack,
)

__all__ = [
    "actor",
    "allow",
    "guard",
    "here",
    "needs",
    "register",
    "safe_next",
    "send_session_cookie",
]

log = structlog.get_logger()

COOKIE = "trace_session"
# What is written down as refused: not signed in, not allowed, too often.
REFUSALS = frozenset({401, 403, 429})
READING = frozenset({"GET", "HEAD", "OPTIONS"})
RULES = ("anonymous", "public", "signed-in", "member", "authority", "platform", "token")
# Endpoints without a blueprint: the framework's own.
OWN_ENDPOINTS = frozenset({"static"})


class WrongScope(NotAllowed):
    code = "wrong-scope"
    message = "This token does not have the scope “%(scope)s”."
    next_step = "Create a token with that scope."


class NoOrganisation(TraceError):
    code = "no-organisation"
    status = 403
    message = "Choose the organisation you act for first."


def guard(app: Flask) -> None:
    """Puts the door before every request. Last to be called before the blueprints."""
    app.config["SESSION_COOKIE_NAME"] = named(app, "session")
    app.before_request(_enter)
    app.after_request(_leave)
    app.register_error_handler(CSRFError, _stale_form)


def actor() -> Actor:
    """Who acts. For views behind a rule that demands one."""
    if g.get("actor") is None:
        raise NotSignedIn
    return cast("Actor", g.actor)


def rule_of(app: Flask, endpoint: str) -> str | None:
    """The rule an endpoint stands under; None means denied."""
    if endpoint in OWN_ENDPOINTS:
        return "anonymous"
    rules: dict[str, str] = app.extensions.get("trace.access", {})
    rule = rules.get(endpoint.rpartition(".")[0])
    return rule if rule is not None and rule.partition(":")[0] in RULES else None


def _enter() -> ResponseReturnValue | None:
    g.session = g.person = g.actor = g.token = None
    if request.endpoint is None:  # no such address, or not by this method
        if not wants_json():
            recognise()
        return None
    rule = rule_of(current_app, request.endpoint)
    if rule is None:
        raise NotAllowed
    kind, _, act = rule.partition(":")
    if kind == "anonymous":
        return None
    needed = getattr(current_app.view_functions[request.endpoint], "trace_needs", "")
    if kind == "token":
        _check_token(needed)
        return None
    recognise()
    if kind == "public":
        return None
    if g.person is None:
        return _ask_to_sign_in()
    if kind == "signed-in":
        return answer_again()
    if g.actor is None:
        if wants_json():
            raise NoOrganisation
        return redirect(url_for("account.choose", next=here()), 303)
    _check_member(kind, act, needed)
    if (asked := second_step_first(kind)) is not None:
        return asked
    return answer_again()


def recognise() -> None:
    """Finds who is signed in: sets `g.session`, `g.person`, `g.actor`."""
    g.session = g.person = g.actor = None
    session = find_session(request.cookies.get(cookie_name(COOKIE), ""), at=clock.now())
    if session is None:
        return
    acting = actor_of(session)
    if is_over(session, acting.role if acting else "", at=clock.now()):
        return
    g.session, g.person, g.actor = session, session.person, acting
    if not browser_session.permanent:
        # The tokens of open forms must outlive the browser's own end, as the sign-in does.
        browser_session.permanent = True
    role = g.actor.role if g.actor else ""
    if slide(session, role, at=clock.now()):
        db.session.commit()
        g.send_cookie = True


def _check_member(kind: str, act: str, needed: str) -> None:
    acting = actor()
    if kind not in ("member", acting.organisation.kind):
        raise NotAllowed
    acting.check("read" if request.method in READING and kind != "platform" else act)
    if needed:
        acting.check(needed)


def _check_token(scope: str) -> None:
    text = request.headers.get("Authorization", "")
    method, _, given = text.partition(" ")
    token = find_token(given.strip(), at=clock.now()) if method.lower() == "bearer" else None
    if token is None:
        raise NotSignedIn
    _count(token.token_hash)
    if not scope or scope not in token.scopes.split():
        raise WrongScope(scope=scope)
    g.token, g.actor = token, actor_of_token(token)
    if note_use(token, at=clock.now()):
        db.session.commit()


def _count(token_hash: bytes) -> None:
    """Counts a request for its token; `_leave` tells how many are left. Raises TooManyRequests."""
    if current_app.config["RATELIMIT_ENABLED"]:
        g.rate = token_rates.count(token_hash, at=clock.now())
        g.rate.check()


def _ask_to_sign_in() -> ResponseReturnValue:
    if wants_json():
        raise NotSignedIn
    waiting = sign_in_first()
    if waiting is not None:
        return waiting
    address = here() if request.method in READING else ""
    return redirect(url_for("auth.sign_in", next=address or None), 303)


def _stale_form(_error: CSRFError) -> ResponseReturnValue:
    """A form whose token is missing or old: sent again by one press, if it came from our page."""
    if wants_json():
        return answer(StaleToken())
    if not from_our_page():
        return answer(ForeignForm())
    recognise()
    waiting = unpack(pack())
    if g.person is not None and waiting is not None:
        return send_again(waiting), 400
    if rule_of(current_app, request.endpoint or "") == "public":
        flash(gettext("Trang đã mở quá lâu. Hãy điền và gửi lại."), "info")
        return redirect(request.full_path.rstrip("?"), 303)
    return sign_in_first() or answer(ForeignForm())


def _leave(response: FlaskResponse) -> FlaskResponse:
    if g.get("send_cookie") and g.get("session_token") is None and g.get("session"):
        send_session_cookie(response, request.cookies.get(cookie_name(COOKIE), ""), g.session)
    if g.get("rate") is not None:
        response.headers.update(g.rate.headers())
    if response.status_code == 429 and g.get("token") is not None:
        response.headers.setdefault("Retry-After", "10")  # too much waits, whatever the rate is
    if g.get("session_token"):
        send_session_cookie(response, g.session_token, g.session)
    if g.get("forget_session"):
        response.delete_cookie(cookie_name(COOKIE), httponly=True, samesite="Lax", secure=_secure())
    if g.get("person") is not None:
        # A shared computer: "back" after signing out must not show the pages again.
        response.headers.setdefault("Cache-Control", "no-store")
    if response.status_code == 401 and request.endpoint and g.get("person") is None:
        response.headers.setdefault("WWW-Authenticate", 'Bearer realm="trace"')
    if response.status_code in REFUSALS:
        _note_refusal(response.status_code)
    return response


def _note_refusal(status: int) -> None:
    acting = g.get("actor")
    log.warning(
        "refused",
        status=status,
        endpoint=request.endpoint,
        method=request.method,
        person=g.person.id if g.get("person") else None,
        organisation=acting.organisation.id if acting else None,
        token=g.token.id if g.get("token") else None,
    )


def send_session_cookie(response: Response, token: str, session: Session) -> None:
    """The sign-in's cookie: for this site only, unreadable to scripts, until the sign-in ends."""
    response.set_cookie(
        cookie_name(COOKIE),
        token,
        expires=session.expires_at,
        httponly=True,
        samesite="Lax",
        secure=_secure(),
    )


def _secure() -> bool:
    return bool(current_app.config["SESSION_COOKIE_SECURE"])


def safe_next(default: str) -> str:
    """Where `next` asks to go, if that is a page of ours: a path that no browser reads as
    another host."""
    asked = request.values.get("next", "")
    parts = parts_of(asked)
    if (
        parts is None
        or not asked.startswith("/")
        or asked.startswith(("//", "/\\"))
        or parts.scheme
        or parts.netloc
        or any(character in asked for character in "\\\r\n\t")
    ):
        return default
    return asked
