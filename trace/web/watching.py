"""What machines ask that watch over an installation: is it there, can it serve, its figures."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import ip_address

import orjson
import structlog
from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from trace import clock
from trace.errors import NotFound
from trace.extensions import db
from trace.services import readiness
from trace.services.measures import read_measures, read_own, read_ready
from trace.services.settings import current_settings
from trace.web.measuring import exposition

blueprint = Blueprint("watching", __name__)
logger = structlog.get_logger()


@blueprint.get("/healthz")
def health() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return _told({"status": "ok"}, 200)


@blueprint.get("/readyz")
def ready() -> ResponseReturnValue:
    """Whether requests can be served here: for reading, or with `?for=writing` strictly. Each part
    by name, reasons only in the log."""
    found = readiness.examine(request.args.get("for", "reading"))
    told = {"status": found.status, "for": found.purpose, "checks": dict(found.checks)}
    return _told(told, 200 if found.holds else 503)


@blueprint.get("/metrics")
def metrics() -> ResponseReturnValue:
    """Figures in Prometheus' text format, from this machine or with the token; otherwise there is
    no such page."""
    if not (_has_token() or _is_local()):
        raise NotFound
    now = clock.now()
    found = read_own(now=now)
    try:
        found += read_measures(now=now)
    except SQLAlchemyError:
        logger.warning("figures-missing")
    finally:
        db.session.rollback()
    found += read_ready()
    response = Response(exposition(found), content_type="text/plain; version=0.0.4; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


def _told(body: Mapping[str, object], status: int) -> Response:
    response = Response(orjson.dumps(body), status=status, content_type="application/json")
    response.headers["Cache-Control"] = "no-store"
    return response


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
