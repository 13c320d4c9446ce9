"""Where the label font is: Roboto from the `font-roboto` package (Apache-2.0, covers Vietnamese),
else DejaVu Sans or Noto Sans of the system. Core takes bytes; this is the place that reads files.
Papers drawn with reportlab name the same two as REGULAR and BOLD.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from trace.core.labels import SheetFonts
from trace.errors import TraceError

_SYSTEM: Final = (
    ("/usr/share/fonts/truetype/dejavu", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/dejavu-sans-fonts", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/TTF", "DejaVuSans.ttf", "DejaVuSans-Bold.ttf"),
    ("/usr/share/fonts/truetype/noto", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
    ("/usr/share/fonts/noto", "NotoSans-Regular.ttf", "NotoSans-Bold.ttf"),
)


REGULAR: Final = "TracePaper"
BOLD: Final = "TracePaperBold"


class NoFont(TraceError):
    code = "no-font"
    status = 500
    message = "No font with Vietnamese letters was found; install the package font-roboto."


def _candidates() -> Iterator[tuple[Path, Path]]:
    spec = find_spec("font_roboto")
    if spec is not None and spec.origin is not None:
        files = Path(spec.origin).parent / "files"
        yield files / "Roboto-Regular.ttf", files / "Roboto-Bold.ttf"
    for folder, regular, bold in _SYSTEM:
        yield Path(folder, regular), Path(folder, bold)


def find_font() -> tuple[Path, Path]:
    """Paths of the regular and the bold font file, or NoFont."""
    for regular, bold in _candidates():
        if regular.is_file() and bold.is_file():
            return regular, bold
    raise NoFont


@lru_cache(maxsize=1)
def sheet_fonts() -> SheetFonts:
    """The two fonts as bytes, read once a process."""
    regular, bold = find_font()
    return SheetFonts(regular.read_bytes(), bold.read_bytes())


@cache
def register_paper_fonts() -> None:
    """Tells the drawing library, which knows fonts by name in the whole process, where REGULAR and
    BOLD are; once a process, and always both. Raises NoFont."""
    regular, bold = find_font()
    pdfmetrics.registerFont(TTFont(REGULAR, str(regular)))
    pdfmetrics.registerFont(TTFont(BOLD, str(bold)))
