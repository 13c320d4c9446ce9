"""Bare instances; `trace.app` binds them to the application."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from flask import Blueprint, Flask, current_app, g, request
from flask_babel import Babel
from flask_limiter import Limiter
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_sqlalchemy.session import Session
from flask_wtf import CSRFProtect
from sqlalchemy import Connection, Engine, MetaData
from sqlalchemy.orm import DeclarativeBase

from trace.networks import sender_of


class Base(DeclarativeBase):
    # Named constraints: migrations must be able to drop them on both databases.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class RoutedSession(Session):
    """The session of a request, which may read from a replica (services.replicas.read_from)."""

    def get_bind(
        self, mapper: Any = None, clause: Any = None, bind: Any = None, **more: Any
    ) -> Engine | Connection:
        elsewhere: Engine | None = g.get("read_from")
        if bind is None and elsewhere is not None:
            return elsewhere
        return super().get_bind(mapper, clause, bind, **more)


db = SQLAlchemy(model_class=Base, session_options={"class_": RoutedSession})
if TYPE_CHECKING:
    Model = Base  # what db.Model is a subclass of: type checkers cannot follow an attribute
else:
    Model = db.Model
migrate = Migrate()
csrf = CSRFProtect()
babel = Babel()


def sender() -> str:
    """Stands for the sender of a request: what counts requests holds no address."""
    key = str(current_app.config["SECRET_KEY"]).encode()
    address = sender_of(request.remote_addr or "").encode()
    return hmac.new(key, b"limit\n" + address, hashlib.sha256).hexdigest()[:32]


# Where it counts is told by the application: this process, or a Redis that many share.
limiter = Limiter(key_func=sender, headers_enabled=True)

View = TypeVar("View", bound=Callable[..., Any])


def register(app: Flask, blueprint: Blueprint, rule: str) -> None:
    """Registers a blueprint with the rule of who may open it; trace.web.access says what the
    rules are, enforces them, and denies whatever has none."""
    app.register_blueprint(blueprint)
    allow(app, blueprint.name, rule)


def allow(app: Flask, name: str, rule: str) -> None:
    """States the rule of a blueprint that an extension registered itself."""
    app.extensions.setdefault("trace.access", {})[name] = rule


def needs(act: str) -> Callable[[View], View]:
    """A view needs more than its blueprint: an act of the role, or a token's scope."""

    def mark(view: View) -> View:
        view.trace_needs = act  # type: ignore[attr-defined]  # read back by trace.web.access
        return view

    return mark
