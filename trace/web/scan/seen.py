"""`/t/worker.js`: pages seen before open again without a network, and say how old they are.

The worker (static/scan/worker.js) is installed by a page's own module once the page is there, so a
first view loads nothing more for it. Its scope is /t/: nobody's console, no form.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import orjson
from flask import Response, current_app, request
from flask_babel import force_locale, gettext

from trace.services.languages import languages
from trace.web.scan.bodies import compressed, encoding_for
from trace.web.scan.views import bp


@bp.get("/t/worker.js")
def worker() -> Response:
    """The worker, with what it says in every language; any change of either is another worker."""
    encoding = encoding_for(request)
    response = Response(_encoded(encoding), content_type="text/javascript; charset=utf-8")
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = "no-cache"
    return response


@cache
def _encoded(encoding: str) -> bytes:
    return compressed(_worker(), encoding)


@cache
def _worker() -> bytes:
    said = {}
    for language in languages():
        with force_locale(language):
            said[language] = gettext(
                "Trang này xem lại từ máy, ngày %(day)s: chưa biết có thu hồi mới hay không.",
                day="{day}",
            )
    folder = Path(current_app.static_folder or "static")
    return b"const OLD = %b;\n%b" % (
        orjson.dumps(said),
        (folder / "scan" / "worker.js").read_bytes(),
    )
