"""PDF sheets of labels: one small picture and a few lines of text each.

The code is a picture of one bit a dot, four dots a module, so that a viewer that smooths pictures
blurs a quarter of a module at most. Text uses an embedded TrueType font that the caller hands over
as bytes (core reads no files); it must cover Vietnamese. Labels are taken from the iterable one by
one and never held, though the finished pages are until the file is written: about 4 kB a label, so
cut very long runs into several files.

GS1 General Specifications, section 5.12 (symbol specification table for Digital Link): a module of
at least 0.396 mm, quiet zone four modules.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from typing import Any, BinaryIO, Final

from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.pdfdoc import PDFImageXObject
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

from trace.core.labels.errors import BadFont, CodeTooSmall, NoLabels, TextDoesNotFit
from trace.core.labels.layouts import SheetLayout
from trace.core.labels.linear import HEIGHT, gs1_128, module_of
from trace.core.labels.matrix import QUIET_ZONE, Level, Matrix, qr_matrix
from trace.core.labels.payload import label_payload

MODULE_LEAST: Final = 0.396  # mm
_DOTS: Final = 4  # dots a module in the picture
_LEADING: Final = 1.22
FONT_LEAST: Final = 4.5  # points
_REMEMBERED: Final = 2_000  # texts

_Line = tuple[str, str]  # font, text

# Each byte of eight modules becomes four bytes of 32 dots.
_WIDER: Final = tuple(
    int("".join(bit * _DOTS for bit in f"{byte:08b}"), 2).to_bytes(_DOTS, "big")
    for byte in range(256)
)


@dataclass(frozen=True, slots=True)
class Label:
    """What one label says. `uri` is the printed address (it becomes the code), `code` and `domain`
    its readable forms; the rest are finished texts in the reader's language, empty when unknown."""

    uri: str
    code: str
    name: str
    domain: str = ""
    lot: str = ""
    weight: str = ""
    dates: tuple[str, ...] = ()
    # An element string to print as GS1-128 bars where the stock has room: "(00)…" of a crate.
    bars: str = ""

    @property
    def facts(self) -> tuple[str, ...]:
        return tuple(text for text in (self.lot, self.weight, *self.dates) if text)


@dataclass(frozen=True, slots=True)
class SheetFonts:
    """Two TrueType files as bytes: for text, and for the name of the product."""

    regular: bytes
    bold: bytes


@lru_cache(maxsize=8)
def _registered(font: bytes) -> str:
    """reportlab knows fonts by name, process-wide; the name is made from the content."""
    name = "trace-" + sha256(font).hexdigest()[:16]
    try:
        pdfmetrics.registerFont(TTFont(name, BytesIO(font)))
    except Exception as error:
        # The reader of font files raises TTFError, struct.error, IndexError … on a broken file.
        raise BadFont from error
    return name


def plain_text(text: str) -> str:
    """One line, letters composed (fonts hold ả, not a and a hook)."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(c if c.isprintable() else " " for c in composed).split())


class _Writer:
    """Draws labels on a canvas; remembers texts already measured, since most repeat."""

    def __init__(self, canvas: Canvas, layout: SheetLayout, fonts: SheetFonts) -> None:
        self.canvas: Any = canvas
        self.layout = layout
        self.regular = _registered(fonts.regular)
        self.bold = _registered(fonts.bold)
        self.wrapped: dict[tuple[str, str, float, float], tuple[str, ...]] = {}
        self.told: dict[tuple[str, tuple[str, ...], float, int], tuple[float, list[_Line]]] = {}
        self.pen: Any = canvas.beginText()
        self.shown: dict[tuple[_Line, float], str] = {}
        self.pictures = 0
        self.last: Matrix | None = None

    def lines(self, text: str, font: str, size: float, width: float) -> tuple[str, ...]:
        """`text` broken between words into lines of `width` points; a longer word stands alone."""
        key = (text, font, size, width)
        found = self.wrapped.get(key)
        if found is None:
            lines: list[str] = []
            for word in plain_text(text).split():
                longer = f"{lines[-1]} {word}" if lines else word
                if lines and pdfmetrics.stringWidth(longer, font, size) <= width:
                    lines[-1] = longer
                else:
                    lines.append(word)
            found = self.wrapped[key] = tuple(lines)
        return found

    def _cut(self, text: str, size: float, width: float) -> str:
        while text and pdfmetrics.stringWidth(text + "…", self.bold, size) > width:
            text = text[:-1]
        return text.rstrip() + "…"

    def _name(self, text: str, size: float, width: float, most: int) -> list[str]:
        """The name, the one text that may end in an ellipsis."""
        lines = list(self.lines(text, self.bold, size, width))
        if len(lines) > most:
            lines = [*lines[: most - 1], self._cut(" ".join(lines[most - 1 :]), size, width)]
        return [
            line
            if pdfmetrics.stringWidth(line, self.bold, size) <= width
            else self._cut(line, size, width)
            for line in lines
        ]

    def story(self, label: Label, width: float, most: int) -> tuple[float, list[_Line]]:
        """Size and lines (font, text) of name and facts in at most `most` lines. Facts are never
        cut: the type gets smaller, the name shorter, and then it is refused."""
        key = (label.name, label.facts, width, most)
        found = self.told.get(key)
        if found is None:
            found = self.told[key] = self._story(label, width, most)
        return found

    def _story(self, label: Label, width: float, most: int) -> tuple[float, list[_Line]]:
        size = self.layout.font_size
        while size >= FONT_LEAST:
            facts = [
                line for text in label.facts for line in self.lines(text, self.regular, size, width)
            ]
            widest = max((pdfmetrics.stringWidth(f, self.regular, size) for f in facts), default=0)
            room = int(most * self.layout.font_size / size) - len(facts)
            if widest <= width and room >= 1:
                name = self._name(label.name, size, width, min(room, 3))
                return size, [
                    *((self.bold, line) for line in name),
                    *((self.regular, line) for line in facts),
                ]
            size -= 0.5
        raise TextDoesNotFit(layout=self.layout.name)

    def _picture_name(self, matrix: Matrix) -> str:
        """The picture object of a code; a run of equal labels shares one."""
        if matrix is self.last:
            return f"code{self.pictures}"
        self.last = matrix
        self.pictures += 1
        name = f"code{self.pictures}"
        dots = matrix.size * _DOTS
        width = (dots + 7) // 8
        raw = b"".join(
            b"".join([_WIDER[byte] for byte in row])[:width] * _DOTS for row in matrix.rows
        )
        image: Any = PDFImageXObject(name)
        image.width = image.height = dots
        image.streamContent = zlib.compress(raw, 6)
        image._filters = ("FlateDecode",)
        image._decode = [1, 0]  # ones are ink
        # reportlab's own way to pictures goes through Pillow and RGB; this hands over the bits.
        self.canvas._doc.addForm(name, image)
        return name

    def picture(self, matrix: Matrix, x: float, y: float, side: float) -> None:
        """The code with its lower left corner at (x, y), `side` points wide."""
        name = self._picture_name(matrix)
        # Written straight: the canvas's own way formats a number a call, eight calls a label.
        self.canvas._code.append(f"q {side:.3f} 0 0 {side:.3f} {x:.3f} {y:.3f} cm")
        self.canvas.doForm(name)
        self.canvas._code.append("Q")

    def text(self, x: float, y: float, line: _Line, size: float, *, middle: bool) -> None:
        if middle:
            x -= pdfmetrics.stringWidth(line[1], line[0], size) / 2
        self.canvas._code.append(f"BT 1 0 0 1 {x:.3f} {y:.3f} Tm {self._shown(line, size)} ET")

    def _bars(self, text: str, x: float, lower: float, width: float, height: float) -> float:
        """GS1-128 at the foot of the label, its numbers below; the height it takes, 0 for none."""
        symbol = gs1_128(text)
        module = module_of(symbol.modules, width / mm, height / mm) * mm
        if not module:
            return 0.0
        words = self.layout.font_size * _LEADING
        left = x + (width - symbol.modules * module) / 2
        marks = "".join(
            f"{left + start * module:.3f} {lower + words:.3f} {wide * module:.3f}"
            f" {HEIGHT * mm:.3f} re "
            for start, wide in symbol.bars
        )
        self.canvas._code.append(f"{marks}f")
        shown = text.replace(")", ") ")
        self.text(
            x + width / 2,
            lower + words * 0.2,
            (self.regular, shown),
            self.layout.font_size,
            middle=True,
        )
        return HEIGHT * mm + words * 1.4

    def _shown(self, line: _Line, size: float) -> str:
        """The operators that show a line; most lines of a run are the same on every label."""
        found = self.shown.get((line, size))
        if found is None:
            pen = self.pen
            pen.setFont(line[0], size)
            pen._curSubset = -1  # so that the font is named each time
            found = pen._formatText(line[1])
            pen._code.clear()
            if len(self.shown) > _REMEMBERED:
                self.shown.clear()  # serials: each is its own
            self.shown[line, size] = found
        return found

    def _module(self, matrix: Matrix, side: float) -> float:
        """Width of one module when code and quiet zone share `side` points."""
        module = side / (matrix.size + 2 * QUIET_ZONE)
        if module < MODULE_LEAST * mm:
            raise CodeTooSmall(
                layout=self.layout.name, module=f"{module / mm:.2f}", least=f"{MODULE_LEAST:.2f}"
            )
        return module

    def label(self, label: Label, matrix: Matrix, place: int) -> None:
        layout = self.layout
        left, top = layout.corner(place)
        pad, leading = layout.padding * mm, layout.font_size * _LEADING
        x, upper = left * mm + pad, (layout.page_height - top) * mm - pad
        width, height = layout.label_width * mm - 2 * pad, layout.label_height * mm - 2 * pad
        barred = self._bars(label.bars, x, upper - height, width, height) if label.bars else 0.0
        height -= barred
        # Under bars their number stands once.
        code = "" if barred else label.code
        clear = [plain_text(text) for text in (code, label.domain) if text]
        below = layout.text == "below"
        if below:
            # On long paper a code as wide as the label leaves more than its share to the words.
            words = max(height * 0.45, height - width)
            size, story = self.story(label, width, int(words / leading) - len(clear))
            side = min(width, height - len(clear) * leading - len(story) * size * _LEADING)
            module = self._module(matrix, side)
        else:
            # The code may take little more than half of the width.
            side = min(height - len(clear) * leading, width * 0.56)
            module = self._module(matrix, side)
            size, story = self.story(
                label, width - side - leading * 0.3, int((height - len(clear) * leading) / leading)
            )
        quiet = QUIET_ZONE * module
        code_x = x + (width - side) / 2 if below else x
        self.picture(matrix, code_x + quiet, upper - side + quiet, side - 2 * quiet)
        anchor = x + width / 2 if below else code_x + quiet
        y = upper - side - layout.font_size * 0.78  # capitals end where the quiet zone does
        for text in clear:
            # Typed by hand when the camera fails: shrunk when it must be, never cut.
            full = pdfmetrics.stringWidth(text, self.regular, layout.font_size)
            room = width if below else width - quiet
            fitted = layout.font_size * min(1.0, room / full)
            self.text(anchor, y, (self.regular, text), fitted, middle=below)
            y -= leading
        if not below:
            anchor, y = x + side + leading * 0.3, upper - size
        for line in story:
            self.text(anchor, y, line, size, middle=below)
            y -= size * _LEADING


class SheetWriter:
    """A PDF that takes labels one by one. `skip` leaves that many places free on the first sheet
    (part of it is used already). The same labels give the same bytes. Raises a LabelError."""

    def __init__(
        self,
        layout: SheetLayout,
        out: BinaryIO,
        fonts: SheetFonts,
        *,
        title: str = "",
        skip: int = 0,
        level: Level = "M",
    ) -> None:
        layout.check()
        self._canvas = Canvas(
            out,
            pagesize=(layout.page_width * mm, layout.page_height * mm),
            pageCompression=1,
            invariant=True,
            lang="vi",
            # Otherwise every page asks for Helvetica, which no label uses.
            initialFontName=_registered(fonts.regular),  # type: ignore[arg-type]  # stub: float
        )
        self._canvas.setTitle(title)
        self._writer = _Writer(self._canvas, layout, fonts)
        self._per_page = layout.per_page
        self._place = skip % layout.per_page
        self._level = level
        self._payload = ""
        self._matrix: Matrix | None = None
        self.count = 0

    def add(self, label: Label) -> None:
        """One more label, in the next place."""
        if self._place == self._per_page:
            self._canvas.showPage()
            self._place = 0
        text = label_payload(label.uri, own_letters=True)
        if self._matrix is None or text != self._payload:
            self._payload = text
            self._matrix = qr_matrix(text, level=self._level, engine="zxing")
        self._writer.label(label, self._matrix, self._place)
        self._place += 1
        self.count += 1

    def close(self) -> None:
        """Writes the file. Raises NoLabels when nothing was added."""
        if not self.count:
            raise NoLabels
        self._canvas.showPage()
        self._canvas.save()


def label_sheet_pdf(
    labels: Iterable[Label],
    layout: SheetLayout,
    out: BinaryIO,
    fonts: SheetFonts,
    *,
    title: str = "",
    skip: int = 0,
    level: Level = "M",
) -> int:
    """Write a PDF of `labels` to `out` and return how many there were; see SheetWriter."""
    writer = SheetWriter(layout, out, fonts, title=title, skip=skip, level=level)
    for label in labels:
        writer.add(label)
    writer.close()
    return writer.count
