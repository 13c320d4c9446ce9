"""The kinds of spreadsheets that are read, and the columns of each with their headings in both
languages. The template, the recognition of headings and the reading of rows follow this table.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final

from trace.models.places import KINDS as PLACE_KINDS
from trace.models.products import CATEGORIES
from trace.schemas import import_labels as words
from trace.schemas.base import Choice, Day, Number, Text, WardCode, Whole
from trace.schemas.households import HouseholdCode
from trace.schemas.identifiers import Gln, Gtin
from trace.schemas.people import Phone
from trace.schemas.places import Degrees
from trace.schemas.records import LotName, Moment, PastDay, Quantity
from trace.services.vocabulary import AREA_UNITS, UNITS


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


def _text(limit: int = 200) -> Text:
    return Text(limit)


_WHEN = Column(
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
_PLACE = Column(
    "place",
    "Nơi",
    "Place",
    _text(),
    ("nơi làm", "thửa", "địa điểm", "vườn", "ruộng", "plot"),
    ref="place",
    example="Vườn B2",
    hint_vi="Tên hoặc mã một nơi của bạn.",
    hint_en="Name or code of one of your places.",
)
_HOUSEHOLD = Column(
    "household",
    "Hộ",
    "Household",
    _text(),
    ("mã hộ", "hộ làm", "hộ thành viên", "member"),
    ref="household",
    example="H07",
    hint_vi="Mã hộ thành viên làm việc này.",
    hint_en="Code of the member household that did it.",
)
_NOTE = Column(
    "note",
    "Ghi chú",
    "Note",
    Text(1000, lines=True),
    ("ghi chu them", "remarks"),
    free=True,
    hint_vi="Hiện công khai: đừng ghi số điện thoại.",
    hint_en="Public: no phone numbers.",
)
_PRODUCT = Column(
    "product",
    "Sản phẩm",
    "Product",
    _text(),
    ("tên sản phẩm", "cây trồng", "giống cây", "crop"),
    ref="product?",
    required=True,
    example="Cải ngọt",
    free=True,
    hint_vi="Tên, mã hoặc GTIN sản phẩm của bạn; tên khác cũng được.",
    hint_en="Name, code or GTIN of your product; another name will do.",
)
_QUANTITY = Column(
    "quantity",
    "Số lượng",
    "Quantity",
    Quantity(),
    ("khối lượng", "sản lượng", "kg", "số kg", "weight", "amount"),
    example="480",
)
_UNIT = Column(
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
_VARIETY = Column(
    "variety", "Giống", "Variety", _text(), ("tên giống",), example="Bông vàng", free=True
)
_CYCLE = Column(
    "cycle",
    "Mã vụ",
    "Planting",
    _text(),
    ("vụ", "vụ trồng", "mã vụ trồng", "lứa", "cycle"),
    required=True,
    ref="cycle",
    example="7K3QM-P2XV4",
    hint_vi="Mã vụ trồng, xem ở trang Vụ trồng.",
    hint_en="Code of the planting, as its page shows it.",
)
_LOT_FACTS: Final = (
    Column("lot", "Tên lô", "Lot", LotName(), ("lô", "số lô", "mã lô", "lot number", "batch")),
    _VARIETY,
    Column("first_day", "Thu từ ngày", "Harvested from", PastDay(), ("ngày thu hoạch", "ngày thu")),
    Column("last_day", "Thu đến ngày", "Harvested to", PastDay()),
    Column("use_by", "Hạn sử dụng", "Use by", Day(), ("hsd", "hạn dùng", "expiry")),
    Column("best_before", "Ngon nhất trước", "Best before", Day()),
)


def _need(column: Column, **changes: Any) -> Column:
    return replace(column, **{"required": True, **changes})


KINDS: Final = {
    kind.key: kind
    for kind in (
        Kind(
            "households",
            "Hộ thành viên",
            "Households",
            (
                Column(
                    "code",
                    "Mã hộ",
                    "Household code",
                    HouseholdCode(),
                    ("mã", "hộ"),
                    required=True,
                    example="H07",
                    hint_vi="Hiện công khai thay cho tên.",
                    hint_en="Shown in public instead of the name.",
                ),
                Column(
                    "name",
                    "Tên hộ",
                    "Name",
                    _text(),
                    ("họ tên", "tên chủ hộ", "chủ hộ"),
                    example="Nguyễn Văn Mẫu",
                    hint_vi="Không công khai.",
                    hint_en="Private.",
                ),
                Column(
                    "phone",
                    "Điện thoại",
                    "Phone",
                    Phone(),
                    ("số điện thoại", "sđt"),
                    hint_vi="Không công khai.",
                    hint_en="Private.",
                ),
                Column(
                    "ward_code",
                    "Xã, phường",
                    "Ward",
                    WardCode(),
                    ("xã", "phường", "địa chỉ xã"),
                    ref="ward",
                    example="Xã Đan Phượng, Hà Nội",
                ),
            ),
            events=False,
        ),
        Kind(
            "places",
            "Nơi chốn",
            "Places",
            (
                Column(
                    "name",
                    "Tên nơi",
                    "Place name",
                    _text(),
                    ("tên", "nơi", "tên thửa"),
                    required=True,
                    example="Vườn B2",
                ),
                Column(
                    "kind",
                    "Loại nơi",
                    "Kind of place",
                    Choice(PLACE_KINDS),
                    ("loại",),
                    required=True,
                    labels=words.PLACE_LABELS,
                    example="Thửa, lô đất",
                ),
                Column(
                    "ward_code",
                    "Xã, phường",
                    "Ward",
                    WardCode(),
                    ("xã", "phường"),
                    required=True,
                    ref="ward",
                    example="Xã Đan Phượng, Hà Nội",
                ),
                Column(
                    "household_id",
                    "Hộ",
                    "Household",
                    _text(),
                    ("mã hộ", "hộ thành viên"),
                    ref="household",
                    example="H07",
                ),
                Column(
                    "area_m2",
                    "Diện tích (m²)",
                    "Area (m²)",
                    Number(least=0, most=1_000_000_000, decimals=2),
                    ("diện tích", "area"),
                    example="720",
                ),
                Column(
                    "latitude",
                    "Vĩ độ",
                    "Latitude",
                    Degrees(90),
                    ("lat",),
                    hint_vi="Độ thập phân, ví dụ 21.0931. Không công khai.",
                    hint_en="Decimal degrees, private.",
                ),
                Column("longitude", "Kinh độ", "Longitude", Degrees(180), ("lon", "lng")),
                Column("address", "Địa chỉ", "Address", _text(300)),
                Column(
                    "planting_area_code",
                    "Mã vùng trồng",
                    "Planting-area code",
                    _text(60),
                    ("mã số vùng trồng", "puc"),
                ),
                Column("gln", "GLN", "GLN", Gln()),
                Column("name_en", "Tên tiếng Anh", "Name in English", _text()),
                Column(
                    "public",
                    "Công khai tên",
                    "Name is public",
                    Choice(("yes", "no")),
                    labels=words.YES,
                    hint_vi="Bỏ trống là có.",
                    hint_en="Empty means yes.",
                ),
            ),
            events=False,
        ),
        Kind(
            "products",
            "Sản phẩm",
            "Products",
            (
                Column(
                    "name",
                    "Tên sản phẩm",
                    "Product name",
                    _text(),
                    ("tên", "sản phẩm"),
                    required=True,
                    example="Cải ngọt, gói 300 g",
                ),
                Column(
                    "category",
                    "Nhóm",
                    "Category",
                    Choice(CATEGORIES),
                    ("loại", "nhóm hàng"),
                    required=True,
                    labels=words.CATEGORY_LABELS,
                    example="Rau ăn lá",
                ),
                Column(
                    "unit",
                    "Đơn vị",
                    "Unit",
                    Choice(words.PACK_LABELS),
                    ("đơn vị tính", "đvt"),
                    required=True,
                    labels=words.PACK_LABELS,
                    example="kg",
                ),
                Column(
                    "gtin",
                    "GTIN",
                    "GTIN",
                    Gtin(),
                    ("mã vạch", "barcode", "ean"),
                    hint_vi="Bỏ trống nếu chưa có mã vạch.",
                    hint_en="Empty where there is no barcode.",
                ),
                Column(
                    "net_weight",
                    "Khối lượng tịnh (kg)",
                    "Net weight (kg)",
                    Number(least=0, most=100_000, decimals=6),
                    ("khối lượng", "net weight"),
                    example="0,3",
                ),
                Column(
                    "shelf_life_days",
                    "Số ngày để được",
                    "Shelf life (days)",
                    Whole(least=1, most=3650),
                    ("hạn dùng", "số ngày sử dụng"),
                ),
                Column(
                    "use_by",
                    "Là hạn dùng",
                    "Is a use-by date",
                    Choice(("yes", "no")),
                    labels=words.YES,
                ),
                Column("description", "Mô tả", "Description", Text(1000, lines=True)),
                Column("name_en", "Tên tiếng Anh", "Name in English", _text()),
            ),
            events=False,
        ),
        Kind(
            "cycles",
            "Vụ trồng, lứa nuôi",
            "Plantings",
            (
                _WHEN,
                Column(
                    "step",
                    "Bắt đầu bằng",
                    "Begun by",
                    Choice(words.START_LABELS),
                    ("cách bắt đầu", "việc"),
                    labels=words.START_LABELS,
                    example="Gieo",
                    hint_vi="Bỏ trống là gieo.",
                    hint_en="Empty means sowing.",
                ),
                _PRODUCT,
                _PLACE,
                _VARIETY,
                Column("area", "Diện tích", "Area", Quantity(), example="720"),
                Column(
                    "area_unit",
                    "Đơn vị diện tích",
                    "Area unit",
                    Choice(AREA_UNITS),
                    labels=words.AREA_LABELS,
                    example="m²",
                    hint_vi="Bỏ trống là m².",
                    hint_en="Empty means m².",
                ),
                _QUANTITY,
                _UNIT,
                Column(
                    "seed_source",
                    "Nguồn giống",
                    "Seed source",
                    _text(300),
                    ("nơi mua giống",),
                    free=True,
                ),
                _HOUSEHOLD,
                _NOTE,
            ),
        ),
        Kind(
            "lots",
            "Lô hàng",
            "Lots",
            (
                _WHEN,
                _PRODUCT,
                _need(_QUANTITY),
                _UNIT,
                *_LOT_FACTS,
                _PLACE,
                _HOUSEHOLD,
                _NOTE,
            ),
        ),
        Kind(
            "diary",
            "Nhật ký",
            "Diary",
            (
                _WHEN,
                _CYCLE,
                Column(
                    "step",
                    "Việc",
                    "Work",
                    Choice(words.WORK_LABELS),
                    ("công việc", "việc làm", "hoạt động", "activity"),
                    required=True,
                    labels=words.WORK_LABELS,
                    example="Phun thuốc",
                ),
                Column(
                    "name",
                    "Tên vật tư",
                    "Product used",
                    _text(),
                    ("tên thuốc", "tên phân", "vật tư", "thuốc", "phân bón", "input"),
                    example="Thuốc mẫu 1.8EC",
                    free=True,
                ),
                Column(
                    "amount",
                    "Lượng dùng",
                    "Amount used",
                    Quantity(),
                    ("liều lượng", "lượng", "số lượng"),
                    example="30",
                ),
                Column("unit", "Đơn vị", "Unit", _text(20), ("đơn vị tính", "đvt"), example="ml"),
                Column("active_ingredient", "Hoạt chất", "Active ingredient", _text(), free=True),
                Column(
                    "interval_days",
                    "Cách ly (ngày)",
                    "Days before harvest",
                    Whole(least=0, most=365),
                    ("thời gian cách ly", "phi", "cách ly"),
                    example="7",
                    hint_vi="Số ngày ghi trên nhãn.",
                    hint_en="Days that the label asks for.",
                ),
                Column(
                    "reason",
                    "Lý do",
                    "Reason",
                    _text(300),
                    ("đối tượng phòng trừ", "sâu bệnh"),
                    free=True,
                ),
                Column("method", "Cách làm", "Method", _text(), ("phương pháp",), free=True),
                Column("equipment", "Dụng cụ", "Equipment", _text(), ("thiết bị",), free=True),
                _PLACE,
                _HOUSEHOLD,
                _NOTE,
            ),
        ),
        Kind(
            "harvests",
            "Thu hoạch",
            "Harvests",
            (
                _WHEN,
                _CYCLE,
                _need(_QUANTITY),
                _UNIT,
                _need(
                    _PRODUCT,
                    required=False,
                    hint_vi="Bỏ trống là sản phẩm của vụ.",
                    hint_en="Empty means the planting's own.",
                ),
                *_LOT_FACTS,
                _PLACE,
                _HOUSEHOLD,
                _NOTE,
            ),
        ),
        Kind(
            "shipments",
            "Giao hàng",
            "Shipments out",
            (
                _WHEN,
                Column(
                    "lot",
                    "Lô",
                    "Lot",
                    _text(),
                    ("tên lô", "số lô", "mã lô"),
                    required=True,
                    ref="lot",
                    example="L2611",
                ),
                _QUANTITY,
                _UNIT,
                Column(
                    "taker",
                    "Bên nhận",
                    "Receiver",
                    _text(),
                    ("người mua", "khách hàng", "buyer"),
                    ref="organisation",
                    hint_vi="Tên hoặc mã tổ chức có trên hệ thống; bỏ trống nếu không có.",
                    hint_en="An organisation registered here, or empty.",
                ),
                _PLACE,
                _NOTE,
            ),
        ),
    )
}
