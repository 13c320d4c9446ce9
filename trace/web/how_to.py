"""The how-to with pictures (docs/how-to/vi) as pages: read once, turned into HTML.

The pages are written in a small part of Markdown, so that they read well beside the code too:
`# ` and `## ` headings, paragraphs, `1. ` and `- ` lists, one picture a paragraph, *words of the
screen*, and links from page to page. Whatever is not of this part is text, and stays text.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from markupsafe import Markup, escape

FOLDER: Final = Path(__file__).parents[2] / "docs" / "how-to" / "vi"
PICTURES: Final = FOLDER / "pictures"
INDEX: Final = "index"
# Pictures are taken with two pixels for each of the screen's.
DENSITY: Final = 2

_PICTURE = re.compile(r"!\[([^\]]*)\]\(pictures/([a-z0-9-]+\.png)\)")
_LINK = re.compile(r"\[([^\]]+)\]\(([a-z-]+)\.md\)")
_WORDS = re.compile(r"\*([^*]+)\*")
_ITEM = re.compile(r"(?:(\d+)\.|-) ")

Address = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the how-to: its name in addresses, its heading, and its text below that."""

    name: str
    title: str
    text: str

    @property
    def words(self) -> list[str]:
        """Words of the screen that it names."""
        return _WORDS.findall(self.text)

    @property
    def pictures(self) -> list[str]:
        """Files of its pictures."""
        return [file for _, file in _PICTURE.findall(self.text)]

    @property
    def links(self) -> list[tuple[str, str]]:
        """(text, page) of its links."""
        return _LINK.findall(self.text)


@cache
def read(name: str) -> Page | None:
    """A page by its name; None where there is none."""
    path = FOLDER / f"{name}.md"
    if not re.fullmatch(r"[a-z-]+", name) or not path.is_file():
        return None
    first, _, text = path.read_text().partition("\n")
    return Page(name, first.removeprefix("# "), text.strip())


@cache
def pages() -> tuple[Page, ...]:
    """All pages in the order in which the index names them."""
    index = read(INDEX)
    found = [read(name) for _, name in index.links] if index else []
    return tuple(page for page in found if page is not None)


def size_of(file: str) -> tuple[int, int]:
    """Width and height of a picture on the screen, in CSS pixels (PNG, section 11.2.2: IHDR)."""
    head = (PICTURES / file).read_bytes()[:24]
    width, height = struct.unpack(">II", head[16:24])
    return width // DENSITY, height // DENSITY


def to_html(text: str, page: Address, picture: Address, top: int = 2) -> Markup:
    """The text of a page. `page` and `picture` give addresses of names; `top` is the level of its
    headings."""
    blocks = [block for block in text.split("\n\n") if block.strip()]
    made = [part for block in blocks for part in _block(block.strip(), page, picture, top)]
    return Markup("\n").join(made)


def _block(block: str, page: Address, picture: Address, top: int) -> Iterator[Markup]:
    shown = _PICTURE.fullmatch(block)
    if shown:
        width, height = size_of(shown[2])
        yield Markup(
            '<p class="shot"><img src="{}" alt="{}" width="{}" height="{}" loading="lazy"></p>'
        ).format(picture(shown[2]), shown[1], width, height)
    elif block.startswith("## "):
        yield Markup("<h{0}>{1}</h{0}>").format(top, _inline(block[3:], page))
    else:
        lines = [line.strip() for line in block.splitlines()]
        for kind, group in groupby(lines, _kind):
            bare = (_ITEM.sub("", line, count=1) if kind else line for line in group)
            parts = [_inline(line, page) for line in bare]
            if kind:
                items = Markup("").join(Markup("<li>{}</li>").format(part) for part in parts)
                yield Markup("<{0}>{1}</{0}>").format(kind, items)
            else:
                yield Markup("<p>{}</p>").format(Markup(" ").join(parts))


def _kind(line: str) -> str:
    item = _ITEM.match(line)
    return "" if item is None else "ol" if item[1] else "ul"


def _inline(text: str, page: Address) -> Markup:
    told = _WORDS.sub(r"<b>\1</b>", str(escape(text)))
    return Markup(_LINK.sub(lambda link: f'<a href="{page(link[2])}">{link[1]}</a>', told))  # noqa: S704 (escaped above; links are our own pages')
