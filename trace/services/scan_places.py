"""Where a scan comes from, coarsely: a province, rarely a ward, mostly nobody knows.

Nothing is asked of the phone and nothing of any service. The one source is a table of networks in
the format of MaxMind DB (.mmdb), which the operator may install and name in TRACE_SCAN_PLACES; none
comes with the product, and without one every place is unknown. Two kinds of record are read:

1. one of the operator's own: `{"place": "01"}` or `{"place": "00004"}`, a province's or a ward's
   code;
2. one of the published tables of cities: country VN, its first subdivision by code (ISO 3166-2:VN,
   the 63 provinces before July 2025) or by name, taken to the province it lies in now. Where the
   record itself says that it may be more than 100 km off, the place is unknown: that is how mobile
   networks are told, and Hà Nội for all the north would be worse than nothing.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any, Final, Protocol

import maxminddb

from trace.config import BadSetting
from trace.core.folding import fold
from trace.services.wards import find_ward, former_provinces, provinces

TOO_VAGUE_KM: Final = 100
_KIND: Final = re.compile(r"^(thanh pho|tinh) | (city|province)$")
_ISO: Final = """
01 Lai Châu;02 Lào Cai;03 Hà Giang;04 Cao Bằng;05 Sơn La;06 Yên Bái;07 Tuyên Quang;09 Lạng Sơn;
13 Quảng Ninh;14 Hòa Bình;18 Ninh Bình;20 Thái Bình;21 Thanh Hóa;22 Nghệ An;23 Hà Tĩnh;
24 Quảng Bình;25 Quảng Trị;26 Huế;27 Quảng Nam;28 Kon Tum;29 Quảng Ngãi;30 Gia Lai;31 Bình Định;
32 Phú Yên;33 Đắk Lắk;34 Khánh Hòa;35 Lâm Đồng;36 Ninh Thuận;37 Tây Ninh;39 Đồng Nai;
40 Bình Thuận;41 Long An;43 Bà Rịa - Vũng Tàu;44 An Giang;45 Đồng Tháp;46 Tiền Giang;
47 Kiên Giang;49 Vĩnh Long;50 Bến Tre;51 Trà Vinh;52 Sóc Trăng;53 Bắc Kạn;54 Bắc Giang;
55 Bạc Liêu;56 Bắc Ninh;57 Bình Dương;58 Bình Phước;59 Cà Mau;61 Hải Dương;63 Hà Nam;
66 Hưng Yên;67 Nam Định;68 Phú Thọ;69 Thái Nguyên;70 Vĩnh Phúc;71 Điện Biên;72 Đắk Nông;
73 Hậu Giang;CT Cần Thơ;DN Đà Nẵng;HN Hà Nội;HP Hải Phòng;SG Hồ Chí Minh
"""


class Places(Protocol):
    """A source of places."""

    def place_of(self, address: str) -> str:
        """A ward's five digits, a province's two, or "" for unknown."""
        ...


class Nowhere:
    """The source where no table is installed."""

    def place_of(self, address: str) -> str:
        return ""


class Table:
    """A table of networks. Raises BadSetting where the file cannot be read as one."""

    def __init__(self, path: Path) -> None:
        try:
            self._reader = maxminddb.open_database(path)
        except (maxminddb.InvalidDatabaseError, OSError) as error:
            raise BadSetting(f"TRACE_SCAN_PLACES cannot be read: {error}") from None

    def place_of(self, address: str) -> str:
        try:
            record = self._reader.get(address)
        except (ValueError, maxminddb.InvalidDatabaseError):
            return ""
        return _place(record) if isinstance(record, dict) else ""


def places_from(path: str) -> Places:
    """The source that a setting names."""
    return Table(Path(path)) if path else Nowhere()


def _place(record: dict[str, Any]) -> str:
    own = record.get("place")
    if isinstance(own, str):
        known = find_ward(own) is not None if len(own) == 5 else own in _codes()
        return own if known else ""
    country, location = record.get("country"), record.get("location")
    if not (isinstance(country, dict) and country.get("iso_code") == "VN"):
        return ""
    radius = location.get("accuracy_radius") if isinstance(location, dict) else None
    if isinstance(radius, int) and radius > TOO_VAGUE_KM:
        return ""
    parts = record.get("subdivisions")
    part = parts[0] if isinstance(parts, list) and parts else None
    if not isinstance(part, dict):
        return ""
    by_code = _by_iso().get(str(part.get("iso_code", "")), "")
    names = part.get("names")
    if by_code or not isinstance(names, dict):
        return by_code
    return next((found for name in names.values() if (found := _by_name().get(_plain(name)))), "")


def _plain(name: object) -> str:
    """ "Thành phố Hà Nội", "Hanoi" and "Ha Noi City" are one."""
    return _KIND.sub("", fold(str(name))).replace(" ", "")


@cache
def _codes() -> frozenset[str]:
    return frozenset(province.code for province in provinces())


@cache
def _by_name() -> dict[str, str]:
    """Provinces before July 2025 and since, by name: the code of today's."""
    found = {_plain(name): code for name, code in former_provinces().items()}
    found |= {_plain(province.name): province.code for province in provinces()}
    return found


@cache
def _by_iso() -> dict[str, str]:
    former = former_provinces()
    pairs = (part.strip().partition(" ") for part in _ISO.split(";"))
    return {code: former[name] for code, _, name in pairs}
