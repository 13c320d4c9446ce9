"""What a column of a spreadsheet is, and the columns that several kinds of sheets share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from trace.schemas import import_labels as words
from trace.schemas.base import Choice, Day, Text
from trace.schemas.records import LotName, Moment, PastDay, Quantity
from trace.services.vocabulary import UNITS


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `ref` says what the words refer to; `labels` what a choice is called."""

    name: str
    vi: str
    en: str
    field: Any
    also: tuple[str, ...] = ()
    required: bool = False
    ref: str = ""
    labels: words.Labels | None = None
    example: str = ""
    hint_vi: str = ""
    hint_en: str = ""
    free: bool = False  # signed and shown: looked through for numbers of people


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of sheet. `events`: its rows are signed events, not rows of a catalogue."""

    key: str
    vi: str
    en: str
    columns: tuple[Column, ...]
    events: bool = True

    def column(self, name: str) -> Column:
        return next(one for one in self.columns if one.name == name)


def text(limit: int = 200) -> Text:
    """Words of one line."""
    return Text(limit)


WHEN = Column(
    "when",
    "Ngày giờ",
    "Date and time",
    Moment(),
    ("ngày", "thời gian", "ngày làm", "ngày ghi", "date", "time"),
    required=True,
    example="20/11/2026 07:30",
    hint_vi="Ngày trước tháng: 20/11/2026 hoặc 20/11/2026 07:30.",
    hint_en="Day first: 20/11/2026 or 20/11/2026 07:30.",
)
PLACE = Column(
    "place",
    "Nơi",
    "Place",
    text(),
    ("nơi làm", "thửa", "địa điểm", "vườn", "ruộng", "plot"),
    ref="place",
    example="Vườn B2",
    hint_vi="Tên hoặc mã một nơi của bạn.",
    hint_en="Name or code of one of your places.",
)
HOUSEHOLD = Column(
    "household",
    "Hộ",
    "Household",
    text(),
    ("mã hộ", "hộ làm", "hộ thành viên", "member"),
    ref="household",
    example="H07",
    hint_vi="Mã hộ thành viên làm việc này.",
    hint_en="Code of the member household that did it.",
)
NOTE = Column(
    "note",
    "Ghi chú",
    "Note",
    Text(1000, lines=True),
    ("ghi chu them", "remarks"),
    free=True,
    hint_vi="Hiện công khai: đừng ghi số điện thoại.",
    hint_en="Public: no phone numbers.",
)
PRODUCT = Column(
    "product",
    "Sản phẩm",
    "Product",
    text(),
    ("tên sản phẩm", "cây trồng", "giống cây", "crop"),
    ref="product?",
    required=True,
    example="Cải ngọt",
    free=True,
    hint_vi="Tên, mã hoặc GTIN sản phẩm của bạn; tên khác cũng được.",
    hint_en="Name, code or GTIN of your product; another name will do.",
)
QUANTITY = Column(
    "quantity",
    "Số lượng",
    "Quantity",
    Quantity(),
    ("khối lượng", "sản lượng", "kg", "số kg", "weight", "amount"),
    example="480",
)
UNIT = Column(
    "unit",
    "Đơn vị",
    "Unit",
    Choice([one.key for one in UNITS]),
    ("đơn vị tính", "đvt"),
    labels=words.UNIT_LABELS,
    example="kg",
    hint_vi="Bỏ trống là kg.",
    hint_en="Empty means kg.",
)
VARIETY = Column(
    "variety", "Giống", "Variety", text(), ("tên giống",), example="Bông vàng", free=True
)
CYCLE = Column(
    "cycle",
    "Mã vụ",
    "Planting",
    text(),
    ("vụ", "vụ trồng", "mã vụ trồng", "lứa", "cycle"),
    required=True,
    ref="cycle",
    example="7K3QM-P2XV4",
    hint_vi="Mã vụ trồng, xem ở trang Vụ trồng.",
    hint_en="Code of the planting, as its page shows it.",
)
LOT_FACTS: Final = (
    Column("lot", "Tên lô", "Lot", LotName(), ("lô", "số lô", "mã lô", "lot number", "batch")),
    VARIETY,
    Column("first_day", "Thu từ ngày", "Harvested from", PastDay(), ("ngày thu hoạch", "ngày thu")),
    Column("last_day", "Thu đến ngày", "Harvested to", PastDay()),
    Column("use_by", "Hạn sử dụng", "Use by", Day(), ("hsd", "hạn dùng", "expiry")),
    Column("best_before", "Ngon nhất trước", "Best before", Day()),
)


def need(column: Column, **changes: Any) -> Column:
    """The column, to be filled in this kind of sheet."""
    return replace(column, **{"required": True, **changes})
