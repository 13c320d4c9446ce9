"""A client for people's pages that checks every page it opens.

Whatever a test is about, each page on its way must be valid HTML5, have one h1 with which the
title begins, a language, labels for its inputs and unique ids, and must load or run nothing that
its own Content-Security-Policy would refuse or that comes from elsewhere.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import html5lib
from flask.testing import FlaskClient
from lxml import etree
from werkzeug.test import TestResponse

from trace.services.languages import languages

# "Lỗi: " before the title of a page that shows a form's errors, so that it is heard first.
ERROR_PREFIXES = ("Lỗi: ", "Error: ")
UNLABELLED_TYPES = ("hidden", "submit", "button", "reset", "image")
DATA_SCRIPTS = ("application/json", "application/ld+json")

Element = Any  # lxml's stubs do not know the result of xpath


class BrokenPage(AssertionError):
    """All faults of one page."""

    def __init__(self, address: str, faults: list[str]) -> None:
        super().__init__(f"{address}\n  " + "\n  ".join(faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class Page:
    """One page that passed the checks."""

    address: str
    response: TestResponse
    root: Element

    @property
    def h1(self) -> str:
        return words(self.root.xpath("//h1")[0])

    @property
    def title(self) -> str:
        return words(self.root.xpath("//title")[0])

    @property
    def text(self) -> str:
        """What a reader sees, in one line."""
        return words(self.root.xpath("//body")[0])

    def find(self, path: str) -> list[Element]:
        """Elements at an XPath."""
        return list(self.root.xpath(path))

    def texts(self, path: str) -> list[str]:
        """The words of each element at an XPath."""
        return [words(element) for element in self.find(path)]

    def link(self, label: str) -> str:
        """Where the link with these words leads."""
        for element in self.find("//a[@href]"):
            if words(element) == label:
                return str(urljoin(self.address, element.get("href")))
        raise AssertionError(f"{self.address}: no link says {label!r}")

    def form(self, which: str = "//main//form") -> Form:
        """The first form at an XPath."""
        found = self.find(which)
        if not found:
            raise AssertionError(f"{self.address}: no form at {which}")
        return Form(self.address, found[0])


class Form:
    """A form as a browser would send it: what it holds, changed by what a person enters."""

    def __init__(self, address: str, element: Element) -> None:
        self.action = urljoin(address, element.get("action") or address)
        self.method = (element.get("method") or "get").lower()
        self.fields = dict(_field_values(element))
        self.names = {field.get("name") for field in _controls(element) if field.get("name")}

    def filled(self, entries: Mapping[str, Any]) -> dict[str, Any]:
        """All fields with `entries` put in; a name the form does not have is a mistake."""
        unknown = sorted(set(entries) - self.names)
        if unknown:
            raise AssertionError(f"{self.action}: the form has no {unknown}, but {self.names}")
        values = {**self.fields, **entries}
        return {name: value for name, value in values.items() if value is not None}


def _controls(form: Element) -> list[Element]:
    return list(form.xpath(".//input | .//select | .//textarea | .//button"))


def _field_values(form: Element) -> Iterator[tuple[str, Any]]:
    for field in _controls(form):
        name, kind = field.get("name"), (field.get("type") or "text").lower()
        if not name or field.get("disabled") is not None or field.tag == "button":
            continue
        if field.tag == "textarea":
            yield name, field.text or ""
        elif field.tag == "select":
            options = field.xpath(".//option")
            chosen = [option for option in options if option.get("selected") is not None]
            if first := (chosen or options)[:1]:
                yield name, first[0].get("value", words(first[0]))
        elif kind in ("checkbox", "radio"):
            if field.get("checked") is not None:
                yield name, field.get("value", "on")
        elif kind not in ("submit", "button", "reset", "image", "file"):
            yield name, field.get("value", "")


class PageClient:
    """Opens pages and sends forms as a person would, following redirects."""

    def __init__(self, client: FlaskClient, language: str = "vi") -> None:
        self.client = client
        self.language = language

    def get(self, address: str, status: int = 200, **options: Any) -> Page:
        """Opens a page; every fault of the page fails the test."""
        return self._open("GET", address, status, **options)

    def submit(
        self,
        page: Page,
        entries: Mapping[str, Any],
        *,
        which: str = "//main//form",
        status: int = 200,
    ) -> Page:
        """Fills a form of the page and sends it; returns where that leads."""
        form = page.form(which)
        values = form.filled(entries)
        if form.method == "get":
            return self._open("GET", form.action, status, query_string=values)
        return self._open("POST", form.action, status, data=values)

    def _open(self, method: str, address: str, status: int, **options: Any) -> Page:
        headers = {"Accept": "text/html", "Accept-Language": self.language}
        response = self.client.open(
            address, method=method, headers=headers, follow_redirects=True, **options
        )
        where = response.request.url
        if response.status_code != status:
            raise AssertionError(
                f"{method} {where} answered {response.status_code}, not {status}:\n"
                f"{response.get_data(as_text=True)[:2000]}"
            )
        return checked_page(where, response)


def checked_page(address: str, response: TestResponse) -> Page:
    """The page of a response; raises BrokenPage naming every fault."""
    # A fragment is never sent, and two addresses differing in it are one page.
    body = response.get_data(as_text=True)
    parser = html5lib.HTMLParser(
        tree=html5lib.getTreeBuilder("lxml"), namespaceHTMLElements=False, strict=False
    )
    tree: Element = parser.parse(body)
    root = tree.getroot()
    faults = [f"invalid HTML at {place}: {code} {data}" for place, code, data in parser.errors]
    faults += _document_faults(root)
    faults += _id_faults(root)
    faults += _label_faults(root)
    faults += _origin_faults(root, address)
    faults += _policy_faults(root, response.headers.get("Content-Security-Policy", ""))
    if response.mimetype != "text/html":
        faults.append(f"media type is {response.mimetype}")
    if faults:
        raise BrokenPage(address, faults)
    return Page(address, response, root)


def words(element: Element) -> str:
    """The text of an element with single spaces; scripts and styles say nothing."""
    parts = element.xpath(".//text()[not(ancestor::script) and not(ancestor::style)]")
    return " ".join(" ".join(parts).split())


def _document_faults(root: Element) -> Iterator[str]:
    if root.get("lang") not in languages():
        yield f"html has lang={root.get('lang')!r}, not one of {languages()}"
    if not root.xpath("//meta[@name='viewport']"):
        yield "no viewport: a phone would show a shrunken desktop page"
    if len(root.xpath("//main")) != 1:
        yield "there must be exactly one main"
    headings = [words(heading) for heading in root.xpath("//h1")]
    titles = [words(title) for title in root.xpath("//head/title")]
    if len(headings) != 1 or len(titles) != 1:
        yield f"one h1 and one title wanted, found {headings} and {titles}"
        return
    title = titles[0]
    for prefix in ERROR_PREFIXES:
        title = title.removeprefix(prefix)
    if not headings[0] or not title.startswith(headings[0]):
        yield f"the title {titles[0]!r} does not begin with the h1 {headings[0]!r}"


def _id_faults(root: Element) -> Iterator[str]:
    ids = root.xpath("//@id")
    for name in sorted({name for name in ids if ids.count(name) > 1}):
        yield f"id {name!r} occurs {ids.count(name)} times"
    for attribute in ("for", "aria-describedby", "aria-labelledby", "aria-controls"):
        for value in root.xpath(f"//@{attribute}"):
            for name in value.split():
                if name not in ids:
                    yield f"{attribute}={name!r} points at nothing"


def _label_faults(root: Element) -> Iterator[str]:
    labelled = set(root.xpath("//label/@for"))
    for field in root.xpath("//input | //select | //textarea"):
        if (field.get("type") or "").lower() in UNLABELLED_TYPES:
            continue
        named = field.get("aria-label") or field.get("aria-labelledby")
        if not (named or field.get("id") in labelled or field.xpath("ancestor::label")):
            yield f"no label for {_short(field)}"
    for button in root.xpath("//button | //a[@href]"):
        named = button.get("aria-label") or button.get("aria-labelledby")
        if not (
            named or words(button) or button.xpath(".//img[@alt!=''] | .//*[local-name()='title']")
        ):
            yield f"nothing to read in {_short(button)}"
    for image in root.xpath("//img[not(@alt)]"):
        yield f"no alt in {_short(image)}"


LOADING = (
    "//script/@src | //img/@src | //source/@src | //audio/@src | //video/@src | //iframe/@src"
    " | //embed/@src | //object/@data | //input/@src | //form/@action | //button/@formaction"
    " | //link[not(@rel='canonical' or @rel='alternate')]/@href | //*[local-name()='image']/@href"
)


def _origin_faults(root: Element, address: str) -> Iterator[str]:
    own = urlsplit(address).netloc
    targets = [str(target) for target in root.xpath(LOADING)]
    for sources in root.xpath("//@srcset"):
        targets += [part.split()[0] for part in str(sources).split(",") if part.strip()]
    for target in targets:
        parts = urlsplit(urljoin(address, target))
        if parts.scheme == "data" or parts.netloc == own:
            continue
        yield f"loads from elsewhere: {target}"
    for target in root.xpath("//a/@href"):
        if str(target).strip().lower().startswith(("javascript:", "data:")):
            yield f"a link runs code: {target}"


def _policy_faults(root: Element, policy: str) -> Iterator[str]:
    if not policy:
        yield "no Content-Security-Policy"
    rules = {words[0]: words[1:] for part in policy.split(";") if (words := part.split())}
    scripts = rules.get("script-src", rules.get("default-src", []))
    styles = rules.get("style-src", rules.get("default-src", []))
    for script in root.xpath("//script[not(@src)]"):
        if script.get("type") not in DATA_SCRIPTS and not _allowed(script, scripts):
            yield f"inline script without nonce or hash: {_short(script)}"
    for style in root.xpath("//style"):
        if not _allowed(style, styles):
            yield f"inline style without nonce or hash: {_short(style)}"
    for element in root.xpath("//*[@style]"):
        if "'unsafe-inline'" not in styles:
            yield f"style attribute the policy refuses: {_short(element)}"
    for element in root.xpath("//*[@*[starts-with(name(), 'on')]]"):
        yield f"event handler in an attribute: {_short(element)}"
    if "'unsafe-inline'" in scripts or "'unsafe-eval'" in scripts:
        yield "the policy lets any script run"


def _allowed(element: Element, sources: list[str]) -> bool:
    nonce = element.get("nonce")
    if nonce and f"'nonce-{nonce}'" in sources:
        return True
    digest = hashlib.sha256((element.text or "").encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'" in sources


def _short(element: Element) -> str:
    return str(etree.tostring(element, encoding="unicode", with_tail=False))[:160]
