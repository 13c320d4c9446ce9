"""Cells as people fill them, put into the form that the fields of our forms read.

Rules.
1. A number cell is a number: 1.5 in Excel is one and a half whatever the language. A number typed
   as text is read as in our forms ("1.500" alone is asked about, never guessed).
2. A day is day-first: 22/11/2026, 22-11-26, 22.11.2026, "ngày 22 tháng 11 năm 2026"; or ISO; or an
   Excel date; or the serial number that Excel shows when the date lost its format (1900 system).
3. A time may follow or precede: 7:30, 7h30, 7h, 7g30.
4. A phone number that lost its leading nought in a number cell gets it back.
"""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from trace.services.sheet_files import Value

_EPOCH: Final = datetime(1899, 12, 30)  # noqa: DTZ001  # Excel's days have no zone
_SERIALS: Final = (20_000, 80_000)  # 1954 to 2119
_SERIAL: Final = re.compile(r"\d{5}(?:[.,]\d+)?")
_WORDS: Final = re.compile(
    r"(?:ngày\s*)?(\d{1,2})\s*tháng\s*(\d{1,2})(?:\s*năm)?\s*(\d{4})", re.IGNORECASE
)
_DAY: Final = re.compile(r"(?<!\d)(\d{1,2})\s*[/.-]\s*(\d{1,2})\s*[/.-]\s*(\d{4}|\d{2})(?!\d)")
_ISO: Final = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_TIME: Final = re.compile(
    r"(?<!\d)(\d{1,2})\s*(?::|h|g|giờ)\s*(\d{2})?(?::\d{2}(?:\.\d+)?)?", re.IGNORECASE
)
_AMBIGUOUS: Final = re.compile(r"-?[1-9]\d{0,2}\.\d{3}")


def number_text(value: float | int) -> str:
    """A number cell as text that our fields read in one way only."""
    found = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if found == found.to_integral_value():
        return f"{int(found)}"
    text = f"{round(found, 12).normalize():f}"  # 0.1 + 0.2 is 0.3 to whoever typed it
    return f"{text}0" if _AMBIGUOUS.fullmatch(text) else text


def shown(value: Value) -> str:
    """What stood in the cell, for people and for the file of refused rows."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime):
        return value.strftime("%d/%m/%Y" if value.time() == value.min.time() else "%d/%m/%Y %H:%M")
    if isinstance(value, date):
        return value.strftime("%d/%m/%Y")
    return number_text(value)


def _moment(value: Value) -> datetime | None:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        if not _SERIALS[0] < value < _SERIALS[1]:
            return None
        return _EPOCH + timedelta(seconds=round(value * 86_400))
    return _from_text(" ".join(value.split()))


def _from_text(text: str) -> datetime | None:
    if _SERIAL.fullmatch(text):
        return _moment(float(text.replace(",", ".")))
    day = _ISO.search(text)
    parts = [int(part) for part in day.groups()][::-1] if day else []
    if day is None and (day := _WORDS.search(text) or _DAY.search(text)):
        parts = [int(part) for part in day.groups()]
    if day is None:
        return None
    rest = f"{text[: day.start()]} {text[day.end() :]}".replace("T", " ").strip(" ,;-")
    time = _TIME.fullmatch(rest) if rest else None
    if rest and time is None:
        return None
    year = parts[2] + 2000 if parts[2] < 100 else parts[2]
    hour, minute = (int(time[1]), int(time[2] or 0)) if time else (0, 0)
    try:
        return datetime(year, parts[1], parts[0], hour, minute)  # noqa: DTZ001
    except ValueError:
        return None


def day_text(value: Value) -> str:
    """A day as the field reads it; what is no day stays as it was typed."""
    found = _moment(value)
    return shown(value) if found is None else found.date().isoformat()


def moment_text(value: Value) -> str:
    """A local day and time as the field reads it; what is none stays as it was typed."""
    found = _moment(value)
    return shown(value) if found is None else found.strftime("%d/%m/%Y %H:%M")


def phone_text(value: Value) -> str:
    """A phone number, its nought given back."""
    text = shown(value)
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return f"0{text}" if whole and len(text) == 9 else text
