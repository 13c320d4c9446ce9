"""A world made once and put back: for tests in a browser, which look at it and do not make it.

The first test that asks builds the world through the product's own pages; its database and
instance folder are kept, and every later test of this worker begins with a copy. SQLite only, as
those tests are.
"""

from __future__ import annotations

import atexit
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from playwright.sync_api import Page

from tests.support.databases import release
from tests.support.fields import Console, open_console
from tests.support.pages import PageClient
from trace.extensions import db
from trace.web.access import COOKIE

T = TypeVar("T")
# What a world is kept as: its folder, the ids of its console, what its builder told, the sign-in.
_worlds: dict[str, tuple[Path, dict[str, int], Any, str]] = {}


def world(app: Flask, name: str, build: Callable[[Console], T]) -> tuple[Console, T]:
    """The co-operative of `open_console` with what `build` made of it, signed in."""
    pages = PageClient(app.test_client())
    if name not in _worlds:
        console = open_console(app, pages)
        told = build(console)
        ids = {
            one.name: getattr(console, one.name)
            for one in fields(Console)
            if one.name not in ("app", "pages")
        }
        cookie = pages.client.get_cookie(COOKIE)
        assert cookie is not None
        _worlds[name] = (_keep(app), ids, told, cookie.value)
        return console, told
    folder, ids, told, token = _worlds[name]
    _put_back(app, folder)
    pages.client.set_cookie(COOKIE, token)
    return Console(app, pages, **ids), told


def enter(console: Console, page: Page, url: str) -> None:
    """The browser of `page` is signed in as the console's client is."""
    cookie = console.pages.client.get_cookie(COOKIE)
    assert cookie is not None
    page.context.add_cookies([{"name": COOKIE, "value": cookie.value, "url": url}])


def _paths(app: Flask) -> tuple[str, Path]:
    with app.app_context():
        database = db.engine.url.database
    assert database is not None
    return database, app.extensions["trace.settings"].instance


def _copy(source: str, target: str) -> None:
    # By SQLite itself: what still lies in the write-ahead log comes along.
    with sqlite3.connect(source) as one, sqlite3.connect(target) as other:
        one.backup(other)
    one.close()
    other.close()


def _keep(app: Flask) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="trace-world-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    database, instance = _paths(app)
    _copy(database, str(folder / "world.db"))
    if instance.exists():
        shutil.copytree(instance, folder / "instance")
    return folder


def _put_back(app: Flask, folder: Path) -> None:
    release(app)
    database, instance = _paths(app)
    _copy(str(folder / "world.db"), database)
    if (folder / "instance").exists():
        shutil.copytree(folder / "instance", instance, dirs_exist_ok=True)
