"""What people call the choices of spreadsheets: the word we show first, then others in use.

Words are compared without case and diacritics, in both languages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from trace.services.vocabulary import AREA_UNITS, UNITS
from trace.services.vocabulary import STEP_LABELS as NAMES_OF_STEPS

Labels = Mapping[str, Sequence[str]]  # key -> the words that mean it; the first is shown

PLACE_LABELS: Final[Labels] = {
    "plot": ("Thửa, lô đất", "plot", "thửa", "ruộng", "vườn", "lô đất", "field"),
    "greenhouse": ("Nhà màng, nhà lưới", "greenhouse", "nhà màng", "nhà lưới"),
    "pond": ("Ao nuôi", "pond", "ao"),
    "barn": ("Chuồng trại", "barn", "chuồng", "trại"),
    "packhouse": ("Nhà sơ chế, đóng gói", "packhouse", "nhà sơ chế", "nhà đóng gói"),
    "mill": ("Nhà máy xay xát", "mill"),
    "cold-store": ("Kho lạnh", "cold store"),
    "warehouse": ("Kho", "warehouse"),
    "market": ("Chợ", "market"),
    "stall": ("Sạp, quầy", "stall", "sạp", "quầy"),
    "shop": ("Cửa hàng", "shop"),
    "port": ("Cảng, cửa khẩu", "port", "cảng", "cửa khẩu"),
    "vehicle": ("Xe, tàu chở hàng", "vehicle", "xe", "xe tải", "tàu", "thuyền"),
    "other": ("Nơi khác", "other", "khác"),
}
CATEGORY_LABELS: Final[Labels] = {
    "leaf-vegetable": ("Rau ăn lá", "leaf vegetable"),
    "fruit-vegetable": ("Rau ăn quả", "fruit vegetable"),
    "root-vegetable": ("Rau ăn củ", "root vegetable"),
    "herb": ("Rau gia vị", "herb"),
    "fruit": ("Quả, trái cây", "fruit", "quả", "trái cây"),
    "rice": ("Gạo, lúa", "rice", "gạo", "lúa"),
    "egg": ("Trứng", "egg"),
    "meat": ("Thịt", "meat"),
    "fish": ("Thủy sản", "fish", "thuỷ sản", "cá"),
    "tea": ("Chè, cà phê", "tea", "chè", "cà phê", "coffee"),
    "mushroom": ("Nấm", "mushroom"),
    "processed": ("Đồ chế biến", "processed"),
    "other": ("Loại khác", "other", "khác"),
}
UNIT_LABELS: Final[Labels] = {one.key: (one.name,) for one in UNITS}
PACK_LABELS: Final[Labels] = {one.uom: (one.name,) for one in UNITS if one.factor == 1}
AREA_LABELS: Final[Labels] = {
    key: (
        name,
        key,
        *(("m2", "mét vuông") if key == "m2" else ()),
        *(("sào",) if key == "sao" else ()),
    )
    for key, name in AREA_UNITS.items()
}
YES: Final[Labels] = {
    "yes": ("Có", "yes", "x", "true", "1", "đúng"),
    "no": ("Không", "no", "false", "0"),
}
START_LABELS: Final[Labels] = {
    "sowing": ("Gieo", "sowing", "gieo hạt", "gieo sạ"),
    "transplanting": ("Trồng", "transplanting", "planting", "cấy", "trồng cây con"),
    "commissioning": ("Bắt đầu nuôi", "stocking", "thả nuôi", "vào đàn"),
}
_ALSO_STEP: Final = {
    "irrigating": ("irrigating", "watering", "tưới nước"),
    "fertilising": ("fertilising", "fertilizing", "bón"),
    "spraying": ("spraying", "phun", "phun thuốc bvtv"),
    "weeding": ("weeding",),
    "pruning": ("pruning", "tỉa", "tỉa cành"),
    "field_observation": ("field observation", "kiểm tra đồng ruộng"),
    "feeding": ("feeding",),
    "vaccinating": ("vaccinating", "tiêm", "vắc xin"),
}
WORK_LABELS: Final[Labels] = {key: (NAMES_OF_STEPS[key], *more) for key, more in _ALSO_STEP.items()}
# What these steps put on a crop is the point of them.
TREATMENTS: Final = ("fertilising", "spraying", "vaccinating")
