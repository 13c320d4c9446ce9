"""Labels as dots, for printers that take no PDF: PNG, ZPL II and TSPL.

Everything that people read is drawn here, in an embedded TrueType font, and sent as graphics: the
fonts inside label printers differ by model and many lack Vietnamese (^CI28 switches the encoding,
it adds no glyphs). Only the readable code, which is ASCII, is printer text in ZPL.

ZPL: the story is stored once (~DG) and recalled on every label (^XG); the code is a graphic field
(^GF) of whole dots a module, so that no printer scales it. TSPL has no portable store: each label
is one BITMAP. Both printers count 1 or 0 as ink differently: in ZPL ones are ink, in TSPL zeros.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from trace.core.labels.errors import BadFont, CodeTooSmall, NoLabels, TextDoesNotFit
from trace.core.labels.layouts import SheetLayout
from trace.core.labels.linear import HEIGHT, gs1_128, module_of
from trace.core.labels.linear import MODULE as LINEAR_LEAST
from trace.core.labels.matrix import QUIET_ZONE, Matrix, qr_matrix
from trace.core.labels.payload import label_payload
from trace.core.labels.sheets import MODULE_LEAST, Label, SheetFonts, plain_text

DOTS_A_MM: Final = 8  # 203 dots an inch: the coarsest and by far the commonest head
_POINT: Final = 25.4 / 72  # mm
_LEADING: Final = 1.2
_SMALLEST: Final = 14  # dots: 1.75 mm, about 5 points
BARS_HIGH: Final = int(HEIGHT * DOTS_A_MM)
NO_SSCC: Final = "(00)000000000000000000"  # as wide as any other
_STORED: Final = "R:TRACE.GRF"


@dataclass(frozen=True, slots=True)
class Dots:
    """One label laid out on `width` × `height` dots: the story (without code and code text), where
    the code stands and how many dots a module has, and where its text goes."""

    story: Image.Image
    width: int
    height: int
    code_x: int
    code_y: int
    module: int
    text_x: int
    text_y: int
    text_size: int
    # GS1-128 at the foot: left, top, dots a module (0: no room for it); its text follows below.
    bars: tuple[int, int, int] = (0, 0, 0)


@lru_cache(maxsize=64)
def _font(data: bytes, size: int) -> ImageFont.FreeTypeFont:
    try:
        return ImageFont.truetype(BytesIO(data), size)
    except OSError as error:
        raise BadFont from error


def _broken(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    lines: list[str] = []
    for word in plain_text(text).split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and font.getlength(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _fitted(
    label: Label, fonts: SheetFonts, size: int, width: int, height: int, layout: str
) -> tuple[int, list[tuple[bytes, str]]]:
    """Type size in dots and the lines of name and facts that fit `width` × `height`."""
    while size >= _SMALLEST:
        parts = [(fonts.bold, label.name), *((fonts.regular, text) for text in label.facts)]
        lines = [
            (data, line) for data, text in parts for line in _broken(text, _font(data, size), width)
        ]
        widest = max((_font(data, size).getlength(line) for data, line in lines), default=0)
        if widest <= width and len(lines) * size * _LEADING <= height:
            return size, lines
        size -= 1
    raise TextDoesNotFit(layout=layout)


def lay_out(label: Label, layout: SheetLayout, size: int, fonts: SheetFonts) -> Dots:
    """Places a code of `size` modules and the words. Raises CodeTooSmall, TextDoesNotFit."""
    width, height = int(layout.label_width * DOTS_A_MM), int(layout.label_height * DOTS_A_MM)
    pad = int(layout.padding * DOTS_A_MM)
    type_size = int(layout.font_size * _POINT * DOTS_A_MM)
    below = layout.text == "below"
    inner_w, inner_h = width - 2 * pad, height - 2 * pad
    bars = _bars_place(label, width, pad, inner_w, inner_h, type_size)
    row = int(type_size * _LEADING)
    clear = row * (bool(label.domain) + (not bars[2]))  # under bars their number stands once
    if bars[2]:
        inner_h = bars[1] - pad
    modules = size + 2 * QUIET_ZONE
    share = int(inner_h * 0.6) if below else inner_h - clear
    module = min(share, inner_w if below else int(inner_w * 0.6)) // modules
    least = math.ceil(MODULE_LEAST * DOTS_A_MM)
    if module < least:
        raise CodeTooSmall(
            layout=layout.name,
            module=f"{module / DOTS_A_MM:.2f}",
            least=f"{least / DOTS_A_MM:.2f}",
        )
    side = module * modules
    code_x = pad + (inner_w - side) // 2 if below else pad
    story = Image.new("1", (width, height), 1)
    pen = ImageDraw.Draw(story)
    text_y = pad + side
    if label.domain:
        small = _font(fonts.regular, max(_SMALLEST, type_size))
        pen.text((pad, text_y + clear - row), label.domain, font=small, fill=0)
    if below:
        left, top, wide = pad, text_y + clear, inner_w
        high = pad + inner_h - top
    else:
        left, top, wide, high = pad + side, pad + module * 2, inner_w - side, inner_h - module * 2
    found, lines = _fitted(label, fonts, type_size, wide, high, layout.name)
    for data, line in lines:
        pen.text((left, top), line, font=_font(data, found), fill=0)
        top += int(found * _LEADING)
    return Dots(story, width, height, code_x, pad, module, pad, text_y, type_size, bars)


def _bars_place(
    label: Label, width: int, pad: int, inner_w: int, inner_h: int, type_size: int
) -> tuple[int, int, int]:
    if not label.bars:
        return (0, 0, 0)
    modules = gs1_128(label.bars).modules
    module = int(module_of(modules, inner_w / DOTS_A_MM, inner_h / DOTS_A_MM) * DOTS_A_MM)
    if module < math.ceil(LINEAR_LEAST * DOTS_A_MM):
        return (0, 0, 0)
    top = pad + inner_h - BARS_HIGH - int(type_size * _LEADING)
    return ((width - modules * module) // 2, top, module)


def _bars(text: str, module: int) -> Image.Image:
    """The symbol without its quiet zones, BARS_HIGH dots high."""
    symbol = gs1_128(text)
    image = Image.new("1", (symbol.modules * module, BARS_HIGH), 1)
    pen = ImageDraw.Draw(image)
    for start, wide in symbol.bars:
        box = (start * module, 0, (start + wide) * module - 1, BARS_HIGH - 1)
        pen.rectangle(box, fill=0)
    return image


def _code(matrix: Matrix, module: int) -> Image.Image:
    """The code with its quiet zone, `module` dots a module."""
    light = bytes(255 - byte for row in matrix.rows for byte in row)
    code = Image.frombytes("1", (matrix.size, matrix.size), light)
    side = matrix.size + 2 * QUIET_ZONE
    whole = Image.new("1", (side, side), 1)
    whole.paste(code, (QUIET_ZONE, QUIET_ZONE))
    return whole.resize((side * module, side * module), Image.Resampling.NEAREST)


class _Painter:
    """Lays out once for all labels that say the same beside their codes."""

    def __init__(self, layout: SheetLayout, fonts: SheetFonts) -> None:
        self.layout, self.fonts = layout, fonts
        self.known: dict[tuple[Label, int], Dots] = {}

    def dots(self, label: Label, matrix: Matrix) -> Dots:
        key = (replace(label, uri="", code="", bars=label.bars and NO_SSCC), matrix.size)
        found = self.known.get(key)
        if found is None:
            if len(self.known) > 64:
                self.known.clear()  # blank stamps count themselves: nothing repeats
            found = self.known[key] = lay_out(label, self.layout, matrix.size, self.fonts)
        return found

    def picture(self, label: Label) -> Image.Image:
        """The whole label."""
        matrix = qr_matrix(label_payload(label.uri, own_letters=True))
        dots = self.dots(label, matrix)
        image = dots.story.copy()
        image.paste(_code(matrix, dots.module), (dots.code_x, dots.code_y))
        pen = ImageDraw.Draw(image)
        size = dots.text_size
        text = "" if dots.bars[2] else plain_text(label.code)
        while size > _SMALLEST and _font(self.fonts.regular, size).getlength(text) > dots.width:
            size -= 1
        pen.text((dots.text_x, dots.text_y), text, font=_font(self.fonts.regular, size), fill=0)
        left, top, module = dots.bars
        if module:
            symbol = _bars(label.bars, module)
            image.paste(symbol, (left, top))
            font = _font(self.fonts.regular, dots.text_size)
            middle = left + (symbol.width - int(font.getlength(label.bars))) // 2
            pen.text((middle, top + BARS_HIGH), label.bars, font=font, fill=0)
        return image


def label_images(
    labels: Iterable[Label], layout: SheetLayout, fonts: SheetFonts
) -> Iterator[Image.Image]:
    """Black-and-white pictures of one label each, 8 dots a millimetre. Raises a LabelError."""
    painter = _Painter(layout, fonts)
    for label in labels:
        yield painter.picture(label)


def label_png(label: Label, layout: SheetLayout, fonts: SheetFonts) -> bytes:
    """One label as a PNG that says its own size (203 dots an inch)."""
    out = BytesIO()
    image = _Painter(layout, fonts).picture(label)
    image.save(out, "PNG", optimize=True, dpi=(DOTS_A_MM * 25.4, DOTS_A_MM * 25.4))
    return out.getvalue()


def _ink(image: Image.Image) -> tuple[int, bytes]:
    """(bytes a row, rows with ones as ink), filled up with white."""
    width = (image.width + 7) // 8
    padded = Image.new("1", (width * 8, image.height), 1)
    padded.paste(image, (0, 0))
    return width, bytes(255 - byte for byte in padded.tobytes())


def _graphic(image: Image.Image) -> str:
    """`total,a row,data` in hexadecimal with `,` and `:` for zeros to the line's end and for a row
    equal to the one before (ZPL II, "Alternative data compression scheme")."""
    width, data = _ink(image)
    rows, last = [], ""
    for start in range(0, len(data), width):
        row = data[start : start + width].hex().upper()
        if row == last:
            rows.append(":")
            continue
        last = row
        kept = row.rstrip("0")
        rows.append(row if len(kept) == len(row) else kept + ",")
    return f"{len(data)},{width},{''.join(rows)}"


def write_zpl(labels: Iterable[Label], layout: SheetLayout, fonts: SheetFonts) -> Iterator[bytes]:
    """ZPL II, a piece for each label. Equal labels one after the other are one piece with ^PQ.
    Raises a LabelError, NoLabels for none."""
    painter = _Painter(layout, fonts)
    stored: Dots | None = None
    last: Label | None = None
    piece, repeat = "", 0
    for label in labels:
        if label == last:
            repeat += 1
            continue
        if piece:
            yield f"{piece}^PQ{repeat}^XZ\n".encode("ascii")
        matrix = qr_matrix(label_payload(label.uri, own_letters=True))
        dots = painter.dots(label, matrix)
        if dots is not stored:
            stored = dots
            yield f"~DG{_STORED},{_graphic(dots.story)}\n".encode("ascii")
        last, repeat = label, 1
        piece = _zpl_label(label, dots, matrix)
    if not piece:
        raise NoLabels
    yield f"{piece}^PQ{repeat}^XZ\n".encode("ascii")
    yield f"^XA^ID{_STORED}^FS^XZ\n".encode("ascii")


def _zpl_label(label: Label, dots: Dots, matrix: Matrix) -> str:
    total, _, rest = _graphic(_code(matrix, dots.module)).partition(",")
    code = "" if dots.bars[2] else label.code
    shown = "".join(c if 32 <= ord(c) < 127 and c not in "^~\\" else " " for c in code)
    room = dots.width - 2 * dots.text_x
    # Printer font 0 is narrow: about half as wide as high.
    high = min(dots.text_size, int(room / (0.55 * max(1, len(shown)))))
    bars = ""
    left, top, module = dots.bars
    if module:
        symbol = _bars(label.bars, module)
        whole, _, lines = _graphic(symbol).partition(",")
        bars = (
            f"^FO{left},{top}^GFA,{whole},{whole},{lines}^FS"
            f"^FO{left},{top + BARS_HIGH + 4}^FB{symbol.width},1,0,C"
            f"^A0N,{dots.text_size},{dots.text_size}^FD{label.bars}^FS"
        )
    return (
        f"^XA^PW{dots.width}^LL{dots.height}^LH0,0^FO0,0^XG{_STORED},1,1^FS"
        f"^FO{dots.code_x},{dots.code_y}^GFA,{total},{total},{rest}^FS"
        f"^FO{dots.text_x},{dots.text_y}^A0N,{high},{high}^FD{shown}^FS"
        f"{bars}"
    )


def write_tspl(labels: Iterable[Label], layout: SheetLayout, fonts: SheetFonts) -> Iterator[bytes]:
    """TSPL, a piece for each label: SIZE, CLS, one BITMAP, PRINT. Raises a LabelError, NoLabels."""
    painter = _Painter(layout, fonts)
    head = f"SIZE {layout.label_width:g} mm,{layout.label_height:g} mm\r\n".encode("ascii")
    gap = b"GAP 0 mm,0 mm\r\n" if layout.continuous else b"GAP 2 mm,0 mm\r\n"
    last: Label | None = None
    piece, repeat = b"", 0
    for label in labels:
        if label == last:
            repeat += 1
            continue
        if piece:
            yield piece + b"PRINT %d\r\n" % repeat
        last, repeat = label, 1
        image = painter.picture(label)
        width, data = _ink(image)
        bitmap = bytes(255 - byte for byte in data)
        piece = (
            head
            + gap
            + b"DIRECTION 1\r\nCLS\r\n"
            + b"BITMAP 0,0,%d,%d,0," % (width, image.height)
            + bitmap
            + b"\r\n"
        )
    if not piece:
        raise NoLabels
    yield piece + b"PRINT %d\r\n" % repeat
