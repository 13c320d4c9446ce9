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
    continuous: bool = False  # receipt paper: no gap between labels

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
        SheetLayout("3x9", 3, 9, 70.0, 32.0, top=4.5, font_size=7.0),
        SheetLayout("3x10", 3, 10, 70.0, 29.7, font_size=7.0),
        SheetLayout("2x8", 2, 8, 105.0, 37.0, top=0.5, font_size=8.5),
        SheetLayout("2x5", 2, 5, 105.0, 57.0, top=6.0, padding=3.0, font_size=10.0),
        SheetLayout("1x2", 1, 2, 210.0, 148.5, padding=8.0, font_size=18.0),
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
        SheetLayout(
            "roll-40x30", 1, 1, 40.0, 30.0, page_width=40.0, page_height=30.0, font_size=5.5
        ),
        SheetLayout(
            "roll-70x50", 1, 1, 70.0, 50.0, page_width=70.0, page_height=50.0, font_size=8.5
        ),
        SheetLayout(
            "roll-100x150",
            1,
            1,
            100.0,
            150.0,
            page_width=100.0,
            page_height=150.0,
            padding=4.0,
            font_size=14.0,
            text="below",
        ),
        # Receipt printers: the head prints 48 mm of 58 mm paper, 72 mm of 80 mm.
        SheetLayout(
            "receipt-58",
            1,
            1,
            48.0,
            62.0,
            page_width=48.0,
            page_height=62.0,
            font_size=8.5,
            text="below",
            continuous=True,
        ),
        SheetLayout(
            "receipt-80",
            1,
            1,
            72.0,
            80.0,
            page_width=72.0,
            page_height=80.0,
            padding=2.0,
            font_size=10.0,
            text="below",
            continuous=True,
        ),
    )
}


def custom_layout(
    columns: int,
    rows: int,
    label_width: float,
    label_height: float,
    *,
    left: float = 0.0,
    top: float = 0.0,
    gap_x: float = 0.0,
    gap_y: float = 0.0,
) -> SheetLayout:
    """Stock measured with a ruler: one label is a roll, more are cells of an A4 page. Raises
    BadLayout when they reach over its edge."""
    roll = columns == rows == 1 and left == top == 0
    size = min(label_width * 0.11, label_height * 0.2)
    layout = SheetLayout(
        f"{label_width:g}x{label_height:g}",
        columns,
        rows,
        label_width,
        label_height,
        left=left,
        top=top,
        gap_x=gap_x,
        gap_y=gap_y,
        page_width=label_width if roll else 210.0,
        page_height=label_height if roll else 297.0,
        font_size=max(5.5, min(14.0, size)),
        text="below" if label_height > label_width else "beside",
    )
    layout.check()
    return layout
