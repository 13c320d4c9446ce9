"""The console as an application on a phone: its name, its pictures, its service worker.

The worker is served from /producer/ and from /inspection/, so its scope is the farm's console or
the inspectors' and nothing else: pages for shoppers are never touched by it. It is one file of ours
(static/app/worker.js) behind lines that import what it shares with pages and say which build this
is and which files belong to it; any change of them makes a new worker. A browser whose workers may
not import keeps no pages: there is no way by which a page could be kept without its person's PIN.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import orjson
from flask import Blueprint, Flask, Response, current_app, g, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from trace import clock
from trace.web.outbox import reader
from trace.web.pages import asset, page_language
from trace.web.statics import stamp_of

blueprint = Blueprint("installed", __name__, url_prefix="/producer")
desk = Blueprint("installed_desk", __name__, url_prefix="/inspection")

# What every page of the console loads, beside the modules of static/app.
FILES = ("css/trace.css", "js/trace.js", "img/leaf.svg")
READER = "Trace-Reader"
IMPORTS = """\
import { ASSETS, keepPage, openPage, pagesOf } from "/static/app/kept.js";
import { sendWaiting } from "/static/app/send.js";
import { personOf } from "/static/app/store.js";
import { vaultOf } from "/static/app/vault.js";
import "/static/app/pushed.js";
"""


def modules(folder: str) -> tuple[str, ...]:
    """The modules of the application, by their names under static/."""
    found = Path(folder, "app").glob("*.js")
    return tuple(sorted(f"app/{path.name}" for path in found if path.name != "worker.js"))


def _build(folder: str) -> str:
    """A short digest of all files of a build: another one is another worker."""
    names = (*FILES, *modules(folder), "app/worker.js")
    told = "\n".join(f"{name} {stamp_of(folder, name)}" for name in names)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _desk() -> str | None:
    """What an address says where the inspectors' pages are meant."""
    return "1" if request.blueprint == desk.name else None


@desk.get("/worker.js")
@blueprint.get("/worker.js")
def worker() -> ResponseReturnValue:
    """The service worker. Browsers ask for it anew at every visit: never from a cache."""
    folder = str(current_app.static_folder)
    told = {
        "build": _build(folder),
        "files": {f"/static/{name}": asset(name) for name in (*FILES, *modules(folder))},
        "fallback": url_for("installed.offline", desk=_desk()),
        "pictures": url_for("help.picture", file=""),
    }
    text = Path(folder, "app", "worker.js").read_text()
    body = f"{IMPORTS}const TRACE = {orjson.dumps(told).decode()};\n{text}"
    response = Response(body, content_type="text/javascript; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/app.webmanifest")
def manifest() -> ResponseReturnValue:
    """The web application manifest (W3C), in the reader's language."""
    picture = {"type": "image/png"}
    told = {
        "id": "/producer/",
        "name": gettext("Trace: sổ tay nhà nông"),
        "short_name": "Trace",
        "description": gettext("Ghi việc đồng áng, có sóng hay không."),
        "lang": page_language(),
        "start_url": url_for("today.show"),
        "scope": "/",
        "display": "standalone",
        "background_color": "#f4f7f3",
        "theme_color": "#1b6e35",
        "icons": [
            {"src": asset("app/icon-192.png"), "sizes": "192x192", "purpose": "any", **picture},
            {"src": asset("app/icon-512.png"), "sizes": "512x512", "purpose": "any", **picture},
            {
                "src": asset("app/icon-maskable-512.png"),
                "sizes": "512x512",
                "purpose": "maskable",
                **picture,
            },
        ],
        "shortcuts": [
            {"name": gettext("Việc chờ gửi"), "url": url_for("outbox.show")},
            {"name": gettext("Vụ trồng"), "url": url_for("cycles.index")},
        ],
    }
    response = Response(orjson.dumps(told), content_type="application/manifest+json")
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/offline")
def offline() -> ResponseReturnValue:
    """What the worker shows for a page that is not kept; `desk`: on an inspector's phone."""
    return render_template("app/offline.html", desk="desk" in request.args)


def milliseconds() -> int:
    """Our time, for the phone's clock to be measured by."""
    return int(clock.now().timestamp() * 1000)


def register_reader(app: Flask) -> None:
    """Tells the service worker whose page it is about to keep, and every page our time."""
    app.jinja_env.globals.update(milliseconds=milliseconds)

    @app.after_request
    def name_reader(response: Response) -> Response:
        if response.mimetype == "text/html" and g.get("actor") is not None:
            response.headers[READER] = reader()
        return response
