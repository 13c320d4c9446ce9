"""What a series of readings comes to, in words (`trace:measured`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from flask_babel import gettext

UNITS: Final = {"CEL": "°C", "P1": "%", "MMT": "mm", "GQ": "µg/m³"}


def measure_word(measure: str) -> str:
    """The name of a measure."""
    words = {
        "temperature": gettext("Nhiệt độ"),
        "humidity": gettext("Độ ẩm"),
        "rainfall": gettext("Lượng mưa"),
        "fine-dust": gettext("Bụi mịn"),
    }
    return str(words.get(measure, measure))


def unit_word(uom: str) -> str:
    """The sign of a unit."""
    return UNITS.get(uom, uom)


def measured_words(one: Mapping[str, Any], number: Callable[[Any], str]) -> str:
    """ "Nhiệt độ 2–9 °C, trung bình 4,1 °C; ngoài 0–8 °C: 35 phút; không có số đo: 20 phút"."""
    unit = unit_word(str(one.get("uom", "")))

    def of(name: str) -> str:
        return number(one.get(name, ""))

    low, high = of("least"), of("most")
    if "sum" in one:
        parts = [gettext("cộng lại %(sum)s %(unit)s", sum=of("sum"), unit=unit)]
    else:
        span = low if low == high else f"{low}–{high}"
        parts = [f"{span} {unit}"]
        if "mean" in one and low != high:
            parts.append(gettext("trung bình %(mean)s %(unit)s", mean=of("mean"), unit=unit))
    text = f"{measure_word(str(one.get('measure', '')))} {', '.join(map(str, parts))}"
    more = []
    if one.get("minutesOutside"):
        bounds = _bounds(one, of, unit)
        words = gettext("%(bounds)s: %(minutes)s phút", bounds=bounds, minutes=of("minutesOutside"))
        more.append(str(words))
    if one.get("minutesUnknown"):
        words = gettext("không có số đo: %(minutes)s phút", minutes=of("minutesUnknown"))
        more.append(str(words))
    return "; ".join([text, *more])


def _bounds(one: Mapping[str, Any], of: Callable[[str], str], unit: str) -> str:
    if "low" in one and "high" in one:
        span = f"{of('low')}–{of('high')} {unit}"
        return str(gettext("ngoài khoảng %(span)s", span=span))
    if "high" in one:
        return str(gettext("trên %(limit)s", limit=f"{of('high')} {unit}"))
    return str(gettext("dưới %(limit)s", limit=f"{of('low')} {unit}"))
