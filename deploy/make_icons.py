"""The application's icons, drawn from the leaf: `python deploy/make_icons.py`.

Writes static/app/icon-192.png, icon-512.png and icon-maskable-512.png. The drawing is
static/img/leaf.svg: a rounded square, two strokes. A maskable icon fills its square and keeps the
leaf inside the inner 80 % that every mask shows (W3C, Web Application Manifest, "maskable").
"""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageDraw

STATIC = Path(__file__).resolve().parent.parent / "static"
OVER = 4  # drawn so many times larger, then made small: smooth edges
STEPS = 24
TOKEN = re.compile(r"[MCcZ]|-?\d+(?:\.\d+)?")
Point = tuple[float, float]


def strokes(path: str) -> list[list[Point]]:
    """The lines of an SVG path of M, C, c and Z, its curves made of short straight pieces."""
    tokens = TOKEN.findall(path)
    lines: list[list[Point]] = []
    command, place = "", 0
    while place < len(tokens):
        if tokens[place].isalpha():
            command, place = tokens[place], place + 1
        if command == "Z":
            lines[-1].append(lines[-1][0])
            continue
        count = 1 if command == "M" else 3
        numbers = [float(one) for one in tokens[place : place + 2 * count]]
        points = list(zip(numbers[::2], numbers[1::2], strict=True))
        place += 2 * count
        if command == "M":
            lines.append(points)
            continue
        x, y = lines[-1][-1]
        if command == "c":
            points = [(x + right, y + down) for right, down in points]
        lines[-1] += curve((x, y), *points)
    return lines


def curve(a: Point, b: Point, c: Point, d: Point) -> list[Point]:
    """Points of a cubic Bézier curve after its first."""
    found = []
    for step in range(1, STEPS + 1):
        t = step / STEPS
        parts = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
        x = sum(part * point[0] for part, point in zip(parts, (a, b, c, d), strict=True))
        y = sum(part * point[1] for part, point in zip(parts, (a, b, c, d), strict=True))
        found.append((x, y))
    return found


def draw(size: int, *, maskable: bool) -> Image.Image:
    """The icon, `size` pixels wide."""
    svg = (STATIC / "img" / "leaf.svg").read_text()
    (ground,) = re.findall(r'<rect[^>]*fill="(#\w+)"', svg)
    ((path, width),) = re.findall(r'<path d="([^"]+)".*stroke-width="([\d.]+)"', svg)
    whole = size * OVER
    part = 0.66 if maskable else 1.0
    scale = whole / 24 * part
    shift = whole * (1 - part) / 2
    image = Image.new("RGBA", (whole, whole), ground if maskable else (0, 0, 0, 0))
    paper = ImageDraw.Draw(image)
    if not maskable:
        paper.rounded_rectangle((0, 0, whole - 1, whole - 1), whole * 5 / 24, ground)
    thick = float(width) * scale
    for line in strokes(path):
        points = [(x * scale + shift, y * scale + shift) for x, y in line]
        for start, end in pairwise(points):
            paper.line([start, end], "white", round(thick))
        for x, y in points:
            paper.ellipse((x - thick / 2, y - thick / 2, x + thick / 2, y + thick / 2), "white")
    return image.resize((size, size), Image.Resampling.LANCZOS)


def main() -> None:
    """Writes the three files."""
    for name, size, maskable in (
        ("icon-192", 192, False),
        ("icon-512", 512, False),
        ("icon-maskable-512", 512, True),
    ):
        image = draw(size, maskable=maskable)
        # Two colours and what lies between them: a small palette is exact to the eye.
        few = image.quantize(32, method=Image.Quantize.FASTOCTREE)
        few.save(STATIC / "app" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
