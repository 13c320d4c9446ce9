"""Scans in words: where they came from, what they tell of a copied code, how many there were."""

from __future__ import annotations

from collections.abc import Sequence

from flask_babel import gettext, ngettext

from trace.services.scans import Total
from trace.services.wards import find_ward, provinces


def place_name(place: str) -> str:
    """ "Hà Nội", or a ward with its province; that nobody knows where there is none."""
    ward = find_ward(place) if len(place) == 5 else None
    if ward is not None:
        return ward.full_name
    known = {province.code: province.name for province in provinces()}
    return known.get(place) or str(gettext("không rõ nơi"))


def reason_words(reasons: Sequence[tuple[str, int]]) -> list[str]:
    """A sentence for each signal of a score."""
    return [_reason(signal, number) for signal, number in reasons]


def _reason(signal: str, number: int) -> str:
    if signal == "returns":
        told = ngettext(
            "quét nơi này, rồi nơi khác, rồi lại nơi này: %(num)s lần",
            "quét nơi này, rồi nơi khác, rồi lại nơi này: %(num)s lần",
            number,
        )
        return str(told)
    if signal == "phones":
        told = ngettext(
            "%(num)s máy khác nhau mở lần đầu, trong nhiều ngày",
            "%(num)s máy khác nhau mở lần đầu, trong nhiều ngày",
            number,
        )
        return str(told)
    if signal == "fast":
        return str(gettext("hai nơi xa nhau, cách nhau quá ít thời gian"))
    if signal == "many":
        return str(gettext("%(n)s tỉnh trong một ngày", n=number))
    return str(gettext("tem đã hủy mà vẫn có người quét"))


def total_words(total: Total | None) -> str:
    """ "84 lần; biết được 3 phường, xã"; the number alone where nobody knows where; "" for none."""
    if total is None or not total.count:
        return ""
    times = ngettext("%(num)s lần", "%(num)s lần", total.count)
    if total.wards:
        where = ngettext(
            "biết được %(num)s phường, xã", "biết được %(num)s phường, xã", total.wards
        )
    elif total.provinces:
        where = ngettext(
            "biết được %(num)s tỉnh, thành phố",
            "biết được %(num)s tỉnh, thành phố",
            total.provinces,
        )
    else:
        return str(times)
    return f"{times}; {where}"
