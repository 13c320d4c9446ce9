"""Sheets of labels as data. All lengths in millimetres, from the page's top left corner."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from trace.core.labels.errors import BadLayout


@dataclass(frozen=True, slots=True)
class SheetLayout:
    """One kind of label stock.

    `text` says where name, lot, weight and dates stand: beside the code or below it; the code in
    clear and the domain always stand under the code. `padding` keeps print off the cut."""

    name: str
    columns: int
    rows: int
    label_width: float
    label_height: float
    left: float = 0.0
    top: float = 0.0
    gap_x: float = 0.0
    gap_y: float = 0.0
    page_width: float = 210.0
    page_height: float = 297.0
    padding: float = 1.5
    font_size: float = 6.5
    text: Literal["beside", "below"] = "beside"

    @property
    def per_page(self) -> int:
        return self.columns * self.rows

    def corner(self, place: int) -> tuple[float, float]:
        """Left and top of the label at `place`, counted row by row from 0."""
        row, column = divmod(place, self.columns)
        return (
            self.left + column * (self.label_width + self.gap_x),
            self.top + row * (self.label_height + self.gap_y),
        )

    def check(self) -> None:
        """BadLayout when the last label reaches over the edge of the page."""
        x, y = self.corner(self.per_page - 1)
        over = 0.01  # rounding of printed millimetres
        if (
            min(self.columns, self.rows) < 1
            or x + self.label_width > self.page_width + over
            or y + self.label_height > self.page_height + over
        ):
            raise BadLayout(layout=self.name)


LAYOUTS: Final[dict[str, SheetLayout]] = {
    layout.name: layout
    for layout in (
        # A4 without margins, cut through: the cheapest stock in stationers' shops.
        SheetLayout("4x10", 4, 10, 52.5, 29.7),
        SheetLayout("3x8", 3, 8, 70.0, 37.0, top=0.5, font_size=7.5),
        SheetLayout("2x7", 2, 7, 99.1, 38.1, left=4.65, top=15.15, gap_x=2.5, font_size=8.5),
        SheetLayout("3x7", 3, 7, 63.5, 38.1, left=7.2, top=15.15, gap_x=2.55, font_size=7.5),
        SheetLayout("2x4", 2, 4, 105.0, 74.0, top=0.5, padding=4.0, font_size=11.0),
        # Rolls of thermal printers: one label a page.
        SheetLayout(
            "roll-58x40", 1, 1, 58.0, 40.0, page_width=58.0, page_height=40.0, font_size=7.0
        ),
        SheetLayout(
            "roll-50x70",
            1,
            1,
            50.0,
            70.0,
            page_width=50.0,
            page_height=70.0,
            padding=2.0,
            font_size=8.0,
            text="below",
        ),
    )
}
