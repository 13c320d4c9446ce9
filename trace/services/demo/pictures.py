"""Pictures for the demo world, drawn from plain shapes. Pure; no picture file is kept anywhere.

Each says DEMO, so that nobody takes it for a photo of goods.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from math import cos, pi, sin
from typing import Final

from PIL import Image, ImageDraw, ImageFont

SIZE: Final = (640, 480)
_SKY, _SOIL, _TABLE = "#e8f1e4", "#8a6a4a", "#f3ead8"

Draw = ImageDraw.ImageDraw


def _leaf(draw: Draw, x: float, y: float, length: float, angle: float, colour: str) -> None:
    """A leaf that grows from (x, y) in a direction (radians, 0 = up)."""
    outline = []
    for step in range(21):
        along = step / 20
        width = sin(pi * along) * length * 0.28
        outline.append((along * length, width))
    points = [*outline, *[(along, -width) for along, width in reversed(outline)]]
    turned = [
        (x + along * sin(angle) + width * cos(angle), y - along * cos(angle) + width * sin(angle))
        for along, width in points
    ]
    draw.polygon(turned, fill=colour)
    tip = (x + length * sin(angle), y - length * cos(angle))
    draw.line([(x, y), tip], fill="#d9ecc4", width=4)


def _greens(draw: Draw) -> None:
    for number, angle in enumerate((-0.9, -0.5, -0.15, 0.2, 0.55, 0.9)):
        colour = ("#3f8f3a", "#57a64a", "#2f7a35")[number % 3]
        _leaf(draw, 320 + 14 * angle, 400, 290 - 60 * abs(angle), angle, colour)
    draw.rectangle((285, 380, 355, 402), fill="#c9a66b")


def _mixed(draw: Draw) -> None:
    for x, colour in ((180, "#3f8f3a"), (320, "#79b84f"), (460, "#2f7a35")):
        for angle in (-0.5, 0.0, 0.5):
            _leaf(draw, x, 390, 210, angle, colour)


def _pomelo(draw: Draw) -> None:
    for x, y, radius in ((250, 270, 120), (420, 310, 95)):
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill="#e3c23c")
        draw.ellipse((x - radius // 2, y - radius // 2, x, y), fill="#efd669")
        _leaf(draw, x, y - radius + 6, 90, 0.7, "#3f8f3a")


def _dragon(draw: Draw) -> None:
    draw.ellipse((200, 130, 440, 410), fill="#d6336c")
    for number in range(7):
        _leaf(draw, 215 + number * 35, 300 - (number % 2) * 70, 75, -0.9 + number * 0.3, "#7fb069")


def _rice(draw: Draw) -> None:
    draw.polygon([(160, 400), (480, 400), (430, 190), (210, 190)], fill="#e9dcc0")
    draw.polygon([(210, 190), (430, 190), (390, 140), (250, 140)], fill="#d8c59b")
    for row in range(8):
        for column in range(10):
            x, y = 225 + column * 20 + (row % 2) * 9, 220 + row * 20
            draw.ellipse((x, y, x + 11, y + 5), fill="#fffaf0")


def _eggs(draw: Draw) -> None:
    for number in range(10):
        x, y = 120 + (number % 5) * 85, 200 + (number // 5) * 105
        draw.ellipse((x, y, x + 66, y + 88), fill=("#e6c3a0", "#f0d8bd")[number % 2])
    draw.rectangle((95, 395, 545, 425), fill="#b9a58a")


def _field(draw: Draw) -> None:
    draw.rectangle((0, 250, 640, 480), fill=_SOIL)
    for row in range(4):
        for column in range(9):
            x, y = 30 + column * 72 + row * 8, 300 + row * 52
            for angle in (-0.6, 0.0, 0.6):
                _leaf(draw, x, y, 44 + row * 5, angle, "#4d9a43")


def _packing(draw: Draw) -> None:
    for column in range(3):
        for row in range(2):
            x, y = 110 + column * 150, 160 + row * 130
            draw.rectangle((x, y, x + 130, y + 110), fill="#c69a5d", outline="#8a6a4a", width=4)
            draw.line([(x, y + 30), (x + 130, y + 30)], fill="#8a6a4a", width=4)


_PICTURES: Final[dict[str, tuple[str, Callable[[Draw], None]]]] = {
    "leaf": (_TABLE, _greens),
    "mixed": (_TABLE, _mixed),
    "pomelo": (_SKY, _pomelo),
    "dragon": (_TABLE, _dragon),
    "rice": (_SKY, _rice),
    "eggs": (_TABLE, _eggs),
    "field": (_SKY, _field),
    "packing": (_TABLE, _packing),
}
PICTURES: Final = tuple(_PICTURES)


def picture(name: str) -> bytes:
    """A PNG of 640 x 480. Raises KeyError for a name that is not in PICTURES."""
    ground, paint = _PICTURES[name]
    image = Image.new("RGB", SIZE, ground)
    draw = ImageDraw.Draw(image)
    paint(draw)
    # In the middle: pages show a square of it.
    font = ImageFont.load_default(44)
    draw.text((SIZE[0] // 2, 16), "DEMO", fill="#5b6b57", font=font, anchor="mt")
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()
