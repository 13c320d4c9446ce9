"""A copy of all public pages with their proofs, for any web server: printed addresses must outlive
whoever runs this one.

What is written is what the application answers, asked by itself: nothing is public here that is not
public there. Layout of the folder:

    t/{printed path}/index.html           the page; in English under _en/, further pages _page-2/, …
    t/{printed path}/_view-proof/         what is proved, with bundle.json and passport.json beside
    {printed path}/index.html             leads from the printed address to the page
    log/                                  the log as `trace log export` writes it, and its policy
    photos/, static/, verify/             what the pages load
    copy.html                             what this copy is; links that need a server lead there

Single packages are left out: their codes must not be listed anywhere (trust, section 5).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

import click
from flask import current_app
from flask.cli import AppGroup
from flask.testing import FlaskClient
from sqlalchemy import select, true

from trace import clock
from trace.cli.group import refusals, trace
from trace.core.gs1 import parse_identity
from trace.extensions import db, limiter
from trace.models import Organisation, Place, Product, Thing
from trace.services import mirrors
from trace.services.settings import current_settings

pages = AppGroup("pages", help="The public pages.")
trace.add_command(pages)

HISTORIES: Final = ("lot", "cycle", "logistic")
WINDOW: Final = 500
FILES: Final = {"bundle": "bundle.json", "json": "passport.json", "preview": "preview.jpg"}
ALSO: Final = ("/verify", "/log/policy", "/about")
NOT_PUBLIC: Final = (400, 404, 410)
PHOTOS: Final = "/photos/"
PARTS: Final = ("css", "img", "js", "scan", "verify")
LINK: Final = re.compile(r'(?P<before>\b(?:href|src|data-bundle|data-policy)=")(?P<to>/[^"]*)"')
FACTS: Final = re.compile(r'<meta property="og:[^>]*>\n?|<meta name="twitter:card"[^>]*>\n?')


@pages.command("export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def export(folder: Path) -> None:
    """Write all public pages to FOLDER, laid out for any web server; later runs write anew."""
    with refusals():
        size = mirrors.export(folder / "log")
    copy = Copy(folder)
    # Things without a public page are asked for too: here nobody tries codes.
    counting, limiter.enabled = limiter.enabled, False
    try:
        for path in paths():
            copy.take(path)
        for address in ALSO:
            copy.also(address)
    finally:
        limiter.enabled = counting
    copy.parts()
    copy.explain()
    click.echo(f"{copy.taken} addresses and {size} log entries in {folder}")
    if copy.left:
        click.echo(f"{copy.left} addresses cannot be names of files and were left out")


def paths() -> Iterator[str]:
    """The printed path of everything that has a public page, but single packages."""
    base = current_settings().id_base
    for model, wanted in (
        (Thing, Thing.kind.in_(HISTORIES)),
        (Product, true()),
        (Place, Place.public),
    ):
        last = 0
        query = select(model.id, model.identity).order_by(model.id).limit(WINDOW)
        while rows := db.session.execute(query.where(wanted, model.id > last)).all():
            last = rows[-1].id
            found = (parse_identity(row.identity, base) for row in rows)
            yield from [one.path for one in found if one is not None]
    for code in db.session.scalars(select(Organisation.code)):
        yield f"/o/{code}"


class Copy:
    """The folder being written; `taken` printed addresses so far, `left` out for their names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.client: FlaskClient = current_app.test_client(use_cookies=False)
        self.taken = self.left = 0

    def take(self, path: str) -> None:
        """The pages behind one printed address, in both languages, with what they load."""
        start = f"/t{path}"
        if file_of(start) is None:
            self.left += 1
            return
        waiting, seen = [start], {start}
        while waiting:
            for link in self._keep(waiting.pop()):
                if _own(link, start) and link not in seen:
                    seen.add(link)
                    waiting.append(link)
                elif link.startswith(PHOTOS):
                    self.also(link)
        if (self.folder / f"{start.lstrip('/')}/index.html").exists():
            self.taken += 1
            to = html.escape(start, quote=True)
            moved = f'<!doctype html><meta http-equiv="refresh" content="0;url={to}/">'
            self._write(f"{path}/index.html", f'{moved}<a href="{to}/">{to}</a>\n'.encode())

    def also(self, address: str) -> None:
        """One more address; photos, which never change, unless they are here already."""
        name = file_of(address)
        if name and not (address.startswith(PHOTOS) and (self.folder / name).exists()):
            self._keep(address)

    def parts(self) -> None:
        """Styles and modules: a page's module fetches others."""
        static = Path(str(current_app.static_folder))
        for part in PARTS:
            for file in (static / part).rglob("*"):
                if file.is_file():
                    self._write(f"static/{file.relative_to(static)}", file.read_bytes())

    def explain(self) -> None:
        """The page that links lead to which need a server."""
        day = f"{clock.now():%Y-%m-%d}"
        text = (
            f"<!doctype html><html lang=vi><meta charset=utf-8><title>Trace {day}</title>"
            f"<h1>Bản sao ngày {day}</h1><p>Đây là bản sao các trang công khai. Việc vừa chọn cần "
            "máy chủ đang chạy, bản sao không làm được.</p>"
            f"<p lang=en>A copy of the public pages made on {day}. What you chose needs a running "
            "server.</p></html>\n"
        )
        self._write("copy.html", text.encode())

    def _keep(self, address: str) -> list[str]:
        """Writes what the application answers; the links in it."""
        answer = self.client.get(address)
        name = file_of(address)
        if answer.status_code not in (200, *NOT_PUBLIC):
            raise click.ClickException(f"{address} answered {answer.status}: the copy is not whole")
        if answer.status_code != 200 or name is None:
            return []
        if answer.mimetype != "text/html":
            self._write(name, answer.data)
            return []
        text = FACTS.sub("", answer.get_data(as_text=True))
        links = [html.unescape(one["to"]) for one in LINK.finditer(text)]
        self._write(name, LINK.sub(_rewritten, text).encode())
        return links

    def _write(self, name: str, data: bytes) -> None:
        mirrors.write_file(self.folder / name.lstrip("/"), data)


def file_of(address: str) -> str | None:
    """The name of the file an address is kept under; None where it cannot be one."""
    parts = urlsplit(address)
    names = [unquote(one) for one in parts.path.strip("/").split("/")]
    if any(one in ("", ".", "..") or "/" in one or "\\" in one or len(one) > 200 for one in names):
        return None
    path = "/".join(names)
    if not path.startswith("t/"):
        return path if "." in names[-1] or path == "log/policy" else f"{path}/index.html"
    query = dict(parse_qsl(parts.query))
    if query.get("format") in FILES:
        return f"{path}/{FILES[query['format']]}"
    # Vietnamese is how the page is when nobody says.
    told = {k: v for k, v in sorted(query.items()) if (k, v) != ("lang", "vi")}
    words = "".join(f"_{key}-{value}" for key, value in told.items())
    return f"{path}/{words}/index.html" if words else f"{path}/index.html"


def _rewritten(found: re.Match[str]) -> str:
    """The link as it works on a plain web server."""
    address = html.unescape(found["to"])
    name = file_of(address)
    if name is None or not (address.startswith("/t/") or address in ALSO or _loaded(address)):
        name = "copy.html"
    to = "/" + name.removesuffix("index.html")
    return f'{found["before"]}{html.escape(to, quote=True)}"'


def _own(link: str, start: str) -> bool:
    return link == start or link.startswith(f"{start}?")


def _loaded(link: str) -> bool:
    return link.startswith(("/static/", PHOTOS))
