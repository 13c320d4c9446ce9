"""Who asks in `benchmarks.soak`: a browser or a program, past the proxy, a connection a request as
nginx makes them. Every request is timed and its status held against what was expected."""

from __future__ import annotations

import http.client
import re
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urljoin, urlsplit

from lxml import html

from benchmarks._soak_told import Told

HOST: Final = "trace.example"
PHONE: Final = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/157.0.0.0 Mobile Safari/537.36"
)
SECONDS: Final = 60.0
# Which paths have a door of their own, in the proxy's words.
NGINX: Final = Path(__file__).resolve().parents[1] / "deploy/nginx/trace.conf"
_LOCATION = (
    NGINX.read_text().split("proxy_pass http://trace_pages;")[0].rpartition("location ~ ")[2]
)
PAGES: Final = re.compile(_LOCATION.split('"')[1])
TYPE: Final = "application/x-www-form-urlencoded"
BOUNDARY: Final = "soak-7f3c9b2e"


class Strange(Exception):
    """An answer with which the act cannot go on; it was counted where it was met."""


def door(socket: str, path: str) -> str:
    """The socket that nginx would ask for a path."""
    return str(Path(socket).with_name("pages.sock")) if PAGES.match(path) else socket


class Unix(http.client.HTTPConnection):
    """HTTP over a socket that nginx would use."""

    def __init__(self, path: str) -> None:
        super().__init__(HOST, timeout=SECONDS)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(SECONDS)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(slots=True)
class Line:
    """How requests reach the server, and where they are told of."""

    path: str
    told: Told
    began: float = 0.0  # time.perf_counter() at the run's start

    def minute(self) -> int:
        return int((time.perf_counter() - self.began) / 60)


@dataclass(slots=True)
class Visitor:
    """One browser or program, with an address and cookies of its own."""

    line: Line
    number: int
    due: float = 0.0  # when its next request should have been sent; 0: when it is
    cookies: dict[str, str] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(
        self,
        kind: str,
        path: str,
        method: str = "GET",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        expect: Sequence[int] = (200,),
    ) -> Answer:
        """Asks and tells. Raises Strange for another status than the expected ones."""
        sent = {
            "Host": HOST,
            "User-Agent": PHONE,
            "Accept": "text/html",
            "Accept-Language": "vi-VN,vi;q=0.9",
            "X-Forwarded-For": str(IPv4Address(0x0B000000 + self.number % 0xFFFFFF)),
            "X-Forwarded-Proto": "https",
            **(headers or {}),
        }
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method == "POST" and self.cookies:
            sent.setdefault("Referer", f"https://{HOST}{path}")
        now = time.perf_counter()
        start, self.due = self.due or now, 0.0
        connection = Unix(door(self.line.path, path))
        try:
            connection.request(method, path, body, sent)
            got = connection.getresponse()
            answer = Answer(got.status, got.headers, got.read())
        except (OSError, http.client.HTTPException) as error:
            self.line.told.note(kind, self.line.minute(), 1000 * (time.perf_counter() - start), 0)
            self.line.told.wonder(f"{kind}: {method} {path}: {error!r}")
            raise Strange from error
        finally:
            connection.close()
        took = 1000 * (time.perf_counter() - start)
        self.line.told.note(kind, self.line.minute(), took, answer.status)
        for given in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = given.split(";")[0].partition("=")
            self.cookies[name] = value
        if answer.status not in expect:
            self.line.told.wonder(
                f"{kind}: {method} {path} answered {answer.status}: {answer.body[:300]!r}"
            )
            raise Strange
        return answer

    def form(self, kind: str, path: str, which: str = "//main//form[@method='post']") -> Form:
        """The first form of a page. Raises Strange without one."""
        answer = self.ask(kind, path)
        found: Any = html.fromstring(answer.body).xpath(which)
        if not found:
            self.line.told.wonder(f"{kind}: {path} has no form")
            raise Strange
        return Form(path, found[0], answer)

    def send(
        self,
        kind: str,
        form: Form,
        entries: Mapping[str, str | Sequence[str]],
        files: Mapping[str, tuple[str, bytes]] | None = None,
        expect: Sequence[int] = (303,),
    ) -> Answer:
        """Fills a form and sends it."""
        values = {**form.fields, **entries}
        if files is not None:
            body, given = multipart(values, files)
        else:
            body, given = urlencode(values, doseq=True).encode(), TYPE
        return self.ask(kind, form.action, "POST", body, {"Content-Type": given}, expect)


class Form:
    """What a form holds, and where it goes."""

    def __init__(self, address: str, element: Any, page: Answer) -> None:
        self.page = page
        self.action = urljoin(address, element.get("action") or address)
        self.fields: dict[str, Any] = {}
        for one in element.xpath(".//input[@name] | .//select[@name] | .//textarea[@name]"):
            name, kind = one.get("name"), (one.get("type") or "").lower()
            if one.tag == "select":
                options = one.xpath(".//option")
                chosen = [option for option in options if option.get("selected") is not None]
                for option in (chosen or options)[:1]:
                    self.fields[name] = option.get("value", option.text or "")
            elif one.tag == "textarea":
                self.fields[name] = one.text or ""
            elif kind in ("checkbox", "radio"):
                if one.get("checked") is not None:
                    self.fields[name] = one.get("value", "on")
            elif kind not in ("file", "submit", "button", "image"):
                self.fields[name] = one.get("value", "")
        self.names = {one.get("name") for one in element.xpath(".//*[@name]")}


def multipart(
    values: Mapping[str, str | Sequence[str]], files: Mapping[str, tuple[str, bytes]]
) -> tuple[bytes, str]:
    """A body of fields and files, and its media type (RFC 7578)."""
    parts: list[bytes] = []
    head = f"--{BOUNDARY}\r\nContent-Disposition: form-data; name="
    for name, value in values.items():
        texts = [value] if isinstance(value, str) else value
        parts += [f'{head}"{name}"\r\n\r\n{text}\r\n'.encode() for text in texts]
    for name, (file, data) in files.items():
        kind = "Content-Type: application/octet-stream"
        parts += [f'{head}"{name}"; filename="{file}"\r\n{kind}\r\n\r\n'.encode(), data, b"\r\n"]
    parts.append(f"--{BOUNDARY}--\r\n".encode())
    return b"".join(parts), f"multipart/form-data; boundary={BOUNDARY}"


def path_of(answer: Answer) -> str:
    """Where an answer leads."""
    return urlsplit(answer.headers.get("Location", "")).path


@dataclass(slots=True)
class People:
    """Browsers of people who are signed in, by login; each does one thing at a time."""

    line: Line
    passwords: dict[str, str]
    each: int = 2
    browsers: dict[str, list[Visitor]] = field(default_factory=dict)

    def sign_in(self, login: str, number: int, due: float = 0.0) -> Visitor:
        """A browser that has just signed in."""
        visitor = Visitor(self.line, number, due)
        form = visitor.form("sign-in page", "/sign-in")
        entries = {"login": login, "password": self.passwords[login]}
        visitor.send("sign-in", form, entries)
        return visitor

    def sign_all_in(self) -> None:
        for at, login in enumerate(self.passwords):
            self.browsers[login] = [
                self.sign_in(login, 0x7F0000 + 16 * at + one) for one in range(self.each)
            ]

    @contextmanager
    def browser(self, login: str, due: float) -> Iterator[Visitor]:
        """One that nobody uses now; waits for one where there is none, which counts as waiting."""
        mine = self.browsers[login]
        for one in mine:
            if one.lock.acquire(blocking=False):
                break
        else:
            one = secrets.choice(mine)
            one.lock.acquire()
        try:
            one.due = due
            yield one
        finally:
            one.due = 0.0
            one.lock.release()
