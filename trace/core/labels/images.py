"""Codes for the screen: SVG and PNG, quiet zone included, drawn by the `qrcode` encoder."""

from __future__ import annotations

from io import BytesIO
from xml.sax.saxutils import escape

from PIL import Image

from trace.core.labels.matrix import QUIET_ZONE, Engine, Level, Matrix, qr_matrix


def matrix_svg(matrix: Matrix, *, quiet_zone: int = QUIET_ZONE, title: str = "") -> str:
    """An SVG document that scales freely: one unit a module, one path for all dark runs."""
    side = matrix.size + 2 * quiet_zone
    path = "".join(
        f"M{x + quiet_zone} {y + quiet_zone}h{length}v1h-{length}z"
        for x, y, length in matrix.runs()
    )
    # A picture needs a name for those who hear the page; an unnamed one is decoration.
    name = f"<title>{escape(title)}</title>" if title else ""
    role = 'role="img"' if title else 'aria-hidden="true"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" {role}'
        f' shape-rendering="crispEdges">{name}<path fill="#fff" d="M0 0h{side}v{side}H0z"/>'
        f'<path d="{path}"/></svg>'
    )


def matrix_png(matrix: Matrix, *, quiet_zone: int = QUIET_ZONE, scale: int = 8) -> bytes:
    """A black-and-white PNG, `scale` pixels a module."""
    light = bytes(255 - byte for row in matrix.rows for byte in row)
    code = Image.frombytes("1", (matrix.size, matrix.size), light)
    side = matrix.size + 2 * quiet_zone
    picture = Image.new("1", (side, side), 1)
    picture.paste(code, (quiet_zone, quiet_zone))
    out = BytesIO()
    picture.resize((side * scale, side * scale), Image.Resampling.NEAREST).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def qr_svg(text: str, *, level: Level = "M", engine: Engine = "qrcode", title: str = "") -> str:
    """The code of `text` as an SVG document with a quiet zone of four modules."""
    return matrix_svg(qr_matrix(text, level=level, engine=engine), title=title)


def qr_png(text: str, *, level: Level = "M", engine: Engine = "qrcode", scale: int = 8) -> bytes:
    """The code of `text` as a PNG with a quiet zone of four modules, `scale` pixels a module."""
    return matrix_png(qr_matrix(text, level=level, engine=engine), scale=scale)
