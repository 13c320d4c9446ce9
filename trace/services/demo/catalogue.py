"""What the demo world grows with: crops and inputs. All names of inputs are invented.

No openly licensed list of pesticides with their intervals exists, and real products must not be
misjudged by a demonstration: every input is called "Demo", and its interval is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from trace.services.diary import Input


@dataclass(frozen=True, slots=True)
class Crop:
    """A leaf vegetable: `days` from sowing to harvest, `harvest` in kg from one plot."""

    key: str
    name: str
    name_en: str
    variety: str
    days: int
    harvest: tuple[int, int]
    pest: str


LEAFY: Final = (
    Crop("caingot", "Cải ngọt", "Choy sum", "Cải ngọt cọng xanh", 32, (90, 160), "bọ nhảy"),
    Crop(
        "raumuong", "Rau muống", "Water spinach", "Rau muống lá tre", 28, (120, 220), "sâu khoang"
    ),
    Crop("montoi", "Mồng tơi", "Malabar spinach", "Mồng tơi lá to", 33, (90, 150), "đốm mắt cua"),
    Crop("xalach", "Xà lách", "Lettuce", "Xà lách lô lô xanh", 36, (70, 130), "rệp"),
)
CROPS: Final = {crop.key: crop for crop in LEAFY}


def compost(kilograms: int) -> Input:
    """An organic fertiliser."""
    return Input(
        "Phân hữu cơ Demo", Decimal(kilograms), "kg", reason="bón lót", method="rải và vùi"
    )


def mineral(kilograms: int, reason: str = "bón thúc") -> Input:
    """A mineral fertiliser."""
    return Input("NPK Demo 16-16-8", Decimal(kilograms), "kg", reason=reason, method="rải gốc")


def pesticide(name: str, ingredient: str, days: int, reason: str, millilitres: int) -> Input:
    """A pesticide; `days` is the interval its (invented) label asks for."""
    return Input(
        name,
        Decimal(millilitres),
        "ml",
        active_ingredient=ingredient,
        interval_days=days,
        reason=reason,
        method="phun lá",
        equipment="bình điện 16 lít",
    )


def biological(reason: str) -> Input:
    """A pesticide with a short interval."""
    return pesticide("Thuốc sinh học Demo A", "hoạt chất demo A", 3, reason, 40)


def chemical(reason: str) -> Input:
    """A pesticide with an interval of a week."""
    return pesticide("Thuốc trừ sâu Demo B", "hoạt chất demo B", 7, reason, 25)


def fungicide(reason: str) -> Input:
    """A pesticide with an interval of two weeks."""
    return pesticide("Thuốc trừ nấm Demo C", "hoạt chất demo C", 14, reason, 60)


WATER: Final = Input("Nước giếng khoan", Decimal(2), "m³", method="tưới phun mưa")
FEED: Final = Input("Cám gà đẻ Demo", Decimal(90), "kg", method="cho ăn máng")
VACCINE: Final = Input("Vắc-xin Demo N", Decimal(800), "ml", reason="phòng bệnh", method="nhỏ mắt")
