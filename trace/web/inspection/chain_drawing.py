"""The picture of a chain as SVG: drawn here, read without JavaScript, taken away as a file.

Colours come from classes (static/css/chain.css) and never tell anything alone: what is amiss is
written in the box, and lines differ by their dashes. The file that is taken away carries its own
style. On paper a large picture is cut between boxes into sheets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from flask_babel import gettext
from markupsafe import escape
from PIL import ImageFont

from trace.core.charts import cut
from trace.services.chains import PROBLEMS, Chain
from trace.services.chains_picture import Box, Line, Picture
from trace.services.fonts import find_font
from trace.web.inspection import chain_words as words

HEIGHT, PITCH = 92, 108
# (columns at most, width of a box, gap): up to seven stand side by side on a screen of 1,280 px.
WIDTHS: Final = ((5, 176, 80), (6, 144, 64), (7, 122, 54))
SCROLLED: Final = (144, 64)
EDGE: Final = 12
SHEET: Final = (1260, 652)  # of a landscape A4 at 0.84: letters stay above 7 points
MOST_SHEETS: Final = 40
LABELLED: Final = 4  # lines into one box that have room for their amounts


@lru_cache(maxsize=4096)
def _letter(letter: str, bold: bool) -> float:
    return float(_font(bold).getlength(letter)) / 100


@lru_cache(maxsize=2)
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(find_font()[1 if bold else 0], 100)


def _measure(size: float, *, bold: bool = False) -> Callable[[str], float]:
    """Widths at this size, a little wide: the reader's own font may be."""
    return lambda letter: _letter(letter, bold) * size * 1.06


@dataclass(frozen=True, slots=True)
class Sheet:
    """A piece of the picture for one page."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Drawing:
    """The picture as SVG content, its size, and the sheets it is printed on."""

    content: str  # escaped where it is made
    width: int
    height: int
    sheets: list[Sheet]

    def file(self, title: str) -> str:
        """The picture as a file of its own."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" '
            f'width="{self.width}" height="{self.height}" font-family="sans-serif">'
            f"<title>{escape(title)}</title><style>{STYLE}</style>"
            f'<rect width="100%" height="100%" fill="#fff"/>{self.content}</svg>'
        )


# The same classes as static/css/chain.css, in the colours of paper.
STYLE: Final = """
.chain-box{fill:#fff;stroke:#6c7b71}.chain-box.here{fill:#e4f2e7;stroke:#1b6e35;stroke-width:3}
.chain-box.bad{stroke:#a81c1c;stroke-width:2}.chain-box.mind{stroke:#7a4b00;stroke-width:2}
.chain-box.outside{stroke-dasharray:5 3}.chain-box.step{rx:38px}
.chain-more{fill:#fff;stroke:#6c7b71}
.chain-line{fill:none;stroke:#4b5a50;stroke-width:1.5}.chain-line.mind{stroke:#7a4b00}
.chain-line.open{stroke-dasharray:7 4}.chain-line.gap{stroke-dasharray:2 4}
.chain-line.wrong{stroke-dasharray:1 3}.chain-tip{fill:#4b5a50}
text{font-size:12px;fill:#16211a}.chain-name{font-weight:bold}.chain-soft{fill:#4b5a50}
.chain-stop{fill:#a81c1c;font-weight:bold}.chain-mind{fill:#7a4b00;font-weight:bold}
.chain-amount{font-size:11px;fill:#4b5a50;paint-order:stroke;stroke:#fff;stroke-width:3px}
"""


class _Pen:
    def __init__(self, chain: Chain, shown: Picture, address: Callable[[Box], str]) -> None:
        self.chain = chain
        self.shown = shown
        self.address = address
        columns = shown.layout.columns
        self.width, self.gap = next(
            ((width, gap) for most, width, gap in WIDTHS if columns <= most), SCROLLED
        )
        self.step = self.width + self.gap

    def corner(self, cell: tuple[int, int]) -> tuple[int, int]:
        return EDGE + cell[0] * self.step, EDGE + cell[1] * PITCH

    def box(self, box: Box) -> Iterator[str]:
        x, y = self.corner(self.shown.layout.cells[box.id])
        lead = box.lead
        name, code, hands, much = words.box_lines(self.chain, box)
        alerts = words.alerts(lead.alerts)
        amiss = words.problems(lead.problems & PROBLEMS)
        kind = "bad" if alerts else "mind" if amiss else ""
        classes = " ".join(
            one
            for one, on in (
                ("chain-box", True),
                ("here", lead.side == "here"),
                (kind, bool(kind) and lead.side != "here"),
                ("outside", lead.outside),
                ("step", lead.thing is None),
            )
            if on
        )
        told = [name, code, hands, much, *alerts, *words.problems(lead.problems)]
        if lead.outside:
            told.append(gettext("ngoài phạm vi: chỉ phần công khai"))
        whole = escape("; ".join(filter(None, told)))
        yield f'<a href="{escape(self.address(box))}"><title>{whole}</title>'
        if box.many:
            yield (
                f'<rect class="chain-more" x="{x + 4}" y="{y + 4}" width="{self.width}" '
                f'height="{HEIGHT}" rx="6"/>'
            )
        yield (
            f'<rect class="{classes}" x="{x}" y="{y}" width="{self.width}" height="{HEIGHT}" '
            'rx="6"/>'
        )
        room = self.width - 16
        lines = [
            ("chain-name", name, True),
            ("", code, False),
            ("chain-soft", hands, False),
            ("", much, False),
        ]
        if alerts:
            lines.append(("chain-stop", f"✖ {words.alert_short(lead.alerts)}", True))
        elif amiss:
            more = f" +{len(amiss) - 1}" if len(amiss) > 1 else ""
            lines.append(("chain-mind", f"⚠{more} {amiss[0]}", True))
        elif lead.outside:
            lines.append(("chain-soft", gettext("ngoài phạm vi"), False))
        for place, (cls, text, bold) in enumerate(lines):
            if text:
                seen = cut(text, room, _measure(12, bold=bold))
                mark = f' class="{cls}"' if cls else ""
                yield f'<text{mark} x="{x + 8}" y="{y + 17 + place * 17}">{escape(seen)}</text>'
        yield "</a>"

    def lines(self) -> Iterator[str]:
        into: dict[str, list[Line]] = {}
        for line in self.shown.lines:
            if line.source != line.target:
                into.setdefault(line.target, []).append(line)
        cells = self.shown.layout.cells
        for lines in into.values():
            lines.sort(key=lambda line: (cells[line.source][1], line.source, line.kind))
            for place, line in enumerate(lines):
                port = (place + 1) / (len(lines) + 1)
                yield from self.line(line, port, labelled=len(lines) <= LABELLED)

    def line(self, line: Line, port: float, *, labelled: bool) -> Iterator[str]:
        layout = self.shown.layout
        back = (line.source, line.target) in layout.back
        x, y = self.corner(layout.cells[line.source])
        to_x, to_y = self.corner(layout.cells[line.target])
        start = (x + self.width, y + HEIGHT / 2)
        end = (to_x, to_y + HEIGHT * port)
        if back:
            low = max(y, to_y) + HEIGHT + 10
            path = (
                f"M{x + self.width / 2:g},{y + HEIGHT} C{x + self.width / 2:g},{low + 12:g} "
                f"{to_x + self.width / 2:g},{low + 12:g} {to_x + self.width / 2:g},{to_y + HEIGHT}"
            )
            tip = f"M{to_x + self.width / 2:g},{to_y + HEIGHT} l-4,7 h8z"
        else:
            points: list[tuple[float, float]] = [start]
            for cell in layout.through.get((line.source, line.target), ()):
                across, down = self.corner(cell)
                points += [
                    (across, down + HEIGHT / 2),
                    (across + self.width, down + HEIGHT / 2),
                ]
            points.append((end[0] - 7, end[1]))
            path = _curve(points)
            tip = f"M{end[0]:g},{end[1]:g} l-8,-4 v8z"
        mind = line.problems & PROBLEMS
        classes = "chain-line" + (" mind" if mind else "")
        if not line.stands:
            classes += " wrong"
        elif line.kind in ("gap", "hidden"):
            classes += " gap"
        elif line.problems & {"open", "no-taker", "only-receiver"}:
            classes += " open"
        told = [
            words.flow_words(line),
            words.flow_amounts(line),
            *words.problems(line.problems),
        ]
        if not line.stands:
            told.append(gettext("đã khai là sai"))
        yield (
            f"<g><title>{escape('; '.join(filter(None, told)))}</title>"
            f'<path class="{classes}" d="{path}"/><path class="chain-tip" d="{tip}"/>'
        )
        text = words.flow_short(line)
        if line.kind == "gap":
            text = gettext("không khai")
        elif line.kind == "hidden":
            text = gettext("không công khai")
        if mind and text:
            text = f"⚠ {text}"
        elif mind:
            text = "⚠"
        if labelled and text and not back:
            seen = cut(text, self.gap - 12, _measure(11))
            yield (
                f'<text class="chain-amount" text-anchor="end" x="{end[0] - 10:g}" '
                f'y="{end[1] - 4:g}">{escape(seen)}</text>'
            )
        yield "</g>"


def _curve(points: list[tuple[float, float]]) -> str:
    """Through the points, level at each."""
    told = [f"M{points[0][0]:g},{points[0][1]:g}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        if y == to_y:
            told.append(f"H{to_x:g}")
        else:
            middle = (x + to_x) / 2
            told.append(f"C{middle:g},{y:g} {middle:g},{to_y:g} {to_x:g},{to_y:g}")
    return " ".join(told)


def draw(chain: Chain, shown: Picture, address: Callable[[Box], str]) -> Drawing:
    """The picture; `address` is where a box leads."""
    pen = _Pen(chain, shown, address)
    parts = list(pen.lines())
    cells = shown.layout.cells
    for name in sorted(shown.boxes, key=lambda name: cells[name]):
        parts.extend(pen.box(shown.boxes[name]))
    layout = shown.layout
    width = 2 * EDGE + max(0, layout.columns * pen.step - pen.gap) + 4
    height = 2 * EDGE + max(1, layout.rows) * PITCH - (PITCH - HEIGHT) + 24
    return Drawing("".join(parts), width, height, _sheets(pen, layout.columns, layout.rows))


def _sheets(pen: _Pen, columns: int, rows: int) -> list[Sheet]:
    """Pieces cut between boxes; one piece where all of it fits."""
    across = max(1, (SHEET[0] + pen.gap) // pen.step)
    down = max(1, SHEET[1] // PITCH)
    # As many sheets as it takes, evenly filled.
    across = -(-columns // -(-columns // across)) if columns else 1
    down = -(-rows // -(-rows // down)) if rows else 1
    cells = set(pen.shown.layout.cells.values())
    found = []
    for top in range(0, max(1, rows), down):
        for left in range(0, max(1, columns), across):
            used = any(left <= x < left + across and top <= y < top + down for x, y in cells)
            if used:
                found.append(
                    Sheet(
                        left * pen.step + EDGE - pen.gap / 2,
                        top * PITCH + EDGE - 10,
                        min(across, columns - left) * pen.step,
                        min(down, rows - top) * PITCH + 4,
                    )
                )
    return found[:MOST_SHEETS]
