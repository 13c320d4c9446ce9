"""What machines ask that watch over an installation: is it there, can it serve, its figures."""

from __future__ import annotations

import hmac
import os
import shutil
from collections.abc import Callable
from ipaddress import ip_address

import orjson
import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.errors import NotFound, TraceError
from trace.extensions import db
from trace.services import sequencer
from trace.services.keys import log_key, root_key
from trace.services.log import OtherIdBase, current_state
from trace.services.measures import plain, read_measures
from trace.services.settings import current_settings
from trace.web.measuring import exposition

blueprint = Blueprint("watching", __name__)
logger = structlog.get_logger()
LEAST_FREE = 256 * 1024 * 1024  # bytes; below it nothing more should be sent here


@blueprint.get("/healthz")
def health() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return _told({"status": "ok"}, 200)


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """Whether requests can be served here: each part by name, reasons only in the log."""
    checks = {
        name: _holds(name, check)
        for name, check in (
            ("database", _database),
            ("log", _log),
            ("keys", _keys),
            ("disk", _disk),
        )
    }
    whole = all(checks.values())
    told = {name: "ok" if holds else "failed" for name, holds in checks.items()}
    return _told(
        {"status": "ready" if whole else "not ready", "checks": told}, 200 if whole else 503
    )


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Figures in Prometheus' text format, from this machine or with the token; otherwise there is
    no such page."""
    if not (_has_token() or _is_local()):
        raise NotFound
    try:
        found = [*read_measures(now=clock.now()), plain("trace_up", "1: the database answers.", 1)]
    except SQLAlchemyError:
        found = [plain("trace_up", "1: the database answers.", 0)]
    finally:
        db.session.rollback()
    response = Response(exposition(found), content_type="text/plain; version=0.0.4; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(body: dict[str, object], status: int) -> Response:
    response = Response(orjson.dumps(body), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


def _holds(name: str, check: Callable[[], bool]) -> bool:
    try:
        holds = check()
    except (SQLAlchemyError, TraceError, OSError) as error:
        logger.warning("not-ready", part=name, error=getattr(error, "code", type(error).__name__))
        return False
    finally:
        db.session.rollback()
    if not holds:
        logger.warning("not-ready", part=name)
    return holds


def _database() -> bool:
    return bool(db.session.scalar(db.text("SELECT 1")))


def _log() -> bool:
    frozen, given = current_state().id_base, current_settings().id_base
    if frozen != given:
        raise OtherIdBase(frozen=frozen, given=given)
    # An older backup was restored: what is recorded before the log is refilled would be in its way.
    sequencer.check_continues()
    return True


def _keys() -> bool:
    root_key()
    log_key()
    return True


def _disk() -> bool:
    folder = current_settings().instance
    return os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= LEAST_FREE


def _has_token() -> bool:
    token = current_settings().metrics_token
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return (
        bool(token) and scheme == "Bearer" and hmac.compare_digest(given.encode(), token.encode())
    )


def _is_local() -> bool:
    """From this machine, and by no proxy on it: behind one that the settings do not know, everybody
    seems to be here."""
    proxied = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    if proxied and not current_settings().proxies:
        return False
    try:
        return ip_address(request.remote_addr or "").is_loopback
    except ValueError:
        return False
