"""What a label printer would print: ZPL's graphics and TSPL's bitmaps turned back into pictures."""

from __future__ import annotations

import re

from PIL import Image


def _unpacked(data: str, a_row: int) -> bytes:
    """The hexadecimal of a ZPL graphic with `,` (zeros to the end of the row) and `:` (the row
    before once more)."""
    rows: list[str] = []
    row = ""
    for mark in data:
        if mark == ":":
            rows.append(rows[-1])
        elif mark == ",":
            rows.append(row.ljust(2 * a_row, "0"))
            row = ""
        else:
            row += mark
            if len(row) == 2 * a_row:
                rows.append(row)
                row = ""
    assert not row
    return bytes.fromhex("".join(rows))


def _picture(data: bytes, a_row: int) -> Image.Image:
    """Ones are ink."""
    light = bytes(255 - byte for byte in data)
    return Image.frombytes("1", (a_row * 8, len(data) // a_row), light)


def images_of_zpl(data: bytes) -> list[Image.Image]:
    """One picture a printed label (without printer text), copies repeated."""
    text = data.decode("ascii")
    stored: Image.Image | None = None
    found = []
    for part in re.finditer(r"~DGR:TRACE\.GRF,(\d+),(\d+),([0-9A-F,:]*)|\^XA(.*?)\^XZ", text):
        if part[4] is None:
            graphic = _unpacked(part[3], int(part[2]))
            assert len(graphic) == int(part[1])
            stored = _picture(graphic, int(part[2]))
            continue
        size = re.search(r"\^PW(\d+)\^LL(\d+)", part[4])
        if size is None:
            continue  # the store is cleared
        label = Image.new("1", (int(size[1]), int(size[2])), 1)
        if "^XGR:TRACE.GRF" in part[4]:
            assert stored is not None
            label.paste(stored, (0, 0))
        fields = r"\^FO(\d+),(\d+)\^GFA,(\d+),\d+,(\d+),([0-9A-F,:]*)\^FS"
        graphics = list(re.finditer(fields, part[4]))
        assert graphics
        for placed in graphics:
            graphic = _unpacked(placed[5], int(placed[4]))
            assert len(graphic) == int(placed[3])
            label.paste(_picture(graphic, int(placed[4])), (int(placed[1]), int(placed[2])))
        copies = re.search(r"\^PQ(\d+)", part[4])
        found += [label] * int(copies[1] if copies else 1)
    return found


def images_of_tspl(data: bytes) -> list[Image.Image]:
    """One picture a printed label, copies repeated."""
    found = []
    place = 0
    while (start := data.find(b"BITMAP ", place)) >= 0:
        head = re.match(rb"BITMAP 0,0,(\d+),(\d+),0,", data[start:])
        assert head is not None
        a_row, high = int(head[1]), int(head[2])
        begin = start + head.end()
        bits = data[begin : begin + a_row * high]
        image = Image.frombytes("1", (a_row * 8, high), bits)  # zeros are ink, as in pictures
        copies = re.match(rb"\r\nPRINT (\d+)\r\n", data[begin + a_row * high :])
        assert copies is not None
        found += [image] * int(copies[1])
        place = begin + a_row * high
    return found
