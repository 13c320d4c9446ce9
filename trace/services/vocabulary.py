"""The words records are made of: steps, units, declarations; Vietnamese labels are msgids.

EPCIS writes a standard step bare ("shipping") and one of ours with our prefix ("trace:spraying");
`context` is the JSON-LD context under which that is true. Units: people weigh in kg, tạ and tấn and
count in quả, bó and thùng; an event carries a UN/ECE Recommendation 20 code (21 for packages), and
no code at all where whole trade items are counted (EPCIS 2.0, section 7.3.3.3).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from trace.core.epcis.vocabulary import OWN_STEPS, event_context
from trace.core.history import reading

bare_step = reading.bare_step  # the word alone: one reading for pages and verifiers


def context(id_base: str) -> list[str | dict[str, str]]:
    """The `@context` of events made here."""
    return event_context(id_base)


def step(word: str) -> str:
    """The bizStep as an event carries it: ours with the prefix, the standard's bare."""
    return f"trace:{word}" if word in OWN_STEPS else word


# What people call each step: the farmer's word first.
STEP_LABELS: Final = {
    "sowing": "Gieo",
    "transplanting": "Trồng",
    "irrigating": "Tưới",
    "fertilising": "Bón phân",
    "spraying": "Phun thuốc",
    "weeding": "Làm cỏ",
    "pruning": "Tỉa cành, vặt lá",
    "field_observation": "Thăm đồng",
    "feeding": "Cho ăn",
    "vaccinating": "Tiêm phòng",
    "egg_collecting": "Nhặt trứng",
    "harvesting": "Thu hoạch",
    "processing": "Chế biến",
    "milling": "Xay xát",
    "mixing": "Gộp lô",
    "splitting": "Tách lô",
    "cooling": "Làm lạnh",
    "grading": "Phân loại",
    "washing": "Rửa",
    "recalling": "Thu hồi",
    "commissioning": "Bắt đầu nuôi",
    "creating_class_instance": "Đăng ký lô",
    "packing": "Đóng gói",
    "repackaging": "Đóng gói lại",
    "unpacking": "Dỡ hàng",
    "storing": "Bảo quản",
    "sensor_reporting": "Đo bằng cảm biến",
    "shipping": "Giao hàng",
    "departing": "Xuất phát",
    "arriving": "Đến nơi",
    "transporting": "Vận chuyển",
    "receiving": "Nhận hàng",
    "accepting": "Chấp nhận hàng",
    "retail_selling": "Bán lẻ",
    "stocking": "Bày bán",
    "inspecting": "Kiểm tra",
    "sampling": "Lấy mẫu",
    "holding": "Tạm giữ",
    "destroying": "Tiêu huỷ",
    "decommissioning": "Chuyển mục đích sử dụng",
    "void_shipping": "Hàng bị từ chối đã về bên giao",
    "refusing": "Từ chối nhận hàng",
    "answered_by_link": "Nhận qua đường dẫn, không có tài khoản",
    "closing": "Ngừng hoạt động",
    "handing_on": "Chuyển hồ sơ",
    "taking_over": "Nhận kế thừa hồ sơ",
    "rectifying": "Bên kế thừa nói lại cho đúng",
}


def step_label(biz_step: str | None) -> str:
    """The Vietnamese word (a msgid) for a step; an unknown step is shown as it stands."""
    word = bare_step(biz_step)
    return STEP_LABELS.get(word, word or "Ghi nhận")


# What a series is of, by the unit (UN/ECE Recommendation 20) that its reports carry.
SERIES: Final = {"CEL": "temperature", "P1": "humidity", "MMT": "rainfall", "GQ": "fine-dust"}
_MEASURED: Final = {
    "temperature": "Đo nhiệt độ",
    "humidity": "Đo độ ẩm",
    "rainfall": "Đo lượng mưa",
    "fine-dust": "Đo bụi mịn",
}


def measured_label(kinds: Collection[str]) -> str:
    """The Vietnamese word (a msgid) for a report of sensors on these measures of SERIES."""
    several = STEP_LABELS["sensor_reporting"]
    return _MEASURED.get(next(iter(kinds)), several) if len(kinds) == 1 else several


def line_label(document: Mapping[str, Any]) -> str:
    """The word for an event's step; what sensors report is called by what they measured."""
    word = document.get("bizStep")
    if bare_step(word) != "sensor_reporting":
        return step_label(word)
    reports = [
        report
        for element in _objects(document.get("sensorElementList"))
        for report in _objects(element.get("sensorReport"))
    ]
    return measured_label({SERIES[one["uom"]] for one in reports if one.get("uom") in SERIES})


def _objects(value: object) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


@dataclass(frozen=True, slots=True)
class Unit:
    """How people measure: one `name` is `factor` of the unit `uom` that an event carries."""

    key: str
    name: str
    uom: str  # "" counts trade items
    factor: Decimal = Decimal(1)


UNITS: Final = (
    Unit("kg", "kg", "KGM"),
    Unit("ta", "tạ", "KGM", Decimal(100)),
    Unit("tan", "tấn", "KGM", Decimal(1000)),
    Unit("yen", "yến", "KGM", Decimal(10)),
    Unit("gam", "gam", "KGM", Decimal("0.001")),
    Unit("qua", "quả", "H87"),
    Unit("con", "con", "HEA"),
    Unit("goi", "gói", ""),
    Unit("bo", "bó", "XBH"),
    Unit("thung", "thùng", "XCT"),
    Unit("sot", "sọt", "XCR"),
    Unit("bao", "bao", "XBG"),
    Unit("lit", "lít", "LTR"),
)
UNITS_BY_KEY: Final = {unit.key: unit for unit in UNITS}
# The name an amount is shown with; the first unit of factor one for each code.
UOM_NAMES: Final = {
    **{unit.uom: unit.name for unit in reversed(UNITS) if unit.factor == 1},
    "TNE": "tấn",
    "GRM": "gam",
}
UOM_KEYS: Final = {unit.uom: unit.key for unit in reversed(UNITS) if unit.factor == 1}


@dataclass(frozen=True, slots=True)
class Amount:
    """A quantity with the unit code an event carries ("" counts trade items)."""

    quantity: Decimal
    uom: str = "KGM"


def amount(number: Decimal, unit_key: str) -> Amount:
    """What was typed, in the unit an event carries: 2 tạ are 200 KGM.

    Raises KeyError for a unit that is not on the list (forms check it first).
    """
    unit = UNITS_BY_KEY[unit_key]
    return Amount((number * unit.factor).normalize(), unit.uom)


def uom_name(uom: str | None) -> str:
    """What people call the unit; a code we do not know is shown as it stands."""
    return UOM_NAMES.get(uom or "", uom or "")


# The units inputs are measured in: text for people, as the label of the product has it.
INPUT_UNITS: Final = ("kg", "gam", "lít", "ml", "bao", "gói", "chai", "m³", "giờ")
# A sào and a mẫu (ten sào) differ by region: the unit is written with its region.
AREA_UNITS: Final = {
    "m2": "m²",
    "sao": "sào Bắc Bộ (360 m²)",
    "sao-trung-bo": "sào Trung Bộ (500 m²)",
    "mau": "mẫu Bắc Bộ (3.600 m²)",
    "mau-trung-bo": "mẫu Trung Bộ (5.000 m²)",
    "ha": "ha",
}
AREA_FACTORS: Final = {
    "m2": Decimal(1),
    "sao": Decimal(360),
    "sao-trung-bo": Decimal(500),
    "mau": Decimal(3600),
    "mau-trung-bo": Decimal(5000),
    "ha": Decimal(10_000),
}
AREA_NAMES: Final = {
    "m2": "m²",
    "sao": "sào Bắc Bộ",
    "sao-trung-bo": "sào Trung Bộ",
    "mau": "mẫu Bắc Bộ",
    "mau-trung-bo": "mẫu Trung Bộ",
    "ha": "ha",
}
DECLARATIONS: Final = {
    "fertiliser": "phân bón",
    "pesticide": "thuốc bảo vệ thực vật",
    "irrigation": "nước tưới",
}
CYCLE_KINDS: Final = {
    "crop": "Cây trồng",
    "flock": "Đàn nuôi",
    "pond": "Ao nuôi",
}
FIELD_STEPS: Final = {
    "crop": (
        "irrigating",
        "fertilising",
        "spraying",
        "weeding",
        "pruning",
        "field_observation",
    ),
    "flock": ("feeding", "vaccinating", "field_observation"),
    "pond": ("feeding", "vaccinating", "field_observation"),
}
START_STEPS: Final = {
    "crop": ("sowing", "transplanting"),
    "flock": ("commissioning",),
    "pond": ("commissioning",),
}
HARVEST_STEPS: Final = ("harvesting", "egg_collecting")
PROCESS_STEPS: Final = (
    "processing",
    "milling",
    "washing",
    "grading",
    "splitting",
    "mixing",
    "packing",
    "repackaging",
)
STORE_STEPS: Final = ("storing", "cooling", "sensor_reporting")
